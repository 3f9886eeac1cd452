//! Where a device library is looked for.

use std::ffi::OsStr;
use std::fs;

use finbox_runtime::plugin::{DEVICE_PATH_VARIABLE, DEVICE_VARIABLE, DeviceLibrary, LibraryError};

use crate::alone::{self, is_alone};
use crate::built::{build, folder, have_cc};

#[test]
fn f39_a_path_that_leads_nowhere_is_refused_with_the_path() {
    let path = folder("f39-nowhere").join("device.so");
    let refusal = DeviceLibrary::load(&path).expect_err("an empty folder");
    assert!(
        matches!(refusal, LibraryError::Missing { .. }),
        "{refusal:?}"
    );
    let said = refusal.to_string();
    assert!(
        said.contains(&format!("no file {}; check the path", path.display())),
        "{said}"
    );
}

#[test]
fn f39_a_name_that_is_nowhere_is_refused_with_every_place() {
    let folders = ["f39-first", "f39-second"].map(folder);
    let refusal = DeviceLibrary::load_from("absent-device", &folders).expect_err("no such name");
    let said = refusal.to_string();
    for folder in folders {
        for name in ["libfinbox_absent-device.so", "absent-device"] {
            let file = folder.join(name).display().to_string();
            assert!(said.contains(&file), "{file}: {said}");
        }
    }
    assert_eq!(said.matches("the loader says").count(), 2, "{said}");
    for next in ["./absent-device", DEVICE_PATH_VARIABLE] {
        assert!(said.contains(next), "{next}: {said}");
    }
}

#[test]
fn an_empty_name_is_refused() {
    let refusal = DeviceLibrary::load_from("", &[]).expect_err("no name");
    assert!(
        matches!(refusal, LibraryError::Missing { .. }),
        "{refusal:?}"
    );
}

#[test]
fn a_name_is_found_in_the_first_folder_that_has_it_and_decorated_first() {
    if !have_cc() {
        return;
    }
    let folders = ["search-empty", "search-both", "search-plain"].map(folder);
    let [_, both, plain] = &folders;
    let (decorated, bare) = (both.join("libfinbox_rack.so"), both.join("rack"));
    build(&decorated, "-DWHOLE");
    fs::write(&bare, "not a library").expect("a writable folder");
    fs::copy(&decorated, plain.join("rack")).expect("a library");
    let found = |folders| {
        let library = DeviceLibrary::load_from("rack", folders).expect("it is there");
        library.describe().path.clone()
    };
    assert_eq!(found(&folders), decorated);
    assert_eq!(found(&folders[2..]), plain.join("rack"));
}

#[test]
fn the_environment_names_a_library_and_its_folders() {
    const NAME: &str = "search::the_environment_names_a_library_and_its_folders";
    if is_alone() {
        let library = DeviceLibrary::from_env().expect("it is in the last folder");
        assert_eq!(library.describe().name, "broken-device");
        return;
    }
    if have_cc() {
        let folder = folder("search-environment");
        build(&folder.join("libfinbox_rack.so"), "-DWHOLE");
        let mut folders = OsStr::new("::no-folder:").to_owned();
        folders.push(&folder);
        let rack = OsStr::new("rack");
        let set = [(DEVICE_VARIABLE, rack), (DEVICE_PATH_VARIABLE, &*folders)];
        alone::run(NAME, &set, &[]);
    }
}

#[test]
fn without_a_name_in_the_environment_the_variable_is_asked_for() {
    const NAME: &str = "search::without_a_name_in_the_environment_the_variable_is_asked_for";
    if is_alone() {
        let refusal = DeviceLibrary::from_env().expect_err("nothing is named");
        assert_eq!(refusal, LibraryError::Unset);
        assert!(
            refusal.to_string().contains("set FINBOX_DEVICE "),
            "{refusal}"
        );
        return;
    }
    alone::run(NAME, &[], &[DEVICE_VARIABLE]);
    alone::run(NAME, &[(DEVICE_VARIABLE, OsStr::new(""))], &[]);
}

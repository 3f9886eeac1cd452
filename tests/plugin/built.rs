//! Device libraries, compiled from C for these tests.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use finbox_runtime::plugin::{DeviceLibrary, LibraryError};

/// An empty folder of a test's own.
pub(crate) fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("plugin")
        .join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a writable folder");
    folder
}

/// Whether C can be compiled here.
pub(crate) fn have_cc() -> bool {
    static HAVE: LazyLock<bool> = LazyLock::new(|| {
        let found = Command::new("cc").arg("--version").output();
        found.is_ok_and(|output| output.status.success())
    });
    if !*HAVE {
        println!("skipped: there is no cc here");
    }
    *HAVE
}

/// Compiles the library that is spoiled so.
pub(crate) fn build(path: &Path, define: &str) {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut build = Command::new("cc");
    build.args(["-std=c11", "-Wall", "-Wextra", "-pedantic", "-Werror"]);
    build.args(["-Wno-unused-function", "-Wno-unused-variable"]);
    build.args(["-O1", "-fPIC", "-shared", "-I"]);
    build.arg(tests.join("../runtime/include")).arg(define);
    build.arg(tests.join("plugin/device.c")).arg("-o").arg(path);
    let output = build.output().expect("there is a cc");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{build:?}: {said}");
}

/// The library whose query does `spoil` before it returns its table.
pub(crate) fn spoiled(test: &str, spoil: &str) -> (PathBuf, Result<DeviceLibrary, LibraryError>) {
    let path = folder(test).join("device.so");
    build(&path, &format!("-DBREAK={spoil}"));
    let loaded = DeviceLibrary::load(&path);
    (path, loaded)
}

/// What is said of the library that is spoiled so, which must be refused.
pub(crate) fn refusal(test: &str, spoil: &str) -> String {
    let (path, loaded) = spoiled(test, spoil);
    let refusal = loaded.expect_err("it is spoiled").to_string();
    assert!(
        refusal.contains(&path.display().to_string()),
        "which library? {refusal}"
    );
    refusal
}

/// The whole library, built once.
pub(crate) fn whole() -> DeviceLibrary {
    static WHOLE: LazyLock<PathBuf> = LazyLock::new(|| {
        let path = folder("whole").join("device.so");
        build(&path, "-DWHOLE");
        path
    });
    load(&*WHOLE)
}

pub(crate) fn load(name: impl AsRef<OsStr>) -> DeviceLibrary {
    DeviceLibrary::load(name).unwrap_or_else(|error| panic!("{error}"))
}

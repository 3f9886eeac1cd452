//! Where device libraries are looked for.
//!
//! A path is taken as it is. A bare name, without a slash, is tried as `libfinbox_NAME.so` and as
//! `NAME`, in the folders of [`DEVICE_PATH_VARIABLE`] and then where the system's loader looks.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

use super::error::{LibraryError, Tried};

/// The variable that names the device library to use.
pub const DEVICE_VARIABLE: &str = "FINBOX_DEVICE";
/// The variable with the folders that device libraries are looked for in, separated by colons.
pub const DEVICE_PATH_VARIABLE: &str = "FINBOX_DEVICE_PATH";

/// Finds and loads a library; comes with the path by which it was found.
pub(super) fn find(name: &OsStr, folders: &[PathBuf]) -> Result<(PathBuf, Library), LibraryError> {
    let path = Path::new(name);
    let mut tried = Tried::default();
    if name.as_encoded_bytes().contains(&b'/') {
        if path.exists() {
            return loaded(path);
        }
        tried.files.push(path.into());
    } else {
        let mut decorated = OsStr::new("libfinbox_").to_owned();
        decorated.push(name);
        decorated.push(".so");
        let names = [decorated.as_os_str(), name];
        for file in folders
            .iter()
            .flat_map(|folder| names.map(|name| folder.join(name)))
        {
            if file.is_file() {
                return loaded(&file);
            }
            tried.files.push(file);
        }
        for name in names.into_iter().filter(|name| !name.is_empty()) {
            match open(name) {
                Ok(library) => return Ok((name.into(), library)),
                Err(text) => tried.loader.push(text),
            }
        }
    }
    let name = path.into();
    Err(LibraryError::Missing { name, tried })
}

fn loaded(path: &Path) -> Result<(PathBuf, Library), LibraryError> {
    match open(path.as_os_str()) {
        Ok(library) => Ok((path.into(), library)),
        Err(text) => Err(LibraryError::Load {
            path: path.into(),
            text,
        }),
    }
}

/// Loads with all its symbols, so that a missing one is told here and not when it is called.
fn open(name: &OsStr) -> Result<Library, String> {
    // SAFETY: what its initialisers do is not known; whoever names a library trusts it.
    let library = unsafe { Library::open(Some(name), RTLD_NOW | RTLD_LOCAL) };
    library.map_err(|error| error.to_string())
}

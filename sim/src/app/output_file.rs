//! A file that a run leaves: opened before the run, so that a bad path costs nothing, and written
//! behind it. What it held before stays until then.
//!
//! Refuses the file that the run is read from, under whatever name. Called by `app`.

use std::fs::{self, File, Metadata};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::cli::What;
use crate::report::{Code, ErrorReport, Invalid, RunReport};

/// A file that is to be written.
pub(super) struct OutputFile {
    file: File,
    path: PathBuf,
    what: &'static str,
    /// Whether there was none before.
    is_new: bool,
}

impl OutputFile {
    /// Opens `path` for `what` of a run of `input`.
    pub(super) fn open(
        what: &'static str,
        path: &Path,
        input: &What,
    ) -> Result<Self, Box<RunReport>> {
        let opened = if is_same(path, input) {
            Err(io::Error::other("the run is read from it"))
        } else {
            opened(path)
        };
        match opened {
            Ok((file, is_new)) => Ok(Self {
                file,
                path: path.to_owned(),
                what,
                is_new,
            }),
            Err(error) => {
                let error = unwritable(what, path, &error);
                Err(Box::new(RunReport::refused(Invalid::Usage, error)))
            }
        }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces what it holds by `bytes`; a new file that cannot be written is taken away again.
    pub(super) fn write(mut self, bytes: &[u8]) -> Result<(), ErrorReport> {
        self.fill(bytes).map_err(|error| {
            let error = unwritable(self.what, &self.path, &error);
            self.give_up();
            error
        })
    }

    fn fill(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.file.metadata()?.is_file() {
            self.file.set_len(0)?;
        }
        self.file.write_all(bytes)?;
        self.file.flush()
    }

    /// There is nothing to write: takes a file away again that nobody had before.
    pub(super) fn give_up(&self) {
        if self.is_new {
            let _nobody_needs_it = fs::remove_file(&self.path);
        }
    }
}

/// Whether `path` is the file that `input` is read from.
fn is_same(path: &Path, input: &What) -> bool {
    let What::Path(input) = input else {
        return false;
    };
    let identity = |found: Metadata| (found.dev(), found.ino());
    let identity = |path: &Path| fs::metadata(path).map(identity).ok();
    identity(path).is_some_and(|found| identity(input) == Some(found))
}

/// The file, and whether it is new.
fn opened(path: &Path) -> io::Result<(File, bool)> {
    let mut options = File::options();
    match options.write(true).create_new(true).open(path) {
        Ok(file) => Ok((file, true)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let file = File::options().write(true).open(path)?;
            Ok((file, false))
        }
        Err(error) => Err(error),
    }
}

fn unwritable(what: &str, path: &Path, error: &io::Error) -> ErrorReport {
    let message = format!(
        "the {what} cannot be written to {}: {error}",
        path.display()
    );
    ErrorReport::new(
        Code::OUTPUT_UNWRITABLE,
        message,
        Code::OUTPUT_UNWRITABLE.hint,
    )
}

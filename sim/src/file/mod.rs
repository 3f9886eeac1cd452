//! Text files that people write: read, parsed as JSON, and refused with line and column.
//!
//! Guarantees: every refusal names file, line and column, what is wrong there and what to do
//! next, in bounded words; no input panics; memory is a small multiple of the file. Refuses: to
//! know any format. Called by the readers of cost models, graphs and workflows.

mod layout;
mod once;
mod place;
mod words;

use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use self::layout::laid_out;
pub use self::once::Once;
pub use self::place::{Position, Step, locate};
use self::words::plain;
use crate::cli::near;

/// Most characters of a message of the JSON parser that are shown.
const MOST_CHARS: usize = 500;

/// Why a file was refused.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The operating system refused access.
    #[error("cannot read {}: {source}", .path.display())]
    Unreadable {
        /// What was to be read.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Bytes that are no text.
    #[error("{} is no text: what begins at byte {offset} is not UTF-8", .path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// The first byte that is not UTF-8.
        offset: usize,
    },
    /// Something in it is wrong.
    #[error("{}, {at}: {problem}", .path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Where.
        at: Position,
        /// What.
        problem: Box<dyn Error + Send + Sync>,
        /// What to do next, in one line.
        hint: String,
    },
}

impl FileError {
    /// What to do next, in one line.
    pub fn hint(&self) -> &str {
        match self {
            Self::Unreadable { .. } => "check the path and its permissions",
            Self::NotText { .. } => "this file is JSON in UTF-8, or it is something else",
            Self::Invalid { hint, .. } => hint,
        }
    }
}

/// What may be wrong in a file of some format.
pub trait Problem: Error + Send + Sync + 'static {
    /// What to do next, in one line.
    fn hint(&self) -> String;
}

/// A file with nothing in it.
#[derive(Debug, thiserror::Error)]
#[error("the file is empty")]
struct Empty;

impl Problem for Empty {
    fn hint(&self) -> String {
        "is it the right file, and was it written to its end?".to_owned()
    }
}

/// What the JSON parser says.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Syntax(String);

/// A file and its text.
#[derive(Debug)]
pub struct TextFile {
    path: PathBuf,
    text: String,
}

impl TextFile {
    /// Reads a file.
    ///
    /// # Errors
    /// [`FileError::Unreadable`] and [`FileError::NotText`].
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let bytes = fs::read(path).map_err(|source| FileError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let text = String::from_utf8(bytes).map_err(|error| FileError::NotText {
            path: path.to_owned(),
            offset: error.utf8_error().valid_up_to(),
        })?;
        Ok(Self::new(path, text))
    }

    /// A text as if it had been read from `path`.
    pub fn new(path: &Path, text: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            text: text.into(),
        }
    }

    /// The file's name without folder and extension.
    pub fn stem(&self) -> String {
        let stem = self.path.file_stem().unwrap_or_default();
        stem.to_string_lossy().into_owned()
    }

    /// The text as a `T`.
    ///
    /// # Errors
    /// Text that is no JSON, or not that of a `T`.
    pub fn parse<'t, T: Deserialize<'t>>(&'t self) -> Result<T, FileError> {
        serde_json::from_str(&self.text).map_err(|error| self.syntax(&error))
    }

    /// The refusal of what stands at the end of `steps`.
    pub fn wrong(&self, steps: &[Step<'_>], problem: impl Problem) -> FileError {
        FileError::Invalid {
            path: self.path.clone(),
            at: locate(&self.text, steps),
            hint: problem.hint(),
            problem: Box::new(problem),
        }
    }

    fn syntax(&self, error: &serde_json::Error) -> FileError {
        if self.text.trim_ascii().is_empty() {
            return self.wrong(&[], Empty);
        }
        let at = Position {
            line: error.line(),
            column: error.column(),
        };
        let said = error.to_string();
        let place = format!(" at line {} column {}", at.line, at.column);
        let said = said.strip_suffix(&place).unwrap_or(&said);
        FileError::Invalid {
            path: self.path.clone(),
            at,
            hint: hint(said),
            problem: Box::new(Syntax(shortened(&plain(said)))),
        }
    }
}

/// What may have been meant, from what the parser says: `unknown field …, expected one of …`.
fn hint(said: &str) -> String {
    let mut quoted = said.split('`').skip(1).step_by(2);
    let unknown = quoted.next().filter(|_| said.starts_with("unknown "));
    if let Some(unknown) = unknown
        && let Some(meant) = near(unknown, quoted).first()
    {
        return format!("did you mean `{meant}`?");
    }
    if said.starts_with("EOF ") {
        return "the file ends too early: is it whole?".to_owned();
    }
    "correct the file at this place".to_owned()
}

fn shortened(said: &str) -> String {
    match said.char_indices().nth(MOST_CHARS) {
        Some((end, _)) => format!("{}…", &said[..end]),
        None => said.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{FileError, TextFile};
    use serde::Deserialize;
    use std::path::Path;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[serde(rename = "first_field")]
        _first: u64,
        #[serde(rename = "second_field", default)]
        _second: u64,
    }

    fn refused(text: &str) -> FileError {
        let file = TextFile::new(Path::new("a.json"), text);
        file.parse::<Sample>().expect_err("it is wrong")
    }

    #[test]
    fn an_unknown_field_has_a_place_and_a_near_name() {
        let error = refused("{\n \"frst_field\": 1}");
        let text = error.to_string();
        assert!(text.starts_with("a.json, line 2, column 13: unknown field `frst_field`"));
        assert_eq!(error.hint(), "did you mean `first_field`?");
    }

    #[test]
    fn a_name_without_end_is_shortened() {
        let long = "x".repeat(100_000);
        let error = refused(&format!("{{\"{long}\": 1}}"));
        assert!(error.to_string().chars().count() < 600);
        assert_eq!(error.hint(), "correct the file at this place");
    }

    #[test]
    fn a_file_without_content_is_empty() {
        for text in ["", " \n"] {
            let said = refused(text).to_string();
            assert_eq!(
                said.split_once(": ").unwrap().1,
                "the file is empty",
                "{said}"
            );
            assert!(said.starts_with("a.json, line "), "{said}");
        }
        let said = refused("{\"first_field\": -1}").to_string();
        assert!(
            said.contains("-1 stands where a whole number from 0 to"),
            "{said}"
        );
    }

    #[test]
    fn what_ends_early_and_what_is_missing_are_said() {
        let error = refused("{\"first_field\": 1");
        assert_eq!(error.hint(), "the file ends too early: is it whole?");
        assert!(refused("{}").to_string().contains("missing field"));
    }

    #[test]
    fn bytes_that_are_no_text_and_no_file_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        let missing = TextFile::read(&path).unwrap_err();
        assert!(matches!(missing, FileError::Unreadable { .. }));
        std::fs::write(&path, b"{\"\xff\"}").unwrap();
        let binary = TextFile::read(&path).unwrap_err();
        assert!(matches!(binary, FileError::NotText { offset: 2, .. }));
    }
}

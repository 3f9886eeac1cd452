//! Naming a node in a message: its id, name, rank, file and byte offset.
//!
//! Guarantees: what is printed is of bounded length and holds no control characters,
//! whatever the trace calls its nodes. Used by the importer's errors.

use std::fmt;
use std::path::PathBuf;

/// Characters of a name that are kept.
const SHOWN: usize = 60;

/// Where one node stands, for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodePlace {
    /// The rank whose trace it is in.
    pub rank: u32,
    /// Its id.
    pub id: u64,
    /// Its name, shortened.
    pub name: Box<str>,
    /// Its file.
    pub file: PathBuf,
    /// Of its length prefix, in the decompressed stream.
    pub offset: u64,
}

impl fmt::Display for NodePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rank,
            id,
            name,
            file,
            offset,
        } = self;
        let name = Quoted(name);
        write!(
            f,
            "node {id} {name} of rank {rank} (byte {offset} of {})",
            file.display()
        )
    }
}

/// A name cut to a length that fits a message; the cut shows as an ellipsis.
pub(super) fn shorten(name: &str) -> String {
    match name.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

/// Prints a name in quotes, control characters escaped.
pub(super) struct Quoted<'a>(pub(super) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_debug())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_cut_between_characters() {
        let name = "é".repeat(SHOWN + 1);
        assert_eq!(shorten(&name).chars().count(), SHOWN + 1);
        assert!(shorten(&name).ends_with('…'));
        assert_eq!(shorten("short"), "short");
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(Quoted("a\u{1b}[2J\n").to_string(), r#""a\u{1b}[2J\n""#);
    }
}

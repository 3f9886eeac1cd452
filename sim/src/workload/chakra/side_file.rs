//! The side file `PREFIX.json`: a JSON object of process group name → list of ranks.
//!
//! Guarantees: linear time. Refuses everything but an object of lists of ranks, and a group that
//! is declared twice, with the byte where reading stopped: at the end of what is wrong. No file
//! means no groups. Called by `groups`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

use super::error::ImportError;

/// The ranks of every declared group.
pub(super) type Groups = BTreeMap<String, BTreeSet<u32>>;

/// The longest file taken; 1024 ranks have some thousand groups of a few bytes a rank.
const MAX_BYTES: u64 = 16 << 20;

/// Reads the groups that a side file declares.
pub(super) fn read(path: &Path) -> Result<Groups, ImportError> {
    match contents(path) {
        Ok(text) => parse(&text).map_err(|Problem { at, what }| ImportError::SideFile {
            file: path.to_owned(),
            offset: at,
            problem: what,
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Groups::new()),
        Err(source) => Err(ImportError::Unreadable {
            path: path.to_owned(),
            source,
        }),
    }
}

fn contents(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?
        .take(MAX_BYTES + 1)
        .read_to_end(&mut text)?;
    Ok(text)
}

/// What is wrong, and at which byte the reader stopped.
#[derive(Debug)]
struct Problem {
    at: usize,
    what: String,
}

fn parse(text: &[u8]) -> Result<Groups, Problem> {
    if text.len() as u64 > MAX_BYTES {
        return Err(Problem {
            at: text.len(),
            what: "the file is longer than 16 MiB".into(),
        });
    }
    match serde_json::from_slice(text) {
        Ok(Declared(groups)) => Ok(groups),
        Err(error) => Err(Problem {
            at: match error.is_eof() {
                true => text.len(),
                false => offset(text, error.line(), error.column()),
            },
            what: error.to_string(),
        }),
    }
}

/// The byte at a line and column, both counted from 1; column 0 is the end of the line before.
fn offset(text: &[u8], line: usize, column: usize) -> usize {
    let before = text
        .split_inclusive(|&byte| byte == b'\n')
        .take(line.saturating_sub(1));
    let start: usize = before.map(<[u8]>::len).sum();
    (start + column).saturating_sub(1).min(text.len())
}

/// Groups as they stand in the file: serde alone would let the last of two win.
struct Declared(Groups);

impl<'de> Deserialize<'de> for Declared {
    fn deserialize<D: Deserializer<'de>>(file: D) -> Result<Self, D::Error> {
        file.deserialize_map(Declaring).map(Self)
    }
}

struct Declaring;

impl<'de> Visitor<'de> for Declaring {
    type Value = Groups;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object of group name and list of ranks")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut file: A) -> Result<Groups, A::Error> {
        let mut groups = Groups::new();
        while let Some(name) = file.next_key::<String>()? {
            if groups.contains_key(&name) {
                return Err(A::Error::custom("the group is declared twice"));
            }
            groups.insert(name, file.next_value()?);
        }
        Ok(groups)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_map_names_to_ranks() {
        let groups = parse(br#" { "1": [0, 1], "\u0061\"": [ 7 ], "": [] } "#).unwrap();
        assert_eq!(groups["1"], BTreeSet::from([0, 1]));
        assert_eq!(groups["a\""], BTreeSet::from([7]));
        assert!(groups[""].is_empty());
        assert_eq!(parse(b"{}").unwrap(), Groups::new());
    }

    #[test]
    fn what_is_no_map_of_ranks_is_refused_at_its_byte() {
        let cases: [(&[u8], usize); 12] = [
            (b"", 0),
            (b"[]", 0),
            (b"{\"1\": 5}", 6),
            (b"{\"1\": [-1]}", 8),
            (b"{\"1\": [4294967296]}", 16),
            (b"{\"1\": [0 1]}", 9),
            (b"{\"1\": [0,]}", 9),
            (b"{\"1\": [0]", 9),
            (b"{\"1\": []} x", 10),
            (b"{\"1\": [], \"1\": []}", 12),
            (b"{\"\\u00\": []}", 7),
            (b"{\"1", 3),
        ];
        for (text, at) in cases {
            let problem = parse(text).unwrap_err();
            assert_eq!(problem.at, at, "{}", problem.what);
        }
    }

    #[test]
    fn no_cut_of_a_side_file_passes_or_panics() {
        let whole = br#"{"a\u0041\n": [0, 12], "b": []}"#;
        for end in 0..whole.len() {
            assert!(parse(&whole[..end]).is_err(), "cut at {end}");
        }
    }
}

//! The side file `PREFIX.json`: a JSON object of process group name → list of ranks.
//!
//! Guarantees: linear time, no recursion. Refuses everything but an object of lists of ranks
//! with the byte where it goes wrong. No file means no groups. Called by `groups`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use super::error::ImportError;

/// The ranks of every declared group.
pub(super) type Groups = BTreeMap<String, BTreeSet<u32>>;

/// The longest file taken; 64 ranks have some hundred groups of a few bytes a rank.
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

/// What is wrong, and at which byte.
#[derive(Debug, PartialEq, Eq)]
struct Problem {
    at: usize,
    what: &'static str,
}

fn parse(text: &[u8]) -> Result<Groups, Problem> {
    if text.len() as u64 > MAX_BYTES {
        return Err(Problem {
            at: text.len(),
            what: "the file is longer than 16 MiB",
        });
    }
    let mut cursor = Cursor { text, at: 0 };
    let mut groups = Groups::new();
    cursor.list(b'{', b'}', |cursor| {
        let start = cursor.at;
        let name = cursor.string()?;
        cursor.expect(b':', "a colon is missing")?;
        let mut ranks = BTreeSet::new();
        cursor.list(b'[', b']', |cursor| {
            ranks.insert(cursor.rank()?);
            Ok(())
        })?;
        match groups.insert(name, ranks) {
            None => Ok(()),
            Some(_) => Err(Problem {
                at: start,
                what: "the group is declared twice",
            }),
        }
    })?;
    match cursor.peek() {
        None => Ok(groups),
        Some(_) => Err(cursor.problem("something follows the object")),
    }
}

struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn problem(&self, what: &'static str) -> Problem {
        Problem { at: self.at, what }
    }

    /// The next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.text.get(self.at) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn expect(&mut self, byte: u8, otherwise: &'static str) -> Result<(), Problem> {
        if self.peek() != Some(byte) {
            return Err(self.problem(otherwise));
        }
        self.at += 1;
        Ok(())
    }

    /// Items between brackets, with commas between them.
    fn list(
        &mut self,
        open: u8,
        close: u8,
        mut item: impl FnMut(&mut Self) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        let missing = if open == b'{' {
            "an object is missing"
        } else {
            "a list is missing"
        };
        self.expect(open, missing)?;
        if self.peek() == Some(close) {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.peek();
            item(self)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(byte) if byte == close => break,
                _ => return Err(self.problem("a comma or a closing bracket is missing")),
            }
        }
        self.at += 1;
        Ok(())
    }

    fn rank(&mut self) -> Result<u32, Problem> {
        let digits = self.text[self.at..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let text = std::str::from_utf8(&self.text[self.at..self.at + digits]).unwrap_or_default();
        let rank = text
            .parse()
            .map_err(|_| self.problem("a rank is missing or too large"))?;
        self.at += digits;
        Ok(rank)
    }

    fn string(&mut self) -> Result<String, Problem> {
        self.expect(b'"', "a group name in quotes is missing")?;
        let start = self.at;
        let mut bytes = Vec::new();
        loop {
            match self.text.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    let escaped = self.escape()?;
                    bytes.extend_from_slice(escaped.encode_utf8(&mut [0; 4]).as_bytes());
                }
                Some(0..0x20) | None => return Err(self.problem("a group name is not closed")),
                Some(&byte) => {
                    bytes.push(byte);
                    self.at += 1;
                }
            }
        }
        self.at += 1;
        String::from_utf8(bytes).map_err(|_| Problem {
            at: start,
            what: "the name is no UTF-8",
        })
    }

    fn escape(&mut self) -> Result<char, Problem> {
        let escaped = match self.text.get(self.at + 1) {
            Some(b'n') => '\n',
            Some(b't') => '\t',
            Some(b'r') => '\r',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(&byte @ (b'"' | b'\\' | b'/')) => byte.into(),
            Some(b'u') => return self.unicode_escape(),
            _ => return Err(self.problem("the escape is unknown")),
        };
        self.at += 2;
        Ok(escaped)
    }

    /// `\uXXXX`; halves of surrogate pairs are refused, no group is named so.
    fn unicode_escape(&mut self) -> Result<char, Problem> {
        let digits = self.text.get(self.at + 2..self.at + 6);
        let digits = digits.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let escaped = code.and_then(char::from_u32);
        let escaped = escaped.ok_or_else(|| self.problem("the escape is no character"))?;
        self.at += 6;
        Ok(escaped)
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
            (b"{\"1\": [-1]}", 7),
            (b"{\"1\": [4294967296]}", 7),
            (b"{\"1\": [0 1]}", 9),
            (b"{\"1\": [0,]}", 9),
            (b"{\"1\": [0]", 9),
            (b"{\"1\": []} x", 10),
            (b"{\"1\": [], \"1\": []}", 10),
            (b"{\"\\u00\": []}", 2),
            (b"{\"1", 3),
        ];
        for (text, at) in cases {
            let problem = parse(text).unwrap_err();
            assert_eq!(
                problem.at,
                at,
                "{} in {:?}",
                problem.what,
                std::str::from_utf8(text)
            );
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

//! A document of `finbox run --json`, read back: any tree, in the order of the file.
//!
//! Guarantees: whatever a later version added is kept; a document of another kind or version, one
//! that was cut off, and one without the fields that every run has are refused with the file, the
//! place and what to do next. Refuses: files above [`MOST_BYTES`], which no run prints. Called by
//! `compare`.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::report::{Code, ErrorReport, printable};

/// The most bytes of a document: a run with every list full prints far less.
const MOST_BYTES: u64 = 64 << 20;

/// The kind and version that is read.
const SCHEMA: &str = "finbox.run/1";

/// What to do about a file that is no whole document.
const AGAIN: &str = "write it again with `finbox run … --json >FILE`";

/// A value of a document.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    /// Null.
    Nothing,
    /// True or false.
    Truth(bool),
    /// A number without a fraction.
    Whole(i128),
    /// Any other number.
    Real(f64),
    /// Text.
    Text(String),
    /// Values in order.
    List(Vec<Self>),
    /// Named values in order.
    Object(Vec<(String, Self)>),
}

impl Node {
    /// The value called `name`, if this is an object that has one.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        let Self::Object(fields) = self else {
            return None;
        };
        fields
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, value)| value)
    }

    /// The text called `name`, if there is one.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(Self::Text(text)) => Some(text),
            _ => None,
        }
    }
}

/// Reads the document in `path`.
pub(super) fn read(path: &Path) -> Result<Node, ErrorReport> {
    let bytes = match bytes(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            let message = format!("{} cannot be read: {error}", path.display());
            let code = Code::INPUT_UNREADABLE;
            return Err(ErrorReport::new(code, message, code.hint));
        }
    };
    let refuse = |(what, hint): (String, &str)| {
        let message = format!("{}: {what}", path.display());
        ErrorReport::new(Code::INPUT_INVALID, message, hint)
    };
    if bytes.len() as u64 > MOST_BYTES {
        let what = format!("longer than {MOST_BYTES} bytes, which no run prints");
        return Err(refuse((
            what,
            "name a file that `finbox run … --json` wrote",
        )));
    }
    parse(&bytes).map_err(refuse)
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MOST_BYTES + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The document, or what is wrong with it and what to do next.
pub(super) fn parse(bytes: &[u8]) -> Result<Node, (String, &'static str)> {
    let document: Node = match serde_json::from_slice(bytes) {
        Ok(document) => document,
        Err(_) if bytes.trim_ascii().is_empty() => return Err(("it is empty".to_owned(), AGAIN)),
        Err(error) => return Err((no_json(bytes, &error), AGAIN)),
    };
    is_run(&document)?;
    Ok(document)
}

fn no_json(bytes: &[u8], error: &serde_json::Error) -> String {
    let before = bytes.split_inclusive(|&byte| byte == b'\n');
    let before: usize = before
        .take(error.line().saturating_sub(1))
        .map(<[u8]>::len)
        .sum();
    let at = (before + error.column()).min(bytes.len());
    let place = format!("byte {at}, line {}", error.line());
    if error.is_eof() {
        return format!("it ends in the middle, at {place}: it was cut off");
    }
    let what = error.to_string();
    let what = what.split(" at line ").next().unwrap_or_default();
    format!("no JSON at {place}: {}", printable(what))
}

fn is_run(document: &Node) -> Result<(), (String, &'static str)> {
    match document.text("schema") {
        Some(SCHEMA) => {}
        Some(other) if other.starts_with("finbox.run/") => {
            let what = format!("it is {}, and {SCHEMA} is read here", printable(other));
            return Err((what, "compare it with the finbox that wrote it"));
        }
        Some(other) => {
            let what = format!("it is {}, not a run ({SCHEMA})", printable(other));
            return Err((what, AGAIN));
        }
        None => {
            let what = format!("no document of a run: there is no \"schema\": \"{SCHEMA}\"");
            return Err((what, AGAIN));
        }
    }
    for name in ["scenario", "verdict"] {
        if document.text(name).is_none() {
            return Err((format!("there is no text called \"{name}\""), AGAIN));
        }
    }
    for name in ["tasks", "fins"] {
        if !matches!(document.get(name), Some(Node::Object(_))) {
            return Err((format!("there is no object called \"{name}\""), AGAIN));
        }
    }
    Ok(())
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_any(Nodes)
    }
}

/// Makes nodes of whatever comes.
struct Nodes;

impl<'de> Visitor<'de> for Nodes {
    type Value = Node;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Nothing)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Truth(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Whole(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Whole(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Real(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut input: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = input.next_element()? {
            list.push(value);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut input: A) -> Result<Node, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = input.next_entry()? {
            fields.push(field);
        }
        Ok(Node::Object(fields))
    }
}

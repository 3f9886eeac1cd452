//! Small traces, written as a producer would.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use prost::Message;
use tempfile::TempDir;

pub(crate) const METADATA: i32 = 1;
pub(crate) const STORE: i32 = 3;
pub(crate) const COMPUTE: i32 = 4;
pub(crate) const SEND: i32 = 5;
pub(crate) const RECEIVE: i32 = 6;
pub(crate) const COLLECTIVE: i32 = 7;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Node {
    #[prost(uint64, tag = "1")]
    pub(crate) id: u64,
    #[prost(string, tag = "2")]
    pub(crate) name: String,
    #[prost(int32, tag = "3")]
    pub(crate) kind: i32,
    #[prost(uint64, repeated, tag = "4")]
    pub(crate) ctrl_deps: Vec<u64>,
    #[prost(uint64, repeated, tag = "5")]
    pub(crate) data_deps: Vec<u64>,
    #[prost(uint64, tag = "7")]
    pub(crate) duration_micros: u64,
    #[prost(message, repeated, tag = "10")]
    pub(crate) attributes: Vec<Attribute>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Attribute {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(int64, optional, tag = "9")]
    pub(crate) number: Option<i64>,
    #[prost(message, optional, tag = "28")]
    pub(crate) truths: Option<Truths>,
    #[prost(string, optional, tag = "29")]
    pub(crate) text: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Truths {
    #[prost(bool, repeated, tag = "1")]
    pub(crate) values: Vec<bool>,
}

impl Node {
    pub(crate) fn new(id: u64, kind: i32) -> Self {
        Self {
            id,
            kind,
            name: format!("n{id}"),
            ..Self::default()
        }
    }

    pub(crate) fn after(mut self, parents: &[u64]) -> Self {
        self.data_deps.extend(parents);
        self
    }

    pub(crate) fn with(mut self, name: &str, number: i64) -> Self {
        let name = name.to_owned();
        self.attributes.push(Attribute {
            name,
            number: Some(number),
            ..Attribute::default()
        });
        self
    }

    pub(crate) fn in_group(mut self, group: &str) -> Self {
        let text = Some(group.to_owned());
        self.attributes.push(Attribute {
            name: "pg_name".to_owned(),
            text,
            ..Attribute::default()
        });
        self
    }

    pub(crate) fn over(mut self, dimensions: &[bool]) -> Self {
        let values = dimensions.to_vec();
        self.attributes.push(Attribute {
            name: "involved_dim".to_owned(),
            truths: Some(Truths { values }),
            ..Attribute::default()
        });
        self
    }
}

pub(crate) fn send(id: u64, destination: i64, tag: i64, bytes: i64) -> Node {
    Node::new(id, SEND)
        .with("comm_dst", destination)
        .with("comm_tag", tag)
        .with("comm_size", bytes)
}

pub(crate) fn receive(id: u64, source: i64, tag: i64, bytes: i64) -> Node {
    Node::new(id, RECEIVE)
        .with("comm_src", source)
        .with("comm_tag", tag)
        .with("comm_size", bytes)
}

/// A trace with empty metadata (length 0).
pub(crate) fn trace(nodes: &[Node]) -> Vec<u8> {
    let mut bytes = vec![0];
    for node in nodes {
        node.encode_length_delimited(&mut bytes).unwrap();
    }
    bytes
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A folder that lasts for one test.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// A folder with one trace a rank, of prefix `t`.
    pub(crate) fn of_ranks(ranks: &[&[Node]]) -> Self {
        let folder = Self::new();
        for (rank, nodes) in ranks.iter().enumerate() {
            folder.file(&format!("t.{rank}.et"), &trace(nodes));
        }
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path().join(name);
        // A file that is truncated and rewritten is flushed to disk at once; a new one is not.
        let _ = fs::remove_file(&path);
        fs::write(&path, bytes).unwrap();
        path
    }
}

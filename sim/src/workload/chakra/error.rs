//! Why a trace was refused: one enum, each case with its numbers, its place and a next step.
//!
//! Guarantees: every message is a sentence or two of bounded length, whatever the trace
//! holds (names are shortened and escaped, cycles cut). Made by every file of the importer.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::disagreement::Disagreement;
use super::order::Cycle;
use super::place::{NodePlace, Quoted};
use super::unmatched::Unmatched;

/// Why `load` refused a trace.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// A speed from which no time can be computed.
    #[error("the roofline's {knob} is {value}")]
    Roofline {
        /// The knob's name.
        knob: &'static str,
        /// What it was set to.
        value: f64,
    },
    /// The operating system refused access.
    #[error(
        "cannot read {}: {source}", .path.display()
    )]
    Unreadable {
        /// What was to be read.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A folder without any trace.
    #[error(
        "no file in {} is named PREFIX.<rank>.et", .folder.display()
    )]
    NoTraces {
        /// The folder searched.
        folder: PathBuf,
    },
    /// A folder with the traces of several workloads.
    #[error(
        "{} holds traces of {} workloads ({})",
        .folder.display(), .prefixes.len(), listed(.prefixes)
    )]
    SeveralPrefixes {
        /// The folder searched.
        folder: PathBuf,
        /// The prefixes found, sorted; two or more.
        prefixes: Vec<String>,
    },
    /// Two files for one rank (as `P.1.et` and `P.01.et`).
    #[error(
        "{} and {} are both the trace of rank {rank}",
        .first.display(), .second.display()
    )]
    SameRank {
        /// The rank's number.
        rank: u32,
        /// One of the files.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// More ranks than are simulated.
    #[error(
        "{} has traces of {found} ranks, the limit is {limit}",
        .path.display()
    )]
    TooManyRanks {
        /// The folder or prefix.
        path: PathBuf,
        /// How many ranks it has.
        found: usize,
        /// How many are allowed.
        limit: usize,
    },
    /// A file of 0 bytes, or a gzip stream of none.
    #[error(
        "{} is empty (0 bytes); a trace has at least its metadata message",
        .file.display()
    )]
    EmptyFile {
        /// The file.
        file: PathBuf,
    },
    /// No rank has a node.
    #[error(
        "the traces at {} hold no node, so there is nothing to run", .path.display()
    )]
    NoNodes {
        /// What `load` was given.
        path: PathBuf,
    },
    /// A rank with more nodes than an index can name.
    #[error("{} has more than {limit} nodes", .file.display())]
    TooManyNodes {
        /// The file.
        file: PathBuf,
        /// How many are allowed.
        limit: u32,
    },
    /// The file ends inside a message or its length prefix.
    #[error(
        "{} is cut short: the message at byte {offset} needs {needed} bytes after its length \
         and {left} are left", .file.display()
    )]
    Truncated {
        /// The file.
        file: PathBuf,
        /// Of the message's length prefix, in the decompressed stream.
        offset: u64,
        /// Bytes the message should have (0: its length prefix itself is cut).
        needed: u64,
        /// Bytes there were.
        left: u64,
    },
    /// A length prefix that is no varint of 64 bits.
    #[error(
        "the length prefix at byte {offset} of {} is no 64-bit varint",
        .file.display()
    )]
    MalformedLength {
        /// The file.
        file: PathBuf,
        /// Of the prefix, in the decompressed stream.
        offset: u64,
    },
    /// A message longer than any node should be.
    #[error(
        "the message at byte {offset} of {} claims {length} bytes, the limit is {limit}",
        .file.display()
    )]
    MessageTooLong {
        /// The file.
        file: PathBuf,
        /// Of the length prefix, in the decompressed stream.
        offset: u64,
        /// Bytes claimed.
        length: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// A gzip stream that is damaged or cut short.
    #[error(
        "the gzip stream of {} breaks off after byte {offset} of its content: {source}",
        .file.display()
    )]
    Gzip {
        /// The file.
        file: PathBuf,
        /// Of the message that could not be read, in the decompressed stream.
        offset: u64,
        /// What the decompressor said.
        source: io::Error,
    },
    /// A gzip stream that grows beyond reason.
    #[error(
        "{} grows beyond {limit} bytes when decompressed", .file.display()
    )]
    ExpandsTooFar {
        /// The file.
        file: PathBuf,
        /// Bytes allowed, from the compressed size.
        limit: u64,
    },
    /// A message that does not decode.
    #[error(
        "the message at byte {offset} of {} is no {expected}: {source}", .file.display()
    )]
    Undecodable {
        /// The file.
        file: PathBuf,
        /// Of the length prefix, in the decompressed stream.
        offset: u64,
        /// The message that belongs there.
        expected: &'static str,
        /// What the decoder said.
        source: prost::DecodeError,
    },
    /// A node type outside 1..=7.
    #[error("{node} has type {kind}, known are 1 to 7")]
    UnknownNodeType {
        /// The node.
        node: NodePlace,
        /// Its type's number.
        kind: i32,
    },
    /// A `comm_type` outside 0..=9.
    #[error("{node} is collective number {kind}, known are 0 to 9")]
    UnknownCollective {
        /// The node.
        node: NodePlace,
        /// The collective's number.
        kind: i128,
    },
    /// A rank or a tag that is none.
    #[error(
        "{node} has {attribute} = {value}, {}", allowed(.attribute)
    )]
    BadEndpoint {
        /// The node.
        node: NodePlace,
        /// Which attribute.
        attribute: &'static str,
        /// Its value.
        value: i128,
    },
    /// A size or a count below 0.
    #[error("{node} has {attribute} = {value}, and a size is 0 or more")]
    NegativeSize {
        /// The node.
        node: NodePlace,
        /// Which attribute.
        attribute: &'static str,
        /// Its value.
        value: i128,
    },
    /// A send that starts, or a receive that ends, at another rank.
    #[error(
        "{node} has {attribute} = {value}, but it is in the trace of rank {}", .node.rank
    )]
    ForeignEndpoint {
        /// The node.
        node: NodePlace,
        /// Which attribute: `comm_src` of a send, `comm_dst` of a receive.
        attribute: &'static str,
        /// Its value, a rank.
        value: u32,
    },
    /// Two nodes of one rank with one id.
    #[error("{second} has the id of the node at byte {first_offset}")]
    DuplicateId {
        /// The later node.
        second: NodePlace,
        /// Where the earlier one is, in the decompressed stream.
        first_offset: u64,
    },
    /// An enforced edge from a node that is not in the file.
    #[error(
        "{node} depends on node {missing}, which its file does not have ({dangling} such edges, \
         {self_edges} self-edges dropped)"
    )]
    Dangling {
        /// The first node, in file order, with such an edge.
        node: NodePlace,
        /// The first id that is missing there.
        missing: u64,
        /// Such edges in this rank.
        dangling: u64,
        /// Self-edges dropped before, in this rank.
        self_edges: u64,
    },
    /// Nodes that wait for each other, within a rank or over messages and collectives.
    #[error("{0}")]
    Cycle(Cycle),
    /// A send without its receive, or the other way round.
    #[error("{0}")]
    Unmatched(Box<Unmatched>),
    /// A collective that its members do not agree on, or not all have.
    #[error("{0}")]
    Disagreement(Box<Disagreement>),
    /// A root that is no member.
    #[error("{node} has comm_root = {root}, which is no rank of process group {}", Quoted(.group))]
    RootOutside {
        /// The first member's node.
        node: Box<NodePlace>,
        /// What it names as its root.
        root: i64,
        /// The group's name, shortened.
        group: Box<str>,
    },
    /// A collective over some dimensions of a topology, in no declared group.
    #[error(
        "{0} leaves a dimension out (involved_dim), and no process group says which ranks remain"
    )]
    SomeDimensions(Box<NodePlace>),
    /// A collective in a process group that nobody declares, or not with this rank.
    #[error(
        "{node} is a collective in process group {}, which {}",
        Quoted(.group), group_problem(.declared, .side_file)
    )]
    UnknownGroup {
        /// The collective.
        node: NodePlace,
        /// The group's name, shortened.
        group: Box<str>,
        /// True where the side file has the group, without this rank.
        declared: bool,
        /// The side file that should declare it.
        side_file: PathBuf,
    },
    /// A side file that is not a JSON object of lists of ranks.
    #[error(
        "byte {offset} of {}: {problem}", .file.display()
    )]
    SideFile {
        /// The file.
        file: PathBuf,
        /// Where.
        offset: usize,
        /// What is wrong there.
        problem: String,
    },
}

/// At most this many prefixes are spelled out.
const LISTED_PREFIXES: usize = 16;

fn listed(prefixes: &[String]) -> impl fmt::Display {
    let shown = &prefixes[..prefixes.len().min(LISTED_PREFIXES)];
    let more = if shown.len() < prefixes.len() {
        ", …"
    } else {
        ""
    };
    format!("{}{more}", shown.join(", "))
}

fn allowed(attribute: &str) -> &'static str {
    match attribute {
        "comm_tag" => "a tag has 64 signed bits",
        _ => "a rank is 0 to 4294967295",
    }
}

fn group_problem(declared: &bool, side_file: &std::path::Path) -> impl fmt::Display {
    let problem = if *declared {
        "has not this rank in"
    } else {
        "is not declared in"
    };
    format!("{problem} {}", side_file.display())
}

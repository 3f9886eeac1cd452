//! What tasks declared beside what they touched.
//!
//! Guarantees: counts are exact; lists are bounded, by rank and task. Refuses to find anything;
//! [`shadow`](crate::shadow) does that. Called by the run's end and by the report for people.

use serde::Serialize;

use super::words::{count, printable};

/// The most entries of one list.
pub const MOST_IN_SHADOW: usize = 1_000;

/// The comparison.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ShadowReport {
    /// Tasks that ran and declare uses: what they touched was compared with these.
    pub checked: u64,
    /// Tasks that touched bytes and declare no use: they order themselves in other ways, and only
    /// that order was looked at.
    pub silent: u64,
    /// How many uses were not declared.
    pub undeclared_count: u64,
    /// Those that are listed.
    pub undeclared: Vec<Undeclared>,
    /// How many pairs of tasks touch the same bytes, one of them writing, in no order.
    pub unordered_count: u64,
    /// Those that are listed.
    pub unordered: Vec<Unordered>,
    /// How many declared uses touched nothing: they only order.
    pub unused_count: u64,
    /// Those that are listed.
    pub unused: Vec<Unused>,
    /// Pairs whose order was not looked at, because there were too many.
    pub unchecked_pairs: u64,
}

/// Why a touch is none that was declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Why {
    /// The task declares no use of the buffer.
    Undeclared,
    /// The task declares other bytes of the buffer.
    Range,
    /// The task declares these bytes, for the other access.
    Access,
    /// The bytes are a peer's, and nothing orders the task with one there that touches them.
    Peer,
}

/// Somebody who touches bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Touching {
    /// The rank's label.
    pub rank: u32,
    /// The task, as an index.
    pub task: u32,
    /// Its name.
    pub name: String,
    /// The operation, as graph files call it.
    pub operation: String,
    /// `read` or `write`.
    pub access: String,
}

/// What one task did in one way to one buffer and did not declare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Undeclared {
    /// Who.
    #[serde(flatten)]
    pub by: Touching,
    /// Whose data it is: a rank's label.
    pub memory: u32,
    /// The buffer; `None`: the bytes belong to none, and offsets are those of the rank's data.
    pub buffer: Option<String>,
    /// The first byte of the first range, from the start of the buffer.
    pub at: u64,
    /// How many bytes that range has.
    pub bytes: u64,
    /// How many ranges there are.
    pub ranges: u64,
    /// How many bytes all of them have.
    pub all_bytes: u64,
    /// Why it counts.
    pub why: Why,
    /// A task that touches the same bytes in no explicit order with it, where there is one.
    pub against: Option<Touching>,
}

/// Two tasks that touch the same bytes, at least one writing, and nothing orders them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unordered {
    /// Whose data it is: a rank's label.
    pub memory: u32,
    /// The buffer, as above.
    pub buffer: Option<String>,
    /// The first byte, from the start of the buffer.
    pub at: u64,
    /// How many bytes.
    pub bytes: u64,
    /// One of the two.
    pub first: Touching,
    /// The other.
    pub second: Touching,
}

/// A declared use of which nothing was touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unused {
    /// The rank's label.
    pub rank: u32,
    /// The task, as an index.
    pub task: u32,
    /// Its name.
    pub name: String,
    /// The buffer.
    pub buffer: String,
    /// The access that was declared: `in`, `out` or `inout`.
    pub access: String,
}

impl Touching {
    fn to_text(&self) -> String {
        let Self {
            rank,
            task,
            name,
            operation,
            access,
        } = self;
        format!(
            "rank {rank}, task {task} {} ({operation}) {access}s",
            printable(name)
        )
    }
}

/// `at` and what follows, of which buffer.
fn bytes_of(buffer: Option<&str>, at: u64, bytes: u64) -> String {
    let end = at.saturating_add(bytes);
    match buffer {
        Some(name) => format!("bytes {at}..{end} of {}", printable(name)),
        None => format!("bytes {at}..{end} of the data, in no buffer"),
    }
}

impl Undeclared {
    /// In one line.
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "{} {}",
            self.by.to_text(),
            bytes_of(self.buffer.as_deref(), self.at, self.bytes)
        );
        if self.memory != self.by.rank {
            text += &format!(" of rank {}", self.memory);
        }
        if self.ranges > 1 {
            let more = count(self.ranges - 1, "more range");
            text += &format!(" and {more}, {} in all", count(self.all_bytes, "byte"));
        }
        text += match self.why {
            Why::Undeclared => ", which it does not declare",
            Why::Range => ", beyond the bytes that it declares",
            Why::Access => ", declared for the other access only",
            Why::Peer => ", in no order",
        };
        if let Some(against) = &self.against {
            let with = if self.why == Why::Peer {
                "with"
            } else {
                "beside"
            };
            text += &format!(" {with} {} them", against.to_text());
        }
        text
    }
}

impl Unordered {
    /// In one line.
    pub fn to_text(&self) -> String {
        let bytes = bytes_of(self.buffer.as_deref(), self.at, self.bytes);
        let (first, second) = (self.first.to_text(), self.second.to_text());
        format!(
            "{first} {bytes} of rank {}, and in no order {second} them",
            self.memory
        )
    }
}

impl Unused {
    /// In one line.
    pub fn to_text(&self) -> String {
        let Self {
            rank,
            task,
            name,
            buffer,
            access,
        } = self;
        let (name, buffer) = (printable(name), printable(buffer));
        format!(
            "rank {rank}, task {task} {name} declares {buffer} ({access}) and touches none of it"
        )
    }
}

impl ShadowReport {
    /// Whether everything that was touched was declared, or ordered.
    pub const fn is_clean(&self) -> bool {
        self.undeclared_count == 0 && self.unordered_count == 0
    }

    /// What was compared, and how much of it was found, in one line.
    pub fn summary(&self) -> String {
        let mut text = format!("{} compared", count(self.checked, "task"));
        if self.silent > 0 {
            text += &format!(", {} declare nothing", self.silent);
        }
        text += &format!(
            "; {}, {}",
            count(self.undeclared_count, "undeclared use"),
            count(self.unordered_count, "unordered pair")
        );
        if self.unused_count > 0 {
            text += &format!("; {} only order", count(self.unused_count, "declared use"));
        }
        if self.unchecked_pairs > 0 {
            text += &format!("; {} not looked at", count(self.unchecked_pairs, "pair"));
        }
        text
    }

    /// The findings, each in one line: undeclared uses first, then unordered pairs.
    pub fn findings(&self) -> impl Iterator<Item = String> + '_ {
        let undeclared = self.undeclared.iter().map(Undeclared::to_text);
        undeclared.chain(self.unordered.iter().map(Unordered::to_text))
    }
}

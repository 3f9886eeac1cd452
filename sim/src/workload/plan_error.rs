//! Why a workload cannot run: every case names rank, task and numbers.
//!
//! Made by [`Workload::check`](super::Workload::check).

use thiserror::Error;

use crate::device::EngineMemory;
use crate::engine::Lane;

use super::plan::{MOST_TIMED_BYTES, TaskRef};
use super::rules::RuleError;

/// Where in a workload a problem is.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("rank {rank}, task {task} `{name}`")]
pub struct Place {
    /// The rank, as an index.
    pub rank: u32,
    /// The task, as an index.
    pub task: u32,
    /// Its name.
    pub name: Box<str>,
}

/// Why a workload cannot run.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PlanError {
    /// A range that is not inside the data, or not inside its buffer.
    #[error("{place}: bytes {at} to {at} + {bytes} are not inside {limit} bytes")]
    Outside {
        /// Whose.
        place: Place,
        /// First byte.
        at: u64,
        /// How many.
        bytes: u64,
        /// Size of what they should be in.
        limit: u64,
    },
    /// A word that is not aligned.
    #[error("{place}: the word at {at} is not aligned to 4 bytes")]
    Unaligned {
        /// Whose.
        place: Place,
        /// Where.
        at: u64,
    },
    /// An operation that reads some of the bytes that it writes.
    #[error("{place}: {bytes} bytes from {from} and {bytes} bytes to {to} overlap")]
    Overlap {
        /// Whose.
        place: Place,
        /// First byte read.
        from: u64,
        /// First byte written, in the same data.
        to: u64,
        /// How many.
        bytes: u64,
    },
    /// A kernel, or an engine that it starts, that never ends as far as anybody can wait.
    #[error("{place}: it runs for {ns} ns, and a thousand hours are the most")]
    TooLong {
        /// Whose.
        place: Place,
        /// How long it would run; more than [`MOST_TASK_NS`](super::plan::MOST_TASK_NS).
        ns: u64,
    },
    /// More bytes than anybody can wait for to be moved.
    #[error(
        "{place}: the time of {bytes} bytes, and {} are the most",
        MOST_TIMED_BYTES
    )]
    TooMuch {
        /// Whose.
        place: Place,
        /// How many; more than [`MOST_TIMED_BYTES`](super::MOST_TIMED_BYTES).
        bytes: u64,
    },
    /// A peer, counter, buffer or task that is not there.
    #[error("{place}: there is no {what} {index}")]
    Missing {
        /// Whose.
        place: Place,
        /// What is missing.
        what: &'static str,
        /// Which.
        index: u32,
    },
    /// A task that waits without having declared that it may.
    #[error("{place}: it waits for a counter but declares 0 conditions")]
    Waits {
        /// Whose.
        place: Place,
    },
    /// A task that waits for a transfer it has not posted.
    #[error("{place}: it waits for {lane} but posted nothing to it before")]
    NotPosted {
        /// Whose.
        place: Place,
        /// Which queue.
        lane: Lane,
    },
    /// A task on no stream that waits for points, or has arguments that nobody declared.
    #[error(
        "{place}: only launches on streams wait for points or name undeclared memory, and only \
         ranks with streams free buffers"
    )]
    NoStream {
        /// Whose.
        place: Place,
    },
    /// A wait for a launch that is not planned.
    #[error("{place}: it waits for launch {value} of stream `{stream}`, which has {launches}")]
    NoLaunch {
        /// Whose.
        place: Place,
        /// The stream's name.
        stream: Box<str>,
        /// Which launch.
        value: u64,
        /// How many there are.
        launches: u64,
    },
    /// A wait for a launch that no edge can stand for, without a gate.
    #[error("{place}: it waits for a launch of another rank, or a later one, and has no gate")]
    NoGate {
        /// Whose.
        place: Place,
    },
    /// A buffer in the memory of another one whose life has not ended.
    #[error("{place}: `{buffer}` takes the memory of a buffer that no earlier task frees")]
    NotFree {
        /// Whose.
        place: Place,
        /// The buffer.
        buffer: Box<str>,
    },
    /// More streams than conditions can name.
    #[error("{streams} streams on all ranks: {most} are the most")]
    TooManyStreams {
        /// How many.
        streams: usize,
        /// Most.
        most: u32,
    },
    /// An operation of a block that is itself one of a block.
    #[error("{place}: an operation per block holds another one")]
    Nested {
        /// Whose.
        place: Place,
    },
    /// A rank with more queues, or other completion queues, than an engine has.
    #[error(
        "rank {rank}: at most {streams} SDMA streams and {queues} completion queues of 2 to \
         {entries} entries, a power of two",
        streams = EngineMemory::MOST_STREAMS,
        queues = EngineMemory::MOST_QUEUES,
        entries = EngineMemory::MOST_ENTRIES
    )]
    Engines {
        /// The rank, as an index.
        rank: u32,
    },
    /// An ordering-only task that computes, moves or waits.
    #[error("{place}: a dummy runs nowhere and has no program")]
    BusyDummy {
        /// Whose.
        place: Place,
    },
    /// A rule set that cannot be used.
    #[error("rank {rank}, rule set {set}: {error}")]
    Rules {
        /// The rank, as an index.
        rank: u32,
        /// The set, as an index.
        set: usize,
        /// Why.
        error: RuleError,
    },
    /// Workers that serve nothing, or something else than others of their rank.
    #[error(
        "{place}: workers serve items at multiples of at least 1 byte, and all of a rank the same"
    )]
    Serves {
        /// Whose.
        place: Place,
    },
    /// A task for workers in a rank without any.
    #[error("{place}: it is for persistent workers, and no task of its rank serves")]
    NoWorkers {
        /// Whose.
        place: Place,
    },
    /// A task for workers that no item can say.
    #[error(
        "{place}: an item for workers is one scan, that of its place by what its rank's workers \
         serve, of less than 2³² bytes"
    )]
    NoItem {
        /// Whose.
        place: Place,
    },
    /// A counter, an initial value or a check that is not inside the data of its rank.
    #[error("rank {rank}: {what} at {at} is not inside {limit} bytes of data, or not aligned")]
    Misplaced {
        /// The rank, as an index.
        rank: u32,
        /// What is misplaced.
        what: &'static str,
        /// First byte.
        at: u64,
        /// Size of the rank's data.
        limit: u64,
    },
    /// A part to compare that is not inside the data of its rank.
    #[error(
        "rank {rank}, part {part}: {bytes} bytes at {at} are not inside {limit} bytes of data, or \
         not aligned"
    )]
    PartMisplaced {
        /// The rank, as an index.
        rank: u32,
        /// The part, as an index.
        part: usize,
        /// First byte.
        at: u64,
        /// How many.
        bytes: u64,
        /// Size of the rank's data.
        limit: u64,
    },
    /// A part to compare that is written by a task that is not there.
    #[error(
        "rank {rank}, part {part}: there is no writer {} in rank {}",
        .writer.task, .writer.rank
    )]
    NoWriter {
        /// The rank, as an index.
        rank: u32,
        /// The part, as an index.
        part: usize,
        /// The task, as indices.
        writer: TaskRef,
    },
    /// A rank whose counters and data are more than a device holds.
    #[error("rank {rank}: {counters} counters and {data_bytes} bytes of data do not fit a device")]
    TooLarge {
        /// The rank, as an index.
        rank: u32,
        /// How many counters.
        counters: usize,
        /// How many bytes of data.
        data_bytes: u64,
    },
    /// A check of a rank that is not there.
    #[error("check `{name}`: there is no rank {rank}")]
    NoRank {
        /// The check's name.
        name: Box<str>,
        /// The rank, as an index.
        rank: u32,
    },
    /// The order names a task twice, or before one it depends on.
    #[error("{place}: the order names it twice or before a task it comes after")]
    Order {
        /// Whose.
        place: Place,
    },
    /// The order leaves tasks out.
    #[error("the order names {ordered} of {tasks} tasks")]
    Incomplete {
        /// How many it names.
        ordered: usize,
        /// How many there are.
        tasks: usize,
    },
}

impl PlanError {
    /// The task that it is about, if it is about one.
    pub const fn place(&self) -> Option<&Place> {
        match self {
            Self::Outside { place, .. }
            | Self::Unaligned { place, .. }
            | Self::Overlap { place, .. }
            | Self::TooLong { place, .. }
            | Self::TooMuch { place, .. }
            | Self::Missing { place, .. }
            | Self::Waits { place }
            | Self::NotPosted { place, .. }
            | Self::Nested { place }
            | Self::NoStream { place }
            | Self::NoLaunch { place, .. }
            | Self::NoGate { place }
            | Self::NotFree { place, .. }
            | Self::BusyDummy { place }
            | Self::Serves { place }
            | Self::NoWorkers { place }
            | Self::NoItem { place }
            | Self::Order { place } => Some(place),
            Self::Engines { .. }
            | Self::Rules { .. }
            | Self::Misplaced { .. }
            | Self::PartMisplaced { .. }
            | Self::NoWriter { .. }
            | Self::TooLarge { .. }
            | Self::NoRank { .. }
            | Self::TooManyStreams { .. }
            | Self::Incomplete { .. } => None,
        }
    }

    /// The rank that it is about, as an index, if it is about no task.
    pub const fn rank(&self) -> Option<u32> {
        match self {
            Self::Engines { rank }
            | Self::Rules { rank, .. }
            | Self::Misplaced { rank, .. }
            | Self::PartMisplaced { rank, .. }
            | Self::NoWriter { rank, .. }
            | Self::TooLarge { rank, .. }
            | Self::NoRank { rank, .. } => Some(*rank),
            _ => None,
        }
    }

    /// The rule set that it is about, as an index in its rank, if it is about one.
    pub const fn rule_set(&self) -> Option<usize> {
        match self {
            Self::Rules { set, .. } => Some(*set),
            _ => None,
        }
    }

    /// The part that it is about, as an index in its rank, if it is about one.
    pub const fn part(&self) -> Option<usize> {
        match self {
            Self::PartMisplaced { part, .. } | Self::NoWriter { part, .. } => Some(*part),
            _ => None,
        }
    }
}

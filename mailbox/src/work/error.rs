//! What the work ring refuses, with the numbers.

use thiserror::Error;

use super::state::MAX_WORKERS;

/// Why no work ring was made of the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WorkRingError {
    /// The capacity is not a power of two, or below 2.
    #[error(
        "{slots} slots: a work ring needs a power of two of at least 2; with 1 a slot that is \
         free for the next item could not be told from one that holds the last"
    )]
    Slots {
        /// The refused capacity.
        slots: usize,
    },
    /// More worker lines than a taken slot can name.
    #[error("{lines} worker lines: a work ring names at most {MAX_WORKERS} workers")]
    Lines {
        /// How many were lent.
        lines: usize,
    },
}

/// The ring had no room for the item, or was closed; the item is still the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "the work ring is full: the next of its {slots} slots still has an item; push again when a \
     worker has taken it, unless the ring was closed"
)]
pub struct WorkFull {
    /// Capacity of the ring in items.
    pub slots: u32,
}

/// Every worker line has an owner, or an item that a dead worker left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("all {lines} worker lines are taken; lend more, or recover what dead workers left")]
pub struct NoWorkerLine {
    /// How many lines there are.
    pub lines: u32,
}

/// No dead worker of this name left an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("worker {name} left no item: it holds none, or lives, or somebody recovered it already")]
pub struct NothingLeft {
    /// The name it registered under.
    pub name: u32,
}

/// Why a worker got no work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NoWork {
    /// Nothing was pushed that is not taken.
    #[error("the work ring is empty")]
    Empty,
    /// Nothing is left, and nothing more will be pushed: this worker may go.
    #[error("the work ring is closed, and everything in it was taken")]
    Closed,
    /// The next position is claimed by a producer that has not published it. Everything before it
    /// is taken; ask again later.
    #[error("position {position} of the work ring was claimed and is not published yet")]
    NotYet {
        /// Where the producer stands.
        position: u64,
    },
    /// This worker has an item already: finish it first.
    #[error("this worker still holds position {position}; say done before the next claim")]
    Holding {
        /// What it holds.
        position: u64,
    },
}

/// Why a position was not finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DoneError {
    /// It is finished already.
    #[error("position {position} of the work ring is done already; it counts once")]
    Twice {
        /// The position.
        position: u64,
    },
    /// Another worker holds it, or nobody took it yet.
    #[error(
        "position {position} of the work ring is not held by this worker, so not its to finish"
    )]
    Stranger {
        /// The position.
        position: u64,
    },
}

//! Why a launch was not planned, and what permissive planning lets pass.

use std::fmt;

use thiserror::Error;

use crate::buffer::UseError;
use crate::stream::{ReserveError, TimelineId};

/// Why a launch was not planned. It left no trace.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PlanError {
    /// A use of a buffer that has ended, or of bytes that it does not have.
    #[error("launch `{launch}`, `{label}`: {error}")]
    Use {
        /// The launch.
        launch: String,
        /// The argument's label.
        label: String,
        /// What is wrong, with the argument's number.
        error: UseError,
    },
    /// Strict planning, and a stream whose device does not track uses.
    #[error(
        "launch `{launch}`, argument {argument} `{label}`: the device of `{stream}` does not track \
         uses; plan permissively, or on a stream that tracks"
    )]
    Untracked {
        /// The launch.
        launch: String,
        /// Which argument, from 0.
        argument: usize,
        /// Its label.
        label: String,
        /// The stream's name.
        stream: String,
    },
    /// Strict planning, and memory that nobody declared.
    #[error(
        "launch `{launch}`, argument {argument} `{label}`: nobody declared the memory at \
         {address:#x}; declare it as a buffer, or plan permissively"
    )]
    External {
        /// The launch.
        launch: String,
        /// Which argument, from 0.
        argument: usize,
        /// Its label.
        label: String,
        /// Where the memory is.
        address: u64,
    },
    /// No time point.
    #[error("launch `{launch}`: {error}")]
    Reserve {
        /// The launch.
        launch: String,
        /// Why.
        error: ReserveError,
    },
    /// A task on no stream uses its bytes, on another scheduler than the stream's.
    #[error(
        "launch `{launch}`, argument {argument} `{label}`: a task on another scheduler uses its \
         bytes, and on no stream; submit that task as a launch, or wait until it has \
         completed (what one that failed was to write stays refused)"
    )]
    Elsewhere {
        /// The launch.
        launch: String,
        /// Which argument, from 0.
        argument: usize,
        /// Its label.
        label: String,
    },
    /// An allocation of nothing.
    #[error("an allocation of 0 bytes: ask for one byte at least")]
    NoBytes,
}

/// Why a use is in no order with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GapKind {
    /// Its stream's device does not track uses.
    Untracked,
    /// Nobody declared the memory.
    External {
        /// Where it was in the first of these launches.
        address: u64,
    },
}

/// Uses that permissive planning let pass: nothing orders them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The stream of its launches.
    pub timeline: TimelineId,
    /// The launch.
    pub launch: String,
    /// Which argument, from 0.
    pub argument: usize,
    /// Its label.
    pub label: String,
    /// Why.
    pub kind: GapKind,
    /// How many launches had it.
    pub count: u64,
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (launch, argument, label) = (&self.launch, self.argument, &self.label);
        write!(f, "launch `{launch}`, argument {argument} `{label}`: ")?;
        match self.kind {
            GapKind::Untracked => f.write_str("its stream's device does not track uses")?,
            GapKind::External { address } => {
                write!(f, "nobody declared the memory at {address:#x}")?;
            }
        }
        write!(f, " ({} launches)", self.count)
    }
}

//! What can be refused, with the numbers.

use thiserror::Error;

/// The ring had room for none of the offered messages; they are still the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the mailbox is full: all {slots} slots hold messages that were not drained yet")]
pub struct Full {
    /// Capacity of the ring in messages.
    pub slots: u32,
}

/// Why a message was not accepted; it is still the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PushError {
    /// Try again when the consumer has drained.
    #[error(transparent)]
    Full(#[from] Full),
    /// The mailbox takes nothing any more, until its owner places it anew.
    #[error("the mailbox is condemned: a claimed position was never published")]
    Condemned,
}

/// Why a mailbox could not be placed on the given memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PlaceError {
    /// The capacity is not a power of two, or below 2.
    #[error("{slots} slots: a mailbox needs a power of two of at least 2")]
    Slots {
        /// The refused capacity.
        slots: u32,
    },
    /// The memory is smaller than header and slots.
    #[error("a mailbox of {slots} slots needs {needed} lines of 64 bytes, the memory has {found}")]
    TooSmall {
        /// Wanted capacity.
        slots: u32,
        /// Lines needed.
        needed: usize,
        /// Lines given.
        found: usize,
    },
    /// The memory does not start on a 64-byte boundary.
    #[error("mailbox memory must start on a 64-byte boundary, this starts at {address:#x}")]
    Unaligned {
        /// The refused address.
        address: usize,
    },
    /// A condemned mailbox stands here and this producer still has a claim line: it may yet write.
    #[error("producer {name} of the condemned mailbox has neither left nor been buried")]
    Attached {
        /// The name it registered under.
        name: u32,
    },
    /// A mailbox stands here and its consumer has not given it up.
    #[error("consumer {name} has neither given this mailbox up nor been replaced by name")]
    Occupied {
        /// The name in the header.
        name: u32,
    },
}

/// Why memory was not recognised as a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AttachError {
    /// The memory does not start on a 64-byte boundary or is smaller than a header.
    #[error("{lines} lines at {address:#x}: too small or not on a 64-byte boundary")]
    Memory {
        /// Where it starts.
        address: usize,
        /// Whole lines it has.
        lines: usize,
    },
    /// The magic number is missing: nothing was placed here, or placement has not ended.
    #[error("no mailbox here: found magic {found:#018x}")]
    Magic {
        /// What stood in its place.
        found: u64,
    },
    /// Placed by another version of the layout.
    #[error("mailbox layout version {found}, this library speaks {known}")]
    Version {
        /// Version in the header.
        found: u32,
        /// Version of this library.
        known: u32,
    },
    /// The header's slot count does not fit the memory or is no power of two of at least 2.
    #[error("the header says {slots} slots, the memory has {lines} lines")]
    Slots {
        /// Slots in the header.
        slots: u32,
        /// Lines given.
        lines: usize,
    },
    /// The header's claim lines do not fit the memory.
    #[error("the header says {claimers} claim lines behind {slots} slots, the memory has {lines}")]
    Claimers {
        /// Claim lines in the header.
        claimers: u32,
        /// Slots in the header.
        slots: u32,
        /// Lines given.
        lines: usize,
    },
    /// The mailbox takes nothing any more, until its owner places it anew.
    #[error("the mailbox is condemned: a claimed position was never published")]
    Condemned,
}

/// Why a run could not be ended by a reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ResetError {
    /// Messages were claimed and not drained.
    #[error("{left} messages were claimed and not drained; drain them before a reset")]
    Undrained {
        /// Tickets between tail and head.
        left: i64,
    },
    /// A condemned mailbox has no next run: its memory must be placed anew.
    #[error("the mailbox is condemned; place it anew when every producer has left")]
    Condemned,
}

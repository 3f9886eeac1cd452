//! The deferred slab: what a core leaves beside its FIN.
//!
//! Cleared and cleaned by the dispatch thread before the doorbell; afterwards the control CPU only
//! reads it. The handler refreshes the first line, copies the count, refreshes the lines the count
//! covers, copies the entries and validates the copy. Nothing in a slab is dereferenced.

use finbox_mailbox::{CompletionType, Engine};
use thiserror::Error;

use crate::condition::{Invalid, check};
use crate::fault::FaultCode;
use crate::limits::MAX_CONDITIONS;
use crate::port::Port;
use crate::target::Target;

/// Bytes of a slab: 8 of header, 64 entries of 32, up to the next line.
pub const SLAB_BYTES: u64 = 2112;
/// Offset of the first entry.
pub const ENTRIES_OFFSET: u64 = 8;
/// Bytes of one entry.
pub const ENTRY_BYTES: u64 = 32;
/// What a core writes into the error field when it has more conditions than fit.
pub const ERROR_OVERFLOW: i32 = 102;

/// What a core writes into the error field when its kernel cannot go on.
pub const ERROR_FATAL: i32 = 9;

const LINE: u64 = 64;

const _: () = assert!(
    (ENTRIES_OFFSET + MAX_CONDITIONS as u64 * ENTRY_BYTES).next_multiple_of(LINE) == SLAB_BYTES,
    "64 entries and the header fill the slab up to its last line"
);

/// One validated entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlabEntry {
    /// Device address the condition watches: not null, aligned, readable.
    pub addr: u64,
    /// The engine's own value.
    pub cookie: u64,
    /// Value to reach.
    pub expected: u32,
    /// Who will make it true.
    pub engine: Engine,
    /// How it is read; usable on the target.
    pub completion: CompletionType,
}

impl SlabEntry {
    /// A placeholder that holds no condition.
    pub const EMPTY: Self = Self {
        addr: 0,
        cookie: 0,
        expected: 0,
        engine: Engine::Sdma,
        completion: CompletionType::Counter,
    };
}

/// Why a slab cannot be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SlabError {
    /// The core counted more conditions than a slab holds, or said so itself (102).
    #[error("{count} conditions (error field {error}): a task has at most 64")]
    Overflow {
        /// What the count field says.
        count: u32,
        /// What the error field says.
        error: i32,
    },
    /// The core reported an error of its own.
    #[error("the core reported error {0} in its slab")]
    Reported(i32),
    /// An engine number nobody has.
    #[error("condition {index}: unknown engine {engine}")]
    Engine {
        /// Which entry, from 0.
        index: u32,
        /// What it says.
        engine: u32,
    },
    /// A completion type nobody knows, or that this target has no engine for.
    #[error("condition {index}: completion type {completion} is not usable on this target")]
    Completion {
        /// Which entry, from 0.
        index: u32,
        /// What it says.
        completion: i32,
    },
    /// Null, unaligned, or outside everything the control CPU may read.
    #[error("condition {index}: address {addr:#x} is null, unaligned or outside every window")]
    Address {
        /// Which entry, from 0.
        index: u32,
        /// What it says.
        addr: u64,
    },
    /// A post id that no transfer has.
    #[error("condition {index}: cookie {cookie:#x} names no transfer")]
    Cookie {
        /// Which entry, from 0.
        index: u32,
        /// What it says.
        cookie: u64,
    },
}

impl SlabError {
    /// The number that a task fails with whose slab this is.
    pub const fn code(self) -> FaultCode {
        match self {
            Self::Overflow { .. } => FaultCode::AsyncWaitOverflow,
            Self::Address { .. } | Self::Cookie { .. } => FaultCode::AsyncCompletionInvalid,
            Self::Reported(ERROR_FATAL) => FaultCode::ExplicitFatal,
            _ => FaultCode::AsyncRegistrationFailed,
        }
    }
}

/// Empties the slab at `addr` and makes that visible to the core.
pub(crate) fn clear(port: &impl Port, addr: u64) {
    port.store_u64(addr, 0);
    port.clean(addr, LINE);
}

/// Copies the slab's count after making its first line current.
///
/// # Errors
/// [`SlabError::Overflow`] or [`SlabError::Reported`].
pub(crate) fn read_count(port: &impl Port, addr: u64) -> Result<u32, SlabError> {
    port.refresh(addr, LINE);
    let header = port.load_u64(addr);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "count and error are the two halves"
    )]
    let (count, error) = (header as u32, (header >> 32) as i32);
    if count > MAX_CONDITIONS || error == ERROR_OVERFLOW {
        return Err(SlabError::Overflow { count, error });
    }
    if error != 0 {
        return Err(SlabError::Reported(error));
    }
    let covered = (ENTRIES_OFFSET + u64::from(count) * ENTRY_BYTES).next_multiple_of(LINE);
    if covered > LINE {
        port.refresh(addr + LINE, covered - LINE);
    }
    Ok(count)
}

/// Copies and validates entry `index` of a slab whose lines [`read_count`] made current.
///
/// # Errors
/// [`SlabError`], naming the entry and the value.
#[inline]
pub(crate) fn read_entry(
    port: &impl Port,
    target: &Target,
    addr: u64,
    index: u32,
) -> Result<SlabEntry, SlabError> {
    let base = addr + ENTRIES_OFFSET + u64::from(index) * ENTRY_BYTES;
    let watched = port.load_u64(base);
    let cookie = port.load_u64(base + 8);
    let expected_engine = port.load_u64(base + 16);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "two 32-bit fields in one word"
    )]
    let (expected, engine) = (expected_engine as u32, (expected_engine >> 32) as u32);
    #[expect(clippy::cast_possible_truncation, reason = "the low half is the type")]
    let wire_type = port.load_u64(base + 24) as u32 as i32;
    let Some(engine) = Engine::from_wire(engine) else {
        return Err(SlabError::Engine { index, engine });
    };
    let Some(completion) = CompletionType::from_wire(wire_type) else {
        return Err(SlabError::Completion {
            index,
            completion: wire_type,
        });
    };
    check(port, target, (completion, watched, cookie)).map_err(|invalid| match invalid {
        Invalid::Completion => SlabError::Completion {
            index,
            completion: wire_type,
        },
        Invalid::Address => SlabError::Address {
            index,
            addr: watched,
        },
        Invalid::Cookie => SlabError::Cookie { index, cookie },
    })?;
    Ok(SlabEntry {
        addr: watched,
        cookie,
        expected,
        engine,
        completion,
    })
}

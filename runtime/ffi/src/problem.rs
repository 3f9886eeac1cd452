//! Why a call was refused: its status, and a sentence with the numbers.

use finbox_mailbox::{AttachError, Malformed, NoLine, PlaceError, PushError, ResetError};
use thiserror::Error;

use crate::status::finbox_status;

/// What stands in storage that should hold a handle ready for use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum Unusable {
    #[error("another call uses this {0}")]
    Busy(&'static str),
    #[error("a callback of this {0} is running; it cannot be used from inside it")]
    Reentered(&'static str),
    #[error("this {0} was destroyed")]
    Destroyed(&'static str),
    #[error("no {0} stands here: never made, copied from elsewhere, or overwritten")]
    NotAHandle(&'static str),
    #[error("the storage for a {0} is neither all zero nor destroyed")]
    InUse(&'static str),
}

/// Why a call was refused. Kept a thread, and put into words only when these are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum Problem {
    #[error("{0} must not be null")]
    Null(&'static str),
    #[error("{what} is at {address:#x}, which is not aligned to {wanted} bytes")]
    Misaligned {
        what: &'static str,
        address: usize,
        wanted: usize,
    },
    #[error("{what} says it has {found} bytes; at least {minimum} and at most 4096 are needed")]
    Size {
        what: &'static str,
        found: usize,
        minimum: usize,
    },
    #[error("byte {at} of {what} is set, and this library knows no field there")]
    UnknownField { what: &'static str, at: usize },
    #[error("{0} has an extension that this library does not know")]
    Extension(&'static str),
    #[error("flags {0:#x}: some are not known to this library")]
    Flags(u64),
    #[error(transparent)]
    Unusable(#[from] Unusable),
    #[error("{producers} producers: a mailbox has claim lines for at most 64")]
    Producers { producers: u32 },
    #[error("the name of a dead producer cannot be 0")]
    Nameless,
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error(transparent)]
    Attach(#[from] AttachError),
    #[error(transparent)]
    Push(#[from] PushError),
    #[error(transparent)]
    NoLine(#[from] NoLine),
    #[error(transparent)]
    Reset(#[from] ResetError),
    #[error("message {index}: {why}")]
    Malformed { index: u32, why: Malformed },
}

impl Problem {
    pub(crate) fn status(self) -> finbox_status {
        use finbox_status as Status;
        match self {
            Self::Null(_) => Status::NullArgument,
            Self::Misaligned { .. } | Self::Place(PlaceError::Unaligned { .. }) => {
                Status::Misaligned
            }
            Self::Size { .. } => Status::StructSize,
            Self::UnknownField { .. } | Self::Extension(_) | Self::Flags(_) => Status::Unsupported,
            Self::Unusable(Unusable::Busy(_)) => Status::Busy,
            Self::Unusable(Unusable::Reentered(_)) => Status::Reentered,
            Self::Unusable(Unusable::Destroyed(_)) => Status::Destroyed,
            Self::Unusable(Unusable::NotAHandle(_)) => Status::NotAHandle,
            Self::Unusable(Unusable::InUse(_)) => Status::InUse,
            Self::Producers { .. } | Self::Nameless => Status::InvalidArgument,
            Self::Place(PlaceError::Slots { .. }) => Status::InvalidArgument,
            Self::Place(PlaceError::TooSmall { .. }) => Status::TooSmall,
            Self::Place(PlaceError::Attached { .. }) => Status::Attached,
            Self::Place(PlaceError::Occupied { .. }) => Status::Occupied,
            Self::Attach(AttachError::Memory { .. }) => Status::TooSmall,
            Self::Attach(AttachError::Magic { .. }) => Status::NoMailbox,
            Self::Attach(AttachError::Version { .. }) => Status::LayoutVersion,
            Self::Attach(AttachError::Slots { .. } | AttachError::Claimers { .. }) => {
                Status::DamagedHeader
            }
            Self::Push(PushError::Full(_)) => Status::Full,
            Self::NoLine(_) => Status::NoLine,
            Self::Reset(ResetError::Undrained { .. }) => Status::Undrained,
            Self::Attach(AttachError::Condemned)
            | Self::Push(PushError::Condemned)
            | Self::Reset(ResetError::Condemned) => Status::Condemned,
            Self::Malformed { .. } => Status::MalformedMessage,
        }
    }
}

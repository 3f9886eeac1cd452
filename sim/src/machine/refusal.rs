//! Why the machine refused something: a number for programs, a sentence for people.
//!
//! Guarantees: what a number means never changes. Made wherever the machine is asked; called by
//! [`SimMachine`](super::SimMachine), which adds what it was asked for.

use finbox_runtime::MachineError;
use thiserror::Error;

use super::translate::Wrong;

/// Why.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum Why {
    #[error("no chip family {0}: 1 is a2a3, 2 is a5, 0 is any")]
    Target(u32),
    #[error("{asked} {what}; there are at most {most}")]
    TooMany {
        what: &'static str,
        asked: u32,
        most: u32,
    },
    #[error("{asked} bytes of memory a rank; with so many ranks it has at most {most}")]
    Memory { asked: u64, most: u64 },
    #[error(
        "`{0}` is no option; there are seed=NUMBER and jitter=NANOSECONDS, with commas between"
    )]
    Option(String),
    #[error("`{0}` has no number behind the sign")]
    OptionNumber(String),
    #[error("`{0}` was said before")]
    OptionTwice(String),
    #[error("a jitter of {0} ns; it is a second at most")]
    Jitter(u64),
    #[error("a thread could not be started: {0}")]
    Thread(String),
    #[error("there is no rank {rank}; there are {ranks}")]
    Rank { rank: u32, ranks: u32 },
    #[error("0 bytes are nothing that could be given out")]
    Nothing,
    #[error("an alignment of {0}; it is a power of two")]
    Alignment(u64),
    #[error("rank {rank} has no {size_bytes} bytes in one piece any more, aligned to {align}")]
    NoRoom {
        rank: u32,
        size_bytes: u64,
        align: u64,
    },
    #[error("nothing begins at {address:#x} that rank {rank} gave out")]
    NotGiven { rank: u32, address: u64 },
    #[error("not all of {size_bytes} bytes at {address:#x} were given out in one piece")]
    Outside { address: u64, size_bytes: u64 },
    #[error("{0} operations; a kernel has at most 65536")]
    Long(usize),
    #[error("operation {nth}, {kind}: {wrong}")]
    Operation {
        nth: usize,
        kind: String,
        wrong: Wrong,
    },
}

impl Why {
    /// Its number, the same for ever.
    const fn code(&self) -> i32 {
        match self {
            Self::Target(_) | Self::TooMany { .. } | Self::Memory { .. } => 1,
            Self::Option(_) | Self::OptionNumber(_) | Self::OptionTwice(_) | Self::Jitter(_) => 2,
            Self::Thread(_) => 3,
            Self::Rank { .. } | Self::Nothing | Self::Alignment(_) => 4,
            Self::NoRoom { .. } => 5,
            Self::NotGiven { .. } | Self::Outside { .. } => 6,
            Self::Long(_) | Self::Operation { .. } => 7,
        }
    }

    /// The refusal of somebody who was `doing` that.
    pub(super) fn when(self, doing: &'static str) -> MachineError {
        MachineError {
            doing,
            code: self.code(),
            text: self.to_string(),
        }
    }
}

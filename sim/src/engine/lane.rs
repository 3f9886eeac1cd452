//! Which queue of which engine, and what is moved through it.

use std::fmt;

use finbox_mailbox::Engine;

/// A queue of one of a rank's engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// A stream of the system DMA, with an event record of its own.
    Sdma {
        /// Which, from 0.
        stream: u16,
    },
    /// A completion queue of the unified remote memory access, on targets that have it.
    Urma {
        /// Which, from 0.
        queue: u16,
    },
    /// RDMA over Ethernet: adds 1 to a counter of this rank, to which nothing else adds.
    Roce {
        /// The counter.
        counter: u32,
    },
    /// The collective unit: adds 1 to a counter of this rank, to which nothing else adds.
    Ccu {
        /// The counter.
        counter: u32,
    },
}

impl Lane {
    /// Whose queue it is.
    pub const fn engine(self) -> Engine {
        match self {
            Self::Sdma { .. } => Engine::Sdma,
            Self::Urma { .. } => Engine::Urma,
            Self::Roce { .. } => Engine::Roce,
            Self::Ccu { .. } => Engine::Ccu,
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sdma { stream } => write!(f, "SDMA stream {stream}"),
            Self::Urma { queue } => write!(f, "completion queue {queue}"),
            Self::Roce { counter } => write!(f, "RoCE with counter {counter}"),
            Self::Ccu { counter } => write!(f, "CCU with counter {counter}"),
        }
    }
}

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the peer's data into the own.
    Get,
    /// From the own data into the peer's.
    Put,
}

impl Direction {
    /// Its name, as graph files call the operation.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Put => "send",
        }
    }
}

/// Bytes that an engine moves. They are read when the transfer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Which way.
    pub direction: Direction,
    /// The peer, as an index; may be the own rank.
    pub peer: u32,
    /// First byte read.
    pub from: u64,
    /// First byte written; the ranges do not overlap.
    pub to: u64,
    /// How many.
    pub bytes: u64,
    /// How many bytes the time of the transfer is reckoned for.
    pub timed_bytes: u64,
}

impl Transfer {
    /// A get of `bytes` bytes that takes the time of so many.
    pub const fn get(peer: u32, from: u64, to: u64, bytes: u64) -> Self {
        Self {
            direction: Direction::Get,
            peer,
            from,
            to,
            bytes,
            timed_bytes: bytes,
        }
    }

    /// A put of `bytes` bytes that takes the time of so many.
    pub const fn put(peer: u32, from: u64, to: u64, bytes: u64) -> Self {
        Self {
            direction: Direction::Put,
            ..Self::get(peer, from, to, bytes)
        }
    }

    /// From which rank to which its bytes go, if rank `own` posts it.
    pub const fn ends(&self, own: u32) -> (u32, u32) {
        match self.direction {
            Direction::Get => (self.peer, own),
            Direction::Put => (own, self.peer),
        }
    }

    /// The same bytes in the time of `timed_bytes`.
    #[must_use]
    pub const fn timed(self, timed_bytes: u64) -> Self {
        Self {
            timed_bytes,
            ..self
        }
    }
}

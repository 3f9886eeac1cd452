//! Conditions as cores write them into slabs.

use finbox_scheduler::timeline_cookie;

/// A slab entry as a core writes it; nothing of it need be valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WireCondition {
    /// Address watched.
    pub addr: u64,
    /// The engine's own value.
    pub cookie: u64,
    /// Value to reach.
    pub expected: u32,
    /// Engine number.
    pub engine: u32,
    /// Completion type number.
    pub completion: i32,
}

impl WireCondition {
    /// "The counter at `addr` reaches `expected`."
    pub const fn counter(addr: u64, expected: u32) -> Self {
        Self {
            addr,
            cookie: 0,
            expected,
            engine: 0,
            completion: 0,
        }
    }

    /// "Transfer `cookie` of the SDMA event record at `addr` completes."
    pub const fn event_record(addr: u64, cookie: u64) -> Self {
        Self {
            addr,
            cookie,
            expected: 0,
            engine: 0,
            completion: 1,
        }
    }

    /// "The completion queue at `addr` is walked to `head`", which `rank` is to bring about.
    pub const fn queue(addr: u64, rank: u32, head: u32) -> Self {
        Self {
            addr,
            cookie: (rank as u64) << 32 | head as u64,
            expected: 0,
            engine: 2,
            completion: 2,
        }
    }

    /// The same, on a word of a timeline.
    #[must_use]
    pub const fn of_timeline(self, timeline: u32) -> Self {
        Self {
            cookie: timeline_cookie(timeline),
            ..self
        }
    }

    /// As it is, but waiting for a peer.
    #[must_use]
    pub const fn of_peer(self, rank: u32) -> Self {
        Self {
            cookie: (rank as u64 + 1) << 32,
            ..self
        }
    }
}

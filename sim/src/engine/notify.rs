//! What a core does to others: puts into a peer's window, and the notify that follows them.
//!
//! These are [`Effect`]s: values that say what happens and how long after the program's end; a
//! program's puts and notifies go one after another. Guarantees: applying one changes memory
//! exactly once, with Release for counters, so a notify carries the puts applied before it.
//! Refuses to know a clock: the world applies effects in order of time, and those of one program
//! that fall on the same time in the order in which the program issued them.

use std::ops::Range;

use crate::device::Device;
use crate::shadow::{By, View};

/// Something that happens `after_ns` after the program that caused it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// Delay in virtual ns.
    pub after_ns: u64,
    /// For how much of it the effect itself is under way; before that, those in front of it.
    pub takes_ns: u64,
    /// How many bytes its time is reckoned for.
    pub timed_bytes: u64,
    /// What.
    pub kind: EffectKind,
}

/// What an effect does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EffectKind {
    /// Bytes, read when the put was issued, arrive in a peer's data.
    Put {
        /// The peer, as an index.
        peer: u32,
        /// Byte offset in the peer's data.
        to: u64,
        /// The bytes.
        bytes: Box<[u8]>,
    },
    /// A peer's counter goes up.
    Notify {
        /// The peer, as an index.
        peer: u32,
        /// The peer's counter.
        counter: u32,
        /// By how much; wraps.
        add: u32,
    },
    /// An engine of which only the time is known is done: it adds 1 to a counter of its own rank.
    EngineDone {
        /// The rank, as an index.
        rank: u32,
        /// Its counter.
        counter: u32,
    },
}

impl EffectKind {
    /// The rank whose memory it changes.
    pub const fn rank(&self) -> u32 {
        match *self {
            Self::Put { peer, .. } | Self::Notify { peer, .. } => peer,
            Self::EngineDone { rank, .. } => rank,
        }
    }

    /// Does it on behalf of `by`.
    ///
    /// # Panics
    /// If rank, counter or range do not exist; checked workloads name only what exists.
    pub fn apply(&self, devices: &[Device], by: By<'_>) {
        let device = &devices[self.rank() as usize];
        let memory = View::new(device, by);
        match self {
            Self::Put { to, bytes, .. } => memory.write_bytes(device.data_address(*to), bytes),
            Self::Notify { counter, add, .. } => {
                memory.notify(device.counter_address(*counter), *add);
            }
            Self::EngineDone { counter, .. } => memory.notify(device.counter_address(*counter), 1),
        }
    }
}

impl Effect {
    /// From when until when it is under way, in ns after the end of the program that caused it, and
    /// how many bytes that is reckoned for.
    pub const fn span(&self) -> (Range<u64>, u64) {
        let began = self.after_ns.saturating_sub(self.takes_ns);
        (began..self.after_ns, self.timed_bytes)
    }

    /// Does it, and tells nobody; see [`EffectKind::apply`].
    pub fn apply(&self, devices: &[Device]) {
        self.kind.apply(devices, By::NOBODY);
    }
}

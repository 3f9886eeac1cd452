//! What a course is made of, and what became of it.

const STEPS: u32 = 60;

/// What happens besides launches, allocations and frees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    Calm,
    /// One buffer in many pieces, so that what is remembered of it is looked through and joined.
    Pieces,
    /// Explicit waits, also for values that nobody has planned.
    Waits,
    /// These, and poison and deadlines.
    Faults,
}

impl Manner {
    pub(super) fn buffers(self) -> u32 {
        if self == Self::Pieces { 1 } else { 3 }
    }

    pub(super) fn steps(self) -> u32 {
        if self == Self::Pieces {
            4 * STEPS
        } else {
            STEPS
        }
    }
}

/// What happened over a course, so that one in which nothing did is seen.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) planned: u64,
    pub(super) dropped: u64,
    pub(super) hazards: u64,
    pub(super) circles: u64,
    pub(super) freed: u64,
    pub(super) stale: u64,
    pub(super) ended: u64,
}

impl Tally {
    pub(super) fn add(&mut self, other: &Self) {
        self.planned += other.planned;
        self.dropped += other.dropped;
        self.hazards += other.hazards;
        self.circles += other.circles;
        self.freed += other.freed;
        self.stale += other.stale;
        self.ended += other.ended;
    }
}

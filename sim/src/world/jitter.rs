//! What the seed decides: who goes first at equal times, and small delays.
//!
//! Every decision is a hash of the seed and of what it is about, so it does not depend on how many
//! decisions came before: runs that skip empty polls and runs that take them decide alike. Seed 0
//! is the calm one: no delays at all.

use crate::engine::Lateness;
use crate::workload::mix;

/// Longest delay of one doorbell, kernel or effect, in ns.
const SMALL_NS: u64 = 64;
/// Longest pause of an acting thread that was "preempted", in ns.
const PAUSE_NS: u64 = 20_000;
/// One step in so many is followed by a pause.
const PAUSE_EVERY: u64 = 64;
/// Latest start of a rank's threads, in ns.
const START_NS: u64 = 50_000;

/// The seed's decisions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Jitter {
    seed: u64,
}

impl Jitter {
    pub(super) const fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// A number for `subject` and its `count`-th occasion.
    fn draw(self, subject: u64, count: u64) -> u64 {
        mix(mix(mix(self.seed) ^ subject) ^ count)
    }

    fn below(self, bound: u64, subject: u64, count: u64) -> u64 {
        if self.seed == 0 {
            0
        } else {
            self.draw(subject, count) % bound
        }
    }

    /// Who goes first among actors at one time: the smaller number.
    pub(super) fn rank_of_actor(self, actor: usize) -> u64 {
        if self.seed == 0 {
            actor as u64
        } else {
            self.draw(1 << 60, actor as u64)
        }
    }

    /// When the threads of a rank start.
    pub(super) fn start_ns(self, rank: usize) -> u64 {
        self.below(START_NS, 2 << 60, rank as u64)
    }

    /// How much later than usual: the `count`-th event about `subject`.
    #[inline]
    pub(super) fn small_ns(self, subject: u64, count: u64) -> u64 {
        self.below(SMALL_NS, 3 << 60 | subject, count)
    }

    /// How much later than usual transfers end.
    pub(super) const fn lateness(self) -> Lateness {
        Lateness {
            seed: self.seed,
            bound: SMALL_NS,
        }
    }

    /// A pause after an actor's `count`-th productive step, usually 0.
    #[inline]
    pub(super) fn pause_ns(self, actor: usize, count: u64) -> u64 {
        let subject = 4 << 60 | actor as u64;
        if self.seed != 0 && self.draw(subject, count).is_multiple_of(PAUSE_EVERY) {
            self.draw(subject, !count) % PAUSE_NS
        } else {
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Jitter;

    #[test]
    fn seed_zero_is_calm_and_others_differ() {
        let calm = Jitter::new(0);
        assert_eq!(
            (calm.start_ns(3), calm.small_ns(1, 2), calm.pause_ns(0, 0)),
            (0, 0, 0)
        );
        let delays = |seed| {
            (0..32)
                .map(|n| Jitter::new(seed).small_ns(7, n))
                .collect::<Vec<_>>()
        };
        assert_ne!(delays(1), delays(2));
        assert_eq!(delays(1), delays(1));
    }
}

//! Sets of ranks, a bit each: of one thread, and of several.
//!
//! Guarantees: room for as many ranks as a run may have. Used by the injector, and by the worlds
//! for what strikes whole ranks.

use std::sync::atomic::{AtomicU64, Ordering};

use finbox_scheduler::limits::MAX_PEERS;

const WORDS: usize = MAX_PEERS as usize / 64;

/// A set of ranks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ranks([u64; WORDS]);

impl Ranks {
    /// No rank.
    pub const NONE: Self = Self([0; WORDS]);

    /// Only `rank`.
    ///
    /// # Panics
    /// If a run cannot have that many ranks.
    pub const fn only(rank: usize) -> Self {
        let mut only = Self::NONE;
        only.0[rank / 64] = 1 << (rank % 64);
        only
    }

    /// Adds all of `others`.
    pub fn add(&mut self, others: Self) {
        for (word, more) in self.0.iter_mut().zip(others.0) {
            *word |= more;
        }
    }

    /// Whether `rank` is one of them.
    pub const fn has(&self, rank: usize) -> bool {
        self.0[rank / 64] >> (rank % 64) & 1 == 1
    }
}

/// A set of ranks that several threads change.
#[derive(Debug, Default)]
pub struct SharedRanks([AtomicU64; WORDS]);

impl SharedRanks {
    /// Adds `rank`.
    pub fn add(&self, rank: usize) {
        self.0[rank / 64].fetch_or(1 << (rank % 64), Ordering::AcqRel);
    }

    /// Takes `rank` out.
    pub fn remove(&self, rank: usize) {
        self.0[rank / 64].fetch_and(!(1 << (rank % 64)), Ordering::AcqRel);
    }

    /// Whether `rank` is one of them.
    pub fn has(&self, rank: usize) -> bool {
        self.0[rank / 64].load(Ordering::Acquire) >> (rank % 64) & 1 == 1
    }

    /// Those that are in it now.
    pub fn all(&self) -> Ranks {
        Ranks(self.0.each_ref().map(|word| word.load(Ordering::Acquire)))
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_PEERS, Ranks, SharedRanks};

    #[test]
    fn every_rank_of_a_run_has_a_place_of_its_own() {
        let last = MAX_PEERS as usize - 1;
        let (mut set, shared) = (Ranks::NONE, SharedRanks::default());
        for rank in [0, 63, 64, last] {
            assert!(!set.has(rank) && !shared.has(rank));
            set.add(Ranks::only(rank));
            shared.add(rank);
            assert!(set.has(rank) && shared.has(rank));
        }
        assert!(!set.has(1) && !set.has(65) && shared.all() == set);
        shared.remove(64);
        assert!(!shared.has(64) && shared.has(0) && shared.has(last));
    }
}

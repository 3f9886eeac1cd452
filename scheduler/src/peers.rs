//! Ranks that were declared dead: a bit each, never taken back.

use finbox_mailbox::sync::AtomicU64;

use crate::edge;
use crate::limits::MAX_PEERS;

const WORDS: usize = MAX_PEERS as usize / 64;

/// The dead among the ranks.
#[derive(Debug)]
pub(crate) struct Peers {
    dead: [AtomicU64; WORDS],
}

impl Default for Peers {
    fn default() -> Self {
        Self {
            dead: [(); WORDS].map(|()| AtomicU64::new(0)),
        }
    }
}

impl Peers {
    /// Declares `rank` dead.
    ///
    /// # Panics
    /// If `rank` is not below [`MAX_PEERS`].
    pub(crate) fn declare_dead(&self, rank: u32) {
        assert!(rank < MAX_PEERS, "a rank is below MAX_PEERS");
        // RELAXED: PEERS is a bit; the next sweep sees it.
        self.dead[rank as usize / 64].fetch_or(1 << (rank % 64), edge::PEERS);
    }

    /// Whether `rank` was declared dead. A rank that cannot be was not.
    pub(crate) fn is_dead(&self, rank: u32) -> bool {
        let word = self.dead.get(rank as usize / 64);
        // RELAXED: PEERS is a bit; the next sweep sees it.
        word.is_some_and(|word| word.load(edge::PEERS) >> (rank % 64) & 1 == 1)
    }
}

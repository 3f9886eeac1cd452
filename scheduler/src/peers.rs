//! Who makes no condition true any more: a bit each, never taken back.
//!
//! Ranks that were declared dead, and behind them timelines that ended: a *source* is a rank, or
//! [`MAX_PEERS`] and the number of a timeline.

use finbox_mailbox::sync::AtomicU64;

use crate::edge;
use crate::limits::{MAX_PEERS, MAX_TIMELINES};

const WORDS: usize = (MAX_PEERS + MAX_TIMELINES) as usize / 64;

/// The dead among the sources.
#[derive(Debug)]
pub(crate) struct Peers {
    dead: [AtomicU64; WORDS],
}

/// What was known of the dead among the sources that somebody asked about.
#[derive(Debug)]
pub(crate) struct KnownDead {
    dead: [u64; WORDS],
    /// Words behind which nobody was asked about.
    asked: usize,
}

impl Default for KnownDead {
    fn default() -> Self {
        Self {
            dead: [0; WORDS],
            asked: 0,
        }
    }
}

impl KnownDead {
    /// News of `source` is wanted from now on.
    #[inline]
    pub(crate) fn ask_for(&mut self, source: u32) {
        let words = (source as usize / 64 + 1).min(WORDS);
        self.asked = self.asked.max(words);
    }

    /// Learns who is dead. Whether that was news.
    #[inline]
    pub(crate) fn learn(&mut self, peers: &Peers) -> bool {
        let known = self.dead[..self.asked].iter_mut().zip(&peers.dead);
        known.fold(false, |is_news, (known, dead)| {
            // RELAXED: SOURCE_HINT, a bit that the look of this walk reads again.
            let dead = dead.load(edge::SOURCE_HINT);
            is_news | (core::mem::replace(known, dead) != dead)
        })
    }
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
        self.end(rank);
    }

    /// `timeline` has ended.
    ///
    /// # Panics
    /// If `timeline` is not below [`MAX_TIMELINES`].
    pub(crate) fn end_timeline(&self, timeline: u32) {
        assert!(
            timeline < MAX_TIMELINES,
            "a timeline that conditions name is below MAX_TIMELINES"
        );
        self.end(MAX_PEERS + timeline);
    }

    fn end(&self, source: u32) {
        // EDGE SOURCE_END -> SOURCE_ENDED. Carries what the source said last.
        self.dead[source as usize / 64].fetch_or(1 << (source % 64), edge::SOURCE_END);
    }

    /// Whether `source` is dead. One that cannot be is not.
    ///
    /// # Ordering
    /// Behind `true` stands all that whoever said so had seen of the source.
    pub(crate) fn is_dead(&self, source: u32) -> bool {
        let word = self.dead.get(source as usize / 64);
        // EDGE SOURCE_ENDED <- SOURCE_END. Carries what the source said last.
        word.is_some_and(|word| word.load(edge::SOURCE_ENDED) >> (source % 64) & 1 == 1)
    }
}

//! Per core: the pair and the two in-flight records. For all: which cores may take a token.

use crossbeam_utils::CachePadded;
use finbox_mailbox::SlotBits;
use finbox_mailbox::sync::AtomicU64;

use crate::core_pair::{CorePair, Pair};
use crate::edge;
use crate::id::{CoreId, SlotId};
use crate::limits::MAX_CORES;

/// The identity of a token in flight: whose it is.
#[derive(Debug)]
pub struct Record(AtomicU64);

const FREE: u64 = u64::MAX;

impl Default for Record {
    fn default() -> Self {
        Self(AtomicU64::new(FREE))
    }
}

impl Record {
    /// Dispatch thread: whether record, payload and slab of this parity may be written.
    pub fn is_free(&self) -> bool {
        // EDGE RECORD_SEEN <- RECORD_FREE.
        self.0.load(edge::RECORD_SEEN) == FREE
    }

    /// Dispatch thread: says whose token comes next. RELAXED: INSTALL carries it.
    pub fn assign(&self, slot: SlotId) {
        self.0.store(slot.bits().0, edge::RECORD);
    }

    /// Whose token it is. RELAXED: OBSERVE carried it; for anyone else a hint.
    pub fn slot(&self) -> Option<SlotId> {
        let bits = self.0.load(edge::RECORD);
        (bits != FREE).then_some(SlotId::from_bits(SlotBits(bits)))
    }

    /// Owning handler: nothing of this token is needed any more.
    pub fn free(&self) {
        // EDGE RECORD_FREE -> RECORD_SEEN. Record and slab were read for the last time.
        self.0.store(FREE, edge::RECORD_FREE);
    }
}

/// What dispatch thread and handler share about one core.
#[derive(Debug, Default)]
#[repr(align(64))]
pub struct CoreState {
    /// Running and pending token.
    pub pair: CorePair,
    /// One record for each parity of a token.
    pub records: [Record; 2],
}

const WORDS: usize = MAX_CORES / 64;

/// A set of cores.
pub(crate) type CoreMask = [u64; WORDS];

/// Adds `core` to a mask.
pub(crate) fn add(mask: &mut CoreMask, core: CoreId) {
    mask[core.index() / 64] |= 1 << (core.index() % 64);
}

/// Cores that seem able to take a token: hints, set by handlers, cleared by the dispatch thread.
///
/// A bit is cleared *before* the pair is looked at, and set *after* the pair or record changed, so
/// a core that becomes able again is never forgotten.
#[derive(Debug)]
pub struct Openings {
    idle: CachePadded<[AtomicU64; WORDS]>,
    open: CachePadded<[AtomicU64; WORDS]>,
}

impl Default for Openings {
    fn default() -> Self {
        let none = || CachePadded::new([(); WORDS].map(|()| AtomicU64::new(0)));
        Self {
            idle: none(),
            open: none(),
        }
    }
}

impl Openings {
    /// Says that `core`, whose pair is now `pair`, may be able to take a token.
    pub fn announce(&self, core: CoreId, pair: Pair) {
        let sets = if pair.is_idle() {
            &self.idle
        } else if pair.is_acked() && pair.pending().is_none() {
            &self.open
        } else {
            return;
        };
        // EDGE OPEN_SET -> OPEN_TAKE. Carries the pair and the freed record.
        sets[core.index() / 64].fetch_or(1 << (core.index() % 64), edge::OPEN_SET);
    }

    /// Takes a core of `mask` out of the set, idle ones first; what it can do the pair says.
    pub(crate) fn take(&self, mask: &CoreMask) -> Option<CoreId> {
        Self::take_from(&self.idle, mask).or_else(|| Self::take_from(&self.open, mask))
    }

    fn take_from(set: &[AtomicU64; WORDS], mask: &CoreMask) -> Option<CoreId> {
        for (index, (word, mask)) in set.iter().zip(mask).enumerate() {
            // RELAXED: a hint.
            let candidates = word.load(edge::OPEN_LOOK) & mask;
            if candidates != 0 {
                let bit = candidates.trailing_zeros();
                // EDGE OPEN_TAKE <- OPEN_SET. Cleared before the pair is looked at.
                word.fetch_and(!(1 << bit), edge::OPEN_TAKE);
                #[expect(clippy::cast_possible_truncation, reason = "below MAX_CORES")]
                return Some(CoreId((index * 64) as u16 + bit as u16));
            }
        }
        None
    }
}

//! Per core: the pair and the two in-flight records. For all: which cores may take a token.
//!
//! A record is free, or stands for exactly one token in flight. The dispatch thread assigns it
//! before it installs the token; the owning handler frees it when nothing of the token, its slab
//! included, is needed any more. Nobody else writes it.

use crossbeam_utils::CachePadded;
use finbox_mailbox::SlotBits;
use finbox_mailbox::edge::Edge;
use finbox_mailbox::sync::{AtomicU32, AtomicU64};

use crate::core_pair::{CorePair, Pair};
use crate::edge;
use crate::id::{CoreId, SlotId};
use crate::limits::{MAX_CORES, MAX_HANDLERS};
use crate::spec::Subtasks;

/// Which token of a task a core has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Which block, from 0.
    pub block: u16,
    /// Which subtask of a mixed block; empty for other shapes.
    pub subtask: Subtasks,
}

impl Part {
    /// The only one of a task with one block that is not mixed.
    pub const ONLY: Self = Self {
        block: 0,
        subtask: Subtasks::empty(),
    };
}

/// The identity of a token in flight: whose it is, and which one of that task.
#[derive(Debug)]
pub struct Record {
    slot: AtomicU64,
    part: AtomicU64,
}

const FREE: u64 = u64::MAX;

impl Default for Record {
    fn default() -> Self {
        Self {
            slot: AtomicU64::new(FREE),
            part: AtomicU64::new(0),
        }
    }
}

impl Record {
    /// Dispatch thread: whether record, payload and slab of this parity may be written.
    #[inline]
    pub fn is_free(&self) -> bool {
        // EDGE RECORD_SEEN <- RECORD_FREE.
        self.slot.load(edge::RECORD_SEEN) == FREE
    }

    /// Dispatch thread: says whose token comes next. RELAXED: INSTALL carries it.
    #[inline]
    pub fn assign(&self, slot: SlotId, part: Part) {
        let word = u64::from(part.block) | u64::from(part.subtask.bits()) << 16;
        self.part.store(word, edge::RECORD);
        self.slot.store(slot.bits().0, edge::RECORD);
    }

    /// Whose token it is. RELAXED: OBSERVE carried it; for anyone else a hint.
    #[inline]
    pub fn slot(&self) -> Option<SlotId> {
        let bits = self.slot.load(edge::RECORD);
        (bits != FREE).then_some(SlotId::from_bits(SlotBits(bits)))
    }

    /// Which token of its task it is. RELAXED: as for [`slot`](Self::slot).
    #[expect(clippy::cast_possible_truncation, reason = "fields of a packed word")]
    pub fn part(&self) -> Part {
        let word = self.part.load(edge::RECORD);
        Part {
            block: word as u16,
            subtask: Subtasks::from_bits_truncate((word >> 16) as u8),
        }
    }

    /// Owning handler: nothing of this token is needed any more.
    #[inline]
    pub fn free(&self) {
        // EDGE RECORD_FREE -> RECORD_SEEN. Record and slab were read for the last time.
        self.slot.store(FREE, edge::RECORD_FREE);
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

/// A set of cores, a bit each.
pub(crate) type CoreMask = u128;

const _: () = assert!(
    MAX_CORES == CoreMask::BITS as usize,
    "every core of a chip has a bit in a mask"
);

/// The set of one core. In halves: a shift of the whole becomes writes of 32 bits, for which the
/// next look at a word of 64 has to wait.
#[inline]
pub(crate) const fn only(core: CoreId) -> CoreMask {
    let bit = 1_u64 << (core.index() % 64);
    let (low, high) = match core.index() < 64 {
        true => (bit, 0),
        false => (0, bit),
    };
    low as CoreMask | (high as CoreMask) << 64
}

/// The first core of a set that is not empty.
pub(crate) const fn first_of(mask: CoreMask) -> CoreId {
    #[expect(clippy::cast_possible_truncation, reason = "below MAX_CORES")]
    CoreId(mask.trailing_zeros() as u16)
}

/// The cores of a set, in order.
pub(crate) fn each(mut mask: CoreMask) -> impl Iterator<Item = CoreId> {
    core::iter::from_fn(move || {
        let core = (mask != 0).then(|| first_of(mask))?;
        mask &= mask - 1;
        Some(core)
    })
}

/// A set of cores in two words, written by handlers and read by the dispatch thread.
#[derive(Debug)]
struct SharedMask([AtomicU64; 2]);

impl Default for SharedMask {
    fn default() -> Self {
        Self([(); 2].map(|()| AtomicU64::new(0)))
    }
}

impl SharedMask {
    #[inline]
    fn add(&self, core: CoreId) {
        // EDGE OPEN_SET -> OPEN_TAKE. Carries the pair and the freed record.
        self.0[core.index() / 64].fetch_or(1 << (core.index() % 64), edge::OPEN_SET);
    }

    fn remove(&self, core: CoreId) {
        // EDGE OPEN_SET -> OPEN_TAKE. Carries nothing; the bit has one writer.
        self.0[core.index() / 64].fetch_and(!(1 << (core.index() % 64)), edge::OPEN_SET);
    }

    #[inline]
    fn look(&self) -> CoreMask {
        // RELAXED: a state of its own, of which each bit has one writer.
        let [low, high] = self.0.each_ref().map(|word| word.load(edge::OPEN_LOOK));
        CoreMask::from(low) | CoreMask::from(high) << 64
    }

    /// One load a word, and one swap where there is something.
    #[inline]
    fn take_all(&self) -> CoreMask {
        // RELAXED: a hint.
        let looked = self.0.each_ref().map(|word| word.load(edge::OPEN_LOOK));
        if looked == [0; 2] {
            return 0;
        }
        let take = |word: usize| match looked[word] {
            0 => 0,
            // EDGE OPEN_TAKE <- OPEN_SET. Taken before the pair is looked at.
            _ => CoreMask::from(self.0[word].swap(0, edge::OPEN_TAKE)),
        };
        take(0) | take(1) << 64
    }
}

/// Which cores have something in flight, as dispatch thread and handlers tell each other.
///
/// The dispatch thread flips a core's bit whenever it gives a token to an idle core, and the owning
/// handler flips its own whenever the core has become idle: a core is engaged where the two differ.
/// Each word has one writer, so telling costs a store; a handler finds all its engaged cores, and
/// the dispatch thread all idle ones, with a few loads. A token that comes between an end and its
/// telling makes an engaged core look idle until it is told: the pair decides, and the dispatch
/// thread looks again until it finds what it was told. A bit that is seen late is a core that is
/// looked at late; whoever parks looks behind CLEAR, which carries it.
#[derive(Debug, Default)]
pub(crate) struct Engaged {
    given: CachePadded<Bits>,
    /// By handler; together, for the dispatch thread looks at all of them in every pass.
    idled: CachePadded<[Bits; MAX_HANDLERS]>,
}

/// A bit for each core, of one writer.
#[derive(Debug)]
struct Bits([AtomicU64; 2]);

impl Default for Bits {
    fn default() -> Self {
        Self([(); 2].map(|()| AtomicU64::new(0)))
    }
}

impl Bits {
    #[inline]
    fn all(&self, edge: Edge) -> CoreMask {
        let [low, high] = self.0.each_ref().map(|word| word.load(edge));
        CoreMask::from(low) | CoreMask::from(high) << 64
    }
}

impl Engaged {
    /// Dispatch thread: `core` was idle and has a token now.
    #[inline]
    pub(crate) fn flip(&self, core: CoreId) {
        let word = &self.given.0[core.index() / 64];
        // RELAXED: one writer; INSTALL carries the token, RING the news.
        let before = word.load(edge::ENGAGE);
        word.store(before ^ 1 << (core.index() % 64), edge::ENGAGE);
    }

    /// What a handler compares with its own copy.
    #[inline]
    pub(crate) fn look(&self) -> CoreMask {
        // RELAXED: each bit is a state of its own; the pair says what is true.
        self.given.all(edge::ENGAGE)
    }

    /// `handler`, of which `idled` are the flipped bits now that `core` is idle.
    #[inline]
    pub(crate) fn say_idle(&self, handler: u8, core: CoreId, idled: CoreMask) {
        let words = &self.idled[usize::from(handler) % MAX_HANDLERS].0;
        #[expect(clippy::cast_possible_truncation, reason = "one half of two")]
        let (word, half) = match core.index() < 64 {
            true => (&words[0], idled as u64),
            false => (&words[1], (idled >> 64) as u64),
        };
        // EDGE IDLE_SAY -> IDLE_HEAR. Carries the pair and the freed records.
        word.store(half, edge::IDLE_SAY);
    }

    /// Dispatch thread: the cores that are idle, as the first `handlers` handlers tell, and those
    /// that are no cores.
    #[inline]
    pub(crate) fn idle(&self, handlers: u8) -> CoreMask {
        // RELAXED: its own words. EDGE IDLE_HEAR <- IDLE_SAY. Heard before the pairs are looked at.
        self.idled[..usize::from(handlers)]
            .iter()
            .fold(!self.given.all(edge::ENGAGE), |idle, idled| {
                idle ^ idled.all(edge::IDLE_HEAR)
            })
    }
}

/// What handlers tell the dispatch thread about their cores, beside which are idle.
///
/// A bit that is *taken* was set after what it tells of had changed, and is taken before that is
/// looked at, so nothing that changes is forgotten; what is true the pair and the record say.
#[derive(Debug, Default)]
pub struct Openings {
    words: CachePadded<Words>,
}

#[derive(Debug)]
struct Words {
    open: SharedMask,
    suspect: SharedMask,
    /// Resets of the device that each handler has dealt with.
    resets: [AtomicU32; MAX_HANDLERS],
}

impl Default for Words {
    fn default() -> Self {
        Self {
            open: SharedMask::default(),
            suspect: SharedMask::default(),
            resets: [(); MAX_HANDLERS].map(|()| AtomicU32::new(0)),
        }
    }
}

impl Openings {
    /// Owning handler: `core`, whose pair is now `pair`, may be able to take a token, though it is
    /// not idle, or was not able when it became so.
    #[inline]
    pub fn announce(&self, core: CoreId, pair: Pair) {
        if pair.has_room() {
            self.words.open.add(core);
        }
    }

    /// Owning handler: `core` was reset, and is suspect no more.
    pub(crate) fn clear_suspect(&self, core: CoreId) {
        self.words.suspect.remove(core);
        self.words.open.add(core);
    }

    /// `handler` has dealt with `incarnation`: nothing that was in flight on its cores is any more.
    pub(crate) fn announce_reset(&self, handler: u8, incarnation: u32) {
        // EDGE OPEN_SET -> OPEN_TAKE. Carries the pairs and the freed records.
        self.words.resets[usize::from(handler)].store(incarnation, edge::OPEN_SET);
    }

    /// Owning handler: `core` answered with a word that no token explains.
    pub(crate) fn suspect(&self, core: CoreId) {
        self.words.suspect.add(core);
        self.words.open.add(core);
    }

    /// Dispatch thread: takes the cores that may have room, or became suspect, or are not any more.
    #[inline]
    pub(crate) fn take_open(&self) -> CoreMask {
        self.words.open.take_all()
    }

    /// Dispatch thread: which incarnation `handler` has dealt with.
    pub(crate) fn dealt_with(&self, handler: u8) -> u32 {
        // EDGE OPEN_TAKE <- OPEN_SET. The pairs and records after the reset.
        self.words.resets[usize::from(handler)].load(edge::OPEN_TAKE)
    }

    /// Dispatch thread: the cores that are suspect now.
    #[inline]
    pub(crate) fn suspects(&self) -> CoreMask {
        self.words.suspect.look()
    }
}

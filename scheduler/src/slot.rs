//! A task slot: one line of words that describe a task and what became of it.
//!
//! Written by its ring's submitter, retired by FIN handlers, finished once. All fields are atomic
//! words: the description travels on FAN_IN and READY_PUSH (and SLOT_OPEN), never alone.

use finbox_mailbox::sync::{AtomicU32, AtomicU64};

use crate::edge;
use crate::edges::EdgeList;
use crate::id::TaskId;
use crate::kind::Kind;
use crate::retire::RetireWord;
use crate::spec::{Comparison, Predicate, TaskSpec};

/// What fan-in counting says about a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FanIn {
    /// Something it depends on is not finished.
    Waiting,
    /// Everything is finished.
    Ready,
    /// Everything is finished and something of it failed.
    Poisoned,
}

const POISON: u32 = 1 << 31;
const COUNT: u32 = POISON - 1;

/// One slot of a ring.
#[repr(align(64))]
#[derive(Debug)]
pub struct TaskSlot {
    pub(crate) retire: RetireWord,
    pub(crate) edges: EdgeList,
    fan_in: AtomicU32,
    next: AtomicU32,
    task: AtomicU64,
    kernel: AtomicU64,
    args: AtomicU64,
    kind: AtomicU32,
    /// Blocks that have their tokens; the dispatch thread's own.
    placed: AtomicU32,
    /// What few tasks have: looked at only where the kind word says so.
    extra: Extra,
}

/// The second line of a slot.
#[repr(align(64))]
#[derive(Debug)]
struct Extra {
    predicate_addr: AtomicU64,
    predicate: AtomicU64,
    run_budget_ns: AtomicU64,
    wait_budget_ns: AtomicU64,
    /// The task whose failure cancelled this one, plus 1; 0: none did.
    cause: AtomicU64,
    /// Of an item that was pushed: where it stands in the work ring, and since when. The dispatch
    /// thread's own, as is `placed`.
    position: AtomicU64,
    pushed_ns: AtomicU64,
}

/// `placed` of an item, which has one block, beside 0 and 1: it is to be pushed again; no worker is
/// to get it.
const TAKEN_BACK: u32 = 2;
const TURNED_AWAY: u32 = 3;

/// Where an item of work is, as far as the dispatch thread knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// Not in the work ring yet.
    Unpushed,
    /// It was pushed at this position, at this time in ns.
    At(u64, u64),
    /// Taken back from a dead worker: it is to be pushed again.
    TakenBack,
    /// It will not be pushed.
    TurnedAway,
}

impl Default for TaskSlot {
    fn default() -> Self {
        Self {
            retire: RetireWord::default(),
            edges: EdgeList::default(),
            fan_in: AtomicU32::new(0),
            next: AtomicU32::new(0),
            task: AtomicU64::new(0),
            kernel: AtomicU64::new(0),
            args: AtomicU64::new(0),
            kind: AtomicU32::new(0),
            placed: AtomicU32::new(0),
            extra: Extra::default(),
        }
    }
}

impl Default for Extra {
    fn default() -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            predicate_addr: zero(),
            predicate: zero(),
            run_budget_ns: zero(),
            wait_budget_ns: zero(),
            cause: zero(),
            position: zero(),
            pushed_ns: zero(),
        }
    }
}

/// Bits of a predicate word beside value 32 and comparison 8: there is one.
const HAS_PREDICATE: u64 = 1 << 63;

impl Extra {
    /// RELAXED: as for [`TaskSlot::describe`].
    fn describe(&self, spec: &TaskSpec) {
        let (addr, word) = spec.predicate.map_or((0, 0), |predicate| {
            let comparison = (predicate.comparison as u64) << 32;
            (
                predicate.addr,
                HAS_PREDICATE | comparison | u64::from(predicate.value),
            )
        });
        // RELAXED: a description travels as TaskSlot::describe says.
        self.predicate_addr.store(addr, edge::DESCRIBE);
        self.predicate.store(word, edge::DESCRIBE);
        self.run_budget_ns.store(spec.run_budget_ns, edge::DESCRIBE);
        self.wait_budget_ns
            .store(spec.wait_budget_ns, edge::DESCRIBE);
    }

    /// RELAXED: as for [`TaskSlot::kind`].
    fn predicate(&self) -> Option<Predicate> {
        let word = self.predicate.load(edge::DESCRIBE);
        #[expect(clippy::cast_possible_truncation, reason = "the low half is the value")]
        let value = word as u32;
        (word & HAS_PREDICATE != 0).then(|| Predicate {
            addr: self.predicate_addr.load(edge::DESCRIBE),
            comparison: Comparison::from_bits(word >> 32 & 0xFF),
            value,
        })
    }
}

impl TaskSlot {
    /// Writes the description of a new life that waits for `producers` others. RELAXED: EDGE_PUSH,
    /// READY_PUSH and INSTALL carry it.
    #[inline]
    pub(crate) fn describe(&self, spec: &TaskSpec, producers: u32) {
        let kind = Kind::of(spec);
        self.task.store(spec.task.0, edge::DESCRIBE);
        self.kernel.store(spec.kernel, edge::DESCRIBE);
        self.args.store(spec.args, edge::DESCRIBE);
        // RELAXED: see above.
        self.kind.store(kind.bits(), edge::DESCRIBE);
        self.placed.store(0, edge::DESCRIBE);
        self.fan_in.store(producers, edge::DESCRIBE);
        if kind.has_extra() {
            self.extra.describe(spec);
        }
    }

    /// What it needs. RELAXED: the caller reached this slot through READY_TAKE or OBSERVE.
    #[inline]
    pub(crate) fn kind(&self) -> Kind {
        Kind::from_bits(self.kind.load(edge::DESCRIBE))
    }

    /// Kernel and arguments. RELAXED: as for [`kind`](Self::kind).
    #[inline]
    pub(crate) fn kernel(&self) -> (u64, u64) {
        // RELAXED: see above.
        let (kernel, args) = (&self.kernel, &self.args);
        (kernel.load(edge::DESCRIBE), args.load(edge::DESCRIBE))
    }

    /// When it is to be skipped. RELAXED: as for [`kind`](Self::kind).
    #[inline]
    pub(crate) fn predicate(&self) -> Option<Predicate> {
        match self.kind().has_extra() {
            true => self.extra.predicate(),
            false => None,
        }
    }

    /// Longest time in ns that a token of it may run, 0: not said. RELAXED: as for
    /// [`kind`](Self::kind).
    #[inline]
    pub(crate) fn run_budget_ns(&self) -> u64 {
        match self.kind().has_extra() {
            true => self.extra.run_budget_ns.load(edge::DESCRIBE),
            false => 0,
        }
    }

    /// Tokens of it that no core was given. Dispatch thread. RELAXED: `placed` is its own.
    #[inline]
    pub(crate) fn unplaced(&self) -> u32 {
        let kind = self.kind();
        if kind.is_work() {
            return u32::from(self.placed() != 1);
        }
        (u32::from(kind.blocks()) - self.placed()) * kind.tokens_per_block()
    }

    /// Blocks that have their tokens. Dispatch thread. RELAXED: it is the thread's own.
    #[inline]
    pub(crate) fn placed(&self) -> u32 {
        self.placed.load(edge::DESCRIBE)
    }

    /// Says how many blocks have their tokens. Dispatch thread. RELAXED: it is the thread's own.
    #[inline]
    pub(crate) fn set_placed(&self, placed: u32) {
        self.placed.store(placed, edge::DESCRIBE);
    }

    /// Where the item is, of a task of work. Dispatch thread. RELAXED: it is the thread's own.
    pub(crate) fn item(&self) -> Item {
        let extra = &self.extra;
        match self.placed() {
            0 => Item::Unpushed,
            TAKEN_BACK => Item::TakenBack,
            TURNED_AWAY => Item::TurnedAway,
            // RELAXED: see above.
            _ => Item::At(
                extra.position.load(edge::DESCRIBE),
                extra.pushed_ns.load(edge::DESCRIBE),
            ),
        }
    }

    /// Says where the item is. Dispatch thread. RELAXED: it is the thread's own.
    pub(crate) fn set_item(&self, item: Item) {
        self.set_placed(match item {
            Item::Unpushed => 0,
            Item::TakenBack => TAKEN_BACK,
            Item::TurnedAway => TURNED_AWAY,
            Item::At(position, now_ns) => {
                // RELAXED: see above.
                self.extra.position.store(position, edge::DESCRIBE);
                self.extra.pushed_ns.store(now_ns, edge::DESCRIBE);
                1
            }
        });
    }

    /// Longest time in ns from a condition's arrival until it holds, 0: not said. RELAXED: whoever
    /// asks got a message about the slot, and publishing it carries the description.
    pub(crate) fn wait_budget_ns(&self) -> u64 {
        match self.kind().has_extra() {
            true => self.extra.wait_budget_ns.load(edge::DESCRIBE),
            false => 0,
        }
    }

    /// The task's number. RELAXED: as for [`kind`](Self::kind).
    #[inline]
    pub(crate) fn task(&self) -> TaskId {
        TaskId(self.task.load(edge::DESCRIBE))
    }

    /// Whether a failed producer was counted. RELAXED: asked after READY_TAKE.
    #[inline]
    pub(crate) fn is_poisoned(&self) -> bool {
        self.fan_in.load(edge::DESCRIBE) & POISON != 0
    }

    /// Producers not yet finished. A statistic.
    pub(crate) fn fan_in_hint(&self) -> u32 {
        // RELAXED: a statistic.
        self.fan_in.load(edge::DESCRIBE) & COUNT
    }

    /// Marks the slot: `cause`, on which it depends, failed. The first one that says so is kept;
    /// `INVALID`: nobody knows its number any more.
    /// Before the matching [`count_down`](Self::count_down).
    pub(crate) fn poison(&self, cause: TaskId) {
        // RELAXED: FAN_IN_ADD; the count-down of the same thread carries both words.
        let first = self.fan_in.fetch_or(POISON, edge::FAN_IN_ADD) & POISON == 0;
        if first {
            let cause = cause.0.wrapping_add(1);
            self.extra.cause.store(cause, edge::DESCRIBE);
        }
    }

    /// The task whose failure cancelled this one. RELAXED: asked after READY_TAKE.
    #[inline]
    pub(crate) fn cause(&self) -> Option<TaskId> {
        if !self.is_poisoned() {
            return None;
        }
        let cause = self.extra.cause.load(edge::DESCRIBE);
        cause.checked_sub(1).map(TaskId)
    }

    /// One producer is done with this slot; or the submitter is with those it met finished.
    #[inline]
    #[must_use]
    pub(crate) fn count_down(&self, by: u32) -> FanIn {
        // EDGE FAN_IN_LAST <- FAN_IN. Where only its own are left, the caller has acquired all the
        // others, and nobody else writes the word any more.
        if self.fan_in.load(edge::FAN_IN_LAST) == by {
            // RELAXED: asked for after READY_TAKE.
            self.fan_in.store(0, edge::DESCRIBE);
            return FanIn::Ready;
        }
        // EDGE FAN_IN -> FAN_IN_LAST. What was done before.
        let before = self.fan_in.fetch_sub(by, edge::FAN_IN);
        if before & COUNT != by {
            return FanIn::Waiting;
        }
        // EDGE FAN_IN_LAST <- FAN_IN. The others counted meanwhile, or one of them failed.
        match self.fan_in.load(edge::FAN_IN_LAST) & POISON {
            0 => FanIn::Ready,
            _ => FanIn::Poisoned,
        }
    }

    /// The link of whatever list the slot is in. RELAXED: READY_PUSH carries it.
    #[inline]
    pub(crate) fn next(&self) -> u32 {
        self.next.load(edge::READY_LINK)
    }

    /// Sets the link. RELAXED: READY_PUSH carries it.
    #[inline]
    pub(crate) fn set_next(&self, next: u32) {
        self.next.store(next, edge::READY_LINK);
    }
}

/// Layout of a slot (model builds have other atomics).
#[cfg(not(any(loom, shuttle)))]
mod layout {
    const _: () = assert!(
        size_of::<super::TaskSlot>() == 128,
        "a task slot is two lines, the first of which is hot"
    );
}

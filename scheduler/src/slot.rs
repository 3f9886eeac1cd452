//! A task slot: one line of words that describe a task and what became of it.
//!
//! Written by its ring's submitter, retired by FIN handlers, finished once. All fields are atomic
//! words: the description travels on FAN_IN and READY_PUSH (and SLOT_OPEN), never alone.

use finbox_mailbox::sync::{AtomicU32, AtomicU64};

use crate::edge;
use crate::edges::EdgeList;
use crate::id::TaskId;
use crate::retire::RetireWord;
use crate::spec::{Comparison, Predicate, Priority, Shape, Subtasks, TaskSpec};

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
    /// What the submitter said beside it: read when the task is dispatched or fails.
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
    output_bytes: AtomicU64,
    /// The task whose failure cancelled this one, plus 1; 0: none did.
    cause: AtomicU64,
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
            output_bytes: zero(),
            cause: zero(),
        }
    }
}

/// Bits of a predicate word beside value 32 and comparison 8: there is one.
const HAS_PREDICATE: u64 = 1 << 63;

/// The kind word: shape 3 · priority 1 · sync start 1 · subtasks 3 · conditions 8 · blocks 16.
const fn kind_of(spec: &TaskSpec) -> u32 {
    spec.shape as u32
        | (spec.priority as u32) << 3
        | (spec.sync_start as u32) << 4
        | (spec.subtasks.bits() as u32) << 5
        | (spec.may_defer as u32) << 8
        | (spec.blocks as u32) << 16
}

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
        self.output_bytes.store(spec.output_bytes, edge::DESCRIBE);
        self.cause.store(0, edge::DESCRIBE);
    }

    /// RELAXED: as for [`TaskSlot::spec`].
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
    /// Writes the description of a new life. RELAXED: FAN_IN, READY_PUSH and INSTALL carry it.
    pub(crate) fn describe(&self, spec: &TaskSpec) {
        self.task.store(spec.task.0, edge::DESCRIBE);
        self.kernel.store(spec.kernel, edge::DESCRIBE);
        self.args.store(spec.args, edge::DESCRIBE);
        self.kind.store(kind_of(spec), edge::DESCRIBE);
        self.placed.store(0, edge::DESCRIBE);
        self.extra.describe(spec);
        self.fan_in.store(1, edge::DESCRIBE);
    }

    /// The description. RELAXED: the caller reached this slot through READY_TAKE or OBSERVE.
    pub(crate) fn spec(&self) -> TaskSpec {
        let kind = self.kind.load(edge::DESCRIBE);
        let extra = &self.extra;
        TaskSpec {
            task: self.task(),
            shape: Shape::from_bits(kind),
            subtasks: Subtasks::from_bits_truncate((kind >> 5 & 7) as u8),
            blocks: (kind >> 16) as u16,
            sync_start: kind >> 4 & 1 == 1,
            priority: Priority::from_bits(kind >> 3),
            may_defer: (kind >> 8 & 0xFF) as u8,
            predicate: extra.predicate(),
            // RELAXED: see above.
            run_budget_ns: extra.run_budget_ns.load(edge::DESCRIBE),
            wait_budget_ns: extra.wait_budget_ns.load(edge::DESCRIBE),
            output_bytes: extra.output_bytes.load(edge::DESCRIBE),
            kernel: self.kernel.load(edge::DESCRIBE),
            args: self.args.load(edge::DESCRIBE),
        }
    }

    /// What a block of it needs. RELAXED: as for [`spec`](Self::spec).
    pub(crate) fn shape(&self) -> Shape {
        Shape::from_bits(self.kind.load(edge::DESCRIBE))
    }

    /// Which line it stands in when it is ready. RELAXED: as for [`spec`](Self::spec).
    pub(crate) fn priority(&self) -> Priority {
        Priority::from_bits(self.kind.load(edge::DESCRIBE) >> 3)
    }

    /// Tokens of it that no core was given. Dispatch thread. RELAXED: `placed` is its own.
    pub(crate) fn unplaced(&self) -> u32 {
        let kind = self.kind.load(edge::DESCRIBE);
        let subtasks = match Shape::from_bits(kind) {
            Shape::Mix => (kind >> 5 & 7).count_ones(),
            _ => 1,
        };
        ((kind >> 16) - self.placed()) * subtasks
    }

    /// Blocks that have their tokens. Dispatch thread. RELAXED: it is the thread's own.
    pub(crate) fn placed(&self) -> u32 {
        self.placed.load(edge::DESCRIBE)
    }

    /// Says how many blocks have their tokens. Dispatch thread. RELAXED: it is the thread's own.
    pub(crate) fn set_placed(&self, placed: u32) {
        self.placed.store(placed, edge::DESCRIBE);
    }

    /// Most conditions it may register. RELAXED: as for [`spec`](Self::spec).
    pub(crate) fn may_defer(&self) -> u32 {
        self.kind.load(edge::DESCRIBE) >> 8 & 0xFF
    }

    /// Longest time in ns from a condition's arrival until it holds, 0: not said. RELAXED: whoever
    /// asks got a message about the slot, and publishing it carries the description.
    pub(crate) fn wait_budget_ns(&self) -> u64 {
        self.extra.wait_budget_ns.load(edge::DESCRIBE)
    }

    /// The task's number. RELAXED: as for [`spec`](Self::spec).
    pub(crate) fn task(&self) -> TaskId {
        TaskId(self.task.load(edge::DESCRIBE))
    }

    /// Whether a failed producer was counted. RELAXED: asked after READY_TAKE.
    pub(crate) fn is_poisoned(&self) -> bool {
        self.fan_in.load(edge::DESCRIBE) & POISON != 0
    }

    /// Producers not yet finished, the submitter's own count included. A statistic.
    pub(crate) fn fan_in_hint(&self) -> u32 {
        // RELAXED: a statistic.
        self.fan_in.load(edge::DESCRIBE) & COUNT
    }

    /// The submitter is about to wire one more producer.
    pub(crate) fn expect_producer(&self) {
        // RELAXED: FAN_IN_ADD; the submitter still holds a count of its own.
        self.fan_in.fetch_add(1, edge::FAN_IN_ADD);
    }

    /// The submitter takes back what it expected: that producer had finished.
    pub(crate) fn forget_producer(&self) {
        // RELAXED: FAN_IN_ADD; the submitter still holds a count of its own.
        self.fan_in.fetch_sub(1, edge::FAN_IN_ADD);
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
    pub(crate) fn cause(&self) -> Option<TaskId> {
        let cause = self.extra.cause.load(edge::DESCRIBE);
        cause.checked_sub(1).map(TaskId)
    }

    /// One producer, or the submitter, is done with this slot.
    #[must_use]
    pub(crate) fn count_down(&self) -> FanIn {
        // EDGE FAN_IN -> FAN_IN. Whoever counts to zero has acquired all the others.
        let before = self.fan_in.fetch_sub(1, edge::FAN_IN);
        match (before & COUNT, before & POISON) {
            (1, 0) => FanIn::Ready,
            (1, _) => FanIn::Poisoned,
            _ => FanIn::Waiting,
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

//! A task slot: one line of words that describe a task and what became of it.
//!
//! Written by its ring's submitter, retired by FIN handlers, finished once. All fields are atomic
//! words: the description travels on FAN_IN and READY_PUSH (and SLOT_OPEN), never alone.

use finbox_mailbox::sync::{AtomicU32, AtomicU64};

use crate::edge;
use crate::edges::EdgeList;
use crate::id::TaskId;
use crate::limits::MAX_CONDITIONS;
use crate::retire::RetireWord;

/// What a task needs in order to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Shape {
    /// One cube core.
    Aic = 0,
    /// One vector core.
    Aiv = 1,
    /// One host lane.
    Host = 2,
    /// Nothing: it orders others.
    Dummy = 3,
}

/// How many shapes there are, which is how many ready stacks.
pub const SHAPES: usize = 4;

impl Shape {
    /// Every shape, in stack order.
    pub const ALL: [Self; SHAPES] = [Self::Aic, Self::Aiv, Self::Host, Self::Dummy];

    const fn from_bits(bits: u32) -> Self {
        match bits & 3 {
            0 => Self::Aic,
            1 => Self::Aiv,
            2 => Self::Host,
            _ => Self::Dummy,
        }
    }
}

/// A task as its submitter describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskSpec {
    /// Its number.
    pub task: TaskId,
    /// What it needs.
    pub shape: Shape,
    /// Most conditions it may register, 0 to 64; 0: it never defers and its slab is not read.
    pub may_defer: u8,
    /// Kernel, opaque to the scheduler.
    pub kernel: u64,
    /// Arguments, opaque to the scheduler.
    pub args: u64,
}

impl TaskSpec {
    /// Whether every field is in range.
    pub const fn is_valid(&self) -> bool {
        let defers_nowhere = self.may_defer > 0 && matches!(self.shape, Shape::Dummy);
        self.may_defer as u32 <= MAX_CONDITIONS && !defers_nowhere
    }
}

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
        }
    }
}

impl TaskSlot {
    /// Writes the description of a new life. RELAXED: FAN_IN, READY_PUSH and INSTALL carry it.
    pub(crate) fn describe(&self, spec: &TaskSpec) {
        let kind = spec.shape as u32 | u32::from(spec.may_defer) << 8;
        self.task.store(spec.task.0, edge::DESCRIBE);
        self.kernel.store(spec.kernel, edge::DESCRIBE);
        self.args.store(spec.args, edge::DESCRIBE);
        self.kind.store(kind, edge::DESCRIBE);
        self.fan_in.store(1, edge::DESCRIBE);
    }

    /// The description. RELAXED: the caller reached this slot through READY_TAKE or OBSERVE.
    pub(crate) fn spec(&self) -> TaskSpec {
        let kind = self.kind.load(edge::DESCRIBE);
        TaskSpec {
            task: self.task(),
            shape: Shape::from_bits(kind),
            may_defer: (kind >> 8 & 0x7F) as u8,
            kernel: self.kernel.load(edge::DESCRIBE),
            args: self.args.load(edge::DESCRIBE),
        }
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

    /// Marks the slot: something it depends on failed. Before the matching [`count_down`].
    ///
    /// [`count_down`]: Self::count_down
    pub(crate) fn poison(&self) {
        // RELAXED: FAN_IN_ADD; the count-down of the same thread carries it.
        self.fan_in.fetch_or(POISON, edge::FAN_IN_ADD);
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
        size_of::<super::TaskSlot>() == 64,
        "a task slot is one line"
    );
}

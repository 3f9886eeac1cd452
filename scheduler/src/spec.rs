//! A task as its submitter describes it: plain data, checked once, at submission.
//!
//! Called by submitters; [`TaskSlot`](crate::TaskSlot) holds a copy in atomic words.

use bitflags::bitflags;

use crate::id::TaskId;
use crate::limits::{MAX_BLOCKS, MAX_CONDITIONS};

/// What a block of a task needs in order to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Shape {
    /// One cube core.
    Aic = 0,
    /// One vector core.
    Aiv = 1,
    /// Several cores of one cluster, as [`TaskSpec::subtasks`] says.
    Mix = 2,
    /// One host lane.
    Host = 3,
    /// Nothing: it orders others.
    Dummy = 4,
    /// A persistent worker: one item of the scheduler's work ring, made of [`TaskSpec::kernel`] and
    /// [`TaskSpec::args`].
    Work = 5,
}

/// How many shapes there are.
pub const SHAPES: usize = 6;

/// How many ready stacks a priority has: items of work, which need no core, become ready where
/// dummies do.
pub(crate) const STACKS: usize = 5;

impl Shape {
    /// Every shape, by number.
    pub const ALL: [Self; SHAPES] = [
        Self::Aic,
        Self::Aiv,
        Self::Mix,
        Self::Host,
        Self::Dummy,
        Self::Work,
    ];

    pub(crate) const fn from_bits(bits: u32) -> Self {
        match bits & 7 {
            0 => Self::Aic,
            1 => Self::Aiv,
            2 => Self::Mix,
            3 => Self::Host,
            4 => Self::Dummy,
            _ => Self::Work,
        }
    }
}

bitflags! {
    /// The subtasks of one block (wire numbers of facts.md §2: AIC 1, AIV0 2, AIV1 4).
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Subtasks: u8 {
        /// On the cluster's cube core.
        const AIC = 1;
        /// On the cluster's first vector core.
        const AIV0 = 1 << 1;
        /// On the cluster's second vector core.
        const AIV1 = 1 << 2;
    }
}

/// Which ready tasks go first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Priority {
    /// After all that are high.
    #[default]
    Normal = 0,
    /// Before all that are normal.
    High = 1,
}

/// How many priorities there are.
pub const PRIORITIES: usize = 2;

impl Priority {
    /// Every priority, the one that goes first in front.
    pub const ALL: [Self; PRIORITIES] = [Self::High, Self::Normal];

    pub(crate) const fn from_bits(bits: u32) -> Self {
        match bits & 1 {
            0 => Self::Normal,
            _ => Self::High,
        }
    }
}

/// How a predicate's word is compared with its value, as unsigned numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Comparison {
    /// `word == value`
    Equal = 0,
    /// `word != value`
    NotEqual = 1,
    /// `word < value`
    Less = 2,
    /// `word <= value`
    LessOrEqual = 3,
    /// `word > value`
    Greater = 4,
    /// `word >= value`
    GreaterOrEqual = 5,
}

impl Comparison {
    /// Whether `word` compares so with `value`.
    pub const fn holds(self, word: u32, value: u32) -> bool {
        match self {
            Self::Equal => word == value,
            Self::NotEqual => word != value,
            Self::Less => word < value,
            Self::LessOrEqual => word <= value,
            Self::Greater => word > value,
            Self::GreaterOrEqual => word >= value,
        }
    }

    pub(crate) const fn from_bits(bits: u64) -> Self {
        match bits {
            0 => Self::Equal,
            1 => Self::NotEqual,
            2 => Self::Less,
            3 => Self::LessOrEqual,
            4 => Self::Greater,
            _ => Self::GreaterOrEqual,
        }
    }
}

/// Whether a task runs is decided when it could start: if the word at `addr` does not compare so,
/// it retires without running and releases its consumers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Predicate {
    /// Device address of a `u32`: aligned, readable by the control CPU.
    pub addr: u64,
    /// How it is compared.
    pub comparison: Comparison,
    /// With what.
    pub value: u32,
}

/// A task as its submitter describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskSpec {
    /// Its number.
    pub task: TaskId,
    /// What each of its blocks needs.
    pub shape: Shape,
    /// Which cores of a cluster a block of a [`Shape::Mix`] task needs; ignored for others.
    pub subtasks: Subtasks,
    /// SPMD blocks, 1 to 32 767.
    pub blocks: u16,
    /// All blocks start together, or not at all.
    pub sync_start: bool,
    /// Which ready tasks it goes before.
    pub priority: Priority,
    /// Most conditions all its blocks may register together, 0 to 64; 0: it never defers and its
    /// slabs are not read.
    pub may_defer: u8,
    /// Whether it runs at all.
    pub predicate: Option<Predicate>,
    /// Longest time in ns from a token's start to its FIN; 0: the scheduler's default.
    pub run_budget_ns: u64,
    /// Longest time in ns from a condition's arrival until it holds; 0: the scheduler's default.
    pub wait_budget_ns: u64,
    /// Output memory it takes from its ring's heap, in bytes.
    pub output_bytes: u64,
    /// Kernel, opaque to the scheduler. Of a [`Shape::Work`] task the low half is the item's rule
    /// set, and the high half is not handed on.
    pub kernel: u64,
    /// Arguments, opaque to the scheduler. Of a [`Shape::Work`] task the low half is the item's
    /// offset and the high half its length, in bytes.
    pub args: u64,
}

impl TaskSpec {
    /// One block without conditions, budgets, predicate or output.
    pub const fn new(task: TaskId, shape: Shape) -> Self {
        Self {
            task,
            shape,
            subtasks: Subtasks::empty(),
            blocks: 1,
            sync_start: false,
            priority: Priority::Normal,
            may_defer: 0,
            predicate: None,
            run_budget_ns: 0,
            wait_budget_ns: 0,
            output_bytes: 0,
            kernel: 0,
            args: 0,
        }
    }

    /// Subtasks of one block: 1, or how many cores a mixed block needs.
    pub const fn subtasks_per_block(&self) -> u32 {
        match self.shape {
            Shape::Mix => self.subtasks.bits().count_ones(),
            _ => 1,
        }
    }

    /// How often it retires: blocks × subtasks, at most 98 301.
    pub const fn retirements(&self) -> u32 {
        self.blocks as u32 * self.subtasks_per_block()
    }

    /// Whether every field is in range.
    pub const fn is_valid(&self) -> bool {
        // Dummies and items, the last two.
        let has_no_core = self.shape as u8 >= Shape::Dummy as u8;
        let needs_no_core = self.may_defer == 0 && self.blocks == 1 && !self.sync_start;
        let known = Subtasks::all().bits();
        let subtasks = self.subtasks.bits() & !known == 0 && self.subtasks_per_block() > 0;
        self.may_defer as u32 <= MAX_CONDITIONS
            && 1 <= self.blocks
            && self.blocks <= MAX_BLOCKS
            && subtasks
            && (!has_no_core || needs_no_core)
    }
}

#[cfg(test)]
mod tests {
    use super::{Shape, Subtasks, TaskSpec};
    use crate::id::TaskId;

    #[test]
    fn a_mixed_task_needs_a_subtask_and_retires_blocks_times_subtasks() {
        let mut spec = TaskSpec::new(TaskId(0), Shape::Mix);
        assert!(!spec.is_valid());
        (spec.subtasks, spec.blocks) = (Subtasks::all(), 32_767);
        assert!(spec.is_valid());
        assert_eq!(spec.retirements(), 98_301);
        spec.blocks = 32_768;
        assert!(!spec.is_valid());
    }

    #[test]
    fn a_task_without_core_has_one_block_and_no_conditions() {
        for shape in [Shape::Dummy, Shape::Work] {
            let spec = TaskSpec::new(TaskId(0), shape);
            assert!(spec.is_valid());
            let blocks = TaskSpec { blocks: 2, ..spec };
            let defers = TaskSpec {
                may_defer: 1,
                ..spec
            };
            let sync_start = TaskSpec {
                sync_start: true,
                ..spec
            };
            for spec in [blocks, defers, sync_start] {
                assert!(!spec.is_valid(), "{spec:?}");
            }
        }
    }
}

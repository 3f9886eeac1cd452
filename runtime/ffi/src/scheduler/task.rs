//! Tasks as a C program describes them.

use core::ffi::c_void;

use finbox_abi::{Versioned, no_extension, only};
use finbox_mailbox::SlotBits;
use finbox_scheduler::{
    Comparison, ConfigError, Predicate, Priority, Shape, SlotId, Subtasks, TaskId, TaskSpec,
};

use crate::problem::Problem;
use crate::scheduler::args::within;

/// Values of a task's `shape`: what each of its blocks needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum finbox_shape {
    /// One cube core.
    Aic = 0,
    /// One vector core.
    Aiv = 1,
    /// Several cores of one cluster, as `subtasks` says.
    Mix = 2,
    /// One host lane.
    Host = 3,
    /// Nothing: it orders others.
    Dummy = 4,
    /// A persistent worker: it is one item of the scheduler's work ring. The low half of `args` is
    /// the item's offset and the high half its length, the low half of `kernel` its rule set.
    /// `run_budget_ns` begins when it is pushed, and ends when its worker was heard.
    Work = 5,
}

/// Values of `predicate_comparison`: how the word is compared with the value, both unsigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum finbox_comparison {
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

/// Flag of a task: all its blocks start together, or not at all.
pub const FINBOX_TASK_SYNC_START: u64 = 1;
/// Flag of a task: it goes before all that do not have this flag.
pub const FINBOX_TASK_HIGH_PRIORITY: u64 = 2;
/// Flag of a task: whether it runs is decided when it could start, by its predicate. If that does
/// not hold it completes without running.
pub const FINBOX_TASK_PREDICATE: u64 = 4;

/// The largest number that a task may bear.
pub const FINBOX_TASK_LAST: u64 = 0xFF_FFFF_FFFE;

/// A task that was submitted. Plain data, to be copied; it names the task for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct finbox_task {
    /// Its slot: ring 8 bits, index 24, generation 32.
    pub slot: u64,
    /// Whose it is: tasks of another scheduler, or of one placed with another epoch, are refused.
    pub owner: u64,
}

/// A task as it is submitted. 0 stands for the default, where there is one.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct finbox_task_args {
    /// `FINBOX_TASK_ARGS_SIZE`.
    pub struct_size: usize,
    /// Null: no extension exists yet.
    pub next: *const c_void,
    /// Tasks that must have finished before it starts; if one failed, it is cancelled.
    pub after: *const finbox_task,
    /// How many.
    pub after_count: usize,
    /// Tasks whose slot and output are kept until it has finished.
    pub retained: *const finbox_task,
    /// How many.
    pub retained_count: usize,
    /// The number that launches, messages and reports bear, up to `FINBOX_TASK_LAST`.
    pub task: u64,
    /// The kernel, as the machine knows it.
    pub kernel: u64,
    /// The kernel's arguments, as the machine knows them.
    pub args: u64,
    /// Output memory that it takes from its ring's heap, in bytes.
    pub output_bytes: u64,
    /// Longest time in ns from a token's start to its FIN; 0: the scheduler's.
    pub run_budget_ns: u64,
    /// Longest time in ns from a condition's arrival until it holds; 0: the scheduler's.
    pub wait_budget_ns: u64,
    /// With `FINBOX_TASK_PREDICATE`: device address of an aligned word that the control CPU may
    /// read.
    pub predicate_address: u64,
    /// A `finbox_shape`.
    pub shape: u32,
    /// Which cores of a cluster a block of a mixed task needs, a sum of `FINBOX_SUBTASK_*`.
    pub subtasks: u32,
    /// Blocks, 1 to 32767; 0: one.
    pub blocks: u32,
    /// Most conditions that all its blocks may register together, 0 to 64; 0: its slabs are not
    /// read.
    pub defers: u32,
    /// With `FINBOX_TASK_PREDICATE`: a `finbox_comparison`.
    pub predicate_comparison: u32,
    /// With `FINBOX_TASK_PREDICATE`: what the word is compared with.
    pub predicate_value: u32,
    /// A sum of `FINBOX_TASK_*`.
    pub flags: u64,
}

// SAFETY: integers and pointers, without padding.
unsafe impl Versioned for finbox_task_args {
    const NAME: &'static str = "finbox_task_args";
    const MINIMUM: usize = 6 * size_of::<usize>() + 88;
}

/// Those of [`finbox_shape`].
const SHAPES: [Shape; 6] = Shape::ALL;

const COMPARISONS: [Comparison; 6] = [
    Comparison::Equal,
    Comparison::NotEqual,
    Comparison::Less,
    Comparison::LessOrEqual,
    Comparison::Greater,
    Comparison::GreaterOrEqual,
];

/// The one of `known` with this number.
fn one_of<T: Copy>(what: &'static str, number: u32, known: &[T]) -> Result<T, Problem> {
    let found = known.get(number as usize).copied();
    found.ok_or_else(|| {
        Problem::from(ConfigError::Range {
            what,
            value: number.into(),
            least: 0,
            most: known.len() as u64 - 1,
        })
    })
}

impl finbox_task_args {
    /// The task, as far as it can be judged without a scheduler.
    pub(super) fn spec(&self) -> Result<TaskSpec, Problem> {
        no_extension(self.next, Self::NAME)?;
        let known = FINBOX_TASK_SYNC_START | FINBOX_TASK_HIGH_PRIORITY | FINBOX_TASK_PREDICATE;
        only(known, self.flags)?;
        if self.task > FINBOX_TASK_LAST {
            return Err(Problem::from(ConfigError::Range {
                what: "the task's number",
                value: self.task,
                least: 0,
                most: FINBOX_TASK_LAST,
            }));
        }
        let all = usize::from(Subtasks::all().bits());
        let subtasks = within("the set of subtasks", (self.subtasks, 0), (0, all))?;
        let shape = one_of("shape", self.shape, &SHAPES)?;
        let priority = match self.flags & FINBOX_TASK_HIGH_PRIORITY {
            0 => Priority::Normal,
            _ => Priority::High,
        };
        let blocks = (self.blocks, 1);
        let blocks = within("the number of blocks", blocks, (1, usize::from(u16::MAX)))?;
        let defers = (self.defers, 0);
        let may_defer = within("the bound of conditions", defers, (0, usize::from(u8::MAX)))?;
        Ok(TaskSpec {
            subtasks: Subtasks::from_bits_truncate(subtasks),
            blocks,
            sync_start: self.flags & FINBOX_TASK_SYNC_START != 0,
            priority,
            may_defer,
            predicate: self.predicate()?,
            run_budget_ns: self.run_budget_ns,
            wait_budget_ns: self.wait_budget_ns,
            output_bytes: self.output_bytes,
            kernel: self.kernel,
            args: self.args,
            ..TaskSpec::new(TaskId(self.task), shape)
        })
    }

    fn predicate(&self) -> Result<Option<Predicate>, Problem> {
        if self.flags & FINBOX_TASK_PREDICATE == 0 {
            return Ok(None);
        }
        let comparison = self.predicate_comparison;
        let comparison = one_of("predicate_comparison", comparison, &COMPARISONS)?;
        Ok(Some(Predicate {
            addr: self.predicate_address,
            comparison,
            value: self.predicate_value,
        }))
    }
}

impl finbox_task {
    pub(super) const fn id(self) -> SlotId {
        SlotId::from_bits(SlotBits(self.slot))
    }
}

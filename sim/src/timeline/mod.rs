//! What a run did, and when: one value, filled by a world that was asked to record.
//!
//! Plain data, public throughout: vectors, indices and nanoseconds, virtual in lockstep and of the
//! wall clock in parallel, counted from the beginning of the run. Ranks are indices from 0 (their
//! numbers in messages are [`RankTimeline::rank`]), tasks are indices of their rank's plan.
//! A time that did not come is [`NEVER`]. In virtual time what a step does is seen from its
//! beginning and charged later: steps of different threads may overlap what they bring about.
//!
//! Guarantees: blocks stand in the order in which they were dispatched, operations in the order in
//! which they were issued; what a kind of entry had no room for is counted in [`LeftOut`], and the
//! entries that are there are the first. Refuses to judge what it shows. Made by
//! [`world::run`](crate::world::run) where [`Settings::record`](crate::world::Settings) is set.
//!
//! In parallel only FIN handlers have [`steps`](Thread::steps), and mailboxes no samples: nobody
//! says there when a pass of the dispatch thread begins.

mod series;
mod thread;

pub use self::series::Sample;
pub use self::thread::{Phase, Role, Span, Step, Thread};

use finbox_mailbox::Engine;
use finbox_scheduler::{Outcome, Shape, Subtasks};

use crate::engine::Lane;

/// A time that did not come.
pub const NEVER: u64 = u64::MAX;

/// Nothing, where an index is expected.
pub const NOBODY: u32 = u32::MAX;

/// Most blocks of a run that are recorded: 200 MB.
pub const MOST_BLOCKS: usize = 1 << 22;

/// Most steps of threads of a run that are recorded: 200 MB.
pub const MOST_STEPS: usize = 1 << 23;

/// Most operations of engines and links of a run, and most conditions, that are recorded: 150 MB.
pub const MOST_OPERATIONS: usize = 1 << 20;

/// Most samples of mailbox depths of a run that are recorded: 32 MB.
pub const MOST_SAMPLES: usize = 1 << 21;

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    /// Whether times are virtual.
    pub is_virtual: bool,
    /// When the run ended.
    pub end_ns: u64,
    /// Its ranks.
    pub ranks: Vec<RankTimeline>,
    /// The one thread that submits, for all ranks.
    pub submitter: Thread,
    /// What was not recorded for want of room.
    pub left_out: LeftOut,
    /// Where to look first if the run stood still or failed, as its report says.
    pub root: Option<Root>,
}

/// Where to look first in a run that did not end well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// The number people know the rank by.
    pub rank: u32,
    /// Which rank and task it is, and what became of it.
    pub message: String,
}

/// How many entries had no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Blocks.
    pub blocks: u64,
    /// Steps of threads.
    pub steps: u64,
    /// Operations of engines and links.
    pub operations: u64,
    /// Conditions.
    pub conditions: u64,
    /// Samples of mailbox depths.
    pub samples: u64,
}

/// What one rank did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RankTimeline {
    /// The number people know it by.
    pub rank: u32,
    /// Its cores, host lanes behind them: index is the core's id.
    pub lanes: Vec<CoreLane>,
    /// Its tasks, by index.
    pub tasks: Vec<TaskTimes>,
    /// What each task had to wait for.
    pub befores: Befores,
    /// Every run of a kernel, in order of dispatch.
    pub blocks: Vec<Block>,
    /// What deferred tasks waited for, in the order in which cores registered it.
    pub conditions: Vec<Condition>,
    /// What its cores and engines did to memory: puts, notifies, transfers.
    pub operations: Vec<Operation>,
    /// Its FIN handlers, then its dispatch thread.
    pub threads: Vec<Thread>,
    /// Messages in its mailbox, at changes.
    pub mailbox: Vec<Sample>,
}

/// A core or host lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoreLane {
    /// What runs on it.
    pub shape: Shape,
    /// Its cluster; None for a host lane.
    pub cluster: Option<u16>,
    /// The FIN handler that owns it.
    pub handler: u8,
}

/// When things happened to a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskTimes {
    /// It was wired in.
    pub submitted_ns: u64,
    /// All that it waits for had released it, and it was submitted.
    pub ready_ns: u64,
    /// Its outcome was decided.
    pub finished_ns: u64,
    /// Those that wait for it were released.
    pub released_ns: u64,
    /// How it ended; None: it did not.
    pub outcome: Option<Outcome>,
    /// Finished at its last FIN, without mailbox or lock.
    pub is_inline: bool,
    /// Where it runs.
    pub shape: Shape,
    /// How many blocks it has.
    pub blocks: u16,
}

/// One run of a kernel: a block of a task, or a subtask of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its task.
    pub task: u32,
    /// Which block; known once it has started.
    pub block: u16,
    /// Where it ran.
    pub core: u16,
    /// Which subtask of a mixed block; empty for other shapes.
    pub subtask: Subtasks,
    /// The dispatch thread gave it to the core.
    pub dispatched_ns: u64,
    /// The core began with it.
    pub started_ns: u64,
    /// The core ended it.
    pub ended_ns: u64,
    /// A handler saw the FIN.
    pub observed_ns: u64,
}

/// Something that a deferred task waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Whose it is.
    pub task: u32,
    /// What was watched.
    pub watch: Watch,
    /// The value to reach, of a counter.
    pub expected: u32,
    /// The core registered it, at the end of a block.
    pub registered_ns: u64,
    /// The dispatch thread saw that it holds.
    pub met_ns: u64,
    /// The operation that made it true, as far as one did.
    pub by: Option<OperationRef>,
}

/// What a condition watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Watch {
    /// A counter of the rank.
    Counter(u32),
    /// A transfer in a queue of an engine of the rank.
    Post(Lane),
    /// Something else, at this address.
    Address(u64),
}

/// An operation among all ranks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OperationRef {
    /// Index into [`Timeline::ranks`].
    pub rank: u32,
    /// Index into [`RankTimeline::operations`].
    pub index: u32,
}

/// What a core or an engine of a rank did to memory, its own or a peer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// What.
    pub kind: OperationKind,
    /// The task that caused it.
    pub task: u32,
    /// The rank whose memory bytes came from; of a notify the rank that notifies.
    pub from: u32,
    /// The rank whose memory was changed.
    pub to: u32,
    /// How many bytes, as its time was reckoned.
    pub bytes: u64,
    /// A kernel ended with it, or posted it.
    pub issued_ns: u64,
    /// It went ahead: those before it in its queue had ended.
    pub began_ns: u64,
    /// It was there.
    pub ended_ns: u64,
    /// How long it takes by the cost model once it is under way; 0 by the wall clock.
    pub planned_ns: u64,
    /// What its counter said then, where it has one.
    pub value: u32,
}

/// A kind of operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationKind {
    /// A core put bytes into a peer's data.
    Put,
    /// A core added to a counter of a peer.
    Notify {
        /// The peer's counter.
        counter: u32,
    },
    /// An engine of which only the time is known; it adds 1 to a counter of its rank.
    Timer {
        /// The counter.
        counter: u32,
    },
    /// An engine moved bytes.
    Transfer {
        /// Through which queue.
        lane: Lane,
        /// What it failed with; 0: it did not.
        status: u16,
    },
}

impl Operation {
    /// The engine that did it; None: a core.
    pub const fn engine(&self) -> Option<Engine> {
        match self.kind {
            OperationKind::Put | OperationKind::Notify { .. } => None,
            OperationKind::Timer { .. } => Some(Engine::Sdma),
            OperationKind::Transfer { lane, .. } => Some(lane.engine()),
        }
    }

    /// The counter that it adds to: a notify's of rank [`to`](Self::to), any other of the rank that
    /// issued it.
    pub const fn counter(&self) -> Option<u32> {
        match self.kind {
            OperationKind::Notify { counter } | OperationKind::Timer { counter } => Some(counter),
            OperationKind::Transfer { lane, .. } => match lane {
                Lane::Roce { counter } | Lane::Ccu { counter } => Some(counter),
                Lane::Sdma { .. } | Lane::Urma { .. } => None,
            },
            OperationKind::Put => None,
        }
    }

    /// Whether it went from one rank to another.
    pub const fn is_remote(&self) -> bool {
        self.from != self.to
    }
}

/// For each task the tasks that must finish before it starts, in two flat tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Befores {
    /// Where the list of each task begins, and the end of the last one.
    pub begins: Vec<u32>,
    /// The lists, one behind another.
    pub tasks: Vec<u32>,
}

impl Befores {
    /// The tasks that must finish before `task` starts; none for a task that is not known.
    pub fn of(&self, task: u32) -> &[u32] {
        match self.begins.get(task as usize..task as usize + 2) {
            Some(&[begin, end]) => &self.tasks[begin as usize..end as usize],
            _ => &[],
        }
    }
}

/// What people call an engine.
pub const fn engine_name(engine: Engine) -> &'static str {
    match engine {
        Engine::Sdma => "SDMA",
        Engine::Roce => "RoCE",
        Engine::Urma => "URMA",
        Engine::Ccu => "CCU",
    }
}

impl LeftOut {
    /// Everything that was left out.
    pub const fn total(&self) -> u64 {
        self.blocks + self.steps + self.operations + self.conditions + self.samples
    }

    /// The same with what another rank left out.
    pub const fn add(&mut self, other: &Self) {
        self.blocks += other.blocks;
        self.steps += other.steps;
        self.operations += other.operations;
        self.conditions += other.conditions;
        self.samples += other.samples;
    }
}

const _: () = assert!(size_of::<Block>() <= 48, "4 M blocks are 200 MB");
const _: () = assert!(size_of::<Step>() <= 24, "8 M steps are 200 MB");
const _: () = assert!(size_of::<TaskTimes>() <= 40, "1 M tasks are 40 MB");

//! The plan of a run: ranks, buffers, tasks and what their kernels do.
//!
//! Plain data, public throughout. Offsets are bytes in a rank's data unless a field says
//! otherwise; ranks are indices from 0, and a rank's number in a trace is only its label.
//! [`Workload::check`] says whether a plan names only what exists.

use std::borrow::Cow;

use finbox_runtime::Access;
use finbox_scheduler::{Comparison, Priority, Shape, Subtasks};

use crate::device::{CounterPlace, Device, DeviceOptions, EngineMemory};
use crate::engine::EngineFault;

use super::golden::Golden;
use super::list::{After, Common, Seldom};
use super::op::{Op, conditions_of};
use super::pattern::pattern;
use super::rules::RuleSet;
use super::service::Service;
use super::stream::{External, PointWait, StreamPlan};
use super::verify::Check;

/// Longest kernel in ns: a thousand hours.
pub const MOST_TASK_NS: u64 = 3_600_000_000_000_000;

/// Most bytes that the time of an engine's work or of a put is reckoned for: a PiB, which takes a
/// day or so.
pub const MOST_TIMED_BYTES: u64 = 1 << 50;

/// Everything a run needs to know beforehand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Workload {
    /// The scenario's name, as on the command line.
    pub name: String,
    /// One plan a rank.
    pub ranks: Vec<RankPlan>,
    /// The global order of submission: every task once, after those it depends on.
    pub order: Vec<TaskRef>,
    /// Whether [`checks`](Self::checks) are a golden result with a `max_diff`.
    pub golden: bool,
    /// Whether whoever wrote the workload says what memory must hold: finbox reckoned none of it.
    pub is_stated: bool,
    /// What memory must hold at the end.
    pub checks: Vec<Check>,
    /// Operations of engines that fail.
    pub engine_faults: Vec<EngineFault>,
}

/// A task among all ranks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskRef {
    /// Index into [`Workload::ranks`].
    pub rank: u32,
    /// Index into [`RankPlan::tasks`].
    pub task: u32,
}

/// One rank.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RankPlan {
    /// The number people know it by; need not be its index.
    pub rank: u32,
    /// Bytes of its data, buffers included.
    pub data_bytes: u64,
    /// Its counters, zero at the start; the control CPU may read them.
    pub counters: Vec<CounterPlace>,
    /// Which peer notifies each counter, as far as conditions are to say so; empty: none says.
    pub sources: Vec<Option<u32>>,
    /// Its engines' queues: streams with event records, completion queues.
    pub engines: EngineMemory,
    /// Named parts of its data; what tasks declare.
    pub buffers: Vec<BufferPlan>,
    /// Its streams; tasks name them by index.
    pub streams: Vec<StreamPlan>,
    /// What its kernels look for in bytes.
    pub rule_sets: Vec<RuleSet>,
    /// Its tasks.
    pub tasks: Vec<TaskPlan>,
    /// What its data holds at the start; zero elsewhere.
    pub init: Vec<Init>,
    /// What parts of its data must hold at the end, if their writers completed.
    pub parts: Vec<Golden>,
}

/// A named part of a rank's data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BufferPlan {
    /// Its name in messages.
    pub name: Box<str>,
    /// Where it begins in the rank's data.
    pub offset: u64,
    /// Its size.
    pub bytes: u64,
    /// The buffer before it, in whose memory it begins its life, when nobody touches that one any
    /// more. Its first user is submitted then, and not earlier.
    pub takes: Option<u32>,
}

/// A range of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Offset of the first byte.
    pub at: u64,
    /// How many.
    pub bytes: u64,
}

/// A declared use of a buffer; dependencies are found from these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BufferUse {
    /// Index into [`RankPlan::buffers`].
    pub buffer: u32,
    /// Which bytes of the buffer; offsets from its start.
    pub span: Span,
    /// What is done to them.
    pub access: Access,
}

/// Compares a counter of the task's rank with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PredicatePlan {
    /// The counter.
    pub counter: u32,
    /// How it is compared.
    pub comparison: Comparison,
    /// With what.
    pub value: u32,
}

/// One task. What a kernel's start and end look at is a line of its own, long after submission read
/// the next one: a plan is larger than what is near, and only its end is seldom looked at.
#[derive(Clone, Debug, PartialEq)]
#[repr(C, align(64))]
pub struct TaskPlan {
    /// What its kernel does, in order.
    pub program: Common<Op>,
    /// How long its kernel runs, in ns, each block and subtask; at most [`MOST_TASK_NS`].
    pub duration_ns: u64,
    /// Longest time in ns from a token's start to its FIN; 0: no limit of its own.
    pub run_budget_ns: u64,
    /// Explicit dependencies: tasks of the same rank that come first.
    pub after: After,
    /// SPMD blocks, 1 to 32 767. Each block and subtask runs the program on its own.
    pub blocks: u16,
    /// Where it runs.
    pub shape: Shape,
    /// Which cores of a cluster a block of a mixed task needs; ignored for other shapes.
    pub subtasks: Subtasks,
    /// All blocks start together, or not at all.
    pub sync_start: bool,
    /// Which ready tasks it goes before.
    pub priority: Priority,
    /// Most conditions it may register, 0 to 64; 0: it is done when its kernel is.
    pub defers: u8,
    /// Scopes that open before it is submitted.
    pub opens: u8,
    /// Which buffers it uses.
    pub uses: Seldom<BufferUse>,
    /// Launches that must have finished before it starts, of any rank and stream.
    pub waits: Seldom<PointWait>,
    /// Buffers whose lives end with its submission.
    pub frees: Seldom<u32>,
    /// Arguments of a launch that nobody declared.
    pub externals: Seldom<External>,
    /// Longest time in ns from a condition's arrival until it holds; 0: no limit of its own.
    pub wait_budget_ns: u64,
    /// Output memory it takes from its ring's heap, in bytes.
    pub output_bytes: u64,
    /// Whether it runs at all: asked when it could start.
    pub predicate: Option<PredicatePlan>,
    /// Scopes that close behind it.
    pub closes: u8,
    /// The stream that it is launched on, an index into [`RankPlan::streams`]; none: it is a task
    /// on no stream.
    pub stream: Option<u32>,
    /// The bytes of the rank's data that enter the result digest.
    pub output: Option<Span>,
    /// Its name in messages; need not be unique.
    pub name: Cow<'static, str>,
}

const _: () = assert!(size_of::<TaskPlan>() == 3 * 64, "three lines");

/// What a part of a rank's data holds at the start.
#[derive(Clone, Debug, PartialEq)]
pub enum Init {
    /// One `f32`, over and over.
    F32 {
        /// First byte, a multiple of 4.
        at: u64,
        /// How many values.
        count: u64,
        /// The value.
        value: f32,
    },
    /// Words.
    U32 {
        /// First byte, a multiple of 4.
        at: u64,
        /// The words.
        words: Box<[u32]>,
    },
    /// The first bytes of a [`pattern`].
    Pattern {
        /// First byte.
        at: u64,
        /// How many.
        bytes: u64,
        /// Which pattern.
        seed: u64,
    },
}

impl TaskPlan {
    /// A task that uses nothing, waits for nothing and does nothing for `duration_ns`.
    pub fn new(name: impl Into<Cow<'static, str>>, shape: Shape, duration_ns: u64) -> Self {
        Self {
            name: name.into(),
            shape,
            subtasks: Subtasks::empty(),
            blocks: 1,
            sync_start: false,
            priority: Priority::Normal,
            predicate: None,
            run_budget_ns: 0,
            wait_budget_ns: 0,
            output_bytes: 0,
            opens: 0,
            closes: 0,
            duration_ns,
            uses: Seldom::new(),
            frees: Seldom::new(),
            externals: Seldom::new(),
            after: After::new(),
            stream: None,
            waits: Seldom::new(),
            defers: 0,
            program: Common::new(),
            output: None,
        }
    }
}

impl TaskPlan {
    /// What its cores serve, if they do.
    pub fn service(&self) -> Option<Service> {
        self.program.iter().find_map(|op| match op {
            Op::Serve(service) => Some(*service),
            _ => None,
        })
    }
}

impl RankPlan {
    /// A rank with nothing in it.
    pub fn new(rank: u32) -> Self {
        Self {
            rank,
            ..Self::default()
        }
    }

    /// Adds a buffer behind all others, at a multiple of `align` bytes; returns its index.
    pub fn add_buffer(&mut self, name: &str, bytes: u64, align: u64) -> u32 {
        let offset = self.data_bytes.next_multiple_of(align);
        self.data_bytes = offset + bytes;
        self.buffers.push(BufferPlan {
            name: name.into(),
            offset,
            bytes,
            takes: None,
        });
        last_index(self.buffers.len())
    }

    /// Adds a buffer in the memory of `before`, whose life must have ended; returns its index.
    pub fn add_buffer_in(&mut self, name: &str, before: u32) -> u32 {
        self.buffers.push(BufferPlan {
            name: name.into(),
            takes: Some(before),
            ..self.buffers[before as usize].clone()
        });
        last_index(self.buffers.len())
    }

    /// What the workers of the rank serve, if a kernel of it serves anything.
    pub fn service(&self) -> Option<Service> {
        self.tasks.iter().find_map(TaskPlan::service)
    }

    /// Its tasks that are items for persistent workers.
    pub fn items(&self) -> impl Iterator<Item = &TaskPlan> {
        let tasks = self.tasks.iter();
        tasks.filter(|task| task.shape == Shape::Work)
    }

    /// Adds a counter; returns its index.
    pub fn add_counter(&mut self, place: CounterPlace) -> u32 {
        self.counters.push(place);
        last_index(self.counters.len())
    }

    /// Adds a task; returns its index.
    pub fn add_task(&mut self, task: TaskPlan) -> u32 {
        self.tasks.push(task);
        last_index(self.tasks.len())
    }

    /// The cookie of conditions on this counter: it names the peer that notifies the counter, if
    /// the plan says which.
    pub fn cookie(&self, counter: usize) -> u64 {
        let source = self.sources.get(counter).copied().flatten();
        source.map_or(0, |peer| (u64::from(peer) + 1) << 32)
    }

    /// Where a buffer begins in the rank's data.
    pub fn offset(&self, buffer: u32) -> u64 {
        self.buffers[buffer as usize].offset
    }

    /// All bytes of a buffer, as offsets in the rank's data.
    pub fn span(&self, buffer: u32) -> Span {
        let buffer = &self.buffers[buffer as usize];
        Span {
            at: buffer.offset,
            bytes: buffer.bytes,
        }
    }

    /// A use of all of a buffer.
    pub fn whole(&self, buffer: u32, access: Access) -> BufferUse {
        let span = Span {
            at: 0,
            bytes: self.buffers[buffer as usize].bytes,
        };
        BufferUse {
            buffer,
            span,
            access,
        }
    }

    /// Writes what the data holds at the start.
    pub fn initialise(&self, device: &Device) {
        for init in &self.init {
            match init {
                Init::F32 { at, count, value } => {
                    device
                        .dram()
                        .fill_u32(device.data_address(*at), *count, value.to_bits());
                }
                Init::U32 { at, words } => {
                    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
                    device.dram().write_bytes(device.data_address(*at), &bytes);
                }
                Init::Pattern { at, bytes, seed } => {
                    let content = pattern(*seed, *bytes);
                    device
                        .dram()
                        .write_bytes(device.data_address(*at), &content);
                }
            }
        }
    }
}

impl Workload {
    /// One device a rank, its data as it is at the start.
    pub fn make_devices(&self, options: DeviceOptions) -> Vec<Device> {
        let make = |(rank, plan): (u32, &RankPlan)| {
            let counters = &plan.counters[..];
            let device =
                Device::with_engines(options, rank, (counters, &plan.engines), plan.data_bytes);
            plan.initialise(&device);
            device
        };
        (0..).zip(&self.ranks).map(make).collect()
    }

    /// The plan of a task.
    pub fn task(&self, at: TaskRef) -> &TaskPlan {
        &self.ranks[at.rank as usize].tasks[at.task as usize]
    }

    /// How many conditions the programs of all tasks register together: what mailboxes deliver in
    /// a run in which every task completes.
    pub fn planned_conditions(&self) -> u64 {
        let tasks = self.ranks.iter().flat_map(|rank| &rank.tasks);
        tasks.map(conditions_of).sum()
    }

    /// Whether any rank has completion queues, which not every target has.
    pub fn needs_urma(&self) -> bool {
        let has_queues = |rank: &RankPlan| !rank.engines.completion_queues.is_empty();
        self.ranks.iter().any(has_queues)
    }

    /// Whether any task needs a host lane.
    pub fn needs_host(&self) -> bool {
        self.ranks
            .iter()
            .flat_map(|rank| &rank.tasks)
            .any(|task| task.shape == Shape::Host)
    }

    /// The order that takes the first task of every rank, then the second, and so on: right
    /// where every task depends only on tasks of its rank with smaller numbers.
    pub fn order_by_turns(ranks: &[RankPlan]) -> Vec<TaskRef> {
        let longest = ranks.iter().map(|rank| rank.tasks.len()).max().unwrap_or(0);
        let turn = |task: usize| {
            let has_it = move |rank: &(usize, &RankPlan)| task < rank.1.tasks.len();
            ranks
                .iter()
                .enumerate()
                .filter(has_it)
                .map(move |(rank, _)| TaskRef {
                    rank: index(rank),
                    task: index(task),
                })
        };
        (0..longest).flat_map(turn).collect()
    }
}

fn last_index(count: usize) -> u32 {
    index(count - 1)
}

/// An index of a plan: there are less than 2³² of anything.
pub(super) fn index(index: usize) -> u32 {
    u32::try_from(index).expect("a plan has less than 2³² of anything")
}

#[cfg(test)]
mod tests {
    use super::{RankPlan, Shape, TaskPlan, TaskRef, Workload};

    #[test]
    fn buffers_follow_each_other_at_their_alignments() {
        let mut plan = RankPlan::new(0);
        let first = plan.add_buffer("first", 5, 4096);
        let second = plan.add_buffer("second", 4, 4);
        let third = plan.add_buffer("third", 1, 64);
        let offsets = [first, second, third].map(|buffer| plan.offset(buffer));
        assert_eq!((offsets, plan.data_bytes), ([0, 8, 64], 65));
    }

    #[test]
    fn turns_go_round_the_ranks_that_still_have_tasks() {
        let plan = |tasks| {
            let mut plan = RankPlan::new(0);
            plan.tasks = vec![TaskPlan::new("task", Shape::Dummy, 0); tasks];
            plan
        };
        let order = Workload::order_by_turns(&[plan(1), plan(0), plan(2)]);
        let expected = [(0, 0), (2, 0), (2, 1)].map(|(rank, task)| TaskRef { rank, task });
        assert_eq!(order, expected);
    }
}

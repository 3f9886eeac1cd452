//! Recording what a run does, for whoever wants to see it.
//!
//! Guarantees: what is recorded moves no event and costs no virtual time; what has no room is
//! counted. Threads record one at a time a rank, so in parallel recording makes them wait for each
//! other: times of such a run are larger than without. Called by the recorder, by cores and
//! engines through the worlds, and by the lockstep world for its steps. See
//! [`timeline`](crate::timeline) for what comes out.

mod finish;
mod operations;
mod steps;

use std::collections::HashMap;

use finbox_scheduler::{Chip, Event, Shape};

use self::steps::Current;
use super::Settings;
use crate::device::{Device, Meter, Picked};
use crate::shared::Shared;
use crate::timeline::{
    Block, Condition, CoreLane, LeftOut, MOST_BLOCKS, MOST_OPERATIONS, MOST_SAMPLES, MOST_STEPS,
    NEVER, NOBODY, Operation, Role, Sample, TaskTimes, Thread, Watch,
};
use crate::workload::{RankPlan, Workload};

/// What is recorded of a run while it goes on.
pub(super) struct Recording<'a> {
    devices: &'a [Device],
    meter: &'a Meter,
    /// Each rank's counters by address.
    counters: Vec<HashMap<u64, u32>>,
    ranks: Vec<Shared<Rank>>,
    /// Lockstep: the step that is being taken.
    current: Shared<Current>,
    submitter: Shared<(Thread, u64)>,
    /// How many blocks, steps, operations or conditions, and samples a rank may have.
    most: Most,
}

/// What a rank has room for.
#[derive(Clone, Copy)]
struct Most {
    blocks: usize,
    steps: usize,
    operations: usize,
    samples: usize,
}

/// One rank.
struct Rank {
    label: u32,
    cores: Vec<CoreLane>,
    tasks: Vec<TaskTimes>,
    blocks: Vec<Block>,
    /// The block that each core has under each parity, as an index.
    in_flight: Vec<[u32; 2]>,
    conditions: Vec<Condition>,
    /// Conditions that do not hold, with their addresses, by task.
    unmet: HashMap<u32, Vec<(u64, u32)>>,
    operations: Vec<Operation>,
    /// The engines' operations, in the order in which they were posted.
    posts: Vec<u32>,
    /// The same, by queue.
    lanes: HashMap<Watch, Vec<u32>>,
    threads: Vec<Thread>,
    mailbox: Vec<Sample>,
    depth: u32,
    /// In parallel: since when the handler of each core is at its FIN.
    handling: Vec<u64>,
    left_out: LeftOut,
}

impl<'a> Recording<'a> {
    /// Of a run of `workload` on `devices`, which `meter` measures.
    pub(super) fn new(
        workload: &Workload,
        devices: &'a [Device],
        meter: &'a Meter,
        settings: &Settings,
    ) -> Self {
        let count = workload.ranks.len().max(1);
        let ranks = workload.ranks.iter().zip(devices);
        let counters = |device: &Device| {
            let counters = device.layout().counters().iter();
            counters.copied().zip(0..).collect()
        };
        Self {
            devices,
            meter,
            counters: devices.iter().map(counters).collect(),
            ranks: ranks
                .map(|(plan, device)| Shared::new(Rank::new(plan, device, settings)))
                .collect(),
            current: Shared::default(),
            submitter: Shared::default(),
            most: Most {
                blocks: MOST_BLOCKS / count,
                steps: MOST_STEPS / count,
                operations: MOST_OPERATIONS / count,
                samples: MOST_SAMPLES / count,
            },
        }
    }

    /// What a core does is told with its world's clock: that is ns only in virtual time.
    fn at(&self, now: u64) -> u64 {
        match self.meter.is_virtual() {
            true => now,
            false => self.meter.now(),
        }
    }

    /// Something happened to a task of `rank`.
    pub(super) fn hear(&self, rank: usize, task: u32, event: Event) {
        let (now, most) = (self.meter.now(), self.most);
        let mut rank = self.ranks[rank].lock();
        match event {
            Event::Submitted { .. } => rank.tasks[task as usize].submitted_ns = now,
            Event::Dispatched { core, token, .. } => {
                let block = Block {
                    task,
                    core: core.0,
                    dispatched_ns: now,
                    ..NO_BLOCK
                };
                rank.dispatched(block, token.parity(), most);
            }
            Event::Observed { core, token, .. } => {
                if let Some(block) = rank.in_flight(core.index(), token.parity()) {
                    block.observed_ns = now;
                }
                rank.handling[core.index()] = now;
            }
            Event::Handled { core, .. } if !self.meter.is_virtual() => {
                rank.handled(core.index(), now, most);
            }
            Event::Pushed { accepted, .. } if self.meter.is_virtual() => {
                let depth = rank.depth + accepted;
                rank.sample(now, depth, most);
            }
            Event::Met { addr, .. } => rank.met(task, addr, now),
            Event::Finished {
                outcome, inline, ..
            } => {
                let times = &mut rank.tasks[task as usize];
                (times.finished_ns, times.released_ns) = (now, now);
                (times.outcome, times.is_inline) = (Some(outcome), inline);
            }
            _ => {}
        }
    }

    /// Lockstep: the same, when it had been charged.
    pub(super) fn is_done(&self, rank: usize, task: u32, event: Event) {
        let now = self.meter.now();
        match event {
            Event::Submitted { .. } => {
                self.ranks[rank].lock().tasks[task as usize].submitted_ns = now;
            }
            Event::Dispatched { core, token, .. } => {
                let mut rank = self.ranks[rank].lock();
                if let Some(block) = rank.in_flight(core.index(), token.parity()) {
                    block.dispatched_ns = now;
                }
            }
            Event::Finished { .. } => {
                self.ranks[rank].lock().tasks[task as usize].released_ns = now;
            }
            _ => {}
        }
    }

    /// A core of `rank` begins with `picked`.
    pub(super) fn started(&self, rank: usize, picked: &Picked, now: u64) {
        let at = self.at(now);
        let (core, parity) = (picked.core.index(), picked.token.parity());
        if let Some(block) = self.ranks[rank].lock().in_flight(core, parity) {
            block.block = picked.launch.block;
            block.subtask = picked.launch.subtask;
            block.started_ns = at;
        }
    }

    /// A core of `rank` ended `picked`.
    pub(super) fn ended(&self, rank: usize, picked: &Picked, now: u64) {
        let at = self.at(now);
        let (core, parity) = (picked.core.index(), picked.token.parity());
        if let Some(block) = self.ranks[rank].lock().in_flight(core, parity) {
            block.ended_ns = at;
        }
    }

    /// So many messages are in the mailbox of `rank` at `now`.
    pub(super) fn mailbox(&self, rank: usize, now: u64, depth: u32) {
        self.ranks[rank].lock().sample(now, depth, self.most);
    }
}

const NO_BLOCK: Block = Block {
    task: NOBODY,
    block: 0,
    core: 0,
    subtask: finbox_scheduler::Subtasks::empty(),
    dispatched_ns: NEVER,
    started_ns: NEVER,
    ended_ns: NEVER,
    observed_ns: NEVER,
};

impl Rank {
    fn new(plan: &RankPlan, device: &Device, settings: &Settings) -> Self {
        let (options, handlers) = (device.options(), settings.handlers);
        let chip = Chip {
            target: settings.target,
            cores: options.cores,
            host_lanes: options.host_lanes,
            handlers,
        };
        let lane = |core: finbox_scheduler::CoreId| CoreLane {
            shape: device.shape(core),
            cluster: (device.shape(core) != Shape::Host)
                .then_some(core.0 / finbox_scheduler::CORES_PER_CLUSTER),
            handler: chip.owner_of(core),
        };
        let cores: Vec<CoreLane> = device.core_ids().map(lane).collect();
        let roles = (0..handlers).map(Role::Handler).chain([Role::Dispatch]);
        let thread = |role| Thread {
            role,
            steps: Vec::new(),
        };
        Self {
            label: plan.rank,
            tasks: plan.tasks.iter().map(no_times).collect(),
            blocks: Vec::new(),
            in_flight: vec![[NOBODY; 2]; cores.len()],
            handling: vec![NEVER; cores.len()],
            cores,
            conditions: Vec::new(),
            unmet: HashMap::new(),
            operations: Vec::new(),
            posts: Vec::new(),
            lanes: HashMap::new(),
            threads: roles.map(thread).collect(),
            mailbox: Vec::new(),
            depth: 0,
            left_out: LeftOut::default(),
        }
    }

    fn dispatched(&mut self, block: Block, parity: usize, most: Most) {
        let (core, index) = (usize::from(block.core), self.blocks.len());
        let index = match index < most.blocks {
            true => u32::try_from(index).expect("at most 2²² blocks are recorded"),
            false => NOBODY,
        };
        self.in_flight[core][parity] = index;
        match index {
            NOBODY => self.left_out.blocks += 1,
            _ => self.blocks.push(block),
        }
    }

    fn in_flight(&mut self, core: usize, parity: usize) -> Option<&mut Block> {
        let index = self.in_flight[core][parity];
        self.blocks.get_mut(index as usize)
    }

    fn met(&mut self, task: u32, addr: u64, now: u64) {
        let Some(unmet) = self.unmet.get_mut(&task) else {
            return;
        };
        if let Some(found) = unmet.iter().position(|&(watched, _)| watched == addr) {
            let (_, condition) = unmet.remove(found);
            self.conditions[condition as usize].met_ns = now;
        }
        if unmet.is_empty() {
            self.unmet.remove(&task);
        }
    }

    fn sample(&mut self, at_ns: u64, depth: u32, most: Most) {
        if depth == self.depth {
            return;
        }
        self.depth = depth;
        // A pass that began before a push ends, but took what it pushed, may end before it.
        let last_ns = self.mailbox.last().map_or(0, |last| last.at_ns);
        let sample = Sample {
            at_ns: at_ns.max(last_ns),
            count: depth,
        };
        match self.mailbox.len() < most.samples {
            true => self.mailbox.push(sample),
            false => self.left_out.samples += 1,
        }
    }
}

fn no_times(task: &crate::workload::TaskPlan) -> TaskTimes {
    TaskTimes {
        submitted_ns: NEVER,
        ready_ns: NEVER,
        finished_ns: NEVER,
        released_ns: NEVER,
        outcome: None,
        is_inline: false,
        shape: task.shape,
        blocks: task.blocks,
    }
}

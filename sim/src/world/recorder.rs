//! The recorder: listens to the scheduler, keeps the digests, and checks rules of its own.
//!
//! The oracles stand outside the scheduler's code: every task finishes exactly once, and none is
//! given to a core, or finished, before everything it was told to wait for has finished; and no
//! task completes before every counter it waits for has come that far in device memory.

use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use finbox_scheduler::{Event, Outcome, Probe, SlotId};
use fnv::FnvHasher;

use super::order::dependencies;
use crate::device::{Device, Meter};
use crate::workload::{TaskRef, Unmet, Workload};

/// Most broken rules that are told one by one.
const MOST_BROKEN: usize = 10;

/// What became of one task, as far as events said.
const UNFINISHED: u8 = 0;
const COMPLETED: u8 = 1;
const FAILED: u8 = 2;
const CANCELLED: u8 = 3;

/// Everything that is recorded of a run.
pub(super) struct Recorder<'a> {
    workload: &'a Workload,
    devices: &'a [Device],
    meter: &'a Meter,
    log: Mutex<FnvHasher>,
    ranks: Vec<RankRecord>,
    broken: Mutex<Vec<String>>,
}

#[derive(Debug)]
struct RankRecord {
    /// What each task must wait for.
    after: Vec<Vec<u32>>,
    outcomes: Vec<AtomicU8>,
    /// Which task a slot index stands for now.
    tasks: Vec<AtomicU32>,
}

/// The recorder as one rank's probe, with `tracing` behind it.
#[derive(Clone, Copy)]
pub(super) struct RankProbe<'a> {
    recorder: &'a Recorder<'a>,
    rank: usize,
    tracing: finbox_runtime::TracingProbe,
}

impl<'a> Recorder<'a> {
    /// A recorder for ranks with so many task slots each.
    pub(super) fn new(
        workload: &'a Workload,
        devices: &'a [Device],
        meter: &'a Meter,
        slots: impl IntoIterator<Item = u32>,
    ) -> Self {
        let ranks = workload
            .ranks
            .iter()
            .zip(slots)
            .map(|(plan, slots)| RankRecord {
                after: dependencies(plan),
                outcomes: plan
                    .tasks
                    .iter()
                    .map(|_| AtomicU8::new(UNFINISHED))
                    .collect(),
                tasks: (0..slots).map(|_| AtomicU32::new(u32::MAX)).collect(),
            });
        let (log, broken) = (Mutex::new(FnvHasher::default()), Mutex::new(Vec::new()));
        Self {
            workload,
            devices,
            meter,
            log,
            ranks: ranks.collect(),
            broken,
        }
    }

    /// The probes of all ranks.
    pub(super) fn probes(&'a self) -> Vec<RankProbe<'a>> {
        let probe = |(rank, plan): (usize, &crate::workload::RankPlan)| {
            let tracing = finbox_runtime::TracingProbe { rank: plan.rank };
            RankProbe {
                recorder: self,
                rank,
                tracing,
            }
        };
        self.workload.ranks.iter().enumerate().map(probe).collect()
    }

    /// FNV-1a over the ordered event log; None by the wall clock.
    pub(super) fn digest(&self) -> Option<u64> {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        self.meter.is_virtual().then(|| log.finish())
    }

    /// FNV-1a over (rank, task, outcome, output) in task order.
    pub(super) fn result_digest(&self, output: impl Fn(TaskRef) -> u64) -> u64 {
        let mut hasher = FnvHasher::default();
        for (rank, record) in (0..).zip(&self.ranks) {
            for (task, outcome) in (0..).zip(&record.outcomes) {
                let outcome = outcome.load(Ordering::Acquire);
                (rank, task, outcome).hash(&mut hasher);
                output(TaskRef { rank, task }).hash(&mut hasher);
            }
        }
        hasher.finish()
    }

    /// Broken rules; with `ended`, also tasks that never finished.
    pub(super) fn broken(&self, ended: bool) -> Vec<String> {
        if ended {
            for TaskRef { rank, task } in &self.workload.order {
                let record = &self.ranks[*rank as usize];
                if record.outcomes[*task as usize].load(Ordering::Acquire) == UNFINISHED {
                    self.broke(*rank as usize, *task, "never finished, and the run ended");
                }
            }
        }
        self.broken
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn broke(&self, rank: usize, task: u32, what: &str) {
        let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        if broken.len() < MOST_BROKEN {
            let plan = &self.workload.ranks[rank];
            let name = &plan.tasks[task as usize].name;
            broken.push(format!("rank {}, task {task} ({name}): {what}", plan.rank));
        }
    }

    fn task_in(&self, rank: usize, slot: SlotId) -> u32 {
        self.ranks[rank].tasks[slot.index()].load(Ordering::Acquire)
    }

    /// Whether everything that `task` was told to wait for has finished.
    fn check_order(&self, rank: usize, task: u32) {
        let record = &self.ranks[rank];
        let is_open =
            |&before: &u32| record.outcomes[before as usize].load(Ordering::Acquire) == UNFINISHED;
        if record.after[task as usize].iter().any(is_open) {
            self.broke(
                rank,
                task,
                "started before a task that it depends on had finished",
            );
        }
    }

    fn finished(&self, rank: usize, task: u32, outcome: Outcome) {
        let outcome = match outcome {
            Outcome::Completed => COMPLETED,
            Outcome::Failed => FAILED,
            Outcome::Cancelled => CANCELLED,
        };
        let record = &self.ranks[rank].outcomes[task as usize];
        if record.swap(outcome, Ordering::AcqRel) != UNFINISHED {
            self.broke(rank, task, "finished twice");
        }
        self.check_order(rank, task);
        if outcome == COMPLETED {
            self.check_waits(rank, task);
        }
    }

    /// Whether every counter that `task` waits for is there.
    fn check_waits(&self, rank: usize, task: u32) {
        let index = u32::try_from(rank).expect("a run has at most 64 ranks");
        if let Some(unmet) = self
            .workload
            .unmet(TaskRef { rank: index, task }, self.devices)
        {
            let Unmet {
                counter,
                expected,
                observed,
            } = unmet;
            let what = format!("completed at {observed} of {expected} of counter {counter}");
            self.broke(rank, task, &what);
        }
    }
}

impl Probe for RankProbe<'_> {
    fn event(&self, event: Event) {
        let (recorder, rank) = (self.recorder, self.rank);
        match event {
            Event::Submitted { slot, task } => {
                let task = u32::try_from(task.0).expect("a simulated task's number is its index");
                recorder.ranks[rank].tasks[slot.index()].store(task, Ordering::Release);
            }
            Event::Dispatched { slot, .. } => {
                recorder.check_order(rank, recorder.task_in(rank, slot));
            }
            Event::Finished { slot, outcome, .. } => {
                recorder.finished(rank, recorder.task_in(rank, slot), outcome);
            }
            _ => {}
        }
        if recorder.meter.is_virtual() {
            let mut log = recorder.log.lock().unwrap_or_else(PoisonError::into_inner);
            (recorder.meter.now(), rank, event).hash(&mut *log);
        }
        self.tracing.event(event);
    }
}

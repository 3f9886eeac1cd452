//! The recorder: listens to the scheduler, keeps the digests, and checks rules of its own.
//!
//! The oracles stand outside the scheduler's code: every task finishes exactly once, and none is
//! given to a core, or finished, before everything it was told to wait for has finished; and no
//! task completes before every counter it waits for has come that far in device memory.

mod probe;

use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use finbox_scheduler::{Outcome, Shape, SlotId, TaskId};
use fnv::FnvHasher;

use super::event_log::EventLog;
use super::failures::{Blamed, Failures};
use super::latency::Latencies;
use super::order::Dependencies;
use super::recording::Recording;
use super::shortest::shortest_ns;
use super::{FaultAt, Settings};
use crate::device::{Device, Meter};
use crate::report::{FailureReport, GapReport, LatencyReport};
use crate::shared::Shared;
use crate::timeline::Timeline;
use crate::workload::{RankPlan, TaskRef, Workload};

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
    log: EventLog,
    ranks: Vec<RankRecord>,
    broken: Shared<Vec<String>>,
    latencies: Latencies,
    failures: Failures,
    recording: Option<Recording<'a>>,
    /// Brings what a task waits for into the devices, where these only mirror a machine.
    look: Option<&'a Look<'a>>,
    /// Tasks that ended, for whoever asked to be told.
    told: Option<Shared<Vec<TaskRef>>>,
}

/// Brings the counters that a task waits for into simulated devices.
pub(super) type Look<'a> = dyn Fn(TaskRef) + Sync + 'a;

#[derive(Debug)]
struct RankRecord {
    /// What each task must wait for.
    after: Dependencies,
    outcomes: Vec<AtomicU8>,
    /// Which task a slot index stands for now.
    tasks: Vec<AtomicU32>,
    /// Items for workers that have not finished.
    items: AtomicU32,
    /// Launches of workers that have not finished.
    servers: AtomicU32,
    /// Whether there are any.
    serves: bool,
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
            .map(|(plan, slots)| (plan, slots, count_work(plan)))
            .map(|(plan, slots, (items, servers))| RankRecord {
                after: Dependencies::of(plan),
                outcomes: plan
                    .tasks
                    .iter()
                    .map(|_| AtomicU8::new(UNFINISHED))
                    .collect(),
                tasks: (0..slots).map(|_| AtomicU32::new(u32::MAX)).collect(),
                items: AtomicU32::new(items),
                servers: AtomicU32::new(servers),
                serves: servers > 0,
            });
        let sizes = workload.ranks.iter().zip(devices);
        let sizes = sizes.map(|(plan, device)| (plan.tasks.len(), device.core_ids().len()));
        let latencies = Latencies::new(sizes, meter.is_virtual());
        Self {
            workload,
            devices,
            meter,
            log: EventLog::default(),
            ranks: ranks.collect(),
            broken: Shared::default(),
            latencies,
            failures: Failures::default(),
            recording: None,
            look: None,
            told: None,
        }
    }

    /// The same, telling of the tasks that end if they are submitted through a ring.
    pub(super) fn telling(mut self, settings: &Settings) -> Self {
        self.told = settings.submit.has_ring().then(Shared::default);
        self
    }

    /// What tells the time.
    pub(super) const fn meter(&self) -> &'a Meter {
        self.meter
    }

    /// Tasks that ended and were not taken from here yet, if somebody asked to be told.
    pub(super) const fn told(&self) -> Option<&Shared<Vec<TaskRef>>> {
        self.told.as_ref()
    }

    /// The same on devices that only mirror a machine: `look` brings there what a task waits for.
    pub(super) fn looking(mut self, look: &'a Look<'a>) -> Self {
        self.look = Some(look);
        self
    }

    /// The same, recording what the run does if `settings` say so, and [telling](Self::telling).
    pub(super) fn recording(mut self, settings: &Settings) -> Self {
        let (workload, devices, meter) = (self.workload, self.devices, self.meter);
        let recording = || Recording::new(workload, devices, meter, settings);
        self.recording = settings.record.then(recording);
        self.telling(settings)
    }

    /// What records the run, if anything does.
    pub(super) const fn recorded(&self) -> Option<&Recording<'a>> {
        self.recording.as_ref()
    }

    /// What the run did up to now, which is `virtual_ns` in virtual time.
    pub(super) fn timeline(&self, virtual_ns: u64) -> Option<Timeline> {
        let befores = self.ranks.iter().map(|rank| &rank.after);
        let recording = self.recording.as_ref()?;
        Some(recording.finish(virtual_ns, befores))
    }

    /// How many tasks of `rank` wait for each of its tasks.
    pub(super) fn consumers(&self, rank: usize) -> Vec<u32> {
        self.ranks[rank].after.consumers()
    }

    /// The probes of all ranks.
    pub(super) fn probes(&'a self) -> Vec<RankProbe<'a>> {
        let probe = |(rank, plan): (usize, &RankPlan)| {
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
        self.meter.is_virtual().then(|| self.log.digest())
    }

    /// FNV-1a over (rank, task, outcome, output) in task order. Launches of workers are left out:
    /// they are how items are done, not what comes of them.
    pub(super) fn result_digest(&self, output: impl Fn(TaskRef) -> u64) -> u64 {
        let mut hasher = FnvHasher::default();
        for (rank, record) in (0..).zip(&self.ranks) {
            for (task, outcome) in (0..).zip(&record.outcomes) {
                let at = TaskRef { rank, task };
                if record.serves && self.workload.task(at).service().is_some() {
                    continue;
                }
                let outcome = outcome.load(Ordering::Acquire);
                (rank, task, outcome).hash(&mut hasher);
                output(at).hash(&mut hasher);
            }
        }
        hasher.finish()
    }

    /// The fault that was raised first, as far as the probes were told.
    pub(super) fn first_fault(&self) -> Option<FaultAt> {
        self.failures.first(self.workload)
    }

    /// All that failed.
    pub(super) fn failures(&self) -> FailureReport {
        self.failures.report(self.workload)
    }

    /// Who is to blame that a task which failed or was cancelled did not complete.
    pub(super) fn blamed(&self, at: TaskRef) -> Blamed {
        self.failures.blamed(at, self.workload)
    }

    /// What cancelled `at`: as it was `told`, or, where the slot of that task had gone on to
    /// another life, the first of those before it that did not complete.
    fn cause(&self, at: TaskRef, told: Option<TaskId>) -> Option<TaskId> {
        let known = told.filter(|&task| task != TaskId::INVALID);
        known.or_else(|| {
            let has_failed = |&&task: &&u32| self.has_failed(TaskRef { task, ..at });
            let cause = self.before(at).iter().find(has_failed)?;
            Some(TaskId(u64::from(*cause)))
        })
    }

    /// Messages that were lost on the way.
    pub(super) fn gaps(&self) -> Vec<GapReport> {
        self.failures.gaps(self.workload)
    }

    /// Whether a task failed or was cancelled.
    pub(super) fn has_failed(&self, at: TaskRef) -> bool {
        let outcome = &self.ranks[at.rank as usize].outcomes[at.task as usize];
        matches!(outcome.load(Ordering::Acquire), FAILED | CANCELLED)
    }

    /// Whether the outcome of a task is decided.
    pub(super) fn is_finished(&self, at: TaskRef) -> bool {
        let outcome = &self.ranks[at.rank as usize].outcomes[at.task as usize];
        outcome.load(Ordering::Acquire) != UNFINISHED
    }

    /// The tasks that had to finish before a task could start.
    #[inline]
    pub(super) fn before(&self, at: TaskRef) -> &[u32] {
        self.ranks[at.rank as usize].after.before(at.task)
    }

    /// For how long a task has been in its state.
    pub(super) fn age_ns(&self, at: TaskRef) -> u64 {
        let now = self.meter.now();
        self.latencies
            .age_ns(at.rank as usize, at.task, now, self.before(at))
    }

    /// How long things took.
    pub(super) fn latency(&self) -> LatencyReport {
        self.latencies.report()
    }

    /// What became of every task.
    pub(super) fn ends(&self) -> Vec<Box<[Option<Outcome>]>> {
        let end = |outcome: &AtomicU8| match outcome.load(Ordering::Acquire) {
            COMPLETED => Some(Outcome::Completed),
            FAILED => Some(Outcome::Failed),
            CANCELLED => Some(Outcome::Cancelled),
            _ => None,
        };
        let of_rank = |rank: &RankRecord| rank.outcomes.iter().map(end).collect();
        self.ranks.iter().map(of_rank).collect()
    }

    /// Broken rules; with `ended`, also tasks that never finished.
    pub(super) fn broken(&self, ended: bool) -> Vec<String> {
        if ended {
            for TaskRef { rank, task } in &self.workload.order {
                self.check_end(*rank as usize, *task);
            }
        }
        self.broken.lock().clone()
    }

    /// Whether a run that took `virtual_ns` was shorter than any can be.
    pub(super) fn check_time(&self, virtual_ns: u64) {
        let ranks = self
            .workload
            .ranks
            .iter()
            .zip(&self.ranks)
            .zip(self.devices);
        for ((plan, record), device) in ranks {
            let least_ns = shortest_ns(plan, &record.after, device);
            if virtual_ns < least_ns {
                let rank = plan.rank;
                self.broken.lock().push(format!(
                    "the run took {virtual_ns} ns, and rank {rank} needs {least_ns} at least"
                ));
            }
        }
    }

    /// Whether `task` ended, and was cancelled only because of one that it depends on.
    fn check_end(&self, rank: usize, task: u32) {
        let record = &self.ranks[rank];
        let outcome = |task: u32| record.outcomes[task as usize].load(Ordering::Acquire);
        let did_not_complete = |&before: &u32| matches!(outcome(before), FAILED | CANCELLED);
        match outcome(task) {
            UNFINISHED => self.broke(rank, task, "never finished, and the run ended"),
            CANCELLED if !record.after.before(task).iter().any(did_not_complete) => {
                self.broke(rank, task, "cancelled though all it depends on completed");
            }
            _ => {}
        }
    }

    fn broke(&self, rank: usize, task: u32, what: &str) {
        let mut broken = self.broken.lock();
        if broken.len() < MOST_BROKEN {
            let plan = &self.workload.ranks[rank];
            let name = &plan.tasks[task as usize].name;
            broken.push(format!("rank {}, task {task} ({name}): {what}", plan.rank));
        }
    }

    /// Whether every item for workers of `rank` has finished, so that they may go, or every launch
    /// of workers, so that none will come.
    pub(super) fn is_ring_over(&self, rank: usize) -> bool {
        let RankRecord { items, servers, .. } = &self.ranks[rank];
        items.load(Ordering::Acquire) == 0 || servers.load(Ordering::Acquire) == 0
    }

    /// Which task the slot with this index stands for now.
    pub(super) fn task_at_index(&self, rank: usize, index: u32) -> u32 {
        self.ranks[rank].tasks[index as usize].load(Ordering::Acquire)
    }

    /// Which task a slot stands for now.
    #[inline]
    pub(super) fn task_in(&self, rank: usize, slot: SlotId) -> u32 {
        self.ranks[rank].tasks[slot.index()].load(Ordering::Acquire)
    }

    /// Whether everything that `task` was told to wait for has finished.
    fn check_order(&self, rank: usize, task: u32) {
        let record = &self.ranks[rank];
        let is_open =
            |&before: &u32| record.outcomes[before as usize].load(Ordering::Acquire) == UNFINISHED;
        if record.after.before(task).iter().any(is_open) {
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
        let planned = &self.workload.ranks[rank].tasks[task as usize];
        if planned.shape == Shape::Work {
            self.ranks[rank].items.fetch_sub(1, Ordering::AcqRel);
        } else if self.ranks[rank].serves && planned.service().is_some() {
            self.ranks[rank].servers.fetch_sub(1, Ordering::AcqRel);
        }
        let record = &self.ranks[rank].outcomes[task as usize];
        if record.swap(outcome, Ordering::AcqRel) != UNFINISHED {
            self.broke(rank, task, "finished twice");
        }
        if outcome == COMPLETED && self.are_befores_completed(rank, task) {
            self.check_waits(rank, task);
            return;
        }
        self.check_order(rank, task);
        if outcome == COMPLETED {
            self.broke(rank, task, "completed though a task it depends on did not");
            self.check_waits(rank, task);
        }
    }

    /// Whether everything that `task` depends on has completed.
    fn are_befores_completed(&self, rank: usize, task: u32) -> bool {
        let record = &self.ranks[rank];
        let is_right =
            |&before: &u32| record.outcomes[before as usize].load(Ordering::Acquire) == COMPLETED;
        record.after.before(task).iter().all(is_right)
    }

    /// Whether everything that `task` waits for is there.
    fn check_waits(&self, rank: usize, task: u32) {
        let index = u32::try_from(rank).expect("a run has at most 1024 ranks");
        let at = TaskRef { rank: index, task };
        if let Some(look) = self.look {
            look(at);
        }
        if let Some(unmet) = self.workload.unmet(at, self.devices) {
            let what = format!("completed {unmet}");
            self.broke(rank, task, &what);
        }
    }
}

/// Items for workers, and launches of workers.
fn count_work(plan: &RankPlan) -> (u32, u32) {
    let (mut items, mut servers) = (0, 0);
    for task in &plan.tasks {
        items += u32::from(task.shape == Shape::Work);
        servers += u32::from(task.service().is_some());
    }
    (items, servers)
}

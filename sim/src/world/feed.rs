//! Feeding a workload: its tasks, in their global order, into the ranks' schedulers.
//!
//! Dependencies come from declared buffers and from explicit lists, through the runtime's one
//! mechanism. A full ring is back-pressure: the same task is offered again later.

use finbox_runtime::{BufferId, BufferUse, Wiring};
use finbox_scheduler::{
    Dependency, Ledger, Predicate, Probe, Scheduler, ScopeError, SlotId, Submitter, TaskId,
    TaskSpec,
};

use super::RunError;
use super::places::Places;
use crate::workload::{RankPlan, TaskPlan, TaskRef, Workload};

/// What offering the next task came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fed {
    /// It was wired in, on this rank.
    Task(usize),
    /// This rank has no room now.
    Blocked(usize),
    /// There are no more.
    All,
}

/// The submitters of all ranks and how far they are.
pub(super) struct Feed<'a, 'm> {
    workload: &'a Workload,
    /// Addresses of each rank's counters.
    counters: Vec<Box<[u64]>>,
    /// The kernels of each rank's tasks; None: a task's index is its kernel.
    kernels: Option<&'a [Box<[u64]>]>,
    position: usize,
    ranks: Vec<RankFeed<'m>>,
    uses: Vec<BufferUse>,
    after: Vec<Dependency>,
}

struct RankFeed<'m> {
    wiring: Wiring<'m>,
    buffers: Vec<BufferId>,
    slots: Vec<Option<SlotId>>,
    /// The scopes that the next task opens are open.
    has_opened: bool,
}

impl RankFeed<'_> {
    /// Opens the scopes that `task`, the next one, opens: once, however often it is offered.
    fn open(&mut self, task: &TaskPlan) -> Result<(), ScopeError> {
        if !std::mem::replace(&mut self.has_opened, true) {
            (0..task.opens).try_for_each(|_| self.wiring.open_scope())?;
        }
        Ok(())
    }

    /// `task` was wired in: closes the scopes that it closes.
    fn close(&mut self, task: &TaskPlan) -> Result<(), ScopeError> {
        self.has_opened = false;
        (0..task.closes).try_for_each(|_| self.wiring.close_scope().map(drop))
    }
}

impl<'a, 'm> Feed<'a, 'm> {
    pub(super) fn new(
        workload: &'a Workload,
        places: &[Places],
        submitters: impl IntoIterator<Item = Submitter<'m>>,
    ) -> Self {
        let ranks = workload
            .ranks
            .iter()
            .zip(submitters)
            .map(|(plan, submitter)| {
                let mut wiring = Wiring::new(submitter);
                let buffers = plan
                    .buffers
                    .iter()
                    .map(|buffer| wiring.declare(buffer.bytes))
                    .collect();
                RankFeed {
                    wiring,
                    buffers,
                    slots: vec![None; plan.tasks.len()],
                    has_opened: false,
                }
            });
        let ranks = ranks.collect();
        Self {
            workload,
            counters: places.iter().map(|rank| rank.counters.clone()).collect(),
            kernels: None,
            position: 0,
            ranks,
            uses: Vec::new(),
            after: Vec::new(),
        }
    }

    /// The same, tasks naming these kernels, by rank and index.
    #[must_use]
    pub(super) fn with_kernels(mut self, kernels: &'a [Box<[u64]>]) -> Self {
        self.kernels = Some(kernels);
        self
    }

    /// What the submitters counted.
    pub(super) fn ledgers(&self) -> impl Iterator<Item = &Ledger> {
        self.ranks
            .iter()
            .map(|rank| rank.wiring.submitter().ledger())
    }

    /// Offers the next task.
    ///
    /// # Errors
    /// [`RunError::Wiring`] if the task can never be wired in.
    pub(super) fn next(
        &mut self,
        schedulers: &[&Scheduler<'_>],
        probes: &[impl Probe],
    ) -> Result<Fed, RunError> {
        let Some(&TaskRef { rank, task }) = self.workload.order.get(self.position) else {
            return Ok(Fed::All);
        };
        let rank = rank as usize;
        let plan = &self.workload.ranks[rank];
        let planned = &plan.tasks[task as usize];
        self.prepare(plan, planned, rank);
        let kernel = self
            .kernels
            .map_or(task.into(), |all| all[rank][task as usize]);
        let spec = spec_of(planned, (task, kernel), &self.counters[rank]);
        let feed = &mut self.ranks[rank];
        let (scheduler, probe) = (schedulers[rank], &probes[rank]);
        let scope = |error| RunError::Scope {
            rank: plan.rank,
            task: planned.name.to_string(),
            error,
        };
        feed.open(planned).map_err(scope)?;
        let wired = feed
            .wiring
            .submit(scheduler, probe, &spec, &self.after, &self.uses);
        match wired {
            Ok(slot) => {
                feed.slots[task as usize] = Some(slot);
                feed.close(planned).map_err(scope)?;
                self.position += 1;
                Ok(Fed::Task(rank))
            }
            Err(error) if error.is_temporary() => Ok(Fed::Blocked(rank)),
            Err(error) => Err(RunError::Wiring {
                rank: plan.rank,
                task: planned.name.to_string(),
                error,
            }),
        }
    }

    fn prepare(&mut self, plan: &RankPlan, task: &TaskPlan, rank: usize) {
        let feed = &self.ranks[rank];
        let slot_of = |&index: &u32| {
            let slot = feed.slots[index as usize];
            Dependency::wait(slot.expect("the order puts a task behind what it waits for"))
        };
        self.after.clear();
        self.after.extend(task.after.iter().map(slot_of));
        self.uses.clear();
        self.uses.extend(task.uses.iter().map(|one| {
            debug_assert!(
                plan.buffers.len() > one.buffer as usize,
                "checked by the plan"
            );
            BufferUse {
                buffer: feed.buffers[one.buffer as usize],
                range: one.span.at..one.span.at + one.span.bytes,
                access: one.access,
            }
        }));
    }
}

/// `counters`: the addresses of the rank's counters.
fn spec_of(planned: &TaskPlan, (task, kernel): (u32, u64), counters: &[u64]) -> TaskSpec {
    let predicate = planned.predicate.map(|predicate| Predicate {
        addr: counters[predicate.counter as usize],
        comparison: predicate.comparison,
        value: predicate.value,
    });
    TaskSpec {
        subtasks: planned.subtasks,
        blocks: planned.blocks,
        sync_start: planned.sync_start,
        priority: planned.priority,
        may_defer: planned.defers,
        predicate,
        run_budget_ns: planned.run_budget_ns,
        wait_budget_ns: planned.wait_budget_ns,
        output_bytes: planned.output_bytes,
        kernel,
        ..TaskSpec::new(TaskId::new(0, task), planned.shape)
    }
}

//! Feeding a workload: its tasks, in their global order, into the ranks' schedulers.
//!
//! Dependencies come from declared buffers and from explicit lists, through the runtime's one
//! mechanism. A full ring is back-pressure: the same task is offered again later.

use finbox_runtime::{BufferId, BufferUse, Wiring};
use finbox_scheduler::{Ledger, Probe, Scheduler, SlotId, Submitter, TaskId, TaskSpec};

use super::RunError;
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
    position: usize,
    ranks: Vec<RankFeed<'m>>,
    uses: Vec<BufferUse>,
    after: Vec<SlotId>,
}

struct RankFeed<'m> {
    wiring: Wiring<'m>,
    buffers: Vec<BufferId>,
    slots: Vec<Option<SlotId>>,
}

impl<'a, 'm> Feed<'a, 'm> {
    pub(super) fn new(
        workload: &'a Workload,
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
                }
            });
        let ranks = ranks.collect();
        Self {
            workload,
            position: 0,
            ranks,
            uses: Vec::new(),
            after: Vec::new(),
        }
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
        let spec = spec_of(planned, task);
        let feed = &mut self.ranks[rank];
        let (scheduler, probe) = (schedulers[rank], &probes[rank]);
        match feed
            .wiring
            .submit(scheduler, probe, &spec, &self.after, &self.uses)
        {
            Ok(slot) => {
                feed.slots[task as usize] = Some(slot);
                self.position += 1;
                Ok(Fed::Task(rank))
            }
            Err(error) if error.is_temporary() => Ok(Fed::Blocked(rank)),
            Err(error) => {
                let task = planned.name.to_string();
                Err(RunError::Wiring {
                    rank: plan.rank,
                    task,
                    error,
                })
            }
        }
    }

    fn prepare(&mut self, plan: &RankPlan, task: &TaskPlan, rank: usize) {
        let feed = &self.ranks[rank];
        let slot_of = |&index: &u32| {
            feed.slots[index as usize].expect("the order puts a task behind what it waits for")
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

fn spec_of(planned: &TaskPlan, task: u32) -> TaskSpec {
    TaskSpec {
        task: TaskId::new(0, task),
        shape: planned.shape,
        may_defer: planned.defers,
        kernel: u64::from(task),
        args: 0,
    }
}

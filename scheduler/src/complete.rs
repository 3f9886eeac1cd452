//! Finishing a task: the one place that tells of an outcome and releases consumers.
//!
//! All roads end here: the FIN thread, whose last retirement decided, for tasks without deferral,
//! the dispatch thread for all others. A fan-out is walked in pieces of a budget, so that no flood
//! starves anyone; a consumer that becomes ready goes to a stack, never through recursion.

use crate::edges::NONE;
use crate::id::{SlotId, TaskId};
use crate::ledger::Ledger;
use crate::probe::{Event, Probe};
use crate::retire::{Decision, Outcome};
use crate::scheduler::Scheduler;
use crate::slot::{FanIn, TaskSlot};
use crate::spec::Shape;

/// Edges walked in one step of a release.
pub const RELEASE_BUDGET: u32 = 64;

/// How a task comes to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Road {
    /// On the FIN thread.
    Inline,
    /// Through the mailbox.
    Deferred,
    /// Through the mailbox, by a worker whose message, or end, has decided the outcome.
    Worked,
    /// It needed no core, or none any more: a dummy, a task whose predicate was false, or one that
    /// failed before it ran. On the dispatch thread.
    Unrun,
    /// It failed while tokens of it are out: they will come late, if at all.
    Lost,
    /// It never ran: something it depends on failed.
    Cancelled,
}

/// The consumers of a finished task that are still to be released.
#[derive(Debug)]
#[must_use = "consumers that are not released never start"]
pub(crate) struct Release {
    slot: SlotId,
    node: u32,
    poison: bool,
}

/// Decides the outcome of `slot` and takes its consumers. `None` if it was decided before.
#[inline]
pub(crate) fn finish_task(
    scheduler: &Scheduler<'_>,
    probe: &impl Probe,
    ledger: &mut Ledger,
    slot: SlotId,
    road: Road,
) -> Option<Release> {
    let words = scheduler.slot(slot);
    let state = words.retire.state();
    let outcome = match road {
        Road::Deferred if state.remaining() == 0 => words.retire.conclude(slot.generation(), state),
        Road::Worked => Some(state.outcome()),
        _ => words
            .retire
            .decide(slot.generation(), decision(words, road)),
    }?;
    Some(take_consumers(
        scheduler,
        probe,
        ledger,
        (slot, road, outcome),
    ))
}

/// Tells of the outcome of `slot`, which the caller has just decided, and takes its consumers.
#[inline]
pub(crate) fn take_consumers(
    scheduler: &Scheduler<'_>,
    probe: &impl Probe,
    ledger: &mut Ledger,
    (slot, road, outcome): (SlotId, Road, Outcome),
) -> Release {
    let words = scheduler.slot(slot);
    let inline = matches!(road, Road::Inline | Road::Unrun);
    match outcome {
        Outcome::Completed => ledger.completed += 1,
        Outcome::Failed => ledger.failed += 1,
        Outcome::Cancelled => ledger.cancelled += 1,
    }
    match (outcome, road) {
        (Outcome::Completed, Road::Deferred) => ledger.deferred += 1,
        (Outcome::Completed, Road::Worked) => ledger.worked += 1,
        (Outcome::Completed, _) => ledger.inline += 1,
        _ => {}
    }
    probe.event(Event::Finished {
        slot,
        task: words.task(),
        outcome,
        inline,
        cause: words.cause(),
    });
    let poison = outcome != Outcome::Completed;
    let node = words.edges.close(slot.generation(), poison).unwrap_or(NONE);
    Release { slot, node, poison }
}

/// What `road` adds to what the subtasks left.
fn decision(words: &TaskSlot, road: Road) -> Decision {
    Decision {
        failed: road == Road::Lost,
        only_unretired: road == Road::Lost,
        cancelled: road == Road::Cancelled,
        forgone: words.unplaced(),
    }
}

impl Release {
    /// Releases up to `budget` consumers. `true`: all are released, and the slot may be recycled.
    #[inline]
    pub(crate) fn walk(&mut self, scheduler: &Scheduler<'_>, budget: u32) -> bool {
        for _ in 0..budget {
            if self.node == NONE {
                break;
            }
            let node = &scheduler.nodes[self.node as usize];
            self.node = node.next();
            let cause = self.poison.then(|| scheduler.slot(self.slot).task());
            scheduler.producer_finished(node.consumer(), cause);
        }
        let done = self.node == NONE;
        if done {
            scheduler.slot(self.slot).retire.release();
        }
        done
    }
}

impl Scheduler<'_> {
    #[inline]
    fn producer_finished(&self, consumer: SlotId, cause: Option<TaskId>) {
        let words = self.slot(consumer);
        if let Some(cause) = cause {
            words.poison(cause);
        }
        let fan_in = words.count_down(1);
        self.place_if_ready(consumer, fan_in);
    }

    /// Puts a slot that was counted down to zero on the stack of its priority and shape.
    ///
    /// A poisoned one needs no core any more and goes where dummies go.
    #[inline]
    pub(crate) fn place_if_ready(&self, slot: SlotId, fan_in: FanIn) {
        let words = self.slot(slot);
        let stack = match fan_in {
            FanIn::Waiting => return,
            FanIn::Poisoned => Shape::Dummy as usize,
            FanIn::Ready => words.kind().stack(),
        };
        let index = u32::try_from(slot.index()).expect("an index has 24 bits");
        self.ready[words.kind().priority() as usize][stack].push(self.slots, index);
    }
}

//! Finishing a task: the one place that decides an outcome and releases consumers.
//!
//! Both roads end here: the FIN thread for tasks without deferral, the dispatch thread for all
//! others. A fan-out is walked in pieces of a budget, so that no flood starves anyone; a consumer
//! that becomes ready goes to a stack, never through recursion.

use crate::edges::NONE;
use crate::id::SlotId;
use crate::ledger::Ledger;
use crate::probe::{Event, Probe};
use crate::retire::Outcome;
use crate::scheduler::Scheduler;
use crate::slot::{FanIn, Shape};

/// Edges walked in one step of a release.
pub const RELEASE_BUDGET: u32 = 64;

/// How a task comes to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Road {
    /// On the FIN thread.
    Inline,
    /// Through the mailbox.
    Deferred,
    /// It needed no core: a dummy, on the dispatch thread.
    Dummy,
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
pub(crate) fn finish_task(
    scheduler: &Scheduler<'_>,
    probe: &impl Probe,
    ledger: &mut Ledger,
    slot: SlotId,
    road: Road,
) -> Option<Release> {
    let words = scheduler.slot(slot);
    let outcome = words
        .retire
        .finish(slot.generation(), false, road == Road::Cancelled)?;
    let inline = matches!(road, Road::Inline | Road::Dummy);
    match outcome {
        Outcome::Completed => ledger.completed += 1,
        Outcome::Failed => ledger.failed += 1,
        Outcome::Cancelled => ledger.cancelled += 1,
    }
    match (outcome, road) {
        (Outcome::Completed, Road::Deferred) => ledger.deferred += 1,
        (Outcome::Completed, _) => ledger.inline += 1,
        _ => {}
    }
    probe.event(Event::Finished {
        slot,
        task: words.task(),
        outcome,
        inline,
    });
    let poison = outcome != Outcome::Completed;
    let node = words.edges.close(slot.generation(), poison).unwrap_or(NONE);
    Some(Release { slot, node, poison })
}

impl Release {
    /// Releases up to `budget` consumers. `true`: all are released, and the slot may be recycled.
    pub(crate) fn walk(&mut self, scheduler: &Scheduler<'_>, budget: u32) -> bool {
        for _ in 0..budget {
            if self.node == NONE {
                break;
            }
            let node = &scheduler.nodes[self.node as usize];
            self.node = node.next();
            scheduler.producer_finished(node.consumer(), self.poison);
        }
        let done = self.node == NONE;
        if done {
            scheduler.slot(self.slot).retire.release();
        }
        done
    }
}

impl Scheduler<'_> {
    fn producer_finished(&self, consumer: SlotId, poison: bool) {
        let words = self.slot(consumer);
        if poison {
            words.poison();
        }
        let fan_in = words.count_down();
        self.place_if_ready(consumer, fan_in);
    }

    /// Puts a slot that was counted down to zero on the stack of its shape.
    ///
    /// A poisoned one needs no core any more and goes where dummies go.
    pub(crate) fn place_if_ready(&self, slot: SlotId, fan_in: FanIn) -> bool {
        let shape = match fan_in {
            FanIn::Waiting => return false,
            FanIn::Poisoned => Shape::Dummy,
            FanIn::Ready => self.slot(slot).spec().shape,
        };
        let index = u32::try_from(slot.index()).expect("an index has 24 bits");
        self.ready[shape as usize].push(self.slots, index);
        true
    }
}

//! A group of persistent workers over one scheduler's work ring.
//!
//! Guarantees: workers hear that they may go when the group was shut and everything in the ring was
//! taken; what each pushed is counted here, also when it died. Refuses: to start or end a worker.
//! Called by whoever launches workers.

use std::num::NonZeroU32;
use std::sync::Arc;

use finbox_mailbox::work::WorkRing;
use finbox_mailbox::{Producer, WorkerLost, WorkerMessage};
use finbox_scheduler::{Ledger, Scheduler};

use crate::wait::{Waited, Watch};

use super::error::Unable;
use super::worker::{GroupWorker, Said, Tally};

/// The workers of one scheduler.
#[derive(Debug)]
pub struct Group<'m> {
    ring: WorkRing<'m>,
    mailbox: Producer<'m, WorkerMessage>,
    tallies: Vec<Arc<Tally>>,
    /// Messages about workers that are gone.
    losses: Tally,
}

impl<'m> Group<'m> {
    /// Opens a group over the work ring of `scheduler`. No worker is in it yet.
    ///
    /// # Errors
    /// [`Unable::NoWorkRing`], [`Unable::NoWorkerLine`].
    pub fn open(scheduler: &Scheduler<'m>) -> Result<Self, Unable> {
        let ring = scheduler.work_ring().ok_or(Unable::NoWorkRing)?;
        if ring.worker_lines() == 0 {
            return Err(Unable::NoWorkerLine);
        }
        Ok(Self {
            ring,
            mailbox: scheduler.mailbox().for_workers(),
            tallies: Vec::new(),
            losses: Tally::default(),
        })
    }

    /// The ring whose items the workers do.
    pub const fn ring(&self) -> WorkRing<'m> {
        self.ring
    }

    /// Takes in a worker under `name`, which no other in the group bears: a core's number plus 1.
    ///
    /// # Errors
    /// [`Unable::NoWorkerLine`] if every line has an owner, or an item that a dead worker left.
    pub fn enter(&mut self, name: NonZeroU32) -> Result<GroupWorker<'m>, Unable> {
        let worker = self.ring.register(name);
        let worker = worker.map_err(|_| Unable::NoWorkerLine)?;
        let tally = Arc::new(Tally::default());
        self.tallies.push(Arc::clone(&tally));
        Ok(GroupWorker::new(worker, self.mailbox, tally))
    }

    /// Says that the worker of this name is gone: it was dropped, with an item in hand or without.
    /// If items are idempotent, its item is pushed again; otherwise its task fails with
    /// WORKER_LOST, and [`Event::WorkerLost`] names worker and position. What the worker had said
    /// comes first. After [`Said::Sent`] or [`Said::Lost`] wake the dispatch thread;
    /// [`Said::Full`]: say it again later.
    ///
    /// [`Event::WorkerLost`]: finbox_scheduler::Event::WorkerLost
    pub fn lose(
        &mut self,
        scheduler: &Scheduler<'_>,
        name: NonZeroU32,
        is_idempotent: bool,
    ) -> Said {
        let said = self.tell_lost(name, is_idempotent);
        if said == Said::Lost {
            scheduler.work_unsaid();
        }
        said
    }

    /// The same, for whoever has no scheduler: of [`Said::Lost`] somebody who has it tells it
    /// ([`Scheduler::work_unsaid`]).
    pub fn tell_lost(&mut self, name: NonZeroU32, is_idempotent: bool) -> Said {
        let lost = WorkerMessage::Lost(WorkerLost {
            name: name.get(),
            is_idempotent,
        });
        let said = Said::of(self.mailbox.push(&lost));
        self.losses.count(said);
        said
    }

    /// Says that no item will be offered any more: workers go when all is taken. Every item's task
    /// has become ready before, or fails with NO_WORKER_LEFT.
    pub fn shut(&self) {
        self.ring.close();
    }

    /// Whether it was shut, nothing is in flight, and every worker has gone.
    pub fn is_over(&self) -> bool {
        self.ring.is_closed() && self.left() == 0
    }

    /// Items in flight, and workers in the group.
    fn left(&self) -> u64 {
        self.ring.in_flight() + self.ring.workers().count() as u64
    }

    /// Shuts the group and waits until everything in flight is done and every worker has gone: as
    /// patiently as `watch` says. Not for whoever runs the workers itself.
    pub fn close(&self, watch: &Watch<'_>) -> Waited<()> {
        self.shut();
        watch.wait_for(|| {
            let left = self.left();
            ((left == 0).then_some(()), left)
        })
    }

    /// What all its workers, also those that are gone, add to a run's counts.
    pub fn ledger(&self) -> Ledger {
        let mut ledger = Ledger::default();
        for tally in self.tallies.iter().map(|tally| &**tally) {
            ledger.merge(&tally.ledger());
        }
        ledger.merge(&self.losses.ledger());
        ledger
    }
}

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
    /// Of the workers that are in it, and of some that are gone.
    tallies: Vec<Arc<Tally>>,
    /// What those counted that are gone.
    gone: Ledger,
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
            gone: Ledger::default(),
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
    /// [`Unable::NameTaken`] if one of this name is in it, or left an item that was not taken back;
    /// [`Unable::NoWorkerLine`] if every line has an owner, or an item that a dead worker left.
    pub fn enter(&mut self, name: NonZeroU32) -> Result<GroupWorker<'m>, Unable> {
        self.fold();
        if self.ring.workers().any(|seat| seat.name == name) {
            return Err(Unable::NameTaken);
        }
        let worker = self.ring.register(name);
        let worker = worker.map_err(|_| Unable::NoWorkerLine)?;
        let tally = Arc::new(Tally::default());
        self.tallies.push(Arc::clone(&tally));
        Ok(GroupWorker::new(worker, self.mailbox, tally))
    }

    /// Adds up what those counted that are gone, and forgets them.
    fn fold(&mut self) {
        let Self { tallies, gone, .. } = self;
        tallies.retain_mut(|tally| match Arc::get_mut(tally) {
            Some(left) => {
                gone.merge(&left.ledger());
                false
            }
            None => true,
        });
    }

    /// Says that the worker of this name is gone: it was dropped, with an item in hand or without.
    /// If items are idempotent, its item is pushed again, unless the group was
    /// [shut](Self::shut): then, and otherwise, its task fails with WORKER_LOST, and
    /// [`Event::WorkerLost`] names worker and position. What the worker had said comes first. Where
    /// it was the last one of a group that was shut, the items that nobody took fail with
    /// NO_WORKER_LEFT; before that others may come. After [`Said::Sent`] or [`Said::Lost`] wake the
    /// dispatch thread; [`Said::Full`]: say it again later.
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

    /// Says that no item is taken in any more: workers go when all in the ring is taken. An item
    /// that was not pushed by then, also one that is ready and had no room, fails with
    /// NO_WORKER_LEFT: shut the group when all its tasks have finished. Wake the dispatch thread.
    /// If all workers are gone already, [`lose`](Self::lose) one of them again: what is in the ring
    /// fails then.
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
        let mut ledger = self.gone;
        for tally in self.tallies.iter().map(|tally| &**tally) {
            ledger.merge(&tally.ledger());
        }
        ledger.merge(&self.losses.ledger());
        ledger
    }
}

//! What workers say of items, and what becomes of the items of dead ones.
//!
//! A WORK_DONE names its item by position and by slot index. It is believed if that slot's task is
//! an item of just that position, which no other item ever has: then it retires the task, and the
//! retire word says whether it was the first to. Anything else is counted by kind and not acted on.
//! The outcome is told, and consumers released, where it is for every other task (`complete`).

use core::num::NonZeroU32;

use finbox_mailbox::WorkDone;
use finbox_mailbox::work::{Work, WorkRing, Worker};

use crate::dispatch::Dispatcher;
use crate::fault::{Fault, FaultCode};
use crate::id::SlotId;
use crate::port::Port;
use crate::probe::{Event, Probe};
use crate::retire::RetireStep;
use crate::scheduler::Scheduler;
use crate::slot::Item;
use crate::wait_entry::{Book, Turn};
use crate::wait_list::WaitDesk;

/// What became of the item that a dead worker had in hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Recovered {
    /// It was pushed again.
    Again {
        /// Where it had been pushed before.
        from: u64,
        /// Where it stands now.
        to: u64,
    },
    /// Its task failed with WORKER_LOST.
    Failed {
        /// Where it had been pushed.
        position: u64,
    },
    /// Its task had its outcome before: nobody waits for it.
    Over {
        /// Where it had been pushed.
        position: u64,
    },
    /// The ring has no room to push it again, or somebody else holds the wait list, or tasks are to
    /// be finished first. The item stays where it is: call again after a pass.
    NotNow,
    /// No dead worker of this name left an item.
    Nothing,
}

/// Whose item a message or a dead worker speaks of.
enum Whose {
    /// Of the task in this slot, at that position, now.
    Of(SlotId),
    /// Of an earlier life of the slot, or of another push.
    Past,
    /// Nobody's.
    Nobodys,
}

fn whose(scheduler: &Scheduler<'_>, correlation: u32, position: u64) -> Whose {
    let ring = scheduler.work.filter(|ring| ring.was_pushed(position));
    let words = scheduler.slots.get(correlation as usize);
    let (Some(_), Some(words)) = (ring, words) else {
        return Whose::Nobodys;
    };
    // Before its words are read: what it says belongs to this life, or is not of an item.
    let slot = scheduler.id_of(correlation);
    if !words.kind().is_work() {
        return Whose::Nobodys;
    }
    match words.item() {
        Item::At(its, _) if its == position => Whose::Of(slot),
        _ => Whose::Past,
    }
}

impl Book<'_> {
    /// Acts on a WORK_DONE; `None` if it cannot be acted on.
    #[cold]
    pub(crate) fn work_done<P: Port, B: Probe>(
        &mut self,
        turn: &mut Turn<'_, '_, P, B>,
        message: &WorkDone,
    ) -> Option<()> {
        let &WorkDone {
            position,
            correlation,
            status,
        } = message;
        let (scheduler, ledger) = (turn.scheduler, &mut *turn.ledger);
        let slot = match whose(scheduler, correlation, position) {
            Whose::Of(slot) => slot,
            Whose::Past => {
                ledger.work_stale += 1;
                return None;
            }
            Whose::Nobodys => {
                ledger.work_unknown += 1;
                return None;
            }
        };
        let Some(is_late) = self.retire_item(scheduler, slot, status != 0) else {
            ledger.work_duplicate += 1;
            return None;
        };
        match is_late {
            true => ledger.work_late += 1,
            false => ledger.work_done += 1,
        }
        turn.probe.event(Event::Worked {
            slot,
            position,
            status,
            is_late,
        });
        if status != 0 && !is_late {
            let (code, task) = (FaultCode::ExplicitFatal, scheduler.slot(slot).task());
            scheduler.raise(turn.probe, Fault { code, task }, None);
        }
        Some(())
    }

    /// The item of `slot` is out no more. If that decides the outcome, its task is collected.
    /// Whether it was decided before; `None`: the item had come back before.
    fn retire_item(
        &mut self,
        scheduler: &Scheduler<'_>,
        slot: SlotId,
        has_failed: bool,
    ) -> Option<bool> {
        let retired = scheduler
            .slot(slot)
            .retire
            .retire(slot.generation(), 0, 0, has_failed)
            .ok()?;
        if let RetireStep::LastInline(_) = retired.step {
            let index = u32::try_from(slot.index()).expect("an index has 24 bits");
            self.settled.push(scheduler.slots, index);
        }
        Some(retired.is_late())
    }

    /// Fails the task in `slot` if it is an item that its worker is through with, though no message
    /// about it will ever come. Whether it is.
    pub(crate) fn fail_unsaid<P: Port, B: Probe>(
        &mut self,
        turn: &mut Turn<'_, '_, P, B>,
        slot: SlotId,
    ) -> bool {
        let words = turn.scheduler.slot(slot);
        let Item::At(position, _) = words.item() else {
            return false;
        };
        let is_done = turn
            .scheduler
            .work
            .is_some_and(|ring| ring.is_done(position));
        if !is_done {
            return false;
        }
        let Some(is_late) = self.retire_item(turn.scheduler, slot, true) else {
            return false;
        };
        turn.ledger.work_left += 1;
        if !is_late {
            let (code, task) = (FaultCode::MailboxGap, words.task());
            turn.scheduler.raise(turn.probe, Fault { code, task }, None);
        }
        true
    }
}

impl Dispatcher<'_> {
    /// Takes over what the worker `dead` had in hand: a worker of the work ring that was dropped, or
    /// [buried](WorkRing::bury). What it had said by message is taken in first. If items are
    /// idempotent, as `is_idempotent` says, its item is pushed again; otherwise its task fails with
    /// WORKER_LOST, and [`Event::WorkerLost`] names worker and position. Wake the dispatch thread
    /// if another thread runs its passes.
    pub fn recover_work(
        &mut self,
        scheduler: &Scheduler<'_>,
        port: &impl Port,
        probe: &impl Probe,
        dead: NonZeroU32,
        is_idempotent: bool,
    ) -> Recovered {
        let Some(ring) = scheduler.work else {
            return Recovered::Nothing;
        };
        if !self.settled.is_empty() {
            return Recovered::NotNow;
        }
        let Some(mut desk) = scheduler.wait_list.try_lock() else {
            return Recovered::NotNow;
        };
        self.take_in_mail((scheduler, port, probe), &mut desk);
        let recovered = match ring.recover(dead, dead) {
            Err(_) => Recovered::Nothing,
            Ok(heir) => {
                let estate = (ring, heir, is_idempotent);
                self.settle_estate((scheduler, port, probe), &mut desk.book, estate)
            }
        };
        self.settled = desk.take_settled();
        self.is_busy |= !self.settled.is_empty();
        scheduler.wait_list.say_live(desk.live_hint());
        recovered
    }

    /// Drains what stands in the mailbox now.
    fn take_in_mail(
        &mut self,
        (scheduler, port, probe): (&Scheduler<'_>, &impl Port, &impl Probe),
        desk: &mut WaitDesk<'_>,
    ) {
        let ledger = &mut self.ledger;
        let mut turn = Turn {
            scheduler,
            port,
            probe,
            ledger,
        };
        let mut left = scheduler.mailbox_depth_hint();
        while left > 0 {
            match desk.drain(&mut turn, left) {
                0 => break,
                drained => left = left.saturating_sub(drained),
            }
        }
    }

    /// Deals with the item that `heir` took over from a dead worker of the same name.
    fn settle_estate(
        &mut self,
        (scheduler, port, probe): (&Scheduler<'_>, &impl Port, &impl Probe),
        book: &mut Book<'_>,
        (ring, mut heir, is_idempotent): (WorkRing<'_>, Worker<'_>, bool),
    ) -> Recovered {
        let Some(Work { position, item }) = heir.in_hand() else {
            return Recovered::Nothing;
        };
        let recovered = match whose(scheduler, item.correlation, position) {
            Whose::Past | Whose::Nobodys => Recovered::Over { position },
            Whose::Of(slot) => {
                let words = scheduler.slot(slot);
                let is_open = words.retire.state().is_live(slot.generation());
                let recovered = if is_open && is_idempotent && !ring.is_closed() {
                    // Dropped without having said done, the heir leaves the item once more.
                    let Ok(to) = ring.push(item) else {
                        return Recovered::NotNow;
                    };
                    self.ledger.work_again += 1;
                    self.note_pushed(words, (to, port.now()));
                    Recovered::Again { from: position, to }
                } else {
                    self.give_up_item(scheduler, probe, book, (slot, position))
                };
                let again = match recovered {
                    Recovered::Again { to, .. } => Some(to),
                    _ => None,
                };
                probe.event(Event::WorkerLost {
                    slot,
                    position,
                    worker: heir.name(),
                    again,
                });
                recovered
            }
        };
        let done = heir.done(position);
        debug_assert!(done.is_ok(), "the heir holds it");
        recovered
    }

    /// The item of `slot` will not come back: its task fails, if its outcome is open.
    fn give_up_item(
        &mut self,
        scheduler: &Scheduler<'_>,
        probe: &impl Probe,
        book: &mut Book<'_>,
        (slot, position): (SlotId, u64),
    ) -> Recovered {
        let is_late = book.retire_item(scheduler, slot, true);
        self.ledger.work_left += u64::from(is_late.is_some());
        if is_late != Some(false) {
            return Recovered::Over { position };
        }
        let (code, task) = (FaultCode::WorkerLost, scheduler.slot(slot).task());
        scheduler.raise(probe, Fault { code, task }, None);
        Recovered::Failed { position }
    }
}

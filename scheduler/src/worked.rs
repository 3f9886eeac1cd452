//! What workers say of items, and what becomes of the items of dead ones.
//!
//! A WORK_DONE names its item by position and by slot index. It is believed if that slot's task is
//! an item of just that position, which no other item ever has: then it retires the task, and the
//! retire word says whether it was the first to. Anything else is counted by kind and not acted on.
//! A WORKER_LOST comes behind everything that the worker pushed; what it left is taken over by
//! name. Outcomes are told, and consumers released, where they are for every task (`complete`).

use core::num::NonZeroU32;

use finbox_mailbox::work::{Seat, Work, WorkRing};
use finbox_mailbox::{WorkDone, WorkerLost, WorkerMessage};

use crate::fault::{Fault, FaultCode};
use crate::id::SlotId;
use crate::port::Port;
use crate::probe::{Event, Probe};
use crate::retire::RetireStep;
use crate::scheduler::Scheduler;
use crate::slot::Item;
use crate::wait_entry::{Book, Turn};

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

/// Whether what stands in `ring` stays there: it is closed, and no worker is left.
fn is_forsaken(ring: WorkRing<'_>) -> bool {
    ring.is_closed() && ring.workers().all(|seat| seat.is_gone)
}

impl Book<'_> {
    /// Acts on a message of a worker; `None` if it cannot be acted on.
    #[inline(never)]
    pub(crate) fn hear_of_worker<P: Port, B: Probe>(
        &mut self,
        turn: &mut Turn<'_, '_, P, B>,
        message: &WorkerMessage,
    ) -> Option<()> {
        match message {
            WorkerMessage::Done(done) => self.work_done(turn, done),
            WorkerMessage::Lost(lost) => {
                self.worker_lost(turn, lost);
                Some(())
            }
        }
    }

    /// Acts on a WORK_DONE; `None` if it cannot be acted on.
    fn work_done<P: Port, B: Probe>(
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
            self.collect_item(scheduler, slot);
        }
        Some(retired.is_late())
    }

    /// Leaves the item of `slot` to the dispatch thread, which ends its task or pushes it again.
    fn collect_item(&mut self, scheduler: &Scheduler<'_>, slot: SlotId) {
        let index = u32::try_from(slot.index()).expect("an index has 24 bits");
        self.settled.push(scheduler.slots, index);
    }

    /// Takes over what a worker that is gone had in hand, if it had anything: the item is to be
    /// pushed again, or its task fails with WORKER_LOST. Where it was the last, and the ring is
    /// closed, so does what nobody took: with NO_WORKER_LEFT.
    fn worker_lost<P: Port, B: Probe>(
        &mut self,
        turn: &mut Turn<'_, '_, P, B>,
        message: &WorkerLost,
    ) {
        let ring = turn.scheduler.work;
        let Some((ring, dead)) = ring.zip(NonZeroU32::new(message.name)) else {
            return;
        };
        if let Ok(mut heir) = ring.recover(dead, dead)
            && let Some(Work { position, item }) = heir.in_hand()
        {
            if let Whose::Of(slot) = whose(turn.scheduler, item.correlation, position) {
                let again = message.is_idempotent && !ring.is_closed();
                let again = again && self.take_back(turn, slot);
                if !again {
                    self.give_up(turn, slot, FaultCode::WorkerLost);
                }
                turn.probe.event(Event::WorkerLost {
                    slot,
                    position,
                    worker: dead,
                    again,
                });
            }
            let done = heir.done(position);
            debug_assert!(done.is_ok(), "the heir holds it");
        }
        if is_forsaken(ring) {
            self.withdraw_all(turn, ring);
        }
    }

    /// Gives up every item that stands in the ring: nobody is left to take it.
    fn withdraw_all<P: Port, B: Probe>(
        &mut self,
        turn: &mut Turn<'_, '_, P, B>,
        ring: WorkRing<'_>,
    ) {
        let slots = turn.scheduler.slots.len();
        for index in 0..u32::try_from(slots).expect("an index has 24 bits") {
            // Before its words are read: what they say belongs to this life.
            let slot = turn.scheduler.id_of(index);
            let words = turn.scheduler.slot(slot);
            if let Item::At(position, _) = words.item()
                && words.kind().is_work()
                && ring.withdraw(position)
            {
                self.give_up(turn, slot, FaultCode::NoWorkerLeft);
            }
        }
    }

    /// The item of `slot` is to be pushed again, if anybody still waits for it.
    fn take_back<P, B>(&mut self, turn: &mut Turn<'_, '_, P, B>, slot: SlotId) -> bool {
        let words = turn.scheduler.slot(slot);
        if !words.retire.state().is_live(slot.generation()) {
            return false;
        }
        words.set_item(Item::TakenBack);
        turn.ledger.work_again += 1;
        self.collect_item(turn.scheduler, slot);
        true
    }

    /// The item of `slot` will not come back: its task fails with `code`, if its outcome is open.
    /// Whether the item was out.
    fn give_up<P: Port, B: Probe>(
        &mut self,
        turn: &mut Turn<'_, '_, P, B>,
        slot: SlotId,
        code: FaultCode,
    ) -> bool {
        let Some(is_late) = self.retire_item(turn.scheduler, slot, true) else {
            return false;
        };
        turn.ledger.work_left += 1;
        if !is_late {
            let task = turn.scheduler.slot(slot).task();
            turn.scheduler.raise(turn.probe, Fault { code, task }, None);
        }
        true
    }

    /// Fails the task in `slot`, an item, if its worker is through with it or gone, or nobody is
    /// left to take it, though no message about that will ever come. Whether it did.
    pub(crate) fn fail_unsaid<P: Port, B: Probe>(
        &mut self,
        turn: &mut Turn<'_, '_, P, B>,
        slot: SlotId,
    ) -> bool {
        let item = turn.scheduler.slot(slot).item();
        let (Item::At(position, _), Some(ring)) = (item, turn.scheduler.work) else {
            return false;
        };
        let has_left = |seat: &Seat| seat.is_gone && seat.holds == Some(position);
        let dead = ring.workers().find(has_left).map(|seat| seat.name);
        if let Some(mut heir) = dead.and_then(|dead| ring.recover(dead, dead).ok()) {
            let done = heir.done(position);
            debug_assert!(done.is_ok(), "the heir holds it");
        }
        if ring.is_done(position) {
            return self.give_up(turn, slot, FaultCode::MailboxGap);
        }
        let is_left = is_forsaken(ring) && ring.withdraw(position);
        is_left && self.give_up(turn, slot, FaultCode::NoWorkerLeft)
    }
}

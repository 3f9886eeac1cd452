//! What a FIN handler owes for a finished token, and how it pays.
//!
//! Messages that a full mailbox refuses, and consumers that a large fan-out leaves, stay with the
//! token's parity: its record is taken until everything is paid, so no new token comes to it.
//! Called by [`crate::handler`] alone.

use finbox_mailbox::{Condition, Done, Message};

use crate::complete::{RELEASE_BUDGET, Release};
use crate::core_set::only;
use crate::handler::FinHandler;
use crate::id::SlotId;
use crate::locked::{self, Completion};
use crate::port::Port;
use crate::probe::{Event, Probe};
use crate::scheduler::Scheduler;
use crate::slab::{SlabEntry, read_entry};
use crate::wait_entry::Turn;

/// What is still owed for a finished token, by its parity.
#[derive(Debug)]
pub(crate) enum Duty {
    /// Conditions `next .. count` of its slab, then TASK_NORMAL_DONE(`done`).
    Push {
        slot: SlotId,
        next: u32,
        count: u32,
        done: Option<u32>,
        /// The copy of its entries is in hand; otherwise they are still in the slab.
        in_hand: bool,
    },
    /// Consumers of a task that finished here.
    Release(Release),
}

impl FinHandler<'_> {
    /// Goes on with what was owed for a core before. Returns whether anything moved.
    #[cold]
    pub(crate) fn go_on_with_all(
        &mut self,
        scheduler: &Scheduler<'_>,
        port: &impl Port,
        probe: &impl Probe,
        index: usize,
    ) -> bool {
        let core = self.core_id(index);
        let mut moved = false;
        self.owing &= !only(core);
        for parity in 0..2 {
            if let Some(duty) = self.cores[index].duties[parity].take() {
                moved |= self.go_on(scheduler, port, probe, (index, parity), duty);
            }
        }
        let pair = scheduler.cores[core.index()].pair.observed();
        scheduler.openings.announce(core, pair);
        moved
    }

    /// Goes on with a duty as far as it gets. Returns whether anything moved. Afterwards the core
    /// must be announced.
    pub(crate) fn go_on(
        &mut self,
        scheduler: &Scheduler<'_>,
        port: &impl Port,
        probe: &impl Probe,
        (index, parity): (usize, usize),
        duty: Duty,
    ) -> bool {
        let (left, moved) = match duty {
            Duty::Release(mut release) => {
                let done = release.walk(scheduler, RELEASE_BUDGET);
                ((!done).then_some(Duty::Release(release)), true)
            }
            Duty::Push {
                slot,
                next,
                count,
                done,
                in_hand,
            } => {
                let slab = port.slab_address(self.core_id(index), parity);
                let slab = (!in_hand).then_some(slab);
                let turn = (scheduler, port, probe);
                let accepted = self.push(turn, (slot, slab), next..count, done);
                let offered = count - next + u32::from(done.is_some());
                // What a condemned mailbox refuses can never be sent: its task fails in dispatch.
                let is_lost = accepted < offered && scheduler.producer.is_condemned();
                if is_lost {
                    scheduler.orphans.say();
                }
                let owed = if is_lost { 0 } else { offered - accepted };
                probe.event(Event::Pushed {
                    slot,
                    accepted,
                    owed,
                });
                let duty = Duty::Push {
                    slot,
                    next: next + accepted,
                    count,
                    done,
                    in_hand: false,
                };
                ((owed > 0).then_some(duty), accepted > 0 || is_lost)
            }
        };
        match left {
            Some(duty) => {
                self.owing |= only(self.core_id(index));
                self.cores[index].duties[parity] = Some(duty);
            }
            None => self.free_record(scheduler, index, parity),
        }
        moved
    }

    /// Offers conditions `range` and, behind them, TASK_NORMAL_DONE in one batch.
    ///
    /// Of what a full mailbox refused before, the copy in hand is of whichever core was read last:
    /// then an entry is copied from its `slab` once more, when it is accepted and not sooner. The
    /// slab was valid and belongs to the core until the record is free; should it have changed all
    /// the same, the entry becomes a condition that the wait list refuses.
    fn push(
        &mut self,
        (scheduler, port, probe): (&Scheduler<'_>, &impl Port, &impl Probe),
        (slot, slab): (SlotId, Option<u64>),
        range: core::ops::Range<u32>,
        done: Option<u32>,
    ) -> u32 {
        let (task, entries) = (scheduler.slot(slot).task().0, &self.entries);
        let conditions = range.end - range.start;
        let offered = conditions + u32::from(done.is_some());
        let build = |i| {
            if i == conditions {
                let expected = done.unwrap_or(0);
                return Message::NormalDone(Done {
                    task,
                    slot: slot.bits(),
                    expected,
                });
            }
            let entry = match slab {
                None => entries[(range.start + i) as usize],
                Some(addr) => read_entry(port, scheduler.chip.target, addr, range.start + i)
                    .unwrap_or(SlabEntry::EMPTY),
            };
            Message::Condition(Condition {
                task,
                slot: slot.bits(),
                addr: entry.addr,
                cookie: entry.cookie,
                expected: entry.expected,
                engine: entry.engine,
                completion: entry.completion,
            })
        };
        let ledger = &mut self.ledger;
        let accepted = match scheduler.completion {
            Completion::Mailbox => self.pusher.push_batch(offered, build),
            Completion::Locked => {
                let mut turn = Turn {
                    scheduler,
                    port,
                    probe,
                    ledger,
                };
                locked::register(&mut turn, offered, build)
            }
        };
        self.ledger.messages_accepted += u64::from(accepted);
        self.ledger.full += u64::from(accepted < offered);
        accepted
    }

    #[inline]
    pub(crate) fn free_record(&self, scheduler: &Scheduler<'_>, index: usize, parity: usize) {
        scheduler.cores[self.first + index].records[parity].free();
    }
}

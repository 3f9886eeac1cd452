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
use crate::target::Target;
use crate::wait_entry::Turn;

/// What is still owed for a finished token, by its parity.
#[derive(Debug)]
pub(crate) enum Duty {
    /// Messages of a deferred task.
    Push(Push),
    /// Consumers of a task that finished here.
    Release(Release),
}

/// Conditions `next .. count` of a slab, then TASK_NORMAL_DONE(`done`).
#[derive(Debug)]
pub(crate) struct Push {
    pub(crate) slot: SlotId,
    pub(crate) next: u32,
    pub(crate) count: u32,
    pub(crate) done: Option<u32>,
    /// The copy of its entries is in hand; otherwise they are still in the slab.
    pub(crate) in_hand: bool,
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
    #[inline]
    pub(crate) fn go_on(
        &mut self,
        scheduler: &Scheduler<'_>,
        port: &impl Port,
        probe: &impl Probe,
        place: (usize, usize),
        duty: Duty,
    ) -> bool {
        match duty {
            Duty::Release(release) => self.go_on_releasing(scheduler, place, release),
            Duty::Push(push) => self.go_on_pushing((scheduler, port, probe), place, push),
        }
    }

    fn go_on_releasing(
        &mut self,
        scheduler: &Scheduler<'_>,
        (index, parity): (usize, usize),
        mut release: Release,
    ) -> bool {
        match release.walk(scheduler, RELEASE_BUDGET) {
            true => self.free_record(scheduler, index, parity),
            false => self.owe((index, parity), Duty::Release(release)),
        }
        true
    }

    fn go_on_pushing(
        &mut self,
        turn: (&Scheduler<'_>, &impl Port, &impl Probe),
        (index, parity): (usize, usize),
        owed: Push,
    ) -> bool {
        let (scheduler, port, probe) = turn;
        let Push {
            slot,
            next,
            count,
            done,
            in_hand,
        } = owed;
        let slab = port.slab_address(self.core_id(index), parity);
        let slab = (!in_hand).then_some(slab);
        let accepted = self.push(turn, (slot, slab), next..count, done);
        let offered = count - next + u32::from(done.is_some());
        // What a condemned mailbox refuses can never be sent: its task fails in dispatch.
        let is_lost = accepted < offered && scheduler.producer.is_condemned();
        if is_lost {
            scheduler.orphans.say();
        }
        let left = if is_lost { 0 } else { offered - accepted };
        probe.event(Event::Pushed {
            slot,
            accepted,
            owed: left,
        });
        match left {
            0 => self.free_record(scheduler, index, parity),
            _ => {
                let next = next + accepted;
                let in_hand = false;
                self.owe(
                    (index, parity),
                    Duty::Push(Push {
                        next,
                        in_hand,
                        ..owed
                    }),
                );
            }
        }
        accepted > 0 || is_lost
    }

    /// Keeps a duty for later.
    #[cold]
    fn owe(&mut self, (index, parity): (usize, usize), duty: Duty) {
        self.owing |= only(self.core_id(index));
        self.cores[index].duties[parity] = Some(duty);
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
                Some(addr) => read_again(port, scheduler.chip.target, (addr, range.start + i)),
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

/// Entry `index` of the slab at `addr`, which was valid when it was read first.
#[cold]
fn read_again(port: &impl Port, target: &Target, (addr, index): (u64, u32)) -> SlabEntry {
    read_entry(port, target, addr, index).unwrap_or(SlabEntry::EMPTY)
}

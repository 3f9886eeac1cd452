//! What a FIN handler owes for a finished token, and how it pays.
//!
//! Messages that a full mailbox refuses, and consumers that a large fan-out leaves, stay with the
//! token's parity: its record is taken until everything is paid, so no new token comes to it.
//! Called by [`crate::handler`] alone.

use finbox_mailbox::{FinBatch, Watch};

use crate::complete::{RELEASE_BUDGET, Release};
use crate::core_set::only;
use crate::handler::FinHandler;
use crate::id::{SlotId, TaskId};
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
#[derive(Clone, Copy, Debug)]
pub(crate) struct Push {
    pub(crate) slot: SlotId,
    pub(crate) next: u32,
    pub(crate) count: u32,
    pub(crate) done: Option<u32>,
    /// The copy of its entries is in hand; otherwise they are still in the slab.
    pub(crate) in_hand: bool,
    /// No entry has a cookie, so that two share a message.
    pub(crate) in_pairs: bool,
}

impl Push {
    /// What it still has to say, for `task`.
    #[inline]
    fn batch(&self, task: TaskId) -> FinBatch {
        let done = |expected| u8::try_from(expected).expect("a task has at most 64 conditions");
        FinBatch {
            task: task.0,
            slot: self.slot.bits(),
            conditions: self.count - self.next,
            in_pairs: self.in_pairs,
            done: self.done.map(done),
        }
    }

    /// What is left to push when `accepted` of its messages were, which are not all.
    fn without(self, accepted: u32) -> Self {
        let conditions = accepted << u32::from(self.in_pairs);
        let (next, in_hand) = (self.next + conditions, false);
        Self {
            next,
            in_hand,
            ..self
        }
    }
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
    /// must be announced, or said to be idle.
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
        let (scheduler, _, probe) = turn;
        let (accepted, offered) = self.push(turn, (index, parity), &owed);
        // What a condemned mailbox refuses can never be sent: its task fails in dispatch.
        let is_lost = accepted < offered && scheduler.producer.is_condemned();
        if is_lost {
            scheduler.orphans.say();
        }
        let left = if is_lost { 0 } else { offered - accepted };
        probe.event(Event::Pushed {
            slot: owed.slot,
            accepted,
            owed: left,
        });
        match left {
            0 => self.free_record(scheduler, index, parity),
            _ => self.owe((index, parity), Duty::Push(owed.without(accepted))),
        }
        accepted > 0 || is_lost
    }

    /// Keeps a duty for later.
    #[cold]
    fn owe(&mut self, (index, parity): (usize, usize), duty: Duty) {
        self.owing |= only(self.core_id(index));
        self.cores[index].duties[parity] = Some(duty);
    }

    /// Offers what is `owed` in one batch. Returns how many messages were accepted, and how many
    /// there were.
    ///
    /// Of what a full mailbox refused before, the copy in hand is of whichever core was read last:
    /// then an entry is copied from its slab once more, when it is accepted and not sooner. The
    /// slab was valid and belongs to the core until the record is free; should it have changed all
    /// the same, the entry becomes a condition that the wait list refuses.
    fn push(
        &mut self,
        (scheduler, port, probe): (&Scheduler<'_>, &impl Port, &impl Probe),
        (index, parity): (usize, usize),
        owed: &Push,
    ) -> (u32, u32) {
        let (batch, entries) = (owed.batch(scheduler.slot(owed.slot).task()), &self.entries);
        let slab = (!owed.in_hand).then(|| port.slab_address(self.core_id(index), parity));
        let entry = |at| match slab {
            None => watch(&entries[(owed.next + at) as usize]),
            Some(addr) => {
                let at = (addr, owed.next + at);
                watch(&read_again(port, scheduler.chip.target, at, owed.in_pairs))
            }
        };
        let (accepted, offered) = match scheduler.completion {
            Completion::Mailbox => (self.pusher.push(&batch, entry), batch.messages()),
            Completion::Locked => {
                let mut turn = Turn {
                    scheduler,
                    port,
                    probe,
                    ledger: &mut self.ledger,
                };
                let all = locked::register(&mut turn, &batch, entry);
                (all, all)
            }
        };
        self.ledger.messages_accepted += u64::from(accepted);
        self.ledger.full += u64::from(accepted < offered);
        (accepted, offered)
    }

    #[inline]
    pub(crate) fn free_record(&self, scheduler: &Scheduler<'_>, index: usize, parity: usize) {
        scheduler.cores[self.first + index].records[parity].free();
    }
}

/// Field by field: an entry that was just written so is not read whole at once.
#[inline]
const fn watch(entry: &SlabEntry) -> (Watch, u64) {
    let watch = Watch {
        addr: entry.addr,
        expected: entry.expected,
        engine: entry.engine,
        completion: entry.completion,
    };
    (watch, entry.cookie)
}

/// Entry `index` of the slab at `addr`, which was valid when it was read first, and had no cookie
/// if it is to share a message.
#[cold]
fn read_again(
    port: &impl Port,
    target: &Target,
    (addr, index): (u64, u32),
    in_pairs: bool,
) -> SlabEntry {
    let read = read_entry(port, target, addr, index).ok();
    let kept = read.filter(|entry| !in_pairs || entry.cookie == 0);
    kept.unwrap_or(SlabEntry::EMPTY)
}

//! The async wait list: deferred tasks, their conditions, and the mailbox's consumer, behind one
//! lock that is only ever tried.
//!
//! Entries belong to task slots and are found by index; unmet conditions stand in one dense array.
//! Order of messages does not matter: an entry is done when TASK_NORMAL_DONE was seen, as many
//! CONDITIONs as it announced were seen, and all of them are met. Tasks are not finished here but
//! collected, and finished after the lock is given back.

use finbox_mailbox::sync::AtomicU32;
use finbox_mailbox::{
    Condition, Consumer, Done, Engine, Guard, Malformed, Message, SlotBits, Ticket, TryLock, Words,
};

use crate::edge;
use crate::fault::{Fault, FaultCode};
use crate::id::SlotId;
use crate::ledger::Ledger;
use crate::port::Port;
use crate::probe::{Event, Probe};
use crate::ready::SlotQueue;
use crate::retire::RetireState;
use crate::scheduler::Scheduler;

/// What a slot waits for, as far as its messages were seen.
///
/// An entry of the slot's current generation that is not live was collected: nothing more is
/// believed about that life.
#[derive(Clone, Copy, Debug, Default)]
pub struct WaitEntry {
    generation: u32,
    live: bool,
    done: bool,
    seen: u8,
    expected: u8,
    unmet: u8,
    given_back: u8,
}

impl WaitEntry {
    /// Whether it is `slot`, in this life, that waits.
    const fn is_waiting(&self, slot: SlotId) -> bool {
        self.live && self.generation == slot.generation()
    }
}

/// One condition that did not hold when it was last looked at.
#[derive(Clone, Copy, Debug)]
pub struct Unmet {
    pub(crate) slot: SlotId,
    pub(crate) addr: u64,
    pub(crate) expected: u32,
    pub(crate) observed: u32,
    pub(crate) engine: Engine,
    pub(crate) since_ns: u64,
}

impl Default for Unmet {
    fn default() -> Self {
        let slot = SlotId::new(0, 0, 0);
        Self {
            slot,
            addr: 0,
            expected: 0,
            observed: 0,
            engine: Engine::Sdma,
            since_ns: 0,
        }
    }
}

/// The list, as all threads see it.
#[derive(Debug)]
pub struct AsyncWaitList<'m> {
    desk: TryLock<WaitDesk<'m>>,
    live_hint: AtomicU32,
}

/// The list, as the holder of its lock sees it.
#[derive(Debug)]
pub struct WaitDesk<'m> {
    consumer: Consumer<'m>,
    entries: &'m mut [WaitEntry],
    unmet: &'m mut [Unmet],
    unmet_count: usize,
    live: u32,
    cursor: usize,
    settled: SlotQueue,
}

impl<'m> AsyncWaitList<'m> {
    pub(crate) fn new(
        consumer: Consumer<'m>,
        entries: &'m mut [WaitEntry],
        unmet: &'m mut [Unmet],
    ) -> Self {
        let settled = SlotQueue::default();
        let desk = WaitDesk {
            consumer,
            entries,
            unmet,
            unmet_count: 0,
            live: 0,
            cursor: 0,
            settled,
        };
        Self {
            desk: TryLock::new(desk),
            live_hint: AtomicU32::new(0),
        }
    }

    /// The list, unless another thread holds it. Returns at once either way.
    pub fn try_lock(&self) -> Option<Guard<'_, WaitDesk<'m>>> {
        self.desk.try_lock()
    }

    /// Tasks that wait, as last said by a holder of the lock.
    pub fn live_hint(&self) -> u32 {
        // RELAXED: a hint.
        self.live_hint.load(edge::LIVE_HINT)
    }

    pub(crate) fn say_live(&self, live: u32) {
        // RELAXED: a hint.
        self.live_hint.store(live, edge::LIVE_HINT);
    }
}

impl WaitDesk<'_> {
    /// Tasks that wait.
    pub const fn live(&self) -> u32 {
        self.live
    }

    /// What the hint says: not 0 while a condition is stored, though its task be gone.
    pub(crate) fn live_hint(&self) -> u32 {
        self.live.max(u32::from(self.unmet_count > 0))
    }

    /// Conditions that did not hold when last looked at.
    pub fn unmet(&self) -> &[Unmet] {
        &self.unmet[..self.unmet_count]
    }

    /// Messages claimed and not drained, as far as this thread can see.
    pub fn mailbox_depth_hint(&self) -> u32 {
        self.consumer.depth_hint()
    }

    /// Takes the tasks that are to be finished, after the lock is given back.
    pub(crate) fn take_settled(&mut self) -> SlotQueue {
        core::mem::take(&mut self.settled)
    }

    /// Moves up to `budget` messages from the mailbox into the list. Returns how many.
    pub(crate) fn drain(
        &mut self,
        scheduler: &Scheduler<'_>,
        port: &impl Port,
        probe: &impl Probe,
        ledger: &mut Ledger,
        budget: u32,
    ) -> u32 {
        if self.consumer.is_empty_hint() {
            return 0;
        }
        let depth = u64::from(self.consumer.depth_hint());
        ledger.mailbox_high_water = ledger.mailbox_high_water.max(depth);
        let epoch = self.consumer.epoch();
        let mut list = List {
            entries: &mut *self.entries,
            unmet: &mut *self.unmet,
            unmet_count: &mut self.unmet_count,
            live: &mut self.live,
            settled: &mut self.settled,
            scheduler,
        };
        let drained = self.consumer.drain(budget, |ticket, words| {
            if list.deliver(port, probe, ledger, (words, epoch)).is_none() {
                ledger.messages_reported += 1;
                list.report(probe, ticket, (words, epoch));
            }
        });
        ledger.waiting_high_water = ledger.waiting_high_water.max(u64::from(self.live));
        drained.taken
    }

    /// Looks at up to `budget` unmet conditions, going on where the last call stopped. Returns how
    /// many it looked at and how many are gone: met, or nobody waits for them any more.
    pub(crate) fn settle(
        &mut self,
        scheduler: &Scheduler<'_>,
        port: &impl Port,
        probe: &impl Probe,
        budget: u32,
    ) -> (u32, u32) {
        let polls = (budget as usize).min(self.unmet_count);
        let mut gone = 0;
        for _ in 0..polls {
            if self.cursor >= self.unmet_count {
                self.cursor = 0;
            }
            let condition = &mut self.unmet[self.cursor];
            let slot = condition.slot;
            if self.entries[slot.index()].is_waiting(slot) {
                let observed = observe(port, condition);
                if !holds(observed, condition.expected) {
                    self.cursor += 1;
                    continue;
                }
                let addr = condition.addr;
                probe.event(Event::Met {
                    slot,
                    addr,
                    observed,
                });
            }
            self.remove(scheduler, self.cursor);
            gone += 1;
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most budget")]
        (polls as u32, gone)
    }

    /// Moves on by `polls` looks that are known to see nothing, without taking them.
    pub(crate) fn skip(&mut self, polls: u64) {
        let polls = polls.checked_rem(self.unmet_count as u64).unwrap_or(0);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "below the number of conditions"
        )]
        let moved = self.cursor + polls as usize;
        self.cursor = moved.checked_rem(self.unmet_count).unwrap_or(0);
    }

    fn remove(&mut self, scheduler: &Scheduler<'_>, index: usize) {
        let slot = self.unmet[index].slot;
        self.unmet_count -= 1;
        self.unmet.swap(index, self.unmet_count);
        scheduler.room.give_back(1);
        let entry = &mut self.entries[slot.index()];
        if entry.is_waiting(slot) {
            entry.unmet -= 1;
            entry.given_back += 1;
            self.list(scheduler).settle_if_done(slot);
        }
    }

    fn list<'a, 's>(&'a mut self, scheduler: &'a Scheduler<'s>) -> List<'a, 's> {
        List {
            entries: &mut *self.entries,
            unmet: &mut *self.unmet,
            unmet_count: &mut self.unmet_count,
            live: &mut self.live,
            settled: &mut self.settled,
            scheduler,
        }
    }
}

/// Makes the counter's line current, then reads it: two things, in this order.
fn observe(port: &impl Port, condition: &mut Unmet) -> u32 {
    port.refresh(condition.addr, 4);
    condition.observed = port.load_u32(condition.addr);
    condition.observed
}

/// Whether a counter has reached `expected`; a wait is at most 2³¹ − 1 ahead, so this wraps right.
const fn holds(observed: u32, expected: u32) -> bool {
    observed.wrapping_sub(expected) as i32 >= 0
}

/// The list without its mailbox, so that both can be borrowed at once.
struct List<'a, 's> {
    entries: &'a mut [WaitEntry],
    unmet: &'a mut [Unmet],
    unmet_count: &'a mut usize,
    live: &'a mut u32,
    settled: &'a mut SlotQueue,
    scheduler: &'a Scheduler<'s>,
}

impl List<'_, '_> {
    /// Acts on one message; `None` if it cannot be acted on.
    fn deliver(
        &mut self,
        port: &impl Port,
        probe: &impl Probe,
        ledger: &mut Ledger,
        (words, epoch): (&Words, u32),
    ) -> Option<()> {
        match Message::decode(words, epoch).ok()? {
            Message::Condition(condition) => {
                self.condition(port, probe, &condition)?;
                ledger.conditions += 1;
            }
            Message::NormalDone(done) => {
                self.done(&done)?;
                ledger.normal_done += 1;
            }
        }
        ledger.messages_delivered += 1;
        Some(())
    }

    /// The entry of a slot that waits; `None` if the bits name none.
    ///
    /// A live slot is not enough: until a subtask of it deferred, its `next` link stands in other
    /// lists, no room need be reserved for it, and it has nothing to say here. Whoever pushes
    /// about it retired first, and publishing carries the retire word.
    fn entry(&mut self, bits: SlotBits) -> Option<(SlotId, RetireState, &mut WaitEntry)> {
        let slot = SlotId::from_bits(bits);
        let state = self.scheduler.slots.get(slot.index())?.retire.state();
        let is_ours = slot.ring() == self.scheduler.ring;
        if !is_ours || !state.is_live(slot.generation()) || !state.any_subtask_deferred() {
            return None;
        }
        let entry = &mut self.entries[slot.index()];
        if entry.generation != slot.generation() {
            *self.live += u32::from(!entry.live);
            *entry = WaitEntry {
                generation: slot.generation(),
                live: true,
                ..WaitEntry::default()
            };
        }
        entry.live.then_some((slot, state, entry))
    }

    fn condition(
        &mut self,
        port: &impl Port,
        probe: &impl Probe,
        message: &Condition,
    ) -> Option<()> {
        let (slot, state, entry) = self.entry(message.slot)?;
        if u32::from(entry.seen) >= state.expected() {
            return None;
        }
        entry.seen += 1;
        if !port.can_read(message.addr, 4) || message.addr % 4 != 0 {
            entry.given_back += 1;
            self.scheduler.room.give_back(1);
            self.fail(slot, FaultCode::AsyncCompletionInvalid);
            self.settle_if_done(slot);
            return Some(());
        }
        let mut unmet = Unmet {
            slot,
            addr: message.addr,
            expected: message.expected,
            observed: 0,
            engine: message.engine,
            since_ns: port.now(),
        };
        let observed = observe(port, &mut unmet);
        if holds(observed, unmet.expected) {
            entry.given_back += 1;
            self.scheduler.room.give_back(1);
            probe.event(Event::Met {
                slot,
                addr: unmet.addr,
                observed,
            });
            self.settle_if_done(slot);
        } else {
            entry.unmet += 1;
            self.unmet[*self.unmet_count] = unmet;
            *self.unmet_count += 1;
        }
        Some(())
    }

    fn done(&mut self, message: &Done) -> Option<()> {
        let bound = self.bound(message.slot)?;
        let (slot, state, entry) = self.entry(message.slot)?;
        let is_true = state.remaining() == 0 && message.expected == state.expected();
        if entry.done || !is_true {
            return None;
        }
        entry.done = true;
        entry.expected = u8::try_from(message.expected).ok()?;
        let surplus = bound - message.expected;
        entry.given_back += u8::try_from(surplus).expect("a bound is at most 64");
        self.scheduler.room.give_back(surplus);
        self.settle_if_done(slot);
        Some(())
    }

    /// Conditions that a task may register at most, which is what was reserved for it.
    fn bound(&self, bits: SlotBits) -> Option<u32> {
        let words = self.scheduler.slots.get(SlotId::from_bits(bits).index())?;
        Some(u32::from(words.spec().may_defer))
    }

    fn fail(&self, slot: SlotId, code: FaultCode) {
        let words = self.scheduler.slot(slot);
        words.retire.fail(slot.generation());
        self.scheduler.raise(Fault {
            code,
            task: words.task(),
        });
    }

    fn settle_if_done(&mut self, slot: SlotId) {
        let entry = &mut self.entries[slot.index()];
        if entry.done && entry.seen == entry.expected && entry.unmet == 0 {
            self.collect(slot);
        }
    }

    fn collect(&mut self, slot: SlotId) {
        self.entries[slot.index()].live = false;
        *self.live -= 1;
        let index = u32::try_from(slot.index()).expect("an index has 24 bits");
        self.settled.push(self.scheduler.slots, index);
    }

    /// A message that cannot be acted on: if the slot it names waits, that task fails, since the
    /// message may have been one of its own. A straggler of another run was not.
    fn report(&mut self, probe: &impl Probe, ticket: Ticket, (words, epoch): (&Words, u32)) {
        let bits = SlotBits::of_refused(words);
        let slot = SlotId::from_bits(bits);
        probe.event(Event::Refused {
            position: ticket.position(),
            slot,
        });
        if let Err(Malformed::Epoch { .. }) = Message::decode(words, epoch) {
            return;
        }
        let Some(bound) = self.bound(bits) else {
            return;
        };
        let Some((slot, _, entry)) = self.entry(bits) else {
            return;
        };
        let promised = bound - u32::from(entry.given_back + entry.unmet);
        entry.given_back = u8::try_from(bound).expect("a bound is at most 64");
        self.scheduler.room.give_back(promised);
        self.fail(slot, FaultCode::AsyncRegistrationFailed);
        self.collect(slot);
    }
}

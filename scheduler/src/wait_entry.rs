//! The book of the wait list: one entry a task slot, and what each message does to it.
//!
//! Order of messages does not matter: an entry is done when TASK_NORMAL_DONE was seen, as many
//! CONDITIONs as it announced were seen, and all of them are met. A task that failed waits for
//! nothing: its conditions are not looked at any more, and it is done when its messages were seen.
//! Tasks are not finished here but collected, and finished after the lock is given back.

use finbox_mailbox::{
    Bundle, Condition, Done, Malformed, Message, SlotBits, Ticket, Words, WorkerMessage,
};

use crate::condition::{Failure, Unmet, Verdict};
use crate::fault::Fault;
use crate::id::SlotId;
use crate::ledger::Ledger;
use crate::peers::KnownDead;
use crate::poll::PollList;
use crate::port::Port;
use crate::probe::{Event, Probe};
use crate::ready::SlotQueue;
use crate::retire::RetireState;
use crate::scheduler::Scheduler;
use crate::urma::UrmaQueue;

/// Where a wait entry stands in the life it names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// Never used.
    #[default]
    Unused,
    /// Its conditions are looked at.
    Waiting,
    /// Its task failed: only its messages are still awaited.
    Failing,
    /// Collected: nothing more is believed about that life.
    Over,
    /// Given up before its messages were seen: those that still come are dropped.
    Abandoned,
}

/// What a slot waits for, as far as its messages were seen.
#[derive(Clone, Copy, Debug, Default)]
pub struct WaitEntry {
    generation: u32,
    stage: Stage,
    done: bool,
    seen: u8,
    expected: u8,
    unmet: u8,
    given_back: u8,
}

impl WaitEntry {
    const fn is_of(&self, slot: SlotId) -> bool {
        self.generation == slot.generation() && !matches!(self.stage, Stage::Unused)
    }

    /// Whether it is `slot`, in this life, whose conditions are to be looked at.
    pub(crate) const fn wants(&self, slot: SlotId) -> bool {
        self.is_of(slot) && matches!(self.stage, Stage::Waiting)
    }

    const fn is_live(&self) -> bool {
        matches!(self.stage, Stage::Waiting | Stage::Failing)
    }

    const fn has_all_messages_of(&self, slot: SlotId) -> bool {
        self.done && self.seen == self.expected && self.is_of(slot)
    }
}

/// Who asks, with what: the arguments of everything that looks at conditions.
pub(crate) struct Turn<'a, 's, P, B> {
    pub(crate) scheduler: &'a Scheduler<'s>,
    pub(crate) port: &'a P,
    pub(crate) probe: &'a B,
    pub(crate) ledger: &'a mut Ledger,
}

/// The list without its mailbox.
#[derive(Debug)]
pub(crate) struct Book<'m> {
    pub(crate) entries: &'m mut [WaitEntry],
    pub(crate) poll: PollList<'m>,
    pub(crate) queues: &'m mut [UrmaQueue],
    pub(crate) known_dead: KnownDead,
    pub(crate) live: u32,
    /// Most that ever were.
    pub(crate) most_live: u32,
    pub(crate) settled: SlotQueue,
    /// The slot that was found to wait last, at this state.
    pub(crate) heard_of: (SlotId, RetireState),
    /// Room of so many conditions is to be given back.
    pub(crate) returned: u32,
    /// How long a condition may take if its task does not say.
    pub(crate) wait_ns: Option<u64>,
}

impl Book<'_> {
    /// Acts on one message of run `epoch`; `None` if it cannot be acted on.
    pub(crate) fn deliver<P: Port, B: Probe>(
        &mut self,
        turn: &mut Turn<'_, '_, P, B>,
        (words, epoch): (&Words, u32),
    ) -> Option<()> {
        if !Bundle::is_kind_of(words) {
            let message = Message::decode(words, epoch).ok()?;
            return self.act_on(turn, &message);
        }
        let bundle = Bundle::decode(words, epoch).ok()?;
        self.bundle(turn, &bundle)?;
        turn.ledger.messages_delivered += 1;
        Some(())
    }

    /// Takes in what a bundle says. Its slot is looked up once: what its own conditions change
    /// there, they change in the entry.
    #[inline]
    fn bundle<P: Port, B: Probe>(
        &mut self,
        turn: &mut Turn<'_, '_, P, B>,
        bundle: &Bundle,
    ) -> Option<()> {
        let (first, second, done) = (bundle.first(), bundle.second(), bundle.done());
        if let Some((slot, state, _)) = self.entry(turn.scheduler, bundle.slot) {
            for condition in [Some(&first), second.as_ref()].into_iter().flatten() {
                self.register(turn, (slot, state), condition)?;
            }
            if let Some(done) = done {
                self.expect(turn.scheduler, (slot, state), &done)?;
            }
        } else if !self.is_abandoned(bundle.slot) {
            return None;
        }
        turn.ledger.conditions += 1 + u64::from(second.is_some());
        turn.ledger.normal_done += u64::from(done.is_some());
        Some(())
    }

    /// Acts on one message; `None` if it cannot be acted on.
    pub(crate) fn act_on<P: Port, B: Probe>(
        &mut self,
        turn: &mut Turn<'_, '_, P, B>,
        message: &Message,
    ) -> Option<()> {
        match message {
            Message::Condition(condition) => self.condition(turn, condition)?,
            Message::NormalDone(done) => self.done(turn, done)?,
        }
        turn.ledger.messages_delivered += 1;
        Some(())
    }

    #[inline(never)]
    fn condition<P: Port, B: Probe>(
        &mut self,
        turn: &mut Turn<'_, '_, P, B>,
        message: &Condition,
    ) -> Option<()> {
        match self.entry(turn.scheduler, message.slot) {
            Some((slot, state, _)) => self.register(turn, (slot, state), message)?,
            None => self.is_abandoned(message.slot).then_some(())?,
        }
        turn.ledger.conditions += 1;
        Some(())
    }

    #[inline(never)]
    fn done<P: Port, B: Probe>(
        &mut self,
        turn: &mut Turn<'_, '_, P, B>,
        message: &Done,
    ) -> Option<()> {
        match self.entry(turn.scheduler, message.slot) {
            Some((slot, state, _)) => self.expect(turn.scheduler, (slot, state), message)?,
            None => self.is_abandoned(message.slot).then_some(())?,
        }
        turn.ledger.normal_done += 1;
        Some(())
    }

    /// Whether the task these bits name was given up, so that its messages are dropped.
    fn is_abandoned(&self, bits: SlotBits) -> bool {
        let slot = SlotId::from_bits(bits);
        let entry = self.entries.get(slot.index());
        entry.is_some_and(|entry| entry.is_of(slot) && entry.stage == Stage::Abandoned)
    }

    /// The entry of a slot that waits; `None` if the bits name none.
    ///
    /// A live slot is not enough: until a subtask of it deferred, its `next` link stands in other
    /// lists, no room need be reserved for it, and it has nothing to say here. Whoever pushes
    /// about it retired first, and publishing carries the retire word.
    #[inline]
    fn entry(
        &mut self,
        scheduler: &Scheduler<'_>,
        bits: SlotBits,
    ) -> Option<(SlotId, RetireState, &mut WaitEntry)> {
        let slot = SlotId::from_bits(bits);
        let state = scheduler.slots.get(slot.index())?.retire.state();
        if self.heard_of != (slot, state) {
            self.hear_of(scheduler, slot, state)?;
        }
        let entry = &mut self.entries[slot.index()];
        entry.is_live().then_some((slot, state, entry))
    }

    /// Finds whether `slot`, of which somebody says something, is named right and deferred by its
    /// `state`. As long as the state stays the same so does the answer.
    #[inline(never)]
    fn hear_of(
        &mut self,
        scheduler: &Scheduler<'_>,
        slot: SlotId,
        state: RetireState,
    ) -> Option<()> {
        let is_ours = scheduler.is_named_right(slot);
        if !is_ours || !state.is_live(slot.generation()) || !state.any_subtask_deferred() {
            return None;
        }
        let entry = &mut self.entries[slot.index()];
        if !entry.is_of(slot) {
            self.live += u32::from(!entry.is_live());
            self.most_live = self.most_live.max(self.live);
            self.poll.distrust_if(entry.unmet > 0);
            *entry = WaitEntry {
                generation: slot.generation(),
                stage: Stage::Waiting,
                ..WaitEntry::default()
            };
        }
        self.heard_of = (slot, state);
        Some(())
    }

    /// Takes one condition of a slot that waits in.
    #[inline(always)]
    fn register<P: Port, B: Probe>(
        &mut self,
        turn: &mut Turn<'_, '_, P, B>,
        (slot, state): (SlotId, RetireState),
        message: &Condition,
    ) -> Option<()> {
        let entry = &mut self.entries[slot.index()];
        if u32::from(entry.seen) >= state.expected() {
            return None;
        }
        entry.seen += 1;
        if entry.stage == Stage::Waiting {
            match self.first_look(turn, message) {
                Verdict::Unmet => return Some(()),
                Verdict::Met => {}
                Verdict::Failed(failure) => self.fail(turn, slot, failure),
            }
        }
        self.entries[slot.index()].given_back += 1;
        self.returned += 1;
        self.settle_if_done(turn.scheduler, slot);
        Some(())
    }

    /// Stores a condition that is not met.
    pub(crate) fn wait_for(&mut self, scheduler: &Scheduler<'_>, mut unmet: Unmet) {
        let own = scheduler.slot(unmet.slot).wait_budget_ns();
        let budget_ns = if own > 0 { Some(own) } else { self.wait_ns };
        if let Some(budget_ns) = budget_ns {
            unmet.deadline_ns = unmet.since_ns.saturating_add(budget_ns);
        }
        self.entries[unmet.slot.index()].unmet += 1;
        if let Some(source) = unmet.source() {
            self.known_dead.ask_for(source);
        }
        self.poll.insert(unmet);
    }

    /// Takes in how many conditions a slot that waits has.
    #[inline(always)]
    fn expect(
        &mut self,
        scheduler: &Scheduler<'_>,
        (slot, state): (SlotId, RetireState),
        message: &Done,
    ) -> Option<()> {
        let entry = &mut self.entries[slot.index()];
        let is_true = state.remaining() == 0 && message.expected == state.expected();
        if entry.done || !is_true {
            return None;
        }
        // A subtask of it failed: the conditions of the others need not hold any more.
        let has_stale = state.is_failed() && entry.unmet > 0;
        if state.is_failed() {
            entry.stage = Stage::Failing;
        }
        entry.done = true;
        entry.expected = u8::try_from(message.expected).ok()?;
        let surplus = scheduler.slot(slot).kind().may_defer() - message.expected;
        entry.given_back += u8::try_from(surplus).expect("a bound is at most 64");
        self.returned += surplus;
        self.poll.distrust_if(has_stale);
        self.settle_if_done(scheduler, slot);
        Some(())
    }

    /// Takes the condition where the sweep stands, which is one of `slot`'s, out of the list.
    pub(crate) fn take(&mut self, scheduler: &Scheduler<'_>, slot: SlotId) {
        self.poll.take();
        let entry = &mut self.entries[slot.index()];
        if entry.is_of(slot) {
            entry.unmet -= 1;
            entry.given_back += 1;
        }
        self.returned += 1;
        self.settle_if_done(scheduler, slot);
    }

    /// Gives back the room of conditions that are not stored, or not any more. Whoever has the lock
    /// does so before it is given back.
    #[inline]
    pub(crate) fn give_back(&mut self, scheduler: &Scheduler<'_>) {
        scheduler
            .room
            .give_back(core::mem::take(&mut self.returned));
    }

    /// The task of `slot` fails. The first failure is told; it waits for nothing from now on.
    pub(crate) fn fail<P, B: Probe>(
        &mut self,
        turn: &Turn<'_, '_, P, B>,
        slot: SlotId,
        failure: Failure,
    ) {
        let entry = &mut self.entries[slot.index()];
        if !entry.wants(slot) {
            return;
        }
        entry.stage = Stage::Failing;
        self.poll.distrust_if(entry.unmet > 0);
        let words = turn.scheduler.slot(slot);
        words.retire.fail(slot.generation());
        match failure {
            Failure::Engine(engine, code) => {
                let event = Event::EngineFailed { slot, engine, code };
                turn.probe.event(event);
            }
            Failure::PeerDead(rank) => turn.probe.event(Event::PeerLost { slot, rank }),
            Failure::TimelineEnded(timeline) => {
                let event = Event::TimelineLost { slot, timeline };
                turn.probe.event(event);
            }
            _ => {}
        }
        let (code, task) = (failure.code(), words.task());
        turn.scheduler.raise(turn.probe, Fault { code, task }, None);
    }

    #[inline]
    fn settle_if_done(&mut self, scheduler: &Scheduler<'_>, slot: SlotId) {
        let entry = &self.entries[slot.index()];
        let waits_no_more = entry.unmet == 0 || entry.stage == Stage::Failing;
        if entry.has_all_messages_of(slot) && entry.is_live() && waits_no_more {
            self.collect(scheduler, slot);
        }
    }

    fn collect(&mut self, scheduler: &Scheduler<'_>, slot: SlotId) {
        self.entries[slot.index()].stage = Stage::Over;
        self.live -= 1;
        let index = u32::try_from(slot.index()).expect("an index has 24 bits");
        self.settled.push(scheduler.slots, index);
    }

    /// A message of a worker is acted on. Any other cannot be: if the slot it names waits, that
    /// task fails, since the message may have been one of its own. A straggler of another run was
    /// not.
    pub(crate) fn report<P: Port, B: Probe>(
        &mut self,
        turn: &mut Turn<'_, '_, P, B>,
        ticket: Ticket,
        (words, epoch): (&Words, u32),
    ) {
        // What is said of workers is told from the rest here, so that the rest pays nothing for it.
        let of_worker = WorkerMessage::decode(words, epoch).ok();
        if of_worker.is_some_and(|message| self.hear_of_worker(turn, &message).is_some()) {
            turn.ledger.messages_delivered += 1;
            return;
        }
        turn.ledger.messages_reported += 1;
        let bits = SlotBits::of_refused(words);
        let slot = SlotId::from_bits(bits);
        turn.probe.event(Event::Refused {
            position: ticket.position(),
            slot,
        });
        let malformed = match Bundle::is_kind_of(words) {
            true => Bundle::decode(words, epoch).err(),
            false => Message::decode(words, epoch).err(),
        };
        let is_straggler = matches!(malformed, Some(Malformed::Epoch { .. }));
        if is_straggler || of_worker.is_some() {
            return;
        }
        if self.entry(turn.scheduler, bits).is_none() {
            return;
        }
        self.fail(turn, slot, Failure::Message);
        self.give_up_promised(turn.scheduler, slot);
        self.collect(turn.scheduler, slot);
    }

    /// Fails every task that has wholly retired and lacks messages, or whose worker is through with
    /// its item: a condemned mailbox brings no more. Returns how many.
    pub(crate) fn fail_orphans<P: Port, B: Probe>(&mut self, turn: &mut Turn<'_, '_, P, B>) -> u32 {
        let (scheduler, mut failed) = (turn.scheduler, 0);
        for (index, words) in (0..).zip(scheduler.slots) {
            let state = words.retire.state();
            let awaits = state.any_subtask_deferred() && state.remaining() == 0;
            let slot = scheduler.id_of(index);
            if words.kind().is_work() {
                failed += u32::from(self.fail_unsaid(turn, slot));
                continue;
            }
            if !awaits
                || state.is_finished()
                || self.entries[slot.index()].has_all_messages_of(slot)
            {
                continue;
            }
            if self.entry(scheduler, slot.bits()).is_some() {
                self.fail(turn, slot, Failure::Gap);
                self.give_up_promised(scheduler, slot);
                self.collect(scheduler, slot);
                failed += 1;
            }
        }
        failed
    }

    /// Gives up the room of conditions that are promised to `slot` and will not be stored.
    fn give_up_promised(&mut self, scheduler: &Scheduler<'_>, slot: SlotId) {
        let bound = scheduler.slot(slot).kind().may_defer();
        let entry = &mut self.entries[slot.index()];
        let promised = bound - u32::from(entry.given_back + entry.unmet);
        entry.given_back += u8::try_from(promised).expect("a bound is at most 64");
        self.returned += promised;
    }

    /// Gives `slot` up: see [`WaitDesk::abandon`](crate::WaitDesk::abandon).
    pub(crate) fn abandon(&mut self, scheduler: &Scheduler<'_>, slot: SlotId) -> bool {
        let entry = &mut self.entries[slot.index()];
        self.poll.distrust_if(entry.unmet > 0);
        let was_live = entry.is_live();
        if !entry.is_of(slot) {
            *entry = WaitEntry {
                generation: slot.generation(),
                ..WaitEntry::default()
            };
        } else if !was_live {
            return false;
        }
        entry.stage = Stage::Abandoned;
        self.live -= u32::from(was_live);
        self.give_up_promised(scheduler, slot);
        self.give_back(scheduler);
        true
    }
}

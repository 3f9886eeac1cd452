//! The dispatch pass: drain, settle, finish, and give ready tasks to cores.
//!
//! The dispatch thread never pushes into the mailbox and never waits. Every part of a pass has a
//! budget and goes on next time where it stopped. Wait list and mailbox are not locked when both
//! are empty.
//!
//! Ready tasks stand in a line for each priority and shape. A task stays in front of its line until
//! all its blocks have tokens; it is admitted, once, when its first one could start: its predicate
//! is asked and condition room reserved. High goes before normal; within a priority `turns` says.

use crate::chip::Handlers;
use crate::complete::{RELEASE_BUDGET, Release, Road, finish_task};
use crate::core_set::{CoreMask, Part, each, only};
use crate::deadlines::Deadlines;
use crate::fault::{Fault, FaultCode};
use crate::id::{CoreId, SlotId, Token};
use crate::ledger::Ledger;
use crate::losses::Lost;
use crate::offer::Next;
use crate::pool::{Fit, Pool};
use crate::port::{Launch, Port};
use crate::probe::{Event, Probe};
use crate::ready::{Line, SlotQueue, are_empty_hint};
use crate::roomless::Roomless;
use crate::scheduler::Scheduler;
use crate::slab;
use crate::slot::{Item, TaskSlot};
use crate::spec::{PRIORITIES, Predicate, Priority, SHAPES, STACKS, Shape};
use crate::turns::Turns;

/// Messages taken in one pass.
pub const DRAIN_BUDGET: u32 = 256;
/// Unmet conditions looked at in one pass, but by the `locked` baseline.
pub const SETTLE_BUDGET: u32 = 1024;
/// Tasks finished on the dispatch thread in one pass.
pub const FINISH_BUDGET: u32 = 64;
/// Blocks given to cores, or tasks turned away, in one pass from one line.
pub const DISPATCH_BUDGET: u32 = 64;

/// What a pass did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Pass {
    /// Something moved.
    pub progress: bool,
    /// Conditions looked at in vain.
    pub polled: u32,
    /// Handlers whose cores got tokens, or were reset: ring them.
    pub handlers: Handlers,
    /// Something could still change without anybody ringing: unmet conditions, or work left over.
    pub watching: bool,
    /// The earliest time at which something must be done though nothing happens.
    pub deadline_ns: Option<u64>,
}

/// What became of the front of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Placed {
    /// A block has its tokens, or the task went elsewhere.
    Moved,
    /// It fits nowhere yet.
    NotYet,
    /// It fits nowhere yet, and cores are held back for it.
    Gathers,
}

/// The dispatch thread's own state: a value that one thread at a time may pass.
#[derive(Debug)]
pub struct Dispatcher<'m> {
    pub(crate) tokens: &'m mut [Token],
    pub(crate) pool: Pool,
    pub(crate) deadlines: Deadlines,
    /// Resets of the device that were noticed.
    pub(crate) incarnation: u32,
    pub(crate) lines: [[Line; SHAPES]; PRIORITIES],
    /// Ready items of work, which stand in lines of their own.
    pub(crate) offers: u32,
    turns: [Turns; PRIORITIES],
    /// Whether something is settled, ready, late or being finished; sure if not.
    pub(crate) is_busy: bool,
    /// Ready tasks for whose conditions there was no room.
    roomless: Roomless,
    pub(crate) settled: SlotQueue,
    pub(crate) release: Option<Release>,
    /// Lines that the last pass made current to look at conditions.
    pub(crate) refreshed: u64,
    /// Cores that got tokens in this pass.
    given: CoreMask,
    pub(crate) ledger: Ledger,
}

impl<'m> Dispatcher<'m> {
    pub(crate) fn new(tokens: &'m mut [Token], all: CoreMask, run_ns: Option<u64>) -> Self {
        // Tokens go on where they stopped: COND still holds the last one of the run before.
        for token in tokens.iter_mut().filter(|token| !token.is_ordinary()) {
            *token = Token::FIRST;
        }
        Self {
            tokens,
            pool: Pool::new(all),
            deadlines: Deadlines::new(run_ns),
            incarnation: 0,
            lines: [(); PRIORITIES].map(|()| [(); SHAPES].map(|()| Line::default())),
            offers: 0,
            turns: [(); PRIORITIES].map(|()| Turns::default()),
            is_busy: false,
            roomless: Roomless::default(),
            settled: SlotQueue::default(),
            release: None,
            refreshed: 0,
            given: 0,
            ledger: Ledger::default(),
        }
    }

    /// What the dispatch thread counted.
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// One turn.
    pub fn pass(
        &mut self,
        scheduler: &Scheduler<'_>,
        port: &impl Port,
        probe: &impl Probe,
    ) -> Pass {
        let mut pass = Pass::default();
        self.listen(scheduler, port, probe, &mut pass);
        self.hear(scheduler, port, probe, &mut pass);
        if self.is_busy || !are_empty_hint(&scheduler.ready) {
            self.act(scheduler, port, probe, &mut pass);
        }
        if let Some(run_ns) = self.deadlines.next_ns() {
            pass.deadline_ns = Some(
                pass.deadline_ns
                    .map_or(run_ns, |wait_ns| wait_ns.min(run_ns)),
            );
        }
        pass
    }

    /// Finishes tasks, and gives ready ones to cores.
    #[inline(never)]
    fn act(
        &mut self,
        scheduler: &Scheduler<'_>,
        port: &impl Port,
        probe: &impl Probe,
        pass: &mut Pass,
    ) {
        self.finish(scheduler, probe, pass);
        for (stacks, lines) in scheduler.ready.iter().zip(&mut self.lines) {
            for (stack, line) in stacks.iter().zip(lines) {
                pass.progress |= stack.take_all(scheduler.slots, &mut line.queue) > 0;
            }
        }
        if !self.roomless.is_empty() {
            self.retry_roomless(scheduler, pass);
        }
        self.given = 0;
        self.pool.hold_none();
        for priority in Priority::ALL {
            for shape in self.turns[priority as usize].order() {
                if !self.lines[priority as usize][shape as usize].is_empty() {
                    self.dispatch(scheduler, port, probe, ((priority, shape), &mut *pass));
                }
            }
        }
        if self.offers > 0 {
            self.offer(scheduler, port, probe, pass);
        }
        self.ring_owners(scheduler, pass);
        pass.watching |= self.has_work_left();
        // Whoever moved something looks once more.
        self.is_busy = pass.progress || self.is_left_busy();
    }

    /// Whether a pass has something to do that neither mailbox nor stacks nor cores tell of.
    fn is_left_busy(&self) -> bool {
        let is_finishing = self.release.is_some() || !self.settled.is_empty();
        let is_waiting = !self.roomless.is_empty() || self.deadlines.has_late() || self.offers > 0;
        let mut lines = self.lines.iter().flat_map(|lines| &lines[..STACKS]);
        is_finishing || is_waiting || lines.any(|line| !line.is_empty())
    }

    /// Moves on by `passes` passes of `polled` looks each that are known to see nothing.
    pub fn skip(&mut self, scheduler: &Scheduler<'_>, passes: u64, polled: u32) {
        let polls = passes * u64::from(polled);
        self.ledger.polls += polls;
        self.ledger.lines_refreshed += passes * self.refreshed;
        // A pass that looked at all it has begins where the one before began.
        if polled < SETTLE_BUDGET {
            return;
        }
        if let Some(mut desk) = scheduler.wait_list.try_lock() {
            desk.skip(polls);
        }
    }

    fn has_work_left(&self) -> bool {
        let mut unrun = self.lines.iter().map(|lines| &lines[Shape::Dummy as usize]);
        let is_none_left = self.release.is_none() && self.settled.is_empty();
        !is_none_left || unrun.any(|line| !line.is_empty())
    }

    /// Finishes what was settled, and dummies and cancelled tasks, within the budget.
    fn finish(&mut self, scheduler: &Scheduler<'_>, probe: &impl Probe, pass: &mut Pass) {
        let mut begun = self.release.take();
        for _ in 0..FINISH_BUDGET {
            if let Some(mut release) = begun.take() {
                pass.progress = true;
                if !release.walk(scheduler, RELEASE_BUDGET) {
                    self.release = Some(release);
                    return;
                }
            }
            if self.settled.is_empty() && self.lose_next(scheduler, probe, pass) {
                pass.progress = true;
                begun = self.release.take();
                continue;
            }
            let Some((slot, next)) = self.next_to_finish(scheduler) else {
                return;
            };
            pass.progress = true;
            match next {
                Next::End(road) => begun = self.end(scheduler, probe, slot, road),
                Next::Offer => self.take_in_item(scheduler.slots, slot),
            }
        }
        self.release = begun;
    }

    /// Decides the outcome of the task in slot `index`: what it has left is given to no core.
    fn end(
        &mut self,
        scheduler: &Scheduler<'_>,
        probe: &impl Probe,
        index: u32,
        road: Road,
    ) -> Option<Release> {
        let words = &scheduler.slots[index as usize];
        self.lines[words.kind().priority() as usize][words.kind().stack()].forget(index);
        let slot = scheduler.id_of(index);
        debug_assert!(self.release.is_none(), "one walk at a time");
        finish_task(scheduler, probe, &mut self.ledger, slot, road)
    }

    /// Lets tasks that found no condition room try again, as far as what is free now would do.
    fn retry_roomless(&mut self, scheduler: &Scheduler<'_>, pass: &mut Pass) {
        let free = scheduler.room.free();
        let lines = &mut self.lines;
        pass.progress |= self.roomless.retry(scheduler.slots, free, lines) > 0;
        pass.watching |= self.roomless.is_retrying();
    }

    /// Gives the tasks of one line to cores that can take them.
    fn dispatch(
        &mut self,
        scheduler: &Scheduler<'_>,
        port: &impl Port,
        probe: &impl Probe,
        (line, pass): ((Priority, Shape), &mut Pass),
    ) {
        let (priority, shape) = (line.0 as usize, line.1 as usize);
        for _ in 0..DISPATCH_BUDGET {
            let Some(index) = self.lines[priority][shape].front() else {
                break;
            };
            match self.place(scheduler, port, probe, (index, pass)) {
                Placed::Moved => self.turns[priority].served(line.1),
                Placed::Gathers => return self.turns[priority].gathers(line.1),
                Placed::NotYet => return,
            }
            pass.progress = true;
        }
        pass.watching |= !self.lines[priority][shape].is_empty();
    }

    /// Gives the next block of the task in front, or all of a cohort, to cores, or turns the task
    /// away.
    fn place(
        &mut self,
        scheduler: &Scheduler<'_>,
        port: &impl Port,
        probe: &impl Probe,
        (index, pass): (u32, &mut Pass),
    ) -> Placed {
        let words = &scheduler.slots[index as usize];
        let (kind, placed) = (words.kind(), words.placed());
        let (shape, blocks) = (kind.shape(), u32::from(kind.blocks()));
        let footprint = scheduler.footprint(shape, kind.subtasks());
        let units = match self.pool.fit(footprint, blocks, kind.is_cohort()) {
            Fit::Here(units) => units,
            Fit::NotYet if kind.is_cohort() || shape == Shape::Mix => return Placed::Gathers,
            Fit::NotYet => return Placed::NotYet,
            Fit::Never(left) => {
                let code = match left {
                    0 => FaultCode::NoCoreLeft,
                    _ => FaultCode::RequireSyncStartInvalid,
                };
                return self.fail(scheduler, probe, (index, code, pass));
            }
        };
        let line = (kind.priority() as usize, shape as usize);
        self.lines[line.0][line.1].pop(scheduler.slots);
        if placed == 0 && !self.admit(scheduler, port, probe, (index, words)) {
            return Placed::Moved;
        }
        let slot = scheduler.id_of(index);
        let mut next = placed;
        for unit in each(units) {
            let block = u16::try_from(next).expect("a task has at most 32 767 blocks");
            next += 1;
            // Before its tokens: with the last of them the slot may become another task's.
            words.set_placed(next);
            for (core, subtask) in footprint.places(unit) {
                let part = Part { block, subtask };
                self.install(scheduler, port, probe, (core, slot, part, words));
            }
        }
        if next < blocks {
            self.lines[line.0][line.1].keep(index);
        }
        Placed::Moved
    }

    /// Whether the task in slot `index`, taken out of its line, may run now. If not it was put
    /// where it belongs: among those without room, or among those that need no core.
    #[inline(always)]
    pub(crate) fn admit(
        &mut self,
        scheduler: &Scheduler<'_>,
        port: &impl Port,
        probe: &impl Probe,
        (index, words): (u32, &TaskSlot),
    ) -> bool {
        match words.predicate().map(|predicate| holds(port, predicate)) {
            None | Some(Some(true)) => {}
            Some(Some(false)) => {
                self.ledger.skipped += 1;
                let slot = scheduler.id_of(index);
                probe.event(Event::Skipped { slot });
                self.turn_away(scheduler, index);
                return false;
            }
            Some(None) => {
                let code = FaultCode::AsyncCompletionInvalid;
                self.fail_unrun(scheduler, probe, index, code);
                return false;
            }
        }
        let has_room = scheduler.room.reserve(words.kind().may_defer());
        if !has_room {
            self.roomless.push(scheduler.slots, index);
        }
        has_room
    }

    /// Fails the task in front, of which there are blocks left that no core will ever take, unless
    /// another task is being ended now.
    fn fail(
        &mut self,
        scheduler: &Scheduler<'_>,
        probe: &impl Probe,
        (index, code, pass): (u32, FaultCode, &mut Pass),
    ) -> Placed {
        let words = &scheduler.slots[index as usize];
        if words.placed() == 0 {
            let line = &mut self.lines[words.kind().priority() as usize][words.kind().stack()];
            line.pop(scheduler.slots);
            self.fail_unrun(scheduler, probe, index, code);
            return Placed::Moved;
        }
        // What was settled may hold the same slot, and must not be left behind with its link.
        let is_free = self.release.is_none() && self.settled.is_empty();
        let slot = scheduler.id_of(index);
        if !is_free || self.lose(scheduler, probe, (slot, code, None)) == Lost::NotNow {
            pass.watching = true;
            return Placed::NotYet;
        }
        Placed::Moved
    }

    /// Fails a task of which no token was given.
    pub(crate) fn fail_unrun(
        &mut self,
        scheduler: &Scheduler<'_>,
        probe: &impl Probe,
        index: u32,
        code: FaultCode,
    ) {
        let (words, slot) = (&scheduler.slots[index as usize], scheduler.id_of(index));
        words.retire.fail(slot.generation());
        let task = words.task();
        scheduler.raise(probe, Fault { code, task }, None);
        self.turn_away(scheduler, index);
    }

    /// Puts a task that needs no core any more where dummies go.
    fn turn_away(&mut self, scheduler: &Scheduler<'_>, index: u32) {
        let words = &scheduler.slots[index as usize];
        if words.kind().is_work() {
            words.set_item(Item::TurnedAway);
        }
        let unrun = &mut self.lines[words.kind().priority() as usize][Shape::Dummy as usize];
        unrun.queue.push(scheduler.slots, index);
    }

    /// Adds the handlers of all cores that got tokens.
    fn ring_owners(&self, scheduler: &Scheduler<'_>, pass: &mut Pass) {
        for (handler, owned) in (0..scheduler.chip.handlers).zip(scheduler.owned) {
            if owned & self.given != 0 {
                pass.handlers.add(handler);
            }
        }
    }

    /// Record, slab and payload first, then the token, then the doorbell.
    fn install(
        &mut self,
        scheduler: &Scheduler<'_>,
        port: &impl Port,
        probe: &impl Probe,
        (core, slot, part, words): (CoreId, SlotId, Part, &TaskSlot),
    ) {
        let token = self.tokens[core.index()];
        self.tokens[core.index()] = token.next();
        let bit = only(core);
        self.pool.take(bit);
        self.given |= bit;
        let state = &scheduler.cores[core.index()];
        state.records[token.parity()].assign(slot, part);
        let (kind, (kernel, args)) = (words.kind(), words.kernel());
        if kind.may_defer() > 0 || port.kernels_fail() {
            slab::clear(port, port.slab_address(core, token.parity()));
        }
        let launch = Launch {
            slot,
            task: words.task(),
            block: part.block,
            blocks: kind.blocks(),
            subtask: part.subtask,
            kernel,
            args,
        };
        port.stage_payload(core, token, &launch);
        let installed = state.pair.install(token);
        let pair = installed.expect("a pipeline that had room only gains more until we fill it");
        if pair.pending().is_none() {
            scheduler.engaged.flip(core);
        }
        let budget_ns = self.deadlines.budget_ns(words.run_budget_ns());
        if budget_ns > 0 {
            let budget = (budget_ns, port.now());
            self.deadlines.given(core, token, pair, budget);
        }
        probe.event(Event::Dispatched { core, token, slot });
        port.ring_doorbell(core, token);
    }
}

/// Whether `predicate` holds; `None` if its address cannot be read.
fn holds(port: &impl Port, predicate: Predicate) -> Option<bool> {
    let Predicate {
        addr,
        comparison,
        value,
    } = predicate;
    if addr == 0 || addr % 4 != 0 || !port.can_read(addr, 4) {
        return None;
    }
    port.refresh(addr, 4);
    Some(comparison.holds(port.load_u32(addr), value))
}

//! The dispatch pass: drain, settle, finish, and give ready tasks to cores.
//!
//! The dispatch thread never pushes into the mailbox and never waits. Every part of a pass has a
//! budget and goes on next time where it stopped. Wait list and mailbox are not locked when both
//! are empty.

use crate::complete::{RELEASE_BUDGET, Release, Road, finish_task};
use crate::core_set::CoreState;
use crate::id::{CoreId, Token};
use crate::ledger::Ledger;
use crate::port::{Launch, Port};
use crate::probe::{Event, Probe};
use crate::ready::SlotQueue;
use crate::roomless::Roomless;
use crate::scheduler::Scheduler;
use crate::slab;
use crate::slot::{SHAPES, Shape, TaskSpec};

/// Messages taken in one pass.
pub const DRAIN_BUDGET: u32 = 256;
/// Unmet conditions looked at in one pass.
pub const SETTLE_BUDGET: u32 = 1024;
/// Tasks finished on the dispatch thread in one pass.
pub const FINISH_BUDGET: u32 = 64;
/// Tasks given to cores in one pass and shape.
pub const DISPATCH_BUDGET: u32 = 64;

/// What a pass did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Pass {
    /// Something moved.
    pub progress: bool,
    /// Conditions looked at in vain.
    pub polled: u32,
    /// Handlers whose cores got tokens, a bit each: ring them.
    pub handlers: u32,
    /// Something could still change without anybody ringing: unmet conditions, or work left over.
    pub watching: bool,
}

/// The dispatch thread's own state: a value that one thread at a time may pass.
#[derive(Debug)]
pub struct Dispatcher<'m> {
    tokens: &'m mut [Token],
    queues: [SlotQueue; SHAPES],
    /// Ready tasks for whose conditions there was no room.
    roomless: Roomless,
    settled: SlotQueue,
    release: Option<Release>,
    ledger: Ledger,
}

impl<'m> Dispatcher<'m> {
    pub(crate) fn new(tokens: &'m mut [Token]) -> Self {
        // Tokens go on where they stopped: COND still holds the last one of the run before.
        for token in tokens.iter_mut().filter(|token| !token.is_ordinary()) {
            *token = Token::FIRST;
        }
        Self {
            tokens,
            queues: [(); SHAPES].map(|()| SlotQueue::default()),
            roomless: Roomless::default(),
            settled: SlotQueue::default(),
            release: None,
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
        self.finish(scheduler, probe, &mut pass);
        for shape in Shape::ALL {
            let queue = &mut self.queues[shape as usize];
            pass.progress |= scheduler.ready[shape as usize].take_all(scheduler.slots, queue) > 0;
        }
        self.retry_roomless(scheduler, &mut pass);
        for shape in [Shape::Aic, Shape::Aiv, Shape::Host] {
            self.dispatch(scheduler, port, probe, (shape, &mut pass));
        }
        pass.watching |= self.has_work_left();
        pass
    }

    /// Moves on by `passes` passes of `polled` looks each that are known to see nothing.
    pub fn skip(&mut self, scheduler: &Scheduler<'_>, passes: u64, polled: u32) {
        let polls = passes * u64::from(polled);
        self.ledger.polls += polls;
        if let Some(mut desk) = scheduler.wait_list.try_lock() {
            desk.skip(polls);
        }
    }

    fn has_work_left(&self) -> bool {
        let dummies = &self.queues[Shape::Dummy as usize];
        self.release.is_some() || !self.settled.is_empty() || !dummies.is_empty()
    }

    /// Drains the mailbox and polls unmet conditions, if there is anything of either.
    fn listen(
        &mut self,
        scheduler: &Scheduler<'_>,
        port: &impl Port,
        probe: &impl Probe,
        pass: &mut Pass,
    ) {
        let list = &scheduler.wait_list;
        if !self.settled.is_empty() {
            pass.watching = true;
            return;
        }
        if list.live_hint() == 0 && scheduler.producer.is_empty_hint() {
            return;
        }
        let Some(mut desk) = list.try_lock() else {
            // The holder may not be somebody who settles: whoever parks now parks for good.
            pass.watching = true;
            return;
        };
        let (polled, met) = desk.settle(scheduler, port, probe, SETTLE_BUDGET);
        let drained = desk.drain(scheduler, port, probe, &mut self.ledger, DRAIN_BUDGET);
        self.settled = desk.take_settled();
        list.say_live(desk.live_hint());
        self.ledger.polls += u64::from(polled);
        pass.polled = polled;
        pass.progress |= met > 0 || drained > 0;
        pass.watching |= desk.live_hint() > 0;
    }

    /// Finishes what was settled, and dummies and cancelled tasks, within the budget.
    fn finish(&mut self, scheduler: &Scheduler<'_>, probe: &impl Probe, pass: &mut Pass) {
        for _ in 0..FINISH_BUDGET {
            if let Some(mut release) = self.release.take() {
                pass.progress = true;
                if !release.walk(scheduler, RELEASE_BUDGET) {
                    self.release = Some(release);
                    return;
                }
            }
            let Some((slot, road)) = self.next_to_finish(scheduler) else {
                return;
            };
            pass.progress = true;
            let slot = scheduler.id_of(slot);
            self.release = finish_task(scheduler, probe, &mut self.ledger, slot, road);
        }
    }

    fn next_to_finish(&mut self, scheduler: &Scheduler<'_>) -> Option<(u32, Road)> {
        if let Some(slot) = self.settled.pop(scheduler.slots) {
            return Some((slot, Road::Deferred));
        }
        let slot = self.queues[Shape::Dummy as usize].pop(scheduler.slots)?;
        match scheduler.slots[slot as usize].is_poisoned() {
            true => Some((slot, Road::Cancelled)),
            false => Some((slot, Road::Dummy)),
        }
    }

    /// Lets tasks that found no condition room try again, as far as what is free now would do.
    fn retry_roomless(&mut self, scheduler: &Scheduler<'_>, pass: &mut Pass) {
        let free = scheduler.room.free();
        let fitting = &mut self.queues;
        pass.progress |= self.roomless.retry(scheduler.slots, free, fitting) > 0;
        pass.watching |= self.roomless.is_retrying();
    }

    /// Gives ready tasks of `shape` to cores that can take them.
    fn dispatch(
        &mut self,
        scheduler: &Scheduler<'_>,
        port: &impl Port,
        probe: &impl Probe,
        (shape, pass): (Shape, &mut Pass),
    ) {
        let mut core = None;
        for _ in 0..DISPATCH_BUDGET {
            let Some(index) = self.queues[shape as usize].front() else {
                break;
            };
            if core.is_none() {
                core = self.pick(scheduler, shape);
            }
            let Some(chosen) = core else { return };
            self.queues[shape as usize].pop(scheduler.slots);
            let spec = scheduler.slots[index as usize].spec();
            if !scheduler.room.reserve(u32::from(spec.may_defer)) {
                self.roomless.push(scheduler.slots, index);
                pass.progress = true;
                continue;
            }
            self.install(scheduler, port, probe, (chosen, index, &spec));
            core = None;
            pass.progress = true;
            pass.handlers |= 1 << scheduler.chip.owner_of(chosen);
        }
        if let Some(unused) = core {
            scheduler
                .openings
                .announce(unused, state(scheduler, unused).pair.looked_at());
        }
        pass.watching |= !self.queues[shape as usize].is_empty();
    }

    /// A core of `shape` whose pipeline, record and slab can take its next token.
    fn pick(&self, scheduler: &Scheduler<'_>, shape: Shape) -> Option<CoreId> {
        let mask = &scheduler.shape_cores[shape as usize];
        while let Some(core) = scheduler.openings.take(mask) {
            let token = self.tokens[core.index()];
            let state = state(scheduler, core);
            let can_take = state.pair.looked_at().install(token).is_some();
            if can_take && state.records[token.parity()].is_free() {
                return Some(core);
            }
        }
        None
    }

    /// Record, slab and payload first, then the token, then the doorbell.
    fn install(
        &mut self,
        scheduler: &Scheduler<'_>,
        port: &impl Port,
        probe: &impl Probe,
        (core, index, spec): (CoreId, u32, &TaskSpec),
    ) {
        let token = self.tokens[core.index()];
        self.tokens[core.index()] = token.next();
        let slot = scheduler.id_of(index);
        let state = state(scheduler, core);
        state.records[token.parity()].assign(slot);
        if spec.may_defer > 0 {
            slab::clear(port, port.slab_address(core, token.parity()));
        }
        let launch = Launch {
            slot,
            task: spec.task,
            kernel: spec.kernel,
            args: spec.args,
        };
        port.stage_payload(core, token, &launch);
        let installed = state.pair.install(token);
        assert!(
            installed.is_some(),
            "a pipeline that had room only gains more until we fill it"
        );
        probe.event(Event::Dispatched { core, token, slot });
        port.ring_doorbell(core, token);
    }
}

fn state<'a>(scheduler: &Scheduler<'a>, core: CoreId) -> &'a CoreState {
    &scheduler.cores[core.index()]
}

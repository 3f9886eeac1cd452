//! The lockstep world: one thread, virtual nanoseconds, bit-identical for a seed.
//!
//! Everything that acts is an entry in one queue ordered by (time, devices before threads, a key
//! from the seed). Threads act in steps: a FIN handler looks at one core, the dispatch thread takes
//! one pass, the submitter wires one task; a step costs what the port and the cost model charge,
//! and its effects on memory hold from its beginning.

use finbox_runtime::Config;
use finbox_scheduler::{
    CoreId, Dispatcher, FinHandler, HandlerStep, Ledger, RETRY_BUDGET, SETTLE_BUDGET, Scheduler,
};

use super::actor::{Actors, Nap};
use super::costs::{Costed, Delayed, costed};
use super::feed::{Fed, Feed};
use super::jitter::Jitter;
use super::queue::{Queue, What};
use super::recorder::Recorder;
use super::stage::{Remains, arenas, conclude, devices};
use super::{Outcome, RunError, Settings, stuck};
use crate::device::{Core, CostModel, Device, Meter, SimPort};
use crate::workload::{Programs, Workload};

/// What a pass of the dispatch thread, or a handler's step that touches no register, costs at
/// least, in ns. Choice: a handful of cached loads.
const STEP_NS: u64 = 20;

/// Virtual time ends here, 292 years after its beginning: nothing overflows.
const LAST_NS: u64 = 1 << 63;

/// Queue entries between two progress reports.
const REPORT_EVERY: u64 = 1 << 14;

/// Runs `workload` in virtual time.
pub(super) fn run(
    workload: &Workload,
    settings: &Settings,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Outcome, RunError> {
    let devices = devices(workload, settings, CostModel::of(settings.target));
    let mut arenas = arenas(workload, settings)?;
    let configs: Vec<Config> = arenas.iter().map(|arena| *arena.config()).collect();
    let slots = configs.iter().map(|config| config.task_slots);
    let meter = Meter::virtual_time();
    let recorder = Recorder::new(workload, &devices, &meter, slots);
    let (mut schedulers, mut submitters) = (Vec::new(), Vec::new());
    let (mut handlers, mut dispatchers) = (Vec::new(), Vec::new());
    for arena in &mut arenas {
        let mut assembly = arena.assemble();
        handlers.extend((0..settings.handlers).map(|_| assembly.handler()));
        schedulers.push(assembly.scheduler);
        submitters.push(assembly.submitter);
        dispatchers.push(assembly.dispatcher);
    }
    let schedulers: Vec<&Scheduler<'_>> = schedulers.iter().collect();
    let actors = handlers.len() + dispatchers.len() + 1;
    let jitter = Jitter::new(settings.seed);
    let pieces = configs.iter().map(pieces_of).max().unwrap_or(1);
    let mut world = World {
        workload,
        settings,
        devices: &devices,
        meter: &meter,
        schedulers,
        handlers,
        dispatchers,
        feed: Feed::new(workload, submitters),
        probes: costed(workload, &recorder, &devices, &meter),
        cores: devices.iter().map(Device::make_cores).collect(),
        programs: workload
            .ranks
            .iter()
            .zip(&devices)
            .map(|(p, d)| Programs::new(p, d))
            .collect(),
        queue: Queue::default(),
        jitter,
        actors: Actors::new(actors, jitter),
        pieces,
        now: 0,
        acting: None,
        last_progress: 0,
        finished: 0,
    };
    world.start();
    let stuck = world.turn_until_done(progress)?;
    let stall = stuck.then(|| world.stall());
    let ledger = world.ledger();
    let (schedulers, virtual_ns) = (std::mem::take(&mut world.schedulers), world.now);
    drop(world);
    let (devices, recorder) = (&devices[..], &recorder);
    let remains = Remains {
        workload,
        devices,
        schedulers,
        recorder,
        ledger,
        stall,
        virtual_ns,
    };
    Ok(conclude(remains))
}

/// After how many passes in a row without news a dispatch thread has looked at everything: at all
/// conditions, and, in two laps since room may come in the midst of one, at all that lack room.
fn pieces_of(config: &Config) -> u32 {
    let conditions = config.condition_room.div_ceil(SETTLE_BUDGET);
    conditions.max(2 * config.task_slots.div_ceil(RETRY_BUDGET))
}

struct World<'a, 'm> {
    workload: &'a Workload,
    settings: &'a Settings,
    devices: &'a [Device],
    meter: &'a Meter,
    schedulers: Vec<&'a Scheduler<'m>>,
    /// Handler `h` of rank `r` at `r × handlers + h`.
    handlers: Vec<FinHandler<'m>>,
    dispatchers: Vec<Dispatcher<'m>>,
    feed: Feed<'a, 'm>,
    probes: Vec<Costed<'a>>,
    cores: Vec<Vec<Core>>,
    programs: Vec<Programs<'a>>,
    queue: Queue,
    jitter: Jitter,
    /// Handlers, then dispatch threads, then the submitter.
    actors: Actors,
    /// Passes of a dispatch thread after which it has looked at everything.
    pieces: u32,
    now: u64,
    /// The actor whose step this is, if it is one's.
    acting: Option<usize>,
    last_progress: u64,
    finished: u64,
}

impl<'a> World<'a, '_> {
    fn start(&mut self) {
        let submitter = self.submitter();
        for actor in 0..=submitter {
            let rank = if actor == submitter {
                0
            } else {
                self.rank_of(actor)
            };
            let run_start = self.devices[rank].cost().run_start_ns;
            self.schedule(actor, run_start + self.jitter.start_ns(rank));
        }
    }

    /// Turns until every task finished; `true` if it cannot go on.
    fn turn_until_done(&mut self, progress: &mut dyn FnMut(u64, u64)) -> Result<bool, RunError> {
        let total = self.workload.order.len() as u64;
        let mut turns = 0;
        while self.finished < total {
            let end = self.end_of_patience();
            let Some((at_ns, what)) = self.queue.pop_until(end) else {
                self.now = end;
                return Ok(true);
            };
            self.now = at_ns;
            self.acting = None;
            self.happen(what)?;
            turns += 1;
            if turns % REPORT_EVERY == 0 {
                progress(self.finished, total);
            }
        }
        self.now += self.meter.elapsed();
        Ok(false)
    }

    /// When the run ends as stuck. Patience counts only while no device is going to do something:
    /// a long kernel is no stall.
    fn end_of_patience(&self) -> u64 {
        let patience = match self.queue.has_device_event() {
            true => LAST_NS,
            false => self.last_progress.saturating_add(self.settings.patience_ns),
        };
        self.settings
            .deadline_ns
            .map_or(patience, |deadline| deadline.min(patience))
    }

    fn happen(&mut self, what: What) -> Result<(), RunError> {
        match what {
            What::Core { rank, core } => self.step_core(rank, core),
            What::Doorbell { rank, rung } => {
                self.devices[rank].registers().ring(rung.core, rung.token);
                self.step_core(rank, rung.core);
            }
            What::Effect(effect) => {
                self.last_progress = self.now;
                effect.kind.apply(self.devices);
                self.wake(self.dispatch_of(effect.kind.rank() as usize));
            }
            What::Actor(actor) => {
                self.acting = Some(actor);
                return self.act(actor);
            }
        }
        Ok(())
    }

    fn step_core(&mut self, rank: usize, core: CoreId) {
        self.last_progress = self.now;
        let registers = self.devices[rank].registers();
        let before = registers.cond(core);
        let programs = &mut self.programs[rank];
        let mut kernels = Delayed {
            programs,
            rank,
            jitter: self.jitter,
        };
        let due = self.cores[rank][core.index()].step(self.now, registers, &mut kernels);
        let changed = registers.cond(core) != before;
        if let Some(at_ns) = due {
            self.queue.issue(at_ns, What::Core { rank, core });
        }
        let issued = std::mem::take(&mut self.programs[rank].issued);
        let delay = self
            .jitter
            .small_ns((rank << 16 | core.index()) as u64, self.now);
        for one in issued {
            let at_ns = one.at_ns.saturating_add(delay);
            self.queue.issue(at_ns, What::Effect(one.effect));
        }
        if changed {
            let handler = self.schedulers[rank].chip().owner_of(core);
            self.wake(rank * usize::from(self.settings.handlers) + usize::from(handler));
        }
    }

    fn schedule(&mut self, actor: usize, at_ns: u64) {
        self.queue.schedule(actor, self.actors.key(actor), at_ns);
    }

    fn submitter(&self) -> usize {
        self.handlers.len() + self.dispatchers.len()
    }

    fn dispatch_of(&self, rank: usize) -> usize {
        self.handlers.len() + rank
    }

    fn rank_of(&self, actor: usize) -> usize {
        match actor.checked_sub(self.handlers.len()) {
            Some(rank) => rank,
            None => actor / usize::from(self.settings.handlers),
        }
    }

    /// Ends an actor's nap: something happened that it could see.
    fn wake(&mut self, actor: usize) {
        let Some(nap) = self.actors.rouse(actor) else {
            return;
        };
        let key = self.actors.key(actor);
        let already = self
            .acting
            .is_some_and(|acting| key < self.actors.key(acting));
        let awake = nap.end(self.now, already);
        self.charge_skipped(actor, &nap, awake.skipped);
        self.schedule(actor, awake.at_ns);
    }

    fn charge_skipped(&mut self, actor: usize, nap: &Nap, skipped: u64) {
        if let Some(handler) = self.handlers.get_mut(actor) {
            handler.skip(nap.busy, skipped);
        } else if actor < self.submitter() {
            let rank = self.rank_of(actor);
            let dispatcher = &mut self.dispatchers[rank];
            dispatcher.skip(self.schedulers[rank], skipped, nap.polled);
        }
    }

    fn act(&mut self, actor: usize) -> Result<(), RunError> {
        self.meter.begin(self.now);
        if actor < self.handlers.len() {
            self.handle(actor);
        } else if actor < self.submitter() {
            self.dispatch(actor);
        } else {
            self.submit(actor)?;
        }
        Ok(())
    }

    /// One step of a FIN handler.
    fn handle(&mut self, actor: usize) {
        let rank = self.rank_of(actor);
        let (scheduler, port) = (self.schedulers[rank], self.port(rank));
        let handler = &mut self.handlers[actor];
        let before = handler.ledger().finished();
        let step = handler.step(scheduler, &port, &self.probes[rank]);
        let finished = handler.ledger().finished() - before;
        let polls_on = self.settings.every_poll || handler.owes();
        let busy = handler.busy_mask(scheduler);
        let next = self.now + self.meter.elapsed().max(STEP_NS);
        match step {
            HandlerStep::Progress => {
                self.progressed(actor, next, finished);
                self.wake(self.dispatch_of(rank));
            }
            HandlerStep::NoNews if polls_on => self.schedule(actor, next),
            HandlerStep::NoNews if self.actors.saw_nothing(actor) < busy.count_ones() => {
                self.schedule(actor, next);
            }
            HandlerStep::NoNews => {
                let period_ns = Some(next - self.now);
                self.actors.lay_down(
                    actor,
                    Nap {
                        first_ns: next,
                        period_ns,
                        polled: 0,
                        busy,
                    },
                );
            }
            HandlerStep::Idle => {
                let nap = Nap {
                    first_ns: next,
                    period_ns: None,
                    polled: 0,
                    busy,
                };
                self.actors.lay_down(actor, nap);
            }
        }
    }

    /// One pass of a dispatch thread.
    fn dispatch(&mut self, actor: usize) {
        let rank = self.rank_of(actor);
        let (scheduler, port) = (self.schedulers[rank], self.port(rank));
        let dispatcher = &mut self.dispatchers[rank];
        let before = dispatcher.ledger().finished();
        let pass = dispatcher.pass(scheduler, &port, &self.probes[rank]);
        let finished = dispatcher.ledger().finished() - before;
        let next = self.now + self.meter.elapsed() + STEP_NS;
        self.ring_doorbells(rank);
        if pass.progress {
            self.progressed(actor, next, finished);
            let first = rank * usize::from(self.settings.handlers);
            let rung = (0..self.settings.handlers).filter(|h| pass.handlers >> h & 1 == 1);
            rung.for_each(|handler| self.wake(first + usize::from(handler)));
        } else if pass.watching && self.polls_on(actor) {
            self.schedule(actor, next);
        } else {
            let period_ns = pass.watching.then_some(next - self.now);
            let nap = Nap {
                first_ns: next,
                period_ns,
                polled: pass.polled,
                busy: 0,
            };
            self.actors.lay_down(actor, nap);
        }
    }

    /// Whether a dispatch thread that saw nothing may have left something unseen: its passes look
    /// at long lists in pieces.
    fn polls_on(&mut self, actor: usize) -> bool {
        let quiet = self.actors.saw_nothing(actor);
        self.settings.every_poll || quiet < self.pieces
    }

    fn ring_doorbells(&mut self, rank: usize) {
        let mut rungs = Vec::new();
        self.devices[rank].doorbells().drain_into(&mut rungs);
        for rung in rungs {
            let subject = (rank << 16 | rung.core.index()) as u64;
            let delay = self.jitter.small_ns(subject, u64::from(rung.token.bits()));
            self.queue
                .issue(rung.seen_ns + delay, What::Doorbell { rank, rung });
        }
    }

    /// One task of the submitter.
    fn submit(&mut self, actor: usize) -> Result<(), RunError> {
        let fed = self.feed.next(&self.schedulers, &self.probes)?;
        let next = self.now + self.meter.elapsed().max(STEP_NS);
        match fed {
            Fed::Task(rank) => {
                self.progressed(actor, next, 0);
                self.wake(self.dispatch_of(rank));
            }
            Fed::Blocked(_) => {
                let nap = Nap {
                    first_ns: next,
                    period_ns: None,
                    polled: 0,
                    busy: 0,
                };
                self.actors.lay_down(actor, nap);
            }
            Fed::All => {}
        }
        Ok(())
    }

    /// After a productive step: `finished` tasks ended in it, and the actor goes on at `next`.
    fn progressed(&mut self, actor: usize, next: u64, finished: u64) {
        self.last_progress = self.now;
        self.finished += finished;
        let count = self.actors.count_productive(actor);
        self.schedule(actor, next + self.jitter.pause_ns(actor, count));
        if finished > 0 {
            self.wake(self.submitter());
        }
    }

    fn port(&self, rank: usize) -> SimPort<'a> {
        SimPort::new(&self.devices[rank], self.meter)
    }

    fn ledger(&self) -> Ledger {
        let mut ledger = Ledger::default();
        let handlers = self.handlers.iter().map(FinHandler::ledger);
        let dispatchers = self.dispatchers.iter().map(Dispatcher::ledger);
        handlers
            .chain(dispatchers)
            .chain(self.feed.ledgers())
            .for_each(|one| ledger.merge(one));
        ledger
    }

    /// The stall report, after the polls up to now were charged.
    fn stall(&mut self) -> crate::report::StallReport {
        for actor in 0..self.submitter() {
            if let Some(nap) = self.actors.rouse(actor) {
                // The run's last instant is one at which actors still act.
                let skipped = nap.end(self.now, true).skipped;
                self.charge_skipped(actor, &nap, skipped);
            }
        }
        self.meter.begin(self.now);
        let fed = self.ledger().submitted == self.workload.order.len() as u64;
        let ports = self
            .devices
            .iter()
            .map(|device| SimPort::new(device, self.meter));
        stuck::report(
            self.workload,
            self.schedulers.iter().copied().zip(ports),
            fed,
        )
    }
}

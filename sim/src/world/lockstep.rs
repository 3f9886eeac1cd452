//! The lockstep world: one thread, virtual nanoseconds, bit-identical for a seed.
//!
//! Everything that acts is an entry in one queue ordered by (time, devices before threads, a key
//! from the seed). Threads act in steps: a FIN handler looks at one core, the dispatch thread takes
//! one pass, the submitter wires one task; a step costs what the port and the cost model charge.
//! Its effects on memory hold from its beginning; what it released, submitted or published is acted
//! upon when it had come so far (`costs`).

mod command;
mod end;
mod lock;
mod polls;
mod record;
mod strikes;
mod workers;

use finbox_mailbox::Guard;
use finbox_runtime::Config;
use finbox_scheduler::{Chip, CoreId, Dispatcher, FinHandler, SETTLE_BUDGET, Scheduler, WaitDesk};

use self::command::Submission;
use super::actor::{Actors, Nap, pieces_of};
use super::costs::{Costed, Delayed, costed};
use super::feed::Feed;
use super::jitter::Jitter;
use super::launches::{Planning, base_in, into_devices};
use super::lookout::Lookout;
use super::places::Places;
use super::queue::{Queue, What};
use super::recorder::Recorder;
use super::recording::Recording;
use super::stage::{
    Doomed, Remains, arenas, compared, conclude, devices, roles, shadow_of, workers_of,
};
use super::submission::{Memory, Tasks};
use super::{Outcome, RunError, Settings};
use crate::device::{Core, Device, Meter, SimPort};
use crate::fault::{Injector, Ranks};
use crate::shadow::Shadow;
use crate::timeline::Role;
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
    let devices = devices(workload, settings, settings.cost);
    let mut arenas = arenas(workload, settings)?;
    let configs: Vec<Config> = arenas.iter().map(|arena| *arena.config()).collect();
    let slots = configs.iter().map(|config| config.all_task_slots());
    let meter = Meter::virtual_time();
    let recorder = Recorder::new(workload, &devices, &meter, slots).recording(settings);
    let shadow = shadow_of(workload, settings);
    let (schedulers, submitters, mut handlers, dispatchers) = roles(&mut arenas, settings.handlers);
    let doomed = Doomed::choose(settings, handlers.chunks_mut(settings.handlers.into()));
    let schedulers: Vec<&Scheduler<'_>> = schedulers.iter().collect();
    let planning = Planning::of(workload, settings.plan);
    let (store, base) = (into_devices(&devices), base_in(&devices));
    let places = Places::of_all(&devices);
    let (actors, jitter) = (
        handlers.len() + dispatchers.len() + 1 + usize::from(settings.submit.has_bell()),
        Jitter::new(settings.seed),
    );
    let beside = (&schedulers[..], shadow.as_ref());
    let programs = programs(workload, &devices, (jitter, settings), beside);
    let probes = costed(&recorder, &devices, &meter, settings.completion);
    let mut memory = Memory::of(settings);
    let feed = Feed::new(&planning, workload, (&places, &store, &base), submitters);
    let mut world = World {
        workload,
        settings,
        devices: &devices,
        meter: &meter,
        schedulers: schedulers.clone(),
        handlers,
        dispatchers,
        submission: Submission::new(memory.as_mut(), settings, feed, |feed| {
            Tasks::new(feed, (&schedulers, &probes), &recorder)
        }),
        probes: &probes,
        cores: devices.iter().map(Device::make_cores).collect(),
        programs,
        queue: Queue::new(actors),
        lookouts: lookouts(&configs),
        owners: configs.iter().map(|config| owners(config.chip)).collect(),
        jitter,
        injector: Injector::new(settings.seed, settings.occasions(), 1),
        held: devices.iter().map(|_| None).collect(),
        held_for_ever: Ranks::NONE,
        reset_at: vec![0; devices.len()],
        actors: Actors::new(actors, jitter),
        pieces: configs.iter().map(pieces_of).max().unwrap_or(1),
        now: 0,
        acting: None,
        recording: recorder.recorded(),
        shadow: shadow.as_ref(),
        last_progress: 0,
        finished: 0,
    };
    world.start();
    let ended = world.turn_until_done(progress)?;
    let remains = world.remains(ended, doomed, &recorder);
    drop(world);
    let outcome = conclude(remains);
    Ok(compared(outcome, shadow, workload))
}

/// What the cores and engines of every rank run.
fn programs<'a>(
    workload: &'a Workload,
    devices: &'a [Device],
    (jitter, settings): (Jitter, &Settings),
    (schedulers, shadow): (&[&'a Scheduler<'_>], Option<&'a Shadow>),
) -> Vec<Programs<'a>> {
    let of_rank = |((plan, device), scheduler): ((_, _), &&'a Scheduler<'_>)| {
        let mut programs = Programs::new(plan, device)
            .with_workers(workers_of(scheduler))
            .with_engines(
                &workload.engine_faults,
                jitter.lateness(),
                settings.faults.links(settings.seed),
            )
            .noting(settings.record)
            .watched(shadow);
        let workers = programs.workers.as_mut().filter(|_| settings.every_poll);
        if let Some(workers) = workers {
            workers.take_every_look();
        }
        programs
    };
    let ranks = workload.ranks.iter().zip(devices);
    ranks.zip(schedulers).map(of_rank).collect()
}

/// Those of all handlers.
fn lookouts(configs: &[Config]) -> Vec<Lookout> {
    let chips = configs.iter().map(|config| config.chip).enumerate();
    let of_chip = |(rank, chip): (usize, Chip)| {
        let handlers = 0..chip.handlers;
        handlers.map(move |handler| Lookout::new(rank, chip.cores_of(handler)))
    };
    chips.flat_map(of_chip).collect()
}

fn owners(chip: Chip) -> Box<[u8]> {
    chip.all().map(|core| chip.owner_of(core)).collect()
}

/// How the turning ended; between two turns everything is counted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    Done,
    Stuck,
    Interrupted,
    /// The processor of the command ring stopped for good.
    Halted,
}

struct World<'a, 'm> {
    workload: &'a Workload,
    settings: &'a Settings,
    devices: &'a [Device],
    meter: &'a Meter,
    schedulers: Vec<&'a Scheduler<'m>>,
    /// Handler `h` of rank `r` at `r × handlers + h`.
    handlers: Vec<FinHandler<'m>>,
    /// What each handler has not seen.
    lookouts: Vec<Lookout>,
    /// The handler of each core, by rank.
    owners: Vec<Box<[u8]>>,
    dispatchers: Vec<Dispatcher<'m>>,
    submission: Submission<'a, 'm>,
    probes: &'a [Costed<'a>],
    cores: Vec<Vec<Core>>,
    programs: Vec<Programs<'a>>,
    queue: Queue,
    jitter: Jitter,
    injector: Injector,
    /// Wait lists that somebody else holds, by rank.
    held: Vec<Option<Guard<'a, WaitDesk<'m>>>>,
    /// Those of them that are never given back.
    held_for_ever: Ranks,
    /// When each rank was reset last.
    reset_at: Vec<u64>,
    /// Handlers, then dispatch threads, then the submitter, then the command ring's processor.
    actors: Actors,
    /// Passes of a dispatch thread after which it has looked at everything.
    pieces: u32,
    now: u64,
    /// The actor whose step this is, if it is one's.
    acting: Option<usize>,
    recording: Option<&'a Recording<'a>>,
    /// Who is told what tasks touch, if anybody is.
    shadow: Option<&'a Shadow>,
    last_progress: u64,
    finished: u64,
}

impl<'a> World<'a, '_> {
    fn start(&mut self) {
        (0..self.devices.len()).for_each(|rank| self.close_if_over(rank, 0));
        let submitter = self.submitter();
        for actor in 0..=self.feeder() {
            let rank = if actor >= submitter {
                0
            } else {
                self.rank_of(actor)
            };
            let run_start = self.devices[rank].cost().run_start_ns;
            self.schedule(actor, run_start + self.jitter.start_ns(rank));
        }
    }

    /// Turns until every task finished, or as far as it goes.
    fn turn_until_done(&mut self, progress: &mut dyn FnMut(u64, u64)) -> Result<Ended, RunError> {
        let total = self.workload.order.len() as u64;
        let mut turns = 0;
        while self.finished < total || !self.submission.is_over() {
            let end = self.end_of_patience();
            let Some((at_ns, what)) = self.queue.pop_until(end) else {
                self.now = end;
                return Ok(Ended::Stuck);
            };
            self.now = at_ns;
            self.acting = None;
            self.happen(what)?;
            if self.settings.is_stopped() {
                return Ok(Ended::Interrupted);
            }
            if let Some(ended) = self.submission.ended(self.now) {
                return Ok(ended);
            }
            turns += 1;
            if turns % REPORT_EVERY == 0 {
                progress(self.finished, total);
            }
        }
        self.now += self.meter.elapsed();
        Ok(Ended::Done)
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
            // What was rung before a reset is lost with it.
            What::Doorbell { rank, rung_ns, .. } if rung_ns < self.reset_at[rank as usize] => {}
            What::Doorbell {
                rank, core, token, ..
            } => {
                let rank = rank as usize;
                self.devices[rank].registers().ring(core, token);
                self.step_core(rank, core);
            }
            What::Declare(rank) => self.declare(rank),
            // What a rank sent before it was declared dead is of an old epoch.
            What::Effect(sent) if !self.injector.is_heard(sent.0.rank as usize) => {}
            What::Effect(sent) => {
                let (from, effect) = *sent;
                self.last_progress = self.now;
                effect.apply(self.devices, from.by(self.shadow));
                if let Some(recording) = self.recording {
                    recording.applied(from.rank as usize, from.operation, self.now);
                }
                self.wake(self.dispatch_of(effect.rank() as usize));
            }
            What::ListFree(rank) => {
                self.list_is_free(rank);
            }
            What::Engines { rank } => self.step_engines(rank),
            What::Offered(rank) => self.poke(rank),
            What::Lost(rank) => self.tell_losses(rank),
            What::Bell => self.wake(self.feeder()),
            What::Alarm(actor) => {
                if self.actors.take_alarm(actor, self.now) {
                    self.wake(actor);
                }
            }
            What::Actor(actor) => {
                self.acting = Some(actor);
                return self.act(actor);
            }
        }
        Ok(())
    }

    fn step_engines(&mut self, rank: usize) {
        self.last_progress = self.now;
        let engines = &mut self.programs[rank].engines;
        if engines.step_watched(self.now, self.devices, self.shadow) {
            self.wake(self.dispatch_of(rank));
        }
        if let Some(recording) = self.recording {
            recording.collect(rank, &mut self.programs[rank], self.now);
        }
        self.announce_engines(rank);
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
            injector: &mut self.injector,
            recording: self.recording,
        };
        let stepped = &mut self.cores[rank][core.index()];
        stepped.advance(self.now, registers, &mut kernels);
        let changed = registers.cond(core) != before;
        if let Some(at_ns) = stepped.announce(self.now) {
            self.queue.issue(at_ns, What::Core { rank, core });
        }
        let programs = &mut self.programs[rank];
        let (engines_ns, has_workers) = (programs.engines.announce(), programs.workers.is_some());
        if !programs.issued.is_empty() {
            self.issue_effects(rank, core);
        }
        if let Some(at_ns) = engines_ns {
            self.issue_engines(rank, at_ns);
        }
        if has_workers {
            self.heed_workers(rank);
        }
        if self.injector.has_struck() {
            self.strike();
        }
        if changed {
            let owner = self.owners[rank][core.index()];
            let handler = rank * usize::from(self.settings.handlers) + usize::from(owner);
            self.lookouts[handler].told(core.index());
            self.wake(handler);
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
            None => self.lookouts[actor].rank(),
        }
    }

    fn act(&mut self, actor: usize) -> Result<(), RunError> {
        self.meter.begin(self.now);
        if let Some(recording) = self.recording {
            recording.begin_step(self.role_of(actor) == Role::Dispatch);
        }
        if actor < self.handlers.len() {
            self.handle(actor);
        } else if actor < self.submitter() {
            self.dispatch(actor);
        } else if actor == self.submitter() {
            self.submit(actor)?;
        } else {
            self.process(actor)?;
        }
        Ok(())
    }

    /// One pass of a dispatch thread.
    fn dispatch(&mut self, actor: usize) {
        let rank = self.rank_of(actor);
        let (scheduler, port) = (self.schedulers[rank], self.port(rank));
        let dispatcher = &mut self.dispatchers[rank];
        let before = dispatcher.ledger().finished();
        let offered = dispatcher.ledger().work_offered;
        let pass = dispatcher.pass(scheduler, &port, &self.probes[rank]);
        let finished = dispatcher.ledger().finished() - before;
        let has_offered = dispatcher.ledger().work_offered > offered;
        let next = self.now + self.meter.elapsed() + STEP_NS;
        self.ring_doorbells(rank);
        if has_offered {
            self.offered(rank, next);
        }
        if finished > 0 {
            self.close_if_over(rank, next);
        }
        if self.programs[rank]
            .engines
            .has_new_credit(&self.devices[rank])
        {
            self.queue.issue(next, What::Engines { rank });
        }
        if let Some(at_ns) = pass.deadline_ns.map(|at_ns| at_ns.max(next))
            && self.actors.set_alarm(actor, at_ns)
        {
            self.queue.issue(at_ns, What::Alarm(actor));
        }
        if pass.progress {
            self.go_on(actor, next, finished);
            // A task that finished in an earlier pass may have been released in this one.
            self.wake(self.feeder());
            let first = rank * usize::from(self.settings.handlers);
            for handler in pass.handlers.each() {
                self.wake(first + usize::from(handler));
            }
            self.wake_blocked(rank);
        } else if pass.watching && (pass.polled == SETTLE_BUDGET || self.polls_on(actor)) {
            self.schedule(actor, next);
        } else {
            let period_ns = pass.watching.then(|| self.poller_naps(rank, next));
            let polled = pass.polled;
            let nap = Nap::new(next, period_ns, 0);
            self.actors.lay_down(actor, Nap { polled, ..nap });
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
            let doorbell = What::Doorbell {
                rank: self.devices[rank].rank(),
                core: rung.core,
                token: rung.token,
                rung_ns: rung.at_ns,
            };
            self.queue.issue(rung.seen_ns + delay, doorbell);
        }
    }

    /// After a productive step in which `finished` tasks ended: for how long the actor pauses.
    fn progressed(&mut self, actor: usize, finished: u64) -> u64 {
        if let Some(recording) = self.recording {
            self.record_step(recording, actor);
        }
        self.last_progress = self.now;
        self.finished += finished;
        if finished > 0 {
            self.wake(self.feeder());
        }
        let count = self.actors.count_productive(actor);
        self.jitter.pause_ns(actor, count)
    }

    /// The same; the actor goes on at `next`.
    fn go_on(&mut self, actor: usize, next: u64, finished: u64) {
        let pause_ns = self.progressed(actor, finished);
        self.schedule(actor, next + pause_ns);
    }

    fn port(&self, rank: usize) -> SimPort<'a> {
        SimPort::new(&self.devices[rank], self.meter)
    }
}

//! The parallel world: the runtime's real threads against device threads that step all cores.
//!
//! Time is the wall's. Kernels really run and move their bytes, but modelled durations are not
//! waited for; what engines and peers do comes a few device turns later, as the seed says. Threads
//! are few whatever the chip: handlers, one dispatch thread, at most two for devices, and the
//! caller, who submits and watches.

mod strikes;
mod workers;

use std::collections::VecDeque;
use std::io;
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use finbox_mailbox::Producer;
use finbox_runtime::persistent::Group;
use finbox_runtime::threads::{Unit, join_all, run as run_threads};
use finbox_runtime::wait::{Sleeper, StopFlag};
use finbox_runtime::{Arena, ledger};
use finbox_scheduler::Submitter;

use self::strikes::{Held, Struck, resets, tell};
use self::workers::{Heed, Told, poke};
use super::costs::Delayed;
use super::crew::{Grace, halts, limits, stall, unit};
use super::feed::Feed;
use super::jitter::Jitter;
use super::launches::{Planning, base_in, into_devices};
use super::places::Places;
use super::queue::Sender;
use super::recorder::{RankProbe, Recorder};
use super::recording::Recording;
use super::stage::{Doomed, Remains, arenas, compared, conclude, devices, shadow_of, workers_of};
use super::stuck::{self, Scene};
use super::submission::{through, watch};
use super::{Outcome, RunError, Settings};
use crate::device::{Core, CostModel, Device, Meter, SimPort, Turned, step_cores, turn_until};
use crate::engine::{EffectKind, Lateness};
use crate::fault::Injector;
use crate::memory;
use crate::shadow::Shadow;
use crate::timeline::NOBODY;
use crate::workload::{Programs, RankPlan, Workload};

/// Most threads that step devices.
const DEVICE_THREADS: usize = 2;

/// Effects and transfers come at most so many turns of their device thread later.
const LATEST_TURNS: u64 = 8;

/// A turn of a device thread counts as so many of a fault's nanoseconds.
const NS_A_TURN: u64 = 8;

/// What is due within so many turns keeps a device thread turning; for what comes later it rests.
const NEAR_TURNS: u64 = 1 << 11;

/// How long a device thread stands still between two looks at what the caller has to do first.
const STANDSTILL: Duration = Duration::from_micros(20);

/// Runs `workload` on real threads.
pub(super) fn run(
    workload: &Workload,
    settings: &Settings,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Outcome, RunError> {
    let devices = devices(workload, settings, CostModel::FREE);
    let (places, mut arenas) = (Places::of_all(&devices), arenas(workload, settings)?);
    let slots = arenas.iter().map(|arena| arena.config().all_task_slots());
    let meter = Meter::wall_time(Instant::now());
    let recorder = Recorder::new(workload, &devices, &meter, slots).recording(settings);
    let shadow = shadow_of(workload, settings);
    let sleepers = sleepers(&devices);
    let (mut units, submitters) = units((&mut arenas, &devices), &meter, &recorder, &sleepers);
    let handlers = units.iter_mut().map(|unit| &mut unit.handlers[..]);
    let doomed = Doomed::choose(settings, handlers);
    let planning = Planning::of(workload, settings.plan);
    let (store, base) = (into_devices(&devices), base_in(&devices));
    let feed = Feed::new(&planning, workload, (&places, &store, &base), submitters);
    let (stop_devices, struck, told) = (StopFlag::default(), Struck::default(), Told::to_caller());
    let groups = groups(&units);
    let (all, mut grace) = (workload.order.len() as u64, Grace::default());
    let ended = thread::scope(|scope| {
        let (stop, sleepers) = (StopOnDrop(&stop_devices), (&sleepers[..], &stop_devices));
        let listeners = (recorder.recorded(), shadow.as_ref());
        let run = (workload, &devices[..], settings, listeners);
        let workers = (groups, &told);
        let (threads, mut injector) = start_devices(scope, run, (sleepers, &struck), workers)?;
        let ended = run_threads(&mut units, |running, schedulers| {
            let site = (settings, &recorder, running, schedulers);
            through(feed, site, &mut || injector.batch(), |intake| {
                let mut held = Held::new(schedulers, running.stop_flag());
                let mut heed = Heed::new(&told);
                watch((running, all), limits(settings), intake, |intake| {
                    heed.look(&recorder, schedulers, running);
                    progress(running.finished(), all);
                    held.strike(&struck, running);
                    grace.winds_down(settings, running, || intake.submitted())
                })
            })
        });
        struck.count(injector.injected());
        join_all(stop, threads);
        ended
    });
    let ended = ended.map_err(|error| RunError::Thread(error.kind()))??;
    let handlers = units.iter().flat_map(|unit| &unit.handlers);
    let injected = doomed.count(handlers, struck.injected());
    let (mut ledger, passage) = (ledger(&units), ended.passage);
    ledger.merge(&ended.ledger);
    ledger.merge(&told.ledger());
    let halts = halts(&units, |rank| struck.is_held(rank), settings);
    let scene = Scene::of((workload, &places), &recorder, ledger.submitted, &halts);
    let ranks = units.iter().map(|unit| (&unit.scheduler, Some(unit.port)));
    let end = (ended.result, passage.as_ref());
    let stall = stall(end, &grace, || stuck::report(scene, ranks))?;
    let outcome = conclude(Remains {
        planned: ended.planned,
        workload,
        devices: &devices,
        schedulers: units.iter().map(|unit| &unit.scheduler).collect(),
        recorder: &recorder,
        ledger,
        stall,
        injected,
        virtual_ns: 0,
        interrupted: grace.has_begun() && ledger.finished() < all,
        passage,
    });
    Ok(compared(outcome, shadow, workload))
}

/// One for each thread that steps devices.
fn sleepers(devices: &[Device]) -> Vec<Sleeper> {
    let threads = 0..DEVICE_THREADS.min(devices.len());
    threads.map(|_| Sleeper::default()).collect()
}

/// A group of workers and the mailbox that they tell, if a rank has them.
type Workers<'m> = Option<(Group<'m>, Producer<'m>)>;

/// Ranks with their roles, and the submitters, which stay with the caller.
type Units<'a, 'm> = (
    Vec<Unit<'m, SimPort<'a>, RankProbe<'a>>>,
    Vec<Submitter<'m>>,
);

/// The workers of each rank that has any.
fn groups<'m>(units: &[Unit<'m, SimPort<'_>, RankProbe<'_>>]) -> Vec<Workers<'m>> {
    let groups = units.iter().map(|unit| workers_of(&unit.scheduler));
    groups.collect()
}

/// The ranks of a run, each ringing the thread that steps its device.
fn units<'a, 'm>(
    (arenas, devices): (&'m mut [Arena], &'a [Device]),
    meter: &'a Meter,
    recorder: &'a Recorder<'a>,
    sleepers: &'a [Sleeper],
) -> Units<'a, 'm> {
    let probes = recorder.probes().into_iter().zip(sleepers.iter().cycle());
    let parts = arenas.iter_mut().zip(devices).zip(probes);
    let parts = parts.map(|((arena, device), (probe, bell))| {
        let port = SimPort::new(device, meter).with_bell(bell);
        unit(arena.assemble(), port, probe)
    });
    parts.unzip()
}

/// Ends the device threads, also when the caller panics.
struct StopOnDrop<'a>(&'a StopFlag);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// What decides for the devices of one thread.
struct Broken<'a> {
    jitter: Jitter,
    injector: Injector,
    recording: Option<&'a Recording<'a>>,
    shadow: Option<&'a Shadow>,
}

/// One device as its thread steps it.
struct Stepped<'a> {
    device: &'a Device,
    cores: Vec<Core>,
    programs: Programs<'a>,
}

/// What a device thread works at.
type Run<'a> = (&'a Workload, &'a [Device], &'a Settings, Listeners<'a>);

/// Who is told what devices do: who records, and who compares, if anybody does.
type Listeners<'a> = (Option<&'a Recording<'a>>, Option<&'a Shadow>);

/// Starts the device threads. The injector that all of them count with is the caller's to keep
/// until they are joined: whoever lets go of it last knows then that the others have.
fn start_devices<'scope, 'a: 'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    (workload, devices, settings, (recording, shadow)): Run<'a>,
    ((sleepers, stop), struck): ((&'a [Sleeper], &'a StopFlag), &'a Struck),
    (mut groups, told): (Vec<Workers<'a>>, &'a Told),
) -> io::Result<(Vec<ScopedJoinHandle<'scope, ()>>, Injector)> {
    // For these, the handlers' and the one that dispatches.
    memory::expect_room(sleepers.len() + usize::from(settings.handlers) + 1);
    let first = Injector::new(settings.seed, settings.occasions(), NS_A_TURN);
    let mut threads = Vec::new();
    for (index, sleeper) in sleepers.iter().enumerate() {
        let mine = workload
            .ranks
            .iter()
            .zip(devices)
            .zip(&mut groups)
            .skip(index)
            .step_by(sleepers.len());
        let lateness = Lateness {
            seed: settings.seed,
            bound: LATEST_TURNS,
        };
        let links = settings.faults.links(settings.seed);
        let stepped = mine.map(
            |((plan, device), group): ((&RankPlan, _), &mut Option<_>)| Stepped {
                device,
                cores: device.make_cores(),
                programs: Programs::new(plan, device)
                    .stretched(0)
                    .with_workers(group.take())
                    .with_engines(&workload.engine_faults, lateness, links)
                    .noting(recording.is_some())
                    .watched(shadow),
            },
        );
        let mut stepped: Vec<Stepped<'_>> = stepped.collect();
        let mut broken = Broken {
            jitter: Jitter::new(settings.seed),
            injector: first.beside(),
            recording,
            shadow,
        };
        let work = move || {
            let tell = (struck, told);
            step_devices(&mut stepped, devices, &mut broken, (sleeper, stop), tell);
            let engines = stepped.iter().map(|one| one.programs.engines.slowed());
            broken.injector.slowed(engines.sum());
            let workers = stepped
                .iter()
                .filter_map(|one| one.programs.workers.as_ref());
            workers.for_each(|workers| told.add(&workers.ledger()));
            struck.count(broken.injector.injected());
        };
        let name = format!("finbox-device-{index}");
        let device = thread::Builder::new().name(name);
        threads.push(device.spawn_scoped(scope, work)?);
    }
    Ok((threads, first))
}

/// Steps every core, and applies what engines and peers do, until told to stop.
fn step_devices(
    stepped: &mut [Stepped<'_>],
    devices: &[Device],
    broken: &mut Broken<'_>,
    (sleeper, stop): (&Sleeper, &StopFlag),
    (struck, told): (&Struck, &Told),
) {
    let mut later: Later = VecDeque::new();
    let (mut turns, mut busy) = (Turns::begin(), true);
    turn_until(stop, sleeper, || {
        let turn = turns.next(busy);
        let is_near = |due: Option<u64>| due.is_some_and(|due| due <= turn + NEAR_TURNS);
        let recording = broken.recording;
        busy = apply_due(&mut later, turn, devices, (recording, broken.shadow));
        for Stepped {
            device,
            cores,
            programs,
        } in &mut *stepped
        {
            let rank = device.rank() as usize;
            let mut kernels = Delayed {
                programs,
                rank,
                jitter: Jitter::new(0),
                injector: &mut broken.injector,
                recording,
            };
            poke(kernels.programs, cores, turn);
            busy |= is_near(step_cores(cores, turn, device, &mut kernels));
            busy |= told.note(programs, turn);
            let engines = &mut programs.engines;
            busy |= engines.step_watched(turn, devices, broken.shadow);
            if let Some(recording) = recording {
                recording.collect(rank, programs, turn);
            }
            busy |= is_near(programs.engines.next_end());
            busy |= leave_effects(&mut later, (programs, device.rank()), turn, broken);
        }
        let strikes = broken.injector.take_strikes();
        resets(&strikes, stepped, turn);
        tell(&mut broken.injector, struck, strikes);
        while struck.is_awaited() && !stop.is_set() {
            thread::park_timeout(STANDSTILL);
        }
        busy |= is_near(later.front().map(|&(due, ..)| due));
        // What is not near comes by the wall clock, and so do strikes.
        if busy { Turned::Busy } else { Turned::Watching }
    });
}

/// A device thread's clock: it counts turns, and the time between turns in which nothing was near,
/// so that what is due late comes by the wall clock, however the thread rests until then.
struct Turns {
    turn: u64,
    last: Instant,
}

impl Turns {
    fn begin() -> Self {
        let (turn, last) = (0, Instant::now());
        Self { turn, last }
    }

    /// The next turn; `busy`: something was near in the one before.
    fn next(&mut self, busy: bool) -> u64 {
        let now = Instant::now();
        let rested = match busy {
            true => 0,
            false => now.duration_since(self.last).as_nanos() / u128::from(NS_A_TURN),
        };
        self.last = now;
        self.turn += u64::try_from(rested).unwrap_or(u64::MAX >> 1).max(1);
        self.turn
    }
}

/// Enters what the programs of a rank leave to others, a little later; whether there is any.
fn leave_effects(
    later: &mut Later,
    (programs, rank): (&mut Programs<'_>, u32),
    turn: u64,
    broken: &mut Broken<'_>,
) -> bool {
    let index = rank as usize;
    let any = !programs.issued.is_empty();
    for issued in programs.issued.drain(..) {
        let delay = broken.jitter.small_ns(5 << 40, turn) % LATEST_TURNS;
        let ends = (rank, issued.effect.kind.rank());
        let at = broken.injector.over_link(ends, (turn, turn + delay));
        let times = (turn, at);
        let cause = (issued.task, issued.effect.span());
        for (at, effect) in broken.injector.effect(index, times, issued.effect.kind) {
            let told = |recording: &Recording<'_>| {
                recording.issued(index, cause.clone(), (turn, at), &effect)
            };
            let operation = broken.recording.map_or(NOBODY, told);
            let task = issued.task;
            let from = Sender {
                rank,
                task,
                operation,
            };
            later.push_back((at, from, effect));
        }
    }
    any
}

/// Effects with the turns in which they are due, and whose they are.
type Later = VecDeque<(u64, Sender, EffectKind)>;

/// Applies, in order, every effect whose turn has come.
fn apply_due(
    later: &mut Later,
    turn: u64,
    devices: &[Device],
    (recording, shadow): Listeners<'_>,
) -> bool {
    let mut any = false;
    while later.front().is_some_and(|&(due, ..)| due <= turn) {
        if let Some((_, from, effect)) = later.pop_front() {
            effect.apply(devices, from.by(shadow));
            if let Some(recording) = recording {
                recording.applied(from.rank as usize, from.operation, turn);
            }
            any = true;
        }
    }
    any
}

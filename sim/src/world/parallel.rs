//! The parallel world: the runtime's real threads against device threads that step all cores.
//!
//! Time is the wall's. Kernels really run and move their bytes, but modelled durations are not
//! waited for; what engines and peers do comes a few device turns later, as the seed says. Threads
//! are few whatever the chip: handlers, one dispatch thread, at most two for devices, and the
//! caller, who submits and watches.

use std::collections::VecDeque;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use finbox_runtime::threads::{Running, Unit, run as run_threads};
use finbox_runtime::wait::{Rest, Sleeper, StopFlag};
use finbox_runtime::{Drain, DrainLimits, drain, ledger};
use finbox_scheduler::{Assembly, Scheduler, Submitter};

use super::feed::{Fed, Feed};
use super::jitter::Jitter;
use super::recorder::{RankProbe, Recorder};
use super::stage::{Remains, arenas, conclude, devices};
use super::{Outcome, RunError, Settings, stuck};
use crate::device::{Core, CostModel, Device, Meter, SimPort};
use crate::engine::EffectKind;
use crate::workload::{Programs, RankPlan, Workload};

/// Most threads that step devices.
const DEVICE_THREADS: usize = 2;

/// Effects come at most so many turns of their device thread later.
const LATEST_TURNS: u64 = 8;

/// Tasks wired in between two looks at deadline and progress.
const FEED_AT_ONCE: u64 = 256;

/// Runs `workload` on real threads.
pub(super) fn run(
    workload: &Workload,
    settings: &Settings,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Outcome, RunError> {
    let devices = devices(workload, settings, CostModel::FREE);
    let mut arenas = arenas(workload, settings)?;
    let slots: Vec<u32> = arenas
        .iter()
        .map(|arena| arena.config().task_slots)
        .collect();
    let meter = Meter::wall_time(Instant::now());
    let recorder = Recorder::new(workload, &devices, &meter, slots);
    let (mut units, mut submitters) = (Vec::new(), Vec::new());
    let sleepers: Vec<Sleeper> = (0..DEVICE_THREADS.min(devices.len()))
        .map(|_| Sleeper::default())
        .collect();
    let probes = recorder.probes().into_iter().zip(sleepers.iter().cycle());
    for ((arena, device), (probe, bell)) in arenas.iter_mut().zip(&devices).zip(probes) {
        let port = SimPort::new(device, &meter).with_bell(bell);
        let (unit, submitter) = unit(arena.assemble(), port, probe);
        units.push(unit);
        submitters.push(submitter);
    }
    let mut feed = Feed::new(workload, submitters);
    let probes = recorder.probes();
    let stop_devices = StopFlag::default();
    let limits = limits(settings);
    let all = workload.order.len() as u64;
    let ended = thread::scope(|scope| {
        let _stop = StopOnDrop(&stop_devices);
        let sleepers = (&sleepers[..], &stop_devices);
        start_devices(scope, (workload, &devices, settings), sleepers)?;
        run_threads(&mut units, |running, schedulers| {
            drain(running, all, limits, || {
                progress(running.finished(), all);
                feed_some(&mut feed, running, schedulers, &probes)
            })
        })
    });
    let mut ledger = ledger(&units);
    feed.ledgers().for_each(|part| ledger.merge(part));
    let stall = match ended.map_err(|error| RunError::Thread(error.kind()))? {
        Drain::Done => None,
        Drain::Refused(error) => return Err(error),
        Drain::Stuck => {
            let ranks = units.iter().map(|unit| (&unit.scheduler, unit.port));
            let fed = ledger.submitted == all;
            Some(stuck::report(workload, ranks, fed))
        }
    };
    let schedulers: Vec<&Scheduler<'_>> = units.iter().map(|unit| &unit.scheduler).collect();
    let (devices, recorder) = (&devices[..], &recorder);
    let remains = Remains {
        workload,
        devices,
        schedulers,
        recorder,
        ledger,
        stall,
        virtual_ns: 0,
    };
    Ok(conclude(remains))
}

/// One rank's chip with its roles, and the role that stays with the caller.
fn unit<'a, 'm>(
    mut assembly: Assembly<'m>,
    port: SimPort<'a>,
    probe: RankProbe<'a>,
) -> (Unit<'m, SimPort<'a>, RankProbe<'a>>, Submitter<'m>) {
    let handlers = assembly.scheduler.chip().handlers;
    let unit = Unit {
        handlers: (0..handlers).map(|_| assembly.handler()).collect(),
        scheduler: assembly.scheduler,
        port,
        probe,
        dispatcher: assembly.dispatcher,
    };
    (unit, assembly.submitter)
}

fn limits(settings: &Settings) -> DrainLimits {
    DrainLimits {
        patience: Duration::from_nanos(settings.patience_ns),
        deadline: settings.deadline_ns.map(Duration::from_nanos),
    }
}

/// Ends the device threads, also when the caller panics.
struct StopOnDrop<'a>(&'a StopFlag);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Wires in up to [`FEED_AT_ONCE`] tasks, as far as there is room; returns how many.
fn feed_some<'m>(
    feed: &mut Feed<'_, 'm>,
    running: &Running,
    schedulers: &[&Scheduler<'m>],
    probes: &[RankProbe<'_>],
) -> Result<u64, RunError> {
    let mut fed = 0;
    while fed < FEED_AT_ONCE {
        let Fed::Task(_) = feed.next(schedulers, probes)? else {
            break;
        };
        fed += 1;
    }
    if fed > 0 {
        running.wake_dispatch();
    }
    Ok(fed)
}

/// One device as its thread steps it.
struct Stepped<'a> {
    device: &'a Device,
    cores: Vec<Core>,
    programs: Programs<'a>,
}

fn start_devices<'scope, 'a: 'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    (workload, devices, settings): (&'a Workload, &'a [Device], &'a Settings),
    (sleepers, stop): (&'a [Sleeper], &'a StopFlag),
) -> io::Result<()> {
    for (index, sleeper) in sleepers.iter().enumerate() {
        let mine = workload
            .ranks
            .iter()
            .zip(devices)
            .skip(index)
            .step_by(sleepers.len());
        let stepped = mine.map(|(plan, device): (&RankPlan, _)| Stepped {
            device,
            cores: device.make_cores(),
            programs: Programs::new(plan, device).stretched(0),
        });
        let mut stepped: Vec<Stepped<'_>> = stepped.collect();
        let jitter = Jitter::new(settings.seed);
        let work = move || step_devices(&mut stepped, devices, jitter, (sleeper, stop));
        let name = format!("finbox-device-{index}");
        thread::Builder::new()
            .name(name)
            .spawn_scoped(scope, work)?;
    }
    Ok(())
}

/// Steps every core, and applies what engines and peers do, until told to stop.
fn step_devices(
    stepped: &mut [Stepped<'_>],
    devices: &[Device],
    jitter: Jitter,
    (sleeper, stop): (&Sleeper, &StopFlag),
) {
    sleeper.adopt();
    let mut rest = Rest::default();
    let mut later: VecDeque<(u64, EffectKind)> = VecDeque::new();
    let mut turn = 0;
    loop {
        rest.before_pass(sleeper);
        if stop.is_set() {
            return;
        }
        turn += 1;
        let mut busy = apply_due(&mut later, turn, devices);
        for Stepped {
            device,
            cores,
            programs,
        } in &mut *stepped
        {
            for core in cores.iter_mut() {
                busy |= core.step(turn, device.registers(), programs).is_some();
            }
            for issued in programs.issued.drain(..) {
                let delay = jitter.small_ns(5 << 40, turn) % LATEST_TURNS;
                later.push_back((turn + delay, issued.effect.kind));
                busy = true;
            }
        }
        if busy || !later.is_empty() {
            rest.reset();
        } else {
            rest.after_pass(sleeper, true);
        }
    }
}

/// Applies, in order, every effect whose turn has come.
fn apply_due(later: &mut VecDeque<(u64, EffectKind)>, turn: u64, devices: &[Device]) -> bool {
    let mut any = false;
    while later.front().is_some_and(|&(due, _)| due <= turn) {
        if let Some((_, effect)) = later.pop_front() {
            effect.apply(devices);
            any = true;
        }
    }
    any
}

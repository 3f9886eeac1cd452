//! The parallel world: the runtime's real threads against device threads that step all cores.
//!
//! Time is the wall's. Kernels really run and move their bytes, but modelled durations are not
//! waited for; what engines and peers do comes a few device turns later, as the seed says. Threads
//! are few whatever the chip: handlers, one dispatch thread, at most two for devices, and the
//! caller, who submits and watches.

use std::collections::VecDeque;
use std::thread;
use std::time::{Duration, Instant};

use finbox_runtime::threads::{Running, Unit, run as run_threads};
use finbox_runtime::wait::{Rest, Sleeper, StopFlag, Waited, Watch};
use finbox_scheduler::{Dispatcher, FinHandler, Ledger, Scheduler};

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

type ChipUnit<'a, 'm> = Unit<'m, SimPort<'a>, RankProbe<'a>>;

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
    for ((arena, device), probe) in arenas.iter_mut().zip(&devices).zip(recorder.probes()) {
        let mut assembly = arena.assemble();
        let handlers = (0..settings.handlers).map(|_| assembly.handler()).collect();
        let port = SimPort::new(device, &meter);
        submitters.push(assembly.submitter);
        let (scheduler, dispatcher) = (assembly.scheduler, assembly.dispatcher);
        units.push(Unit {
            scheduler,
            port,
            probe,
            handlers,
            dispatcher,
        });
    }
    let mut feed = Feed::new(workload, submitters);
    let probes = recorder.probes();
    let stop_devices = StopFlag::default();
    let ended = thread::scope(|scope| {
        let _stop = StopOnDrop(&stop_devices);
        start_devices(scope, (workload, &devices, settings), &stop_devices);
        run_threads(&mut units, |running, schedulers| {
            let all = workload.order.len() as u64;
            let mut feeding = Feeding {
                feed: &mut feed,
                schedulers,
                probes: &probes,
                all,
            };
            feeding.until_done(running, settings, progress)
        })
    });
    let ledger = ledger(&units, &feed);
    let stall = match ended {
        Waited::Done(result) => result.map(|()| None)?,
        Waited::NoProgress | Waited::Stopped => {
            let ranks = units.iter().map(|unit| (&unit.scheduler, unit.port));
            let fed = ledger.submitted == workload.order.len() as u64;
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

fn ledger(units: &[ChipUnit<'_, '_>], feed: &Feed<'_, '_>) -> Ledger {
    let mut ledger = Ledger::default();
    for unit in units {
        unit.handlers
            .iter()
            .map(FinHandler::ledger)
            .for_each(|one| ledger.merge(one));
        ledger.merge(Dispatcher::ledger(&unit.dispatcher));
    }
    feed.ledgers().for_each(|one| ledger.merge(one));
    ledger
}

/// Ends the device threads, also when the caller panics.
struct StopOnDrop<'a>(&'a StopFlag);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// The caller's part: submits and watches.
struct Feeding<'a, 'f, 'm> {
    feed: &'a mut Feed<'f, 'm>,
    schedulers: &'a [&'a Scheduler<'m>],
    probes: &'a [RankProbe<'a>],
    all: u64,
}

impl Feeding<'_, '_, '_> {
    fn until_done(
        &mut self,
        running: &Running,
        settings: &Settings,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Waited<Result<(), RunError>> {
        let began = Instant::now();
        let deadline = settings.deadline_ns.map(Duration::from_nanos);
        let watch = Watch {
            stop: running.stop_flag(),
            patience: Duration::from_nanos(settings.patience_ns),
        };
        let mut fed = 0;
        watch.wait_for(|| {
            let more = self.feed_some(running);
            fed += *more.as_ref().unwrap_or(&0);
            let finished = running.finished();
            progress(finished, self.all);
            if deadline.is_some_and(|deadline| began.elapsed() >= deadline) {
                running.stop_flag().stop();
            }
            let result = match more {
                Err(error) => Some(Err(error)),
                Ok(_) => (finished >= self.all).then_some(Ok(())),
            };
            (result, running.signs_of_life() + fed)
        })
    }

    /// Wires in what there is room for; returns how many.
    fn feed_some(&mut self, running: &Running) -> Result<u64, RunError> {
        let mut fed = 0;
        while let Fed::Task(_) = self.feed.next(self.schedulers, self.probes)? {
            fed += 1;
            running.wake_dispatch();
        }
        Ok(fed)
    }
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
    stop: &'a StopFlag,
) {
    let threads = DEVICE_THREADS.min(devices.len());
    for index in 0..threads {
        let mine = workload
            .ranks
            .iter()
            .zip(devices)
            .skip(index)
            .step_by(threads);
        let stepped = mine.map(|(plan, device): (&RankPlan, _)| Stepped {
            device,
            cores: device.make_cores(),
            programs: Programs::new(plan, device).stretched(0),
        });
        let mut stepped: Vec<Stepped<'_>> = stepped.collect();
        let jitter = Jitter::new(settings.seed);
        let work = move || step_devices(&mut stepped, devices, jitter, stop);
        let name = format!("finbox-device-{index}");
        thread::Builder::new()
            .name(name)
            .spawn_scoped(scope, work)
            .expect("a thread starts");
    }
}

/// Steps every core, and applies what engines and peers do, until told to stop.
fn step_devices(stepped: &mut [Stepped<'_>], devices: &[Device], jitter: Jitter, stop: &StopFlag) {
    let sleeper = Sleeper::default();
    sleeper.adopt();
    let mut rest = Rest::default();
    let mut later: VecDeque<(u64, EffectKind)> = VecDeque::new();
    let mut turn = 0;
    while !stop.is_set() {
        turn += 1;
        rest.before_pass(&sleeper);
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
            rest.after_pass(&sleeper, true);
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

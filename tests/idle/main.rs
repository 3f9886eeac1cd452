//! An idle runtime costs next to nothing and is still there. Alone in its process, because it
//! measures the processor time of all threads.
#![cfg(not(any(loom, shuttle)))]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use finbox_runtime::threads::{self, Running, Unit};
use finbox_runtime::wait::{Waited, Watch};
use finbox_runtime::{Arena, Config};
use finbox_scheduler::target::A2A3;
use finbox_scheduler::{
    Chip, Dispatcher, FinHandler, NoProbe, Scheduler, Shape, Submitter, TaskId, TaskSpec,
};
use finbox_tests::model_port::{Lines, ModelPort};
use rustix::time::{ClockId, clock_gettime};

/// Seven intervals, of which the middle one counts: what disturbs a few of them does not matter.
const INTERVALS: usize = 7;
const INTERVAL: Duration = Duration::from_millis(60);

const MOST_OF_A_CORE: f64 = 0.02;

/// Far more than all of it takes.
const LONGEST: Duration = Duration::from_secs(90);

/// Processor time of all threads of this process.
fn used() -> Duration {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(spent).expect("processor time is not negative")
}

/// The middle share of a core that all threads together used while this one slept.
fn share_of_a_core() -> f64 {
    let mut shares: Vec<f64> = (0..INTERVALS)
        .map(|_| {
            let (before, began) = (used(), Instant::now());
            thread::sleep(INTERVAL);
            (used() - before).as_secs_f64() / began.elapsed().as_secs_f64()
        })
        .collect();
    shares.sort_by(f64::total_cmp);
    shares[INTERVALS / 2]
}

/// Steps the cores of `chip` until told to stop.
fn turn_cores(port: &ModelPort, chip: &Chip, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        for core in chip.all() {
            if port.start(core).is_some() {
                port.finish(core);
            }
        }
        thread::yield_now();
    }
}

/// Ends the cores' thread, also when the test fails.
struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Submits `tasks` tasks and waits until they have finished.
fn complete(
    (running, scheduler): (&Running, &Scheduler<'_>),
    submitter: &mut Submitter<'_>,
    (port, chip): (&ModelPort, &Chip),
    tasks: u32,
) {
    let stop = AtomicBool::new(false);
    let goal = running.finished() + u64::from(tasks);
    thread::scope(|scope| {
        let _stop = StopOnDrop(&stop);
        scope.spawn(|| turn_cores(port, chip, &stop));
        for task in 0..tasks {
            let shape = [Shape::Aiv, Shape::Aic, Shape::Dummy][task as usize % 3];
            let spec = TaskSpec::new(TaskId::new(0, task), shape);
            let slot = submitter.submit(scheduler, &NoProbe, &spec, &[]);
            slot.expect("there is room");
            running.wake_dispatch();
        }
        let patience = Duration::from_secs(20);
        let watch = Watch {
            stop: running.stop_flag(),
            patience,
        };
        let waited = watch.wait_for(|| {
            let finished = running.finished();
            ((finished >= goal).then_some(()), finished)
        });
        assert_eq!(waited, Waited::Done(()), "{} of {goal}", running.finished());
    });
}

/// Threads that nobody wakes at the end never end.
#[test]
fn an_idle_runtime_parks_a_task_wakes_it_and_the_end_ends_it() {
    let (said, heard) = mpsc::channel();
    let whole = thread::spawn(move || {
        idle_twice();
        said.send(()).expect("somebody waits");
    });
    let heard = heard.recv_timeout(LONGEST);
    assert_ne!(
        heard,
        Err(RecvTimeoutError::Timeout),
        "nobody woke a thread"
    );
    whole.join().expect("it was idle, and then it was not");
}

/// Idle, woken by tasks, idle, woken, idle, ended.
fn idle_twice() {
    let chip = Chip {
        handlers: 4,
        ..Chip::whole(&A2A3)
    };
    let config = Config {
        chip,
        ..Config::of(&A2A3)
    };
    let mut arena = Arena::new(config).expect("the whole chip is a valid configuration");
    let mut assembly = arena.assemble();
    let model = ModelPort::new(&chip, Lines::of(&chip), 1);
    let handlers = (0..chip.handlers).map(|_| assembly.handler()).collect();
    let (scheduler, dispatcher) = (assembly.scheduler, assembly.dispatcher);
    let mut submitter = assembly.submitter;
    let mut units = [Unit {
        scheduler,
        port: &model,
        probe: NoProbe,
        handlers,
        dispatcher,
    }];
    threads::run(&mut units, |running, schedulers| {
        let shares = [0, 1].map(|_| {
            let share = share_of_a_core();
            complete(
                (running, schedulers[0]),
                &mut submitter,
                (&model, &chip),
                90,
            );
            share
        });
        // Idle once more, so that the end finds every thread parked.
        let shares = [shares[0], shares[1], share_of_a_core()];
        assert!(
            shares.iter().all(|share| *share < MOST_OF_A_CORE),
            "{shares:?} of a core"
        );
    })
    .expect("three threads can be started");
    let of_handlers = units[0].handlers.iter().map(FinHandler::ledger);
    let of_dispatch = Dispatcher::ledger(&units[0].dispatcher);
    let completed: u64 = of_handlers
        .chain([of_dispatch])
        .map(|one| one.completed)
        .sum();
    assert_eq!(completed, 180);
}

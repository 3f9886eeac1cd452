//! Real threads: 5 000 tasks wait for 64 conditions each at once, through a mailbox of 64 slots and
//! under the lock.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;

use finbox_scheduler::{
    Assembly, Chip, Completion, HandlerStep, Ledger, NoProbe, Scheduler, Shape, Start, Submitter,
    Target, TaskId, TaskSpec,
};
use finbox_tests::house::{House, Limits};
use finbox_tests::model_port::{Lines, ModelPort, WireCondition};

use crate::fixture::TARGETS;

const TASKS: u32 = 5_000;
/// Turns of the device in which the list does not grow before that is called a hang.
const PATIENCE: u32 = 20_000_000;

/// Says stop when it goes, also when a thread panics: nobody waits for the dead.
struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

fn until(stop: &AtomicBool, mut step: impl FnMut() -> bool) {
    let _guard = StopOnDrop(stop);
    while !stop.load(SeqCst) {
        if !step() {
            thread::yield_now();
        }
    }
}

/// Submits all tasks and runs all cores until as many wait as there are; then all counters rise.
fn drive(scheduler: &Scheduler<'_>, port: &ModelPort, submitter: &mut Submitter<'_>) {
    let conditions: Vec<_> = (0..64)
        .map(|index| WireCondition::counter(port.counter(index / 16) + index as u64 % 16 * 4, 1))
        .collect();
    for number in 0..TASKS {
        let spec = TaskSpec {
            may_defer: 64,
            ..TaskSpec::new(TaskId::new(0, number), Shape::Aiv)
        };
        submitter
            .submit(scheduler, &NoProbe, &spec, &[])
            .expect("there is room");
    }
    let (mut most, mut patience) = (0, PATIENCE);
    while most < TASKS {
        for core in scheduler.chip().all() {
            if port.start(core).is_some() {
                port.defer(core, &conditions);
                port.finish(core);
            }
        }
        let waiting = scheduler.wait_list().live_hint();
        patience = if waiting > most {
            PATIENCE
        } else {
            patience - 1
        };
        assert!(patience > 0, "only {most} of {TASKS} ever waited at once");
        most = most.max(waiting);
        thread::yield_now();
    }
    (0..64).for_each(|index| port.poke_counter(index / 16, index % 16, 1));
}

fn run(target: &'static Target, completion: Completion) -> Ledger {
    let chip = Chip {
        target,
        cores: 6,
        host_lanes: 0,
        handlers: 2,
    };
    let limits = Limits {
        mailbox: 64,
        slots: TASKS as usize,
        conditions: TASKS as usize * 64,
        start: Start {
            completion,
            ..Limits::default().start
        },
        ..Limits::default()
    };
    let mut house = House::new(&chip, &limits);
    let mut assembly = house.assemble(chip);
    let mut handlers = [assembly.handler(), assembly.handler()];
    let Assembly {
        scheduler,
        mut submitter,
        mut dispatcher,
        ..
    } = assembly;
    let port = ModelPort::new(&chip, Lines::of(&chip), 4);
    let stop = AtomicBool::new(false);
    let (scheduler, port, stop) = (&scheduler, &port, &stop);
    thread::scope(|scope| {
        for handler in &mut handlers {
            scope.spawn(move || {
                until(stop, || {
                    handler.pass(scheduler, port, &NoProbe) == HandlerStep::Progress
                });
            });
        }
        let dispatcher = &mut dispatcher;
        scope.spawn(move || {
            until(stop, || {
                let progress = dispatcher.pass(scheduler, port, &NoProbe).progress;
                let is_over = dispatcher.ledger().finished() == u64::from(TASKS);
                stop.fetch_or(is_over, SeqCst);
                progress
            });
        });
        let guard = StopOnDrop(stop);
        drive(scheduler, port, &mut submitter);
        core::mem::forget(guard);
    });
    assert_eq!(scheduler.waiting(), Some((0, 0)));
    assert_eq!(scheduler.room().0, 0);
    assert_eq!(scheduler.fault(), None);
    let mut ledger = *submitter.ledger();
    ledger.merge(dispatcher.ledger());
    handlers
        .iter()
        .for_each(|handler| ledger.merge(handler.ledger()));
    ledger
}

#[test]
fn five_thousand_tasks_wait_at_once_on_four_threads_in_both_modes() {
    for target in TARGETS {
        for completion in [Completion::Mailbox, Completion::Locked] {
            let ledger = run(target, completion);
            assert!(ledger.adds_up(0, 0), "{ledger:?}");
            assert_eq!(ledger.completed, u64::from(TASKS));
            assert_eq!(ledger.conditions, 64 * u64::from(TASKS));
            assert_eq!(ledger.waiting_high_water, u64::from(TASKS));
            let is_mailbox = completion == Completion::Mailbox;
            assert_eq!(ledger.full > 0, is_mailbox, "{ledger:?}");
            assert_eq!(ledger.mailbox_high_water > 0, is_mailbox, "{ledger:?}");
        }
    }
}

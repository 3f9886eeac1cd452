//! Real threads: FINs race their deadlines, and exactly one of them decides each task.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering::SeqCst};
use std::thread;

use finbox_scheduler::{
    Assembly, Chip, CoreId, Event, Ledger, NoProbe, Probe, Scheduler, Shape, Submitter, Subtasks,
    Target, TaskId, TaskSpec,
};
use finbox_tests::house::{House, Limits};
use finbox_tests::model_port::{Lines, ModelPort, WireCondition};
use oorandom::Rand32;

use crate::fixture::{TARGETS, below};

const TASKS: usize = 2_500;
/// Looks of the submitter in which nothing finishes before it calls that a hang.
const PATIENCE: u32 = 2_000_000;

/// What all threads look at.
struct Shared<'m> {
    scheduler: Scheduler<'m>,
    port: ModelPort,
    finished: Vec<AtomicU8>,
    total: AtomicUsize,
    stop: AtomicBool,
}

/// Counts how often each task finishes.
struct Watch<'a, 'm>(&'a Shared<'m>);

impl Probe for Watch<'_, '_> {
    fn event(&self, event: Event) {
        if let Event::Finished { task, .. } = event {
            let number = usize::try_from(task.0).unwrap();
            let before = self.0.finished[number].fetch_add(1, SeqCst);
            assert_eq!(before, 0, "{task:?} finished twice");
            self.0.total.fetch_add(1, SeqCst);
        }
    }
}

/// Says stop when it goes by panic: nobody waits for the dead.
struct StopOnPanic<'a>(&'a AtomicBool);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        self.0.fetch_or(thread::panicking(), SeqCst);
    }
}

impl Shared<'_> {
    fn until_stopped(&self, mut step: impl FnMut(&Watch<'_, '_>) -> bool) {
        let _guard = StopOnPanic(&self.stop);
        while !self.stop.load(SeqCst) {
            if !step(&Watch(self)) {
                thread::yield_now();
            }
        }
    }

    /// A core ends what it runs, now or after a while that may be too long, and starts the next.
    fn step_core(&self, random: &mut Rand32, core: CoreId) {
        if !self.port.is_idle(core) {
            if below(random, 3) > 0 {
                return;
            }
            self.port.finish(core);
        }
        if let Some((_, launch)) = self.port.start(core)
            && launch.args > 0
        {
            let holds = WireCondition::counter(self.port.counter(0), 0);
            self.port.defer(core, &[holds]);
        }
    }

    fn drive_device(&self, seed: u64) {
        let mut random = Rand32::new(seed);
        self.until_stopped(|_| {
            for core in self.scheduler.chip().all() {
                self.step_core(&mut random, core);
            }
            self.port.pass_time(u64::from(random.rand_range(0..60)));
            false
        });
    }

    /// Wires all tasks in, waits for their ends, and then until nothing is quarantined.
    fn submit(&self, submitter: &mut Submitter<'_>, seed: u64) {
        let mut random = Rand32::new(seed);
        let (mut wired, mut last) = (0, None);
        let (mut seen, mut patience) = (0, PATIENCE);
        self.until_stopped(|_| {
            let total = self.total.load(SeqCst);
            patience = if total > seen { PATIENCE } else { patience - 1 };
            assert!(patience > 0, "nothing moves any more at {total} of {TASKS}");
            seen = total;
            if wired == TASKS {
                let is_over = total == TASKS && self.scheduler.quarantined() == (0, 0);
                self.stop.fetch_or(is_over, SeqCst);
                return false;
            }
            let spec = random_spec(wired, &mut random);
            let after = last.filter(|_| below(&mut random, 4) == 0);
            match submitter.submit(&self.scheduler, &NoProbe, &spec, after.as_slice()) {
                Ok(slot) => (wired, last) = (wired + 1, Some(slot)),
                Err(error) => assert!(error.is_temporary(), "{error}"),
            }
            true
        });
    }
}

fn random_spec(number: usize, random: &mut Rand32) -> TaskSpec {
    let shape = [Shape::Aic, Shape::Aiv, Shape::Mix][below(random, 3)];
    let task = TaskId::new(0, u32::try_from(number).unwrap());
    let mut spec = TaskSpec {
        subtasks: Subtasks::from_bits_truncate([1, 3, 6, 7][below(random, 4)]),
        blocks: 1 + u16::try_from(below(random, 4)).unwrap(),
        run_budget_ns: [0, 100, 400, 2_000][below(random, 4)],
        args: u64::from(random.rand_range(0..2)),
        ..TaskSpec::new(task, shape)
    };
    spec.sync_start = spec.blocks <= 2 && below(random, 3) == 0;
    spec.may_defer = u8::try_from(spec.args * u64::from(spec.retirements())).unwrap();
    spec
}

fn race(target: &'static Target, seed: u64) -> Ledger {
    let chip = Chip {
        target,
        cores: 12,
        host_lanes: 0,
        handlers: 2,
    };
    let limits = Limits {
        mailbox: 8,
        slots: 128,
        conditions: 64,
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
    let shared = Shared {
        scheduler,
        port: ModelPort::new(&chip, Lines::of(&chip), 1),
        finished: (0..TASKS).map(|_| AtomicU8::new(0)).collect(),
        total: AtomicUsize::new(0),
        stop: AtomicBool::new(false),
    };
    let it = &shared;
    thread::scope(|scope| {
        for handler in &mut handlers {
            scope.spawn(move || {
                it.until_stopped(|watch| {
                    let _ = handler.pass(&it.scheduler, &it.port, watch);
                    false
                });
            });
        }
        let dispatcher = &mut dispatcher;
        scope.spawn(move || {
            it.until_stopped(|watch| dispatcher.pass(&it.scheduler, &it.port, watch).progress);
        });
        scope.spawn(move || it.drive_device(seed + 1));
        it.submit(&mut submitter, seed);
    });
    assert_eq!(shared.total.load(SeqCst), TASKS);
    assert_eq!(shared.scheduler.room().0, 0, "condition room leaked");
    let mut ledger = *submitter.ledger();
    for part in [
        dispatcher.ledger(),
        handlers[0].ledger(),
        handlers[1].ledger(),
    ] {
        ledger.merge(part);
    }
    let (_, in_mailbox) = shared.scheduler.waiting().unwrap();
    assert!(ledger.adds_up(0, u64::from(in_mailbox)), "{ledger:?}");
    ledger
}

#[test]
fn f07_a_fin_that_races_its_timeout_wins_or_loses_and_nothing_is_lost() {
    for (seed, target) in (1..).zip(TARGETS) {
        let ledger = race(target, seed);
        assert!(ledger.fins_received > 0 && ledger.finished() == TASKS as u64);
        let ends = [ledger.completed, ledger.failed, ledger.cancelled];
        assert!(ends.iter().all(|&count| count > 0), "{ledger:?}");
        assert!(ledger.fins_stale > 0, "nobody was late: {ledger:?}");
    }
}

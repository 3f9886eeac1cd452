//! Real threads: handlers, dispatch, submission and the device each on their own.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering::SeqCst};
use std::thread;

use finbox_scheduler::{
    Assembly, Chip, Completion, CoreId, Event, HandlerStep, Ledger, NoProbe, Outcome, Probe,
    Scheduler, Shape, SlotId, Start, Submitter, Target, TaskId, TaskSpec,
};
use finbox_tests::house::{House, Limits};
use finbox_tests::model_port::{Lines, ModelPort, WireCondition};
use oorandom::Rand32;

use crate::fixture::{TARGETS, below};

const TASKS: usize = 20_000;
const COUNTERS: usize = 16;
/// Looks of the submitter in which nothing finishes before it calls that a hang.
const PATIENCE: u32 = 2_000_000;

/// A task of the graph, by its number.
struct Node {
    shape: Shape,
    /// Conditions it will register.
    conditions: u8,
    /// Numbers of the tasks before it.
    after: Vec<usize>,
}

fn graph(seed: u64) -> Vec<Node> {
    let mut random = Rand32::new(seed);
    let node = |number: usize| {
        let near = u32::try_from(number.min(100)).unwrap();
        let shape = match random.rand_range(0..10) {
            0 => Shape::Dummy,
            1 => Shape::Host,
            2..=4 => Shape::Aic,
            _ => Shape::Aiv,
        };
        let defers = shape != Shape::Dummy && random.rand_range(0..3) == 0;
        let wanted = random.rand_range(0..4).min(near);
        let after = (0..wanted).map(|_| number - 1 - random.rand_range(0..near) as usize);
        Node {
            shape,
            after: after.collect(),
            conditions: if defers {
                u8::try_from(random.rand_range(1..4)).unwrap()
            } else {
                0
            },
        }
    };
    (0..TASKS).map(node).collect()
}

/// Says stop when it goes, also when a thread panics: nobody waits for the dead.
struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(true, SeqCst);
        }
    }
}

/// What all threads look at.
struct Shared<'m> {
    scheduler: Scheduler<'m>,
    port: ModelPort,
    graph: Vec<Node>,
    finished: Vec<AtomicU8>,
    /// How many have finished.
    total: AtomicUsize,
    started: Vec<AtomicU8>,
    stop: AtomicBool,
}

fn number(task: TaskId) -> usize {
    usize::try_from(task.0).unwrap()
}

/// The device's own state.
struct Device {
    random: Rand32,
    /// What each counter will have reached when nothing is owed any more.
    planned: [u32; COUNTERS],
    /// Counters that are still to be raised, once for each time they stand here.
    owed: Vec<usize>,
    running: Vec<bool>,
}

impl Device {
    /// One core ends what it runs, or not yet, and starts what is next.
    fn step(&mut self, shared: &Shared<'_>, core: CoreId) {
        let ends = self.running[core.index()] && self.random.rand_range(0..2) == 0;
        if ends {
            self.running[core.index()] = false;
            shared.port.finish(core);
        }
        let Some((_, launch)) = shared.port.start(core) else {
            return;
        };
        self.running[core.index()] = true;
        let number = number(launch.task);
        shared.starts(number);
        let count = shared.graph[number].conditions;
        let conditions: Vec<_> = (0..count).map(|_| self.condition(&shared.port)).collect();
        if count > 0 {
            shared.port.defer(core, &conditions);
        }
    }

    /// A condition that will hold some time.
    fn condition(&mut self, port: &ModelPort) -> WireCondition {
        let counter = below(&mut self.random, COUNTERS);
        self.planned[counter] += 1;
        self.owed.push(counter);
        WireCondition::counter(port.counter(counter), self.planned[counter])
    }

    /// Raises one counter now and then.
    fn engines(&mut self, port: &ModelPort) {
        let pick = below(&mut self.random, 16);
        if pick < self.owed.len() {
            port.add_counter(self.owed.swap_remove(pick), 1);
        }
    }
}

/// Checks that a task finishes once, and after it ran.
struct Watch<'a, 'm>(&'a Shared<'m>);

impl Probe for Watch<'_, '_> {
    fn event(&self, event: Event) {
        if let Event::Finished { task, outcome, .. } = event {
            let number = number(task);
            assert_eq!(outcome, Outcome::Completed);
            let ran = self.0.started[number].load(SeqCst) == 1;
            assert!(ran || self.0.graph[number].shape == Shape::Dummy);
            assert_eq!(
                self.0.finished[number].fetch_add(1, SeqCst),
                0,
                "{task:?} twice"
            );
            self.0.total.fetch_add(1, SeqCst);
        }
    }
}

impl Shared<'_> {
    /// Repeats `step` until everybody is to stop.
    fn until_stopped(&self, mut step: impl FnMut(&Watch<'_, '_>) -> bool) {
        let _guard = StopOnDrop(&self.stop);
        while !self.stop.load(SeqCst) {
            if !step(&Watch(self)) {
                thread::yield_now();
            }
        }
    }

    /// All cores and engines, on one thread, in an order that the seed decides.
    fn drive_device(&self, seed: u64) {
        let mut device = Device {
            random: Rand32::new(seed),
            planned: [0; COUNTERS],
            owed: Vec::new(),
            running: vec![false; self.scheduler.chip().lanes()],
        };
        self.until_stopped(|_| {
            for core in self.scheduler.chip().all() {
                device.step(self, core);
            }
            device.engines(&self.port);
            false
        });
    }

    fn starts(&self, number: usize) {
        assert_eq!(
            self.started[number].fetch_add(1, SeqCst),
            0,
            "{number} started twice"
        );
        for &before in &self.graph[number].after {
            let finished = self.finished[before].load(SeqCst);
            assert_eq!(finished, 1, "{number} started before {before} had finished");
        }
    }

    /// Wires all tasks in and waits for their end.
    fn submit(&self, submitter: &mut Submitter<'_>) {
        let mut slots: Vec<SlotId> = Vec::with_capacity(TASKS);
        let (mut seen, mut patience) = (0, PATIENCE);
        self.until_stopped(|_| {
            let total = self.total.load(SeqCst);
            patience = if total > seen { PATIENCE } else { patience - 1 };
            assert!(patience > 0, "nothing moves any more at {total} of {TASKS}");
            seen = total;
            let number = slots.len();
            let Some(node) = self.graph.get(number) else {
                self.stop.fetch_or(total == TASKS, SeqCst);
                return false;
            };
            let task = TaskId::new(0, u32::try_from(number).unwrap());
            let spec = TaskSpec {
                may_defer: node.conditions,
                ..TaskSpec::new(task, node.shape)
            };
            let after: Vec<_> = node.after.iter().map(|&before| slots[before]).collect();
            match submitter.submit(&self.scheduler, &NoProbe, &spec, &after) {
                Ok(slot) => slots.push(slot),
                Err(error) => assert!(error.is_temporary(), "{error}"),
            }
            slots.len() > number
        });
    }
}

/// Runs the graph; the ledger of all parts.
fn run(target: &'static Target, seed: u64, completion: Completion) -> Ledger {
    let chip = Chip {
        target,
        cores: 6,
        host_lanes: 1,
        handlers: 2,
    };
    let limits = Limits {
        mailbox: 4,
        slots: 256,
        nodes: 700,
        conditions: 64,
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
    let counts = || (0..TASKS).map(|_| AtomicU8::new(0)).collect();
    let shared = Shared {
        scheduler,
        port: ModelPort::new(&chip, Lines::of(&chip), COUNTERS),
        graph: graph(seed),
        finished: counts(),
        total: AtomicUsize::new(0),
        started: counts(),
        stop: AtomicBool::new(false),
    };
    let it = &shared;
    thread::scope(|scope| {
        for handler in &mut handlers {
            scope.spawn(move || {
                let step = |watch: &Watch<'_, '_>| handler.pass(&it.scheduler, &it.port, watch);
                let mut step = step;
                it.until_stopped(|watch| step(watch) == HandlerStep::Progress);
            });
        }
        let dispatcher = &mut dispatcher;
        scope.spawn(move || {
            it.until_stopped(|watch| dispatcher.pass(&it.scheduler, &it.port, watch).progress);
        });
        scope.spawn(move || it.drive_device(seed + 1));
        it.submit(&mut submitter);
    });
    assert_eq!(shared.scheduler.waiting(), Some((0, 0)));
    assert_eq!(shared.scheduler.room().0, 0);
    assert_eq!(shared.scheduler.fault(), None);
    let mut ledger = *submitter.ledger();
    for part in [
        dispatcher.ledger(),
        handlers[0].ledger(),
        handlers[1].ledger(),
    ] {
        ledger.merge(part);
    }
    ledger
}

/// Every task of the graph completed, with all its conditions, and the ledger adds up.
fn assert_all_finished(ledger: &Ledger, seed: u64) {
    assert!(ledger.adds_up(0, 0), "{ledger:?}");
    assert_eq!(ledger.completed, TASKS as u64);
    let conditions: u64 = graph(seed)
        .iter()
        .map(|node| u64::from(node.conditions))
        .sum();
    assert_eq!(ledger.conditions, conditions);
    assert_eq!(ledger.deferred, ledger.normal_done);
}

#[test]
fn twenty_thousand_tasks_on_five_threads_finish_once_each_and_in_order() {
    for (seed, target) in (1..).zip(TARGETS) {
        let ledger = run(target, seed, Completion::Mailbox);
        assert_all_finished(&ledger, seed);
        assert!(
            ledger.deferred > TASKS as u64 / 4 && ledger.full > 0,
            "{ledger:?}"
        );
    }
}

#[test]
fn under_the_lock_the_same_tasks_finish_and_the_ring_is_not_used() {
    for (seed, target) in (1..).zip(TARGETS) {
        let ledger = run(target, seed, Completion::Locked);
        assert_all_finished(&ledger, seed);
        assert_eq!((ledger.full, ledger.mailbox_high_water), (0, 0));
    }
}

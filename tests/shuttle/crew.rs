//! A whole scheduler with all its threads: handlers, dispatch, devices, an engine, and the model's
//! own thread, which submits.
//!
//! They rest as the runtime's threads do: whoever sees nothing that could change in silence parks,
//! so a lost wake-up is a deadlock, which shuttle reports.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, OnceLock};

use finbox_mailbox::WakeToken;
use finbox_scheduler::{
    A2A3, Assembly, Chip, CoreId, Dispatcher, Event, FinHandler, HandlerStep, Ledger,
    Limits as Budgets, NoProbe, Outcome, Probe, Scheduler, Shape, SlotId, Start, Submitter, TaskId,
    TaskSpec,
};
use finbox_tests::house::{House, Limits};
use finbox_tests::model_port::{Lines, ModelPort, WireCondition};
use shuttle::rand::{Rng, thread_rng};
use shuttle::thread::{self, Thread};

/// Counters of one task: more conditions than a ring of 2 or 4 slots takes.
const PER_TASK: usize = 6;

/// A task of a plan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    pub(crate) shape: Shape,
    pub(crate) conditions: usize,
    pub(crate) after: &'static [usize],
    /// Its core reports an error.
    pub(crate) fails: bool,
    pub(crate) run_budget_ns: u64,
}

impl Work {
    /// A task of `shape` that registers `conditions` conditions.
    pub(crate) const fn new(shape: Shape, conditions: usize, after: &'static [usize]) -> Self {
        assert!(conditions <= PER_TASK, "each has a counter of its own");
        Self {
            shape,
            conditions,
            after,
            fails: false,
            run_budget_ns: 0,
        }
    }
}

/// What runs, on how much, and what goes wrong.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) works: Vec<Work>,
    pub(crate) handlers: u8,
    pub(crate) devices: usize,
    /// Persistent workers, over a ring of two items.
    pub(crate) workers: usize,
    pub(crate) mailbox: usize,
    pub(crate) slots: usize,
    /// Handler 0 dies between claim and publish.
    pub(crate) dies: bool,
    /// How long a gap may last.
    pub(crate) gap_ns: Option<u64>,
    /// The first device resets the chip when it has finished so many tokens.
    pub(crate) resets_after: Option<usize>,
    /// The model's thread says stop when so many tasks are finished.
    pub(crate) stops_after: usize,
}

impl Plan {
    /// Ten threads; nothing goes wrong.
    pub(crate) fn new(works: &[Work], mailbox: usize) -> Self {
        Self {
            works: works.to_vec(),
            handlers: 5,
            devices: 2,
            workers: 0,
            mailbox,
            slots: works.len(),
            dies: false,
            gap_ns: None,
            resets_after: None,
            stops_after: works.len(),
        }
    }

    fn chip(&self) -> Chip {
        Chip {
            target: &A2A3,
            cores: 3 * u16::from(self.handlers),
            host_lanes: 1,
            handlers: self.handlers,
        }
    }

    fn limits(&self) -> Limits {
        Limits {
            mailbox: self.mailbox,
            slots: self.slots,
            nodes: 32,
            conditions: 64,
            queues: 1,
            scopes: 1,
            work_slots: 2 * usize::from(self.workers > 0),
            workers: self.workers,
            start: Start {
                limits: Budgets {
                    gap_ns: self.gap_ns,
                    ..Budgets::NONE
                },
                ..Limits::default().start
            },
            ..Limits::default()
        }
    }

    /// Runs the plan once, with every thread, and checks what must hold whatever happened.
    pub(crate) fn run(&self) -> Report {
        let chip = self.chip();
        let mut house = House::new(&chip, &self.limits());
        let mut assembly = house.assemble(chip);
        let mut handlers: Vec<_> = (0..self.handlers).map(|_| assembly.handler()).collect();
        if self.dies {
            handlers[0].die_in_batch(1);
        }
        let Assembly {
            scheduler,
            mut submitter,
            mut dispatcher,
            ..
        } = assembly;
        let crew = Crew::new(self, chip, scheduler);
        let it = &crew;
        thread::scope(|scope| {
            for (post, handler) in it.handlers.iter().zip(&mut handlers) {
                scope.spawn(move || it.handle(post, handler));
            }
            let dispatcher = &mut dispatcher;
            scope.spawn(move || it.dispatch(dispatcher));
            let share = chip.lanes().div_ceil(self.devices);
            for (index, post) in it.devices.iter().enumerate() {
                let cores = index * share..chip.lanes().min((index + 1) * share);
                let resets_after = self.resets_after.filter(|_| index == 0);
                scope.spawn(move || it.drive(post, cores, resets_after));
            }
            scope.spawn(|| it.raise(&it.engine));
            for (index, post) in (1..).zip(&it.workers) {
                scope.spawn(move || it.serve(post, index));
            }
            it.submit(&mut submitter);
            it.stop();
        });
        let mut ledger = *submitter.ledger();
        ledger.messages_accepted += crew.said.load(Relaxed);
        ledger.merge(dispatcher.ledger());
        handlers
            .iter()
            .for_each(|handler| ledger.merge(handler.ledger()));
        crew.report(ledger)
    }
}

/// What a run left.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// Tasks by number, in the order in which they finished.
    pub(crate) finished: Vec<(usize, Outcome)>,
    pub(crate) ledger: Ledger,
    pub(crate) fault: Option<u16>,
}

impl Report {
    /// How the task with this number ended.
    pub(crate) fn outcome(&self, number: usize) -> Outcome {
        let found = self.finished.iter().find(|(task, _)| *task == number);
        found.expect("it finished").1
    }

    /// Numbers in order of finishing.
    pub(crate) fn order(&self) -> Vec<usize> {
        self.finished.iter().map(|(number, _)| *number).collect()
    }
}

/// A thread that may park.
#[derive(Default)]
pub(crate) struct Post {
    token: WakeToken,
    thread: OnceLock<Thread>,
}

impl Post {
    fn adopt(&self) {
        let adopted = self.thread.set(thread::current());
        assert!(adopted.is_ok(), "a post belongs to one thread");
    }

    pub(crate) fn wake(&self) {
        if self.token.ring()
            && let Some(thread) = self.thread.get()
        {
            thread.unpark();
        }
    }

    /// Rests after a look that saw nothing; `watching`: something may change in silence.
    fn rest(&self, watching: bool) {
        match watching {
            true => thread::yield_now(),
            false if self.token.try_park() => thread::park(),
            false => {}
        }
    }
}

/// What all threads look at.
pub(crate) struct Crew<'a, 'm> {
    pub(crate) plan: &'a Plan,
    pub(crate) scheduler: Scheduler<'m>,
    port: ModelPort,
    handlers: Vec<Post>,
    pub(crate) dispatch: Post,
    devices: Vec<Post>,
    engine: Post,
    workers: Vec<Post>,
    /// Messages that workers pushed.
    pub(crate) said: AtomicU64,
    main: Thread,
    stop: AtomicBool,
    started: Vec<AtomicBool>,
    /// Counters that tasks wait for and nobody has raised yet.
    owed: Mutex<Vec<usize>>,
    raised: Mutex<Vec<usize>>,
    finished: Mutex<Vec<(usize, Outcome)>>,
}

/// Whether the device does its next thing now, or looks again first.
pub(crate) fn is_now() -> bool {
    thread_rng().gen_range(0..4) == 0
}

fn number(task: TaskId) -> usize {
    usize::try_from(task.0).unwrap()
}

impl Probe for Crew<'_, '_> {
    fn event(&self, event: Event) {
        let Event::Finished { task, outcome, .. } = event else {
            return;
        };
        let number = number(task);
        let mut finished = self.finished.lock().unwrap();
        assert!(
            finished.iter().all(|(other, _)| *other != number),
            "task {number} finished twice"
        );
        if outcome == Outcome::Completed {
            let work = self.plan.works[number];
            let ran = self.started[number].load(Relaxed) || work.shape == Shape::Dummy;
            assert!(ran, "task {number} completed before it ran");
            let raised = self.raised.lock().unwrap();
            let counters = number * PER_TASK..number * PER_TASK + work.conditions;
            assert!(
                { counters }.all(|counter| raised.contains(&counter)),
                "task {number} completed before its conditions"
            );
        }
        finished.push((number, outcome));
        let is_enough = finished.len() == self.plan.stops_after;
        // A lock of std must not be held where shuttle may switch.
        drop(finished);
        if is_enough {
            self.main.unpark();
        }
    }
}

impl<'a, 'm> Crew<'a, 'm> {
    fn new(plan: &'a Plan, chip: Chip, scheduler: Scheduler<'m>) -> Self {
        let posts = |count| (0..count).map(|_| Post::default()).collect();
        let tasks = plan.works.len();
        Self {
            plan,
            scheduler,
            port: ModelPort::new(&chip, Lines::of(&chip), tasks * PER_TASK),
            handlers: posts(usize::from(plan.handlers)),
            dispatch: Post::default(),
            devices: posts(plan.devices),
            engine: Post::default(),
            workers: posts(plan.workers),
            said: AtomicU64::new(0),
            main: thread::current(),
            stop: AtomicBool::new(false),
            started: (0..tasks).map(|_| AtomicBool::new(false)).collect(),
            owed: Mutex::default(),
            raised: Mutex::default(),
            finished: Mutex::default(),
        }
    }

    fn stop(&self) {
        self.stop.store(true, Relaxed);
        let posts = self.handlers.iter().chain(&self.devices);
        let posts = posts.chain([&self.dispatch, &self.engine]);
        let posts = posts.chain(&self.workers);
        posts.for_each(Post::wake);
    }

    /// Calls `step` until all is over; it says whether something may change in silence.
    pub(crate) fn until_stopped(&self, post: &Post, mut step: impl FnMut() -> bool) {
        post.adopt();
        loop {
            post.token.clear();
            if self.stop.load(Relaxed) {
                return;
            }
            let watching = step();
            post.rest(watching);
        }
    }

    fn handle(&self, post: &Post, handler: &mut FinHandler<'m>) {
        self.until_stopped(post, || {
            let step = handler.pass(&self.scheduler, &self.port, self);
            if step == HandlerStep::Progress {
                self.dispatch.wake();
            }
            step != HandlerStep::Idle
        });
    }

    fn dispatch(&self, dispatcher: &mut Dispatcher<'m>) {
        self.until_stopped(&self.dispatch, || {
            let pass = dispatcher.pass(&self.scheduler, &self.port, self);
            for handler in pass.handlers.each() {
                self.handlers[usize::from(handler)].wake();
            }
            if pass.progress {
                self.workers.iter().for_each(Post::wake);
            }
            if !pass.handlers.is_empty() {
                self.devices.iter().for_each(Post::wake);
            }
            pass.watching || pass.progress || pass.deadline_ns.is_some()
        });
    }

    /// The engines: counters that tasks wait for are raised one by one, now or later.
    fn raise(&self, post: &Post) {
        self.until_stopped(post, || {
            let mut owed = self.owed.lock().unwrap();
            if owed.is_empty() {
                return false;
            }
            if is_now() {
                let pick = thread_rng().gen_range(0..owed.len());
                let counter = owed.swap_remove(pick);
                self.raised.lock().unwrap().push(counter);
                self.port.set_counter(counter, 1);
            }
            true
        });
    }

    /// Some of the cores.
    fn drive(&self, post: &Post, cores: Range<usize>, resets_after: Option<usize>) {
        let mut ended = 0;
        self.until_stopped(post, || {
            let mut moved = false;
            for core in cores.clone() {
                let core = CoreId(u16::try_from(core).unwrap());
                if self.move_core(core, &mut ended) {
                    moved = true;
                    thread::yield_now();
                }
                if resets_after == Some(ended) {
                    ended += 1;
                    self.port.reset();
                    self.dispatch.wake();
                }
            }
            moved
        });
    }

    /// The core ends what it runs, or else starts what is next; whether it has anything to do.
    fn move_core(&self, core: CoreId, ended: &mut usize) -> bool {
        if !self.port.is_idle(core) {
            if is_now() {
                self.port.finish(core);
                *ended += 1;
            }
            return true;
        }
        let Some((_, launch)) = self.port.start(core) else {
            return false;
        };
        let number = number(launch.task);
        self.start(number);
        let work = self.plan.works[number];
        let counters = number * PER_TASK..number * PER_TASK + work.conditions;
        let conditions = counters.clone();
        let conditions = conditions.map(|it| WireCondition::counter(self.port.counter(it), 1));
        self.port.defer(core, &conditions.collect::<Vec<_>>());
        if work.fails {
            let code = finbox_scheduler::ERROR_FATAL;
            self.port.write_slab_header(core, 0, code);
        } else {
            self.owed.lock().unwrap().extend(counters);
            self.engine.wake();
        }
        true
    }

    /// A core, or a worker, begins the task with this number.
    pub(crate) fn start(&self, number: usize) {
        let again = self.started[number].swap(true, Relaxed);
        assert!(!again, "task {number} started twice");
        self.assert_comes_after(number);
    }

    fn assert_comes_after(&self, number: usize) {
        let finished = self.finished.lock().unwrap();
        for before in self.plan.works[number].after {
            let is_done = finished.contains(&(*before, Outcome::Completed));
            assert!(is_done, "{number} started before {before} had completed");
        }
    }

    /// Wires all tasks in and waits for as many as the plan says.
    fn submit(&self, submitter: &mut Submitter<'_>) {
        let mut slots: Vec<SlotId> = Vec::new();
        for (number, work) in self.plan.works.iter().enumerate() {
            let task = TaskId::new(0, u32::try_from(number).unwrap());
            let spec = TaskSpec {
                may_defer: u8::try_from(work.conditions).unwrap(),
                run_budget_ns: work.run_budget_ns,
                args: number as u64,
                ..TaskSpec::new(task, work.shape)
            };
            let after: Vec<_> = work.after.iter().map(|&before| slots[before]).collect();
            loop {
                match submitter.submit(&self.scheduler, &NoProbe, &spec, &after) {
                    Ok(slot) => break slots.push(slot),
                    Err(error) => assert!(error.is_temporary(), "{error}"),
                }
                thread::yield_now();
            }
            self.dispatch.wake();
        }
        while self.finished.lock().unwrap().len() < self.plan.stops_after {
            thread::park();
        }
    }

    /// Checks the ledger, and when all tasks were waited for that nothing is left anywhere.
    fn report(self, ledger: Ledger) -> Report {
        let finished = self.finished.into_inner().unwrap();
        let mut live = 0;
        self.scheduler.for_each_stuck(|_| live += 1);
        assert_eq!(finished.len() + live, self.plan.works.len());
        let (waiting, in_mailbox) = self.scheduler.waiting().expect("nobody holds the list");
        let is_whole = ledger.adds_up(live as u64, u64::from(in_mailbox));
        assert!(
            is_whole,
            "{live} live, {in_mailbox} in the mailbox: {ledger:?}"
        );
        if live == 0 {
            assert_eq!((waiting, self.scheduler.room().0), (0, 0), "{ledger:?}");
        }
        Report {
            finished,
            ledger,
            fault: self.scheduler.fault().map(|fault| fault.code as u16),
        }
    }
}

//! A whole scheduler over a model of the machine, advanced by hand on one thread.

use std::sync::Mutex;

use finbox_scheduler::target::{A2A3, A5};
use finbox_scheduler::{
    Assembly, Chip, CoreId, Dispatcher, ENTRIES_OFFSET, ENTRY_BYTES, Event, FaultCode, FinHandler,
    HandlerStep, Ledger, NoProbe, Outcome, Pass, Port, Probe, SETTLE_BUDGET, SLAB_BYTES, Scheduler,
    Shape, SlotId, StuckCondition, SubmitError, Submitter, Subtasks, Target, TaskId, TaskSpec,
    Token,
};
use finbox_tests::house::{House, Limits};
use finbox_tests::model_port::{Lines, ModelPort, WireCondition};
use oorandom::Rand32;

/// Every target: what is claimed of a chip is claimed of each.
pub(crate) const TARGETS: [&Target; 2] = [&A2A3, &A5];

/// Counters that a model has.
pub(crate) const COUNTERS: usize = 64;

/// The first cluster (AIV 0, AIC 1, AIV 2) and host lane 3, one handler.
pub(crate) const fn cluster(target: &'static Target) -> Chip {
    Chip {
        target,
        cores: 3,
        host_lanes: 1,
        handlers: 1,
    }
}

/// `clusters` clusters, one handler.
pub(crate) const fn clusters(target: &'static Target, clusters: u16) -> Chip {
    Chip {
        target,
        cores: 3 * clusters,
        host_lanes: 0,
        handlers: 1,
    }
}

/// The AIC core of [`cluster`]: the only one of its shape.
pub(crate) const AIC: CoreId = CoreId(1);

/// What a task does when a core runs it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script {
    pub(crate) conditions: Vec<WireCondition>,
    /// Count and error fields, when they are to say something else than the truth.
    pub(crate) header: Option<(u32, i32)>,
}

/// A listener that remembers.
#[derive(Debug, Default)]
pub(crate) struct Log(Mutex<Vec<Event>>);

impl Probe for Log {
    fn event(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

impl Log {
    pub(crate) fn events(&self) -> Vec<Event> {
        self.0.lock().unwrap().clone()
    }

    fn pick<T>(&self, pick: impl FnMut(Event) -> Option<T>) -> Vec<T> {
        self.events().into_iter().filter_map(pick).collect()
    }

    /// Outcomes in the order they were decided.
    pub(crate) fn finished(&self) -> Vec<(SlotId, Outcome)> {
        self.pick(|event| match event {
            Event::Finished { slot, outcome, .. } => Some((slot, outcome)),
            _ => None,
        })
    }

    /// How `slot` ended, which must have been decided exactly once.
    pub(crate) fn outcome(&self, slot: SlotId) -> Outcome {
        let all = self.finished();
        let mut of_slot = all.iter().filter(|(finished, _)| *finished == slot);
        let (_, outcome) = of_slot.next().expect("the task was finished");
        assert_eq!(of_slot.next(), None, "{slot:?} finished twice");
        *outcome
    }

    pub(crate) fn is_finished(&self, slot: SlotId) -> bool {
        self.finished()
            .iter()
            .any(|(finished, _)| *finished == slot)
    }

    pub(crate) fn dispatched(&self) -> Vec<(CoreId, Token, SlotId)> {
        self.pick(|event| match event {
            Event::Dispatched { core, token, slot } => Some((core, token, slot)),
            _ => None,
        })
    }

    /// Faults, with the cores to blame, in the order they were raised.
    pub(crate) fn raised(&self) -> Vec<(FaultCode, TaskId, Option<CoreId>)> {
        self.pick(|event| match event {
            Event::Raised { fault, core } => Some((fault.code, fault.task, core)),
            _ => None,
        })
    }

    /// Cores taken out of the pool.
    pub(crate) fn quarantined(&self) -> Vec<CoreId> {
        self.pick(|event| match event {
            Event::Quarantined { core } => Some(core),
            _ => None,
        })
    }

    /// Tokens that were late: core, task, block and subtask.
    pub(crate) fn overdue(&self) -> Vec<(CoreId, SlotId, u16, Subtasks)> {
        self.pick(|event| match event {
            Event::Overdue {
                core,
                slot,
                block,
                subtask,
                ..
            } => Some((core, slot, block, subtask)),
            _ => None,
        })
    }

    /// Cores that came back, and how late their tokens were.
    pub(crate) fn returned(&self) -> Vec<(CoreId, u64)> {
        self.pick(|event| match event {
            Event::Returned { core, late_ns, .. } => Some((core, late_ns)),
            _ => None,
        })
    }

    /// Positions of the messages that could not be acted on.
    pub(crate) fn refused(&self) -> Vec<u64> {
        self.pick(|event| match event {
            Event::Refused { position, .. } => Some(position),
            _ => None,
        })
    }
}

/// A scheduler, its roles and its machine.
pub(crate) struct World<'m> {
    pub(crate) scheduler: Scheduler<'m>,
    pub(crate) submitter: Submitter<'m>,
    pub(crate) dispatcher: Dispatcher<'m>,
    pub(crate) handlers: Vec<FinHandler<'m>>,
    pub(crate) port: ModelPort,
    pub(crate) log: Log,
    pub(crate) scripts: Vec<Script>,
    /// Messages that the test pushed itself.
    pub(crate) pushed_by_hand: u64,
    /// Whether events are remembered.
    pub(crate) listens: bool,
    next_task: u32,
}

impl<'m> World<'m> {
    pub(crate) fn new(house: &'m mut House, chip: Chip, lines: Lines) -> Self {
        let mut assembly = house.assemble(chip);
        let handlers = (0..chip.handlers).map(|_| assembly.handler()).collect();
        let Assembly {
            scheduler,
            submitter,
            dispatcher,
            ..
        } = assembly;
        Self {
            scheduler,
            submitter,
            dispatcher,
            handlers,
            port: ModelPort::new(&chip, lines, COUNTERS),
            log: Log::default(),
            scripts: vec![Script::default()],
            pushed_by_hand: 0,
            listens: true,
            next_task: 0,
        }
    }

    /// A script that leaves `conditions`; its number goes into `args`.
    pub(crate) fn script(&mut self, conditions: &[WireCondition]) -> u64 {
        self.scripts.push(Script {
            conditions: conditions.to_vec(),
            header: None,
        });
        self.scripts.len() as u64 - 1
    }

    /// "Counter `index` reaches `expected`."
    pub(crate) fn counter(&self, index: usize, expected: u32) -> WireCondition {
        WireCondition::counter(self.port.counter(index), expected)
    }

    pub(crate) fn spec(&mut self, shape: Shape, may_defer: u8, args: u64) -> TaskSpec {
        self.next_task += 1;
        TaskSpec {
            may_defer,
            args,
            ..TaskSpec::new(TaskId::new(0, self.next_task), shape)
        }
    }

    pub(crate) fn try_submit(
        &mut self,
        (shape, may_defer, args): (Shape, u8, u64),
        after: &[SlotId],
    ) -> Result<SlotId, SubmitError> {
        let spec = self.spec(shape, may_defer, args);
        self.try_submit_spec(&spec, after)
    }

    pub(crate) fn try_submit_spec(
        &mut self,
        spec: &TaskSpec,
        after: &[SlotId],
    ) -> Result<SlotId, SubmitError> {
        let submitter = &mut self.submitter;
        match self.listens {
            true => submitter.submit(&self.scheduler, &self.log, spec, after),
            false => submitter.submit(&self.scheduler, &NoProbe, spec, after),
        }
    }

    /// Submits a task without conditions that is what `change` makes of it; it must fit.
    pub(crate) fn task(
        &mut self,
        shape: Shape,
        after: &[SlotId],
        change: impl FnOnce(&mut TaskSpec),
    ) -> SlotId {
        let mut spec = self.spec(shape, 0, 0);
        change(&mut spec);
        self.try_submit_spec(&spec, after).expect("there is room")
    }

    /// Submits an AIV task that leaves `conditions` and lets each of them take `wait_budget_ns`.
    pub(crate) fn in_time(&mut self, wait_budget_ns: u64, conditions: &[WireCondition]) -> SlotId {
        let args = self.script(conditions);
        let may_defer = u8::try_from(conditions.len()).unwrap();
        let spec = TaskSpec {
            wait_budget_ns,
            ..self.spec(Shape::Aiv, may_defer, args)
        };
        let (scheduler, log) = (&self.scheduler, &self.log);
        let submitted = self.submitter.submit(scheduler, log, &spec, &[]);
        submitted.expect("there is room")
    }

    /// `core`, whose first token has finished, goes on writing into its slab: condition `index`
    /// watches nothing now.
    pub(crate) fn spoil(&self, core: CoreId, index: u64) {
        let slab = self.port.slab_address(core, Token::FIRST.parity());
        self.port
            .poke(slab + ENTRIES_OFFSET + index * ENTRY_BYTES, 0);
        self.port.refresh(slab, SLAB_BYTES);
    }

    /// What `slot`'s conditions say of themselves.
    pub(crate) fn unmet(&self, slot: SlotId) -> Vec<StuckCondition> {
        let mut unmet = Vec::new();
        let seen = self.scheduler.for_each_unmet(&self.port, |condition| {
            if condition.slot == slot {
                unmet.push(condition);
            }
        });
        assert!(seen, "nobody holds the list");
        unmet
    }

    /// Submits what must fit.
    pub(crate) fn submit(&mut self, what: (Shape, u8, u64), after: &[SlotId]) -> SlotId {
        self.try_submit(what, after).expect("there is room")
    }

    /// Submits a task that runs on a core and never defers.
    pub(crate) fn plain(&mut self, shape: Shape, after: &[SlotId]) -> SlotId {
        self.submit((shape, 0, 0), after)
    }

    /// Submits an AIV task that leaves `conditions`, exactly as many as it may.
    pub(crate) fn deferred(&mut self, conditions: &[WireCondition], after: &[SlotId]) -> SlotId {
        let args = self.script(conditions);
        let may_defer = u8::try_from(conditions.len().clamp(1, 64)).unwrap();
        self.submit((Shape::Aiv, may_defer, args), after)
    }

    pub(crate) fn dispatch(&mut self) -> Pass {
        let (scheduler, port) = (&self.scheduler, &self.port);
        match self.listens {
            true => self.dispatcher.pass(scheduler, port, &self.log),
            false => self.dispatcher.pass(scheduler, port, &NoProbe),
        }
    }

    /// One pass of every handler; whether any saw progress.
    pub(crate) fn handle(&mut self) -> bool {
        let mut progress = false;
        for handler in &mut self.handlers {
            let step = match self.listens {
                true => handler.pass(&self.scheduler, &self.port, &self.log),
                false => handler.pass(&self.scheduler, &self.port, &NoProbe),
            };
            progress |= step == HandlerStep::Progress;
        }
        progress
    }

    /// `core` takes its next token and plays the script; it does not say FIN yet.
    pub(crate) fn start(&self, core: CoreId) -> Option<SlotId> {
        let (_, launch) = self.port.start(core)?;
        let script = &self.scripts[usize::try_from(launch.args).unwrap()];
        if !script.conditions.is_empty() {
            self.port.defer(core, &script.conditions);
        }
        if let Some((count, error)) = script.header {
            self.port.write_slab_header(core, count, error);
        }
        Some(launch.slot)
    }

    /// `core` runs its next token to the end.
    pub(crate) fn run_core(&self, core: CoreId) -> Option<SlotId> {
        let slot = self.start(core)?;
        self.port.finish(core);
        Some(slot)
    }

    /// Every core runs its next token to the end; whether any had one.
    pub(crate) fn run_cores(&self) -> bool {
        let ran = self.scheduler.chip().all().map(|core| self.run_core(core));
        ran.filter(Option::is_some).count() > 0
    }

    /// Everybody moves once.
    pub(crate) fn turn(&mut self) -> bool {
        let dispatched = self.dispatch().progress;
        let ran = self.run_cores();
        let handled = self.handle();
        dispatched || ran || handled
    }

    /// Everybody moves until nobody has for as many turns as polling all conditions takes.
    pub(crate) fn run(&mut self) {
        let (_, room) = self.scheduler.room();
        let (patience, mut idle) = (room / SETTLE_BUDGET + 1, 0);
        for _ in 0..1_000_000 {
            idle = if self.turn() { 0 } else { idle + 1 };
            if idle == patience {
                return;
            }
        }
        panic!("it never comes to rest");
    }

    /// All parts of the ledger.
    pub(crate) fn ledger(&self) -> Ledger {
        let mut sum = *self.submitter.ledger();
        sum.merge(self.dispatcher.ledger());
        for handler in &self.handlers {
            sum.merge(handler.ledger());
        }
        sum.messages_accepted += self.pushed_by_hand;
        sum
    }

    /// Unfinished tasks.
    pub(crate) fn live(&self) -> u64 {
        let mut live = 0;
        self.scheduler.for_each_stuck(|_| live += 1);
        live
    }

    /// Everybody moves until nobody has, but only the cores of `cores` run anything.
    pub(crate) fn run_only(&mut self, cores: &[u16]) {
        let mut idle = 0;
        while idle < 2 {
            let dispatched = self.dispatch().progress;
            let ran = cores.iter().filter_map(|&core| self.run_core(CoreId(core)));
            let ran = ran.count() > 0;
            idle = if dispatched | ran | self.handle() {
                0
            } else {
                idle + 1
            };
        }
    }

    /// Asserts that nothing is left anywhere and nothing was lost.
    pub(crate) fn assert_done(&self) {
        let ledger = self.ledger();
        assert_eq!(self.live(), 0, "tasks are left");
        assert!(ledger.adds_up(0, 0), "something was lost: {ledger:?}");
        assert_eq!(self.scheduler.waiting(), Some((0, 0)), "somebody waits");
        assert_eq!(self.scheduler.items_out(), 0, "an item is out");
        assert_eq!(self.scheduler.room().0, 0, "condition room leaked");
    }
}

/// A random index below `bound`.
pub(crate) fn below(random: &mut Rand32, bound: usize) -> usize {
    random.rand_range(0..u32::try_from(bound).unwrap()) as usize
}

/// Runs `test` in a fresh world for each target.
pub(crate) fn on_each_target(limits: &Limits, test: impl Fn(&mut World<'_>)) {
    for target in TARGETS {
        on_chip(cluster(target), limits, &test);
    }
}

/// Runs `test` in a fresh world.
pub(crate) fn on_chip(chip: Chip, limits: &Limits, test: impl Fn(&mut World<'_>)) {
    let mut house = House::new(&chip, limits);
    let mut world = World::new(&mut house, chip, Lines::of(&chip));
    test(&mut world);
}

//! One scheduler whose tasks are launched, advanced by hand.

use std::collections::HashMap;

use finbox_runtime::launch::{Committed, Gate, LaunchError, Launcher, Offered, Words};
use finbox_runtime::plan::{Mode, Planner, Recorder};
use finbox_runtime::stream::{TimePoint, TimelineId, Wait};
use finbox_runtime::{Access, BufferId, BufferUse, WiringError};
use finbox_scheduler::target::A2A3;
use finbox_scheduler::{
    Assembly, CoreId, Dependency, Dispatcher, FinHandler, HandlerStep, Outcome, Scheduler, Shape,
    SlotId, TaskId, TaskSpec,
};
use finbox_tests::house::{House, Limits};
use finbox_tests::model_port::{Lines, ModelPort, WireCondition};

use crate::fixture::{COUNTERS, Log, cluster};

/// Kernels, by `args`: nothing, one that fails, one that runs until it is let go, and behind them
/// those of gates.
pub(super) const NOTHING: u64 = 0;
pub(super) const FAILS: u64 = 1;
pub(super) const HOLDS: u64 = 2;
pub(super) const GATES: u64 = 3;
/// The run budget of the one that is let go.
const BUDGET_NS: u64 = 10_000;

/// Where words are: the counter with the timeline's number.
pub(super) struct Machine<'a> {
    pub(super) port: &'a ModelPort,
    pub(super) conditions: Vec<WireCondition>,
    pub(super) gates: Vec<Wait>,
    pub(super) held: Vec<CoreId>,
    pub(super) now_ns: u64,
}

impl Words for Machine<'_> {
    fn signal(&mut self, timeline: TimelineId, value: u64) {
        let value = u32::try_from(value).unwrap();
        // One that no condition can name has no word.
        if Launcher::cookie(timeline).is_some() {
            self.port.set_counter(number(timeline), value);
        }
    }

    fn gate(&mut self, wait: &Wait) -> Gate {
        let timeline = wait.point.timeline;
        let addr = self.port.counter(number(timeline));
        let value = u32::try_from(wait.point.value).unwrap();
        let cookie = Launcher::cookie(timeline).unwrap();
        self.conditions.push(WireCondition {
            cookie,
            ..WireCondition::counter(addr, value)
        });
        self.gates.push(*wait);
        let task = TaskId::new(1, u32::try_from(self.gates.len()).unwrap());
        Gate::Task(TaskSpec {
            args: GATES + self.conditions.len() as u64 - 1,
            ..Launcher::gate(task, wait, self.now_ns)
        })
    }

    fn cause(&mut self, launch: TimePoint, _: SlotId) -> String {
        format!("the task of {launch} failed")
    }
}

pub(super) fn number(timeline: TimelineId) -> usize {
    let cookie = Launcher::cookie(timeline).unwrap() >> 32;
    usize::try_from(cookie).unwrap() - 1025
}

/// One scheduler whose tasks are launched.
pub(super) struct Rig<'p, 'm, 'a> {
    pub(super) scheduler: Scheduler<'m>,
    pub(super) dispatcher: Dispatcher<'m>,
    pub(super) handler: FinHandler<'m>,
    pub(super) machine: Machine<'a>,
    pub(super) log: Log,
    pub(super) launcher: Launcher<'p, 'm>,
    pub(super) recorder: Recorder<'p>,
    pub(super) kept: Committed,
    pub(super) tasks: u32,
    pub(super) slots: HashMap<TimePoint, SlotId>,
}

impl<'p, 'm, 'a> Rig<'p, 'm, 'a> {
    pub(super) fn new(planner: &'p Planner, house: &'m mut House, port: &'a ModelPort) -> Self {
        let mut assembly = house.assemble(cluster(&A2A3));
        let handler = assembly.handler();
        let Assembly {
            scheduler,
            submitter,
            dispatcher,
            ..
        } = assembly;
        Self {
            scheduler,
            dispatcher,
            handler,
            machine: Machine {
                port,
                conditions: Vec::new(),
                gates: Vec::new(),
                held: Vec::new(),
                now_ns: 0,
            },
            log: Log::default(),
            launcher: Launcher::new(planner, submitter),
            recorder: planner.recorder(),
            kept: Committed::default(),
            tasks: 0,
            slots: HashMap::new(),
        }
    }

    pub(super) fn streams<const N: usize>(&mut self, names: [&str; N]) -> [TimelineId; N] {
        names.map(|name| {
            let stream = self.launcher.planner().stream(name, 0);
            self.launcher.own(stream).unwrap();
            stream
        })
    }

    pub(super) fn spec(&mut self, kernel: u64) -> TaskSpec {
        self.tasks += 1;
        TaskSpec {
            args: kernel,
            may_defer: u8::from(kernel == FAILS),
            run_budget_ns: if kernel == HOLDS { BUDGET_NS } else { 0 },
            ..TaskSpec::new(TaskId::new(0, self.tasks), Shape::Aiv)
        }
    }

    /// Plans, commits and hands in; it need not be submitted.
    pub(super) fn hand_in(
        &mut self,
        (stream, kernel): (TimelineId, u64),
        uses: &[BufferUse],
        waits: &[Wait],
    ) -> TimePoint {
        let spec = self.spec(kernel);
        let mut recording = self.recorder.record(stream, "launch");
        for one in uses {
            recording = recording.uses("argument", one.clone());
        }
        for &wait in waits {
            recording = recording.waits(wait);
        }
        let submitted = recording.plan().expect("nothing is wrong with it").commit();
        self.kept.keep(&submitted);
        let point = submitted.point();
        self.launcher.launch(&mut self.kept, &spec, &[]).unwrap();
        point
    }

    pub(super) fn launch(
        &mut self,
        stream: TimelineId,
        uses: &[BufferUse],
        waits: &[Wait],
    ) -> TimePoint {
        let point = self.hand_in((stream, NOTHING), uses, waits);
        self.offer();
        point
    }

    /// Offers what is owed, as long as there is room.
    pub(super) fn offer(&mut self) {
        loop {
            let now_ns = self.machine.now_ns;
            let (scheduler, log, words) = (&self.scheduler, &self.log, &mut self.machine);
            match self.launcher.offer(scheduler, log, words, now_ns).unwrap() {
                Offered::Nothing | Offered::Full => return,
                Offered::Gate(_) => {}
                Offered::Launch { point, slot } => {
                    assert_eq!(self.slots.insert(point, slot), None);
                }
            }
        }
    }

    /// Plans, commits and offers a launch that the scheduler never takes.
    pub(super) fn refused(
        &mut self,
        stream: TimelineId,
        uses: &[BufferUse],
    ) -> (TimePoint, LaunchError) {
        let spec = TaskSpec {
            blocks: 0,
            ..self.spec(NOTHING)
        };
        let mut recording = self.recorder.record(stream, "bad");
        for one in uses {
            recording = recording.uses("argument", one.clone());
        }
        let submitted = recording.plan().unwrap().commit();
        self.kept.keep(&submitted);
        let point = submitted.point();
        self.launcher.launch(&mut self.kept, &spec, &[]).unwrap();
        let (scheduler, log, words) = (&self.scheduler, &self.log, &mut self.machine);
        let error = self.launcher.offer(scheduler, log, words, 0).unwrap_err();
        (point, error)
    }

    /// A task on no stream.
    pub(super) fn task(&mut self, uses: &[BufferUse]) -> SlotId {
        self.submit(NOTHING, &[], uses).unwrap()
    }

    pub(super) fn submit(
        &mut self,
        kernel: u64,
        after: &[SlotId],
        uses: &[BufferUse],
    ) -> Result<SlotId, WiringError> {
        let spec = self.spec(kernel);
        let after: Vec<_> = after.iter().map(|&slot| Dependency::wait(slot)).collect();
        let world = (&self.scheduler, &self.log, &mut self.machine);
        self.launcher.submit(world, &spec, &after, uses)
    }

    /// The budget of whatever runs passes.
    pub(super) fn too_long(&mut self) {
        self.machine.port.pass_time(BUDGET_NS + 100);
        self.run();
    }

    /// Kernels that hold end.
    pub(super) fn let_go(&mut self) {
        let port = self.machine.port;
        self.machine
            .held
            .drain(..)
            .for_each(|core| port.finish(core));
        self.run();
    }

    /// How many buffers' memory has become free.
    pub(super) fn freed(&self) -> usize {
        let mut freed = Vec::new();
        self.launcher.planner().take_freed(&mut freed);
        freed.len()
    }

    pub(super) fn run_cores(&mut self) -> bool {
        let port = self.machine.port;
        let mut ran = false;
        for core in self.scheduler.chip().all() {
            let Some((_, launch)) = port.start(core) else {
                continue;
            };
            ran = true;
            match launch.args {
                NOTHING => {}
                HOLDS => {
                    self.machine.held.push(core);
                    continue;
                }
                FAILS => port.write_slab_header(core, 0, 1),
                gate => {
                    let at = usize::try_from(gate - GATES).unwrap();
                    port.defer(core, &self.machine.conditions[at..=at]);
                }
            }
            port.finish(core);
        }
        ran
    }

    /// Everybody moves once; `turns`: the submitter looks at its streams.
    pub(super) fn step(&mut self, turns: bool) -> bool {
        let port = self.machine.port;
        let pass = self.dispatcher.pass(&self.scheduler, port, &self.log);
        let ran = self.run_cores();
        let handled = self.handler.pass(&self.scheduler, port, &self.log);
        let mut moved = false;
        if turns {
            let now_ns = self.machine.now_ns;
            let (scheduler, words) = (&self.scheduler, &mut self.machine);
            let turned = self.launcher.turn(scheduler, words, now_ns);
            moved = turned.moved > 0 || turned.told > 0;
            self.offer();
        }
        let handled = handled == HandlerStep::Progress;
        pass.progress || ran || handled || moved
    }

    pub(super) fn run(&mut self) {
        let mut idle = 0;
        while idle < 10 {
            idle = if self.step(true) { 0 } else { idle + 1 };
        }
    }

    pub(super) fn end(&self, point: TimePoint) -> Outcome {
        self.log.outcome(self.slots[&point])
    }

    /// In which place each of `tasks` was given to a core.
    pub(super) fn places<const N: usize>(&self, tasks: [SlotId; N]) -> [usize; N] {
        let all = self.log.dispatched();
        tasks.map(|task| {
            let place = all.iter().position(|&(_, _, slot)| slot == task);
            place.expect("it ran")
        })
    }
}

pub(super) fn port() -> ModelPort {
    let chip = cluster(&A2A3);
    ModelPort::new(&chip, Lines::of(&chip), COUNTERS)
}

pub(super) fn whole(buffer: BufferId, access: Access) -> BufferUse {
    BufferUse {
        buffer,
        range: 0..64,
        access,
    }
}

/// A rig with one planner.
pub(super) fn on_rig(limits: &Limits, mode: Mode, test: impl Fn(&mut Rig<'_, '_, '_>)) {
    let planner = Planner::new(mode);
    let (mut house, port) = (House::new(&cluster(&A2A3), limits), port());
    test(&mut Rig::new(&planner, &mut house, &port));
}

/// Two rigs, schedulers of their own, with one strict planner.
pub(super) fn on_two_rigs(test: impl FnOnce(&mut Rig<'_, '_, '_>, &mut Rig<'_, '_, '_>)) {
    let (planner, chip) = (Planner::new(Mode::Strict), cluster(&A2A3));
    let [mut left, mut right] = [(); 2].map(|()| House::new(&chip, &Limits::default()));
    let ports = [(); 2].map(|()| port());
    test(
        &mut Rig::new(&planner, &mut left, &ports[0]),
        &mut Rig::new(&planner, &mut right, &ports[1]),
    );
}

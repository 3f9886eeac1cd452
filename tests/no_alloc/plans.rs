//! L12: a launch, from recording to its point, allocates nothing in the steady state.

use finbox_runtime::launch::{Committed, Gate, Launcher, Offered, Words};
use finbox_runtime::plan::{Mode, Planner, Recorder};
use finbox_runtime::stream::{TimePoint, TimelineId, Wait};
use finbox_runtime::{Access, BufferId, BufferUse};
use finbox_scheduler::target::A2A3;
use finbox_scheduler::{
    Chip, Dispatcher, Fate, FinHandler, NoProbe, Scheduler, Shape, SlotId, TaskId, TaskSpec,
};
use finbox_tests::house::{House, Limits};
use finbox_tests::model_port::{Lines, ModelPort, WireCondition};

use crate::COUNT;

/// Each stream reads what the other wrote and writes its own; every fifth plan is dropped.
fn round(
    planner: &Planner,
    recorder: &mut Recorder<'_>,
    streams: [TimelineId; 2],
    buffers: [BufferId; 2],
    number: u64,
) {
    let mut points = [None; 2];
    for own in 0..2 {
        let of = |index: usize, access| BufferUse {
            buffer: buffers[index],
            range: 0..32,
            access,
        };
        let recording = recorder.record(streams[own], "launch");
        let recording = recording.uses("in", of(1 - own, Access::In));
        let recording = recording.uses("out", of(own, Access::Out));
        let again = recording.uses("in again", of(1 - own, Access::In));
        let planned = again.plan().expect("it is right");
        if !number.is_multiple_of(5) {
            points[own] = Some(planned.commit().point());
        }
    }
    for point in points.into_iter().flatten() {
        planner.advance(point, number).expect("in order");
    }
}

#[test]
fn l12_a_launch_allocates_nothing_in_the_steady_state() {
    let planner = Planner::new(Mode::Strict);
    let streams = ["a", "b"].map(|name| planner.stream(name, 0));
    let buffers = [64, 64].map(|bytes| planner.declare(bytes));
    let mut recorder = planner.recorder();
    let mut freed = Vec::new();
    let mut before = 0;
    for number in 0..1_100 {
        if number == 100 {
            before = COUNT.get();
        }
        round(&planner, &mut recorder, streams, buffers, number);
        let gone = planner.declare(8);
        planner.free(gone).expect("it lives");
        freed.clear();
        planner.take_freed(&mut freed);
    }
    let allocated = COUNT.get() - before;
    let stats = planner.stats();
    assert_eq!((stats.planned, stats.dropped), (2_200, 440));
    // A declared buffer has a table of its own; a launch has nothing.
    assert_eq!(allocated, 1_000, "one a declaration");
}

/// The word of the only timeline that gates wait for is counter 0.
struct OneWord<'a> {
    port: &'a ModelPort,
    awaited: TimelineId,
    gates: u32,
}

impl Words for OneWord<'_> {
    fn signal(&mut self, timeline: TimelineId, value: u64) {
        if timeline == self.awaited {
            let value = u32::try_from(value).expect("a small number");
            self.port.set_counter(0, value);
        }
    }

    fn gate(&mut self, wait: &Wait) -> Gate {
        self.gates += 1;
        Gate::Task(TaskSpec {
            args: wait.point.value,
            ..Launcher::gate(TaskId::new(1, self.gates), wait, 0)
        })
    }

    fn cause(&mut self, _: TimePoint, _: SlotId) -> String {
        unreachable!("no launch fails")
    }
}

/// A scheduler whose tasks are launched on two streams that share a buffer.
struct Rig<'p, 'm, 'a> {
    scheduler: Scheduler<'m>,
    dispatcher: Dispatcher<'m>,
    handler: FinHandler<'m>,
    launcher: Launcher<'p, 'm>,
    recorder: Recorder<'p>,
    kept: Committed,
    words: OneWord<'a>,
    streams: [TimelineId; 2],
    buffer: BufferId,
    launched: u64,
}

impl Rig<'_, '_, '_> {
    /// The first launch waits for the second, which is planned behind it.
    fn launch_both(&mut self, number: u64) {
        for (own, access) in [(0, Access::In), (1, Access::Out)] {
            let one = self.half(own, access);
            let mut recording = self.recorder.record(self.streams[own], "launch");
            if own == 0 {
                let later = TimePoint::new(self.streams[1], number);
                recording = recording.waits(Wait::forever(later));
            }
            let planned = recording.uses("argument", one).plan();
            self.kept.keep(&planned.expect("it is right").commit());
            let spec = TaskSpec::new(TaskId::new(0, 1), Shape::Aiv);
            let launched = self.launcher.launch(&mut self.kept, &spec, &[]);
            launched.expect("it is its own");
        }
    }

    fn half(&self, index: usize, access: Access) -> BufferUse {
        let range = [0..32, 32..64][index].clone();
        BufferUse {
            buffer: self.buffer,
            range,
            access,
        }
    }

    /// A task on no stream behind both.
    fn task(&mut self) {
        let spec = TaskSpec::new(TaskId::new(2, 1), Shape::Aiv);
        let uses = [0, 1].map(|half| self.half(half, Access::InOut));
        let world = (&self.scheduler, &NoProbe, &mut self.words);
        let submitted = self.launcher.submit(world, &spec, &[], &uses);
        submitted.expect("there is room");
    }

    /// Everybody moves once.
    fn step(&mut self, now_ns: u64) {
        let (scheduler, port) = (&self.scheduler, self.words.port);
        let offered = self
            .launcher
            .offer(scheduler, &NoProbe, &mut self.words, now_ns);
        self.launched += u64::from(matches!(offered, Ok(Offered::Launch { .. })));
        let _ = self.dispatcher.pass(scheduler, port, &NoProbe);
        for core in scheduler.chip().all() {
            let Some((_, launch)) = port.start(core) else {
                continue;
            };
            if launch.args > 0 {
                let value = u32::try_from(launch.args).expect("a small number");
                let condition = WireCondition::counter(port.counter(0), value);
                port.defer(core, &[condition]);
            }
            port.finish(core);
        }
        let _ = self.handler.pass(scheduler, port, &NoProbe);
        let _ = self.launcher.turn(scheduler, &mut self.words, now_ns);
    }
}

#[test]
fn l12_a_launch_that_becomes_a_task_and_a_gate_allocates_nothing_in_the_steady_state() {
    let planner = Planner::new(Mode::Strict);
    let chip = Chip {
        target: &A2A3,
        cores: 3,
        host_lanes: 1,
        handlers: 1,
    };
    let mut house = House::new(&chip, &Limits::default());
    let mut assembly = house.assemble(chip);
    let handler = assembly.handler();
    let port = ModelPort::new(&chip, Lines::of(&chip), 1);
    let mut launcher = Launcher::new(&planner, assembly.submitter);
    let streams = ["a", "b"].map(|name| planner.stream(name, 0));
    for stream in streams {
        launcher.own(stream).expect("nobody has it");
    }
    let mut rig = Rig {
        scheduler: assembly.scheduler,
        dispatcher: assembly.dispatcher,
        handler,
        launcher,
        recorder: planner.recorder(),
        kept: Committed::default(),
        words: OneWord {
            port: &port,
            awaited: streams[1],
            gates: 0,
        },
        streams,
        buffer: planner.declare(64),
        launched: 0,
    };
    let mut before = 0;
    for number in 1..=1_100_u64 {
        if number == 101 {
            before = COUNT.get();
        }
        rig.launch_both(number);
        (0..6).for_each(|_| rig.step(number));
        rig.task();
        (0..14).for_each(|_| rig.step(number));
    }
    let allocated = COUNT.get() - before;
    let counted = (rig.launched, rig.words.gates);
    assert_eq!(counted, (2_200, 1_100), "each first one waits for one");
    let last = TimePoint::new(streams[0], 1_100);
    assert_eq!(planner.fate(last), Ok(Fate::Completed));
    assert_eq!(allocated, 0);
}

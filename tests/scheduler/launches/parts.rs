//! One part of a launch at a time: explicit dependencies, gates and their names, whose tasks.

use finbox_runtime::launch::{Gate, LaunchError, Launcher, Words};
use finbox_runtime::plan::{Mode, PlanError, Planner};
use finbox_runtime::stream::{TimePoint, TimelineId, Wait};
use finbox_runtime::{Access, WiringError};
use finbox_scheduler::limits::MAX_TIMELINES;
use finbox_scheduler::{Dependency, Fate, SlotId, TaskId, TaskSpec};
use finbox_tests::house::Limits;

use super::rig::{FAILS, NOTHING, Rig, on_rig, on_two_rigs, whole};

/// Every gate is the same.
struct Always(Gate);

impl Words for Always {
    fn signal(&mut self, _: TimelineId, _: u64) {}

    fn gate(&mut self, _: &Wait) -> Gate {
        match &self.0 {
            Gate::Slot(slot) => Gate::Slot(*slot),
            Gate::Task(spec) => Gate::Task(*spec),
        }
    }

    fn cause(&mut self, _: TimePoint, _: SlotId) -> String {
        String::new()
    }
}

/// Offers what is owed, with gates that are all the same.
fn refusal(rig: &mut Rig<'_, '_, '_>, gate: Gate) -> LaunchError {
    let (scheduler, log) = (&rig.scheduler, &rig.log);
    let offered = rig.launcher.offer(scheduler, log, &mut Always(gate), 0);
    offered.expect_err("it is refused")
}

#[test]
fn a_gate_has_what_is_left_until_its_deadline_and_at_least_a_nanosecond() {
    let planner = Planner::new(Mode::Strict);
    let point = TimePoint::new(planner.stream("a", 0), 1);
    let budget_ns = |wait: Wait| {
        let spec = Launcher::gate(TaskId::new(1, 1), &wait, 400);
        assert_eq!(spec.may_defer, 1);
        spec.wait_budget_ns
    };
    assert_eq!(budget_ns(Wait::until(point, 1_000)), 600);
    assert_eq!(budget_ns(Wait::until(point, 300)), 1);
    assert_eq!(budget_ns(Wait::forever(point)), 0);
}

#[test]
fn a_wait_for_a_timeline_that_has_no_name_for_gates_is_refused() {
    on_rig(&Limits::default(), Mode::Strict, |rig| {
        let [a] = rig.streams(["a"]);
        let planner = rig.launcher.planner();
        let more = (0..MAX_TIMELINES).map(|_| planner.foreign("peer", 0));
        let more: Vec<TimelineId> = more.collect();
        let (&beyond, named) = more.split_last().expect("there are some");
        assert!(named.iter().all(|&one| Launcher::cookie(one).is_some()));
        assert_eq!(Launcher::cookie(beyond), None);
        let wait = Wait::until(TimePoint::new(beyond, 1), 1_000);
        let point = rig.hand_in((a, NOTHING), &[], &[wait]);
        let spec = Launcher::gate(TaskId::new(1, 1), &wait, 0);
        let error = refusal(rig, Gate::Task(spec));
        let unnamed = WiringError::Unnamed {
            timeline: MAX_TIMELINES as usize,
            most: MAX_TIMELINES,
        };
        assert!(matches!(error, LaunchError::Refused { error, .. } if error == unnamed));
        assert_eq!(planner.fate(point), Ok(Fate::Failed));
    });
}

#[test]
fn a_gate_that_the_scheduler_never_takes_ends_its_launch() {
    on_rig(&Limits::default(), Mode::Strict, |rig| {
        let [a] = rig.streams(["a"]);
        let planner = rig.launcher.planner();
        let wait = Wait::until(TimePoint::new(planner.foreign("peer", 0), 1), 1_000);
        let point = rig.hand_in((a, NOTHING), &[], &[wait]);
        let spec = TaskSpec {
            blocks: 0,
            ..Launcher::gate(TaskId::new(1, 1), &wait, 0)
        };
        let error = refusal(rig, Gate::Task(spec));
        assert!(error.to_string().contains("blocks is 0"), "{error}");
        assert_eq!(planner.fate(point), Ok(Fate::Failed));
    });
}

#[test]
fn a_gate_that_fails_ends_its_stream_though_nobody_ended_what_it_stood_for() {
    on_rig(&Limits::default(), Mode::Strict, |rig| {
        let [a] = rig.streams(["a"]);
        let planner = rig.launcher.planner();
        let bad = rig.spec(FAILS);
        let world = (&rig.scheduler, &rig.log, &mut rig.machine);
        let bad = rig.launcher.submit(world, &bad, &[], &[]).unwrap();
        let wait = Wait::until(TimePoint::new(planner.foreign("peer", 0), 1), 1_000);
        let point = rig.hand_in((a, NOTHING), &[], &[wait]);
        let (scheduler, log) = (&rig.scheduler, &rig.log);
        let words = &mut Always(Gate::Slot(bad));
        let _ = rig.launcher.offer(scheduler, log, words, 0).unwrap();
        rig.run();
        assert_eq!(planner.fate(point), Ok(Fate::Failed));
        let root = planner.explain(point, 0).unwrap().root.to_string();
        assert!(root.ends_with("failed"), "{root}");
    });
}

#[test]
fn a_launch_comes_behind_its_tasks_and_each_of_its_waits() {
    on_rig(&Limits::default(), Mode::Strict, |rig| {
        let [a, b, c, d] = rig.streams(["a", "b", "c", "d"]);
        let planner = rig.launcher.planner();
        let buffer = planner.declare(64);
        let waits = [c, d].map(|stream| Wait::forever(TimePoint::new(stream, 1)));
        let gated = rig.launch(b, &[whole(buffer, Access::Out)], &waits);
        assert_eq!(rig.machine.gates, waits);
        let task = Dependency::wait(rig.slots[&gated]);
        let submitted = rig.recorder.record(a, "behind").plan().unwrap().commit();
        rig.kept.keep(&submitted);
        let (behind, spec) = (submitted.point(), rig.spec(NOTHING));
        rig.launcher
            .launch(&mut rig.kept, &spec, &[task, task])
            .unwrap();
        rig.offer();
        let spec = rig.spec(NOTHING);
        let world = (&rig.scheduler, &rig.log, &mut rig.machine);
        let third = rig.launcher.submit(world, &spec, &[task], &[]).unwrap();
        let alone = rig.task(&[]);
        planner.free(buffer).unwrap();
        let mut freed = Vec::new();
        let _ = rig.launch(c, &[], &[]);
        rig.run();
        planner.take_freed(&mut freed);
        assert!(rig.log.is_finished(alone) && freed.is_empty());
        let waiting = [rig.slots[&gated], rig.slots[&behind], third];
        assert!(waiting.iter().all(|&slot| !rig.log.is_finished(slot)));
        let _ = rig.launch(d, &[], &[]);
        rig.run();
        planner.take_freed(&mut freed);
        assert!(waiting.iter().all(|&slot| rig.log.is_finished(slot)));
        assert_eq!(freed.len(), 1);
    });
}

#[test]
fn a_task_on_no_stream_is_its_own_launchers_alone() {
    on_two_rigs(|left, right| {
        let planner = left.launcher.planner();
        let [b] = right.streams(["b"]);
        let buffer = planner.declare(64);
        let _ = left.task(&[whole(buffer, Access::Out)]);
        let recording = right.recorder.record(b, "other");
        let error = recording.uses("in", whole(buffer, Access::In)).plan();
        let elsewhere = PlanError::Elsewhere {
            launch: "other".to_owned(),
            argument: 0,
            label: "in".to_owned(),
        };
        assert_eq!(error.unwrap_err(), elsewhere);
        let spec = right.spec(NOTHING);
        let world = (&right.scheduler, &right.log, &mut right.machine);
        let uses = [whole(buffer, Access::In)];
        let error = right.launcher.submit(world, &spec, &[], &uses);
        assert_eq!(error.unwrap_err(), WiringError::Elsewhere { argument: 0 });
        // In the same place, and through before the other.
        let _ = right.task(&[]);
        planner.free(buffer).unwrap();
        right.run();
        let mut freed = Vec::new();
        planner.take_freed(&mut freed);
        assert_eq!(freed, [], "nobody ran it");
        left.run();
        planner.take_freed(&mut freed);
        assert_eq!(freed.len(), 1);
    });
}

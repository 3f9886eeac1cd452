//! What ends beside what still runs: refusals, failures, and memory that somebody may still write.

use finbox_runtime::plan::Mode;
use finbox_runtime::stream::{Root, TimePoint, Wait};
use finbox_scheduler::{Fate, Outcome};
use finbox_tests::house::Limits;

use super::rig::{FAILS, HOLDS, NOTHING, on_rig, on_two_rigs, whole};
use super::{READ, WRITE};

#[test]
fn a_launch_that_is_refused_ends_its_stream_behind_what_still_runs() {
    on_rig(&Limits::default(), Mode::Strict, |rig| {
        let [a, b] = rig.streams(["a", "b"]);
        let planner = rig.launcher.planner();
        let buffer = planner.declare(64);
        let runs = rig.launch(a, &[whole(buffer, WRITE)], &[]);
        let (refused, _) = rig.refused(a, &[]);
        let reads = rig.launch(b, &[whole(buffer, READ)], &[]);
        planner.free(buffer).unwrap();
        assert_eq!(rig.freed(), 0, "it is written");
        assert_eq!(planner.fate(runs), Ok(Fate::Unfinished));
        let root = planner.explain(refused, 0).unwrap().root;
        assert!(matches!(root, Root::Running(place) if place.point == runs));
        rig.run();
        assert_eq!(rig.end(runs), Outcome::Completed);
        assert_eq!(planner.fate(runs), Ok(Fate::Completed));
        assert_eq!(planner.fate(reads), Ok(Fate::Completed));
        assert_eq!(planner.fate(refused), Ok(Fate::Failed));
        let root = planner.explain(refused, 0).unwrap().root.to_string();
        assert!(
            root.contains("`a` ended before 2: ") && root.contains("blocks is 0"),
            "{root}"
        );
        assert_eq!(rig.freed(), 1);
    });
}

#[test]
fn l4_memory_waits_for_a_task_on_no_stream_that_a_lost_launch_came_behind() {
    on_rig(&Limits::default(), Mode::Strict, |rig| {
        let [a, b] = rig.streams(["a", "b"]);
        let planner = rig.launcher.planner();
        let (x, y) = (planner.declare(64), planner.declare(64));
        let _ = rig.submit(HOLDS, &[], &[whole(x, READ), whole(y, READ)]);
        let _ = rig.hand_in((a, FAILS), &[], &[]);
        let lost = rig.launch(a, &[whole(x, WRITE)], &[]);
        let (refused, _) = rig.refused(b, &[whole(y, WRITE)]);
        planner.free(x).unwrap();
        planner.free(y).unwrap();
        rig.run();
        assert_eq!(planner.fate(lost), Ok(Fate::Failed));
        assert_eq!(planner.fate(refused), Ok(Fate::Failed));
        assert_eq!(rig.freed(), 0, "it is read");
        rig.let_go();
        assert_eq!(rig.end(lost), Outcome::Cancelled);
        assert_eq!(rig.freed(), 2);
    });
}

#[test]
fn l4_a_launch_that_is_handed_in_when_its_stream_has_ended_never_runs() {
    on_rig(&Limits::default(), Mode::Strict, |rig| {
        let [a] = rig.streams(["a"]);
        let planner = rig.launcher.planner();
        let buffer = planner.declare(64);
        let recording = rig.recorder.record(a, "late").writes("out", buffer, 0..64);
        rig.kept.keep(&recording.plan().unwrap().commit());
        let point = rig.kept.point().unwrap();
        planner.poison(a, "it left", 0).unwrap();
        planner.free(buffer).unwrap();
        assert_eq!(rig.freed(), 0, "the launcher has not seen it");
        rig.run();
        assert_eq!(rig.freed(), 1);
        let spec = rig.spec(NOTHING);
        rig.launcher.launch(&mut rig.kept, &spec, &[]).unwrap();
        rig.run();
        assert_eq!(rig.end(point), Outcome::Cancelled);
    });
}

#[test]
fn l7_a_dropped_plan_is_reached_behind_the_tasks_on_no_stream_that_it_came_behind() {
    on_rig(&Limits::default(), Mode::Strict, |rig| {
        let [a, b] = rig.streams(["a", "b"]);
        let planner = rig.launcher.planner();
        let (x, y) = (planner.declare(64), planner.declare(64));
        let task = rig.submit(HOLDS, &[], &[whole(x, WRITE)]).unwrap();
        let _ = rig.submit(FAILS, &[], &[whole(y, WRITE)]).unwrap();
        for (stream, buffer) in [(a, x), (b, y)] {
            let recording = rig.recorder.record(stream, "dropped");
            drop(recording.writes("out", buffer, 0..64).plan());
        }
        let reads = rig.launch(b, &[whole(x, READ)], &[]);
        rig.run();
        assert_eq!(planner.fate(TimePoint::new(a, 1)), Ok(Fate::Unfinished));
        assert_eq!(planner.fate(TimePoint::new(b, 1)), Ok(Fate::Failed));
        assert!(!rig.log.is_finished(rig.slots[&reads]));
        rig.let_go();
        assert_eq!(rig.log.outcome(task), Outcome::Completed);
        assert_eq!(planner.fate(TimePoint::new(a, 1)), Ok(Fate::Completed));
    });
}

#[test]
fn l4_memory_waits_for_a_core_that_is_late_whose_launch_or_task_has_failed() {
    on_rig(&Limits::default(), Mode::Strict, |rig| {
        let [a, b] = rig.streams(["a", "b"]);
        let planner = rig.launcher.planner();
        let [x, y, z] = [(); 3].map(|()| planner.declare(64));
        let late = rig.hand_in((a, HOLDS), &[whole(x, WRITE), whole(z, READ)], &[]);
        rig.offer();
        let task = rig.submit(HOLDS, &[], &[whole(y, WRITE)]).unwrap();
        let behind = rig.launch(b, &[whole(y, WRITE), whole(z, WRITE)], &[]);
        rig.run();
        rig.too_long();
        assert_eq!(rig.end(late), Outcome::Failed);
        assert_eq!(rig.log.outcome(task), Outcome::Failed);
        assert_eq!(planner.fate(behind), Ok(Fate::Failed));
        for buffer in [x, y, z] {
            planner.free(buffer).unwrap();
        }
        rig.run();
        assert_eq!(rig.freed(), 0, "two cores may still write");
        rig.let_go();
        assert_eq!(rig.freed(), 3);
    });
}

#[test]
fn l11_a_circle_through_tasks_on_no_stream_is_refused_with_its_members() {
    on_rig(&Limits::default(), Mode::Strict, |rig| {
        let [a, b, c] = rig.streams(["a", "b", "c"]);
        let planner = rig.launcher.planner();
        let [x, y, z] = [(); 3].map(|()| planner.declare(64));
        let first = rig.launch(
            a,
            &[whole(x, WRITE)],
            &[Wait::forever(TimePoint::new(b, 1))],
        );
        let slot = rig.slots[&first];
        let _ = rig.task(&[whole(x, READ), whole(y, WRITE)]);
        let _ = rig.task(&[whole(y, READ)]);
        let _ = rig.submit(NOTHING, &[slot], &[whole(z, WRITE)]);
        for buffer in [y, z] {
            let recording = rig.recorder.record(b, "last");
            let error = recording.writes("out", buffer, 0..64).plan().unwrap_err();
            let text = "launch `last`: the launch would wait for itself: `b` value 1 waits for `a` \
                        value 1 waits for `b` value 1";
            assert_eq!(error.to_string(), text);
        }
        let reads = rig.launch(c, &[whole(y, READ)], &[]);
        let root = planner.explain(reads, 0).unwrap().root;
        assert!(matches!(root, Root::Unreserved(place) if place.point.timeline == b));
        let waits = rig.recorder.record(b, "last").waits(Wait::forever(reads));
        let error = waits.plan().unwrap_err();
        assert!(
            error.to_string().contains("would wait for itself"),
            "{error}"
        );
        let _ = rig.launch(b, &[], &[]);
        rig.run();
        assert_eq!(planner.fate(reads), Ok(Fate::Completed));
    });
}

#[test]
fn a_point_that_was_reached_meanwhile_wants_no_gate() {
    on_rig(&Limits::default(), Mode::Strict, |rig| {
        let [a] = rig.streams(["a"]);
        let planner = rig.launcher.planner();
        let mut peer = planner.foreign("peer", 0);
        for _ in 0..2 {
            let reached = TimePoint::new(peer, 3);
            let point = rig.hand_in((a, NOTHING), &[], &[Wait::until(reached, 1_000)]);
            planner.advance(reached, 1).unwrap();
            rig.run();
            assert_eq!(rig.end(point), Outcome::Completed);
            assert_eq!(rig.machine.gates, []);
            // No condition can name this one.
            (0..1_024).for_each(|_| peer = planner.foreign("peer", 0));
        }
    });
}

#[test]
fn a_task_on_no_stream_does_not_take_the_room_of_a_launch_that_it_comes_behind() {
    let limits = Limits {
        slots: 4,
        nodes: 8,
        ..Limits::default()
    };
    on_rig(&limits, Mode::Strict, |rig| {
        let [a] = rig.streams(["a"]);
        let buffer = rig.launcher.planner().declare(64);
        let _ = rig.hand_in((a, NOTHING), &[whole(buffer, WRITE)], &[]);
        for _ in 0..4 {
            let error = rig.submit(NOTHING, &[], &[whole(buffer, READ)]);
            assert!(error.unwrap_err().is_temporary());
        }
        rig.run();
        assert_eq!(rig.machine.gates, []);
        let _ = rig.task(&[whole(buffer, READ)]);
        rig.run();
        assert_eq!(rig.log.finished().len(), 2);
    });
}

#[test]
fn a_task_of_another_scheduler_is_in_nobody_s_way_when_it_is_over() {
    on_two_rigs(|left, right| {
        let planner = left.launcher.planner();
        let [b] = right.streams(["b"]);
        let (other, buffer) = (planner.declare(64), planner.declare(64));
        let _ = left.task(&[whole(buffer, WRITE)]);
        let recording = right
            .recorder
            .record(b, "sort")
            .writes("keys", other, 0..64);
        let error = recording.reads("rows", buffer, 0..64).plan().unwrap_err();
        let text = "launch `sort`, argument 1 `rows`: a task on another scheduler uses its bytes, \
                    and on no stream; submit that task as a launch, or wait until it has \
                    completed (what one that failed was to write stays refused)";
        assert_eq!(error.to_string(), text);
        let error = right.submit(NOTHING, &[], &[whole(other, READ), whole(buffer, READ)]);
        let text = "argument 1: a task on another scheduler uses these bytes, and on no stream: \
                    submit it as a launch, or wait until it has completed (what one that failed \
                    was to write stays refused)";
        assert_eq!(error.unwrap_err().to_string(), text);
        left.run();
        let read = right.launch(b, &[whole(buffer, READ)], &[]);
        let _ = right.task(&[whole(buffer, READ)]);
        right.run();
        assert_eq!(right.end(read), Outcome::Completed);
    });
}

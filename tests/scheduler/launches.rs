//! Launches on streams become tasks: edges, gates, poison, room, and tasks on no stream.

mod ends;
mod parts;
mod rig;

use finbox_runtime::Access;
use finbox_runtime::launch::{LaunchError, OwnError};
use finbox_runtime::plan::{Mode, Planner};
use finbox_runtime::stream::{TimePoint, Wait};
use finbox_scheduler::{Fate, FaultCode, Outcome, Port, SlotId, TaskId};
use finbox_tests::house::Limits;

use self::rig::{FAILS, NOTHING, number, on_rig, on_two_rigs, whole};

const READ: Access = Access::In;
const WRITE: Access = Access::Out;

#[test]
fn uses_on_two_streams_are_edges_and_points_are_reached_in_order() {
    on_rig(&Limits::default(), Mode::Strict, |rig| {
        let [a, b] = rig.streams(["a", "b"]);
        let planner = rig.launcher.planner();
        let buffer = planner.declare(64);
        let mut points = Vec::new();
        for _ in 0..5 {
            points.push(rig.launch(a, &[whole(buffer, WRITE)], &[]));
            points.push(rig.launch(b, &[whole(buffer, READ)], &[]));
        }
        rig.run();
        let slots = points.iter().map(|point| rig.slots[point]);
        let order: Vec<SlotId> = slots.collect();
        let ran: Vec<SlotId> = rig.log.dispatched().iter().map(|ran| ran.2).collect();
        assert_eq!(ran, order, "each waits for the one before");
        assert_eq!(rig.machine.gates, [], "all were submitted here");
        for point in points {
            assert_eq!(planner.fate(point), Ok(Fate::Completed));
        }
        let port = rig.machine.port;
        let words = [a, b].map(|stream| port.load_u32(port.counter(number(stream))));
        assert_eq!(words, [5, 5]);
    });
}

#[test]
fn l11_a_wait_before_start_for_a_value_that_is_planned_later_is_a_gate() {
    on_rig(&Limits::default(), Mode::Strict, |rig| {
        let [a, b] = rig.streams(["a", "b"]);
        let wanted = TimePoint::new(b, 2);
        let early = rig.launch(a, &[], &[Wait::forever(wanted)]);
        rig.run();
        assert_eq!(rig.machine.gates, [Wait::forever(wanted)]);
        assert!(!rig.log.is_finished(rig.slots[&early]));
        let _ = rig.launch(b, &[], &[]);
        rig.run();
        assert!(!rig.log.is_finished(rig.slots[&early]), "it is at 1 of 2");
        let _ = rig.launch(b, &[], &[]);
        rig.run();
        assert_eq!(rig.end(early), Outcome::Completed);
        assert_eq!(rig.launcher.planner().fate(early), Ok(Fate::Completed));
    });
}

#[test]
fn poison_fails_gates_cancels_what_is_behind_them_and_others_go_on() {
    on_rig(&Limits::default(), Mode::Strict, |rig| {
        let [a, b, c] = rig.streams(["a", "b", "c"]);
        let planner = rig.launcher.planner();
        let gated = rig.launch(b, &[], &[Wait::forever(TimePoint::new(a, 2))]);
        let behind = rig.launch(b, &[], &[]);
        let met = rig.launch(c, &[], &[Wait::forever(TimePoint::new(a, 1))]);
        rig.run();
        let good = rig.launch(a, &[], &[]);
        let bad = rig.hand_in((a, FAILS), &[], &[]);
        rig.run();
        let ends = [good, bad, gated, behind, met].map(|point| rig.end(point));
        let (done, gone) = (Outcome::Completed, Outcome::Cancelled);
        assert_eq!(ends, [done, Outcome::Failed, gone, gone, done]);
        let raised = rig.log.raised();
        let gate = TaskId::new(1, 1);
        assert!(raised.contains(&(FaultCode::TimelineEnded, gate, None)));
        assert_eq!(planner.fate(met), Ok(Fate::Completed));
        assert_eq!(planner.fate(gated), Ok(Fate::Failed));
        let chain = planner.explain(behind, 0).unwrap().root.to_string();
        let expected = "`b` ended before 1: it waits for `a` value 2, because `a` ended before \
                        2: the task of timeline 0 value 2 failed";
        assert_eq!(chain, expected);
        assert_eq!(rig.scheduler.room().0, 0, "condition room leaked");
    });
}

#[test]
fn an_edge_carries_poison_too_and_the_root_is_blamed_whichever_stream_is_looked_at_first() {
    for first in [0, 1] {
        on_rig(&Limits::default(), Mode::Strict, |rig| {
            let streams = rig.streams(["x", "y"]);
            let (a, b) = (streams[first], streams[1 - first]);
            let planner = rig.launcher.planner();
            let buffer = planner.declare(64);
            let _ = rig.hand_in((a, FAILS), &[whole(buffer, WRITE)], &[]);
            let read = rig.launch(b, &[whole(buffer, READ)], &[]);
            // Both have ended before the submitter looks.
            (0..20).for_each(|_| assert!(rig.step(false) || rig.log.raised().len() == 1));
            rig.run();
            assert_eq!(rig.end(read), Outcome::Cancelled);
            let chain = planner.explain(read, 0).unwrap().root.to_string();
            assert!(chain.contains("ended before 1: it waits for `"), "{chain}");
            assert!(chain.ends_with("failed"), "{chain}");
        });
    }
}

#[test]
fn launches_for_which_there_is_no_room_stay_owed_in_their_order() {
    let limits = Limits {
        slots: 4,
        nodes: 8,
        ..Limits::default()
    };
    on_rig(&limits, Mode::Strict, |rig| {
        let [a, b, c] = rig.streams(["a", "b", "c"]);
        let buffer = rig.launcher.planner().declare(64);
        let mut points = Vec::new();
        for round in 0..40 {
            let wait = [Wait::forever(TimePoint::new(c, round + 1))];
            let waits = if round % 4 == 0 { &wait[..] } else { &[] };
            points.push(rig.hand_in((b, NOTHING), &[whole(buffer, READ)], &[]));
            points.push(rig.hand_in((a, NOTHING), &[whole(buffer, WRITE)], waits));
            points.push(rig.hand_in((c, NOTHING), &[], &[]));
        }
        assert_eq!(rig.launcher.owed(), 120);
        rig.run();
        assert_eq!(rig.launcher.owed(), 0);
        assert!(
            points
                .iter()
                .all(|&point| rig.end(point) == Outcome::Completed)
        );
        let ran = rig.log.finished().len();
        assert_eq!(ran, 130, "with ten gates");
    });
}

#[test]
fn a_task_on_no_stream_and_launches_that_use_the_same_bytes_wait_for_each_other() {
    on_rig(&Limits::default(), Mode::Strict, |rig| {
        let [a, b] = rig.streams(["a", "b"]);
        let planner = rig.launcher.planner();
        let buffer = planner.declare(64);
        let first = rig.task(&[whole(buffer, WRITE)]);
        let read = rig.launch(a, &[whole(buffer, READ)], &[]);
        let other = rig.launch(b, &[whole(buffer, READ)], &[]);
        let second = rig.task(&[whole(buffer, WRITE)]);
        let last = rig.launch(b, &[whole(buffer, READ)], &[]);
        planner.free(buffer).unwrap();
        let mut freed = Vec::new();
        planner.take_freed(&mut freed);
        assert_eq!(freed, [], "a task writes it");
        rig.run();
        let tasks = [
            first,
            rig.slots[&read],
            rig.slots[&other],
            second,
            rig.slots[&last],
        ];
        let [first, read, other, second, last] = rig.places(tasks);
        assert!(first < read && first < other && read < second && other < second);
        assert!(second < last);
        planner.take_freed(&mut freed);
        assert_eq!(freed.len(), 1);
    });
}

#[test]
fn a_launch_behind_one_that_was_dropped_waits_for_what_that_one_waits_for() {
    on_rig(&Limits::default(), Mode::Strict, |rig| {
        let [a, b] = rig.streams(["a", "b"]);
        let wanted = Wait::forever(TimePoint::new(b, 1));
        drop(rig.recorder.record(a, "dropped").waits(wanted).plan());
        let behind = rig.launch(a, &[], &[]);
        rig.run();
        assert!(!rig.log.is_finished(rig.slots[&behind]));
        let _ = rig.launch(b, &[], &[]);
        rig.run();
        assert_eq!(rig.end(behind), Outcome::Completed);
        assert_eq!(rig.launcher.planner().fate(behind), Ok(Fate::Completed));
    });
}

#[test]
fn a_foreign_timeline_that_misses_a_deadline_ends_the_stream_that_waits() {
    on_rig(&Limits::default(), Mode::Strict, |rig| {
        let [a] = rig.streams(["a"]);
        let planner = rig.launcher.planner();
        let peer = planner.foreign("peer", 0);
        let until = |value| Wait::until(TimePoint::new(peer, value), 1_000);
        let met = rig.launch(a, &[], &[until(3)]);
        let missed = rig.launch(a, &[], &[until(4)]);
        rig.run();
        planner.advance(TimePoint::new(peer, 3), 500).unwrap();
        rig.run();
        assert_eq!(rig.end(met), Outcome::Completed);
        (rig.machine.now_ns, ()) = (1_000, rig.machine.port.advance(1_000));
        rig.run();
        assert_eq!(rig.end(missed), Outcome::Cancelled);
        let root = planner.explain(missed, 1_000).unwrap().root.to_string();
        assert!(root.contains("was not reached by 1000 ns"), "{root}");
    });
}

#[test]
fn streams_of_two_schedulers_wait_for_each_other_through_words() {
    on_two_rigs(|left, right| {
        let planner = left.launcher.planner();
        let [a] = left.streams(["a"]);
        let [b] = right.streams(["b"]);
        let buffer = planner.declare(64);
        let _ = left.launch(a, &[whole(buffer, WRITE)], &[]);
        let read = right.launch(b, &[whole(buffer, READ)], &[]);
        right.run();
        assert!(!right.log.is_finished(right.slots[&read]));
        assert_eq!(right.machine.gates.len(), 1);
        left.run();
        right.run();
        assert_eq!(right.end(read), Outcome::Completed);
        let _ = left.hand_in((a, FAILS), &[whole(buffer, WRITE)], &[]);
        let lost = right.launch(b, &[whole(buffer, READ)], &[]);
        right.run();
        left.run();
        right.run();
        assert_eq!(right.end(lost), Outcome::Cancelled);
        let error = right.recorder.record(b, "late").plan().unwrap_err();
        assert!(error.to_string().ends_with("failed"), "{error}");
    });
}

#[test]
fn a_committed_launch_is_handed_in_once_and_to_the_launcher_of_its_stream() {
    on_two_rigs(|left, right| {
        let planner = left.launcher.planner();
        let [a] = left.streams(["a"]);
        let _ = right.streams(["b"]);
        let spec = left.spec(NOTHING);
        let submitted = left.recorder.record(a, "sort").plan().unwrap().commit();
        left.kept.keep(&submitted);
        let point = submitted.point();
        let error = right.launcher.launch(&mut left.kept, &spec, &[]);
        assert_eq!(error, Err(LaunchError::Foreign(point)));
        left.launcher.launch(&mut left.kept, &spec, &[]).unwrap();
        let error = left.launcher.launch(&mut left.kept, &spec, &[]);
        assert_eq!(error, Err(LaunchError::Empty));
        left.run();
        assert_eq!(planner.fate(point), Ok(Fate::Completed));
        let peer = planner.foreign("peer", 0);
        assert_eq!(right.launcher.own(a), Err(OwnError::Owned(a)));
        assert_eq!(right.launcher.own(peer), Err(OwnError::Foreign(peer)));
        let other = Planner::new(Mode::Strict);
        let unknown = [(); 4].map(|()| other.stream("other", 0))[3];
        assert_eq!(right.launcher.own(unknown), Err(OwnError::Unknown(unknown)));
    });
}

#[test]
fn a_launch_that_the_scheduler_never_takes_is_told_and_ends_its_stream() {
    on_rig(&Limits::default(), Mode::Strict, |rig| {
        let [a] = rig.streams(["a"]);
        let (point, error) = rig.refused(a, &[]);
        assert!(error.to_string().contains("blocks is 0"), "{error}");
        assert_eq!(rig.launcher.planner().fate(point), Ok(Fate::Failed));
        assert_eq!(rig.launcher.owed(), 0);
    });
}

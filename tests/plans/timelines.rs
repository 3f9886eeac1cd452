//! L11 and time points: order, poison, deadlines, circles, and who waits for whom.

use finbox_runtime::Access::{In, Out};
use finbox_runtime::plan::PlanError;
use finbox_runtime::stream::{AdvanceError, ReserveError, Root, TimePoint, TimelineId, Wait};
use finbox_scheduler::Fate;

use crate::{launch, launch_behind, one, planner};

#[test]
fn a_stream_is_reached_in_order_once_and_never_before_its_waits() {
    let (planner, [a, b, _]) = planner();
    let (mut recorder, buffer) = (planner.recorder(), planner.declare(8));
    let (first, _) = launch(&mut recorder, a, &[one(buffer, 0..8, Out)]);
    let (second, _) = launch(&mut recorder, a, &[]);
    let (read, _) = launch(&mut recorder, b, &[one(buffer, 0..8, In)]);
    let error = planner
        .advance(second, 1)
        .expect_err("the first is missing");
    assert!(matches!(
        error,
        AdvanceError::OutOfOrder {
            reached: 0,
            value: 2,
            ..
        }
    ));
    let error = planner
        .advance(read, 1)
        .expect_err("what it reads is not written");
    assert!(matches!(error, AdvanceError::TooEarly { on, .. } if on == first));
    planner.advance(first, 1).expect("it is the next");
    let error = planner.advance(first, 1).expect_err("it was told");
    assert!(matches!(error, AdvanceError::Duplicate { reached: 1, .. }));
    assert_eq!(planner.stats().duplicates, 1);
    let planned = recorder.record(b, "planned").plan().expect("it is right");
    planner.advance(read, 2).expect("its wait is met");
    let error = planner
        .advance(planned.point(), 2)
        .expect_err("nobody committed it");
    assert!(matches!(error, AdvanceError::NotCommitted { value: 2, .. }));
}

#[test]
fn l11_a_wait_for_a_value_that_nobody_has_planned_is_met_when_it_is_reached() {
    let (planner, [a, b, _]) = planner();
    let mut recorder = planner.recorder();
    let wanted = TimePoint::new(b, 1);
    let (early, waits) = launch_behind(&mut recorder, a, &[], &[Wait::forever(wanted)]);
    assert_eq!(waits, [wanted]);
    let explanation = planner.explain(early, 5).expect("it is known");
    assert!(matches!(explanation.root, Root::Unreserved(place) if place.point == wanted));
    let (signal, _) = launch(&mut recorder, b, &[]);
    planner.advance(signal, 6).expect("it is the next");
    planner.advance(early, 7).expect("its wait is met");
}

#[test]
fn l11_a_circle_of_explicit_waits_is_refused_with_its_members() {
    let (planner, [a, b, c]) = planner();
    let mut recorder = planner.recorder();
    let wait = |timeline, value| [Wait::forever(TimePoint::new(timeline, value))];
    let _ = launch_behind(&mut recorder, a, &[], &wait(b, 1));
    let _ = launch_behind(&mut recorder, c, &[], &wait(a, 1));
    let recording = recorder.record(b, "last").waits(wait(c, 1)[0]);
    let error = recording.plan().expect_err("it closes a circle");
    let text = "launch `last`: the launch would wait for itself: `b` value 1 waits for `c` value 1 \
                waits for `a` value 1 waits for `b` value 1";
    assert_eq!(error.to_string(), text);
    let (point, _) = launch_behind(&mut recorder, b, &[], &[]);
    assert_eq!(point.value, 1, "the refusal left no trace");
    let recording = recorder.record(b, "self").waits(wait(b, 2)[0]);
    let _ = recording.plan().expect_err("it waits for itself");
}

/// Each launch waits for both of the round before: there are 2⁶⁴ ways back.
#[test]
fn l11_the_search_for_a_circle_looks_at_each_launch_once() {
    let (planner, [a, b, c]) = planner();
    let mut recorder = planner.recorder();
    let wait = |timeline, value| Wait::forever(TimePoint::new(timeline, value));
    let early = planner.stream("d", 0);
    let _ = launch_behind(&mut recorder, early, &[], &[wait(c, 1)]);
    for stream in [a, b] {
        let _ = launch_behind(&mut recorder, stream, &[], &[]);
    }
    for round in 1..64 {
        let waits = [wait(a, round), wait(b, round)];
        let _ = launch_behind(&mut recorder, a, &[], &waits);
        let _ = launch_behind(&mut recorder, b, &[], &waits);
    }
    let (_, waits) = launch_behind(&mut recorder, c, &[], &[wait(a, 64), wait(b, 64)]);
    assert_eq!(waits.len(), 2);
}

#[test]
fn a_point_of_a_timeline_that_was_never_opened_has_no_fate() {
    let (planner, _) = planner();
    let other = crate::planner().0;
    let unknown = (0..4).map(|_| other.stream("more", 0)).last();
    let unknown = unknown.expect("there are four");
    let fate = planner.fate(TimePoint::new(unknown, 1));
    assert_eq!(fate, Err(AdvanceError::Unknown(unknown)));
}

#[test]
fn l11_a_use_that_closes_a_circle_with_an_explicit_wait_is_refused() {
    let (planner, [a, b, _]) = planner();
    let (mut recorder, buffer) = (planner.recorder(), planner.declare(8));
    let wait = [Wait::forever(TimePoint::new(a, 1))];
    let _ = launch_behind(&mut recorder, b, &[one(buffer, 0..8, Out)], &wait);
    let recording = recorder.record(a, "reader").reads("keys", buffer, 0..8);
    let error = recording.plan().expect_err("each would wait for the other");
    let PlanError::Reserve {
        error: ReserveError::Cycle(circle),
        ..
    } = error
    else {
        panic!("another refusal: {error}");
    };
    assert_eq!(circle.0.len(), 2);
}

#[test]
fn poison_travels_to_waiters_with_its_causes_and_to_nobody_else() {
    let (planner, [a, b, c]) = planner();
    let (mut recorder, buffer) = (planner.recorder(), planner.declare(8));
    let (write, _) = launch(&mut recorder, a, &[one(buffer, 0..8, Out)]);
    let (before, _) = launch(&mut recorder, b, &[]);
    let (read, _) = launch(&mut recorder, b, &[one(buffer, 0..8, In)]);
    let (apart, _) = launch(&mut recorder, c, &[]);
    planner.poison(a, "core 3 was lost", 4).expect("it goes on");
    assert_eq!(planner.fate(write), Ok(Fate::Failed));
    assert_eq!(
        planner.fate(before),
        Ok(Fate::Unfinished),
        "it waits for nothing"
    );
    planner.advance(before, 5).expect("it is the next");
    assert_eq!(planner.fate(read), Ok(Fate::Failed));
    planner.advance(apart, 6).expect("it waits for nothing");
    let error = recorder
        .record(b, "late")
        .plan()
        .expect_err("the stream ended");
    let text = "launch `late`: nothing more runs on the stream `b`: `b` ended before 2: it waits \
                for `a` value 1, because `a` ended before 1: core 3 was lost";
    assert_eq!(error.to_string(), text);
    planner.free(buffer).expect("it lives");
    let mut freed = Vec::new();
    planner.take_freed(&mut freed);
    assert_eq!(freed.len(), 1, "what never comes holds no memory");
}

#[test]
fn a_wait_for_a_foreign_timeline_needs_a_deadline_and_missing_it_ends_the_stream() {
    let (planner, [a, b, _]) = planner();
    let (mut recorder, peer) = (planner.recorder(), planner.foreign("peer", 0));
    let wanted = TimePoint::new(peer, 40);
    let recording = recorder.record(a, "pull").waits(Wait::forever(wanted));
    let error = recording.plan().expect_err("it has no deadline");
    let expected = ReserveError::NoDeadline {
        name: "peer".to_owned(),
        value: 40,
    };
    assert!(matches!(error, PlanError::Reserve { error, .. } if error == expected));
    let (met, _) = launch_behind(&mut recorder, a, &[], &[Wait::until(wanted, 100)]);
    planner
        .advance(TimePoint::new(peer, 41), 99)
        .expect("it may jump");
    let late = [Wait::until(TimePoint::new(peer, 42), 100)];
    let (missed, _) = launch_behind(&mut recorder, b, &[], &late);
    planner.expire(99);
    assert_eq!(planner.fate(missed), Ok(Fate::Unfinished));
    planner.expire(100);
    assert_eq!(planner.fate(missed), Ok(Fate::Failed));
    planner.advance(met, 101).expect("its wait was met in time");
}

#[test]
fn memory_comes_back_only_when_what_a_lost_launch_was_behind_is_over_too() {
    let (planner, [a, b, _]) = planner();
    let (mut recorder, buffer) = (planner.recorder(), planner.declare(8));
    let (runs, _) = launch(&mut recorder, a, &[one(buffer, 0..8, Out)]);
    let (lost, waits) = launch(&mut recorder, b, &[one(buffer, 0..8, Out)]);
    assert_eq!(waits, [runs]);
    planner.poison(b, "core 3 was lost", 1).expect("it goes on");
    planner.free(buffer).expect("it lives");
    let mut freed = Vec::new();
    planner.take_freed(&mut freed);
    assert_eq!(planner.fate(lost), Ok(Fate::Failed));
    assert_eq!(freed, [], "the first write still runs");
    planner.advance(runs, 2).expect("it is the next");
    planner.take_freed(&mut freed);
    assert_eq!(freed.len(), 1);
}

#[test]
fn what_a_gate_s_word_cannot_tell_apart_is_refused() {
    const FAR: u64 = 1 << 31;
    let (planner, [a, b, _]) = planner();
    let (mut recorder, peer) = (planner.recorder(), planner.foreign("peer", 0));
    for far in [Wait::forever(TimePoint::new(b, FAR)), until(peer, FAR)] {
        let error = recorder.record(a, "pull").waits(far).plan();
        let error = error.expect_err("it is too far away").to_string();
        assert!(
            error.ends_with("is 2147483648 values away: 2147483647 at most"),
            "{error}"
        );
    }
    let _ = launch_behind(&mut recorder, a, &[], &[until(peer, FAR - 1)]);
    let error = planner.advance(TimePoint::new(peer, FAR), 1);
    let error = error.expect_err("gates wait").to_string();
    assert_eq!(
        error,
        "`peer` is at 0, and is waited for: it cannot come 2147483648 values further at once"
    );
    planner
        .advance(TimePoint::new(peer, FAR - 1), 1)
        .expect("it may jump so far");
    planner
        .advance(TimePoint::new(peer, FAR * 4), 1)
        .expect("nobody waits");
}

fn until(peer: TimelineId, value: u64) -> Wait {
    Wait::until(TimePoint::new(peer, value), 1_000)
}

#[test]
fn a_foreign_timeline_may_come_to_its_last_value() {
    let (planner, _) = planner();
    let peer = planner.foreign("peer", 0);
    let last = TimePoint::new(peer, u64::MAX);
    planner.advance(last, 1).expect("it may jump");
    let explanation = planner.explain(last, 2).expect("it is known");
    assert_eq!(explanation.root, Root::Reached);
    planner.poison(peer, "it left", 3).expect("it goes on");
    assert_eq!(planner.fate(last), Ok(Fate::Completed));
    planner.poison(peer, "again", 4).expect_err("it ended");
}

#[test]
fn an_explanation_names_a_launch_that_nobody_has_committed() {
    let (planner, [a, b, _]) = planner();
    let (mut recorder, buffer) = (planner.recorder(), planner.declare(8));
    let mut late = planner.recorder();
    let planned = late.record(a, "late").writes("out", buffer, 0..8).plan();
    let planned = planned.expect("it is right");
    let (read, _) = launch(&mut recorder, b, &[one(buffer, 0..8, In)]);
    let explanation = planner.explain(read, 30).expect("it is known");
    let text = "`b` 1 (it is at 0, for 30 ns) waits for `a` 1 (it is at 0, for 30 ns); \
                in the end: `a` 1 (it is at 0, for 30 ns) is planned and not committed";
    assert_eq!(explanation.to_string(), text);
    let point = planned.commit().point();
    let explanation = planner.explain(read, 30).expect("it is known");
    assert!(matches!(explanation.root, Root::Running(place) if place.point == point));
}

#[test]
fn an_explanation_follows_the_waits_to_the_launch_that_runs() {
    let (planner, [a, b, c]) = planner();
    let mut recorder = planner.recorder();
    let (x, y) = (planner.declare(8), planner.declare(8));
    let (root, _) = launch(&mut recorder, a, &[one(x, 0..8, Out)]);
    let (middle, _) = launch(&mut recorder, b, &[one(x, 0..8, In), one(y, 0..8, Out)]);
    let (last, _) = launch(&mut recorder, c, &[one(y, 0..8, In)]);
    let explanation = planner.explain(last, 70).expect("it is known");
    assert_eq!(explanation.waits.len(), 1);
    assert_eq!(explanation.waits[0].point, middle);
    let Root::Running(place) = &explanation.root else {
        panic!("another root: {explanation}");
    };
    assert_eq!((place.point, place.current, place.age_ns), (root, 0, 70));
    planner.advance(root, 80).expect("it is the next");
    let explanation = planner.explain(last, 90).expect("it is known");
    assert!(matches!(explanation.root, Root::Running(place) if place.point == middle));
    let place = planner.explain(root, 90).expect("it is known").place;
    assert_eq!((place.current, place.age_ns), (1, 10));
}

#[test]
fn a_launch_that_was_planned_and_not_committed_is_a_root_until_it_is_decided() {
    let (planner, [a, b, _]) = planner();
    let (mut recorder, buffer) = (planner.recorder(), planner.declare(8));
    let mut other = planner.recorder();
    let recording = recorder.record(a, "held back");
    let planned = recording.writes("out", buffer, 0..8).plan();
    let planned = planned.expect("it is right");
    let (read, _) = launch(&mut other, b, &[one(buffer, 0..8, In)]);
    let Root::Uncommitted(place) = planner.explain(read, 9).expect("it is known").root else {
        panic!("another root");
    };
    assert_eq!((place.point, place.current), (planned.point(), 0));
    let point = planned.commit().point();
    let root = planner.explain(read, 9).expect("it is known").root;
    assert!(matches!(root, Root::Running(place) if place.point == point));
}

//! L4, L6 and L7: what is refused, in which words, and what it leaves.

use finbox_runtime::Access::{In, Out};
use finbox_runtime::UseError;
use finbox_runtime::plan::{GapKind, Mode, PlanError, Planner};
use finbox_runtime::stream::TimePoint;
use finbox_scheduler::Fate;

use crate::{launch, one, planner};

#[test]
fn l4_a_use_of_a_freed_buffer_is_refused_and_names_the_argument_and_both_lives() {
    let (planner, [a, ..]) = planner();
    let (mut recorder, old) = (planner.recorder(), planner.declare(8));
    planner.free(old).expect("it lives");
    let new = planner.declare(8);
    let recording = recorder.record(a, "sort").writes("out", new, 0..8);
    let error = recording
        .reads("keys", old, 0..8)
        .plan()
        .expect_err("it is over");
    let text = "launch `sort`, `keys`: argument 1: the buffer was freed (life 0 is over, now 1)";
    assert_eq!(error.to_string(), text);
    let error = planner.free(old).expect_err("it is over");
    assert!(matches!(error, UseError::Stale { argument: 0, .. }));
}

#[test]
fn l6_strict_planning_refuses_untracked_and_external_memory_with_two_errors() {
    let (planner, [a, ..]) = planner();
    let (mut recorder, buffer) = (planner.recorder(), planner.declare(8));
    let blind = planner.untracked_stream("blind", 0);
    let recording = recorder.record(blind, "sort").reads("keys", buffer, 0..8);
    let error = recording.plan().expect_err("nobody tracks it");
    let (launch, label) = ("sort".to_owned(), "keys".to_owned());
    let untracked = PlanError::Untracked {
        launch: launch.clone(),
        argument: 0,
        label,
        stream: "blind".to_owned(),
    };
    assert_eq!(error, untracked);
    let recording = recorder.record(a, "sort").reads("keys", buffer, 0..8);
    let error = recording
        .external("table", 0x40)
        .plan()
        .expect_err("nobody declared it");
    let external = PlanError::External {
        launch,
        argument: 1,
        label: "table".to_owned(),
        address: 0x40,
    };
    assert_eq!(error, external);
}

#[test]
fn l6_permissive_planning_lists_each_gap_once_and_counts_tracked_uses() {
    let planner = Planner::new(Mode::Permissive);
    let (a, b) = (planner.stream("a", 0), planner.stream("b", 0));
    let blind = planner.untracked_stream("blind", 0);
    let (mut recorder, buffer) = (planner.recorder(), planner.declare(8));
    for _ in 0..3 {
        let recording = recorder.record(a, "sort").reads("keys", buffer, 0..8);
        let planned = recording.external("table", 0x40).plan();
        assert_eq!(planned.expect("it passes").commit().tracked_uses(), 1);
    }
    let recording = recorder.record(blind, "scan").writes("keys", buffer, 0..8);
    let submitted = recording.plan().expect("it passes").commit();
    assert_eq!((submitted.tracked_uses(), submitted.waits()), (0, &[][..]));
    let recording = recorder.record(b, "sort").reads("keys", buffer, 0..8);
    let _ = recording
        .external("table", 0x40)
        .plan()
        .expect("it passes")
        .commit();
    let gaps = planner.gaps();
    let rows = gaps.iter().map(|gap| {
        let names = (gap.launch.as_str(), gap.label.as_str());
        (gap.timeline, names, gap.argument, gap.kind, gap.count)
    });
    let external = GapKind::External { address: 0x40 };
    let expected = [
        (a, ("sort", "table"), 1, external, 3),
        (blind, ("scan", "keys"), 0, GapKind::Untracked, 1),
        (b, ("sort", "table"), 1, external, 1),
    ];
    assert_eq!(rows.collect::<Vec<_>>(), expected);
    assert_eq!(planner.stats().tracked_uses, 4);
}

#[test]
fn l6_gaps_of_another_launch_argument_or_label_are_others() {
    let planner = Planner::new(Mode::Permissive);
    let (a, mut recorder) = (planner.stream("a", 0), planner.recorder());
    for (launch, labels) in [
        ("sort", &["x"][..]),
        ("sort", &["y"]),
        ("scan", &["x"]),
        ("sort", &["w", "x"]),
        ("sort", &["x"]),
    ] {
        let mut recording = recorder.record(a, launch);
        for label in labels {
            recording = recording.external(label, 1);
        }
        let _ = recording.plan().expect("it passes").commit();
    }
    let counts = planner
        .gaps()
        .iter()
        .map(|gap| gap.count)
        .collect::<Vec<_>>();
    assert_eq!(counts, [2, 1, 1, 1, 1]);
}

#[test]
fn l12_external_memory_that_moves_is_one_gap_with_the_address_that_was_first() {
    let planner = Planner::new(Mode::Permissive);
    let (a, mut recorder) = (planner.stream("a", 0), planner.recorder());
    for address in 0x40..0x80 {
        let recording = recorder.record(a, "sort").external("table", address);
        let _ = recording.plan().expect("it passes").commit();
    }
    let gaps = planner.gaps();
    let rows = gaps.iter().map(|gap| (gap.kind, gap.count));
    let first = GapKind::External { address: 0x40 };
    assert_eq!(rows.collect::<Vec<_>>(), [(first, 0x40)]);
}

#[test]
fn l7_a_plan_that_was_refused_leaves_no_trace() {
    let (planner, [a, b, _]) = planner();
    let (mut recorder, buffer) = (planner.recorder(), planner.declare(8));
    let (stats, state) = (planner.stats(), planner.state_of(buffer));
    let recording = recorder.record(a, "wrong").writes("keys", buffer, 0..8);
    let _ = recording
        .reads("more", buffer, 4..9)
        .plan()
        .expect_err("it leaves the buffer");
    let recording = recorder.record(a, "wrong").writes("keys", buffer, 2..8);
    let _ = recording
        .external("table", 0x40)
        .plan()
        .expect_err("nobody declared it");
    assert_eq!((planner.stats(), planner.state_of(buffer)), (stats, state));
    let (point, _) = launch(&mut recorder, a, &[]);
    assert_eq!(point.value, 1, "no value was spent");
    let (_, waits) = launch(&mut recorder, b, &[one(buffer, 0..8, Out)]);
    assert_eq!(waits, []);
}

#[test]
fn l7_a_plan_that_was_dropped_is_reached_when_its_waits_are_met_and_is_counted() {
    let (planner, [a, b, c]) = planner();
    let (mut recorder, buffer) = (planner.recorder(), planner.declare(8));
    let (write, _) = launch(&mut recorder, a, &[one(buffer, 0..8, Out)]);
    let recording = recorder.record(b, "dropped").writes("keys", buffer, 0..8);
    drop(recording.plan().expect("it is right"));
    let dropped = TimePoint::new(b, 1);
    let (read, waits) = launch(&mut recorder, c, &[one(buffer, 0..8, In)]);
    assert_eq!(waits, [dropped]);
    assert_eq!(
        planner.fate(dropped),
        Ok(Fate::Unfinished),
        "its wait is not met"
    );
    planner.advance(write, 1).expect("it is the next");
    assert_eq!(planner.fate(dropped), Ok(Fate::Completed));
    planner.advance(read, 2).expect("its wait is met");
    let stats = planner.stats();
    assert_eq!((stats.planned, stats.committed, stats.dropped), (3, 2, 1));
}

//! L1 to L5, L9 and L10: what declared uses order.

use std::thread;

use finbox_runtime::Access::{In, InOut, Out};
use finbox_runtime::stream::TimePoint;

use crate::{launch, one, planner};

#[test]
fn l1_disjoint_ranges_of_one_buffer_do_not_conflict_and_overlapping_ones_do() {
    let (planner, [a, b, c]) = planner();
    let (mut recorder, buffer) = (planner.recorder(), planner.declare(8));
    let (first, waits) = launch(&mut recorder, a, &[one(buffer, 0..4, Out)]);
    assert_eq!(waits, []);
    let (second, waits) = launch(&mut recorder, b, &[one(buffer, 4..8, InOut)]);
    assert_eq!(waits, []);
    let (_, waits) = launch(&mut recorder, c, &[one(buffer, 3..5, In)]);
    assert_eq!(waits, [first, second]);
}

#[test]
fn l2_a_read_waits_for_the_write_and_a_write_for_all_reads_of_other_streams_only() {
    let (planner, [a, b, c]) = planner();
    let (mut recorder, buffer) = (planner.recorder(), planner.declare(8));
    let (write, _) = launch(&mut recorder, a, &[one(buffer, 0..8, Out)]);
    let (own, waits) = launch(&mut recorder, a, &[one(buffer, 0..8, In)]);
    assert_eq!(waits, [], "its own stream is ordered already");
    let (read_b, waits) = launch(&mut recorder, b, &[one(buffer, 0..8, In)]);
    assert_eq!(waits, [write], "not for the other read");
    let (read_c, waits) = launch(&mut recorder, c, &[one(buffer, 0..8, In)]);
    assert_eq!(waits, [write]);
    let (_, waits) = launch(&mut recorder, b, &[one(buffer, 0..8, Out)]);
    assert_eq!(
        waits,
        [own, read_c],
        "the later point of a stream stands for both"
    );
    assert_ne!(read_b, read_c);
}

#[test]
fn l2_what_was_reached_is_no_wait() {
    let (planner, [a, b, _]) = planner();
    let (mut recorder, buffer) = (planner.recorder(), planner.declare(8));
    let (write, _) = launch(&mut recorder, a, &[one(buffer, 0..8, Out)]);
    planner.advance(write, 1).expect("it is the next");
    let (_, waits) = launch(&mut recorder, b, &[one(buffer, 0..8, InOut)]);
    assert_eq!(waits, []);
}

#[test]
fn l3_a_write_replaces_what_was_remembered_and_a_read_is_remembered_once_a_timeline() {
    let (planner, [a, b, c]) = planner();
    let (mut recorder, buffer) = (planner.recorder(), planner.declare(8));
    let _ = launch(&mut recorder, a, &[one(buffer, 0..8, Out)]);
    let mut last = None;
    for _ in 0..20 {
        last = Some(launch(&mut recorder, b, &[one(buffer, 0..8, In)]).0);
        let _ = launch(&mut recorder, a, &[one(buffer, 0..8, In)]);
        assert!(
            planner.state_of(buffer) <= 3,
            "a segment, and a read of a and of b"
        );
    }
    let (write, waits) = launch(&mut recorder, c, &[one(buffer, 0..8, Out)]);
    assert_eq!(waits, [TimePoint::new(a, 21), last.expect("it read")]);
    assert_eq!(planner.state_of(buffer), 1, "the reads are forgotten");
    let (_, waits) = launch(&mut recorder, a, &[one(buffer, 0..8, In)]);
    assert_eq!(waits, [write]);
}

#[test]
fn l4_freed_memory_comes_back_when_the_last_write_and_all_reads_are_over() {
    let (planner, [a, b, c]) = planner();
    let (mut recorder, buffer) = (planner.recorder(), planner.declare(8));
    let (write, _) = launch(&mut recorder, a, &[one(buffer, 0..8, Out)]);
    let (read_b, _) = launch(&mut recorder, b, &[one(buffer, 0..8, In)]);
    let (read_c, _) = launch(&mut recorder, c, &[one(buffer, 0..8, In)]);
    planner.free(buffer).expect("it lives");
    let mut freed = Vec::new();
    for point in [write, read_c, read_b] {
        planner.take_freed(&mut freed);
        assert_eq!(freed, [], "before {point}");
        planner.advance(point, 1).expect("its waits are met");
    }
    planner.take_freed(&mut freed);
    planner.take_freed(&mut freed);
    let freed: Vec<_> = freed
        .iter()
        .map(|one| (one.buffer, one.size_bytes))
        .collect();
    assert_eq!(freed, [(buffer, 8)], "once");
}

#[test]
fn l5_a_fresh_allocation_is_a_write_of_its_stream() {
    let (planner, [a, b, _]) = planner();
    let mut recorder = planner.recorder();
    let (_, behind) = (planner.declare(8), launch(&mut recorder, a, &[]).0);
    let (buffer, point) = planner.allocate(a, 8).expect("the stream goes on");
    let (_, waits) = launch(&mut recorder, b, &[one(buffer, 0..8, In)]);
    assert_eq!(waits, [point]);
    planner.advance(behind, 1).expect("it is the next");
    let (_, waits) = launch(&mut recorder, b, &[one(buffer, 0..8, In)]);
    assert_eq!(
        waits,
        [],
        "an allocation has nothing to do: it is reached with what it is behind"
    );
}

#[test]
fn l10_a_buffer_named_twice_is_one_use_with_the_strongest_access_in_first_seen_order() {
    let (planner, [a, b, c]) = planner();
    let mut recorder = planner.recorder();
    let (x, y) = (planner.declare(8), planner.declare(8));
    let (write_y, _) = launch(&mut recorder, a, &[one(y, 0..8, Out)]);
    let (read_x, _) = launch(&mut recorder, b, &[one(x, 0..8, In)]);
    let recording = recorder.record(c, "twice").reads("x", x, 0..8);
    let planned = recording
        .reads("y", y, 0..8)
        .writes("x again", x, 4..8)
        .plan();
    let submitted = planned.expect("it is right").commit();
    assert_eq!(submitted.tracked_uses(), 2);
    let waits: Vec<_> = submitted.waits().iter().map(|wait| wait.point).collect();
    assert_eq!(waits, [read_x, write_y], "x first, and it is written");
    let apart = recorder
        .record(c, "apart")
        .reads("low", x, 0..2)
        .reads("high", x, 6..8);
    let apart = apart.reads("between", x, 1..7).plan();
    assert_eq!(
        apart.expect("it is right").commit().tracked_uses(),
        1,
        "grown together"
    );
}

/// Whoever plans second sees the whole of who planned first: reservation and record are one
/// critical section, so two plans have two interleavings; threads take both.
#[test]
fn l9_threads_that_plan_on_the_same_buffers_in_opposite_order_are_ordered_and_never_in_a_circle() {
    const ROUNDS: usize = 2_000;
    let (planner, [a, b, _]) = planner();
    let (x, y) = (planner.declare(8), planner.declare(8));
    let course = |stream, buffers: [_; 2]| {
        let mut recorder = planner.recorder();
        let uses = buffers.map(|buffer| one(buffer, 0..8, InOut));
        let plan = |_| launch(&mut recorder, stream, &uses);
        (0..ROUNDS).map(plan).collect::<Vec<_>>()
    };
    let (of_a, of_b) = thread::scope(|scope| {
        let first = scope.spawn(|| course(a, [x, y]));
        let second = course(b, [y, x]);
        (first.join().expect("it plans"), second)
    });
    // What a launch comes behind on the other stream, seen through its own stream.
    let behind = |launches: &[(TimePoint, Vec<TimePoint>)]| {
        let mut last = 0;
        let values = launches.iter().map(|(_, waits)| {
            last = waits.iter().map(|point| point.value).fold(last, u64::max);
            last
        });
        values.collect::<Vec<_>>()
    };
    let (a_behind, b_behind) = (behind(&of_a), behind(&of_b));
    for (i, &behind_b) in (0_u64..).zip(&a_behind) {
        for (j, &behind_a) in (0_u64..).zip(&b_behind) {
            let (a_waits, b_waits) = (behind_b > j, behind_a > i);
            assert!(a_waits != b_waits, "launches {i} and {j}");
        }
    }
}

//! Launch plans through the C ABI: what arrives, and what a launch is told to wait for.

use std::ffi::CStr;

use finbox::*;

use crate::mailbox::{OK, c, last_error};
use crate::plan_rig::{Desk, no_planned, one, point, submitted, text, wait, waits_of};

use finbox_access::{In, Inout, Out};

#[test]
fn what_a_launch_uses_decides_what_it_waits_for_across_streams() {
    let desk = Desk::new(finbox_plan_mode::Strict);
    let [copy, compute] = desk.streams;
    let shared = desk.buffer();
    let (written, waits) = desk.launch(copy, &[one("out", shared, Out)], &[]);
    assert_eq!((written, waits), (point(copy, 1), Vec::new()));
    let (read, waits) = desk.launch(compute, &[one("in", shared, In)], &[]);
    assert_eq!(waits, [wait(written, 0)], "a read waits for the write");
    let (_, waits) = desk.launch(copy, &[one("both", shared, Inout)], &[]);
    assert_eq!(
        waits,
        [wait(read, 0)],
        "a write for the read; its own stream is in order"
    );
    assert_eq!(desk.advance(read, 5), finbox_status::OutOfOrder);
    assert!(
        last_error().contains("waits for timeline 0 value 1"),
        "{}",
        last_error()
    );
    assert_eq!(desk.advance(written, 6), OK);
    assert_eq!(desk.advance(written, 7), finbox_status::Duplicate);
    assert_eq!((desk.fate(written), desk.fate(read)), (1, 0));
    assert_eq!(desk.advance(read, 8), OK);
    assert_eq!(desk.stats(), [3, 3, 0, 3, 1]);
    desk.end();
}

#[test]
fn explicit_waits_come_first_with_their_deadlines_and_what_finds_no_room_is_counted() {
    let desk = Desk::new(finbox_plan_mode::Strict);
    let [copy, compute] = desk.streams;
    let events = desk.timeline("events", finbox_timeline_kind::Foreign);
    let shared = desk.buffer();
    let (written, _) = desk.launch(copy, &[one("out", shared, Out)], &[]);
    let explicit = wait(point(events, 9), 1_000);
    let mut planned = no_planned();
    let uses = [one("in", shared, In)];
    let (status, _) = desk.plan(compute, &uses, &[explicit], &mut planned);
    assert_eq!(
        (status, waits_of(&mut planned)),
        (OK, vec![explicit, wait(written, 0)])
    );
    let (mut first, mut count) = ([wait(point(7, 7), 7); 2], 0);
    let asked = c!(finbox_planned_waits(
        &mut *planned,
        first.as_mut_ptr(),
        1,
        &mut count
    ));
    assert_eq!((asked, count), (OK, 2));
    assert_eq!(
        first,
        [explicit, wait(point(7, 7), 7)],
        "no more than there is room for"
    );
    assert_eq!(c!(finbox_planned_destroy(&mut *planned)), OK);
    let (status, _) = desk.plan(compute, &[], &[wait(point(events, 9), 0)], &mut planned);
    assert_eq!(status, finbox_status::NoDeadline);
    assert_eq!(
        desk.advance(point(events, 12), 20),
        OK,
        "in steps of any size"
    );
    assert_eq!(desk.fate(point(events, 9)), 1);
    desk.end();
}

#[test]
fn a_launch_that_is_destroyed_without_commit_does_nothing_and_is_reached() {
    let desk = Desk::new(finbox_plan_mode::Strict);
    let [copy, compute] = desk.streams;
    let mut planned = no_planned();
    let (status, dropped) = desk.plan(copy, &[], &[], &mut planned);
    assert_eq!((status, desk.fate(dropped)), (OK, 0));
    let (_, waits) = desk.launch(compute, &[], &[wait(dropped, 0)]);
    assert_eq!(waits, [wait(dropped, 0)]);
    let (told, words) = desk.explain(point(compute, 1), 3);
    assert_eq!(
        (told.root, told.root_point),
        (finbox_root::Uncommitted as u32, dropped)
    );
    assert!(words.ends_with("is planned and not committed"), "{words}");
    assert_eq!(
        c!(finbox_planner_destroy(desk.at())),
        finbox_status::Outstanding
    );
    assert_eq!(c!(finbox_planned_destroy(&mut *planned)), OK);
    assert_eq!((desk.fate(dropped), desk.stats()), (1, [2, 1, 1, 0, 0]));
    desk.end();
}

#[test]
fn a_launch_is_committed_once() {
    let desk = Desk::new(finbox_plan_mode::Strict);
    let (mut planned, mut committed) = (no_planned(), submitted());
    assert_eq!(desk.plan(0, &[], &[], &mut planned).0, OK);
    assert_eq!(c!(finbox_planned_commit(&mut *planned, &mut committed)), OK);
    let again = c!(finbox_planned_commit(&mut *planned, &mut committed));
    assert_eq!(again, finbox_status::Duplicate);
    let (in_use, _) = desk.plan(0, &[], &[], &mut planned);
    assert_eq!(in_use, finbox_status::InUse, "its storage has a launch");
    assert_eq!(c!(finbox_planned_destroy(&mut *planned)), OK);
    assert_eq!(
        desk.stats(),
        [1, 1, 0, 0, 0],
        "what was refused was not planned"
    );
    desk.end();
}

#[test]
fn explain_names_who_is_waited_for_wanted_current_and_age() {
    let desk = Desk::new(finbox_plan_mode::Strict);
    let [copy, compute] = desk.streams;
    let events = desk.timeline("events", finbox_timeline_kind::Foreign);
    let (first, _) = desk.launch(copy, &[], &[wait(point(events, 4), 900)]);
    let (second, _) = desk.launch(compute, &[], &[wait(first, 0)]);
    assert_eq!(desk.advance(point(events, 3), 40), OK);
    let (told, words) = desk.explain(second, 100);
    assert_eq!(
        (told.wanted, told.current, told.age_ns, told.wait_count),
        (1, 0, 100, 1)
    );
    assert_eq!(
        (told.root, told.root_point),
        (finbox_root::Foreign as u32, point(events, 4))
    );
    assert_eq!((told.root_current, told.root_age_ns), (3, 60));
    assert_eq!(
        words,
        "`compute` 1 (it is at 0, for 100 ns) waits for `copy` 1 (it is at 0, for 100 ns); in the \
         end: `events` 4 (it is at 3, for 60 ns) is told by somebody else"
    );
    assert_eq!(c!(finbox_planner_expire(desk.at(), 900)), OK);
    assert_eq!((desk.fate(first), desk.fate(second)), (2, 2));
    let (told, words) = desk.explain(second, 901);
    assert_eq!(told.root, finbox_root::Poisoned as u32);
    assert!(words.contains("was not reached by 900 ns"), "{words}");
    desk.end();
}

#[test]
fn poison_travels_with_its_cause_and_other_timelines_go_on() {
    let desk = Desk::new(finbox_plan_mode::Strict);
    let [copy, compute] = desk.streams;
    let other = desk.timeline("other", finbox_timeline_kind::Stream);
    let (failed, _) = desk.launch(copy, &[], &[]);
    let (behind, _) = desk.launch(compute, &[], &[wait(failed, 0)]);
    let (apart, _) = desk.launch(other, &[], &[]);
    let cause = text("the engine broke");
    assert_eq!(c!(finbox_planner_poison(desk.at(), copy, &cause, 5)), OK);
    assert_eq!(
        (desk.fate(failed), desk.fate(behind), desk.fate(apart)),
        (2, 2, 0)
    );
    let refused = desk.plan(compute, &[], &[], &mut no_planned()).0;
    assert_eq!(refused, finbox_status::Poisoned);
    assert!(
        last_error().ends_with("the engine broke"),
        "{}",
        last_error()
    );
    let twice = c!(finbox_planner_poison(desk.at(), copy, &cause, 6));
    assert_eq!(
        (twice, desk.advance(apart, 7)),
        (finbox_status::Poisoned, OK)
    );
    desk.end();
}

#[test]
fn freed_buffers_are_told_once_when_their_last_uses_are_over() {
    let desk = Desk::new(finbox_plan_mode::Strict);
    let [copy, _] = desk.streams;
    let (mut buffer, mut first) = (0, finbox_point::default());
    let allocated = c!(finbox_planner_allocate(
        desk.at(),
        copy,
        64,
        &mut buffer,
        &mut first
    ));
    assert_eq!(
        (allocated, first, desk.fate(first)),
        (OK, point(copy, 1), 1)
    );
    let (used, _) = desk.launch(copy, &[one("in", buffer, In)], &[]);
    let idle = desk.buffer();
    for freed in [buffer, idle] {
        assert_eq!(c!(finbox_planner_free(desk.at(), freed)), OK);
        let twice = c!(finbox_planner_free(desk.at(), freed));
        assert_eq!(twice, finbox_status::BadUse);
    }
    let (mut rows, mut count) = ([finbox_freed::default(); 2], 9);
    let mut take = |capacity| {
        let at = rows.as_mut_ptr();
        let taken = c!(finbox_planner_take_freed(
            desk.at(),
            at,
            capacity,
            &mut count
        ));
        assert_eq!(taken, OK);
        (count, rows[0].buffer, rows[0].size_bytes)
    };
    assert_eq!(take(0), (1, 0, 0), "one, and no room");
    assert_eq!(take(2), (1, idle, 64), "it comes with the next call");
    assert_eq!(take(2), (0, idle, 64), "and once");
    assert_eq!(desk.advance(used, 1), OK);
    assert_eq!(take(2), (1, buffer, 64));
    let refused = desk.plan(copy, &[one("gone", buffer, In)], &[], &mut no_planned());
    assert_eq!(refused.0, finbox_status::BadUse);
    desk.end();
}

#[test]
fn a_permissive_planner_lists_what_nobody_tracks_and_a_strict_one_names_it() {
    let outside = finbox_use {
        label: text("table"),
        buffer: 0xAB00,
        begin: 0,
        end: 0,
        access: finbox_access::External as u32,
        reserved: 0,
    };
    let strict = Desk::new(finbox_plan_mode::Strict);
    let refused = strict.plan(0, &[outside], &[], &mut no_planned()).0;
    assert_eq!(refused, finbox_status::Untracked);
    assert!(
        last_error().starts_with("launch `kernel`, argument 0 `table`"),
        "{}",
        last_error()
    );
    strict.end();
    let desk = Desk::new(finbox_plan_mode::Permissive);
    let blind = desk.timeline("blind", finbox_timeline_kind::Untracked);
    let buffer = desk.buffer();
    for _ in 0..2 {
        desk.launch(0, &[outside], &[]);
    }
    desk.launch(blind, &[one("in", buffer, In)], &[]);
    let (mut rows, mut count) = ([finbox_plan_gap::default(); 2], 0);
    let asked = c!(finbox_planner_gaps(
        desk.at(),
        rows.as_mut_ptr(),
        2,
        &mut count
    ));
    let kinds = rows.map(|gap| (gap.count, gap.address, gap.argument, gap.kind));
    assert_eq!(
        (asked, count, kinds),
        (OK, 2, [(2, 0xAB00, 0, 1), (1, 0, 0, 0)])
    );
    let (mut words, mut length) = ([0; 256], 0);
    let (at, capacity) = (words.as_mut_ptr(), words.len());
    let asked = c!(finbox_planner_gap_text(
        desk.at(),
        at,
        capacity,
        &mut length
    ));
    let words = c!(CStr::from_ptr(words.as_ptr())).to_str().expect("UTF-8");
    let first = "launch `kernel`, argument 0 `table`: nobody declared the memory at 0xab00 (2";
    assert!(words.starts_with(first), "{words}");
    assert_eq!((asked, words.lines().count(), length), (OK, 2, words.len()));
    desk.end();
}

//! Plans that are refused, and calls that are wrong where it can be seen.

use std::ptr;

use finbox::*;
use finbox_abi::finbox_text;

use crate::mailbox::{OK, c, last_error};
use crate::plan_rig::{Desk, no_planned, one, point, submitted, text, wait};

const NULL: finbox_status = finbox_status::NullArgument;

fn refused(status: finbox_status, what: &str) {
    let expected = format!("{what} must not be null");
    assert_eq!((status, last_error()), (NULL, expected));
}

#[test]
fn null_is_refused_by_its_name_when_plans_are_made() {
    let desk = Desk::new(finbox_plan_mode::Strict);
    let (at, planned) = (desk.at(), &mut *no_planned());
    let args = finbox_launch_args {
        struct_size: size_of::<finbox_launch_args>(),
        next: ptr::null(),
        name: text("kernel"),
        uses: ptr::null(),
        use_count: 1,
        waits: ptr::null(),
        wait_count: 0,
        stream: 0,
        flags: 0,
    };
    let plan =
        |args: *const _, planned| c!(finbox_planner_plan(at, args, planned, ptr::null_mut()));
    refused(plan(ptr::null(), planned), "finbox_launch_args");
    refused(plan(&args, planned), "uses");
    let waits = finbox_launch_args {
        use_count: 0,
        wait_count: 1,
        ..args
    };
    refused(plan(&waits, planned), "waits");
    let empty = finbox_launch_args {
        use_count: 0,
        ..args
    };
    refused(plan(&empty, ptr::null_mut()), "planned launch");
    desk.end();
}

#[test]
fn null_is_refused_by_its_name_by_planners_and_planned_launches() {
    let desk = Desk::new(finbox_plan_mode::Strict);
    let (at, mut number) = (desk.at(), 0);
    let (planned, none) = (&mut *no_planned(), ptr::null_mut());
    refused(
        c!(finbox_planner_create(ptr::null(), none)),
        "finbox_planner_args",
    );
    refused(c!(finbox_planner_destroy(none)), "planner");
    let timeline = c!(finbox_planner_timeline(at, ptr::null(), &mut number));
    refused(timeline, "finbox_timeline_args");
    refused(c!(finbox_planner_declare(at, 1, ptr::null_mut())), "buffer");
    let (nowhere, no_point) = (ptr::null_mut(), ptr::null_mut());
    refused(
        c!(finbox_planner_allocate(at, 0, 1, nowhere, no_point)),
        "buffer",
    );
    refused(c!(finbox_planner_free(none, 1)), "planner");
    let taken = c!(finbox_planner_take_freed(
        at,
        ptr::null_mut(),
        1,
        ptr::null_mut()
    ));
    refused(taken, "freed");
    refused(
        c!(finbox_planned_commit(planned, ptr::null_mut())),
        "finbox_submitted",
    );
    refused(
        c!(finbox_planned_commit(ptr::null_mut(), &mut submitted())),
        "planned launch",
    );
    refused(
        c!(finbox_planned_destroy(ptr::null_mut())),
        "planned launch",
    );
    let waits = c!(finbox_planned_waits(
        planned,
        ptr::null_mut(),
        0,
        ptr::null_mut()
    ));
    refused(waits, "count");
    desk.end();
}

#[test]
fn null_is_refused_by_its_name_when_timelines_are_moved_and_asked() {
    let desk = Desk::new(finbox_plan_mode::Strict);
    let (at, first) = (desk.at(), point(0, 1));
    let (none, no_point) = (ptr::null_mut(), ptr::null());
    refused(c!(finbox_planner_advance(at, no_point, 0)), "point");
    refused(c!(finbox_planner_advance(none, &first, 0)), "planner");
    refused(c!(finbox_planner_poison(at, 0, ptr::null(), 0)), "cause");
    refused(c!(finbox_planner_expire(none, 0)), "planner");
    refused(
        c!(finbox_planner_fate(at, no_point, ptr::null_mut())),
        "point",
    );
    refused(c!(finbox_planner_fate(at, &first, ptr::null_mut())), "fate");
    let explained = c!(finbox_planner_explain(at, &first, 0, ptr::null_mut()));
    refused(explained, "finbox_explanation");
    let (nowhere, length) = (ptr::null_mut(), ptr::null_mut());
    let explained = c!(finbox_planner_explain_text(
        at, &first, 0, nowhere, 1, length
    ));
    refused(explained, "buffer");
    refused(
        c!(finbox_planner_gaps(at, ptr::null_mut(), 0, ptr::null_mut())),
        "count",
    );
    refused(
        c!(finbox_planner_gap_text(at, nowhere, 1, length)),
        "buffer",
    );
    refused(
        c!(finbox_planner_stats(at, ptr::null_mut())),
        "finbox_plan_stats",
    );
    desk.end();
}

#[test]
fn what_was_destroyed_or_never_made_is_refused() {
    let desk = Desk::new(finbox_plan_mode::Strict);
    let (mut planned, mut number) = (no_planned(), 0);
    let destroyed = c!(finbox_planned_destroy(&mut *planned));
    assert_eq!(destroyed, finbox_status::NotAHandle);
    assert_eq!(desk.plan(0, &[], &[], &mut planned).0, OK);
    assert_eq!(c!(finbox_planned_destroy(&mut *planned)), OK);
    let committed = c!(finbox_planned_commit(&mut *planned, &mut submitted()));
    assert_eq!(committed, finbox_status::Destroyed);
    let as_planner = ptr::from_mut(&mut *planned).cast();
    let declared = c!(finbox_planner_declare(as_planner, 1, &mut number));
    assert_eq!(declared, finbox_status::NotAHandle, "of another kind");
    desk.end();
    let declared = c!(finbox_planner_declare(desk.at(), 1, &mut number));
    assert_eq!(declared, finbox_status::Destroyed);
    assert_eq!(
        desk.plan(0, &[], &[], &mut planned).0,
        finbox_status::Destroyed
    );
}

#[test]
fn numbers_that_are_none_are_refused_with_the_argument_s_name() {
    use finbox_status::{BadUse, InvalidArgument};
    let desk = Desk::new(finbox_plan_mode::Strict);
    let buffer = desk.buffer();
    let plan = |one: finbox_use| desk.plan(0, &[one], &[], &mut no_planned()).0;
    let good = one("column", buffer, finbox_access::In);
    for (bad, status, said) in [
        (
            finbox_use { access: 4, ..good },
            InvalidArgument,
            "argument 0 `column`: access: 4",
        ),
        (
            finbox_use { buffer: 0, ..good },
            BadUse,
            "`column`: argument 0: no buffer",
        ),
        (
            finbox_use { buffer: 77, ..good },
            BadUse,
            "`column`: argument 0: no buffer",
        ),
        (
            finbox_use {
                begin: 65,
                end: 66,
                ..good
            },
            BadUse,
            "bytes 65..66 of a buffer of 64",
        ),
        (
            finbox_use {
                begin: 8,
                end: 8,
                ..good
            },
            BadUse,
            "bytes 8..8",
        ),
    ] {
        assert_eq!(plan(bad), status, "{said}");
        assert!(last_error().contains(said), "{said}: {}", last_error());
    }
    let bytes = finbox_text {
        bytes: c"\xFF".as_ptr(),
        length: 1,
    };
    assert_eq!(
        plan(finbox_use {
            label: bytes,
            ..good
        }),
        InvalidArgument
    );
    assert_eq!(desk.stats(), [0; 5], "nothing was planned");
    desk.end();
}

#[test]
fn modes_kinds_and_sizes_that_are_none_are_refused() {
    use finbox_status::{InvalidArgument, Unsupported};
    let desk = Desk::new(finbox_plan_mode::Strict);
    let args = |mode, flags| finbox_planner_args {
        struct_size: size_of::<finbox_planner_args>(),
        next: ptr::null(),
        mode,
        flags,
    };
    let mut other = finbox_planner { opaque: [0; 8] };
    assert_eq!(
        c!(finbox_planner_create(&args(2, 0), &mut other)),
        InvalidArgument
    );
    assert_eq!(
        c!(finbox_planner_create(&args(0, 1), &mut other)),
        Unsupported
    );
    let mut number = 0;
    let allocate = |bytes| {
        let (mut buffer, none) = (0, ptr::null_mut());
        c!(finbox_planner_allocate(
            desk.at(),
            0,
            bytes,
            &mut buffer,
            none
        ))
    };
    assert_eq!(allocate(0), InvalidArgument, "an allocation of nothing");
    let kind = finbox_timeline_args {
        struct_size: size_of::<finbox_timeline_args>(),
        next: ptr::null(),
        name: text("odd"),
        now_ns: 0,
        kind: 3,
        flags: 0,
    };
    let opened = c!(finbox_planner_timeline(desk.at(), &kind, &mut number));
    assert_eq!(opened, InvalidArgument);
    desk.end();
}

#[test]
fn timelines_that_are_none_are_refused_and_circles_are_named() {
    use finbox_status::{Cycle, InvalidArgument, UnknownTimeline};
    let desk = Desk::new(finbox_plan_mode::Strict);
    let [copy, compute] = desk.streams;
    let stranger = point(9, 1);
    let plan = |stream, waits: &[_]| desk.plan(stream, &[], waits, &mut no_planned()).0;
    assert_eq!(plan(9, &[]), UnknownTimeline);
    assert_eq!(plan(copy, &[wait(stranger, 0)]), UnknownTimeline);
    assert_eq!(desk.advance(stranger, 0), UnknownTimeline);
    let (mut fate, cause) = (0, text("why"));
    let asked = c!(finbox_planner_fate(desk.at(), &stranger, &mut fate));
    assert_eq!(asked, UnknownTimeline);
    assert_eq!(
        c!(finbox_planner_poison(desk.at(), 9, &cause, 0)),
        UnknownTimeline
    );
    let events = desk.timeline("events", finbox_timeline_kind::Foreign);
    assert_eq!(
        plan(events, &[]),
        InvalidArgument,
        "nothing is planned on it"
    );
    desk.launch(copy, &[], &[wait(point(compute, 1), 0)]);
    assert_eq!(plan(compute, &[wait(point(copy, 1), 0)]), Cycle);
    let circle = "`compute` value 1 waits for `copy` value 1 waits for `compute` value 1";
    assert!(last_error().ends_with(circle), "{}", last_error());
    assert_eq!(desk.advance(point(copy, 1), 0), finbox_status::OutOfOrder);
    assert_eq!(desk.advance(point(copy, 2), 0), finbox_status::OutOfOrder);
    assert_eq!(
        desk.advance(point(compute, 1), 0),
        finbox_status::OutOfOrder
    );
    desk.end();
}

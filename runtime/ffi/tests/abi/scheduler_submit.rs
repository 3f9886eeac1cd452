//! Tasks that are not taken: now, before a scope closes, or ever; and tasks of somebody else.

use std::ptr;

use finbox::*;

use crate::chip::{COUNTERS, HANG, NOTHING};
use crate::mailbox::{OK, c, last_error};
use crate::rig::{Rig, deferred, task};

type Args = finbox_task_args;
/// Makes one thing wrong.
type Spoil = fn(&mut Args);

const INVALID: finbox_status = finbox_status::InvalidArgument;
const UNKNOWN: finbox_status = finbox_status::UnknownTask;

#[test]
fn a_full_ring_is_a_temporary_refusal_and_changes_nothing() {
    let rig = Rig::new();
    let waiting: Vec<_> = (0..8)
        .map(|at| rig.submit(&deferred(at, COUNTERS), &[]))
        .collect();
    rig.settle();
    let more = task(9, NOTHING);
    let (refused, none) = rig.try_submit(&more, &[]);
    assert_eq!(
        (refused, none),
        (finbox_status::NoRoom, finbox_task::default())
    );
    assert!(
        last_error().starts_with("all 8 task slots of ring 0 are in use"),
        "{}",
        last_error()
    );
    assert_eq!(rig.ledger().submitted, 8);
    rig.chip.notify(COUNTERS, 1);
    rig.settle();
    assert_eq!(rig.try_submit(&more, &waiting).0, OK);
}

#[test]
fn a_scope_that_holds_every_slot_is_told_as_never_before_it_closes() {
    let rig = Rig::new();
    assert_eq!(c!(finbox_scheduler_open_scope(rig.at())), OK);
    for number in 0..8 {
        rig.submit(&task(number, NOTHING), &[]);
    }
    rig.settle();
    assert_eq!(
        rig.try_submit(&task(8, NOTHING), &[]).0,
        finbox_status::NeverRoom
    );
    assert!(
        last_error().contains("held by the open scope"),
        "{}",
        last_error()
    );
    assert_eq!(c!(finbox_scheduler_close_scope(rig.at())), OK);
    assert_eq!(rig.try_submit(&task(8, NOTHING), &[]).0, OK);
    let opened: Vec<_> = (0..5)
        .map(|_| c!(finbox_scheduler_open_scope(rig.at())))
        .collect();
    assert_eq!(opened[3..], [OK, finbox_status::NeverRoom]);
    assert_eq!(last_error(), "4 scopes are open, and no more may be");
}

#[test]
fn what_the_scheduler_is_too_small_for_is_told_at_once() {
    let rig = Rig::new();
    let bytes = Args {
        output_bytes: 8192,
        ..task(1, NOTHING)
    };
    assert_eq!(rig.try_submit(&bytes, &[]).0, finbox_status::NeverRoom);
    let hang = rig.submit(&task(1, HANG), &[]);
    assert_eq!(
        rig.try_submit(&task(2, NOTHING), &[hang; 17]).0,
        finbox_status::NeverRoom
    );
    assert!(
        last_error().contains("there are 16 nodes"),
        "{}",
        last_error()
    );
}

#[test]
fn each_field_of_a_task_is_judged_and_named() {
    let cases: [(Spoil, &str); 13] = [
        (|args| args.shape = 6, "shape: 6 is outside 0 to 5"),
        (
            |args| args.subtasks = 8,
            "the set of subtasks: 8 is outside 0 to 7",
        ),
        (
            |args| args.blocks = 65_536,
            "the number of blocks: 65536 is outside 1 to",
        ),
        (
            |args| args.blocks = 32_768,
            "the number of blocks is 32768; 1 to 32767",
        ),
        (
            |args| args.defers = 65,
            "the bound of conditions is 65; 0 to 64",
        ),
        (
            |args| args.defers = 256,
            "the bound of conditions: 256 is outside 0 to",
        ),
        (
            |args| args.task = FINBOX_TASK_LAST + 1,
            "the task's number: 1099511627775 is",
        ),
        (
            |args| args.shape = finbox_shape::Mix as u32,
            "the set of subtasks is 0; 1 to 7",
        ),
        (
            |args| args.shape = finbox_shape::Host as u32,
            "this chip has no core for a task",
        ),
        (
            |args| (args.blocks, args.flags) = (5, FINBOX_TASK_SYNC_START),
            "5 blocks are to start together",
        ),
        (
            |args| (args.flags, args.predicate_comparison) = (FINBOX_TASK_PREDICATE, 6),
            "predicate_comparison: 6",
        ),
        (|args| args.flags = 8, "flags 0x8: some are not known"),
        (
            |args| args.next = ptr::dangling(),
            "finbox_task_args has an extension",
        ),
    ];
    let rig = Rig::new();
    for (spoil, said) in cases {
        let mut args = task(1, NOTHING);
        spoil(&mut args);
        let (refused, _) = rig.try_submit(&args, &[]);
        let is_unknown = args.flags == 8 || !args.next.is_null();
        let expected = if is_unknown {
            finbox_status::Unsupported
        } else {
            INVALID
        };
        assert_eq!(refused, expected, "{said}: {}", last_error());
        assert!(
            last_error().starts_with(said),
            "{} for {said}",
            last_error()
        );
    }
    assert_eq!(rig.ledger().submitted, 0);
}

#[test]
fn a_task_of_another_scheduler_or_of_none_is_refused_wherever_tasks_are_named() {
    let (rig, other) = (Rig::new(), Rig::new());
    let mine = rig.submit(&task(1, NOTHING), &[]);
    let others = other.submit(&task(1, NOTHING), &[]);
    assert_eq!(mine.slot, others.slot, "only the owner tells them apart");
    let owner = mine.owner;
    let life = finbox_task {
        slot: mine.slot + 1,
        owner,
    };
    let index = finbox_task {
        slot: mine.slot | 0xFF << 32,
        owner,
    };
    let ring = finbox_task {
        slot: mine.slot | 1 << 56,
        owner,
    };
    for stranger in [others, life, index, ring, finbox_task::default()] {
        assert_eq!(
            rig.try_submit(&task(2, NOTHING), &[stranger]).0,
            UNKNOWN,
            "{stranger:?}"
        );
        let retains = Args {
            retained: &raw const stranger,
            retained_count: 1,
            ..task(2, NOTHING)
        };
        assert_eq!(rig.try_submit(&retains, &[]).0, UNKNOWN);
        let mut fate = 9;
        assert_eq!(
            c!(finbox_scheduler_fate(rig.at(), stranger, &mut fate)),
            UNKNOWN
        );
        assert!(
            last_error().contains("is no task of this scheduler"),
            "{}",
            last_error()
        );
    }
    assert_eq!(rig.ledger().submitted, 1);
}

#[test]
fn a_task_that_was_reclaimed_cannot_be_retained_and_a_dependency_on_it_is_met() {
    let rig = Rig::new();
    let past = rig.submit(&task(1, NOTHING), &[]);
    rig.settle();
    rig.submit(&task(2, NOTHING), &[past]);
    rig.settle();
    let retains = Args {
        retained: &raw const past,
        retained_count: 1,
        ..task(3, NOTHING)
    };
    assert_eq!(rig.try_submit(&retains, &[]).0, UNKNOWN);
    assert!(
        last_error().contains("it was reclaimed already"),
        "{}",
        last_error()
    );
}

/// The call was refused because `what` is null.
fn null(status: finbox_status, what: &str) {
    let said = format!("{what} must not be null");
    assert_eq!((status, last_error()), (finbox_status::NullArgument, said));
}

#[test]
fn null_is_refused_by_its_name_where_a_task_is_submitted_or_asked_for() {
    let rig = Rig::new();
    let (mut some, nowhere) = (finbox_task::default(), ptr::null_mut());
    let mut submit = |args: *const Args| c!(finbox_scheduler_submit(rig.at(), args, &mut some));
    null(submit(ptr::null()), "finbox_task_args");
    let (mut after, mut retained) = (task(1, NOTHING), task(1, NOTHING));
    (after.after_count, retained.retained_count) = (1, 1);
    null(submit(&after), "after");
    null(submit(&retained), "retained");
    after.after = ptr::dangling::<u8>().cast();
    assert_eq!(submit(&after), finbox_status::Misaligned);
    after.after = ptr::dangling();
    after.after_count = usize::MAX;
    assert_eq!(submit(&after), INVALID);
    let fate = c!(finbox_scheduler_fate(rig.at(), some, ptr::null_mut()));
    null(fate, "fate");
    let output = c!(finbox_scheduler_output(rig.at(), some, ptr::null_mut()));
    null(output, "finbox_output");
    let opened = c!(finbox_scheduler_open_producer(rig.at(), nowhere));
    null(opened, "producer");
}

#[test]
fn null_is_refused_by_its_name_where_a_pass_or_a_report_has_its_answer() {
    let rig = Rig::new();
    let (at, mut count) = (rig.at(), 0);
    let pass = c!(finbox_scheduler_dispatch_pass(at, ptr::null_mut()));
    null(pass, "finbox_pass");
    null(
        c!(finbox_scheduler_ledger(at, ptr::null_mut())),
        "finbox_ledger",
    );
    let fault = c!(finbox_scheduler_first_fault(at, ptr::null_mut()));
    null(fault, "finbox_fault");
    let stalls = c!(finbox_scheduler_stalls(at, ptr::null_mut(), 1, &mut count));
    null(stalls, "stalls");
    let none = ptr::null_mut();
    null(
        c!(finbox_scheduler_stalls(at, ptr::null_mut(), 0, none)),
        "count",
    );
    let text = c!(finbox_scheduler_stall_text(at, ptr::null_mut(), 1, none));
    null(text, "buffer");
    let args = Rig::unplaced().args();
    null(c!(finbox_scheduler_bytes(&args, ptr::null_mut())), "bytes");
}

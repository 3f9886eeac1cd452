//! Tasks through a port of C functions: inline, deferred, failed, in scopes; and what is told.

use finbox::*;

use crate::chip::{AWAIT, BASE, COUNTERS, FATAL, HANG, NOTHING};
use crate::mailbox::{OK, c, last_error};
use crate::rig::{Rig, answer, deferred, task};

const UNFINISHED: u32 = finbox_fate::Unfinished as u32;
const COMPLETED: u32 = finbox_fate::Completed as u32;
const FAILED: u32 = finbox_fate::Failed as u32;

#[test]
fn a_deferred_task_travels_as_condition_and_normal_done_and_ends_when_its_counter_comes() {
    let rig = Rig::new();
    let waits = rig.submit(&deferred(7, COUNTERS), &[]);
    let behind = rig.submit(&task(8, NOTHING), &[waits]);
    rig.settle();
    assert_eq!(
        (rig.fate(waits), rig.fate(behind)),
        (UNFINISHED, UNFINISHED)
    );
    assert_eq!(rig.chip.launches.lock().unwrap().len(), 1);
    rig.chip.notify(COUNTERS, 1);
    rig.settle();
    assert_eq!((rig.fate(waits), rig.fate(behind)), (COMPLETED, COMPLETED));
    let ledger = rig.ledger();
    assert_eq!((ledger.conditions, ledger.normal_done), (1, 1));
    assert_eq!((ledger.deferred, ledger.inline_completed), (1, 1));
    assert_eq!(
        (ledger.submitted, ledger.completed, ledger.failed),
        (2, 2, 0)
    );
    let messages = (ledger.messages_accepted, ledger.messages_delivered);
    assert_eq!((messages, ledger.messages_reported), ((1, 1), 0));
    let launches = rig.chip.launches.lock().unwrap();
    let seen: Vec<_> = launches.iter().map(|one| (one.task, one.kernel)).collect();
    assert_eq!(seen, [(7, AWAIT), (8, NOTHING)]);
    assert_eq!(rig.destroy(), OK);
}

#[test]
fn a_pass_says_what_moved_whom_to_wake_and_whether_to_come_back() {
    let rig = Rig::new();
    let idle = rig.dispatch();
    assert_eq!((idle.progress, idle.watching, idle.handlers), (0, 0, 0));
    assert_eq!(idle.deadline_ns, u64::MAX);
    let budget = finbox_task_args {
        wait_budget_ns: 1_000_000,
        ..deferred(1, COUNTERS)
    };
    rig.submit(&budget, &[]);
    let given = rig.dispatch();
    assert_eq!((given.progress, given.handlers.count_ones()), (1, 1));
    let handler = given.handlers.trailing_zeros();
    let mut step = 9;
    let mut pass = || {
        assert_eq!(
            c!(finbox_scheduler_fin_pass(rig.at(), handler, &mut step)),
            OK
        );
        step
    };
    assert_eq!(pass(), finbox_step::Progress as u32);
    assert_eq!(pass(), finbox_step::Idle as u32);
    rig.settle();
    let watching = rig.dispatch();
    assert_eq!((watching.progress, watching.watching), (0, 1));
    assert!(watching.deadline_ns < 2_000_000, "{watching:?}");
    let hangs = rig.submit(&task(2, HANG), &[]);
    let handler = rig.dispatch().handlers.trailing_zeros();
    let mut step = 9;
    assert_eq!(
        c!(finbox_scheduler_fin_pass(rig.at(), handler, &mut step)),
        OK
    );
    assert_eq!(
        c!(finbox_scheduler_fin_pass(rig.at(), handler, &mut step)),
        OK
    );
    assert_eq!(
        (step, rig.fate(hangs)),
        (finbox_step::NoNews as u32, UNFINISHED)
    );
}

#[test]
fn a_task_behind_one_that_failed_is_cancelled_and_the_first_fault_is_told() {
    // A kernel's error is looked for whether its task may defer or not.
    for defers in [0, 1] {
        let rig = Rig::new();
        assert_eq!(rig.fault(), (0, String::new()));
        let fails = finbox_task_args {
            defers,
            ..task(3, FATAL)
        };
        let fails = rig.submit(&fails, &[]);
        let behind = rig.submit(&task(4, NOTHING), &[fails]);
        rig.settle();
        assert_eq!((rig.fate(fails), rig.fate(behind)), (FAILED, FAILED));
        let ledger = rig.ledger();
        assert_eq!((ledger.failed, ledger.cancelled), (1, 1));
        assert_eq!(rig.fault(), (9, "EXPLICIT_FATAL".to_owned()));
    }
}

#[test]
fn a_condition_of_a_task_that_must_not_defer_fails_it() {
    let rig = Rig::new();
    let waits = finbox_task_args {
        defers: 0,
        ..deferred(1, COUNTERS)
    };
    let waits = rig.submit(&waits, &[]);
    rig.settle();
    assert_eq!(rig.fate(waits), FAILED);
    assert_eq!(rig.fault(), (102, "ASYNC_WAIT_OVERFLOW".to_owned()));
}

/// Fault 16.
#[test]
fn f16_a_condition_at_a_null_unaligned_or_unreadable_address_fails_its_task() {
    for address in [0, COUNTERS + 2, BASE - 64, u64::MAX - 3] {
        let rig = Rig::new();
        let bad = rig.submit(&deferred(1, address), &[]);
        rig.settle();
        assert_eq!(rig.fate(bad), FAILED, "{address:#x}");
        assert_eq!(rig.fault(), (101, "ASYNC_COMPLETION_INVALID".to_owned()));
    }
}

/// Fault 28: what is left of an earlier life of a slot, or of an earlier run, changes nothing.
#[test]
fn f28_a_straggler_is_counted_and_changes_nothing() {
    let rig = Rig::new();
    let first = rig.submit(&task(1, NOTHING), &[]);
    rig.settle();
    let waits = rig.submit(&deferred(2, COUNTERS), &[]);
    rig.settle();
    let mut producer = finbox_producer { opaque: [0; 16] };
    let producer = &raw mut producer;
    assert_eq!(c!(finbox_scheduler_open_producer(rig.at(), producer)), OK);
    let push = |slot| c!(finbox_producer_push_normal_done(producer, 1, slot, 0));
    assert_eq!(push(first.slot), OK);
    assert_eq!(c!(finbox_scheduler_wake(rig.at())), OK);
    rig.settle();
    assert_eq!(rig.ledger().messages_reported, 1);
    assert_eq!(rig.fate(waits), UNFINISHED);
    rig.chip.notify(COUNTERS, 1);
    rig.settle();
    assert_eq!(rig.fate(waits), COMPLETED);
    assert_eq!(c!(finbox_producer_leave(producer)), OK);
}

#[test]
fn a_false_predicate_lets_a_task_complete_without_running() {
    let rig = Rig::new();
    let asked = finbox_task_args {
        flags: FINBOX_TASK_PREDICATE | FINBOX_TASK_HIGH_PRIORITY,
        predicate_address: COUNTERS,
        predicate_comparison: finbox_comparison::Equal as u32,
        predicate_value: 3,
        ..task(1, NOTHING)
    };
    let skipped = rig.submit(&asked, &[]);
    rig.settle();
    assert_eq!((rig.fate(skipped), rig.ledger().skipped), (COMPLETED, 1));
    rig.chip.notify(COUNTERS, 3);
    let runs = rig.submit(&asked, &[skipped]);
    rig.settle();
    assert_eq!((rig.fate(runs), rig.ledger().skipped), (COMPLETED, 1));
    assert_eq!(rig.chip.launches.lock().unwrap().len(), 1);
}

#[test]
fn blocks_of_a_mixed_task_go_to_whole_clusters_together() {
    let rig = Rig::new();
    let mixed = finbox_task_args {
        shape: finbox_shape::Mix as u32,
        subtasks: 7,
        blocks: 2,
        flags: FINBOX_TASK_SYNC_START,
        ..task(1, NOTHING)
    };
    let mixed = rig.submit(&mixed, &[]);
    rig.settle();
    assert_eq!(rig.fate(mixed), COMPLETED);
    let launches = rig.chip.launches.lock().unwrap();
    let subtasks: u32 = launches.iter().map(|one| one.subtask).sum();
    assert_eq!((launches.len(), subtasks), (6, 14));
}

#[test]
fn an_output_is_named_while_its_scope_is_open_and_none_after_it_was_reclaimed() {
    let rig = Rig::new();
    assert_eq!(c!(finbox_scheduler_open_scope(rig.at())), OK);
    let args = finbox_task_args {
        output_bytes: 100,
        ..task(1, NOTHING)
    };
    let held = rig.submit(&args, &[]);
    let next = rig.submit(&args, &[]);
    rig.settle();
    let range = |task| {
        let mut output = answer!(finbox_output { offset, size_bytes });
        assert_eq!(c!(finbox_scheduler_output(rig.at(), task, &mut output)), OK);
        (output.offset, output.size_bytes)
    };
    assert_eq!((range(held), range(next)), ((0, 128), (128, 128)));
    let keeper = finbox_task_args {
        retained: &raw const next,
        retained_count: 1,
        ..deferred(9, COUNTERS)
    };
    rig.submit(&keeper, &[]);
    assert_eq!(c!(finbox_scheduler_close_scope(rig.at())), OK);
    rig.submit(&task(2, NOTHING), &[]);
    rig.settle();
    assert_eq!(
        (range(held), range(next)),
        ((0, 0), (128, 128)),
        "one is retained"
    );
    let closed = c!(finbox_scheduler_close_scope(rig.at()));
    assert_eq!(closed, finbox_status::InvalidArgument);
    assert_eq!(last_error(), "a scope is closed, and none is open");
}

#[test]
fn a_stall_report_names_every_unfinished_task_and_the_value_that_its_counter_lacks() {
    let rig = Rig::new();
    assert_eq!((rig.stalls().len(), rig.stall_text()), (0, String::new()));
    let waits = rig.submit(&deferred(7, COUNTERS + 8), &[]);
    rig.submit(&task(8, NOTHING), &[waits]);
    rig.submit(&task(9, HANG), &[]);
    rig.settle();
    rig.chip.pass_time(1000);
    let rows = rig.stalls();
    let standings: Vec<_> = rows.iter().map(|row| row.standing).collect();
    let (blocked, running) = (finbox_standing::Blocked, finbox_standing::Running);
    let (waiting, condition) = (finbox_standing::Waiting, finbox_standing::Condition);
    assert_eq!(
        standings,
        [waiting, blocked, running, condition].map(|one| one as u32)
    );
    assert_eq!((rows[0].slot, rows[0].task), (waits.slot, 7));
    assert_eq!((rows[1].waits_for, rows[3].slot), (1, waits.slot));
    let unmet = rows[3];
    assert_eq!(
        (unmet.address, unmet.expected, unmet.observed),
        (COUNTERS + 8, 1, 0)
    );
    assert!(unmet.age_ns >= 1000);
    let mut one = [finbox_stall::default(); 1];
    let mut count = 0;
    let asked = c!(finbox_scheduler_stalls(
        rig.at(),
        one.as_mut_ptr(),
        1,
        &mut count
    ));
    assert_eq!((asked, count, one[0].task), (OK, 4, 7), "more than fits");
    let text = rig.stall_text();
    let address = format!(
        "waits for the counter at {:#x}: 1 is wanted, 0 was seen",
        COUNTERS + 8
    );
    for said in [
        "task 7 of slot 0:0#1 waits for its conditions",
        "waits for 1 tasks",
        &address,
    ] {
        assert!(text.contains(said), "{said} is not in\n{text}");
    }
    assert_eq!(text.lines().count(), 4);
}

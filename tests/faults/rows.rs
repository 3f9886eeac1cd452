//! One test for each row of the fault model that is a kind of `--fault`, named after the row: each
//! on both targets, from several seeds, on random workloads judged by the oracles of a check.

use std::ops::Range;
use std::thread;

use finbox_scheduler::FaultCode;
use finbox_sim::app;
use finbox_sim::check::Ended;
use finbox_sim::cli::{Mode, RunOptions};
use finbox_sim::fault::{FaultInfo, FaultKind, Faults, TABLE};
use finbox_sim::report::StallClass;
use finbox_sim::world::{self, Outcome, Settings};

use crate::fixture::{judged, options, random};

/// Seeds of one row; even ones run on a2a3, odd ones on a5.
const SEEDS: u64 = 60;

/// What came of all seeds of a row.
#[derive(Default)]
struct Row {
    strikes: u64,
    passed: u64,
    failed: u64,
    stuck: u64,
    codes: Vec<FaultCode>,
    ledger: finbox_scheduler::Ledger,
}

impl Row {
    fn count(&mut self, kind: FaultKind, outcome: &Outcome, ended: Ended) {
        self.strikes += outcome.injected.of(kind);
        match ended {
            Ended::Passed => self.passed += 1,
            Ended::Failed => self.failed += 1,
            Ended::Stuck => self.stuck += 1,
        }
        self.codes
            .extend(outcome.fault.as_ref().map(|fault| fault.code));
        self.ledger.merge(&outcome.ledger);
    }

    fn has(&self, code: FaultCode) -> bool {
        self.codes.contains(&code)
    }
}

/// A run as `finbox run` does it: waits have no budget.
fn plain(line: &str) -> Outcome {
    let (workload, settings) = app::prepare(&options(line)).expect("a scenario that exists");
    let settings = Settings {
        bounded_waits: false,
        ..settings
    };
    world::run(&workload, &settings, &mut |_, _| {}).expect("a run that starts")
}

fn run(options: &RunOptions) -> (Outcome, Ended) {
    judged(options)
}

/// Random workloads in lockstep, `kind` striking one occasion in `often`.
fn row(kind: FaultKind, often: u16) -> Row {
    let mut row = Row::default();
    for seed in 0..SEEDS {
        let options = random(Mode::Lockstep, seed, Faults::NONE.with(kind, often));
        let (outcome, ended) = run(&options);
        row.count(kind, &outcome, ended);
    }
    let name = kind.info().name;
    assert!(row.strikes >= SEEDS / 4, "{name} strikes: {}", row.strikes);
    if kind.info().is_harmless() {
        assert_eq!(row.passed, SEEDS, "{name} only delays");
    }
    row
}

/// A kind after which tasks fail with `code`, while others complete.
fn fails(kind: FaultKind, often: u16, code: FaultCode) -> Row {
    let row = row(kind, often);
    assert!(row.failed > 0 && row.has(code), "{:?}", row.codes);
    assert!(row.ledger.failed > 0 && row.ledger.completed > 0);
    assert_eq!(row.stuck, 0);
    row
}

/// Some seeds of a kind, which strikes as often as is usual.
fn usual(info: &FaultInfo, mode: Mode, seeds: Range<u64>) {
    let often = match info.kind {
        FaultKind::Crowd => 65,
        _ => info.usually,
    };
    for seed in seeds {
        run(&random(mode, seed, Faults::NONE.with(info.kind, often)));
    }
}

/// On real threads budgets pass by the wall clock: there all kinds wait at once.
#[test]
fn every_kind_of_the_table_ends_as_its_row_allows_on_both_clocks() {
    for info in TABLE {
        usual(info, Mode::Lockstep, 0..12);
    }
    thread::scope(|scope| {
        for info in TABLE {
            scope.spawn(|| usual(info, Mode::Parallel, 0..2));
        }
    });
}

#[test]
fn f01_a_lost_fin_is_found_by_its_budget_and_cancels_only_what_depends_on_it() {
    let row = fails(FaultKind::FinLost, 0, FaultCode::TaskTimeout);
    assert!(row.ledger.cancelled > 0 && row.passed > 0);
}

#[test]
fn f02_a_duplicated_fin_is_ignored_and_counted() {
    assert!(row(FaultKind::FinDuplicated, 1).ledger.fins_duplicate > 0);
}

#[test]
fn f03_a_fin_of_an_unknown_token_is_counted_and_its_core_leaves_the_pool() {
    let row = fails(FaultKind::FinUnknown, 0, FaultCode::ProtocolError);
    assert!(row.ledger.fins_unknown > 0);
}

#[test]
fn f04_fins_that_belong_to_no_subtask_never_overshoot() {
    let row = fails(FaultKind::FinExtra, 0, FaultCode::ProtocolError);
    let foreign = row.ledger.fins_unknown + row.ledger.fins_duplicate + row.ledger.fins_stale;
    assert!(foreign > 0);
}

#[test]
fn f05_a_fin_of_an_older_token_is_dropped_and_counted_stale() {
    assert!(row(FaultKind::FinStale, 1).ledger.fins_stale > 0);
}

#[test]
fn f06_a_fin_after_its_timeout_is_stale_and_its_task_stays_failed() {
    let row = fails(FaultKind::FinLate, 0, FaultCode::TaskTimeout);
    assert!(row.ledger.fins_stale > 0, "late ones were seen");
    let mut late = 0;
    for seed in 0..8 {
        let faults = Faults::only(FaultKind::FinLate);
        let (outcome, _) = run(&random(Mode::Lockstep, seed, faults));
        let list = outcome.failures.list.iter();
        late += list.filter(|failure| failure.late_ns > Some(0)).count();
    }
    assert!(late > 0, "and it was told by how much");
}

#[test]
fn f08_fins_in_any_order_give_the_same_bytes() {
    row(FaultKind::FinReorder, 1);
}

#[test]
fn f09_a_core_that_hangs_leaves_the_pool_and_others_go_on() {
    fails(FaultKind::CoreHang, 0, FaultCode::TaskTimeout);
}

#[test]
fn f10_all_cores_of_a_rank_hang_and_the_run_ends() {
    fails(FaultKind::AllCoresHang, 0, FaultCode::TaskTimeout);
}

#[test]
fn f10_without_budgets_cores_that_all_hang_end_in_a_stall_report() {
    for target in ["a2a3", "a5"] {
        let line = format!("deferred_notify_demo --target {target} --fault all-cores-hang");
        let stall = plain(&line).stall.expect("nothing moves");
        assert_eq!(stall.class(), StallClass::Running);
        let root = stall.root().expect("a task that runs");
        let told = format!("rank {}, task {}: running on core ", root.rank, root.name);
        assert!(root.message.starts_with(&told), "{}", root.message);
    }
}

#[test]
fn f11_garbage_in_cond_is_never_taken_for_a_fin() {
    let row = fails(FaultKind::CondGarbage, 0, FaultCode::ProtocolError);
    assert!(row.ledger.fins_unknown > 0);
}

#[test]
fn f12_a_counter_that_never_comes_fails_its_waiter_within_the_budget() {
    fails(FaultKind::CounterStuck, 0, FaultCode::AsyncWaitTimeout);
    fails(FaultKind::NotifyLost, 0, FaultCode::AsyncWaitTimeout);
}

#[test]
fn f12_a_lost_notification_stalls_a_plain_run_and_is_told_with_task_and_counter() {
    for target in ["a2a3", "a5"] {
        let line = format!("deferred_notify_demo --target {target} --fault notify-lost");
        let outcome = plain(&line);
        let stall = outcome.stall.as_ref().expect("it is stuck");
        let first = &stall.tasks()[0];
        assert_eq!(
            (&*first.name, stall.class().name()),
            ("notify_wait", "waiting on async")
        );
        let condition = &first.conditions[0];
        assert_eq!((condition.expected, condition.observed), (1, 0));
        assert!(outcome.adds_up);
    }
}

#[test]
fn f13_a_counter_that_overshoots_counts_as_reached() {
    assert!(row(FaultKind::CounterOvershoot, 1).ledger.overshoots > 0);
}

#[test]
fn f14_counters_that_wrap_are_compared_right() {
    row(FaultKind::CounterWrap, 0);
}

#[test]
fn f15_a_counter_that_goes_back_is_noticed_and_its_waiter_completes() {
    assert!(row(FaultKind::CounterBack, 1).ledger.went_back > 0);
}

#[test]
fn f21_a_producer_that_dies_in_the_gap_is_named_and_its_tasks_fail() {
    let row = fails(FaultKind::ProducerDies, 1, FaultCode::MailboxGap);
    assert!(row.ledger.messages_reported > 0);
    for mode in ["lockstep", "parallel"] {
        let line = format!("deferred_notify_demo --mode {mode} --fault producer-dies");
        let outcome = plain(&line);
        let [gap, task, victim] = &outcome.failures.list[..] else {
            panic!("{:?}", outcome.failures)
        };
        let told = (gap.code, gap.rank, gap.position, gap.claimer);
        assert_eq!(told, (Some(107), 0, Some(0), Some(1)));
        assert_eq!((task.code, &*task.name), (Some(107), "notify_wait"));
        assert_eq!((victim.code, &*victim.name), (Some(107), "consumer"));
        let missing: Vec<&str> = outcome.gaps.iter().map(|gap| &*gap.message).collect();
        let claimed = "was claimed by FIN handler 1 and never published";
        assert_eq!(missing, [format!("position 0 {claimed}")]);
        assert_eq!(outcome.ledger.completed, 4, "the other rank goes on");
        assert!(outcome.adds_up && outcome.stall.is_none());
    }
}

#[test]
fn f23_a_full_mailbox_is_back_pressure_and_nothing_is_lost() {
    assert!(row(FaultKind::MailboxFull, 4).ledger.full > 0);
}

#[test]
fn f24_a_mailbox_that_nobody_empties_ends_in_a_stall_report() {
    let row = row(FaultKind::MailboxFullForever, 1);
    assert!(row.stuck > 0, "{} passed", row.passed);
    let faults = Faults::NONE.with(FaultKind::MailboxFullForever, 1);
    let (_, ended) = run(&random(Mode::Parallel, 0, faults));
    assert_eq!(ended, Ended::Stuck, "also where a run lasts microseconds");
}

#[test]
fn f30_five_thousand_deferred_tasks_all_complete() {
    for seed in 0..2 {
        let faults = Faults::only(FaultKind::Crowd);
        let (outcome, ended) = run(&random(Mode::Lockstep, seed, faults));
        assert_eq!(ended, Ended::Passed);
        assert!(outcome.ledger.deferred >= 5_000);
    }
}

#[test]
fn f31_a_task_with_65_conditions_fails_alone() {
    fails(FaultKind::Conditions65, 0, FaultCode::AsyncWaitOverflow);
}

#[test]
fn f32_an_engine_error_fails_its_task_and_cancels_what_depends_on_it() {
    for target in ["a2a3", "a5"] {
        for seed in 0..4 {
            let line = format!("sdma_async --target {target} --seed {seed} --fault engine-error");
            let (outcome, ended) = run(&options(&line));
            assert_eq!(ended, Ended::Failed);
            let fault = outcome.fault.as_ref().expect("it failed");
            assert_eq!(fault.code, FaultCode::AsyncCompletionInvalid);
            assert!(outcome.ledger.cancelled > 0 && outcome.ledger.completed > 0);
        }
    }
}

#[test]
fn f33_of_several_errors_the_first_decides_and_all_are_told() {
    let row = fails(FaultKind::Errors, 3, FaultCode::AsyncWaitOverflow);
    assert!(row.ledger.failed > row.failed, "several in a run");
}

#[test]
fn f34_a_reset_fails_what_was_in_flight_and_nothing_starts_twice() {
    fails(FaultKind::DeviceReset, 0, FaultCode::DeviceReset);
}

#[test]
fn f35_notifications_late_early_or_twice_give_the_right_result() {
    row(FaultKind::NotifyLate, 1);
    row(FaultKind::NotifyEarly, 1);
    assert!(row(FaultKind::NotifyDuplicated, 1).ledger.completed > 0);
}

#[test]
fn f36_waits_for_a_dead_rank_fail_and_other_ranks_go_on() {
    fails(FaultKind::PeerDead, 0, FaultCode::PeerDead);
}

#[test]
fn f37_what_a_rank_sends_after_it_was_declared_dead_is_ignored() {
    fails(FaultKind::PeerReturns, 0, FaultCode::PeerDead);
}

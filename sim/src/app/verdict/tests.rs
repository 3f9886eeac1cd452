//! What ends a run, as verdict and number.

use finbox_runtime::WiringError;
use finbox_scheduler::{ScopeError, SubmitError};

use super::*;
use crate::{demo, world};
use finbox_scheduler::A2A3;

fn code(report: &RunReport) -> u32 {
    report.error.as_ref().expect("an error").code
}

#[test]
fn no_threads_is_a_fault_with_its_own_number() {
    let report = refused(&RunError::Thread(std::io::ErrorKind::WouldBlock));
    assert_eq!(code(&report), Code::THREAD.number);
    assert_eq!(report.verdict, Verdict::Fault);
}

#[test]
fn a_task_that_needs_more_edge_nodes_than_there_are_is_out_of_them() {
    let error = WiringError::Submit(SubmitError::NeverEnoughNodes {
        needed: 9,
        total: 8,
    });
    let report = refused(&RunError::Wiring {
        rank: 0,
        task: "wide".to_owned(),
        error,
    });
    assert_eq!(
        code(&report),
        u32::from(FaultCode::DepPoolOverflow.number())
    );
}

#[test]
fn a_broken_rule_and_a_ledger_that_does_not_add_up_are_wrong_results() {
    let workload = demo::dummy_task(1);
    let settings = Settings::of(&A2A3);
    let run = || world::run(&workload, &settings, &mut |_, _| {}).unwrap();
    assert_eq!(judge(&workload, &run(), None).0, Verdict::Pass);
    let mut broken = run();
    broken.broken.push("finished twice".to_owned());
    let mut unbalanced = run();
    unbalanced.adds_up = false;
    unbalanced.interrupted = true;
    for outcome in [broken, unbalanced] {
        let (verdict, error) = judge(&workload, &outcome, None);
        assert_eq!(verdict, Verdict::Wrong);
        assert_eq!(error.unwrap().code, Code::WRONG_RESULT.number);
    }
}

#[test]
fn a_value_that_a_file_states_wrong_is_not_blamed_on_finbox() {
    let mut workload = demo::dummy_task(1);
    let settings = Settings::of(&A2A3);
    workload.checks[0].expect = crate::workload::Expect::U32([77].into());
    for (is_stated, is_blamed) in [(false, true), (true, false)] {
        workload.is_stated = is_stated;
        let outcome = world::run(&workload, &settings, &mut |_, _| {}).unwrap();
        let (verdict, error) = judge(&workload, &outcome, None);
        let error = error.unwrap();
        assert_eq!(
            (verdict, error.code),
            (Verdict::Wrong, Code::WRONG_RESULT.number)
        );
        assert_eq!(
            error.hint.contains("bug in finbox"),
            is_blamed,
            "{}",
            error.hint
        );
    }
}

fn wiring(error: SubmitError) -> RunError {
    RunError::Wiring {
        rank: 3,
        task: "gather".to_owned(),
        error: WiringError::Submit(error),
    }
}

#[test]
fn a_structural_deadlock_is_a_fault_with_number_numbers_and_what_to_do() {
    let held = |by| SubmitError::SlotsHeld {
        ring: 1,
        slots: 77,
        depth: 2,
        by,
        tasks: 55,
        bytes: 640,
    };
    for (by, code, advice) in [
        (2, 1, "Close the scope earlier"),
        (1, 3, "nest less deeply"),
    ] {
        let report = refused(&wiring(held(by)));
        let error = report.error.as_ref().expect("a refused run has an error");
        assert_eq!(
            (report.verdict, report.verdict.exit_code()),
            (Verdict::Fault, 5)
        );
        assert_eq!(error.code, code);
        let told = [
            "rank 3, task gather",
            "all 77 task slots of ring 1",
            "55 tasks",
            "640",
        ];
        for part in told {
            assert!(error.message.contains(part), "{part}: {}", error.message);
        }
        assert!(error.hint.contains(advice), "{}", error.hint);
    }
}

#[test]
fn what_can_never_be_wired_has_the_number_of_its_cause() {
    let (needed, total) = (9, 8);
    let heap = SubmitError::NeverEnoughHeap {
        ring: 0,
        needed: 9,
        total: 8,
    };
    let nodes = SubmitError::NeverEnoughNodes { needed, total };
    let cohort = SubmitError::Cohort {
        needed,
        available: total,
        shape: finbox_scheduler::Shape::Aiv,
    };
    for (error, code) in [
        (heap, 2),
        (nodes, 4),
        (SubmitError::WornOut, 5),
        (cohort, 7),
    ] {
        let report = refused(&wiring(error));
        assert_eq!(report.error.map(|error| error.code), Some(code));
    }
    let scope = RunError::Scope {
        rank: 0,
        task: "gather".to_owned(),
        error: ScopeError::NoneOpen,
    };
    let report = refused(&scope);
    assert_eq!(report.error.map(|error| error.code), Some(5));
}

#[test]
fn a_link_that_is_not_there_is_a_usage_error_that_names_the_ranks() {
    let (from, to, ranks) = (2, 9, 8);
    let report = refused(&RunError::NoLink { from, to, ranks });
    assert_eq!(report.verdict.exit_code(), 2);
    let error = report.error.expect("an error");
    assert!(error.message.ends_with("0 to 7"), "{}", error.message);
    assert!(error.hint.contains("FROM-TO:N"));
}

//! Failures that are told, and chains that are followed.

use finbox_mailbox::Engine;
use finbox_scheduler::{CoreId, Fault, FaultCode, Outcome, TaskId};

use std::num::NonZeroU32;

use super::Failures;
use crate::report::{Failure, FailureKind, MOST_FAILURES, MOST_NAMES};
use crate::workload::{RankPlan, Shape, TaskPlan, TaskRef, Workload};

/// One rank, known as 7, with so many tasks.
fn workload(tasks: u32) -> Workload {
    let mut plan = RankPlan::new(7);
    for task in 0..tasks {
        plan.add_task(TaskPlan::new(format!("t{task}"), Shape::Aiv, 0));
    }
    Workload {
        ranks: vec![plan],
        ..Workload::default()
    }
}

fn fault(code: FaultCode, task: TaskId) -> Fault {
    Fault { code, task }
}

fn at(task: u32) -> TaskRef {
    TaskRef { rank: 0, task }
}

fn cancel(failures: &Failures, task: u32, cause: u32) {
    let cause = Some(TaskId(u64::from(cause)));
    failures.ended(at(task), Outcome::Cancelled, cause);
}

fn list(failures: &Failures, tasks: u32) -> Vec<Failure> {
    let report = failures.report(&workload(tasks));
    assert_eq!(report.count, report.list.len() as u64);
    report.list
}

#[test]
fn a_root_comes_first_with_its_victims_and_a_victim_with_its_chain() {
    let failures = Failures::default();
    failures.raised(0, fault(FaultCode::TaskTimeout, TaskId(2)), Some(CoreId(5)));
    failures.ended(at(2), Outcome::Failed, None);
    cancel(&failures, 3, 2);
    cancel(&failures, 4, 3);
    failures.ended(at(0), Outcome::Completed, None);
    let list = list(&failures, 5);
    let [root, first, second] = &list[..] else {
        panic!("three: {list:?}")
    };
    assert_eq!((root.rank, root.task, &*root.name), (7, Some(2), "t2"));
    assert_eq!((root.code, root.core), (Some(108), Some(5)));
    assert_eq!((root.outcome, root.victims), (FailureKind::Failed, 2));
    assert_eq!(root.victim_names, ["t3", "t4"]);
    assert_eq!(
        (first.outcome, &first.causes[..]),
        (FailureKind::Cancelled, &["t2".to_owned()][..])
    );
    assert_eq!(second.causes, ["t3", "t2"]);
    assert_eq!(second.code_name.as_deref(), Some("TASK_TIMEOUT"));
}

#[test]
fn a_gap_is_told_once_with_its_first_position_and_claimer_and_then_who_failed_by_it() {
    let failures = Failures::default();
    failures.raised(0, fault(FaultCode::MailboxGap, TaskId::INVALID), None);
    failures.missing(0, 41, NonZeroU32::new(2));
    failures.missing(0, 42, None);
    failures.raised(0, fault(FaultCode::MailboxGap, TaskId(1)), None);
    failures.ended(at(1), Outcome::Failed, None);
    let list = list(&failures, 2);
    let [gap, task] = &list[..] else {
        panic!("two: {list:?}")
    };
    assert_eq!((gap.outcome, gap.task), (FailureKind::Raised, None));
    assert_eq!((gap.position, gap.claimer), (Some(41), Some(2)));
    assert_eq!((task.outcome, task.code), (FailureKind::Failed, Some(107)));
    assert_eq!((task.position, task.claimer), (None, None));
}

#[test]
fn an_engine_and_a_dead_rank_are_named_with_their_task() {
    let failures = Failures::default();
    failures.engine_failed(at(0), Engine::Sdma, 7);
    failures.engine_failed(at(0), Engine::Sdma, 8);
    failures.peer_lost(at(1), 3);
    failures.raised(0, fault(FaultCode::AsyncCompletionInvalid, TaskId(0)), None);
    failures.raised(0, fault(FaultCode::PeerDead, TaskId(1)), None);
    (0..2).for_each(|task| failures.ended(at(task), Outcome::Failed, None));
    let list = list(&failures, 2);
    assert_eq!(
        (list[0].engine.as_deref(), list[0].engine_code),
        (Some("SDMA"), Some(7))
    );
    assert_eq!((list[1].peer, list[1].engine.as_deref()), (Some(3), None));
}

#[test]
fn the_first_fault_wins_and_every_other_is_told() {
    let failures = Failures::default();
    failures.raised(
        0,
        fault(FaultCode::ProtocolError, TaskId::INVALID),
        Some(CoreId(1)),
    );
    failures.raised(0, fault(FaultCode::AsyncWaitTimeout, TaskId(1)), None);
    failures.raised(0, fault(FaultCode::PeerDead, TaskId(1)), None);
    failures.ended(at(1), Outcome::Failed, None);
    let first = failures.first(&workload(2)).unwrap();
    assert_eq!((first.code, &*first.task), (FaultCode::ProtocolError, ""));
    let found = list(&failures, 2);
    let found: Vec<_> = found
        .iter()
        .map(|one| (one.code, one.task, one.outcome))
        .collect();
    let expected = [
        (Some(113), None, FailureKind::Raised),
        (Some(105), Some(1), FailureKind::Failed),
        (Some(112), Some(1), FailureKind::Raised),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_long_chain_is_followed_once_and_told_with_its_root() {
    let failures = Failures::default();
    let tasks = 100_000;
    failures.raised(0, fault(FaultCode::ExplicitFatal, TaskId(0)), None);
    failures.ended(at(0), Outcome::Failed, None);
    (1..tasks).for_each(|task| cancel(&failures, task, task - 1));
    let report = failures.report(&workload(tasks));
    assert_eq!(report.count, u64::from(tasks));
    assert_eq!(report.list.len(), MOST_FAILURES);
    let (root, last) = (&report.list[0], report.list.last().unwrap());
    assert_eq!(root.victims, u64::from(tasks) - 1);
    assert_eq!(root.victim_names.len(), MOST_NAMES);
    assert_eq!(
        (last.causes.len(), &*last.causes[MOST_NAMES - 1]),
        (MOST_NAMES, "t0")
    );
}

#[test]
fn what_fails_without_a_word_is_listed_all_the_same() {
    let failures = Failures::default();
    failures.ended(at(0), Outcome::Failed, None);
    cancel(&failures, 1, 0);
    let list = list(&failures, 2);
    assert_eq!(
        (list[0].code, list[0].victims, list[0].outcome),
        (None, 1, FailureKind::Failed)
    );
    assert_eq!(
        (list[1].code, &list[1].causes[..]),
        (None, &["t0".to_owned()][..])
    );
}

//! Swarms: random workloads with tiny limits, a random subset of the faults on in each.

use finbox_sim::app;
use finbox_sim::check::{self, Ended};
use finbox_sim::cli::{Completion, Mode, RunOptions};
use finbox_sim::fault::{FaultKind, Faults};
use finbox_sim::report::FailureKind;

use crate::fixture::{harmless, judged, random};

#[test]
fn random_workloads_complete_with_the_right_bytes_on_both_clocks() {
    let (mut tasks, mut full) = (0, 0);
    for (mode, seeds) in [(Mode::Lockstep, 0..400), (Mode::Parallel, 0..40)] {
        for seed in seeds {
            let (outcome, ended) = judged(&random(mode, seed, Faults::NONE));
            assert_eq!(ended, Ended::Passed, "{mode}, seed {seed}");
            (tasks, full) = (tasks + outcome.ledger.completed, full + outcome.ledger.full);
        }
    }
    assert!(
        tasks > 5_000 && full > 1_000,
        "the edges are met: {tasks} {full}"
    );
}

#[test]
fn faults_that_only_delay_end_in_a_pass_on_both_clocks() {
    let wanted = harmless().with(FaultKind::Crowd, 65);
    let mut struck = 0;
    for (mode, seeds) in [(Mode::Lockstep, 0..400), (Mode::Parallel, 0..40)] {
        for seed in seeds {
            let (outcome, ended) = judged(&random(mode, seed, wanted.some(seed)));
            assert_eq!(ended, Ended::Passed, "{mode}, seed {seed}");
            struck += outcome.injected.total();
        }
    }
    assert!(struck > 1_000, "{struck} strikes");
}

#[test]
fn swarms_of_all_faults_end_as_the_faults_that_struck_allow() {
    let mut ends = [0; 3];
    for seed in 0..600 {
        let (_, ended) = judged(&random(Mode::Lockstep, seed, Faults::all().some(seed)));
        ends[ended as usize] += 1;
    }
    assert!(ends.iter().all(|&count| count > 20), "{ends:?}");
}

#[test]
fn every_failure_needs_a_reason_and_not_only_the_first() {
    let both = Faults::only(FaultKind::FinUnknown).with(FaultKind::Conditions65, 0);
    let (mut first, mut second) = (0, 0);
    for seed in 0..20 {
        let run = random(Mode::Lockstep, seed, both);
        let (outcome, _) = judged(&run);
        let (workload, _) = app::prepare(&run).unwrap();
        let judge = |kind| check::judge(&workload, &Faults::only(kind), &outcome);
        let without = [FaultKind::Conditions65, FaultKind::FinUnknown].map(judge);
        let told = without.map(|judged| judged.err().unwrap_or_default());
        first += u32::from(told[0].contains("PROTOCOL_ERROR is not explained"));
        second += u32::from(told[1].contains("ASYNC_WAIT_OVERFLOW is not explained"));
    }
    assert!(first > 5 && second > 5, "{first} {second}");
}

#[test]
fn who_is_cancelled_by_a_task_whose_slot_lives_on_is_told_with_its_cause() {
    let (outcome, _) = judged(&random(
        Mode::Lockstep,
        119,
        Faults::NONE.with(FaultKind::AllCoresHang, 8),
    ));
    let list = outcome.failures.list.iter();
    let mut cancelled = list.filter(|failure| failure.outcome == FailureKind::Cancelled);
    assert!(cancelled.all(|failure| failure.code.is_some() && !failure.causes.is_empty()));
}

#[test]
fn a_slot_released_passes_after_its_task_failed_is_used_again() {
    let wanted = Faults::NONE
        .with(FaultKind::CondGarbage, 30)
        .with(FaultKind::PeerDead, 30);
    let (outcome, ended) = judged(&random(Mode::Lockstep, 3974, wanted));
    assert_eq!((ended, outcome.ledger.submitted), (Ended::Failed, 25));
}

/// Without a mailbox nothing is full, and nobody but the poller holds the wait list: a FIN handler
/// of the baseline would spin for as long.
#[test]
fn the_baseline_ends_under_every_kind_of_fault() {
    for seed in 0..60 {
        let options = RunOptions {
            completion: Completion::Locked,
            ..random(Mode::Lockstep, seed, Faults::all().some(seed))
        };
        let (outcome, _) = judged(&options);
        let full = [FaultKind::MailboxFull, FaultKind::MailboxFullForever];
        let struck = full.map(|kind| outcome.injected.of(kind));
        assert_eq!(struck, [0, 0], "seed {seed}");
    }
}

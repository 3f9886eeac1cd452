//! The notification may come before, between or after the FINs, and any rank may be slow.

use finbox_sim::demo;
use finbox_sim::workload::Workload;
use finbox_sim::world::Outcome;

use crate::fixture::{TARGETS, change, lockstep, parallel, pass};

/// Passes with the demo's result, whatever the order was.
fn exact(workload: &Workload, target: &'static finbox_scheduler::Target, seed: u64) -> Outcome {
    let outcome = pass(workload, &lockstep(target, seed));
    assert_eq!(outcome.verified.max_diff, Some(0.0));
    let ranks = workload.ranks.len() as u64;
    assert_eq!(
        (outcome.ledger.inline, outcome.ledger.deferred),
        (2 * ranks, ranks)
    );
    outcome
}

#[test]
fn any_rank_may_be_a_thousand_times_slower() {
    for target in TARGETS {
        for ranks in [2, 3, 16] {
            let usual = exact(&demo::deferred_notify(ranks), target, 1);
            for slow in [0, ranks / 2, ranks - 1] {
                let mut workload = demo::deferred_notify(ranks);
                for task in &mut workload.ranks[slow as usize].tasks {
                    task.duration_ns *= 1000;
                }
                let outcome = exact(&workload, target, 1);
                assert!(outcome.virtual_ns > 8_000_000, "the slow rank is slow");
                assert_eq!(outcome.result_digest, usual.result_digest);
            }
        }
    }
}

#[test]
fn a_notification_that_comes_before_its_waiter_registers_is_not_lost() {
    for target in TARGETS {
        let mut workload = demo::deferred_notify(3);
        change(&mut workload, "notify_wait", |task| {
            task.duration_ns = 1_000_000
        });
        for seed in 0..20 {
            let outcome = exact(&workload, target, seed);
            assert!(outcome.virtual_ns > 1_000_000);
            assert!(
                outcome.ledger.polls <= 3,
                "met at the first look: {outcome:?}"
            );
        }
    }
}

#[test]
fn a_notification_that_comes_long_after_all_fins_completes_its_waiter() {
    for target in TARGETS {
        let mut workload = demo::deferred_notify(3);
        change(&mut workload, "producer", |task| {
            task.duration_ns = 10_000_000
        });
        for seed in 0..20 {
            let outcome = exact(&workload, target, seed);
            assert!(outcome.virtual_ns > 10_000_000);
            assert!(
                outcome.ledger.polls > 1_000,
                "it was waited for: {outcome:?}"
            );
        }
    }
}

#[test]
fn every_arrival_time_around_the_fins_gives_the_same_result() {
    for target in TARGETS {
        let usual = exact(&demo::deferred_notify(2), target, 0).result_digest;
        for late_ns in (0..12_000).step_by(97) {
            let mut workload = demo::deferred_notify(2);
            change(&mut workload, "notify_wait", |task| {
                task.duration_ns = late_ns
            });
            assert_eq!(exact(&workload, target, 0).result_digest, usual);
        }
    }
}

#[test]
fn real_threads_may_find_any_order() {
    for target in TARGETS {
        let workload = demo::deferred_notify(3);
        for seed in 0..25 {
            let outcome = pass(&workload, &parallel(target, seed));
            assert_eq!(outcome.verified.max_diff, Some(0.0));
        }
    }
}

//! What the lockstep world promises: a seed decides everything, and polls may be reckoned.

use std::collections::HashSet;

use finbox_sim::demo;
use finbox_sim::fault::{FaultKind, Faults};
use finbox_sim::workload::{EngineTime, Op, Workload};
use finbox_sim::world::{Outcome, Settings};

use crate::fixture::{
    TARGETS, change, crowd, lockstep, parallel, pass, run, small_workloads, trace,
};

/// Everything of an outcome, as text that can be compared and read.
fn all_of(outcome: &Outcome) -> String {
    format!("{outcome:#?}")
}

#[test]
fn the_same_seed_gives_the_same_run_in_everything() {
    for target in TARGETS {
        for workload in small_workloads() {
            for seed in [0, 1, 7, u64::MAX] {
                let [first, second] = [(); 2].map(|()| pass(&workload, &lockstep(target, seed)));
                assert_eq!(all_of(&first), all_of(&second));
            }
        }
    }
}

#[test]
fn seeds_differ_in_order_and_agree_in_results() {
    for target in TARGETS {
        for workload in small_workloads() {
            let outcomes: Vec<Outcome> = (1..=50)
                .map(|seed| pass(&workload, &lockstep(target, seed)))
                .collect();
            let orders: HashSet<u64> = outcomes.iter().filter_map(|one| one.digest).collect();
            let results: HashSet<u64> = outcomes.iter().map(|one| one.result_digest).collect();
            assert!(
                orders.len() > 40,
                "{}: {} orders",
                workload.name,
                orders.len()
            );
            assert_eq!(results.len(), 1, "{}", workload.name);
        }
    }
}

#[test]
fn two_hundred_seeds_pass_on_both_targets() {
    let workloads = [demo::deferred_notify(3), demo::dummy_task(2)];
    for target in TARGETS {
        for seed in 0..200 {
            for workload in &workloads {
                let outcome = pass(workload, &lockstep(target, seed));
                assert_eq!(outcome.verified.max_diff, Some(0.0));
            }
        }
    }
}

fn assert_skipping_changes_nothing(workload: &Workload, settings: &Settings) {
    let skipped = run(workload, settings);
    let polled = run(
        workload,
        &Settings {
            every_poll: true,
            ..*settings
        },
    );
    assert_eq!(
        all_of(&skipped),
        all_of(&polled),
        "{} {settings:?}",
        workload.name
    );
}

#[test]
fn polls_that_are_reckoned_count_as_those_that_are_taken() {
    for target in TARGETS {
        for seed in 0..24 {
            for workload in [demo::deferred_notify(2), demo::dummy_task(1)] {
                assert_skipping_changes_nothing(&workload, &lockstep(target, seed));
            }
        }
        for seed in 0..4 {
            let ring = trace("ring-allreduce-8");
            assert_skipping_changes_nothing(&ring, &lockstep(target, seed));
        }
    }
}

#[test]
fn polls_are_reckoned_right_at_every_size() {
    for target in TARGETS {
        for (handlers, cores, mailbox_slots) in [(1, 1, 2), (2, 3, 4), (4, 7, 2), (8, 72, 64)] {
            for seed in 0..6 {
                let base = lockstep(target, seed);
                let settings = Settings {
                    handlers,
                    cores,
                    mailbox_slots,
                    ..base
                };
                for workload in [
                    demo::deferred_notify(3),
                    crowd(2, 9, 3),
                    demo::dummy_task(1),
                ] {
                    assert_skipping_changes_nothing(&workload, &settings);
                }
            }
        }
    }
}

#[test]
fn polls_of_a_long_wait_and_of_a_stall_are_reckoned_right() {
    for target in TARGETS {
        let mut slow = demo::deferred_notify(2);
        change(&mut slow, "producer", |task| task.duration_ns = 300_000);
        let mut stuck = demo::deferred_notify(2);
        change(&mut stuck, "producer", |task| {
            task.program = task.program[..1].to_vec().into();
        });
        for seed in 0..8 {
            let settings = Settings {
                patience_ns: 150_000,
                ..lockstep(target, seed)
            };
            assert_skipping_changes_nothing(&stuck, &settings);
            assert_skipping_changes_nothing(&slow, &lockstep(target, seed));
        }
    }
}

#[test]
fn polls_of_more_conditions_than_one_pass_looks_at_are_reckoned_right() {
    let mut workload = crowd(1, 40, 64);
    for op in workload.ranks[0]
        .tasks
        .iter_mut()
        .flat_map(|task| task.program.make_mut())
    {
        if let Op::Engine {
            time: EngineTime::Ns(ns),
            ..
        } = op
        {
            *ns += 400_000;
        }
    }
    for target in TARGETS {
        for seed in 0..3 {
            let settings = lockstep(target, seed);
            assert!(pass(&workload, &settings).ledger.polls > 4 * 64 * 40);
            assert_skipping_changes_nothing(&workload, &settings);
        }
    }
}

#[test]
fn both_clocks_come_to_the_same_results() {
    for target in TARGETS {
        for workload in small_workloads() {
            let expected = pass(&workload, &lockstep(target, 0)).result_digest;
            for seed in 0..20 {
                let outcome = pass(&workload, &parallel(target, seed));
                assert_eq!(outcome.result_digest, expected, "{}, {seed}", workload.name);
            }
        }
    }
}

#[test]
fn a_handler_that_owes_naps_while_nobody_takes_messages() {
    for target in TARGETS {
        let settings = Settings {
            faults: Faults::NONE.with(FaultKind::MailboxFullForever, 1),
            mailbox_slots: 64,
            patience_ns: 10_000_000,
            ..lockstep(target, 0)
        };
        let outcome = run(&demo::crowd(200), &settings);
        assert!(outcome.stall.is_some());
        let full = outcome.ledger.full;
        assert!((1..10_000).contains(&full), "{full} tries in vain");
    }
}

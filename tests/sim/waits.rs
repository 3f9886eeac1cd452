//! Waits in whole runs: budgets that end them, and the baseline that registers under the lock.

use finbox_scheduler::{Completion, FaultCode, Limits};
use finbox_sim::demo;
use finbox_sim::workload::Workload;
use finbox_sim::world::{Outcome, Settings};

use crate::fixture::{CLOCKS, TARGETS, change, crowd, lockstep, pass, run};

const COMPLETIONS: [Completion; 2] = [Completion::Mailbox, Completion::Locked];

/// A demo whose notifies never come.
fn unheard() -> Workload {
    let mut workload = demo::deferred_notify(2);
    change(&mut workload, "producer", |task| {
        task.program = task.program[..1].to_vec().into();
    });
    workload
}

const fn limited(base: Settings, wait_ns: u64) -> Settings {
    Settings {
        limits: Limits {
            wait_ns: Some(wait_ns),
            ..Limits::NONE
        },
        ..base
    }
}

fn all_of(outcome: &Outcome) -> String {
    format!("{outcome:#?}")
}

#[test]
fn a_wait_that_outlasts_its_budget_fails_its_task_and_the_run_ends() {
    for target in TARGETS {
        for (clock, completion) in CLOCKS.into_iter().zip(COMPLETIONS).chain(
            // Each clock with each mode.
            CLOCKS.into_iter().zip(COMPLETIONS.into_iter().rev()),
        ) {
            let base = Settings {
                clock,
                completion,
                ..lockstep(target, 5)
            };
            let outcome = run(&unheard(), &limited(base, 200_000));
            assert!(outcome.stall.is_none(), "{outcome:#?}");
            assert!(outcome.adds_up && outcome.live == 0, "{outcome:#?}");
            let fault = outcome.fault.clone().expect("the waits failed");
            let late = format!("{fault:?}").contains(&format!("{:?}", FaultCode::AsyncWaitTimeout));
            assert!(late, "{fault:?}");
            let ledger = outcome.ledger;
            assert!(ledger.failed > 0, "{ledger:?}");
            assert_eq!(
                ledger.submitted,
                ledger.completed + ledger.failed + ledger.cancelled
            );
        }
    }
}

#[test]
fn polls_of_waits_with_budgets_are_reckoned_right_in_both_modes() {
    for target in TARGETS {
        for completion in COMPLETIONS {
            for seed in 0..6 {
                let base = Settings {
                    completion,
                    ..lockstep(target, seed)
                };
                let unheard = (unheard(), limited(base, 70_000 + seed * 111));
                let met = (demo::deferred_notify(3), limited(base, 1 << 40));
                let many = (crowd(2, 9, 3), base);
                for (workload, settings) in [unheard, met, many] {
                    let skipped = run(&workload, &settings);
                    let every_poll = true;
                    let polled = run(
                        &workload,
                        &Settings {
                            every_poll,
                            ..settings
                        },
                    );
                    assert_eq!(all_of(&skipped), all_of(&polled), "{settings:?}");
                }
            }
        }
    }
}

#[test]
fn the_baseline_comes_to_the_results_of_the_mailbox_and_leaves_the_ring_alone() {
    for target in TARGETS {
        for seed in 0..8 {
            let workload = crowd(2, 30, 8);
            let [mailbox, locked] = COMPLETIONS.map(|completion| {
                let settings = Settings {
                    completion,
                    mailbox_slots: 4,
                    ..lockstep(target, seed)
                };
                pass(&workload, &settings)
            });
            assert_eq!(mailbox.result_digest, locked.result_digest);
            assert!(mailbox.ledger.full > 0);
            assert_eq!(locked.ledger.full + locked.ledger.mailbox_high_water, 0);
            assert_eq!(mailbox.ledger.conditions, locked.ledger.conditions);
        }
    }
}

//! Little room is back-pressure: slower, and right.

use finbox_sim::demo;
use finbox_sim::world::Settings;

use crate::fixture::{CLOCKS, TARGETS, crowd, lockstep, pass, small_workloads};

#[test]
fn one_two_or_three_task_slots_are_enough_for_any_workload() {
    for target in TARGETS {
        for workload in small_workloads() {
            for clock in CLOCKS {
                let roomy = Settings {
                    clock,
                    ..lockstep(target, 1)
                };
                let expected = pass(&workload, &roomy).result_digest;
                for slots in 1..=3 {
                    let settings = Settings {
                        task_slots: Some(slots),
                        ..roomy
                    };
                    assert_eq!(pass(&workload, &settings).result_digest, expected);
                }
            }
        }
    }
}

#[test]
fn everything_may_be_tiny_at_once() {
    for target in TARGETS {
        for clock in CLOCKS {
            for seed in 0..10 {
                let settings = Settings {
                    clock,
                    handlers: 1,
                    cores: 1,
                    mailbox_slots: 2,
                    task_slots: Some(1),
                    ..lockstep(target, seed)
                };
                for workload in small_workloads() {
                    pass(&workload, &settings);
                }
            }
        }
    }
}

#[test]
fn a_mailbox_that_is_often_full_loses_nothing() {
    let workload = crowd(2, 150, 4);
    for target in TARGETS {
        for mailbox_slots in [2, 4, 8] {
            for seed in 0..4 {
                let base = lockstep(target, seed);
                let settings = Settings {
                    handlers: 4,
                    mailbox_slots,
                    ..base
                };
                let ledger = pass(&workload, &settings).ledger;
                assert!(ledger.full > 0, "{ledger:?}");
                assert_eq!((ledger.conditions, ledger.deferred), (2 * 150 * 4, 2 * 150));
                assert!(ledger.mailbox_high_water <= u64::from(mailbox_slots));
            }
        }
    }
}

#[test]
fn a_mailbox_that_is_often_full_loses_nothing_on_real_threads() {
    let workload = crowd(2, 150, 4);
    for target in TARGETS {
        for (handlers, mailbox_slots) in [(1, 2), (4, 2), (4, 16), (3, 4096)] {
            for clock in CLOCKS {
                let base = lockstep(target, 9);
                let ledger = pass(
                    &workload,
                    &Settings {
                        clock,
                        handlers,
                        mailbox_slots,
                        ..base
                    },
                );
                assert_eq!(ledger.ledger.deferred, 2 * 150);
            }
        }
    }
}

#[test]
fn more_waiting_tasks_than_an_early_limit_wait_at_once() {
    let workload = crowd(1, 5_000, 1);
    for target in TARGETS {
        for clock in CLOCKS {
            let ledger = pass(
                &workload,
                &Settings {
                    clock,
                    ..lockstep(target, 2)
                },
            )
            .ledger;
            assert_eq!(ledger.deferred, 5_000);
        }
    }
}

#[test]
fn a_task_may_wait_for_sixty_four_conditions_at_once() {
    let workload = crowd(2, 5, 64);
    for target in TARGETS {
        for clock in CLOCKS {
            for mailbox_slots in [2, 64, 4096] {
                let settings = Settings {
                    clock,
                    mailbox_slots,
                    ..lockstep(target, 2)
                };
                assert_eq!(pass(&workload, &settings).ledger.conditions, 2 * 5 * 64);
            }
        }
    }
}

#[test]
fn the_demo_passes_with_one_task_slot_on_sixty_four_ranks() {
    for target in TARGETS {
        let settings = Settings {
            task_slots: Some(1),
            ..lockstep(target, 4)
        };
        assert_eq!(
            pass(&demo::deferred_notify(64), &settings)
                .verified
                .max_diff,
            Some(0.0)
        );
    }
}

#[test]
fn more_conditions_than_there_is_room_for_come_in_turns() {
    let workload = crowd(1, 1_100, 64);
    for target in TARGETS {
        for clock in CLOCKS {
            let ledger = pass(
                &workload,
                &Settings {
                    clock,
                    ..lockstep(target, 1)
                },
            )
            .ledger;
            assert_eq!(ledger.conditions, 1_100 * 64);
        }
    }
}

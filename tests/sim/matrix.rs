//! The demos pass on every target, on both clocks, at every size that is promised.

use finbox_sim::demo;
use finbox_sim::world::{Outcome, Settings};

use crate::fixture::{CLOCKS, TARGETS, lockstep, parallel, pass, tasks_of};

const RANKS: [u32; 4] = [2, 3, 16, 64];
const SLOTS: [u32; 4] = [2, 4, 64, 4096];

fn assert_demo(ranks: u32, settings: &Settings) {
    let outcome = pass(&demo::deferred_notify(ranks), settings);
    let (ranks, ledger) = (u64::from(ranks), outcome.ledger);
    assert_eq!(outcome.verified.max_diff, Some(0.0));
    assert_eq!((ledger.inline, ledger.deferred), (2 * ranks, ranks));
    assert_eq!((ledger.conditions, ledger.normal_done), (ranks, ranks));
    assert_eq!(ledger.messages_accepted, ranks, "both in one");
    assert!(ledger.mailbox_high_water <= 2 && ledger.waiting_high_water <= 1);
}

#[test]
fn the_demo_is_exact_in_lockstep_at_every_size() {
    for target in TARGETS {
        for ranks in RANKS {
            for (handlers, mailbox_slots) in product() {
                let settings = Settings {
                    handlers,
                    mailbox_slots,
                    ..lockstep(target, 0)
                };
                assert_demo(ranks, &settings);
            }
        }
    }
}

fn product() -> impl Iterator<Item = (u8, u32)> {
    (1..=4).flat_map(|handlers| SLOTS.map(|slots| (handlers, slots)))
}

#[test]
fn the_demo_is_exact_on_real_threads_with_every_pair_of_sizes() {
    for target in TARGETS {
        for (ranks, shift) in RANKS.into_iter().zip(0..) {
            for (handlers, index) in (1..=4).zip(shift..) {
                let mailbox_slots = SLOTS[index % SLOTS.len()];
                let settings = Settings {
                    handlers,
                    mailbox_slots,
                    ..parallel(target, 1)
                };
                assert_demo(ranks, &settings);
            }
        }
    }
}

#[test]
fn the_demo_runs_on_any_number_of_ranks() {
    for (target, ranks) in TARGETS.into_iter().cycle().zip(2..=64) {
        assert_demo(ranks, &lockstep(target, u64::from(ranks)));
    }
}

#[test]
fn the_dummy_tasks_order_others_at_every_size() {
    for target in TARGETS {
        for ranks in [1, 2, 64] {
            for (handlers, mailbox_slots) in [(1, 2), (2, 4), (3, 64), (4, 4096)] {
                for clock in CLOCKS {
                    let base = lockstep(target, 3);
                    let settings = Settings {
                        clock,
                        handlers,
                        mailbox_slots,
                        ..base
                    };
                    assert_dummies(ranks, &settings);
                }
            }
        }
    }
}

fn assert_dummies(ranks: u32, settings: &Settings) {
    let workload = demo::dummy_task(ranks);
    let Outcome {
        ledger, verified, ..
    } = pass(&workload, settings);
    assert_eq!(verified.max_diff, Some(0.0));
    assert_eq!((ledger.deferred, ledger.messages_accepted), (0, 0));
    assert_eq!(ledger.polls, 0);
    assert_eq!(ledger.inline, tasks_of(&workload, |_| true));
}

#[test]
fn one_core_one_handler_and_two_mailbox_slots_are_enough() {
    for target in TARGETS {
        for clock in CLOCKS {
            let settings = Settings {
                clock,
                handlers: 1,
                cores: 1,
                mailbox_slots: 2,
                ..lockstep(target, 5)
            };
            assert_demo(2, &settings);
            assert_dummies(1, &settings);
        }
    }
}

#[test]
fn as_many_handlers_as_the_simulation_allows_find_all_fins() {
    for target in TARGETS {
        for clock in CLOCKS {
            let settings = Settings {
                clock,
                handlers: 8,
                ..lockstep(target, 5)
            };
            assert_demo(3, &settings);
        }
    }
}

//! Persistent workers: items of a work ring on simulated cores, against a launch an item.

use finbox_scheduler::Shape;
use finbox_sim::demo;
use finbox_sim::world::{Outcome, Settings};

use crate::fixture::{CLOCKS, TARGETS, lockstep, pass, tasks_of};

/// Whether every item was offered once, and came back once.
fn went_through_the_ring(outcome: &Outcome, items: u64) {
    let ledger = &outcome.ledger;
    assert_eq!((ledger.work_offered, ledger.work_done), (items, items));
    assert_eq!((ledger.worked, ledger.inline), (items, 1));
    let stray = ledger.work_late + ledger.work_duplicate + ledger.work_stale + ledger.work_unknown;
    assert_eq!((stray, ledger.work_out()), (0, 0));
    // One FIN a worker: they end when the ring is closed.
    assert_eq!(ledger.messages_accepted, items);
}

#[test]
fn items_leave_what_launches_leave_on_both_targets_and_clocks() {
    for target in TARGETS {
        for clock in CLOCKS {
            for seed in [0, 7] {
                let settings = Settings {
                    clock,
                    ..lockstep(target, seed)
                };
                let launched = pass(&demo::persistent_scan(300, 0), &settings);
                let workload = demo::persistent_scan(300, 48);
                assert_eq!(tasks_of(&workload, |task| task.shape == Shape::Work), 300);
                let served = pass(&workload, &settings);
                went_through_the_ring(&served, 300);
                assert_eq!(served.ledger.fins_applied, 48);
                assert_eq!(served.result_digest, launched.result_digest, "{settings:?}");
            }
        }
    }
}

#[test]
fn a_mailbox_of_two_slots_holds_workers_up_and_loses_nothing() {
    for clock in CLOCKS {
        let settings = Settings {
            clock,
            mailbox_slots: 2,
            ..lockstep(TARGETS[0], 3)
        };
        went_through_the_ring(&pass(&demo::persistent_scan(500, 40), &settings), 500);
    }
}

#[test]
fn one_worker_does_all_and_none_is_told_to_go_where_nothing_is_to_do() {
    for clock in CLOCKS {
        let settings = Settings {
            clock,
            ..lockstep(TARGETS[1], 1)
        };
        for (items, workers) in [(70, 1), (1, 30), (2, 2)] {
            let outcome = pass(&demo::persistent_scan(items, workers), &settings);
            went_through_the_ring(&outcome, items.into());
        }
    }
}

#[test]
fn polls_that_are_slept_through_change_nothing() {
    for seed in 0..4 {
        let settings = lockstep(TARGETS[0], seed);
        let workload = demo::persistent_scan(200, 20);
        let slept = pass(&workload, &settings);
        let every_poll = true;
        let taken = pass(
            &workload,
            &Settings {
                every_poll,
                ..settings
            },
        );
        assert_eq!(slept.virtual_ns, taken.virtual_ns);
        assert_eq!(slept.digest, taken.digest);
        assert_eq!(slept.ledger, taken.ledger);
    }
}

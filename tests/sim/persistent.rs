//! Persistent workers: items of a work ring on simulated cores, against a launch an item.

use finbox_scheduler::Shape;
use finbox_sim::check::{of_seed, one, replay};
use finbox_sim::cli::{Command, parse};
use finbox_sim::demo;
use finbox_sim::fault::{FaultKind, Faults};
use finbox_sim::world::{Outcome, Settings};

use crate::fixture::{CLOCKS, TARGETS, lockstep, pass, run, tasks_of};

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

/// Settings of both clocks on which `kind` strikes one item in `often`.
fn broken(kind: FaultKind, often: u16, seed: u64) -> [Settings; 2] {
    CLOCKS.map(|clock| Settings {
        clock,
        faults: Faults::NONE.with(kind, often),
        ..lockstep(TARGETS[0], seed)
    })
}

#[test]
fn what_dead_workers_had_in_hand_is_done_by_others() {
    let workload = demo::persistent_scan(400, 30);
    let golden = pass(&demo::persistent_scan(400, 0), &lockstep(TARGETS[0], 0));
    for seed in 0..4 {
        for settings in broken(FaultKind::WorkerDies, 12, seed) {
            let outcome = pass(&workload, &settings);
            let ledger = &outcome.ledger;
            let dead = outcome.injected.of(FaultKind::WorkerDies);
            assert!((1..30).contains(&dead), "{dead} of 30");
            // Those that had told before had nothing left to do again.
            assert!(ledger.work_again <= dead && outcome.gaps.len() as u64 <= dead);
            assert_eq!(ledger.work_offered, 400 + ledger.work_again);
            assert_eq!((ledger.worked, ledger.work_out()), (400, 0));
            assert_eq!(outcome.result_digest, golden.result_digest);
            for gap in &outcome.gaps {
                let parts = ["worker ", " died with the item of task ", " from position "];
                assert!(
                    parts.iter().all(|part| gap.message.contains(part)),
                    "{gap:?}"
                );
            }
        }
    }
}

#[test]
fn a_worker_that_hangs_costs_its_launch_and_no_item() {
    let workload = demo::persistent_scan(200, 10);
    for settings in broken(FaultKind::WorkerHangs, 0, 1) {
        let outcome = run(&workload, &settings);
        assert_eq!(outcome.injected.of(FaultKind::WorkerHangs), 1);
        assert_eq!((outcome.ledger.worked, outcome.ledger.failed), (200, 1));
        let [failure] = &outcome.failures.list[..] else {
            panic!("{:?}", outcome.failures);
        };
        assert_eq!(failure.name, "workers");
        assert_eq!(failure.code_name.as_deref(), Some("TASK_TIMEOUT"));
        assert!(outcome.verified.is_right() && outcome.adds_up);
        assert!(outcome.broken.is_empty() && outcome.stall.is_none());
    }
}

#[test]
fn a_worker_that_tells_twice_finishes_nothing_for_another() {
    let workload = demo::persistent_scan(300, 5);
    for seed in 0..3 {
        for settings in broken(FaultKind::WorkerTwice, 1, seed) {
            // Few slots, so that their next lives are there when the second word comes.
            let task_slots = Some(8);
            let settings = Settings {
                task_slots,
                ..settings
            };
            let outcome = run(&workload, &settings);
            assert!(outcome.verified.is_right() && outcome.broken.is_empty());
            assert!(outcome.fault.is_none() && outcome.adds_up, "{outcome:?}");
            let ledger = &outcome.ledger;
            assert_eq!(outcome.injected.of(FaultKind::WorkerTwice), 300);
            let strays = ledger.work_duplicate + ledger.work_stale + ledger.work_unknown;
            assert_eq!((ledger.work_done, ledger.worked), (300, 300));
            // Each is said twice; the second word is counted as what it is, and acted on never.
            assert_eq!((strays, ledger.messages_reported), (300, 300), "{ledger:?}");
            assert_eq!(ledger.messages_delivered, 300);
        }
    }
}

#[test]
fn a_worker_that_stands_still_holds_up_nobody_else() {
    let workload = demo::persistent_scan(300, 20);
    for seed in 0..3 {
        for settings in broken(FaultKind::WorkerStalls, 2, seed) {
            let outcome = pass(&workload, &settings);
            assert!(outcome.injected.of(FaultKind::WorkerStalls) > 50);
            went_through_the_ring(&outcome, 300);
        }
    }
}

#[test]
fn items_fail_where_no_worker_is_left() {
    let workload = demo::persistent_scan(600, 6);
    let settings = Settings {
        bounded_waits: true,
        ..broken(FaultKind::AllCoresHang, 1, 2)[0]
    };
    let outcome = run(&workload, &settings);
    assert!(outcome.stall.is_none(), "{:?}", outcome.stall);
    assert_eq!((outcome.live, outcome.ledger.completed), (0, 0));
    let codes = |name: &str| {
        let all = outcome.failures.list.iter();
        all.filter(|one| one.code_name.as_deref() == Some(name))
            .count()
    };
    assert!(codes("TASK_TIMEOUT") > 0 && codes("NO_WORKER_LEFT") > 0);
    assert!(outcome.broken.is_empty() && outcome.adds_up, "{outcome:?}");
}

#[test]
fn every_seed_of_a_check_is_right_whatever_goes_wrong() {
    for (faults, seeds) in [("none", 4), ("all", 60), ("worker-dies,worker-hangs", 16)] {
        let line =
            format!("finbox check persistent_scan --tasks 120 --seeds {seeds} --faults {faults}");
        let targets = finbox_sim::app::target_facts();
        let Ok(Command::Check(options)) = parse(line.split(' '), &targets) else {
            panic!("{line}");
        };
        for nth in 0..seeds {
            let run = of_seed(&options, nth);
            if let Err(why) = one(&run) {
                panic!("{why}\n{}", replay(&run));
            }
        }
    }
}

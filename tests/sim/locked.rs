//! The `locked` baseline gives the same results, and what it costs is told.

use finbox_scheduler::Completion;
use finbox_sim::demo;
use finbox_sim::world::Settings;

use crate::fixture::{CLOCKS, TARGETS, lockstep, pass, small_workloads};

#[test]
fn every_workload_has_the_same_results_with_and_without_the_mailbox() {
    for target in TARGETS {
        for workload in small_workloads() {
            for clock in CLOCKS {
                for seed in 0..5 {
                    let mailbox = Settings {
                        clock,
                        ..lockstep(target, seed)
                    };
                    let locked = Settings {
                        completion: Completion::Locked,
                        ..mailbox
                    };
                    let (mailbox, locked) = (pass(&workload, &mailbox), pass(&workload, &locked));
                    assert_eq!(mailbox.result_digest, locked.result_digest);
                    assert_eq!(mailbox.ledger.conditions, locked.ledger.conditions);
                    assert_eq!(locked.ledger.mailbox_high_water, 0);
                }
            }
        }
    }
}

#[test]
fn a_fin_waits_for_the_poller_only_without_the_mailbox() {
    for target in TARGETS {
        let workload = demo::crowd(500);
        let mailbox = lockstep(target, 1);
        let locked = Settings {
            completion: Completion::Locked,
            ..mailbox
        };
        let [mailbox, locked] = [mailbox, locked].map(|settings| pass(&workload, &settings));
        assert_eq!(mailbox.result_digest, locked.result_digest);
        let handling = |outcome: &finbox_sim::world::Outcome| outcome.latency.fin_handling;
        let (free, waits) = (handling(&mailbox), handling(&locked));
        assert_eq!((free.count, waits.count), (500, 500));
        assert!(waits.p50_ns > free.p50_ns, "{free:?} {waits:?}");
        assert!(waits.max_ns > 2 * free.max_ns, "{free:?} {waits:?}");
    }
}

//! Latencies: everything that should be measured is, and virtual time makes them exact.

use finbox_sim::demo;
use finbox_sim::report::{LatencyReport, Percentiles};
use finbox_sim::world::Settings;

use crate::fixture::{CLOCKS, TARGETS, lockstep, pass, small_workloads};

fn is_ordered(measure: Percentiles) -> bool {
    let Percentiles {
        p50_ns,
        p90_ns,
        p99_ns,
        p99_9_ns,
        max_ns,
        ..
    } = measure;
    [p50_ns, p90_ns, p99_ns, p99_9_ns, max_ns].is_sorted()
}

#[test]
fn every_task_and_every_wait_is_measured() {
    for target in TARGETS {
        for clock in CLOCKS {
            for workload in small_workloads() {
                let base = lockstep(target, 3);
                let outcome = pass(&workload, &Settings { clock, ..base });
                let LatencyReport {
                    task,
                    fin_to_consumer,
                    wait,
                    fin_handling,
                } = outcome.latency;
                assert_eq!(task.count, outcome.ledger.finished());
                assert_eq!(wait.count, outcome.ledger.deferred);
                assert!(fin_to_consumer.count <= task.count);
                let measures = [task, fin_to_consumer, wait, fin_handling];
                assert!(measures.into_iter().all(is_ordered), "{measures:?}");
                assert!(wait.max_ns <= task.max_ns, "a wait is part of a task");
            }
        }
    }
}

#[test]
fn the_demo_waits_in_virtual_time_as_long_as_its_slow_producer_takes() {
    for target in TARGETS {
        let outcome = pass(&demo::deferred_notify(2), &lockstep(target, 0));
        let LatencyReport {
            task,
            wait,
            fin_to_consumer,
            ..
        } = outcome.latency;
        assert_eq!((task.count, wait.count), (6, 2));
        assert!(
            wait.max_ns >= 400_000,
            "one waits for the slow one: {wait:?}"
        );
        assert!(wait.p50_ns < 100_000, "and one does not: {wait:?}");
        assert!(task.max_ns <= outcome.virtual_ns);
        assert_eq!(fin_to_consumer.count, 2, "both ranks' consumers");
        let (least, most) = (fin_to_consumer.p50_ns, fin_to_consumer.max_ns);
        assert!(
            500 < least && most < 5_000,
            "no sooner than the release costs: {fin_to_consumer:?}"
        );
    }
}

#[test]
fn skipped_polls_change_no_latency() {
    for target in TARGETS {
        for workload in small_workloads() {
            let [skipped, taken] = [false, true].map(|every_poll| {
                let base = lockstep(target, 5);
                pass(&workload, &Settings { every_poll, ..base }).latency
            });
            assert_eq!(skipped, taken, "{}", workload.name);
        }
    }
}

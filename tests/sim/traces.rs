//! Imported traces run to their end, in order, with every message's bytes in place.

use finbox_sim::workload::{Check, Expect, Op, Shape, lower};
use finbox_sim::world::Settings;

use crate::fixture::{CLOCKS, TARGETS, lockstep, pass, tasks_of, trace};

#[test]
fn the_ring_all_reduce_delivers_every_message() {
    let workload = trace("ring-allreduce-8");
    assert_eq!((workload.ranks.len(), workload.checks.len()), (8, 112));
    let whole = |check: &Check| match check.expect {
        Expect::Pattern { bytes, .. } => bytes == lower::MESSAGE_BYTES_CAP,
        _ => false,
    };
    assert!(workload.checks.iter().all(whole));
    for target in TARGETS {
        for clock in CLOCKS {
            for seed in 0..5 {
                let outcome = pass(
                    &workload,
                    &Settings {
                        clock,
                        ..lockstep(target, seed)
                    },
                );
                assert_eq!(
                    (outcome.ledger.completed, outcome.ledger.deferred),
                    (280, 112)
                );
                assert_eq!(outcome.ledger.conditions, 112);
            }
        }
    }
}

#[test]
fn the_bytes_of_every_message_differ_from_those_of_all_others() {
    let workload = trace("ring-allreduce-8");
    let mut seeds: Vec<u64> = workload
        .checks
        .iter()
        .map(|check| match check.expect {
            Expect::Pattern { seed, .. } => seed,
            ref other => panic!("{other:?}"),
        })
        .collect();
    seeds.sort_unstable();
    seeds.dedup();
    assert_eq!(seeds.len(), 112);
}

#[test]
fn the_pytorch_trace_runs_on_both_targets_and_both_clocks() {
    let workload = trace("mlcommons");
    assert_eq!(tasks_of(&workload, |task| task.shape == Shape::Host), 2448);
    let deferred = tasks_of(&workload, |task| task.defers > 0);
    for target in TARGETS {
        let expected = pass(&workload, &lockstep(target, 0)).result_digest;
        for clock in CLOCKS {
            let outcome = pass(
                &workload,
                &Settings {
                    clock,
                    ..lockstep(target, 1)
                },
            );
            assert_eq!(outcome.ledger.completed, 3664);
            assert_eq!(outcome.ledger.deferred, deferred);
            assert_eq!(outcome.result_digest, expected);
        }
    }
}

#[test]
fn a_trace_takes_no_less_than_its_longest_chain_and_no_more_than_all_its_work() {
    let workload = trace("mlcommons");
    let tasks = &workload.ranks[0].tasks;
    let mut ends = vec![0; tasks.len()];
    for at in &workload.order {
        let task = &tasks[at.task as usize];
        let begin = task.after.iter().map(|&before| ends[before as usize]).max();
        ends[at.task as usize] = begin.unwrap_or(0) + planned_ns(&task.program, task.duration_ns);
    }
    let chain_ns: u64 = ends.into_iter().max().expect("tasks");
    let work_ns: u64 = tasks
        .iter()
        .map(|task| planned_ns(&task.program, task.duration_ns))
        .sum();
    for target in TARGETS {
        let took_ns = pass(&workload, &lockstep(target, 0)).virtual_ns;
        assert!(
            took_ns >= chain_ns,
            "{took_ns} ns for a chain of {chain_ns} ns"
        );
        let most_ns = work_ns + 60_000 * tasks.len() as u64;
        assert!(took_ns <= most_ns, "{took_ns} ns for {work_ns} ns of work");
    }
}

/// What the plan says a task takes: its kernel, and the engine it starts.
fn planned_ns(program: &[Op], duration_ns: u64) -> u64 {
    use finbox_sim::workload::EngineTime;
    let engine = program.iter().map(|op| match op {
        Op::Engine {
            time: EngineTime::Ns(ns),
            ..
        } => *ns,
        _ => 0,
    });
    duration_ns + engine.sum::<u64>()
}

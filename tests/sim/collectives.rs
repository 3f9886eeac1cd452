//! Collectives of traces, run: every kind and way, on both targets and both clocks, with whatever
//! little room, and none over before all have begun.

use finbox_scheduler::Outcome as TaskEnd;
use finbox_scheduler::target::A2A3;
use finbox_sim::workload::chakra::{
    Collective, CollectiveKind, Node, NodeRef, Op, RankGraph, Workload as Trace,
};
use finbox_sim::workload::lower::{self, Collectives};
use finbox_sim::workload::{TaskPlan, Workload};
use finbox_sim::world::{Outcome, Settings};

use crate::fixture::{CLOCKS, TARGETS, lockstep, pass, run, tasks_of, trace_with};

const HOWS: [Collectives; 3] = [Collectives::Ring, Collectives::Direct, Collectives::Model];

const MS: u64 = 1_000_000;

fn node(op: Op, deps: &[u32]) -> Node {
    Node {
        id: 0,
        name: "n".into(),
        offset: 0,
        op,
        deps: deps.into(),
    }
}

/// Every kind once, among all of `ranks` and then among the even and the odd ones: a chain on each
/// rank, behind a computation that takes as long as `delay_ns` says of that rank.
fn every_kind(ranks: u32, kinds: &[CollectiveKind], delay_ns: impl Fn(u32) -> u64) -> Trace {
    let delay = |rank| {
        node(
            Op::Compute {
                duration_ns: delay_ns(rank),
            },
            &[],
        )
    };
    let graph = |rank| RankGraph {
        rank,
        file: "t.et".into(),
        nodes: vec![delay(rank)],
    };
    let mut trace = Trace {
        name: "every kind".into(),
        ranks: (0..ranks).map(graph).collect(),
        messages: Vec::new(),
        collectives: Vec::new(),
        groups: 3,
        order: (0..ranks)
            .map(|rank_index| NodeRef {
                rank_index,
                node: 0,
            })
            .collect(),
        dropped_self_edges: 0,
        dropped_repeated_edges: 0,
    };
    let all: Vec<u32> = (0..ranks).collect();
    let half = |odd: u32| all.iter().copied().filter(|rank| rank % 2 == odd).collect();
    let (even, odd): (Vec<u32>, Vec<u32>) = (half(0), half(1));
    for &kind in kinds {
        for members in [&all, &even, &odd] {
            add(&mut trace, kind, members);
        }
    }
    trace
}

fn add(trace: &mut Trace, kind: CollectiveKind, ranks: &[u32]) {
    let collective = u32::try_from(trace.collectives.len()).expect("few");
    if ranks.len() < 2 {
        return;
    }
    let mut members = Vec::new();
    for &rank_index in ranks {
        let nodes = &mut trace.ranks[rank_index as usize].nodes;
        let node_index = u32::try_from(nodes.len()).expect("few");
        nodes.push(node(Op::Joint { collective }, &[node_index - 1]));
        members.push(NodeRef {
            rank_index,
            node: node_index,
        });
    }
    trace.order.extend(&members);
    trace.collectives.push(Collective {
        kind,
        bytes: 100_000,
        group: "g".into(),
        nth: 0,
        root: collective % u32::try_from(members.len()).expect("few"),
        members,
    });
}

fn lowered(trace: &Trace, how: Collectives) -> Workload {
    lower::lower(trace, how).expect("it has few steps")
}

/// Runs it everywhere, with the same result; each time so many tasks are deferred.
fn same_everywhere(workload: &Workload, seed: u64) {
    let deferred = tasks_of(workload, |task| task.defers > 0);
    let digest = pass(workload, &lockstep(TARGETS[0], 0)).result_digest;
    for target in TARGETS {
        for clock in CLOCKS {
            let settings = lockstep(target, seed);
            let outcome = pass(workload, &Settings { clock, ..settings });
            assert_eq!(outcome.result_digest, digest, "{}", workload.name);
            assert_eq!(outcome.ledger.deferred, deferred);
        }
    }
}

#[test]
fn every_kind_is_right_on_both_targets_and_both_clocks() {
    for ranks in [2, 3, 7] {
        let trace = every_kind(ranks, &CollectiveKind::ALL, |_| 0);
        for how in HOWS {
            let workload = lowered(&trace, how);
            (0..2).for_each(|seed| same_everywhere(&workload, seed));
        }
    }
}

#[test]
fn the_samples_run_whatever_way_their_collectives_take() {
    for name in [
        "collectives/all_gather-4npus_1MB",
        "collectives/all_reduce-4npus_1MB",
        "collectives/all_to_all-4npus_1MB",
        "collectives/reduce_scatter-4npus_1MB",
        "micro/BARRIER",
        "micro/BROADCAST",
        "llama-dp2-tp2-pp2",
    ] {
        for how in HOWS {
            same_everywhere(&trace_with(name, how), 1);
        }
    }
}

#[test]
fn windows_of_one_task_and_mailboxes_of_two_slots_deadlock_nobody() {
    let trace = every_kind(5, &CollectiveKind::ALL, |_| 0);
    for how in HOWS {
        let workload = lowered(&trace, how);
        let digest = pass(&workload, &lockstep(&A2A3, 0)).result_digest;
        for clock in CLOCKS {
            for (task_slots, cores) in [(1, 1), (2, 1), (3, 2)] {
                let settings = Settings {
                    clock,
                    task_slots: Some(task_slots),
                    mailbox_slots: 2,
                    cores,
                    condition_room: Some(64),
                    ..lockstep(&A2A3, 3)
                };
                assert_eq!(pass(&workload, &settings).result_digest, digest);
            }
        }
    }
}

/// The tasks of rank `rank` that have completed.
fn completed<'a>(workload: &'a Workload, outcome: &Outcome, rank: usize) -> Vec<&'a TaskPlan> {
    let tasks = workload.ranks[rank].tasks.iter().zip(&outcome.ends[rank]);
    let is_completed = |end: &Option<TaskEnd>| *end == Some(TaskEnd::Completed);
    tasks
        .filter_map(|(task, end)| is_completed(end).then_some(task))
        .collect()
}

#[test]
fn nobody_is_done_before_the_slowest_member_has_begun() {
    let ranks = 4;
    for slow in 0..ranks {
        for kind in CollectiveKind::ALL {
            for how in HOWS {
                let mut trace = every_kind(ranks, &[], |rank| match rank == slow {
                    true => 50 * MS,
                    false => 0,
                });
                add(&mut trace, kind, &[0, 1, 2, 3]);
                let workload = lowered(&trace, how);
                let settings = Settings {
                    deadline_ns: Some(49 * MS),
                    ..lockstep(&A2A3, 0)
                };
                let early = run(&workload, &settings);
                assert!(early.stall.is_some(), "{kind:?} {how:?}: over by 49 ms");
                for rank in 0..ranks as usize {
                    let done = completed(&workload, &early, rank).len();
                    let all = workload.ranks[rank].tasks.len();
                    let is_slow = rank == slow as usize;
                    assert!(done < all, "{kind:?} {how:?}: rank {rank} before {slow}");
                    assert!(!is_slow || done == 0, "{kind:?} {how:?}: {slow} has begun");
                }
                let outcome = pass(&workload, &lockstep(&A2A3, 0));
                assert!(
                    (50 * MS..52 * MS).contains(&outcome.virtual_ns),
                    "{kind:?} {how:?}"
                );
            }
        }
    }
}

#[test]
fn a_hundred_ranks_take_part_in_one_collective() {
    let trace = every_kind(100, &[CollectiveKind::AllReduce], |_| 0);
    for how in HOWS {
        let outcome = pass(&lowered(&trace, how), &lockstep(&A2A3, 0));
        assert!(outcome.ledger.completed >= 600);
    }
}

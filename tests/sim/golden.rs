//! Every demo gives its golden result, bit for bit: on every target it runs on, on both clocks,
//! in both modes, from 50 seeds; and none of them does if its deferred tasks do not wait.

use finbox_scheduler::{Completion, Engines};
use finbox_sim::demo;
use finbox_sim::workload::{Op, TaskPlan, Workload};
use finbox_sim::world::{self, RunError, Settings};

use crate::fixture::{CLOCKS, TARGETS, lockstep, pass, run};

/// Seeds of each combination.
const SEEDS: u64 = 50;

/// Every demo with a golden result, on the fewest ranks that show it.
fn demos() -> [Workload; 7] {
    [
        demo::deferred_notify(2),
        demo::dummy_task(1),
        demo::async_notify(2),
        demo::sdma_async(2),
        demo::urma_deferred(2),
        demo::prefetch_async(1),
        demo::mixed_spmd(2),
    ]
}

/// Whether a workload runs with these settings.
fn is_possible(workload: &Workload, settings: &Settings) -> bool {
    !workload.needs_urma() || settings.target.engines.contains(Engines::URMA)
}

/// On every target where they run, the demos with each seed on both clocks and in both modes: the
/// mailbox and the baseline without it.
fn each(seeds: u64, mut look: impl FnMut(&Workload, &Settings)) {
    let modes = [Completion::Mailbox, Completion::Locked];
    let on = |target, (clock, completion)| {
        (0..seeds).map(move |seed| Settings {
            clock,
            completion,
            ..lockstep(target, seed)
        })
    };
    let ways = CLOCKS.map(|clock| modes.map(|mode| (clock, mode)));
    let ways = ways.into_iter().flatten();
    let all = TARGETS.map(|target| ways.clone().flat_map(move |way| on(target, way)));
    let all: Vec<Settings> = all.into_iter().flatten().collect();
    for workload in demos() {
        for settings in &all {
            if is_possible(&workload, settings) {
                look(&workload, settings);
            }
        }
    }
}

#[test]
fn every_demo_is_golden_everywhere_from_50_seeds() {
    let mut runs = 0;
    each(SEEDS, |workload, settings| {
        let outcome = pass(workload, settings);
        assert!(workload.golden);
        assert_eq!(outcome.verified.max_diff, Some(0.0));
        let deferred = workload
            .order
            .iter()
            .filter(|at| workload.task(**at).defers > 0);
        assert_eq!(outcome.ledger.deferred, deferred.count() as u64);
        assert_eq!(outcome.ledger.conditions, workload.planned_conditions());
        runs += 1;
    });
    assert_eq!(runs, SEEDS * 4 * (2 * 6 + 1));
}

#[test]
fn every_demo_is_golden_on_64_ranks() {
    let demos = [
        demo::async_notify(64),
        demo::sdma_async(64),
        demo::urma_deferred(64),
        demo::prefetch_async(64),
        demo::mixed_spmd(64),
    ];
    for target in TARGETS {
        for workload in &demos {
            let settings = lockstep(target, 3);
            if is_possible(workload, &settings) {
                let outcome = pass(workload, &settings);
                assert_eq!(outcome.verified.max_diff, Some(0.0));
            }
        }
    }
}

/// The same tasks, all of which are done when their kernels are.
fn without_waits(mut workload: Workload) -> Workload {
    let tasks = workload.ranks.iter_mut().flat_map(|rank| &mut rank.tasks);
    for task in tasks {
        let TaskPlan {
            program, defers, ..
        } = task;
        *defers = 0;
        program.retain(|op| !is_wait(op));
    }
    workload
}

fn is_wait(op: &Op) -> bool {
    match op {
        Op::PerBlock { op, .. } => is_wait(op),
        op => matches!(op, Op::Await { .. } | Op::AwaitPost { .. }),
    }
}

#[test]
fn a_deferred_task_that_does_not_wait_gives_a_wrong_result() {
    for ranks in [2, 64] {
        for workload in [
            demo::deferred_notify(ranks),
            demo::async_notify(ranks),
            demo::sdma_async(ranks),
            demo::urma_deferred(ranks),
            demo::prefetch_async(ranks),
            demo::mixed_spmd(ranks),
        ] {
            let workload = without_waits(workload);
            for target in TARGETS {
                let settings = lockstep(target, 0);
                if is_possible(&workload, &settings) {
                    let outcome = run(&workload, &settings);
                    assert!(!outcome.verified.is_right(), "{}", workload.name);
                }
            }
        }
    }
}

#[test]
fn a_target_without_urma_refuses_what_needs_it_before_a_task_runs() {
    for clock in CLOCKS {
        let settings = Settings {
            clock,
            ..lockstep(TARGETS[0], 0)
        };
        let refused = world::run(&demo::urma_deferred(2), &settings, &mut |_, _| {});
        let Err(RunError::NoUrma { workload, target }) = refused else {
            panic!("a2a3 has no URMA");
        };
        assert_eq!((&*workload, target), ("urma_deferred", "a2a3"));
    }
}

#[test]
fn a_completion_queue_may_begin_anywhere_also_before_the_wrap() {
    for first in [1, 0x7FFF_FFFF, u32::MAX - 2, u32::MAX] {
        let mut workload = demo::urma_deferred(3);
        for rank in &mut workload.ranks {
            rank.engines.completion_queues[0].first = first;
        }
        for clock in CLOCKS {
            for seed in 0..10 {
                let base = lockstep(TARGETS[1], seed);
                pass(&workload, &Settings { clock, ..base });
            }
        }
    }
}

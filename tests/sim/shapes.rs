//! Tasks of many blocks, mixed tasks, cohorts, priorities and run budgets in whole runs.

use finbox_scheduler::{FaultCode, Priority, Subtasks};
use finbox_sim::workload::{RankPlan, Shape, TaskPlan, Workload};

use crate::fixture::{CLOCKS, TARGETS, lockstep, parallel, run};
use finbox_sim::world::Clock;

const MILLISECOND_NS: u64 = 1_000_000;

fn workload(rank: RankPlan) -> Workload {
    let ranks = vec![rank];
    Workload {
        name: "shapes".into(),
        order: Workload::order_by_turns(&ranks),
        ranks,
        ..Workload::default()
    }
}

/// A chain of wide tasks of every shape with single ones beside.
fn wide() -> Workload {
    let mut plan = RankPlan::new(0);
    let mut last = None;
    for index in 0..30_u16 {
        let shape = [Shape::Mix, Shape::Aiv, Shape::Aic][usize::from(index % 3)];
        let wide = TaskPlan {
            subtasks: Subtasks::from_bits_truncate(1 + (index % 7) as u8),
            blocks: 1 + index,
            sync_start: index % 4 == 1 && index < 24,
            priority: [Priority::Normal, Priority::High][usize::from(index % 2)],
            after: last.into_iter().collect(),
            ..TaskPlan::new(format!("wide {index}"), shape, 2_000)
        };
        last = Some(plan.add_task(wide));
        plan.add_task(TaskPlan::new(format!("single {index}"), Shape::Aiv, 5_000));
    }
    workload(plan)
}

#[test]
fn wide_tasks_of_all_shapes_complete_on_both_clocks() {
    let workload = wide();
    for target in TARGETS {
        for clock in CLOCKS {
            for seed in 0..5 {
                let settings = match clock {
                    Clock::Lockstep => lockstep(target, seed),
                    Clock::Parallel => parallel(target, seed),
                };
                let outcome = run(&workload, &settings);
                assert_eq!(outcome.ledger.completed, 60, "{outcome:?}");
                assert!(outcome.adds_up && outcome.broken.is_empty(), "{outcome:?}");
                let tasks = &workload.ranks[0].tasks;
                let tokens: u32 = tasks.iter().map(tokens_of).sum();
                assert_eq!(outcome.ledger.fins_applied, u64::from(tokens));
            }
        }
    }
}

fn tokens_of(task: &TaskPlan) -> u32 {
    let subtasks = match task.shape {
        Shape::Mix => task.subtasks.bits().count_ones(),
        _ => 1,
    };
    u32::from(task.blocks) * subtasks
}

#[test]
fn a_kernel_that_takes_too_long_fails_at_its_budget_in_virtual_time() {
    let mut plan = RankPlan::new(0);
    let slow = plan.add_task(TaskPlan {
        run_budget_ns: MILLISECOND_NS,
        ..TaskPlan::new("slow", Shape::Aiv, 1_000_000 * MILLISECOND_NS)
    });
    plan.add_task(TaskPlan {
        after: vec![slow].into(),
        ..TaskPlan::new("behind", Shape::Aic, 1_000)
    });
    plan.add_task(TaskPlan::new("beside", Shape::Aiv, 1_000));
    let workload = workload(plan);
    for target in TARGETS {
        for every_poll in [false, true] {
            let mut settings = lockstep(target, 3);
            settings.every_poll = every_poll;
            settings.patience_ns = MILLISECOND_NS / 2;
            let outcome = run(&workload, &settings);
            let fault = outcome.fault.as_ref().unwrap();
            assert_eq!((fault.code, &*fault.task), (FaultCode::TaskTimeout, "slow"));
            let ledger = &outcome.ledger;
            let ends = (ledger.completed, ledger.failed, ledger.cancelled);
            assert_eq!(ends, (1, 1, 1));
            let end_ns = outcome.virtual_ns;
            assert!(
                (MILLISECOND_NS..2 * MILLISECOND_NS).contains(&end_ns),
                "{end_ns}"
            );
            assert!(outcome.stall.is_none() && outcome.adds_up);
        }
    }
}

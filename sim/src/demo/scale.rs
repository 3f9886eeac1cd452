//! Graphs of any size: what the scheduler does when there are many tasks, not what they compute.
//!
//! `grid`: [`COLUMNS`] columns; a task depends on its three neighbours of the row before, adds 1 to
//! its column's word, and every tenth is deferred on an engine. `fan`: one task, all others but one
//! depend on it, and the last one on those, at most [`WIDEST_FAN`] at once; longer fans follow each
//! other. Both check every word at the end.

use crate::device::CounterPlace;
use crate::workload::{Check, Common, EngineTime, Expect, Op, RankPlan, Shape, TaskPlan, Workload};

/// Columns of the grid. A choice: more than a chip has vector cores, so that all are busy.
const COLUMNS: u32 = 128;
/// One task in so many of a column is deferred. A choice.
const DEFERS_EVERY: u32 = 10;
/// Most consumers of one task of `fan` (row 44 of the fault model).
const WIDEST_FAN: u32 = 100_000;
/// How long a kernel and a transfer run, in ns. Choices.
const KERNEL_NS: u64 = 1_000;
const ENGINE_NS: u64 = 700;

/// A grid of `tasks` tasks.
pub fn grid(tasks: u32) -> Workload {
    let mut plan = RankPlan::new(0);
    for _ in 0..COLUMNS {
        plan.add_counter(CounterPlace::Packed);
    }
    plan.data_bytes = u64::from(COLUMNS) * 4;
    plan.tasks.reserve_exact(tasks as usize);
    let steps: Vec<TaskPlan> = (0..COLUMNS).map(step).collect();
    let mut waits = vec![0; COLUMNS as usize];
    for task in 0..tasks {
        let (row, column) = (task / COLUMNS, task % COLUMNS);
        let mut planned = steps[column as usize].clone();
        if let Some(above) = task.checked_sub(COLUMNS) {
            let first = above - u32::from(column > 0);
            planned.after = (first..=above + u32::from(column + 1 < COLUMNS)).collect();
        }
        if (row + column) % DEFERS_EVERY == 0 {
            defer(&mut planned, column, &mut waits[column as usize]);
        }
        plan.add_task(planned);
    }
    let rows = |column: u32| (tasks + COLUMNS - 1 - column) / COLUMNS;
    checked("grid", plan, (0..COLUMNS).map(rows).collect())
}

fn step(column: u32) -> TaskPlan {
    let at = u64::from(column) * 4;
    TaskPlan {
        program: Common::from_iter([Op::AddU32 {
            from: at,
            to: at,
            count: 1,
            add: 1,
        }]),
        ..TaskPlan::new("step", Shape::Aiv, KERNEL_NS)
    }
}

fn defer(planned: &mut TaskPlan, counter: u32, waits: &mut u32) {
    *waits += 1;
    planned.defers = 1;
    let engine = Op::Engine {
        counter,
        time: EngineTime::Ns(ENGINE_NS),
    };
    let wait = Op::Await {
        counter,
        expected: *waits,
    };
    planned.program.extend([engine, wait]);
}

/// Fans of `tasks` tasks in all.
pub fn fan(tasks: u32) -> Workload {
    let mut plan = RankPlan::new(0);
    plan.data_bytes = 4;
    plan.tasks.reserve_exact(tasks as usize);
    let step = step(0);
    let mut left = tasks;
    let mut source = None;
    while left > 0 {
        let begins = tasks - left;
        let width = WIDEST_FAN.min(left.saturating_sub(2));
        plan.add_task(TaskPlan {
            after: source.into_iter().collect(),
            ..step.clone()
        });
        for _ in 0..width {
            plan.add_task(TaskPlan {
                after: vec![begins].into(),
                ..TaskPlan::new("leaf", Shape::Aiv, KERNEL_NS)
            });
        }
        left -= 1 + width;
        if left > 0 {
            let leaves = begins + 1..begins + 1 + width;
            source = Some(plan.add_task(TaskPlan {
                after: if width > 0 {
                    leaves.collect()
                } else {
                    vec![begins].into()
                },
                ..step.clone()
            }));
            left -= 1;
        }
    }
    let adds = plan.tasks.iter().filter(|task| !task.program.is_empty());
    let adds = u32::try_from(adds.count()).expect("a task number has 32 bits");
    checked("fan", plan, vec![adds])
}

fn checked(name: &str, plan: RankPlan, words: Vec<u32>) -> Workload {
    let ranks = vec![plan];
    Workload {
        name: name.into(),
        order: Workload::order_by_turns(&ranks),
        ranks,
        checks: vec![Check {
            rank: 0,
            name: "columns".into(),
            at: 0,
            expect: Expect::U32(words.into()),
        }],
        ..Workload::default()
    }
}

#[cfg(test)]
mod tests {
    use super::{COLUMNS, fan, grid};
    use crate::demo::by_hand::run_in;
    use finbox_scheduler::A2A3;

    #[test]
    fn graphs_of_any_size_name_what_exists_and_add_up() {
        for tasks in [1, 2, 3, COLUMNS, COLUMNS + 1, 1_000, 200_003] {
            for workload in [grid(tasks), fan(tasks)] {
                assert_eq!(workload.check(), Ok(()), "{} {tasks}", workload.name);
                assert_eq!(workload.order.len(), tasks as usize);
                let devices = run_in(&workload, A2A3, &workload.order);
                assert_eq!(workload.verify(&devices).wrong, 0);
            }
        }
    }
}

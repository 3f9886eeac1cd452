//! Who adds to which counter, how much, and who waits for what there: read from all programs.
//!
//! Guarantees: an operation that is done in several parts of a task counts as often. Refuses to
//! know what that orders; [`Paths`](super::paths::Paths) decides. Called by it.

use std::collections::BTreeMap;

use crate::engine::Lane;
use crate::workload::{Op, Part, TaskPlan, TaskRef, Workload};

/// By what a task adds to a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Adder {
    /// A notify, behind its puts.
    Notify,
    /// An engine of which only the time is known.
    Engine,
    /// The completion of its transfers in this queue.
    Transfer(Lane),
}

/// One counter. Tasks have numbers over all ranks.
#[derive(Clone, Debug, Default)]
pub(super) struct Counter {
    /// Who adds, by what, and how much in all parts together; tasks in order.
    pub(super) adds: Vec<(u32, Adder, u64)>,
    /// Who waits, and for which value.
    pub(super) waits: Vec<(u32, u64)>,
}

/// The counters of all ranks, and the queues of which each task waits for what it posted there.
pub(super) fn read(workload: &Workload, tasks: &[TaskRef]) -> (Vec<Counter>, Vec<Vec<Lane>>) {
    let mut counters: BTreeMap<(u32, u32), Counter> = BTreeMap::new();
    let mut lanes = Vec::with_capacity(tasks.len());
    for (number, at) in (0..).zip(tasks) {
        let (task, mut awaited) = (workload.task(*at), Vec::new());
        for op in &task.program {
            let times = || times(task, op);
            let (rank, counter, adder, add) = match *bare(op) {
                Op::Await { counter, expected } => {
                    let counter = counters.entry((at.rank, counter)).or_default();
                    counter.waits.push((number, expected.into()));
                    continue;
                }
                Op::AwaitPost { lane } => {
                    awaited.push(lane);
                    continue;
                }
                Op::Notify { peer, counter, add } => {
                    (peer, counter, Adder::Notify, u64::from(add) * times())
                }
                Op::Engine { counter, .. } => (at.rank, counter, Adder::Engine, times()),
                Op::Post {
                    lane: lane @ (Lane::Roce { counter } | Lane::Ccu { counter }),
                    ..
                } => (at.rank, counter, Adder::Transfer(lane), times()),
                _ => continue,
            };
            let counter = counters.entry((rank, counter)).or_default();
            counter.adds.push((number, adder, add));
        }
        lanes.push(awaited);
    }
    (counters.into_values().collect(), lanes)
}

/// In how many parts of `task` its operation `op` is done.
fn times(task: &TaskPlan, op: &Op) -> u64 {
    let parts = Part::all_of(task);
    parts.filter(|&part| op.in_part(part).is_some()).count() as u64
}

/// What an operation does in those parts in which it does anything.
fn bare(op: &Op) -> &Op {
    match op {
        Op::PerBlock { op, .. } => op,
        op => op,
    }
}

#[cfg(test)]
mod tests {
    use super::{Adder, read};
    use crate::workload::{Op, RankPlan, Shape, Subtasks, TaskPlan, TaskRef, Workload};

    #[test]
    fn an_operation_counts_once_for_each_part_that_does_it() {
        let notify = |counter| Op::Notify {
            peer: 0,
            counter,
            add: 2,
        };
        let mut plan = RankPlan::new(0);
        plan.add_task(TaskPlan {
            blocks: 3,
            subtasks: Subtasks::AIC | Subtasks::AIV1,
            program: vec![
                notify(0),
                Op::PerBlock {
                    subtasks: Subtasks::AIC,
                    stride: 0,
                    op: Box::new(notify(1)),
                },
                Op::Await {
                    counter: 0,
                    expected: 7,
                },
            ]
            .into(),
            ..TaskPlan::new("mix", Shape::Mix, 0)
        });
        let ranks = vec![plan];
        let workload = Workload {
            ranks,
            ..Workload::default()
        };
        let (found, lanes) = read(&workload, &[TaskRef { rank: 0, task: 0 }]);
        assert_eq!(found[0].adds, [(0, Adder::Notify, 12)]);
        assert_eq!(found[1].adds, [(0, Adder::Notify, 6)]);
        assert_eq!((&found[0].waits[..], lanes[0].len()), (&[(0, 7)][..], 0));
    }
}

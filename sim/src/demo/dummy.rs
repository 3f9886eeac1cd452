//! `dummy_task`: tasks that only order others, in four cases.
//!
//! *pair*: A → dummy → B. *chain*: A → four dummies in a row → B. *barrier*: two producers → dummy
//! → consumer. *fan*: one → dummy → 18 workers → dummy → one. Producers are slow and consumers
//! quick, and a consumer declares nothing of what it reads: were it not for the dummies, it would
//! read zeros, and its bytes say so.

use std::ops::RangeInclusive;

use crate::workload::{Access, Check, Expect, Op, RankPlan, Shape, Span, TaskPlan, Workload};

/// How many ranks the demo runs on; each has all four cases, for itself.
pub const DUMMY_TASK_RANKS: RangeInclusive<u32> = 1..=64;

/// Words that a stage writes.
const WORDS: u64 = 16;
/// Kernels that others wait for. A choice.
const SLOW_NS: u64 = 3_000;
/// Kernels that wait for others. A choice.
const QUICK_NS: u64 = 200;
/// Dummies of the chain.
const CHAIN: u32 = 4;
/// Workers of the fan.
const WORKERS: u32 = 18;

/// The demo on `ranks` ranks, which must lie in [`DUMMY_TASK_RANKS`].
pub fn dummy_task(ranks: u32) -> Workload {
    let cases: Vec<Cases> = (0..ranks).map(Cases::of_rank).collect();
    let mut workload = Workload {
        name: "dummy_task".into(),
        golden: true,
        ..Workload::default()
    };
    for case in cases {
        workload.checks.extend(case.checks);
        workload.ranks.push(case.plan);
    }
    workload.order = Workload::order_by_turns(&workload.ranks);
    workload
}

/// One rank's four cases while they are put together.
struct Cases {
    plan: RankPlan,
    checks: Vec<Check>,
}

/// A task that writes words, and where.
#[derive(Clone, Copy)]
struct Stage {
    task: u32,
    out: Span,
}

impl Cases {
    fn of_rank(rank: u32) -> Self {
        let mut cases = Self {
            plan: RankPlan::new(rank),
            checks: Vec::new(),
        };
        let seed = 1_000 * (rank + 1);
        cases.pair(seed);
        cases.chain(seed);
        cases.barrier(seed);
        cases.fan(seed);
        cases
    }

    fn pair(&mut self, seed: u32) {
        let first = self.producer("pair.first", seed);
        let dummy = self.dummy("pair.dummy", vec![first.task]);
        let last = self.reader("pair.last", dummy, first, 1);
        self.expect("pair", last, seed + 1);
    }

    fn chain(&mut self, seed: u32) {
        let first = self.producer("chain.first", seed + 1);
        let mut end = first.task;
        for link in 1..=CHAIN {
            end = self.dummy(&format!("chain.{link}"), vec![end]);
        }
        let last = self.reader("chain.last", end, first, 2);
        self.expect("chain", last, seed + 3);
    }

    fn barrier(&mut self, seed: u32) {
        let left = self.producer("barrier.left", seed + 10);
        let right = self.producer("barrier.right", seed + 20);
        let barrier = self.dummy("barrier", vec![left.task, right.task]);
        let sum = self.adder("barrier.sum", barrier, &[left, right]);
        self.expect("barrier", sum, 2 * seed + 30);
    }

    fn fan(&mut self, seed: u32) {
        let root = self.producer("fan.root", seed + 7);
        let fork = self.dummy("fan.fork", vec![root.task]);
        let workers: Vec<Stage> = (1..=WORKERS)
            .map(|worker| self.reader(&format!("fan.{worker}"), fork, root, worker))
            .collect();
        let join = self.dummy(
            "fan.join",
            workers.iter().map(|worker| worker.task).collect(),
        );
        let sum = self.adder("fan.sum", join, &workers);
        let of_workers = WORKERS * (WORKERS + 1) / 2;
        self.expect("fan", sum, WORKERS * (seed + 7) + of_workers);
    }

    /// A slow task that waits for nothing and writes `value`.
    fn producer(&mut self, name: &str, value: u32) -> Stage {
        let fill = |out: Span| {
            vec![Op::FillU32 {
                at: out.at,
                count: WORDS,
                value,
            }]
        };
        self.stage(name, SLOW_NS, Vec::new(), fill)
    }

    /// A task behind `dummy` that writes what `source` wrote, plus `add`.
    fn reader(&mut self, name: &str, dummy: u32, source: Stage, add: u32) -> Stage {
        let from = source.out.at;
        let program = |out: Span| {
            vec![Op::AddU32 {
                from,
                to: out.at,
                count: WORDS,
                add,
            }]
        };
        self.stage(name, QUICK_NS, vec![dummy], program)
    }

    /// A task behind `dummy` that writes the sum of what `sources` wrote.
    fn adder(&mut self, name: &str, dummy: u32, sources: &[Stage]) -> Stage {
        let add = |out: Span| {
            let from = |source: &Stage| source.out.at;
            let op = |from| Op::AccumulateU32 {
                from,
                to: out.at,
                count: WORDS,
            };
            sources.iter().map(from).map(op).collect()
        };
        let sum = self.stage(name, QUICK_NS, vec![dummy], add);
        // It adds to what is there.
        self.plan.tasks[sum.task as usize].uses[0].access = Access::InOut;
        sum
    }

    fn stage(
        &mut self,
        name: &str,
        duration_ns: u64,
        after: Vec<u32>,
        program: impl FnOnce(Span) -> Vec<Op>,
    ) -> Stage {
        let buffer = self.plan.add_buffer(name, WORDS * 4, 64);
        let out = self.plan.span(buffer);
        let task = self.plan.add_task(TaskPlan {
            uses: vec![self.plan.whole(buffer, Access::Out)].into(),
            after: after.into(),
            program: program(out).into(),
            output: Some(out),
            ..TaskPlan::new(name.to_owned(), Shape::Aiv, duration_ns)
        });
        Stage { task, out }
    }

    fn dummy(&mut self, name: &str, after: Vec<u32>) -> u32 {
        self.plan.add_task(TaskPlan {
            after: after.into(),
            ..TaskPlan::new(name.to_owned(), Shape::Dummy, 0)
        })
    }

    fn expect(&mut self, case: &str, stage: Stage, value: u32) {
        let words = (0..WORDS).map(|_| value).collect();
        self.checks.push(Check {
            rank: self.plan.rank,
            name: case.into(),
            at: stage.out.at,
            expect: Expect::U32(words),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{DUMMY_TASK_RANKS, dummy_task};
    use crate::demo::by_hand::run_in;
    use crate::workload::{Shape, TaskRef, Workload};
    use finbox_scheduler::{A2A3, A5};

    #[test]
    fn every_case_is_right_when_the_dummies_are_obeyed() {
        for target in [A2A3, A5] {
            for ranks in [*DUMMY_TASK_RANKS.start(), 3, *DUMMY_TASK_RANKS.end()] {
                let workload = dummy_task(ranks);
                assert_eq!(workload.check(), Ok(()));
                let devices = run_in(&workload, target, &workload.order);
                assert_eq!(workload.verify(&devices).max_diff, Some(0.0));
            }
        }
    }

    #[test]
    fn every_case_is_wrong_when_its_last_task_comes_first() {
        let workload = dummy_task(1);
        for case in &workload.checks {
            let is_last = |at: &&TaskRef| {
                workload
                    .task(**at)
                    .output
                    .is_some_and(|output| output.at == case.at)
            };
            let mut order = workload.order.clone();
            order.insert(
                0,
                *workload
                    .order
                    .iter()
                    .find(is_last)
                    .expect("each case has an end"),
            );
            order.retain({
                let (first, mut count) = (order[0], 0);
                move |at| {
                    count += usize::from(*at == first);
                    *at != first || count == 1
                }
            });
            let found = workload.verify(&run_in(&workload, A2A3, &order));
            assert_eq!(found.first.map(|wrong| wrong.name), Some(case.name.clone()));
        }
    }

    #[test]
    fn only_dummies_stand_between_what_is_written_and_what_is_read() {
        let workload: Workload = dummy_task(1);
        let tasks = &workload.ranks[0].tasks;
        for task in tasks.iter().filter(|task| task.shape == Shape::Aiv) {
            let is_dummy = |&first: &u32| tasks[first as usize].shape == Shape::Dummy;
            assert!(task.after.iter().all(is_dummy), "{}", task.name);
            assert_eq!(
                task.uses.len(),
                1,
                "{} declares only what it writes",
                task.name
            );
        }
        let dummies = tasks
            .iter()
            .filter(|task| task.shape == Shape::Dummy)
            .count();
        assert_eq!((dummies, tasks.len()), (8, 8 + 2 + 2 + 3 + 20));
    }
}

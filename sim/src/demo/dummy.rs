//! `dummy_task`: tasks that only order others, in four shapes, proved by bytes.
//!
//! | case | shape |
//! | --- | --- |
//! | 1 | A → dummy → B |
//! | 2 | A → a chain of 4 dummies → B |
//! | 3 | two producers → barrier → consumer |
//! | 4 | 1 → 18 → 1, a dummy before and after the 18 |
//!
//! All dependencies are explicit: no buffer is declared, so nothing but the dummies keeps a reader
//! behind its writer, and writers are slow. A dummy that ordered nothing would leave zeros.

use std::ops::RangeInclusive;

use crate::workload::{Check, Expect, Op, RankPlan, Shape, Span, TaskPlan, Workload};

/// How many ranks the demo runs on; they have nothing to do with each other.
pub const DUMMY_TASK_RANKS: RangeInclusive<u32> = 1..=64;

/// How wide case 4 is.
const WIDE: u32 = 18;
/// A writer that a reader without order would overtake. A choice.
const SLOW_NS: u64 = 20_000;
/// A reader. A choice.
const FAST_NS: u64 = 500;

/// Words of a rank's data: what each case leaves where.
const CASE_1: u64 = 0;
const CASE_2: u64 = 64;
const CASE_3: u64 = 128;
const CASE_4: u64 = 192;
const DATA_BYTES: u64 = 192 + 4 * (WIDE as u64 + 2);

/// The demo on `ranks` ranks, which must lie in [`DUMMY_TASK_RANKS`].
pub fn dummy_task(ranks: u32) -> Workload {
    let plans: Vec<RankPlan> = (0..ranks).map(plan).collect();
    Workload {
        name: "dummy_task".into(),
        order: Workload::order_by_turns(&plans),
        checks: plans.iter().flat_map(|plan| checks(plan.rank)).collect(),
        ranks: plans,
        golden: true,
    }
}

fn plan(rank: u32) -> RankPlan {
    let mut plan = RankPlan::new(rank);
    plan.add_buffer("words", DATA_BYTES, 64);
    one_dummy(&mut plan);
    chain(&mut plan);
    barrier(&mut plan);
    wide(&mut plan);
    plan
}

/// A writes 7; B, behind one dummy, leaves 8.
fn one_dummy(plan: &mut RankPlan) {
    let a = plan.add_task(writer("a", CASE_1, 7));
    let dummy = plan.add_task(dummy("dummy", [a]));
    plan.add_task(adder("b", CASE_1, CASE_1 + 4, dummy));
}

/// A writes 20; B, behind four dummies, leaves 21.
fn chain(plan: &mut RankPlan) {
    let mut last = plan.add_task(writer("chain_a", CASE_2, 20));
    for _ in 0..4 {
        last = plan.add_task(dummy("chain_dummy", [last]));
    }
    plan.add_task(adder("chain_b", CASE_2, CASE_2 + 4, last));
}

/// Two writers leave 3 and 4; the consumer, behind the barrier, adds both: 7.
fn barrier(plan: &mut RankPlan) {
    let first = plan.add_task(writer("barrier_first", CASE_3, 3));
    let second = plan.add_task(writer("barrier_second", CASE_3 + 4, 4));
    let barrier = plan.add_task(dummy("barrier", [first, second]));
    plan.add_task(TaskPlan {
        after: vec![barrier],
        program: vec![
            Op::AccumulateU32 {
                from: CASE_3,
                to: CASE_3 + 8,
                count: 1,
            },
            Op::AccumulateU32 {
                from: CASE_3 + 4,
                to: CASE_3 + 8,
                count: 1,
            },
        ],
        output: Some(word(CASE_3 + 8)),
        ..TaskPlan::new("barrier_consumer", Shape::Aiv, FAST_NS)
    });
}

/// One writes 100; 18, behind a dummy, leave 101 each; one, behind a dummy, adds them: 1818.
fn wide(plan: &mut RankPlan) {
    let (seed, out, sum) = (CASE_4, CASE_4 + 4, CASE_4 + 4 + 4 * u64::from(WIDE));
    let one = plan.add_task(writer("wide_one", seed, 100));
    let fork = plan.add_task(dummy("wide_fork", [one]));
    let many = (0..u64::from(WIDE)).map(|index| {
        let slow = adder("wide_many", seed, out + 4 * index, fork);
        TaskPlan {
            duration_ns: SLOW_NS,
            ..slow
        }
    });
    let many: Vec<u32> = many.map(|task| plan.add_task(task)).collect();
    let join = plan.add_task(dummy("wide_join", many));
    let accumulate = |index| Op::AccumulateU32 {
        from: out + 4 * index,
        to: sum,
        count: 1,
    };
    plan.add_task(TaskPlan {
        after: vec![join],
        program: (0..u64::from(WIDE)).map(accumulate).collect(),
        output: Some(word(sum)),
        ..TaskPlan::new("wide_sum", Shape::Aiv, FAST_NS)
    });
}

fn checks(rank: u32) -> [Check; 4] {
    let check = |name: &str, at, words: &[u32]| Check {
        rank,
        name: name.into(),
        at,
        expect: Expect::U32(words.into()),
    };
    let mut wide = vec![101; WIDE as usize + 2];
    wide[0] = 100;
    wide[WIDE as usize + 1] = 101 * WIDE;
    [
        check("a → dummy → b", CASE_1, &[7, 8]),
        check("chain of 4", CASE_2, &[20, 21]),
        check("barrier", CASE_3, &[3, 4, 7]),
        check("1 → 18 → 1", CASE_4, &wide),
    ]
}

const fn word(at: u64) -> Span {
    Span { at, bytes: 4 }
}

fn writer(name: &str, at: u64, value: u32) -> TaskPlan {
    TaskPlan {
        program: vec![Op::StoreU32 { at, value }],
        output: Some(word(at)),
        ..TaskPlan::new(name, Shape::Aiv, SLOW_NS)
    }
}

/// Leaves the word at `from`, plus 1, at `to`.
fn adder(name: &str, from: u64, to: u64, after: u32) -> TaskPlan {
    TaskPlan {
        after: vec![after],
        program: vec![Op::AddU32 {
            from,
            to,
            count: 1,
            add: 1,
        }],
        output: Some(word(to)),
        ..TaskPlan::new(name, Shape::Aiv, FAST_NS)
    }
}

fn dummy(name: &str, after: impl Into<Vec<u32>>) -> TaskPlan {
    TaskPlan {
        after: after.into(),
        ..TaskPlan::new(name, Shape::Dummy, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::{DUMMY_TASK_RANKS, dummy_task};
    use crate::demo::by_hand::run_in;
    use finbox_scheduler::A2A3;

    #[test]
    fn every_number_of_ranks_gives_a_plan_that_names_what_exists() {
        for ranks in DUMMY_TASK_RANKS {
            assert_eq!(dummy_task(ranks).check(), Ok(()));
        }
    }

    #[test]
    fn in_order_the_bytes_are_right_and_out_of_order_they_are_not() {
        let workload = dummy_task(1);
        let mut order = workload.order.clone();
        let devices = run_in(&workload, A2A3, &order);
        assert_eq!(workload.verify(&devices).max_diff, Some(0.0));
        order.reverse();
        let devices = run_in(&workload, A2A3, &order);
        assert!(workload.verify(&devices).wrong >= 4);
    }
}

//! `async_notify`: a task that is done when somebody who is late says so (facts.md §3).
//!
//! On every rank a deferred *producer* writes `out = 2 · in` and waits for its counter, which the
//! *notifier* of the right neighbour, a task that spins for 2 000 000 turns of a loop, raises to 1;
//! on one rank it is the rank's own. The *consumer* depends on the producer and adds the counter
//! to what it finds: before the notify it would add 0.

use std::ops::RangeInclusive;

use super::values::{BYTES, MOVE_NS, VALUES, begin_with, end_with, values};
use crate::device::CounterPlace;
use crate::workload::{Access, Op, RankPlan, Shape, TaskPlan, Workload};

/// How many ranks the demo runs on.
pub const ASYNC_NOTIFY_RANKS: RangeInclusive<u32> = 1..=64;

/// How often the notifier goes round its loop.
const LOOP_TURNS: u64 = 2_000_000;
/// One turn. A choice: a decrement and a branch of a core at about 1 GHz.
const LOOP_TURN_NS: u64 = 1;

/// Buffers of a rank, by index.
const IN: u32 = 0;
const OUT: u32 = 1;
const RESULT: u32 = 2;

/// The demo on `ranks` ranks, which must lie in [`ASYNC_NOTIFY_RANKS`].
pub fn async_notify(ranks: u32) -> Workload {
    let plans: Vec<RankPlan> = (0..ranks).map(|rank| plan(rank, ranks)).collect();
    let golden = || values(VALUES, |i| 2.0 * input(i) + 1.0);
    let checks = (0..)
        .zip(&plans)
        .map(|(rank, plan)| end_with(plan, rank, RESULT, golden()))
        .collect();
    Workload {
        name: "async_notify".into(),
        order: Workload::order_by_turns(&plans),
        ranks: plans,
        golden: true,
        checks,
        ..Workload::default()
    }
}

/// `in[i] = (i mod 251) / 10`.
fn input(i: u16) -> f32 {
    f32::from(i % 251) / 10.0
}

fn plan(rank: u32, ranks: u32) -> RankPlan {
    let mut plan = RankPlan::new(rank);
    for name in ["in", "out", "result"] {
        plan.add_buffer(name, BYTES, 64);
    }
    plan.add_counter(CounterPlace::Packed);
    begin_with(&mut plan, IN, &values(VALUES, input));
    let neighbour = (rank + ranks - 1) % ranks;
    let tasks = [producer(&plan), notifier(neighbour), consumer(&plan)];
    plan.tasks.extend(tasks);
    plan
}

fn producer(plan: &RankPlan) -> TaskPlan {
    TaskPlan {
        uses: vec![plan.whole(IN, Access::In), plan.whole(OUT, Access::Out)].into(),
        defers: 1,
        program: vec![
            Op::ScaleF32 {
                from: plan.offset(IN),
                to: plan.offset(OUT),
                count: VALUES.into(),
                by: 2.0,
            },
            Op::Await {
                counter: 0,
                expected: 1,
            },
        ]
        .into(),
        output: Some(plan.span(OUT)),
        ..TaskPlan::new("producer", Shape::Aiv, MOVE_NS)
    }
}

fn notifier(peer: u32) -> TaskPlan {
    TaskPlan {
        program: vec![Op::Notify {
            peer,
            counter: 0,
            add: 1,
        }]
        .into(),
        ..TaskPlan::new("notifier", Shape::Aiv, LOOP_TURNS * LOOP_TURN_NS)
    }
}

fn consumer(plan: &RankPlan) -> TaskPlan {
    TaskPlan {
        uses: vec![plan.whole(OUT, Access::In), plan.whole(RESULT, Access::Out)].into(),
        program: vec![Op::AddCounterF32 {
            from: plan.offset(OUT),
            to: plan.offset(RESULT),
            count: VALUES.into(),
            counter: 0,
        }]
        .into(),
        output: Some(plan.span(RESULT)),
        ..TaskPlan::new("consumer", Shape::Aiv, MOVE_NS)
    }
}

#[cfg(test)]
mod tests {
    use super::{ASYNC_NOTIFY_RANKS, async_notify};
    use crate::demo::by_hand::run_in;
    use crate::workload::Expect;
    use finbox_scheduler::{A2A3, A5};

    #[test]
    fn the_golden_result_is_twice_the_input_and_the_counter() {
        let workload = async_notify(1);
        let Expect::F32s(golden) = &workload.checks[0].expect else {
            panic!("the result is compared to the bit")
        };
        let first = [golden[0], golden[1], golden[250], golden[251]];
        assert_eq!(first, [1.0, 1.2, 51.0, 1.0]);
    }

    #[test]
    fn the_result_is_right_on_any_number_of_ranks() {
        for target in [A2A3, A5] {
            for ranks in [*ASYNC_NOTIFY_RANKS.start(), 3, *ASYNC_NOTIFY_RANKS.end()] {
                let workload = async_notify(ranks);
                assert_eq!(workload.check(), Ok(()));
                assert_eq!(workload.planned_conditions(), u64::from(ranks));
                let devices = run_in(&workload, target, &workload.order);
                assert_eq!(workload.verify(&devices).max_diff, Some(0.0));
            }
        }
    }

    #[test]
    fn a_consumer_before_the_notify_is_short_of_the_counter() {
        let workload = async_notify(1);
        let order = [0, 2, 1].map(|at| workload.order[at]);
        let devices = run_in(&workload, A2A3, &order);
        let found = workload.verify(&devices);
        let first = found.first.expect("values are wrong");
        assert_eq!((first.expected, first.observed), (1.0, 0.0));
        assert_eq!(found.wrong, 16_384);
    }
}

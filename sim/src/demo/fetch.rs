//! `sdma_async` and `urma_deferred`: a task that is done when an engine has brought bytes (facts.md
//! §3).
//!
//! On every rank a deferred *get* posts four gets of the right neighbour's input, a quarter each,
//! and waits for all four; the *consumer* depends on it and adds 1. `sdma_async` posts to two
//! streams of SDMA and waits for their event records. `urma_deferred` posts to one URMA queue with
//! two entries: the engine goes on only when the first completions were consumed.
//!
//! The transfers take the time of more bytes than they carry, so that a consumer that does not
//! wait reads zeros.

use std::ops::RangeInclusive;

use super::values::{BYTES, LATE_NS, MOVE_NS, START_NS, VALUES, begin_with, end_with, values};
use crate::device::{CostModel, EngineCost, EngineMemory, QueuePlan};
use crate::engine::{Lane, Transfer};
use crate::workload::{Access, Op, RankPlan, Shape, TaskPlan, Workload};

/// How many ranks `sdma_async` and `urma_deferred` run on.
pub const FETCH_RANKS: RangeInclusive<u32> = 2..=64;

/// Gets of a task.
const GETS: u16 = 4;
/// Streams of SDMA that they are posted to, by turns.
const STREAMS: u16 = 2;
/// Entries of the completion queue.
const ENTRIES: u32 = 2;

/// Buffers of a rank, by index.
const INPUT: u32 = 0;
const FETCHED: u32 = 1;
const RESULT: u32 = 2;

/// `sdma_async` on `ranks` ranks, which must lie in [`FETCH_RANKS`].
pub fn sdma_async(ranks: u32) -> Workload {
    let engines = EngineMemory {
        sdma_streams: STREAMS,
        ..EngineMemory::default()
    };
    let lane = |get| Lane::Sdma {
        stream: get % STREAMS,
    };
    let timed_bytes = in_time(CostModel::A2A3.sdma, GETS / STREAMS);
    workload("sdma_async", ranks, &engines, (lane, timed_bytes))
}

/// `urma_deferred` on `ranks` ranks, which must lie in [`FETCH_RANKS`]; needs a target with URMA.
pub fn urma_deferred(ranks: u32) -> Workload {
    let queue = QueuePlan {
        entries: ENTRIES,
        first: 0,
    };
    let engines = EngineMemory {
        completion_queues: vec![queue],
        ..EngineMemory::default()
    };
    let lane = |_| Lane::Urma { queue: 0 };
    let timed_bytes = in_time(CostModel::A5.urma, GETS);
    workload("urma_deferred", ranks, &engines, (lane, timed_bytes))
}

/// Bytes of each of `gets` transfers that follow each other and take [`LATE_NS`] together.
fn in_time(cost: EngineCost, gets: u16) -> u64 {
    cost.bytes_per_us * LATE_NS / 1_000 / u64::from(gets)
}

fn workload(
    name: &str,
    ranks: u32,
    engines: &EngineMemory,
    (lane, timed_bytes): (impl Fn(u16) -> Lane, u64),
) -> Workload {
    let (mut plans, mut checks) = (Vec::new(), Vec::new());
    for rank in 0..ranks {
        let peer = (rank + 1) % ranks;
        let mut plan = RankPlan {
            engines: engines.clone(),
            ..RankPlan::new(rank)
        };
        for name in ["input", "fetched", "result"] {
            plan.add_buffer(name, BYTES, 64);
        }
        begin_with(&mut plan, INPUT, &values(VALUES, |i| input(rank, i)));
        let tasks = [get(&plan, peer, timed_bytes, &lane), consumer(&plan)];
        plan.tasks.extend(tasks);
        let golden = values(VALUES, |i| input(peer, i) + 1.0);
        checks.push(end_with(&plan, rank, RESULT, golden));
        plans.push(plan);
    }
    Workload {
        name: name.into(),
        order: Workload::order_by_turns(&plans),
        ranks: plans,
        golden: true,
        checks,
        ..Workload::default()
    }
}

/// `(rank · 1000 + i mod 251) / 10`.
fn input(rank: u32, i: u16) -> f32 {
    (rank * 1_000 + u32::from(i % 251)) as f32 / 10.0
}

fn get(plan: &RankPlan, peer: u32, timed_bytes: u64, lane: &impl Fn(u16) -> Lane) -> TaskPlan {
    let mut program = Vec::new();
    let bytes = BYTES / u64::from(GETS);
    for get in 0..GETS {
        let shift = bytes * u64::from(get);
        let (from, to) = (plan.offset(INPUT) + shift, plan.offset(FETCHED) + shift);
        let transfer = Transfer::get(peer, from, to, bytes).timed(timed_bytes);
        let lane = lane(get);
        program.extend([Op::Post { lane, transfer }, Op::AwaitPost { lane }]);
    }
    TaskPlan {
        uses: vec![plan.whole(FETCHED, Access::Out)].into(),
        defers: 4,
        program: program.into(),
        output: Some(plan.span(FETCHED)),
        ..TaskPlan::new("get", Shape::Aiv, START_NS)
    }
}

fn consumer(plan: &RankPlan) -> TaskPlan {
    TaskPlan {
        uses: vec![
            plan.whole(FETCHED, Access::In),
            plan.whole(RESULT, Access::Out),
        ]
        .into(),
        program: vec![Op::AddF32 {
            from: plan.offset(FETCHED),
            to: plan.offset(RESULT),
            count: VALUES.into(),
            add: 1.0,
        }]
        .into(),
        output: Some(plan.span(RESULT)),
        ..TaskPlan::new("consumer", Shape::Aiv, MOVE_NS)
    }
}

#[cfg(test)]
mod tests {
    use super::{FETCH_RANKS, sdma_async, urma_deferred};
    use crate::demo::by_hand::run_in;
    use crate::workload::Expect;
    use finbox_scheduler::{A2A3, A5};

    #[test]
    fn the_golden_result_is_the_neighbours_input_and_1() {
        for workload in [sdma_async(3), urma_deferred(3)] {
            let golden = |rank: usize| match &workload.checks[rank].expect {
                Expect::F32s(values) => [values[0], values[250], values[251]],
                _ => panic!("the result is compared to the bit"),
            };
            assert_eq!(golden(0), [101.0, 126.0, 101.0]);
            assert_eq!(golden(2), [1.0, 26.0, 1.0]);
        }
    }

    #[test]
    fn the_result_is_right_on_any_number_of_ranks() {
        for ranks in [*FETCH_RANKS.start(), 3, *FETCH_RANKS.end()] {
            for workload in [sdma_async(ranks), urma_deferred(ranks)] {
                assert_eq!(workload.check(), Ok(()));
                assert_eq!(workload.planned_conditions(), 4 * u64::from(ranks));
                for target in [A2A3, A5] {
                    let devices = run_in(&workload, target, &workload.order);
                    assert_eq!(workload.verify(&devices).max_diff, Some(0.0));
                }
            }
        }
    }

    #[test]
    fn only_urma_needs_a_target_that_has_it() {
        assert!(!sdma_async(2).needs_urma() && urma_deferred(2).needs_urma());
    }

    #[test]
    fn a_consumer_before_the_gets_adds_1_to_nothing() {
        for workload in [sdma_async(2), urma_deferred(2)] {
            let order = [2, 3, 0, 1].map(|at| workload.order[at]);
            let devices = run_in(&workload, A5, &order);
            let found = workload.verify(&devices);
            let first = found.first.expect("values are wrong");
            assert_eq!((first.expected, first.observed), (101.0, 1.0));
            assert!(found.wrong > 32_000);
        }
    }
}

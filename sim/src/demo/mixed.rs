//! `mixed_spmd`: tasks of several cores and many blocks, each with bytes of its own.
//!
//! *mix*: 40 blocks on AIC, AIV0 and AIV1; every block and subtask adds another number to its own
//! words. *spread*: 120 blocks on vector cores go over what *mix* wrote. *cohort*: 16 mixed blocks
//! that start together, before others. *gate*, *taken*, *skipped*, *after*: a counter decides
//! which of two tasks runs. *fetch*: 16 mixed blocks whose vector cores get the neighbour's words
//! through a stream each and wait for them, 32 conditions in one task; *use*: 48 blocks on cube
//! cores go over what was fetched. *mix* to *cohort* and *gate* to *after* are scopes. Who comes
//! too early finds zeros.

use std::ops::RangeInclusive;

use super::values::{LATE_NS, START_NS};
use crate::device::{CostModel, CounterPlace, EngineMemory};
use crate::engine::{Lane, Transfer};
use crate::workload::{
    Access, Check, Comparison, Expect, Init, Op, PredicatePlan, Priority, RankPlan, Shape,
    Subtasks, TaskPlan, Workload,
};

/// How many ranks the demo runs on.
pub const MIXED_SPMD_RANKS: RangeInclusive<u32> = 1..=64;

/// Words of a part, which is what one subtask of one block owns.
const WORDS: u32 = 16;
/// Bytes of a part.
const PART: u64 = WORDS as u64 * 4;
/// Bytes of a block: a part each for AIC, AIV0 and AIV1.
const BLOCK: u64 = 3 * PART;
/// Blocks of *mix*: more than a chip has clusters.
const BLOCKS: u16 = 40;
/// Blocks that start together.
const COHORT: u16 = 16;
/// Blocks that fetch.
const FETCHES: u16 = 16;
/// How long all that a stream fetches takes. A choice: longer than 64 ranks need to start the
/// blocks of everything else.
const FETCH_NS: u64 = 8 * LATE_NS;
/// Kernels of one block. A choice.
const BLOCK_NS: u64 = 1_000;

/// Subtasks with the place of their part in a block.
const SUBTASKS: [(Subtasks, u64); 3] =
    [(Subtasks::AIC, 0), (Subtasks::AIV0, 1), (Subtasks::AIV1, 2)];

/// Buffers of a rank, by index.
const INPUT: u32 = 0;
const MIXED: u32 = 1;
const SPREAD: u32 = 2;
const COHORTS: u32 = 3;
const CHOICE: u32 = 4;
const CHOSEN: u32 = 5;
const FETCHED: u32 = 6;
const USED: u32 = 7;

/// The demo on `ranks` ranks, which must lie in [`MIXED_SPMD_RANKS`].
pub fn mixed_spmd(ranks: u32) -> Workload {
    let plans: Vec<RankPlan> = (0..ranks).map(|rank| plan(rank, ranks)).collect();
    let mut checks = Vec::new();
    for (rank, plan) in (0..).zip(&plans) {
        checks.extend(golden(plan, rank, (rank + 1) % ranks));
    }
    Workload {
        name: "mixed_spmd".into(),
        order: Workload::order_by_turns(&plans),
        ranks: plans,
        golden: true,
        checks,
        ..Workload::default()
    }
}

/// Word `i` of a rank's input.
const fn input(rank: u32, i: u32) -> u32 {
    (rank + 1) << 16 | i
}

/// What each buffer holds at the end, found without the plan's operations.
fn golden(plan: &RankPlan, rank: u32, peer: u32) -> [Check; 5] {
    let words = WORDS * 3;
    let place = move |i: u32| i % words / WORDS;
    let mixed = move |i| input(rank, i) + place(i) + 1;
    let all = u32::from(BLOCKS) * words;
    let check = |buffer: u32, words: Vec<u32>| Check {
        rank,
        name: plan.buffers[buffer as usize].name.clone(),
        at: plan.offset(buffer),
        expect: Expect::U32(words.into()),
    };
    let cohort = |i| match place(i) {
        0 => mixed(i) + 100,
        2 => mixed(i) + 200,
        _ => 0,
    };
    let used = |i| match place(i) {
        0 => 1_000,
        _ => input(peer, i) + 1_000,
    };
    [
        check(MIXED, (0..all).map(mixed).collect()),
        check(SPREAD, (0..all).map(|i| mixed(i) + 10).collect()),
        check(
            COHORTS,
            (0..u32::from(COHORT) * words).map(cohort).collect(),
        ),
        check(CHOSEN, vec![7, 0]),
        check(USED, (0..u32::from(FETCHES) * words).map(used).collect()),
    ]
}

fn plan(rank: u32, ranks: u32) -> RankPlan {
    let mut plan = RankPlan {
        engines: EngineMemory {
            sdma_streams: 2,
            ..EngineMemory::default()
        },
        ..RankPlan::new(rank)
    };
    plan.add_counter(CounterPlace::Packed);
    for (name, bytes) in [
        ("input", BLOCK * u64::from(BLOCKS)),
        ("mixed", BLOCK * u64::from(BLOCKS)),
        ("spread", BLOCK * u64::from(BLOCKS)),
        ("cohort", BLOCK * u64::from(COHORT)),
        ("choice", 8),
        ("chosen", 8),
        ("fetched", BLOCK * u64::from(FETCHES)),
        ("used", BLOCK * u64::from(FETCHES)),
    ] {
        plan.add_buffer(name, bytes, 64);
    }
    let count = u32::from(BLOCKS) * WORDS * 3;
    plan.init.push(Init::U32 {
        at: plan.offset(INPUT),
        words: (0..count).map(|i| input(rank, i)).collect(),
    });
    let fetch = fetch(&plan, (rank + 1) % ranks);
    let tasks = [fetch, used(&plan), mix(&plan), spread(&plan), cohort(&plan)];
    plan.tasks.extend(tasks);
    choose(&mut plan);
    plan
}

/// `to = from + add` over the part at `place` of each block, in `subtask`.
fn add(plan: &RankPlan, (from, to): (u32, u32), (subtask, place): (Subtasks, u64), add: u32) -> Op {
    Op::PerBlock {
        subtasks: subtask,
        stride: BLOCK,
        op: Box::new(Op::AddU32 {
            from: plan.offset(from) + place * PART,
            to: plan.offset(to) + place * PART,
            count: WORDS.into(),
            add,
        }),
    }
}

fn mix(plan: &RankPlan) -> TaskPlan {
    let op =
        |(subtask, add_too): ((Subtasks, u64), u32)| add(plan, (INPUT, MIXED), subtask, add_too);
    TaskPlan {
        subtasks: Subtasks::all(),
        blocks: BLOCKS,
        uses: vec![
            plan.whole(INPUT, Access::In),
            plan.whole(MIXED, Access::Out),
        ]
        .into(),
        program: SUBTASKS.into_iter().zip(1..).map(op).collect(),
        output: Some(plan.span(MIXED)),
        opens: 1,
        ..TaskPlan::new("mix", Shape::Mix, BLOCK_NS)
    }
}

/// A task of one core a block that adds to every part of a buffer, a part each block.
fn over_parts(
    plan: &RankPlan,
    name: &'static str,
    shape: Shape,
    (from, to): (u32, u32),
    add: u32,
) -> TaskPlan {
    let parts = plan.span(to).bytes / PART;
    TaskPlan {
        blocks: u16::try_from(parts).expect("a task has at most 32 767 blocks"),
        uses: vec![plan.whole(from, Access::In), plan.whole(to, Access::Out)].into(),
        program: vec![Op::PerBlock {
            subtasks: Subtasks::empty(),
            stride: PART,
            op: Box::new(Op::AddU32 {
                from: plan.offset(from),
                to: plan.offset(to),
                count: WORDS.into(),
                add,
            }),
        }]
        .into(),
        output: Some(plan.span(to)),
        ..TaskPlan::new(name, shape, BLOCK_NS)
    }
}

fn spread(plan: &RankPlan) -> TaskPlan {
    over_parts(plan, "spread", Shape::Aiv, (MIXED, SPREAD), 10)
}

fn used(plan: &RankPlan) -> TaskPlan {
    over_parts(plan, "use", Shape::Aic, (FETCHED, USED), 1_000)
}

fn cohort(plan: &RankPlan) -> TaskPlan {
    let buffers = (MIXED, COHORTS);
    TaskPlan {
        subtasks: Subtasks::AIC | Subtasks::AIV1,
        blocks: COHORT,
        sync_start: true,
        priority: Priority::High,
        uses: vec![
            plan.whole(MIXED, Access::In),
            plan.whole(COHORTS, Access::Out),
        ]
        .into(),
        program: vec![
            add(plan, buffers, SUBTASKS[0], 100),
            add(plan, buffers, SUBTASKS[2], 200),
        ]
        .into(),
        output: Some(plan.span(COHORTS)),
        closes: 1,
        ..TaskPlan::new("cohort", Shape::Mix, BLOCK_NS)
    }
}

fn fetch(plan: &RankPlan, peer: u32) -> TaskPlan {
    let timed = CostModel::A2A3.sdma.bytes_per_us * FETCH_NS / 1_000 / u64::from(FETCHES);
    let (from, to) = (plan.offset(INPUT), plan.offset(FETCHED));
    let mut program = Vec::new();
    for (stream, (subtasks, place)) in (0..).zip(&SUBTASKS[1..]) {
        let (lane, shift) = (Lane::Sdma { stream }, place * PART);
        let transfer = Transfer::get(peer, from + shift, to + shift, PART).timed(timed);
        for op in [Op::Post { lane, transfer }, Op::AwaitPost { lane }] {
            program.push(Op::PerBlock {
                subtasks: *subtasks,
                stride: BLOCK,
                op: Box::new(op),
            });
        }
    }
    TaskPlan {
        subtasks: Subtasks::AIV0 | Subtasks::AIV1,
        blocks: FETCHES,
        defers: 32,
        // On one rank the peer's input is the own one.
        uses: vec![
            plan.whole(INPUT, Access::In),
            plan.whole(FETCHED, Access::Out),
        ]
        .into(),
        program: program.into(),
        output: Some(plan.span(FETCHED)),
        ..TaskPlan::new("fetch", Shape::Mix, START_NS)
    }
}

/// A counter goes to 1; the task that wants it above 0 runs, the one that wants it above 1 does
/// not, and the last one copies what both wrote.
fn choose(plan: &mut RankPlan) {
    let counter = 0;
    let gate = plan.add_task(TaskPlan {
        opens: 1,
        defers: 1,
        program: vec![
            Op::Notify {
                peer: plan.rank,
                counter,
                add: 1,
            },
            Op::Await {
                counter,
                expected: 1,
            },
        ]
        .into(),
        ..TaskPlan::new("gate", Shape::Aiv, START_NS)
    });
    let mut tried = Vec::new();
    for (name, value, word, above) in [("taken", 7, 0, 0), ("skipped", 9, 1, 1)] {
        let at = plan.offset(CHOICE) + 4 * word;
        tried.push(plan.add_task(TaskPlan {
            predicate: Some(PredicatePlan {
                counter,
                comparison: Comparison::Greater,
                value: above,
            }),
            after: vec![gate].into(),
            program: vec![Op::StoreU32 { at, value }].into(),
            ..TaskPlan::new(name, Shape::Aiv, START_NS)
        }));
    }
    plan.add_task(TaskPlan {
        after: tried.into(),
        uses: vec![
            plan.whole(CHOICE, Access::In),
            plan.whole(CHOSEN, Access::Out),
        ]
        .into(),
        program: vec![Op::Copy {
            from: plan.offset(CHOICE),
            to: plan.offset(CHOSEN),
            bytes: 8,
        }]
        .into(),
        output: Some(plan.span(CHOSEN)),
        closes: 1,
        ..TaskPlan::new("after", Shape::Aiv, START_NS)
    });
}

#[cfg(test)]
mod tests {
    use super::{MIXED_SPMD_RANKS, mixed_spmd};
    use crate::demo::by_hand::run_in;
    use crate::workload::{TaskRef, Workload};
    use finbox_scheduler::{A2A3, A5};

    #[test]
    fn every_block_and_subtask_is_right() {
        for target in [A2A3, A5] {
            for ranks in [*MIXED_SPMD_RANKS.start(), 3, *MIXED_SPMD_RANKS.end()] {
                let workload = mixed_spmd(ranks);
                assert_eq!(workload.check(), Ok(()));
                assert_eq!(workload.planned_conditions(), 33 * u64::from(ranks));
                let devices = run_in(&workload, target, &workload.order);
                assert_eq!(workload.verify(&devices).max_diff, Some(0.0));
            }
        }
    }

    /// Which check is wrong first if the task called `name` comes before all others.
    fn wrong_if_first(workload: &Workload, name: &str) -> String {
        let is_it = |at: &&TaskRef| &*workload.task(**at).name == name;
        let early = workload.order.iter().find(is_it).expect("it is a task");
        let mut order = workload.order.clone();
        order.retain(|at| at != early);
        order.insert(0, *early);
        let found = workload.verify(&run_in(workload, A2A3, &order));
        found
            .first
            .map_or_else(String::new, |first| first.name.into())
    }

    #[test]
    fn whoever_comes_too_early_is_wrong() {
        let workload = mixed_spmd(1);
        for (task, buffer) in [
            ("spread", "spread"),
            ("cohort", "cohort"),
            ("use", "used"),
            ("taken", "chosen"),
            ("after", "chosen"),
        ] {
            assert_eq!(wrong_if_first(&workload, task), buffer, "{task}");
        }
    }
}

//! `streams`: a sort and a join on two streams that share columns, right only if plans order them.
//!
//! Each rank has, a round, on the stream `sort`: *load* brings words, *sort* puts them in order in
//! the column `keys`, *spill* copies that into a column of its own, *mark* writes the column
//! `mark`. On the stream `join`: *fetch* gets the neighbour's `keys`, *join* looks each of them up
//! in the own `keys`, *seal* writes `mark` too. *fold*, on no stream, adds the spilled column up
//! and frees it; the column of the round after the next lives in its memory.
//!
//! What orders them: its stream orders load, sort, spill and mark; what a join reads was written
//! (RAW), and is not written again before (WAR); a seal comes behind its mark and in front of the
//! next (WAW); memory is given out again behind its last use. Fetches and the neighbour's sorts
//! wait for each other explicitly, through gates where they are on two ranks. Durations are such
//! that each of these, left out, makes the result wrong, or lucky.

use std::ops::RangeInclusive;

use super::values::LATE_NS;
use crate::device::{CostModel, EngineMemory};
use crate::engine::{Lane, Transfer};
use crate::workload::{
    Access, BufferUse, Check, Expect, External, Init, Op, PointWait, RankPlan, Shape, StreamPlan,
    TaskPlan, Workload, mix,
};

/// How many ranks the demo runs on, in a ring.
pub const STREAMS_RANKS: RangeInclusive<u32> = 1..=64;

/// Most tasks of a round on a rank: eight, and the gates in front of a sort and of a fetch.
pub const STREAMS_TASKS: u64 = 10;

/// Words of a column.
const WORDS: u64 = 64;
const BYTES: u64 = WORDS * 4;
/// Loads, sorts and spills; a choice, as are all durations here.
const MOVE_NS: u64 = 500;
const SORT_NS: u64 = 2_000;
const MARK_NS: u64 = 1_000;
/// Longer than what could overtake them.
const JOIN_NS: u64 = 8_000;
const SEAL_NS: u64 = 12_000;
/// Longer than two rounds, so that only its last use keeps a spilled column from being overwritten.
const FOLD_NS: u64 = 250_000;
/// How much longer an odd rank sorts.
const ODD_NS: u64 = 6_000;

/// Streams of a rank.
const SORT: u32 = 0;
const JOIN: u32 = 1;
/// Launches of a round on each; those that others wait for, counted from 1.
const SORT_LAUNCHES: u64 = 4;
const SORTED: u64 = 2;
const JOIN_LAUNCHES: u64 = 3;
const FETCHED: u64 = 1;

/// Buffers of a rank that all rounds share.
const STAGING: u32 = 0;
const KEYS: u32 = 1;
const FETCHED_KEYS: u32 = 2;
const MARK: u32 = 3;
const SUMS: u32 = 4;
/// Columns that a round has: raw words, what was found, what was spilled.
const SHARED: u32 = 5;

/// A use that is not declared: of which tasks, by the first word of their names, and which buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Omitted {
    /// As `join`.
    pub task: String,
    /// As `keys`.
    pub buffer: String,
}

/// The demo on `ranks` ranks, which must lie in [`STREAMS_RANKS`], for so many rounds. A use that
/// is `omitted` becomes an argument that nobody declared; None if there is no such use.
pub fn streams(ranks: u32, rounds: u32, omitted: Option<&Omitted>) -> Option<Workload> {
    let mut plans: Vec<RankPlan> = (0..ranks).map(|rank| columns(rank, rounds)).collect();
    for round in 0..rounds {
        for rank in 0..ranks {
            let tasks = tasks((rank, ranks), round, &plans[rank as usize]);
            plans[rank as usize].tasks.extend(tasks);
        }
    }
    if let Some(omitted) = omitted {
        let dropped = plans.iter_mut().map(|plan| omit(plan, omitted));
        if dropped.sum::<usize>() == 0 {
            return None;
        }
    }
    let mut workload = Workload {
        name: "streams".into(),
        order: Workload::order_by_turns(&plans),
        checks: (0..ranks)
            .flat_map(|rank| golden((rank, ranks), rounds, &plans))
            .collect(),
        ranks: plans,
        golden: true,
        ..Workload::default()
    };
    workload.add_gates();
    Some(workload)
}

/// Turns uses into undeclared arguments; how many.
fn omit(plan: &mut RankPlan, omitted: &Omitted) -> usize {
    let (buffers, mut count) = (&plan.buffers, 0);
    for task in &mut plan.tasks {
        let is_it = task.name.split(' ').next() == Some(&omitted.task);
        let name = |one: &BufferUse| &buffers[one.buffer as usize].name;
        let is_omitted = |one: &BufferUse| {
            is_it && task.stream.is_some() && name(one).split(' ').next() == Some(&omitted.buffer)
        };
        let uses = std::mem::take(&mut task.uses).into_iter();
        let (dropped, kept) = uses.partition::<Vec<_>, _>(is_omitted);
        count += dropped.len();
        task.externals.extend(dropped.iter().map(|one| External {
            label: name(one).clone(),
            at: buffers[one.buffer as usize].offset,
        }));
        task.uses = kept.into();
    }
    count
}

/// The word at `i` of what a rank loads in a round.
fn raw(rank: u32, round: u32, i: u64) -> u32 {
    let drawn = mix(u64::from(rank) << 40 ^ u64::from(round) << 20 ^ i);
    // Few enough that ranks have words in common.
    u32::try_from(drawn % 256).expect("less than 256")
}

fn sorted(rank: u32, round: u32) -> Vec<u32> {
    let mut words: Vec<u32> = (0..WORDS).map(|i| raw(rank, round, i)).collect();
    words.sort_unstable();
    words
}

const fn raw_of(round: u32) -> u32 {
    SHARED + 3 * round
}

const fn found_of(round: u32) -> u32 {
    raw_of(round) + 1
}

const fn spilled_of(round: u32) -> u32 {
    raw_of(round) + 2
}

fn columns(rank: u32, rounds: u32) -> RankPlan {
    let stream = |name: &str| StreamPlan {
        name: name.into(),
        tracks: true,
    };
    let mut plan = RankPlan {
        streams: vec![stream("sort"), stream("join")],
        engines: EngineMemory {
            sdma_streams: 1,
            ..EngineMemory::default()
        },
        ..RankPlan::new(rank)
    };
    for name in ["staging", "keys", "fetched", "mark", "sums"] {
        plan.add_buffer(name, BYTES, 64);
    }
    for round in 0..rounds {
        let raw_words = plan.add_buffer(&format!("raw {round}"), BYTES, 64);
        let words = (0..WORDS).map(|i| raw(rank, round, i)).collect();
        let at = plan.offset(raw_words);
        plan.init.push(Init::U32 { at, words });
        plan.add_buffer(&format!("found {round}"), BYTES, 64);
        let name = format!("spilled {round}");
        match round.checked_sub(2) {
            None => plan.add_buffer(&name, BYTES, 64),
            Some(before) => plan.add_buffer_in(&name, spilled_of(before)),
        };
    }
    plan
}

/// The tasks of a round: four of the sort, three of the join, and one on no stream.
fn tasks((rank, ranks): (u32, u32), round: u32, plan: &RankPlan) -> Vec<TaskPlan> {
    let mut all = sorting((rank, ranks), round, plan).to_vec();
    all.extend(joining((rank, ranks), round, plan));
    let spilled = spilled_of(round);
    all.push(TaskPlan {
        uses: vec![
            plan.whole(spilled, Access::In),
            plan.whole(SUMS, Access::InOut),
        ]
        .into(),
        frees: vec![spilled].into(),
        program: vec![Op::AccumulateU32 {
            from: plan.offset(spilled),
            to: plan.offset(SUMS),
            count: WORDS,
        }]
        .into(),
        output: Some(plan.span(SUMS)),
        ..TaskPlan::new(format!("fold {round}"), Shape::Aiv, FOLD_NS)
    });
    all
}

fn sorting((rank, ranks): (u32, u32), round: u32, plan: &RankPlan) -> [TaskPlan; 4] {
    let at = |buffer| plan.offset(buffer);
    let (read, write) = (Access::In, Access::Out);
    let copy = |from, to| Op::Copy {
        from: at(from),
        to: at(to),
        bytes: BYTES,
    };
    let launch = |name: &str, duration_ns| TaskPlan {
        stream: Some(SORT),
        ..TaskPlan::new(format!("{name} {round}"), Shape::Aiv, duration_ns)
    };
    // The neighbour in front has got the keys of the round before.
    let fetched = round.checked_sub(1).map(|before| {
        let value = u64::from(before) * JOIN_LAUNCHES + FETCHED;
        PointWait::new((rank + ranks - 1) % ranks, JOIN, value)
    });
    let longer_ns = u64::from(rank % 2) * ODD_NS;
    let (raw, spilled) = (raw_of(round), spilled_of(round));
    [
        TaskPlan {
            uses: vec![plan.whole(raw, read), plan.whole(STAGING, write)].into(),
            program: vec![copy(raw, STAGING)].into(),
            ..launch("load", MOVE_NS)
        },
        TaskPlan {
            uses: vec![plan.whole(STAGING, read), plan.whole(KEYS, write)].into(),
            waits: fetched.into_iter().collect(),
            program: vec![Op::SortU32 {
                from: at(STAGING),
                to: at(KEYS),
                count: WORDS,
            }]
            .into(),
            ..launch("sort", SORT_NS + longer_ns)
        },
        TaskPlan {
            uses: vec![plan.whole(KEYS, read), plan.whole(spilled, write)].into(),
            program: vec![copy(KEYS, spilled)].into(),
            ..launch("spill", MOVE_NS)
        },
        TaskPlan {
            uses: vec![plan.whole(MARK, write)].into(),
            program: vec![Op::FillU32 {
                at: at(MARK),
                count: WORDS,
                value: round,
            }]
            .into(),
            ..launch("mark", MARK_NS)
        },
    ]
}

fn joining((rank, ranks): (u32, u32), round: u32, plan: &RankPlan) -> [TaskPlan; 3] {
    let at = |buffer| plan.offset(buffer);
    let (read, write) = (Access::In, Access::Out);
    let launch = |name: &str, duration_ns| TaskPlan {
        stream: Some(JOIN),
        ..TaskPlan::new(format!("{name} {round}"), Shape::Aiv, duration_ns)
    };
    let (peer, lane) = ((rank + 1) % ranks, Lane::Sdma { stream: 0 });
    let value = u64::from(round) * SORT_LAUNCHES + SORTED;
    let transfer = Transfer::get(peer, at(KEYS), at(FETCHED_KEYS), BYTES)
        .timed(CostModel::A2A3.sdma.bytes_per_us * LATE_NS / 10_000);
    let found = found_of(round);
    [
        TaskPlan {
            uses: vec![plan.whole(FETCHED_KEYS, write)].into(),
            waits: vec![PointWait::new(peer, SORT, value)].into(),
            defers: 1,
            program: vec![Op::Post { lane, transfer }, Op::AwaitPost { lane }].into(),
            ..launch("fetch", MOVE_NS)
        },
        TaskPlan {
            uses: vec![
                plan.whole(FETCHED_KEYS, read),
                plan.whole(KEYS, read),
                plan.whole(found, write),
            ]
            .into(),
            program: vec![Op::JoinU32 {
                left: at(FETCHED_KEYS),
                right: at(KEYS),
                to: at(found),
                count: WORDS,
            }]
            .into(),
            output: Some(plan.span(found)),
            ..launch("join", JOIN_NS)
        },
        TaskPlan {
            uses: vec![plan.whole(MARK, write)].into(),
            program: vec![Op::FillU32 {
                at: at(MARK),
                count: WORDS,
                value: sealed(round),
            }]
            .into(),
            output: Some(plan.span(MARK)),
            ..launch("seal", SEAL_NS)
        },
    ]
}

/// What a seal leaves.
const fn sealed(round: u32) -> u32 {
    1_000 + round
}

/// What columns of a rank must hold: what was found in every round, sums, and the last seal.
fn golden((rank, ranks): (u32, u32), rounds: u32, plans: &[RankPlan]) -> Vec<Check> {
    let plan = &plans[rank as usize];
    let check = |buffer: u32, words: Vec<u32>| Check {
        rank,
        name: plan.buffers[buffer as usize].name.clone(),
        at: plan.offset(buffer),
        expect: Expect::U32(words.into()),
    };
    let mut sums = vec![0_u32; sorted(rank, 0).len()];
    let mut checks = Vec::new();
    for round in 0..rounds {
        let own = sorted(rank, round);
        let found = sorted((rank + 1) % ranks, round).into_iter().map(|word| {
            let place = own.iter().position(|&other| other == word);
            place.map_or(u32::MAX, |place| {
                u32::try_from(place).expect("a column is short")
            })
        });
        let found = found.collect();
        checks.push(check(found_of(round), found));
        let folded = sums.iter_mut().zip(&own);
        folded.for_each(|(sum, word)| *sum = sum.wrapping_add(*word));
    }
    checks.push(check(SUMS, sums));
    if let Some(last) = rounds.checked_sub(1) {
        checks.push(check(MARK, (0..WORDS).map(|_| sealed(last)).collect()));
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::{Omitted, STREAMS_RANKS, STREAMS_TASKS, streams};
    use crate::workload::Shape;

    #[test]
    fn it_is_valid_on_any_number_of_ranks_and_only_waits_between_ranks_have_gates() {
        for ranks in [*STREAMS_RANKS.start(), 2, 3, *STREAMS_RANKS.end()] {
            let workload = streams(ranks, 3, None).expect("nothing is omitted");
            assert_eq!(workload.check(), Ok(()));
            assert!(workload.order.len() as u64 <= u64::from(3 * ranks) * STREAMS_TASKS);
            let plan = &workload.ranks[0];
            let gates = plan.tasks.iter().filter(|task| task.shape == Shape::Host);
            let expected = if ranks == 1 { 0 } else { 5 };
            assert_eq!(gates.count(), expected, "{ranks} ranks");
        }
        let workload = streams(2, 1, None).expect("nothing is omitted");
        let mut names = workload.ranks[1].tasks.iter().map(|task| &*task.name);
        let gate = names.next_back().expect("there are tasks");
        assert_eq!(gate, "gate: stream sort reaches 2 on rank 0");
    }

    #[test]
    fn a_use_that_is_omitted_becomes_an_undeclared_argument_of_every_round() {
        let omit = |task: &str, buffer: &str| {
            let (task, buffer) = (task.to_owned(), buffer.to_owned());
            streams(2, 3, Some(&Omitted { task, buffer }))
        };
        let workload = omit("join", "keys").expect("a join reads keys");
        let tasks = &workload.ranks[0].tasks;
        let labels = tasks.iter().flat_map(|task| &task.externals);
        assert_eq!(labels.filter(|one| &*one.label == "keys").count(), 3);
        assert!(omit("join", "key").is_none() && omit("fold", "sums").is_none());
    }
}

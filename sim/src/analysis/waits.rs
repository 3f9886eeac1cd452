//! For whom ranks waited, and what each link moved.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{share, union_ns};
use crate::timeline::{Condition, NEVER, OperationKind, Timeline, engine_name};

/// How long a rank had conditions that the same peer or engine was to make true.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Wait {
    /// The rank that waited.
    pub rank: u32,
    /// The rank it waited for; None: its own engine, or nobody came.
    pub peer: Option<u32>,
    /// The engine it waited for; None: a core's notification, or nobody came.
    pub engine: Option<&'static str>,
    /// How many conditions.
    pub conditions: u64,
    /// For how long there was at least one.
    pub ns: u64,
    /// As a part of the makespan.
    pub share: f64,
    /// Whether they were never met.
    pub is_unmet: bool,
}

/// What went from one rank to another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LinkUse {
    /// From this rank.
    pub from: u32,
    /// To this one.
    pub to: u32,
    /// How many puts and transfers.
    pub operations: u64,
    /// Their bytes.
    pub bytes: u64,
    /// For how long there was at least one under way.
    pub busy_ns: u64,
    /// How long each of them took, added up.
    pub sum_ns: u64,
    /// How long they take by the cost model, added up; 0 by the wall clock.
    pub planned_ns: u64,
    /// Bytes a nanosecond, while one was under way: several at once count together.
    pub gb_per_s: f64,
    /// How many times as long as by the cost model they took; 1 where that says nothing.
    pub slower: f64,
}

type Spans = Vec<(u64, u64)>;

/// What went over a link: bytes, ns by the cost model, spans.
type Moved = (u64, u64, Spans);

/// Who waited, whether in vain, for which peer and which engine.
type Key = (u32, bool, Option<u32>, Option<&'static str>);

/// For whom ranks waited, longest first. Ranks are the numbers people know them by.
pub fn waits(timeline: &Timeline) -> Vec<Wait> {
    let mut spans: BTreeMap<Key, Spans> = BTreeMap::new();
    for (index, rank) in (0..).zip(&timeline.ranks) {
        for condition in &rank.conditions {
            let (peer, engine, until) = cause(timeline, index, condition);
            let is_unmet = condition.met_ns == NEVER;
            let key = (rank.rank, is_unmet, peer, engine);
            let span = (condition.registered_ns.min(until), until);
            spans.entry(key).or_default().push(span);
        }
    }
    let wait = |((rank, is_unmet, peer, engine), mut spans): (Key, Spans)| {
        let ns = union_ns(&mut spans);
        Wait {
            rank,
            peer,
            engine,
            conditions: spans.len() as u64,
            ns,
            share: share(ns, timeline.end_ns),
            is_unmet,
        }
    };
    let mut waits: Vec<Wait> = spans.into_iter().map(wait).collect();
    waits.sort_by_key(|wait| std::cmp::Reverse(wait.ns));
    waits
}

/// The peer or engine that made a condition of a rank true, and until when it had not.
fn cause(
    timeline: &Timeline,
    rank: u32,
    condition: &Condition,
) -> (Option<u32>, Option<&'static str>, u64) {
    let label = |rank: u32| timeline.ranks.get(rank as usize).map(|one| one.rank);
    let until = condition.met_ns.min(timeline.end_ns);
    let Some(by) = condition.by else {
        return (None, None, until);
    };
    let one = &timeline.ranks[by.rank as usize].operations[by.index as usize];
    let engine = one.engine().map(engine_name);
    let until = one.ended_ns.min(until);
    match (by.rank == rank, one.is_remote()) {
        (false, _) => (label(by.rank), engine, until),
        (true, true) if one.from == rank => (label(one.to), engine, until),
        (true, true) => (label(one.from), engine, until),
        (true, false) => (None, engine, until),
    }
}

/// What each link moved, in order of ranks.
pub fn link_uses(timeline: &Timeline) -> Vec<LinkUse> {
    let mut moved: BTreeMap<(u32, u32), Moved> = BTreeMap::new();
    let operations = timeline.ranks.iter().flat_map(|rank| &rank.operations);
    for one in operations.filter(|one| one.is_remote()) {
        if matches!(one.kind, OperationKind::Notify { .. }) || one.began_ns == NEVER {
            continue;
        }
        let ended_ns = one.ended_ns.min(timeline.end_ns);
        let (bytes, planned_ns, spans) = moved.entry((one.from, one.to)).or_default();
        *bytes += one.bytes;
        *planned_ns += match one.ended_ns {
            // It was as fast as it should be, as far as it came.
            NEVER => one.planned_ns.min(ended_ns.saturating_sub(one.began_ns)),
            _ => one.planned_ns,
        };
        spans.push((one.began_ns, ended_ns));
    }
    let label = |rank: u32| timeline.ranks[rank as usize].rank;
    let link = |((from, to), (bytes, planned_ns, mut spans)): ((u32, u32), Moved)| {
        let busy_ns = union_ns(&mut spans);
        let sum_ns = spans
            .iter()
            .map(|(begin, end)| end.saturating_sub(*begin))
            .sum();
        LinkUse {
            from: label(from),
            to: label(to),
            operations: spans.len() as u64,
            bytes,
            busy_ns,
            sum_ns,
            planned_ns,
            gb_per_s: share(bytes, busy_ns),
            slower: match planned_ns {
                0 => 1.0,
                _ => share(sum_ns, planned_ns),
            },
        }
    };
    moved.into_iter().map(link).collect()
}

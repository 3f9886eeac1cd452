//! How cores spent their time: at work, idle though there was work, between two blocks.

use serde::Serialize;

use super::bounds::ran_ns;
use super::path::place;
use super::{share, union_ns};
use crate::report::Durations;
use crate::timeline::{Block, NEVER, RankTimeline, Timeline};
use crate::workload::Shape;

/// The kinds of cores, by [`place`].
const KINDS: [(&str, Shape); 3] = [
    ("AIC", Shape::Aic),
    ("AIV", Shape::Aiv),
    ("host", Shape::Host),
];

/// How much cores of one kind worked.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KindUse {
    /// Which kind: AIC, AIV or host.
    pub kind: &'static str,
    /// How many there are on all ranks.
    pub cores: u64,
    /// How long they worked together.
    pub busy_ns: u64,
    /// As a part of the time they had.
    pub share: f64,
    /// The same for each rank.
    pub ranks: Vec<f64>,
}

/// For how long a core was idle though a task was ready and not dispatched that it could run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Overhead {
    /// For each kind of cores that there is, its part of the makespan, averaged over ranks.
    pub kinds: Vec<KindOverhead>,
    /// Of any kind.
    pub any: f64,
    /// Of all kinds that the rank has at once.
    pub all: f64,
}

/// The same for one kind.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct KindOverhead {
    /// Which kind.
    pub kind: &'static str,
    /// How long, over all ranks.
    pub ns: u64,
    /// As a part of the makespan, averaged over ranks.
    pub share: f64,
}

/// How much cores of each kind worked.
pub fn kind_uses(timeline: &Timeline) -> Vec<KindUse> {
    let of_rank = |rank: &RankTimeline, shape: Shape| {
        let cores = rank.lanes.iter().filter(|lane| lane.shape == shape).count() as u64;
        let own = |block: &&Block| rank.lanes[usize::from(block.core)].shape == shape;
        let busy_ns: u64 = rank.blocks.iter().filter(own).map(ran_ns).sum();
        (cores, busy_ns)
    };
    let kind_use = |(kind, shape): (&'static str, Shape)| {
        let ranks = timeline.ranks.iter().map(|rank| of_rank(rank, shape));
        let ranks: Vec<(u64, u64)> = ranks.collect();
        let (cores, busy_ns) = ranks
            .iter()
            .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        let of = |&(cores, busy_ns): &(u64, u64)| share(busy_ns, cores * timeline.end_ns);
        KindUse {
            kind,
            cores,
            busy_ns,
            share: of(&(cores, busy_ns)),
            ranks: ranks.iter().map(of).collect(),
        }
    };
    let uses = KINDS.into_iter().map(kind_use);
    uses.filter(|one| one.cores > 0).collect()
}

/// For how long cores were idle though there was work for them.
pub fn overheads(timeline: &Timeline) -> Overhead {
    let (mut of_kind, mut any, mut all) = ([0; 3], 0, 0);
    let mut is_there = [false; 3];
    for rank in &timeline.ranks {
        let spans = wasted(rank, timeline.end_ns);
        let lanes = rank.lanes.iter();
        lanes.for_each(|lane| is_there[place(lane.shape)] = true);
        for (sum, spans) in of_kind.iter_mut().zip(&spans) {
            *sum += spans.iter().map(|(begin, end)| end - begin).sum::<u64>();
        }
        any += union_ns(&mut spans.concat());
        all += common_ns(rank, &spans);
    }
    let whole = timeline.end_ns * timeline.ranks.len() as u64;
    let kinds = KINDS.iter().zip(of_kind).zip(is_there);
    let kinds = kinds.filter(|(_, is_there)| *is_there);
    let overhead = |((kind, ns), _): ((&(&'static str, Shape), u64), bool)| KindOverhead {
        kind: kind.0,
        ns,
        share: share(ns, whole),
    };
    Overhead {
        kinds: kinds.map(overhead).collect(),
        any: share(any, whole),
        all: share(all, whole),
    }
}

/// For how long all kinds that `rank` has, host lanes aside, are wasted at once.
fn common_ns(rank: &RankTimeline, spans: &[Vec<(u64, u64)>; 3]) -> u64 {
    let has = |shape: Shape| rank.lanes.iter().any(|lane| lane.shape == shape);
    let own = [Shape::Aic, Shape::Aiv].into_iter().filter(|&one| has(one));
    let own: Vec<&Vec<(u64, u64)>> = own.map(|shape| &spans[place(shape)]).collect();
    let mut changes: Vec<(u64, i32)> = Vec::new();
    for (begin, end) in own.iter().copied().flatten() {
        changes.extend([(*begin, 1), (*end, -1)]);
    }
    changes.sort_unstable();
    let all = i32::try_from(own.len()).expect("two kinds");
    let (mut open, mut since, mut sum) = (0, 0, 0);
    for (at, change) in changes {
        if open == all {
            sum += at - since;
        }
        (open, since) = (open + change, at);
    }
    sum
}

/// When, for each kind, a core was idle and a task ready; ordered spans.
fn wasted(rank: &RankTimeline, end_ns: u64) -> [Vec<(u64, u64)>; 3] {
    let mut spans: [Vec<(u64, u64)>; 3] = Default::default();
    for (_, shape) in KINDS {
        let own = &mut spans[place(shape)];
        let (mut idle, mut ready, mut since) = (0_i64, 0_i64, 0);
        for (at, more_idle, more_ready) in changes(rank, shape) {
            let at = at.min(end_ns);
            if idle > 0 && ready > 0 && at > since {
                own.push((since, at));
            }
            (idle, ready, since) = (idle + more_idle, ready + more_ready, at);
        }
        if idle > 0 && ready > 0 && end_ns > since {
            own.push((since, end_ns));
        }
    }
    spans
}

/// Changes of how many cores of a kind are idle and how many tasks for it are ready, in order.
fn changes(rank: &RankTimeline, shape: Shape) -> Vec<(u64, i64, i64)> {
    let lanes = rank.lanes.iter().filter(|lane| lane.shape == shape).count();
    let mut changes = vec![(0, i64::try_from(lanes).unwrap_or(0), 0)];
    let mut busy_until = vec![0; rank.lanes.len()];
    let mut last = vec![0; rank.tasks.len()];
    for block in &rank.blocks {
        last[block.task as usize] = block.dispatched_ns;
        let core = usize::from(block.core);
        if rank.lanes[core].shape == shape {
            // A token that waits behind another does not make the core twice as busy.
            let begin = block.dispatched_ns.max(busy_until[core]);
            busy_until[core] = block.ended_ns.max(begin);
            changes.extend([(begin, -1, 0), (busy_until[core], 1, 0)]);
        }
    }
    let is_for = |of: Shape| of == shape || of == Shape::Mix && shape != Shape::Host;
    for (task, &last) in rank.tasks.iter().zip(&last) {
        let until = match last {
            0 => task.finished_ns,
            last => last,
        };
        if is_for(task.shape) && task.ready_ns < until {
            changes.extend([(task.ready_ns, 0, 1), (until, 0, -1)]);
        }
    }
    changes.retain(|&(at, ..)| at != NEVER);
    changes.sort_unstable();
    changes
}

/// From a block's end to the start of the next on the same core, whose task was ready by then.
pub fn pick_up_gaps(timeline: &Timeline) -> Durations {
    let mut gaps = Durations::default();
    for rank in &timeline.ranks {
        let mut ended = vec![NEVER; rank.lanes.len()];
        for block in rank.blocks.iter().filter(|block| block.started_ns != NEVER) {
            let before = std::mem::replace(&mut ended[usize::from(block.core)], block.ended_ns);
            let was_ready = rank.tasks[block.task as usize].ready_ns <= before;
            if before != NEVER && was_ready {
                gaps.record(block.started_ns.saturating_sub(before));
            }
        }
    }
    gaps
}

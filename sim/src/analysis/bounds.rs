//! Work and critical path, and between which bounds every makespan lies.
//!
//! Durations are those that kernels took. A message counts from the end of the kernel that caused
//! it until it was there, so no schedule of the same run could be shorter than the critical path.

use serde::Serialize;

use super::NEVER;
use crate::timeline::{Block, Condition, Operation, RankTimeline, Timeline};
use crate::workload::Shape;

/// Serial work, critical path, and what follows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Bounds {
    /// The sum of all kernels' durations.
    pub work_ns: u64,
    /// The longest chain of kernels and messages.
    pub critical_path_ns: u64,
    /// Cores and host lanes of all ranks.
    pub cores: u64,
    /// The most work that cores of one kind of one rank had each, on average.
    pub work_a_core_ns: u64,
    /// No schedule is shorter: the longer of the two.
    pub lower_ns: u64,
}

/// The bounds of `timeline`.
pub fn bounds(timeline: &Timeline) -> Bounds {
    let ranks = timeline.ranks.iter();
    let work = |rank: &RankTimeline| rank.blocks.iter().map(ran_ns).sum::<u64>();
    let a_core = ranks.clone().map(work_a_core).max().unwrap_or(0);
    let critical_path_ns = critical_path(timeline);
    Bounds {
        work_ns: ranks.clone().map(work).sum(),
        critical_path_ns,
        cores: ranks.map(|rank| rank.lanes.len() as u64).sum(),
        work_a_core_ns: a_core,
        lower_ns: critical_path_ns.max(a_core),
    }
}

/// How long a block ran.
pub(super) const fn ran_ns(block: &Block) -> u64 {
    match block.ended_ns {
        NEVER => 0,
        ended_ns => ended_ns.saturating_sub(block.started_ns),
    }
}

fn work_a_core(rank: &RankTimeline) -> u64 {
    let of_shape = |shape: Shape| {
        let lanes = rank.lanes.iter().filter(|lane| lane.shape == shape);
        let is_there = |block: &&Block| rank.lanes[usize::from(block.core)].shape == shape;
        let work: u64 = rank.blocks.iter().filter(is_there).map(ran_ns).sum();
        work.checked_div(lanes.count() as u64).unwrap_or(0)
    };
    let shapes = [Shape::Aic, Shape::Aiv, Shape::Host];
    shapes.into_iter().map(of_shape).max().unwrap_or(0)
}

/// The earliest that tasks could have ended, in the order in which they did: causes come first.
fn critical_path(timeline: &Timeline) -> u64 {
    let mut order: Vec<(u64, usize, usize)> = Vec::new();
    for (rank, own) in timeline.ranks.iter().enumerate() {
        let tasks = own.tasks.iter().enumerate();
        let ended = tasks.filter(|(_, task)| task.finished_ns != NEVER);
        order.extend(ended.map(|(index, task)| (task.released_ns, rank, index)));
    }
    order.sort_unstable();
    let ranks = &timeline.ranks;
    let mut ran: Vec<Vec<u64>> = ranks.iter().map(longest_blocks).collect();
    let waits: Vec<_> = ranks.iter().map(conditions_by_task).collect();
    // When the last kernel of a task could have ended, and when it could have finished.
    let mut done: Vec<Vec<u64>> = ran.iter().map(|rank| vec![0; rank.len()]).collect();
    let mut longest = 0;
    for (_, rank, task) in order {
        let own = &ranks[rank];
        let number = u32::try_from(task).expect("a plan has less than 2³² tasks");
        let begin = own.befores.of(number).iter();
        let begin = begin.map(|&before| done[rank][before as usize]).max();
        let ended = begin.unwrap_or(0) + ran[rank][task];
        ran[rank][task] = ended;
        let first = waits[rank].partition_point(|one| one.task < number);
        let own_waits = waits[rank][first..].iter();
        let met = own_waits
            .take_while(|one| one.task == number)
            .filter_map(|one| {
                let by = one.by?;
                let by_rank = by.rank as usize;
                let operation = &ranks[by_rank].operations[by.index as usize];
                let sent = ran[by_rank].get(operation.task as usize)?;
                Some(sent + took_ns(operation))
            });
        done[rank][task] = met.chain([ended]).max().unwrap_or(ended);
        longest = longest.max(done[rank][task]);
    }
    longest
}

/// From the end of the kernel that caused it; of a transfer without waiting for those before it.
const fn took_ns(operation: &Operation) -> u64 {
    let since = match operation.engine() {
        Some(_) => operation.began_ns,
        None => operation.issued_ns,
    };
    match operation.ended_ns {
        NEVER => 0,
        ended_ns => ended_ns.saturating_sub(since),
    }
}

fn longest_blocks(rank: &RankTimeline) -> Vec<u64> {
    let mut longest = vec![0; rank.tasks.len()];
    for block in &rank.blocks {
        let longest = &mut longest[block.task as usize];
        *longest = ran_ns(block).max(*longest);
    }
    longest
}

fn conditions_by_task(rank: &RankTimeline) -> Vec<Condition> {
    let mut conditions = rank.conditions.clone();
    conditions.sort_by_key(|one| one.task);
    conditions
}

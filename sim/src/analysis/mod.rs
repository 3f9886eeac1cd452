//! What held a run up: figures from its timeline.
//!
//! Guarantees: pure functions; the same timeline gives the same figures, and each is worked out by
//! hand in a test. The realised path covers the run from its beginning to its end without a gap,
//! so its parts add up to the makespan. Refuses to guess: what was not recorded counts as nothing.
//! Called by the run when it was asked to record; printed by the report.
//!
//! | file | figure |
//! | --- | --- |
//! | `bounds` | serial work, critical path, the bounds that every schedule keeps |
//! | `path` | the chain of tasks, messages and gaps that determined the end |
//! | `occupancy` | utilisation, scheduling overhead, pick-up gaps |
//! | `waits` | for whom ranks waited, and what each link moved |
//! | `verdict` | what held the run up, in words |

mod bounds;
mod occupancy;
mod path;
#[cfg(test)]
mod tests;
mod verdict;
mod waits;

pub use self::bounds::{Bounds, bounds};
pub use self::occupancy::{KindUse, Overhead, kind_uses, overheads, pick_up_gaps};
pub use self::path::{Because, Part, PartKind, PathSums, realised_path, sums};
pub use self::verdict::{HeldUp, held_up};
pub use self::waits::{LinkUse, Wait, link_uses, waits};

use serde::Serialize;

use crate::report::{Durations, Percentiles};
use crate::timeline::{NEVER, RankTimeline, Timeline};

/// All figures of a run; ns of its clock.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Analysis {
    /// From the beginning of the run to its end.
    pub makespan_ns: u64,
    /// Work, critical path, and the bounds they give.
    pub bounds: Bounds,
    /// What held the run up.
    pub held_up: HeldUp,
    /// How the makespan divides along the realised path.
    pub path: PathSums,
    /// How much of the time cores of each kind worked.
    pub utilisation: Vec<KindUse>,
    /// For how much of the time a core was idle though a task was ready for it.
    pub overhead: Overhead,
    /// From a block's end to the start of the next on the same core, where work was ready.
    pub pick_up_gap: Percentiles,
    /// For whom ranks waited, longest first.
    pub waits: Vec<Wait>,
    /// What each link moved.
    pub links: Vec<LinkUse>,
    /// How long steps of a task's life took.
    pub latencies: Vec<Stage>,
    /// Entries that were not recorded for want of room; figures are then of the others.
    pub left_out: u64,
}

/// How long one step in a task's life took, over all ranks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stage {
    /// From what to what.
    pub name: &'static str,
    /// Its percentiles.
    pub percentiles: Percentiles,
    /// How many took less than 2^i ns and at least half as much, for each i.
    pub histogram: Vec<u64>,
}

/// All figures of `timeline`.
pub fn analyse(timeline: &Timeline) -> Analysis {
    let path = realised_path(timeline);
    let (links, waits) = (link_uses(timeline), waits(timeline));
    Analysis {
        makespan_ns: timeline.end_ns,
        bounds: bounds(timeline),
        held_up: held_up(timeline, &path, &links, &waits),
        path: sums(&path),
        utilisation: kind_uses(timeline),
        overhead: overheads(timeline),
        pick_up_gap: pick_up_gaps(timeline).percentiles(),
        waits,
        links,
        latencies: stages(timeline),
        left_out: timeline.left_out.total(),
    }
}

/// The steps of a task's life that are measured.
fn stages(timeline: &Timeline) -> Vec<Stage> {
    type Spans = fn(&RankTimeline, &mut dyn FnMut(u64, u64));
    let measured: [(&'static str, Spans); 5] = [
        ("submitted to finished", |rank, add| {
            let tasks = rank.tasks.iter();
            tasks.for_each(|task| add(task.submitted_ns, task.finished_ns));
        }),
        ("ready to dispatched", |rank, add| {
            let firsts = rank.first_dispatches();
            let tasks = rank.tasks.iter().zip(firsts);
            tasks.for_each(|(task, first)| add(task.ready_ns, first));
        }),
        ("dispatched to started", |rank, add| {
            let blocks = rank.blocks.iter();
            blocks.for_each(|block| add(block.dispatched_ns, block.started_ns));
        }),
        ("ended to FIN seen", |rank, add| {
            let blocks = rank.blocks.iter();
            blocks.for_each(|block| add(block.ended_ns, block.observed_ns));
        }),
        ("condition registered to met", |rank, add| {
            let conditions = rank.conditions.iter();
            conditions.for_each(|one| add(one.registered_ns, one.met_ns));
        }),
    ];
    let stage = |(name, spans): (&'static str, Spans)| {
        let (mut durations, mut histogram) = (Durations::default(), Vec::new());
        for rank in &timeline.ranks {
            spans(rank, &mut |begin, end| {
                measure(begin, end, &mut durations, &mut histogram);
            });
        }
        Stage {
            name,
            percentiles: durations.percentiles(),
            histogram,
        }
    };
    measured.into_iter().map(stage).collect()
}

/// Counts a span, unless one of its ends did not come.
fn measure(begin: u64, end: u64, durations: &mut Durations, histogram: &mut Vec<u64>) {
    if begin == NEVER || end == NEVER {
        return;
    }
    let ns = end.saturating_sub(begin);
    durations.record(ns);
    let place = usize::try_from(u64::BITS - ns.leading_zeros()).expect("at most 64");
    if histogram.len() <= place {
        histogram.resize(place + 1, 0);
    }
    histogram[place] += 1;
}

/// How long at least one of these spans is open; they are sorted.
fn union_ns(spans: &mut [(u64, u64)]) -> u64 {
    spans.sort_unstable();
    let (mut covered, mut until) = (0, 0);
    for &(begin, end) in &*spans {
        let begin = begin.max(until);
        covered += end.saturating_sub(begin);
        until = until.max(end);
    }
    covered
}

/// `part` of `whole`, from 0 to 1; 0 of nothing.
pub fn share(part: u64, whole: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a share needs no 53 bits")]
    let (part, whole) = (part as f64, whole as f64);
    if whole > 0.0 { part / whole } else { 0.0 }
}

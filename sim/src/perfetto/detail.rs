//! How much of a run goes into its trace, so that none is larger than a viewer likes.
//!
//! *All*, up to [`MOST_EVENTS`]: everything that was recorded. *Bars*, above that: for each block
//! the bar of its kernel with the task's number, steps of a thread that are close to each other
//! as one, counters at fewer moments, no arrows. Above [`MOST_BARS`] blocks only one task in so
//! many has its bars. Called by `mod`.

use super::window::Window;
use crate::timeline::{RankTimeline, Thread, Timeline};

/// The most events of a trace with everything: beginnings, ends, instants, samples, arrow ends.
pub const MOST_EVENTS: usize = 600_000;

/// The most bars of blocks of a trace that has only these.
pub const MOST_BARS: usize = 200_000;

/// The most bars of threads of such a trace.
const MOST_BUSY: usize = 40_000;

/// The most operations of such a trace.
const MOST_OPERATIONS: usize = 20_000;

/// The most samples of counters of such a trace.
const MOST_SAMPLES: usize = 40_000;

/// How much is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    /// Everything.
    All,
    /// Bars of blocks, and the rest in outline.
    Bars {
        /// One task in so many has its bars.
        one_in: u32,
        /// One operation in so many is shown.
        operation_in: u32,
        /// Steps of a thread that are no more than this apart are one bar.
        bridge_ns: u64,
        /// Most samples of one counter.
        samples: usize,
    },
}

impl Detail {
    /// What fits of `timeline`.
    pub(super) fn of(timeline: &Timeline, window: Window) -> Self {
        let ranks = timeline.ranks.iter();
        if ranks.map(|rank| events(rank, window)).sum::<usize>() <= MOST_EVENTS {
            return Self::All;
        }
        let sees = |begin, end| window.sees(begin, end);
        let ranks = timeline.ranks.iter();
        let blocks = ranks.clone().flat_map(|rank| &rank.blocks);
        let bars = blocks.filter(|it| sees(it.started_ns, it.ended_ns)).count();
        let threads = ranks.clone().flat_map(|rank| &rank.threads);
        let bridge_ns = bridge(threads.chain([&timeline.submitter]), window);
        let operations = ranks.map(|rank| rank.operations.len()).sum::<usize>();
        let one_in = |all: usize, most| u32::try_from(all.div_ceil(most).max(1));
        Self::Bars {
            one_in: one_in(bars, MOST_BARS).unwrap_or(u32::MAX),
            operation_in: one_in(operations, MOST_OPERATIONS).unwrap_or(u32::MAX),
            bridge_ns,
            samples: (MOST_SAMPLES / (4 * timeline.ranks.len().max(1))).max(64),
        }
    }

    /// About how many events that is.
    pub(super) fn events(&self, timeline: &Timeline, window: Window) -> usize {
        let ranks = timeline.ranks.iter();
        match self {
            Self::All => ranks.map(|rank| events(rank, window)).sum(),
            Self::Bars { .. } => {
                let blocks = ranks.map(|rank| rank.blocks.len()).sum::<usize>();
                2 * blocks.min(MOST_BARS) + 2 * MOST_BUSY + 2 * MOST_OPERATIONS + MOST_SAMPLES
            }
        }
    }

    /// Whether an operation is shown, by its index.
    pub(super) const fn has_operation(&self, index: u32) -> bool {
        match self {
            Self::All => true,
            Self::Bars { operation_in, .. } => index.is_multiple_of(*operation_in),
        }
    }

    /// Whether a task is among those that have bars. Spread by a hash: a period in the workload
    /// must not meet one of the sampling.
    pub(super) const fn has(&self, task: u32) -> bool {
        match self {
            Self::All => true,
            Self::Bars { one_in, .. } => {
                (task.wrapping_mul(0x9e37_79b9) >> 8).is_multiple_of(*one_in)
            }
        }
    }
}

/// About how many events all of a rank takes.
fn events(rank: &RankTimeline, window: Window) -> usize {
    let sees = |begin, end| window.sees(begin, end);
    let blocks = rank.blocks.iter();
    let blocks = blocks
        .filter(|it| sees(it.dispatched_ns, it.observed_ns))
        .count();
    let operations = rank.operations.iter();
    let operations = operations
        .filter(|it| sees(it.began_ns, it.ended_ns))
        .count();
    let conditions = rank.conditions.iter();
    let conditions = conditions
        .filter(|it| sees(it.registered_ns, it.met_ns))
        .count();
    let steps = rank.threads.iter().flat_map(|thread| &thread.steps);
    let steps = steps.filter(|it| sees(it.began_ns, it.ended_ns())).count();
    let samples = rank.mailbox.iter();
    let samples = samples.filter(|it| sees(it.at_ns, it.at_ns)).count();
    // Tasks of which nothing is seen have no arrows, but counting them costs more than it tells.
    let arrows = match window == Window::ALL {
        true => rank.befores.tasks.len(),
        false => 2 * blocks,
    };
    6 * blocks + 4 * operations + 6 * conditions + 6 * steps + samples + 2 * arrows
}

/// The longest pause that must not show, so that at most [`MOST_BUSY`] do.
fn bridge<'a>(threads: impl Iterator<Item = &'a Thread>, window: Window) -> u64 {
    let mut pauses = Vec::new();
    for thread in threads {
        let mut last_ns = None;
        for (begin_ns, end_ns) in steps(thread, window) {
            pauses.extend(last_ns.map(|last| begin_ns.saturating_sub(last)));
            last_ns = last_ns.max(Some(end_ns));
        }
    }
    match pauses.len().checked_sub(MOST_BUSY) {
        None => 0,
        Some(hidden) => *pauses.select_nth_unstable(hidden).1,
    }
}

fn steps(thread: &Thread, window: Window) -> impl Iterator<Item = (u64, u64)> + '_ {
    let steps = thread.steps.iter();
    let spans = steps.map(|step| (step.began_ns, step.ended_ns()));
    spans.filter(move |&(begin, end)| window.sees(begin, end))
}

/// From when to when `thread` was busy, pauses of up to `bridge_ns` included.
pub(super) fn merged(
    thread: &Thread,
    window: Window,
    bridge_ns: u64,
) -> impl Iterator<Item = (u64, u64)> + '_ {
    let mut steps = steps(thread, window).peekable();
    std::iter::from_fn(move || {
        let (begin, mut end) = steps.next()?;
        while let Some((_, next_end)) =
            steps.next_if(|&(next, _)| next.saturating_sub(end) <= bridge_ns)
        {
            end = next_end.max(end);
        }
        Some((begin, end))
    })
}

//! A recorded run as a trace for the Perfetto viewer: `finbox run --trace FILE`.
//!
//! Guarantees: on every lane time never goes back and bars are properly nested; every arrow has
//! both its ends; a lane that has nothing is left out. Times are the timeline's: virtual in
//! lockstep, of the wall in parallel. What is too much for a viewer is written in outline, and
//! that is said: see `detail`.
//!
//! Refuses: to open a file and to judge; `app` and the analysis do that. Called by `app`.
//!
//! | file | concept |
//! | --- | --- |
//! | `detail` | everything, or an outline |
//! | `all`, `waits`, `arrows` | everything |
//! | `bars` | the outline |
//! | `operations`, `counters`, `rows`, `words` | what both have |
//! | `sink`, `native`, `chrome` | the two forms of a trace |

mod all;
mod arrows;
mod bars;
mod chrome;
mod counters;
mod detail;
mod native;
mod operations;
mod proto;
mod rows;
mod sink;
mod waits;
mod window;
mod words;

use std::path::Path;

use finbox_scheduler::Subtasks;

pub use self::detail::{MOST_BARS, MOST_EVENTS};
pub use self::window::{Window, WindowError};

use self::chrome::Chrome;
use self::detail::Detail;
use self::native::Native;
use self::sink::{Name, Names, Sink};
use self::words::Words;
use crate::timeline::Timeline;
use crate::workload::Workload;

/// Which form a trace has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Perfetto's own, of protobuf packets.
    Native,
    /// The older JSON.
    Chrome,
}

impl Form {
    /// The form of a file: JSON if it is called so.
    pub fn of(path: &Path) -> Self {
        match path.extension() {
            Some(extension) if extension.eq_ignore_ascii_case("json") => Self::Chrome,
            _ => Self::Native,
        }
    }
}

/// A trace, ready to be written.
#[derive(Clone, Debug)]
pub struct Trace {
    /// What goes into the file.
    pub bytes: Vec<u8>,
    /// Bars, instants and samples in it.
    pub events: u64,
    /// Arrows in it.
    pub arrows: u64,
    /// Whether everything is in it, and not only an outline.
    pub is_all: bool,
    /// One task in so many has its bars.
    pub one_in: u32,
    /// What the recording, or the trace, had no room for.
    pub left_out: u64,
}

/// The trace of what `timeline` says of a run of `workload`, as far as `window` sees it.
pub fn trace(workload: &Workload, timeline: &Timeline, window: Window, form: Form) -> Trace {
    let detail = Detail::of(timeline, window);
    let events = detail.events(timeline, window);
    match form {
        Form::Native => written(Native::new(events), workload, timeline, (window, detail)),
        Form::Chrome => written(Chrome::new(events), workload, timeline, (window, detail)),
    }
}

fn written<S: Sink>(
    mut sink: S,
    workload: &Workload,
    timeline: &Timeline,
    (window, detail): (Window, Detail),
) -> Trace {
    let view = View::of(workload, timeline, (window, detail), sink.names());
    let clock = if timeline.is_virtual {
        "virtual"
    } else {
        "wall"
    };
    let top = sink.group(None, &format!("{} ({clock} time)", workload.name));
    let ranks = timeline.ranks.iter();
    let groups: Vec<_> = ranks
        .map(|rank| sink.group(Some(top), &format!("rank {}", rank.rank)))
        .collect();
    for (rank, &group) in timeline.ranks.iter().zip(&groups) {
        counters::write(&view, &mut sink, group, rank);
    }
    let (more_left_out, arrows) = match detail {
        Detail::All => all::write(&view, &mut sink, &groups),
        Detail::Bars { bridge_ns, .. } => {
            bars::write(&view, &mut sink, &groups, bridge_ns);
            (0, 0)
        }
    };
    match detail {
        Detail::All => all::submitter(&view, &mut sink, top),
        Detail::Bars { bridge_ns, .. } => {
            bars::busy(&view, &mut sink, (top, bridge_ns), &timeline.submitter);
        }
    }
    let (is_all, one_in) = match detail {
        Detail::All => (true, 1),
        Detail::Bars { one_in, .. } => (false, one_in),
    };
    Trace {
        events: sink.events(),
        arrows,
        is_all,
        one_in,
        left_out: timeline.left_out.total() + more_left_out,
        bytes: sink.finish(),
    }
}

/// What is looked at, how, and the texts for it.
struct View<'a> {
    timeline: &'a Timeline,
    window: Window,
    detail: Detail,
    words: Words,
    parts: Parts,
    /// By rank and task.
    names: Vec<Vec<Name>>,
    /// By rank and task; empty in outline.
    conditions: Vec<Vec<u32>>,
}

/// Names of the parts of a mixed block.
struct Parts([Name; 3]);

impl Parts {
    const ALL: [Subtasks; 3] = [Subtasks::AIC, Subtasks::AIV0, Subtasks::AIV1];

    fn of(&self, part: Subtasks) -> Option<Name> {
        let at = Self::ALL.iter().position(|&it| it == part);
        at.map(|at| self.0[at])
    }
}

impl<'a> View<'a> {
    fn of(
        workload: &Workload,
        timeline: &'a Timeline,
        (window, detail): (Window, Detail),
        names: &mut Names,
    ) -> Self {
        let words = Words::of(names);
        let parts = Parts(["AIC", "AIV0", "AIV1"].map(|part| names.add(part)));
        let of_rank = |rank: &crate::workload::RankPlan| {
            let tasks = rank.tasks.iter();
            tasks.map(|task| names.add(&task.name)).collect()
        };
        let names = workload.ranks.iter().map(of_rank).collect();
        let mut conditions = Vec::new();
        for rank in timeline.ranks.iter().filter(|_| detail == Detail::All) {
            let mut counts = vec![0; rank.tasks.len()];
            for condition in &rank.conditions {
                counts[condition.task as usize] += 1;
            }
            conditions.push(counts);
        }
        Self {
            timeline,
            window,
            detail,
            words,
            parts,
            names,
            conditions,
        }
    }

    fn name_of(&self, rank: usize, task: u32) -> Name {
        let names = self.names.get(rank);
        let name = names.and_then(|names| names.get(task as usize));
        *name.unwrap_or(&self.words.task)
    }

    fn conditions_of(&self, rank: usize, task: u32) -> u32 {
        let counts = self.conditions.get(rank);
        let count = counts.and_then(|counts| counts.get(task as usize));
        *count.unwrap_or(&0)
    }
}

//! Launches become tasks: what a plan waits for is an edge or a gate, and what has finished moves
//! its stream.
//!
//! A [`Launcher`] joins a [`Planner`](crate::plan::Planner) and a scheduler's
//! [`Submitter`](finbox_scheduler::Submitter). What a committed launch waits for becomes an edge,
//! if that launch was submitted to the same scheduler; what is left becomes a *gate*: a task that
//! ends deferred with one COUNTER condition on a word of the timeline. [`Launcher::turn`] looks at
//! the first unfinished launch of each stream and tells the planner what became of it.
//!
//! Guarantees: launches are submitted in the order in which they were handed in, each behind the
//! one before it on its stream; while there is no room they stay owed, and nothing is lost. A
//! stream whose launch failed or was refused ends with it, gates that wait for it fail with
//! TIMELINE_ENDED, and what waits for those is cancelled. Tasks on no stream use the same buffers
//! by the same mechanism: the planner's. In the steady state a launch allocates nothing and hashes
//! nothing.
//!
//! Refuses: to know where words are, or what a gate's kernel is: that is told by [`Words`].
//!
//! Called by the thread that submits, between its submissions. FIN handlers and dispatch thread
//! meet neither it nor the planning lock.

mod launcher;
mod streams;

use finbox_scheduler::{SlotId, SubmitError, TaskId, TaskSpec};
use thiserror::Error;

pub use launcher::Launcher;

use crate::plan::{Rule, Submitted, holds};
use crate::stream::{TimePoint, TimelineId, Wait};
use crate::wiring::WiringError;

/// A committed launch, kept: what to launch it behind, in memory that serves again. It is handed in
/// once.
#[derive(Debug, Default)]
pub struct Committed {
    point: Option<TimePoint>,
    waits: Vec<Wait>,
    tasks: Vec<SlotId>,
}

impl Committed {
    /// Keeps `submitted` instead of what was here.
    pub fn keep(&mut self, submitted: &Submitted<'_>) {
        self.point = Some(submitted.point());
        self.waits.clear();
        if submitted.behind().value > 0 && holds(Rule::Behind) {
            self.waits.push(Wait::forever(submitted.behind()));
        }
        self.waits.extend_from_slice(submitted.waits());
        self.tasks.clear();
        self.tasks.extend_from_slice(submitted.tasks());
    }

    /// Its point; `None` if nothing was kept, or it was handed in.
    pub const fn point(&self) -> Option<TimePoint> {
        self.point
    }
}

/// Where the words of timelines are, and what waits for them: the launcher's view of a machine.
pub trait Words {
    /// Stores the low 32 bits of `value` in the word, or the words, of `timeline`, where gates of
    /// this scheduler look; then ring its dispatch thread. A timeline may have none. Gates tell
    /// values apart that are less than 2³¹ from each other: a foreign timeline must not move
    /// further before they have looked.
    fn signal(&mut self, timeline: TimelineId, value: u64);

    /// What is to wait for `wait` in front of a launch; asked again if there was no room for it. A
    /// gate keeps its task slot until it is met. Called with the planning lock held if a
    /// task on no stream waits: ask the planner nothing here.
    fn gate(&mut self, wait: &Wait) -> Gate;

    /// What to tell of a launch that failed or was cancelled: why its stream ends. Called with the
    /// planning lock held: ask the planner nothing here.
    fn cause(&mut self, launch: TimePoint, task: SlotId) -> String;
}

/// What waits for a time point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// A task to be submitted; see [`Launcher::gate`].
    Task(TaskSpec),
    /// One that was submitted to this scheduler.
    Slot(SlotId),
}

/// What became of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Offered {
    /// Nothing is owed.
    Nothing,
    /// There is no room; try again when something finished.
    Full,
    /// A gate of the oldest launch that is owed was submitted.
    Gate(SlotId),
    /// The oldest launch that was owed was submitted.
    Launch {
        /// Its point.
        point: TimePoint,
        /// Its task.
        slot: SlotId,
    },
}

/// What a turn moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Turned {
    /// Launches whose point was reached, streams that ended, and what memory waits for: ended
    /// streams of which no core has anything any more, tasks on no stream that are over.
    pub moved: u32,
    /// Timelines of which gates were told, by a word or that they ended: ring the dispatch thread.
    pub told: usize,
}

/// Why a launch was not submitted. Its stream ends with that, behind the launches in front of it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LaunchError {
    /// The scheduler will never take its task, or a gate of it.
    #[error("the launch of {point}, task {}: {error}", .task.0)]
    Refused {
        /// Its point.
        point: TimePoint,
        /// The task that was refused.
        task: TaskId,
        /// Why.
        error: WiringError,
    },
    /// Its stream is another launcher's.
    #[error("the launch of {0} is on a stream of another launcher")]
    Foreign(TimePoint),
    /// Nothing was kept in it, or it was handed in before.
    #[error("no launch was kept, or it was handed in before: commit one, and keep it")]
    Empty,
}

/// Why a stream did not become a launcher's. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OwnError {
    /// No such timeline.
    #[error("timeline {} was never opened here", .0.index())]
    Unknown(TimelineId),
    /// Nothing is launched on a timeline that somebody else moves.
    #[error("timeline {} is moved by somebody else: nothing is launched on it", .0.index())]
    Foreign(TimelineId),
    /// It has a launcher.
    #[error("timeline {} has a launcher", .0.index())]
    Owned(TimelineId),
}

/// Whether a task that was refused may be offered again.
const fn is_temporary(error: &SubmitError) -> bool {
    error.code().is_none()
}

//! Launch plans: what a launch reads and writes decides what it waits for, across streams.
//!
//! A launch is recorded, planned and committed. Planning gives it the next point of its stream and
//! its place among all users of its buffers, under one lock that is held for that alone. So what a
//! plan waits for because of its uses was planned earlier, and no two plans wait for each other.
//!
//! Guarantees: a plan that was refused left no trace; a commit cannot fail; a plan that was dropped
//! is a launch that does nothing, and is counted. A planner remembers of a range its last write and
//! one read a stream. In the steady state a launch without gaps hashes nothing and allocates
//! nothing: memory is wanted when a buffer is used in more pieces, or more launches are
//! unfinished, than ever before.
//!
//! Refuses, if it is strict: memory that nobody tracks. A permissive planner lets it pass and
//! lists it as a [`Gap`].
//!
//! Called by whoever launches; never by a FIN handler, so the lock is not on its path.
//!
//! # From a launch to tasks
//!
//! Nothing here knows a scheduler. A [`Launcher`](crate::launch::Launcher) owns one's
//! [`Submitter`](finbox_scheduler::Submitter) and launches in three steps, with what the scheduler
//! has:
//!
//! 1. *Edges.* [`Submitted::behind`] and each of [`Submitted::waits`] whose launch was submitted to
//!    the same scheduler is a [`Dependency::wait`](finbox_scheduler::Dependency) on its task; so is
//!    each of [`Submitted::tasks`].
//! 2. *Gate.* What is left (not submitted yet, not planned, foreign, another scheduler) becomes a
//!    task that ends deferred, with one COUNTER condition on a word of that timeline and with the
//!    wait's deadline as its wait budget; the launch gets an edge to it.
//! 3. *Signal.* The launcher remembers the task of each point of its streams, and looks at the
//!    first of each in the loop that submits: completed advances the stream, failed ends it. It
//!    then stores the value in the timeline's word, which the wait list polls like any counter, or
//!    says that the timeline has ended, and gates that wait for it fail.
//!
//! So the thread that submits advances streams, one look a stream and turn, and FIN handlers and
//! dispatch thread meet neither the lock nor a new kind of wait.
//!
//! Tasks on no stream use buffers here too, through [`Launcher::submit`](crate::launch::Launcher):
//! a buffer's users are launches, known by their points, and tasks, known by their slots.
//!
//! # The order of calls is in the types
//!
//! ```
//! use finbox_runtime::plan::{Mode, Planner};
//! let planner = Planner::new(Mode::Strict);
//! let stream = planner.stream("copy", 0);
//! let buffer = planner.declare(64);
//! let mut recorder = planner.recorder();
//! let planned = recorder.record(stream, "fill").writes("out", buffer, 0..64).plan();
//! let submitted = planned.expect("the range is the buffer's").commit();
//! assert_eq!(submitted.point().value, 1);
//! ```
//!
//! A launch that was not planned cannot be committed:
//!
//! ```compile_fail,E0599
//! # use finbox_runtime::plan::{Mode, Planner};
//! # let planner = Planner::new(Mode::Strict);
//! # let stream = planner.stream("copy", 0);
//! # let mut recorder = planner.recorder();
//! let submitted = recorder.record(stream, "fill").commit();
//! ```
//!
//! One that was planned declares nothing more:
//!
//! ```compile_fail,E0599
//! # use finbox_runtime::plan::{Mode, Planner};
//! # let planner = Planner::new(Mode::Strict);
//! # let stream = planner.stream("copy", 0);
//! # let buffer = planner.declare(64);
//! # let mut recorder = planner.recorder();
//! let planned = recorder.record(stream, "fill").plan().unwrap();
//! let planned = planned.writes("out", buffer, 0..64);
//! ```
//!
//! Nor is it committed twice:
//!
//! ```compile_fail,E0382
//! # use finbox_runtime::plan::{Mode, Planner};
//! # let planner = Planner::new(Mode::Strict);
//! # let stream = planner.stream("copy", 0);
//! # let mut recorder = planner.recorder();
//! let planned = recorder.record(stream, "fill").plan().unwrap();
//! let first = planned.commit();
//! let second = planned.commit();
//! ```
//!
//! It belongs to the planner that planned it, and a commit names no other:
//!
//! ```compile_fail,E0061
//! # use finbox_runtime::plan::{Mode, Planner};
//! # let planner = Planner::new(Mode::Strict);
//! # let other = Planner::new(Mode::Strict);
//! # let stream = planner.stream("copy", 0);
//! # let mut recorder = planner.recorder();
//! let planned = recorder.record(stream, "fill").plan().unwrap();
//! let submitted = planned.commit(&other);
//! ```

mod desk;
mod error;
mod freeing;
mod gaps;
mod loose;
mod planner;
mod recorder;
mod request;
mod rule;
#[cfg(not(finbox_weaken))]
mod rules;
#[cfg(finbox_weaken)]
#[path = "rules_weakened.rs"]
mod rules;

pub(crate) use desk::Desk;
pub use error::{Gap, GapKind, PlanError};
pub use planner::Planner;
pub use recorder::{Planned, Recorder, Recording, Submitted};
pub(crate) use rule::{Rule, waits_for_writer};
pub(crate) use rules::holds;

use crate::buffer::BufferId;

/// What happens to memory that nobody tracks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is refused when a launch is planned.
    Strict,
    /// It passes, in no order with anything, and is listed.
    Permissive,
}

/// A buffer whose memory is free again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freed {
    /// Which one, in the life that is over.
    pub buffer: BufferId,
    /// Its size in bytes.
    pub size_bytes: u64,
}

/// What a planner counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlanStats {
    /// Launches planned; allocations are not among them.
    pub planned: u64,
    /// Of these, committed.
    pub committed: u64,
    /// Of these, dropped.
    pub dropped: u64,
    /// Uses that were remembered, over all launches.
    pub tracked_uses: u64,
    /// Points that were told to be reached more than once.
    pub duplicates: u64,
}

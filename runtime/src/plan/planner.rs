//! The planner: one lock, and what may be asked of what it protects.

use std::sync::PoisonError;

use finbox_scheduler::Fate;

use super::desk::Desk;
use super::error::{Gap, PlanError};
use super::recorder::Recorder;
use super::{Freed, Mode, PlanStats};
use crate::buffer::{BufferId, UseError};
use crate::lock::{Mutex, MutexGuard};
use crate::stream::{AdvanceError, Explanation, TimePoint, TimelineId};

/// Timelines and buffers of one runtime. Any thread may plan; each has a [`Recorder`].
#[derive(Debug)]
pub struct Planner {
    desk: Mutex<Desk>,
}

impl Planner {
    /// No timelines, no buffers.
    pub fn new(mode: Mode) -> Self {
        let desk = Mutex::new(Desk::new(mode));
        Self { desk }
    }

    /// The planning lock: held for one call, over nothing that waits.
    pub(crate) fn desk(&self) -> MutexGuard<'_, Desk> {
        // A panic under it is a broken invariant, whose thread tells of it.
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody who plans. One a thread; its memory serves for every launch.
    pub fn recorder(&self) -> Recorder<'_> {
        Recorder::new(self)
    }

    /// A stream: launches take its values one behind the other. `now_ns`, here and in all calls, is
    /// on one clock of the caller's: deadlines of waits are on it too.
    ///
    /// # Panics
    /// With 2³² timelines, as the two calls behind this.
    pub fn stream(&self, name: &str, now_ns: u64) -> TimelineId {
        self.desk().open(name, (false, true), now_ns)
    }

    /// A stream of a device that does not track uses: all its buffers count as untracked.
    pub fn untracked_stream(&self, name: &str, now_ns: u64) -> TimelineId {
        self.desk().open(name, (false, false), now_ns)
    }

    /// A timeline that somebody else moves: another process, or a device's own events. It may take
    /// steps of any size, but less than 2³¹ while somebody waits for it.
    pub fn foreign(&self, name: &str, now_ns: u64) -> TimelineId {
        self.desk().open(name, (true, false), now_ns)
    }

    /// Declares a buffer of `size_bytes` bytes that nobody has touched. One of 0 bytes has a life
    /// and no bytes to use.
    ///
    /// # Panics
    /// With 2³² buffers at once, as [`allocate`](Self::allocate).
    pub fn declare(&self, size_bytes: u64) -> BufferId {
        self.desk().declare(size_bytes)
    }

    /// A buffer that exists from the next point of `stream`, which counts as its first write.
    ///
    /// # Errors
    /// [`PlanError`]; nothing was changed.
    pub fn allocate(
        &self,
        stream: TimelineId,
        size_bytes: u64,
    ) -> Result<(BufferId, TimePoint), PlanError> {
        self.desk().allocate(stream, size_bytes)
    }

    /// Ends a buffer's life at once; its memory is free when its last uses are over, which
    /// [`take_freed`](Self::take_freed) tells. Does not wait.
    ///
    /// # Errors
    /// [`UseError`] if it has ended already.
    pub fn free(&self, buffer: BufferId) -> Result<(), UseError> {
        self.desk().free(buffer)
    }

    /// Appends the freed buffers whose last uses are over, each once: reached, or never to be. If
    /// one never will, whatever was planned meanwhile must be over too: it may have been behind it.
    /// Of a launcher's launches and tasks that failed, none is over while a core is late with it,
    /// or one behind it on its stream may still run: its [`turn`](crate::launch::Launcher::turn)
    /// tells that.
    pub fn take_freed(&self, freed: &mut Vec<Freed>) {
        self.desk().take_freed(freed);
    }

    /// Says that the launch of `point` has finished, or that a foreign timeline has come so far.
    ///
    /// # Errors
    /// [`AdvanceError`]; nothing was changed.
    pub fn advance(&self, point: TimePoint, now_ns: u64) -> Result<(), AdvanceError> {
        self.desk().timelines.advance(point, now_ns)
    }

    /// Ends a timeline because of `cause`; what waits for it ends in its turn.
    ///
    /// # Errors
    /// [`AdvanceError`] if it has ended already, or was never opened.
    pub fn poison(
        &self,
        timeline: TimelineId,
        cause: &str,
        now_ns: u64,
    ) -> Result<(), AdvanceError> {
        self.desk().timelines.poison(timeline, cause, now_ns)
    }

    /// Ends every stream whose next launch waits past a deadline.
    pub fn expire(&self, now_ns: u64) {
        self.desk().timelines.expire(now_ns);
    }

    /// Whether `point` was reached, is to come, or never will.
    ///
    /// # Errors
    /// [`AdvanceError::Unknown`].
    pub fn fate(&self, point: TimePoint) -> Result<Fate, AdvanceError> {
        let desk = self.desk();
        desk.timelines.check(point)?;
        Ok(desk.timelines.fate(point))
    }

    /// Who `point` is waiting for, as of `now_ns`.
    ///
    /// # Errors
    /// [`AdvanceError::Unknown`].
    pub fn explain(&self, point: TimePoint, now_ns: u64) -> Result<Explanation, AdvanceError> {
        self.desk().timelines.explain(point, now_ns)
    }

    /// What permissive planning let pass.
    pub fn gaps(&self) -> Vec<Gap> {
        self.desk().gaps()
    }

    /// What was counted.
    pub fn stats(&self) -> PlanStats {
        let desk = self.desk();
        PlanStats {
            duplicates: desk.timelines.duplicates(),
            ..desk.stats
        }
    }

    /// Segments and users that are remembered of `buffer`; 0 if its life is over.
    pub fn state_of(&self, buffer: BufferId) -> usize {
        self.desk().state_of(buffer)
    }
}

//! `Recording → Planned → Submitted`, each made of the one before.

use std::ops::Range;

use finbox_scheduler::SlotId;

use super::error::PlanError;
use super::planner::Planner;
use super::request::{Memory, Request};
use crate::buffer::{Access, BufferId, BufferUse};
use crate::stream::{TimePoint, TimelineId, Wait};

/// Plans launches of one planner, one at a time.
#[derive(Debug)]
pub struct Recorder<'p> {
    planner: &'p Planner,
    request: Request,
}

impl<'p> Recorder<'p> {
    pub(super) fn new(planner: &'p Planner) -> Self {
        let request = Request::default();
        Self { planner, request }
    }

    /// Begins a launch on `stream`. Nothing happens before it is planned.
    pub fn record(&mut self, stream: TimelineId, launch: &str) -> Recording<'_, 'p> {
        self.request.begin(launch);
        let recorder = self;
        Recording { recorder, stream }
    }
}

/// A launch that is being declared. Dropping it has no effect.
#[derive(Debug)]
#[must_use = "nothing is planned yet"]
pub struct Recording<'r, 'p> {
    recorder: &'r mut Recorder<'p>,
    stream: TimelineId,
}

impl<'r, 'p> Recording<'r, 'p> {
    /// Declares a use. `label` names the argument in errors and gaps.
    #[inline]
    pub fn uses(self, label: &str, one: BufferUse) -> Self {
        self.recorder.request.add(label, Memory::Buffer(one));
        self
    }

    /// It reads these bytes.
    #[inline]
    pub fn reads(self, label: &str, buffer: BufferId, range: Range<u64>) -> Self {
        let access = Access::In;
        self.uses(
            label,
            BufferUse {
                buffer,
                range,
                access,
            },
        )
    }

    /// It writes all of these bytes.
    #[inline]
    pub fn writes(self, label: &str, buffer: BufferId, range: Range<u64>) -> Self {
        let access = Access::Out;
        self.uses(
            label,
            BufferUse {
                buffer,
                range,
                access,
            },
        )
    }

    /// It touches memory that nobody declared.
    pub fn external(self, label: &str, address: u64) -> Self {
        self.recorder
            .request
            .add(label, Memory::External { address });
        self
    }

    /// It waits for a point, whatever its uses say.
    pub fn waits(self, wait: Wait) -> Self {
        self.recorder.request.explicit.push(wait);
        self
    }

    /// Gives it its point, and its place among all that use its buffers.
    ///
    /// # Errors
    /// [`PlanError`]; it left no trace.
    pub fn plan(self) -> Result<Planned<'r, 'p>, PlanError> {
        let Recorder { planner, request } = &mut *self.recorder;
        let point = planner.desk().plan(self.stream, request)?;
        Ok(Planned {
            recorder: Some(self.recorder),
            point,
        })
    }
}

/// A launch that has its point. Dropped, it becomes a launch that does nothing: its point is
/// reached when its waits are met and its tasks are over, so that whoever waits for it does not
/// wait for ever.
#[derive(Debug)]
#[must_use = "dropping it plans a launch that does nothing"]
pub struct Planned<'r, 'p> {
    /// Until it is committed.
    recorder: Option<&'r mut Recorder<'p>>,
    point: TimePoint,
}

impl<'r, 'p> Planned<'r, 'p> {
    /// Its point. Others may wait for it already.
    pub const fn point(&self) -> TimePoint {
        self.point
    }

    /// What it must wait for besides its own stream, as for [`Submitted::waits`].
    pub fn waits(&self) -> &[Wait] {
        let recorder = self.recorder.as_deref();
        recorder.map_or(&[], |recorder| &recorder.request.waits)
    }

    /// Commits it. Cannot fail: whoever launches it waits for its waits, and then tells its point.
    pub fn commit(mut self) -> Submitted<'r> {
        let recorder = self.recorder.take().expect("it is there until this call");
        let Recorder { planner, request } = recorder;
        planner.desk().commit(self.point);
        Submitted {
            request,
            point: self.point,
        }
    }
}

impl Drop for Planned<'_, '_> {
    fn drop(&mut self) {
        if let Some(recorder) = self.recorder.take() {
            let mut desk = recorder.planner.desk();
            desk.drop_plan(self.point, &recorder.request.tasks);
        }
    }
}

/// A committed launch: what to launch it behind, and what to tell when it has finished.
#[derive(Debug)]
pub struct Submitted<'r> {
    request: &'r Request,
    point: TimePoint,
}

impl Submitted<'_> {
    /// What it signals when it has finished.
    pub const fn point(&self) -> TimePoint {
        self.point
    }

    /// The point of its own stream that it comes behind; 0 is reached from the beginning.
    pub const fn behind(&self) -> TimePoint {
        TimePoint::new(self.point.timeline, self.point.value - 1)
    }

    /// What else it must wait for: explicit waits first, and then one a stream for its uses.
    pub fn waits(&self) -> &[Wait] {
        &self.request.waits
    }

    /// Tasks on no stream that it must wait for too, which are of its stream's launcher.
    pub fn tasks(&self) -> &[SlotId] {
        &self.request.tasks
    }

    /// How many of its uses are remembered.
    pub const fn tracked_uses(&self) -> usize {
        self.request.tracked
    }
}

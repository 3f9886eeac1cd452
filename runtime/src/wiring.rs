//! Task submission: explicit dependencies and those found from declared buffers, in one call.

use finbox_scheduler::{Probe, Scheduler, SlotId, SubmitError, Submitter, TaskSpec};
use thiserror::Error;

use crate::buffer::{BufferId, BufferUse, Buffers, UseError};

/// Why a task was not wired in. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WiringError {
    /// A declared use is wrong.
    #[error(transparent)]
    Use(#[from] UseError),
    /// The scheduler refused.
    #[error(transparent)]
    Submit(#[from] SubmitError),
}

impl WiringError {
    /// Whether the same task can be wired in later.
    pub const fn is_temporary(&self) -> bool {
        matches!(self, Self::Submit(error) if error.is_temporary())
    }
}

/// One submitter with the buffers it knows.
#[derive(Debug)]
pub struct Wiring<'m> {
    submitter: Submitter<'m>,
    buffers: Buffers,
    after: Vec<SlotId>,
}

impl<'m> Wiring<'m> {
    /// Starts without buffers.
    pub fn new(submitter: Submitter<'m>) -> Self {
        Self {
            submitter,
            buffers: Buffers::default(),
            after: Vec::new(),
        }
    }

    /// Declares a buffer of `bytes` bytes.
    pub fn declare(&mut self, bytes: u64) -> BufferId {
        self.buffers.declare(bytes)
    }

    /// Ends a buffer's life; later uses of it are refused. Appends the tasks that still touch it to
    /// `last_users`: its memory is free when they have finished.
    ///
    /// # Errors
    /// [`UseError`] if it has ended already.
    pub fn free(&mut self, buffer: BufferId, last_users: &mut Vec<SlotId>) -> Result<(), UseError> {
        self.buffers.free(buffer, last_users)
    }

    /// The submitter.
    pub const fn submitter(&self) -> &Submitter<'m> {
        &self.submitter
    }

    /// Wires `spec` in behind `after` and behind whatever its `uses` conflict with.
    ///
    /// # Errors
    /// [`WiringError`]; nothing was changed. Temporary ones may be tried again.
    pub fn submit(
        &mut self,
        scheduler: &Scheduler<'_>,
        probe: &impl Probe,
        spec: &TaskSpec,
        after: &[SlotId],
        uses: &[BufferUse],
    ) -> Result<SlotId, WiringError> {
        self.after.clear();
        self.after.extend_from_slice(after);
        self.buffers.plan(uses, &mut self.after)?;
        self.after.sort_unstable();
        self.after.dedup();
        let slot = self.submitter.submit(scheduler, probe, spec, &self.after)?;
        self.buffers
            .record(uses, slot, |reader| scheduler.is_finished(reader));
        Ok(slot)
    }
}

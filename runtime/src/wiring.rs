//! Task submission: explicit dependencies and those found from declared buffers, in one call.

use std::time::{Duration, Instant};

use finbox_scheduler::{
    Dependency, Fate, FaultCode, Probe, Scheduler, Scope, ScopeError, SlotId, SubmitError,
    Submitter, TaskSpec,
};

use thiserror::Error;

use crate::buffer::{BufferId, BufferUse, Buffers, UseError};
use crate::stream::TimePoint;
use crate::wait::{Waited, Watch};

/// Why a task was not wired in. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WiringError {
    /// A declared use is wrong.
    #[error(transparent)]
    Use(#[from] UseError),
    /// The scheduler refused.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// A task on another scheduler uses the bytes, on no stream.
    #[error(
        "argument {argument}: a task on another scheduler uses these bytes, and on no stream: \
         submit it as a launch, or wait until it has completed (what one that failed was to \
         write stays refused)"
    )]
    Elsewhere {
        /// Which use, from 0.
        argument: usize,
    },
    /// A launch that it comes behind was handed in to its launcher, and is not submitted yet.
    #[error("it comes behind the launch of {0}, which is not submitted yet: offer that first")]
    Owed(TimePoint),
    /// A timeline that no condition can name.
    #[error("no gate can wait for timeline {timeline}: conditions name the first {most}")]
    Unnamed {
        /// Its number.
        timeline: usize,
        /// How many can be named.
        most: u32,
    },
}

impl WiringError {
    /// Whether the same task can be wired in later.
    pub const fn is_temporary(&self) -> bool {
        self.code().is_none()
    }

    /// Which fault it is; `None` if it is temporary.
    pub const fn code(&self) -> Option<FaultCode> {
        match self {
            Self::Use(_) | Self::Elsewhere { .. } | Self::Unnamed { .. } => {
                Some(FaultCode::InvalidArgs)
            }
            Self::Owed(_) => None,
            Self::Submit(error) => error.code(),
        }
    }
}

/// Why a host's wait for a buffer ended without it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BufferWaitError {
    /// The use is wrong.
    #[error(transparent)]
    Use(#[from] UseError),
    /// Not within the time that was given.
    #[error("the buffer was not ready within {limit:?}: {unfinished} tasks that use it go on")]
    Timeout {
        /// The time that was given.
        limit: Duration,
        /// Tasks that are not finished.
        unfinished: usize,
    },
    /// Nothing moved for as long as patience lasts.
    #[error("nothing moves, and {unfinished} tasks that use the buffer are not finished")]
    NoProgress {
        /// Tasks that are not finished.
        unfinished: usize,
    },
    /// Somebody asked to stop.
    #[error("stopped, with {unfinished} tasks unfinished that use the buffer")]
    Stopped {
        /// Tasks that are not finished.
        unfinished: usize,
    },
    /// A task that should have touched it failed or was cancelled.
    #[error("the task of {task:?}, which uses the buffer, failed")]
    Failed {
        /// Which one.
        task: SlotId,
    },
}

impl BufferWaitError {
    /// Which fault it is; `None` where it is told elsewhere: by whoever asked to stop, and by the
    /// task that failed.
    pub const fn code(&self) -> Option<FaultCode> {
        match self {
            Self::Use(_) => Some(FaultCode::InvalidArgs),
            Self::Timeout { .. } => Some(FaultCode::TensorWaitTimeout),
            Self::NoProgress { .. } => Some(FaultCode::SchedulerTimeout),
            Self::Stopped { .. } | Self::Failed { .. } => None,
        }
    }
}

/// Makes one of dependencies on the same task.
pub(crate) fn merge(after: &mut Vec<Dependency>) {
    if after.is_sorted_by(|one, other| one.slot < other.slot) {
        return;
    }
    after.sort_unstable_by_key(|one| one.slot);
    after.dedup_by(|one, kept| {
        let is_same = one.slot == kept.slot;
        if is_same {
            kept.needs |= one.needs;
        }
        is_same
    });
}

/// One submitter with the buffers it knows.
#[derive(Debug)]
pub struct Wiring<'m> {
    submitter: Submitter<'m>,
    buffers: Buffers,
    /// What the declared uses conflict with.
    found: Vec<SlotId>,
    after: Vec<Dependency>,
}

impl<'m> Wiring<'m> {
    /// Starts without buffers.
    pub fn new(submitter: Submitter<'m>) -> Self {
        Self {
            submitter,
            buffers: Buffers::default(),
            found: Vec::new(),
            after: Vec::new(),
        }
    }

    /// Declares a buffer of `bytes` bytes.
    pub fn declare(&mut self, bytes: u64) -> BufferId {
        self.buffers.declare(bytes)
    }

    /// What is known of the declared buffers.
    pub const fn buffers(&self) -> &Buffers {
        &self.buffers
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

    /// Opens a scope inside those that are open; see [`Submitter::open_scope`].
    ///
    /// # Errors
    /// [`ScopeError::TooDeep`].
    pub fn open_scope(&mut self) -> Result<(), ScopeError> {
        self.submitter.open_scope()
    }

    /// Closes the innermost scope; see [`Submitter::close_scope`].
    ///
    /// # Errors
    /// [`ScopeError::NoneOpen`].
    pub fn close_scope(&mut self) -> Result<Scope, ScopeError> {
        self.submitter.close_scope()
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
        after: &[Dependency],
        uses: &[BufferUse],
    ) -> Result<SlotId, WiringError> {
        self.found.clear();
        self.buffers.plan(uses, &mut self.found)?;
        self.after.clear();
        self.after.extend_from_slice(after);
        let found = self.found.iter().map(|&slot| Dependency::wait(slot));
        self.after.extend(found);
        merge(&mut self.after);
        let submitter = &mut self.submitter;
        let slot = submitter.submit_with(scheduler, probe, spec, &self.after)?;
        let submitter = &self.submitter;
        let fate = |user| submitter.fate(scheduler, user);
        self.buffers.record(uses, slot, fate);
        Ok(slot)
    }
    /// Waits, on the host, until `one` conflicts with no unfinished task: for a read until it is
    /// written, for a write also until it was read. `help` may move things; it returns a sign of
    /// life, any number that changes whenever something moved.
    ///
    /// # Errors
    /// [`BufferWaitError`]: not within `limit`, or never. The tasks go on.
    pub fn wait_for(
        &mut self,
        watch: &Watch<'_>,
        scheduler: &Scheduler<'_>,
        one: &BufferUse,
        limit: Duration,
        mut help: impl FnMut() -> u64,
    ) -> Result<(), BufferWaitError> {
        self.found.clear();
        let uses = std::slice::from_ref(one);
        self.buffers.plan(uses, &mut self.found)?;
        self.found.sort_unstable();
        self.found.dedup();
        let (submitter, found) = (&self.submitter, &mut self.found);
        let (began, mut failed) = (Instant::now(), None);
        let waited = watch.wait_for(|| {
            let life = help();
            found.retain(|&user| {
                let fate = submitter.fate(scheduler, user);
                if fate == Fate::Failed {
                    failed.get_or_insert(user);
                }
                fate == Fate::Unfinished
            });
            let is_late = began.elapsed() >= limit;
            let ended = (found.is_empty() || is_late).then_some(());
            (ended, life)
        });
        let unfinished = self.found.len();
        match (waited, failed) {
            (Waited::Stopped, _) => Err(BufferWaitError::Stopped { unfinished }),
            (Waited::NoProgress, _) => Err(BufferWaitError::NoProgress { unfinished }),
            (Waited::Done(()), _) if unfinished > 0 => {
                Err(BufferWaitError::Timeout { limit, unfinished })
            }
            (Waited::Done(()), Some(task)) => Err(BufferWaitError::Failed { task }),
            (Waited::Done(()), None) => Ok(()),
        }
    }
}

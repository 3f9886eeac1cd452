//! Who uses a buffer: a task, a time point of a launch plan, or either.
//!
//! Guarantees: of users that stand for each other one is remembered, so what a range remembers of
//! time points is bounded by the number of timelines. Called by [`Buffers`](crate::Buffers).

use finbox_scheduler::SlotId;

use crate::stream::{TimePoint, TimelineId};

/// Whoever uses a buffer.
pub trait User: Copy + Eq {
    /// Which of `readers` need not be remembered beside `self`, because waiting for `self` is
    /// waiting for it too.
    fn stands_for(self, readers: &[Self]) -> Option<usize>;
}

impl User for SlotId {
    /// Tasks are in no order: only the task itself, whose uses come one behind the other.
    #[inline]
    fn stands_for(self, readers: &[Self]) -> Option<usize> {
        is_last(self, readers)
    }
}

#[inline]
fn is_last<U: Eq + Copy>(user: U, readers: &[U]) -> Option<usize> {
    let last = readers.len().checked_sub(1)?;
    (readers[last] == user).then_some(last)
}

/// Who uses a buffer that launches and tasks share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Party {
    /// The launch of this point.
    Launch {
        /// Its stream.
        timeline: TimelineId,
        /// Its value there.
        value: u64,
    },
    /// A task on no stream.
    Task {
        /// Who submitted it, by its number at the planner.
        launcher: u32,
        /// The task.
        slot: SlotId,
    },
}

impl From<TimePoint> for Party {
    #[inline]
    fn from(point: TimePoint) -> Self {
        let TimePoint { timeline, value } = point;
        Self::Launch { timeline, value }
    }
}

impl User for Party {
    /// A timeline is reached in order, so its later point stands for the one before.
    #[inline]
    fn stands_for(self, readers: &[Self]) -> Option<usize> {
        let Self::Launch { timeline: own, .. } = self else {
            return is_last(self, readers);
        };
        readers
            .iter()
            .position(|one| matches!(one, Self::Launch { timeline, .. } if *timeline == own))
    }
}

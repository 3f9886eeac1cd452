//! Who uses a buffer: a task, or a time point of a launch plan.
//!
//! Guarantees: of users that stand for each other one is remembered, so what a range remembers of
//! time points is bounded by the number of timelines. Called by [`Buffers`](crate::Buffers).

use finbox_scheduler::SlotId;

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
        let last = readers.len().checked_sub(1)?;
        (readers[last] == self).then_some(last)
    }
}

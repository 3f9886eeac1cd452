//! What a run really touched: bytes by task, operation and access.
//!
//! Guarantees: whatever a task's kernels, puts and transfers load or store through a
//! [`View`](super::View) stands here, in whatever order and by whichever thread. What a task reads
//! after it wrote it itself is nobody else's and is left out. Refuses to judge, and to know
//! counters: they order, and are no data. Called by views.

use std::ops::Range;

use super::spans::Spans;
use crate::engine::{Direction, Lane};
use crate::shared::Shared;
use crate::workload::{TaskRef, Workload};

/// Loads or stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Touch {
    /// Bytes are loaded.
    Read,
    /// Bytes are stored.
    Write,
}

impl Touch {
    /// Its name in reports.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

/// What touches memory on behalf of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// An operation of its kernel, by name; it is over when the kernel is.
    Kernel(&'static str),
    /// A put that its kernel issued arrives: later, and before the notifies behind it.
    Arrival(&'static str),
    /// A transfer that its kernel posted to this queue.
    Transfer(Lane, Direction),
}

impl Act {
    /// Its name in reports, as graph files call the operation.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Kernel(name) | Self::Arrival(name) => name,
            Self::Transfer(_, direction) => direction.name(),
        }
    }
}

/// Whose access it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Toucher {
    pub(super) task: TaskRef,
    pub(super) act: Act,
}

/// The bytes of one rank that one act of a task touched in one way.
#[derive(Clone, Debug)]
pub(super) struct Touched {
    /// Whose data, as an index.
    pub(super) memory: u32,
    pub(super) touch: Touch,
    pub(super) act: Act,
    /// Offsets in that data.
    pub(super) spans: Spans,
}

/// One task.
#[derive(Debug, Default)]
pub(super) struct TaskLog {
    /// Whether its program ran, on some core at least.
    pub(super) ran: bool,
    pub(super) touched: Vec<Touched>,
}

impl TaskLog {
    fn add(&mut self, memory: u32, touch: Touch, act: Act, range: Range<u64>) {
        if touch == Touch::Write {
            self.spans(memory, touch, act).add(range);
            return;
        }
        let mut rest = vec![range];
        for one in &self.touched {
            if one.memory == memory && one.touch == Touch::Write {
                rest = rest
                    .into_iter()
                    .flat_map(|range| one.spans.missing_in(range))
                    .collect();
            }
        }
        for range in rest {
            self.spans(memory, touch, act).add(range);
        }
    }

    fn spans(&mut self, memory: u32, touch: Touch, act: Act) -> &mut Spans {
        let is_it = |one: &Touched| one.memory == memory && one.touch == touch && one.act == act;
        let found = self.touched.iter().position(is_it);
        let found = found.unwrap_or_else(|| {
            let spans = Spans::default();
            self.touched.push(Touched {
                memory,
                touch,
                act,
                spans,
            });
            self.touched.len() - 1
        });
        &mut self.touched[found].spans
    }
}

/// What the tasks of a run touched, while it goes on.
#[derive(Debug)]
pub struct Shadow {
    /// By rank and task. Tasks of a rank act on one thread, so nobody waits for a lock.
    ranks: Vec<Shared<Vec<TaskLog>>>,
}

impl Shadow {
    /// Of a run of `workload`, in which nothing was touched yet.
    pub fn new(workload: &Workload) -> Self {
        let ranks = workload.ranks.iter().map(|plan| {
            let tasks = plan.tasks.iter().map(|_| TaskLog::default());
            Shared::new(tasks.collect())
        });
        Self {
            ranks: ranks.collect(),
        }
    }

    /// The program of a task ran.
    pub fn ran(&self, rank: u32, task: u32) {
        self.ranks[rank as usize].lock()[task as usize].ran = true;
    }

    /// `by` touched these bytes of the data of rank `memory`.
    pub(super) fn touched(&self, by: Toucher, memory: u32, touch: Touch, range: Range<u64>) {
        let mut tasks = self.ranks[by.task.rank as usize].lock();
        tasks[by.task.task as usize].add(memory, touch, by.act, range);
    }

    /// What all tasks touched, by rank and task.
    pub(super) fn into_logs(self) -> Vec<Vec<TaskLog>> {
        let logs = self.ranks.into_iter();
        logs.map(|rank| std::mem::take(&mut *rank.lock())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Act, TaskLog, Touch};

    #[test]
    fn what_a_task_wrote_itself_is_no_read_of_it() {
        let mut log = TaskLog::default();
        let (fill, add) = (Act::Kernel("fill"), Act::Kernel("add"));
        log.add(0, Touch::Read, add, 0..4);
        log.add(0, Touch::Write, fill, 0..16);
        log.add(0, Touch::Read, add, 8..24);
        log.add(1, Touch::Read, add, 8..12);
        let found = log.touched.iter().map(|one| {
            let ranges: Vec<_> = one
                .spans
                .iter()
                .map(|range| (range.start, range.end))
                .collect();
            (one.memory, one.touch, ranges)
        });
        let expected = [
            (0, Touch::Read, vec![(0, 4), (16, 24)]),
            (0, Touch::Write, vec![(0, 16)]),
            (1, Touch::Read, vec![(8, 12)]),
        ];
        assert_eq!(found.collect::<Vec<_>>(), expected);
    }
}

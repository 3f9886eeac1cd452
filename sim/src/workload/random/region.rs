//! Words of a rank's data with what they hold so far, reckoned beside the plan.

use crate::workload::golden::Golden;
use crate::workload::plan::{BufferUse, Span, TaskRef};
use crate::workload::{Access, Op};

/// Words that tasks write, and what stands in them after those tasks that were planned so far.
#[derive(Clone, Debug)]
pub(super) struct Region {
    /// First byte, in the rank's data and in its only buffer.
    pub(super) at: u64,
    pub(super) values: Vec<u32>,
    pub(super) writers: Vec<TaskRef>,
    /// A peer gets it, some time: it must stay as it is.
    pub(super) is_fetched: bool,
}

impl Region {
    pub(super) fn new(at: u64, words: usize) -> Self {
        Self {
            at,
            values: vec![0; words],
            writers: Vec::new(),
            is_fetched: false,
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.values.len() as u64
    }

    pub(super) fn span(&self) -> Span {
        Span {
            at: self.at,
            bytes: self.count() * 4,
        }
    }

    pub(super) fn used(&self, access: Access) -> BufferUse {
        BufferUse {
            buffer: 0,
            span: self.span(),
            access,
        }
    }

    /// Writes one value everywhere.
    pub(super) fn fill(&mut self, value: u32) -> Op {
        self.values.fill(value);
        let (at, count) = (self.at, self.count());
        Op::FillU32 { at, count, value }
    }

    /// Adds a number to every word.
    pub(super) fn add(&mut self, add: u32) -> Op {
        for value in &mut self.values {
            *value = value.wrapping_add(add);
        }
        let (at, count) = (self.at, self.count());
        Op::AddU32 {
            from: at,
            to: at,
            count,
            add,
        }
    }

    /// Adds as many words of `other` as both have.
    pub(super) fn accumulate(&mut self, other: &Self) -> Op {
        for (value, add) in self.values.iter_mut().zip(&other.values) {
            *value = value.wrapping_add(*add);
        }
        let (from, to) = (other.at, self.at);
        let count = self.count().min(other.count());
        Op::AccumulateU32 { from, to, count }
    }

    /// What must be here if all writers completed.
    pub(super) fn part(&self) -> Golden {
        Golden {
            at: self.at,
            words: self.values.clone().into(),
            writers: self.writers.clone().into(),
        }
    }
}

//! What one launch declares, in memory that serves again.

use std::ops::Range;

use finbox_scheduler::SlotId;

use crate::buffer::{Access, BufferUse};
use crate::stream::Wait;
use crate::user::Party;

/// What an argument is.
#[derive(Clone, Debug)]
pub(super) enum Memory {
    Buffer(BufferUse),
    External { address: u64 },
}

/// One argument, as it was declared.
#[derive(Clone, Debug)]
pub(super) struct Argument {
    pub(super) memory: Memory,
    label: Range<usize>,
}

/// What one launch declares.
#[derive(Debug, Default)]
pub(super) struct Request {
    /// The launch's name, and then all labels.
    text: String,
    launch: usize,
    pub(super) arguments: Vec<Argument>,
    /// Whether all arguments are buffers, and no range of them is empty.
    pub(super) is_plain: bool,
    /// Its buffers in the order they were first seen, none twice.
    pub(super) uses: Vec<BufferUse>,
    /// The bits of all these buffers: one whose bit is not here was not named before.
    named: u64,
    pub(super) explicit: Vec<Wait>,
    /// What it waits for, once it was planned.
    pub(super) waits: Vec<Wait>,
    /// Tasks that it waits for besides.
    pub(super) tasks: Vec<SlotId>,
    /// What its uses conflict with.
    pub(super) found: Vec<Party>,
    /// Uses that were recorded.
    pub(super) tracked: usize,
}

impl Request {
    pub(super) fn begin(&mut self, launch: &str) {
        self.text.clear();
        self.text.push_str(launch);
        self.launch = launch.len();
        self.arguments.clear();
        self.is_plain = true;
        self.uses.clear();
        self.named = 0;
        self.explicit.clear();
        self.waits.clear();
        self.tasks.clear();
        self.found.clear();
        self.tracked = 0;
    }

    pub(super) fn launch(&self) -> &str {
        &self.text[..self.launch]
    }

    pub(super) fn label(&self, argument: usize) -> &str {
        &self.text[self.arguments[argument].label.clone()]
    }

    #[inline]
    pub(super) fn add(&mut self, label: &str, memory: Memory) {
        match &memory {
            Memory::Buffer(one) => {
                self.is_plain &= !one.range.is_empty();
                self.merge(one);
            }
            Memory::External { .. } => self.is_plain = false,
        }
        let start = self.text.len();
        self.text.push_str(label);
        let label = start..self.text.len();
        self.arguments.push(Argument { memory, label });
    }

    /// Uses of the same bytes become one, at the place of the first.
    #[inline]
    fn merge(&mut self, one: &BufferUse) {
        let bit = one.buffer.bit();
        if self.named & bit == 0 {
            self.named |= bit;
            self.uses.push(one.clone());
        } else {
            self.merge_again(one);
        }
    }

    /// As [`merge`](Self::merge), where the buffer may have been named before.
    #[inline(never)]
    fn merge_again(&mut self, one: &BufferUse) {
        let Some(first) = self.uses.iter().position(|kept| overlap(kept, one)) else {
            self.uses.push(one.clone());
            return;
        };
        widen(&mut self.uses[first], one);
        // It may have grown into others, each of which may make it grow again.
        while let Some(other) = (first + 1..self.uses.len())
            .find(|&other| overlap(&self.uses[first], &self.uses[other]))
        {
            let other = self.uses.remove(other);
            widen(&mut self.uses[first], &other);
        }
    }
}

fn overlap(a: &BufferUse, b: &BufferUse) -> bool {
    a.buffer == b.buffer && a.range.start < b.range.end && b.range.start < a.range.end
}

fn widen(kept: &mut BufferUse, other: &BufferUse) {
    kept.range.start = kept.range.start.min(other.range.start);
    kept.range.end = kept.range.end.max(other.range.end);
    if kept.access != other.access {
        kept.access = Access::InOut;
    }
}

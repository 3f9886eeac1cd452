//! What a submitter remembers about each of its slots: plain memory, seen by nobody else.

use crate::edges::{Fate, NONE};
use crate::heap::Reserved;

/// Lives of a slot whose failure is remembered after the slot was recycled.
pub const REMEMBERED_LIVES: u32 = u64::BITS;

/// The submitter's page for one slot.
#[derive(Clone, Copy, Debug)]
pub struct SlotBook {
    /// The current life, or the last one.
    pub(crate) generation: u32,
    /// First node of its consumers' list.
    pub(crate) first_edge: u32,
    /// First node of the list of consumers that retain it.
    pub(crate) first_retainer: u32,
    /// Open scopes when it was submitted.
    pub(crate) depth: u8,
    /// Its nodes and its output were taken back: the slot waits for its next life.
    pub(crate) is_reclaimed: bool,
    /// It was passed over: a core still has a token of it, or of a task that retains it.
    pub(crate) is_quarantined: bool,
    /// The next quarantined slot of its ring, or [`NONE`].
    pub(crate) next_quarantined: u32,
    /// Its output memory.
    pub(crate) output: Option<Reserved>,
    /// Bit i: the life before the i-th last one failed.
    failures: u64,
}

impl Default for SlotBook {
    fn default() -> Self {
        Self {
            generation: 0,
            first_edge: NONE,
            first_retainer: NONE,
            depth: 0,
            is_reclaimed: true,
            is_quarantined: false,
            next_quarantined: NONE,
            output: None,
            failures: 0,
        }
    }
}

impl SlotBook {
    /// A new run begins in this memory; the slot is at rest after life `generation`. What failed
    /// before stays remembered.
    pub(crate) fn reset(&mut self, generation: u32) {
        *self = Self {
            generation,
            failures: self.failures,
            ..Self::default()
        };
    }

    /// A new life without output begins; `failed` says how the last one ended.
    #[inline]
    pub(crate) fn open(&mut self, failed: bool, depth: u8) {
        debug_assert!(!self.is_quarantined, "passed over");
        self.generation += 1;
        (self.first_edge, self.first_retainer) = (NONE, NONE);
        (self.depth, self.output, self.is_reclaimed) = (depth, None, false);
        self.failures = self.failures << 1 | u64::from(failed);
    }

    /// How a life before the current one ended. Failures are known of the last 64.
    pub(crate) const fn past(&self, generation: u32) -> Fate {
        let age = self.generation - generation - 1;
        if age < REMEMBERED_LIVES && self.failures >> age & 1 == 1 {
            Fate::Failed
        } else {
            Fate::Completed
        }
    }
}

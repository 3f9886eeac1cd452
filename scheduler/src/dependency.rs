//! What a task needs of a task before it.

use bitflags::bitflags;

use crate::id::SlotId;

bitflags! {
    /// Two needs that have nothing to do with each other.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Needs: u8 {
        /// Start after it has finished; if it failed, do not run.
        const WAIT = 1;
        /// Keep its slot and its output memory until this task has finished. Costs the thread that
        /// finishes a task nothing: the submitter asks when it wants the slot back.
        const RETAIN = 1 << 1;
    }
}

/// A task before this one, and what is needed of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Dependency {
    /// The task before.
    pub slot: SlotId,
    /// What is needed. Nothing is allowed, and means nothing.
    pub needs: Needs,
}

impl Dependency {
    /// Start after `slot` has finished.
    pub const fn wait(slot: SlotId) -> Self {
        let needs = Needs::WAIT;
        Self { slot, needs }
    }

    /// Keep `slot` until this task has finished.
    pub const fn retain(slot: SlotId) -> Self {
        let needs = Needs::RETAIN;
        Self { slot, needs }
    }

    /// Both.
    pub const fn wait_and_retain(slot: SlotId) -> Self {
        let needs = Needs::all();
        Self { slot, needs }
    }

    /// Dependency nodes it takes at most.
    pub(crate) const fn nodes(&self) -> u32 {
        self.needs.bits().count_ones()
    }
}

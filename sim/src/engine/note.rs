//! What engines do, told one by one, for whoever records it.

use super::lane::{Lane, Transfer};

/// Something that an engine of a rank did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineNote {
    /// Which operation, from 0, in the order in which they were posted to any engine of the rank.
    pub nth: u64,
    /// When, on the world's clock.
    pub at: u64,
    /// What.
    pub what: What,
}

/// What an engine did with an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// This task posted it.
    Posted(u32, (Lane, Transfer)),
    /// It is under way.
    Began,
    /// It has ended, with this status; 0: well.
    Ended(u16),
}

/// Notes that nobody has taken, or none because nobody wants them.
#[derive(Debug, Default)]
pub(super) struct Notes {
    list: Option<Vec<EngineNote>>,
}

impl Notes {
    /// Notes that are kept.
    pub(super) const fn kept() -> Self {
        Self {
            list: Some(Vec::new()),
        }
    }

    /// Adds one, if they are kept.
    pub(super) fn add(&mut self, nth: u64, at: u64, what: What) {
        if let Some(list) = &mut self.list {
            list.push(EngineNote { nth, at, what });
        }
    }

    /// All since they were last taken.
    pub(super) fn take(&mut self) -> Vec<EngineNote> {
        self.list.as_mut().map(std::mem::take).unwrap_or_default()
    }
}

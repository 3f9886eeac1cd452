//! The word by which handlers say that a task's messages can never arrive.

use finbox_mailbox::sync::AtomicU32;

use crate::edge;

/// Whether a condemned mailbox refused messages of some task since the dispatch thread looked.
#[derive(Debug)]
pub struct Orphans(AtomicU32);

impl Default for Orphans {
    fn default() -> Self {
        Self(AtomicU32::new(0))
    }
}

impl Orphans {
    /// Says so, after the subtask retired.
    pub fn say(&self) {
        // EDGE ORPHAN -> ORPHANS_TAKEN. Carries the retire word of the task.
        self.0.fetch_or(1, edge::ORPHAN);
    }

    /// Whether it was said; a hint for whoever wants to know whether to look.
    #[inline]
    pub fn is_said_hint(&self) -> bool {
        // RELAXED: a hint; `take` decides.
        self.0.load(edge::ORPHAN_HINT) != 0
    }

    /// Whether it was said, for the last time.
    pub fn take(&self) -> bool {
        // EDGE ORPHANS_TAKEN <- ORPHAN.
        self.0.swap(0, edge::ORPHANS_TAKEN) != 0
    }
}

//! What a FIN handler says about itself: to whoever parks it, reports a stall, or simulates it.

use crate::handler::FinHandler;

impl FinHandler<'_> {
    /// Whether a full mailbox or a long fan-out left something to do on any core.
    pub fn owes(&self) -> bool {
        self.owing != 0
    }

    /// Cores of which something is owed that a full mailbox refused, or a long fan-out left.
    pub fn owed_cores(&self) -> u32 {
        self.owing.count_ones()
    }

    /// The `nth` batch from now that finds room in the mailbox, counted from 1, is claimed and
    /// never published, as if this thread had been killed there and another had taken its place.
    ///
    /// For simulators and tests of what a dead claimer leaves behind.
    pub fn die_in_batch(&mut self, nth: u32) {
        self.pusher.die_in_batch(nth);
    }

    /// Whether that batch is still to come.
    pub fn is_doomed(&self) -> bool {
        self.pusher.is_doomed()
    }

    /// Moves on, over cores that are known to see nothing: the next step begins to look at the
    /// handler's core `index`, counted from its first one.
    ///
    /// For simulators that charge empty polls arithmetically.
    ///
    /// # Panics
    /// If the handler has no such core.
    pub fn skip_to(&mut self, index: usize) {
        assert!(index < self.cores.len().max(1), "a core of this handler");
        self.cursor = index;
    }
}

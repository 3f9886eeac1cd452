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

    /// Moves on by `steps` steps over the cores of `busy` that are known to see nothing.
    ///
    /// For simulators that charge empty polls arithmetically.
    pub fn skip(&mut self, busy: u128, steps: u64) {
        let Some(steps) = steps.checked_rem(u64::from(busy.count_ones())) else {
            return;
        };
        for _ in 0..steps {
            while busy >> self.cursor & 1 == 0 {
                self.cursor = (self.cursor + 1) % self.cores.len();
            }
            self.cursor = (self.cursor + 1) % self.cores.len();
        }
    }
}

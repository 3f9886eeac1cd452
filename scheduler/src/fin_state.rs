//! What a FIN handler says about itself: to whoever parks it, reports a stall, or simulates it.

use crate::handler::{FinHandler, HandlerCore};
use crate::scheduler::Scheduler;

impl FinHandler<'_> {
    /// Whether a full mailbox or a long fan-out left something to do on any core.
    pub fn owes(&self) -> bool {
        self.cores
            .iter()
            .any(|core| core.duties.iter().any(Option::is_some))
    }

    /// Cores of which something is owed that a full mailbox refused, or a long fan-out left.
    pub fn owed_cores(&self) -> u32 {
        let owes = |core: &&HandlerCore| core.duties.iter().any(Option::is_some);
        let owed = self.cores.iter().filter(owes).count();
        u32::try_from(owed).expect("at most MAX_CORES")
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

    /// The handler's cores that a step would visit, a bit each, counted from its first one.
    pub fn busy_mask(&self, scheduler: &Scheduler<'_>) -> u128 {
        let busy = (0..self.cores.len()).filter(|&index| self.is_busy(scheduler, index));
        busy.fold(0, |mask, index| mask | 1 << index)
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

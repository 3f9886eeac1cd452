//! The wait list's lock between dispatch thread and handlers: it matters to the baseline, and where
//! somebody else holds it.

use super::World;
use crate::fault::FaultKind;

impl World<'_, '_> {
    /// Whether nobody takes messages of `rank` now: the list is held, or a gap stands before them.
    pub(super) fn is_blocked(&self, rank: usize) -> bool {
        let desk = self.schedulers[rank].wait_list().try_lock();
        desk.is_none_or(|desk| desk.open_gap().is_some())
    }

    /// The dispatch thread of `rank` moved something: handlers that owe and nap behind a
    /// gap may push again.
    pub(super) fn wake_blocked(&mut self, rank: usize) {
        if !self.settings.faults.has(FaultKind::ProducerDies) {
            return;
        }
        let handlers = usize::from(self.settings.handlers);
        for handler in rank * handlers..(rank + 1) * handlers {
            if self.handlers[handler].owes() {
                self.wake(handler);
            }
        }
    }

    /// A handler's step begins: a poll that is under way holds the lock.
    pub(super) fn meet_poller(&self, handler: usize) {
        let rank = self.rank_of(handler);
        let poller = self.dispatch_of(rank);
        let comes_first = self.actors.key(poller) < self.actors.key(handler);
        self.probes[rank].lock_at(self.now, comes_first);
    }

    /// A dispatch thread that napped is called. `already`: its poll at this very time was taken.
    pub(super) fn rouse_poller(&self, actor: usize, already: bool) {
        let rank = actor.checked_sub(self.handlers.len());
        if let Some(probe) = rank.and_then(|rank| self.probes.get(rank)) {
            probe.lock_at(self.now, already);
            probe.poller_acts();
        }
    }

    /// A dispatch thread whose pass saw nothing naps from `next` on: the distance of its polls,
    /// without what this one waited for the lock.
    pub(super) fn poller_naps(&self, rank: usize, next: u64) -> u64 {
        let period_ns = next - self.now - self.probes[rank].waited_ns();
        self.probes[rank].poller_naps(next, period_ns);
        period_ns
    }
}

//! Persistent workers in virtual time: who is told when something is offered, said or over.
//!
//! A core that polls the work ring in vain sleeps through its polls. It is poked when items were
//! offered or the ring was closed, and takes the first poll behind that.

use super::{What, World};
use crate::workload::{Noted, Workers};

impl World<'_, '_> {
    /// Something came for the workers of `rank`.
    pub(super) fn poke(&mut self, rank: usize) {
        for core in self.devices[rank].core_ids() {
            let stepped = &mut self.cores[rank][core.index()];
            if stepped.poke(self.now).is_some()
                && let Some(at_ns) = stepped.announce(self.now)
            {
                self.queue.issue(at_ns, What::Core { rank, core });
            }
        }
    }

    /// Acts upon what the workers of `rank` did.
    pub(super) fn heed_workers(&mut self, rank: usize) {
        let Some(workers) = &mut self.programs[rank].workers else {
            return;
        };
        for note in workers.take_notes() {
            match note.what {
                Noted::Took | Noted::Did => continue,
                Noted::Told => self.probes[rank].told(note.slot, self.now),
                Noted::Unsaid => self.schedulers[rank].work_unsaid(),
            }
            self.wake(self.dispatch_of(rank));
        }
        self.announce_losses(rank);
    }

    /// Enters when workers of `rank` are known to be gone, unless that is entered.
    fn announce_losses(&mut self, rank: usize) {
        let workers = self.programs[rank].workers.as_mut();
        if let Some(at_ns) = workers.and_then(Workers::announce_losses) {
            self.queue.issue(at_ns.max(self.now), What::Lost(rank));
        }
    }

    /// Tells the dispatch thread of `rank` of workers that are gone.
    pub(super) fn tell_losses(&mut self, rank: usize) {
        let workers = self.programs[rank].workers.as_mut();
        if workers.is_some_and(|workers| workers.tell_losses(self.now)) {
            self.wake(self.dispatch_of(rank));
        }
        self.announce_losses(rank);
    }

    /// The dispatch thread of `rank` has pushed items, and its step has come so far at `at_ns`.
    pub(super) fn offered(&mut self, rank: usize, at_ns: u64) {
        let ledger = self.dispatchers[rank].ledger();
        let end = ledger.work_offered;
        if let Some(workers) = &mut self.programs[rank].workers {
            workers.offered(end, at_ns);
        }
        self.queue.issue(at_ns, What::Offered(rank));
    }

    /// Closes the work ring of `rank` at `at_ns`, if all its items have finished.
    pub(super) fn close_if_over(&mut self, rank: usize, at_ns: u64) {
        let ring = self.schedulers[rank].work_ring();
        let open = ring.filter(|ring| !ring.is_closed() && self.probes[rank].is_ring_over());
        if let (Some(ring), Some(workers)) = (open, &mut self.programs[rank].workers) {
            ring.close();
            workers.closed(at_ns);
            self.queue.issue(at_ns, What::Offered(rank));
        }
    }
}

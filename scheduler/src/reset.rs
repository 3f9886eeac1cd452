//! What a reset of the device leaves behind, as the FIN handlers deal with it.
//!
//! A reset ends everything that runs, and no token is started again. Each handler compares
//! [`Port::incarnation`] at its step. On a change it takes whatever is in flight on its cores
//! out of the pairs and retires it as failed (111), without conditions; COND is taken as reset,
//! and the newest lost token as finished last, so that whatever a core still says about one is a
//! duplicate or stale. What was owed for tokens that had finished before stays owed.
//!
//! The dispatch thread gives no token to a core between noticing a reset and hearing that the
//! core's handler has dealt with it.

use crate::core_pair::Cond;
use crate::fault::{Fault, FaultCode};
use crate::handler::FinHandler;
use crate::id::Token;
use crate::port::Port;
use crate::probe::Probe;
use crate::scheduler::Scheduler;

impl FinHandler<'_> {
    /// Deals with a reset if there was one since the last step; whether there was.
    #[inline]
    pub(crate) fn notice_reset(
        &mut self,
        scheduler: &Scheduler<'_>,
        port: &impl Port,
        probe: &impl Probe,
    ) -> bool {
        let incarnation = port.incarnation();
        if incarnation == self.incarnation {
            return false;
        }
        self.incarnation = incarnation;
        for index in 0..self.cores.len() {
            self.lose_tokens(scheduler, port, probe, index);
        }
        if !self.cores.is_empty() {
            let handler = scheduler.chip.owner_of(self.core_id(0));
            scheduler.openings.announce_reset(handler, incarnation);
        }
        true
    }

    fn lose_tokens(
        &mut self,
        scheduler: &Scheduler<'_>,
        port: &impl Port,
        probe: &impl Probe,
        index: usize,
    ) {
        let core = self.core_id(index);
        let before = scheduler.cores[core.index()].pair.reset();
        self.cores[index].seen = Cond::RESET;
        self.cores[index].is_suspect = false;
        scheduler.openings.clear_suspect(core);
        for token in [before.running(), before.pending()].into_iter().flatten() {
            self.lose_token(scheduler, port, probe, (index, token));
        }
        if !before.is_idle() {
            self.is_idle_now(scheduler, core);
        }
    }

    fn lose_token(
        &mut self,
        scheduler: &Scheduler<'_>,
        port: &impl Port,
        probe: &impl Probe,
        (index, token): (usize, Token),
    ) {
        self.cores[index].last = token;
        let (core, parity) = (self.core_id(index), token.parity());
        let record = &scheduler.cores[core.index()].records[parity];
        let slot = record
            .slot()
            .expect("an installed token stands in its record");
        let words = scheduler.slot(slot);
        // Both before retiring: after a partial one the slot may be another task's.
        let (room, task) = (words.kind().may_defer(), words.task());
        let retired = words.retire.retire(slot.generation(), 0, room, true);
        let duty = match retired {
            Ok(retired) if !retired.is_late() => {
                let code = FaultCode::DeviceReset;
                scheduler.raise(probe, Fault { code, task }, Some(core));
                self.follow(scheduler, probe, (slot, room, 0), retired)
            }
            _ => None,
        };
        self.carry_out(scheduler, port, probe, (index, parity), duty);
    }
}

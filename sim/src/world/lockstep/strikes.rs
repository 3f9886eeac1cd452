//! Carrying out in virtual time what goes wrong with more than one core.

use super::{What, World};
use crate::fault::{DETECT_NS, Ranks, Strike};

impl World<'_, '_> {
    /// Carries out what went wrong with more than one core.
    pub(super) fn strike(&mut self) {
        for strike in self.injector.take_strikes() {
            match strike {
                Strike::HoldList { rank, for_ns } => {
                    let list = self.schedulers[rank].wait_list();
                    if self.held[rank].is_none() {
                        self.held[rank] = list.try_lock();
                    }
                    match for_ns {
                        Some(ns) => self.queue.issue(self.now + ns, What::ListFree(rank)),
                        None => self.held_for_ever.add(Ranks::only(rank)),
                    }
                }
                Strike::Reset { rank } => self.reset(rank),
                Strike::Dies { rank } => {
                    self.queue.issue(self.now + DETECT_NS, What::Declare(rank));
                }
            }
        }
    }

    /// All cores of `rank` are reset: what they had is gone, and so is what was on the way to them.
    fn reset(&mut self, rank: usize) {
        let device = &self.devices[rank];
        device.begin_reset();
        self.reset_at[rank] = self.now;
        for core in &mut self.cores[rank] {
            core.reset(device.registers());
        }
        if let Some(workers) = &mut self.programs[rank].workers {
            workers.reset(self.now);
        }
        self.heed_workers(rank);
        self.wake_rank(rank);
    }

    /// The other ranks are told that `rank` is dead.
    pub(super) fn declare(&mut self, rank: usize) {
        self.injector.declare_dead(Ranks::only(rank));
        let index = u32::try_from(rank).expect("a run has at most 1024 ranks");
        for other in (0..self.devices.len()).filter(|&other| other != rank) {
            self.schedulers[other].peer_dead(index);
            self.wake(self.dispatch_of(other));
        }
    }

    fn wake_rank(&mut self, rank: usize) {
        self.wake(self.dispatch_of(rank));
        let handlers = usize::from(self.settings.handlers);
        (rank * handlers..(rank + 1) * handlers).for_each(|handler| self.wake(handler));
    }

    /// Whoever held the wait list of `rank` for a while gives it back.
    pub(super) fn list_is_free(&mut self, rank: usize) {
        if self.held_for_ever.has(rank) {
            return;
        }
        self.held[rank] = None;
        self.wake_rank(rank);
    }
}

//! What programs leave to others in a lockstep world, and what whoever records is told of it and of
//! the steps that are taken.

use finbox_scheduler::CoreId;

use super::{Recording, Role, What, World};
use crate::timeline::NOBODY;
use crate::world::queue::Sender;

impl World<'_, '_> {
    /// Enters what the programs of a rank, the last one on `core`, leave to others.
    pub(super) fn issue_effects(&mut self, rank: usize, core: CoreId) {
        let subject = (rank << 16 | core.index()) as u64;
        let delay = self.jitter.small_ns(subject, self.now);
        for one in std::mem::take(&mut self.programs[rank].issued) {
            let at_ns = one.at_ns.saturating_add(delay);
            let times = (self.now, at_ns);
            let cause = (one.task, one.effect.span());
            for (at_ns, effect) in self.injector.effect(rank, times, one.effect.kind) {
                let operation = self.recording.map_or(NOBODY, |recording| {
                    recording.issued(rank, cause.clone(), (self.now, at_ns), &effect)
                });
                let from = Sender {
                    rank: self.devices[rank].rank(),
                    task: one.task,
                    operation,
                };
                self.queue
                    .issue(at_ns, What::Effect(Box::new((from, effect))));
            }
        }
    }

    /// Enters when a rank's engines end something next, unless it is known.
    pub(super) fn announce_engines(&mut self, rank: usize) {
        if let Some(at_ns) = self.programs[rank].engines.announce() {
            self.issue_engines(rank, at_ns);
        }
    }

    pub(super) fn issue_engines(&mut self, rank: usize, at_ns: u64) {
        let at_ns = at_ns.max(self.now);
        self.queue.issue(at_ns, What::Engines { rank });
    }

    /// Which thread of its rank an actor is.
    pub(super) fn role_of(&self, actor: usize) -> Role {
        let handler = actor % usize::from(self.settings.handlers);
        if actor < self.handlers.len() {
            Role::Handler(u8::try_from(handler).expect("a rank has at most 8 handlers"))
        } else if actor < self.submitter() {
            Role::Dispatch
        } else {
            Role::Submitter
        }
    }

    /// The step of an actor ends, and something came of it.
    pub(super) fn record_step(&self, recording: &Recording<'_>, actor: usize) {
        let role = self.role_of(actor);
        if role == Role::Submitter {
            // One of the two has this row: who wires tasks in.
            if actor == self.feeder() {
                recording.end_step(0, role);
            }
            return;
        }
        let rank = self.rank_of(actor);
        recording.end_step(rank, role);
        if role == Role::Dispatch
            && let Some(desk) = self.schedulers[rank].wait_list().try_lock()
        {
            recording.mailbox(rank, self.meter.now(), desk.mailbox_depth_hint());
        }
    }
}

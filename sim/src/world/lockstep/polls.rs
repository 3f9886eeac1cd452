//! Steps of FIN handlers, and the polls of all actors that are charged instead of taken.

use finbox_scheduler::HandlerStep;

use super::{STEP_NS, World};
use crate::world::actor::Nap;

impl World<'_, '_> {
    /// Ends an actor's nap: something happened that it could see.
    pub(super) fn wake(&mut self, actor: usize) {
        if !self.actors.naps(actor) {
            return;
        }
        let Some(nap) = self.actors.rouse(actor) else {
            return;
        };
        let key = self.actors.key(actor);
        let already = self
            .acting
            .is_some_and(|acting| key < self.actors.key(acting));
        let awake = nap.end(self.now, already);
        self.charge_skipped(actor, &nap, awake.skipped);
        if actor < self.handlers.len() {
            self.look_out(actor, awake.at_ns);
        } else {
            self.rouse_poller(actor, already);
            self.schedule(actor, awake.at_ns);
        }
    }

    pub(super) fn charge_skipped(&mut self, actor: usize, nap: &Nap, skipped: u64) {
        if let Some(lookout) = self.lookouts.get_mut(actor) {
            lookout.pass(nap.busy, skipped);
        } else if actor < self.submitter() {
            let rank = self.rank_of(actor);
            let dispatcher = &mut self.dispatchers[rank];
            dispatcher.skip(self.schedulers[rank], skipped, nap.polled);
        }
    }

    /// The next poll of a handler is at `at_ns`: it is taken when it comes to a core with news.
    fn look_out(&mut self, handler: usize, at_ns: u64) {
        let rank = self.rank_of(handler);
        let busy = self.handlers[handler].busy_mask(self.schedulers[rank]);
        let lookout = &self.lookouts[handler];
        let is_taken = self.settings.every_poll
            || self.handlers[handler].owes()
            || busy == 0
            || lookout.is_before_reset(self.devices[rank].incarnation());
        let polls = match is_taken {
            true => Some(0),
            false => lookout.polls_before_news(busy),
        };
        if polls == Some(0) {
            self.schedule(handler, at_ns);
            return;
        }
        let period_ns = self.poll_ns(rank);
        let nap = Nap::new(at_ns, Some(period_ns), busy);
        self.actors.lay_down(handler, nap);
        match polls {
            Some(polls) => self.schedule(handler, at_ns + u64::from(polls) * period_ns),
            None => self.queue.cancel(handler),
        }
    }

    /// What a poll of a core costs that sees nothing.
    fn poll_ns(&self, rank: usize) -> u64 {
        self.devices[rank].cost().cond_load_ns.max(STEP_NS)
    }

    /// A handler that naps comes to the core for which it was to be called.
    fn arrive(&mut self, handler: usize) {
        let lookout = &mut self.lookouts[handler];
        if let Some(nap) = self.actors.get_up(handler) {
            lookout.pass_to_news(nap.busy);
        }
        self.handlers[handler].skip_to(lookout.cursor());
    }

    /// One step of a FIN handler.
    pub(super) fn handle(&mut self, actor: usize) {
        self.arrive(actor);
        self.meet_poller(actor);
        let rank = self.rank_of(actor);
        let (scheduler, port) = (self.schedulers[rank], self.port(rank));
        let handler = &mut self.handlers[actor];
        let (before, owed) = (handler.ledger().finished(), handler.owes());
        let incarnation = self.devices[rank].incarnation();
        self.lookouts[actor].step(handler.busy_mask(scheduler), incarnation, !owed);
        let step = handler.step(scheduler, &port, &self.probes[rank]);
        let finished = handler.ledger().finished() - before;
        let owes = handler.owes();
        let busy = handler.busy_mask(scheduler);
        let next = self.now + self.meter.elapsed().max(STEP_NS);
        match step {
            HandlerStep::Progress => {
                let pause_ns = self.progressed(actor, finished);
                self.look_out(actor, next + pause_ns);
                self.wake(self.dispatch_of(rank));
            }
            HandlerStep::NoNews if !owes => {
                debug_assert_eq!(next - self.now, self.poll_ns(rank), "what a poll costs");
                self.look_out(actor, next);
            }
            // While nobody can take messages, what is owed stays owed.
            HandlerStep::NoNews
                if self.settings.every_poll
                    || !self.is_blocked(rank)
                    || self.actors.saw_nothing(actor) < busy.count_ones() =>
            {
                self.schedule(actor, next);
            }
            HandlerStep::NoNews => {
                let period_ns = Some(next - self.now);
                self.actors.lay_down(actor, Nap::new(next, period_ns, busy));
            }
            HandlerStep::Idle => self.actors.lay_down(actor, Nap::new(next, None, busy)),
        }
    }
}

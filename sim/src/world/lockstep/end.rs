//! Summing up a lockstep world: what was counted, and who is stuck.

use finbox_scheduler::{Dispatcher, FinHandler, Ledger, Scheduler};

use super::{Doomed, Ended, Remains, World};
use crate::device::SimPort;
use crate::world::halt::Halt;
use crate::world::places::Places;
use crate::world::recorder::Recorder;
use crate::world::stuck::{self, Scene};

impl<'a, 'm> World<'a, 'm> {
    /// What is to be summed up; the world is not turned again.
    pub(super) fn remains(
        &mut self,
        ended: Ended,
        doomed: Doomed,
        recorder: &'a Recorder<'a>,
    ) -> Remains<'a, 'm> {
        let stall = (ended == Ended::Stuck).then(|| self.stall(recorder));
        let engines = self.programs.iter().map(|one| one.engines.slowed());
        self.injector.slowed(engines.sum());
        Remains {
            workload: self.workload,
            devices: self.devices,
            recorder,
            ledger: self.ledger(),
            stall,
            injected: doomed.count(&self.handlers, *self.injector.injected()),
            virtual_ns: self.now,
            interrupted: ended == Ended::Interrupted,
            planned: self.submission.planned(&self.schedulers, self.now),
            passage: self.submission.passage(self.settings, self.now),
            schedulers: std::mem::take(&mut self.schedulers),
        }
    }

    fn ledger(&self) -> Ledger {
        let mut ledger = Ledger::default();
        let handlers = self.handlers.iter().map(FinHandler::ledger);
        let dispatchers = self.dispatchers.iter().map(Dispatcher::ledger);
        handlers
            .chain(dispatchers)
            .chain(self.submission.feed().ledgers())
            .for_each(|one| ledger.merge(one));
        let workers = self.programs.iter().filter_map(|one| one.workers.as_ref());
        workers.for_each(|workers| ledger.merge(&workers.ledger()));
        ledger
    }

    /// The stall report, after the polls up to now were charged.
    fn stall(&mut self, recorder: &Recorder<'_>) -> crate::report::StallReport {
        let halts = self.halts();
        for actor in 0..self.submitter() {
            if let Some(nap) = self.actors.rouse(actor) {
                // The run's last instant is one at which actors still act.
                let skipped = nap.end(self.now, true).skipped;
                self.charge_skipped(actor, &nap, skipped);
            }
        }
        self.meter.begin(self.now);
        let places = Places::of_all(self.devices);
        let submitted = self.ledger().submitted;
        let scene = Scene::of((self.workload, &places), recorder, submitted, &halts);
        let ports = self
            .devices
            .iter()
            .map(|device| Some(SimPort::new(device, self.meter)));
        stuck::report(scene, self.schedulers.iter().copied().zip(ports))
    }

    /// What the messages of each rank stand behind; wait lists that were held are given back.
    fn halts(&mut self) -> Vec<Option<Halt>> {
        let (slots, each) = (
            self.settings.mailbox_slots,
            usize::from(self.settings.handlers),
        );
        let held = self.held.iter_mut().map(|held| held.take().is_some());
        let handlers = self.handlers.chunks(each);
        let keeping = handlers.map(|handlers| handlers.iter().map(FinHandler::owed_cores).sum());
        let ranks = self.schedulers.iter().zip(held).zip(keeping);
        let halt = |((scheduler, is_held), keeping): ((&&Scheduler<'_>, bool), u32)| {
            Halt::of(scheduler, is_held, (slots, keeping))
        };
        ranks.map(halt).collect()
    }
}

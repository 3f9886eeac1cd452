//! A scheduler in all its roles over the machine.

use finbox_runtime::{Arena, Config};
use finbox_scheduler::target::A5;
use finbox_scheduler::{
    Assembly, Chip, Completion, Dispatcher, FinHandler, NoProbe, Pass, Scheduler, Shape, Submitter,
    TaskId, TaskSpec,
};

use crate::Machine;
use crate::machine::CORES;

/// Memory for `conditions` conditions; they come as `completion` says.
pub(crate) fn arena(completion: Completion, conditions: u32) -> Arena {
    let mut config = Config::of(&A5);
    config.chip = Chip {
        target: &A5,
        cores: CORES,
        host_lanes: 0,
        handlers: 1,
    };
    config.condition_room = conditions;
    config.start.completion = completion;
    Arena::new(config).expect("a part of the chip")
}

/// Messages that the scheduler's mailbox holds.
pub(crate) fn mailbox_slots() -> u32 {
    Config::of(&A5).mailbox_slots
}

/// The roles.
pub(crate) struct Run<'m, const COHERENT: bool> {
    pub(crate) scheduler: Scheduler<'m>,
    submitter: Submitter<'m>,
    dispatcher: Dispatcher<'m>,
    pub(crate) handler: FinHandler<'m>,
    pub(crate) machine: Machine<COHERENT>,
    next: u32,
}

impl<'m, const COHERENT: bool> Run<'m, COHERENT> {
    /// In `arena`, with `bytes` bytes of counters.
    pub(crate) fn new(arena: &'m mut Arena, bytes: u64) -> Self {
        let mut assembly = arena.assemble();
        let handler = assembly.handler();
        let Assembly {
            scheduler,
            submitter,
            dispatcher,
            ..
        } = assembly;
        Self {
            scheduler,
            submitter,
            dispatcher,
            handler,
            machine: Machine::new(bytes),
            next: 0,
        }
    }

    /// One task that may leave `may_defer` conditions.
    pub(crate) fn submit(&mut self, may_defer: u8) {
        self.next += 1;
        let spec = TaskSpec {
            may_defer,
            ..TaskSpec::new(TaskId::new(0, self.next), Shape::Aiv)
        };
        let (scheduler, submitter) = (&self.scheduler, &mut self.submitter);
        let submitted = submitter.submit(scheduler, &NoProbe, &spec, &[]);
        submitted.expect("there is room");
    }

    /// One pass of the dispatch thread.
    pub(crate) fn pass(&mut self) -> Pass {
        let (scheduler, machine) = (&self.scheduler, &self.machine);
        self.dispatcher.pass(scheduler, machine, &NoProbe)
    }

    /// Tasks that completed through the mailbox.
    pub(crate) fn deferred(&self) -> u64 {
        self.dispatcher.ledger().deferred
    }

    /// One pass of the FIN handler.
    pub(crate) fn handle(&mut self) {
        let (scheduler, machine) = (&self.scheduler, &self.machine);
        let _ = self.handler.pass(scheduler, machine, &NoProbe);
    }

    /// Tasks that wait for `count` counters from `first` on, `stride` bytes apart, to reach 1.
    pub(crate) fn wait_for(&mut self, first: u64, (count, stride): (u64, u64)) {
        let mut at = 0;
        while at < count {
            let some = (count - at).min(64);
            self.submit(some as u8);
            let _ = self.pass();
            let conditions: Vec<_> = (at..at + some).map(|at| (first + at * stride, 1)).collect();
            assert_eq!(self.machine.run_cores(|| conditions.clone()), 1);
            self.handle();
            let _ = self.pass();
            at += some;
        }
        let desk = self.scheduler.wait_list().try_lock().expect("one thread");
        assert_eq!(desk.unmet().count() as u64, count, "all are stored");
    }
}

//! FINs of one kind on one thread, where nobody else is awake.

use std::fmt::{self, Display, Formatter};
use std::time::{Duration, Instant};

use finbox_runtime::{Arena, Config};
use finbox_scheduler::target::A2A3;
use finbox_scheduler::{
    Assembly, Chip, Dispatcher, FinHandler, HandlerStep, NoProbe, Scheduler, Shape, SlotId,
    Submitter, TaskId, TaskSpec,
};

use crate::chip::SlabChip;

/// FINs timed in a round.
const FINS: u32 = 9_600;
/// FINs of one pass, each on a core of its own.
const CORES: u32 = 48;

/// Which FIN.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// Of a task without deferral, with so many consumers that it releases.
    Inline(u32),
    /// That brings so many conditions and is its task's last.
    Deferred(u32),
}

impl Display for Kind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline(consumers) => write!(f, "inline, {consumers} consumers"),
            Self::Deferred(conditions) => write!(f, "deferred, {conditions} conditions"),
        }
    }
}

struct Run<'m> {
    scheduler: Scheduler<'m>,
    submitter: Submitter<'m>,
    dispatcher: Dispatcher<'m>,
    handler: FinHandler<'m>,
    chip: SlabChip,
    next: u32,
}

impl Run<'_> {
    fn submit(&mut self, may_defer: u32, after: &[SlotId]) -> SlotId {
        self.next += 1;
        let spec = TaskSpec {
            may_defer: may_defer as u8,
            ..TaskSpec::new(TaskId::new(0, self.next), Shape::Aiv)
        };
        let (scheduler, submitter) = (&self.scheduler, &mut self.submitter);
        let slot = submitter.submit(scheduler, &NoProbe, &spec, after);
        slot.expect("there is room")
    }

    fn dispatch(&mut self) -> bool {
        let pass = self.dispatcher.pass(&self.scheduler, &self.chip, &NoProbe);
        pass.progress
    }

    fn handle(&mut self) -> HandlerStep {
        self.handler.pass(&self.scheduler, &self.chip, &NoProbe)
    }

    /// A FIN on each of [`CORES`] cores, timed; then whatever follows.
    fn fins(&mut self, kind: Kind) -> Duration {
        let (consumers, conditions) = match kind {
            Kind::Inline(consumers) => (consumers, 0),
            Kind::Deferred(conditions) => (0, conditions),
        };
        for _ in 0..CORES {
            let producer = self.submit(conditions, &[]);
            for _ in 0..consumers {
                self.submit(0, &[producer]);
            }
        }
        assert!(self.dispatch(), "every core gets a task");
        let before = self.handler.ledger().fins_applied;
        let begin = Instant::now();
        let step = self.handle();
        let took = begin.elapsed();
        assert_eq!(step, HandlerStep::Progress);
        let fins = self.handler.ledger().fins_applied - before;
        assert_eq!(fins, u64::from(CORES), "every core said FIN");
        loop {
            let moved = self.dispatch();
            if self.handle() == HandlerStep::Idle && !moved {
                return took;
            }
        }
    }
}

impl Kind {
    /// One round: ns a FIN.
    pub(crate) fn ns_a_fin(self) -> f64 {
        let mut config = Config::of(&A2A3);
        config.chip = Chip {
            handlers: 1,
            ..Chip::whole(&A2A3)
        };
        let mut arena = Arena::new(config).expect("the chip itself");
        let mut assembly = arena.assemble();
        let handler = assembly.handler();
        let Assembly {
            scheduler,
            submitter,
            dispatcher,
            ..
        } = assembly;
        let conditions = match self {
            Self::Inline(_) => 0,
            Self::Deferred(conditions) => conditions,
        };
        let mut run = Run {
            scheduler,
            submitter,
            dispatcher,
            handler,
            chip: SlabChip::new(A2A3.cores() as usize, conditions),
            next: 0,
        };
        run.fins(self);
        let passes = FINS / CORES;
        let took: Duration = (0..passes).map(|_| run.fins(self)).sum();
        let ended = run.handler.ledger().completed + run.dispatcher.ledger().completed;
        assert_eq!(ended, u64::from(run.next), "every task completes");
        took.as_nanos() as f64 / f64::from(FINS)
    }
}

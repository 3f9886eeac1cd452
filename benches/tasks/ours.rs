//! finbox: the whole life of every task, on one thread or on two.

use std::thread;
use std::time::{Duration, Instant};

use crossbeam_utils::Backoff;
use finbox_runtime::{Access, Arena, BufferId, BufferUse, Config, Wiring, WiringError};
use finbox_scheduler::target::A2A3;
use finbox_scheduler::{
    Chip, Dispatcher, FinHandler, HandlerStep, NoProbe, Scheduler, Shape, SlotId, Submitter,
    TaskId, TaskSpec,
};

use crate::chip::NullChip;
use crate::graph::Graph;

/// Tasks submitted between two passes, as far as there is room.
const BUDGET: usize = 64;
/// Buffers that tasks write in turn: more than tasks that are unfinished at once.
const BUFFERS: usize = 1 << 15;
const BUFFER_BYTES: u64 = 64;

/// How tasks are wired in.
trait Wire {
    /// A graph's next task behind its producers; `None`: there is no room now.
    fn wire(
        &mut self,
        scheduler: &Scheduler<'_>,
        spec: &TaskSpec,
        producers: &[u32],
        slots: &[SlotId],
    ) -> Option<SlotId>;
}

/// With the slots of those it waits for.
struct Named<'m> {
    submitter: Submitter<'m>,
    after: Vec<SlotId>,
}

impl Wire for Named<'_> {
    fn wire(
        &mut self,
        scheduler: &Scheduler<'_>,
        spec: &TaskSpec,
        producers: &[u32],
        slots: &[SlotId],
    ) -> Option<SlotId> {
        self.after.clear();
        let producers = producers.iter().map(|&task| slots[task as usize]);
        self.after.extend(producers);
        match self
            .submitter
            .submit(scheduler, &NoProbe, spec, &self.after)
        {
            Ok(slot) => Some(slot),
            // Looked at where it stands: copying it would cost more than asking.
            Err(ref error) => {
                assert!(error.is_temporary(), "{error}");
                None
            }
        }
    }
}

/// With the buffer that it writes and those that it reads.
struct Found<'m> {
    wiring: Wiring<'m>,
    buffers: Vec<BufferId>,
    uses: Vec<BufferUse>,
}

impl Wire for Found<'_> {
    fn wire(
        &mut self,
        scheduler: &Scheduler<'_>,
        spec: &TaskSpec,
        producers: &[u32],
        slots: &[SlotId],
    ) -> Option<SlotId> {
        let of_task = |task: usize, access| BufferUse {
            buffer: self.buffers[task % BUFFERS],
            range: 0..BUFFER_BYTES,
            access,
        };
        self.uses.clear();
        self.uses.push(of_task(slots.len(), Access::Out));
        let reads = producers
            .iter()
            .map(|&task| of_task(task as usize, Access::In));
        self.uses.extend(reads);
        match self
            .wiring
            .submit(scheduler, &NoProbe, spec, &[], &self.uses)
        {
            Ok(slot) => Some(slot),
            Err(WiringError::Submit(error)) if error.is_temporary() => None,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Submits as much of a graph as there is room for.
struct Feed<'g, W> {
    graph: &'g Graph,
    slots: Vec<SlotId>,
    wire: W,
}

impl<'g, W: Wire> Feed<'g, W> {
    fn new(graph: &'g Graph, wire: W) -> Self {
        let slots = Vec::with_capacity(graph.tasks());
        Self { graph, slots, wire }
    }

    fn is_done(&self) -> bool {
        self.slots.len() == self.graph.tasks()
    }

    /// Up to [`BUDGET`] tasks; whether there was room for them.
    fn some(&mut self, scheduler: &Scheduler<'_>) -> bool {
        let end = (self.slots.len() + BUDGET).min(self.graph.tasks());
        for task in self.slots.len()..end {
            let spec = TaskSpec::new(TaskId::new(0, task as u32), Shape::Aiv);
            let producers = self.graph.producers(task);
            let wired = self.wire.wire(scheduler, &spec, producers, &self.slots);
            match wired {
                Some(slot) => self.slots.push(slot),
                None => return false,
            }
        }
        true
    }
}

/// A chip and its scheduler, in the roles that `run` takes; how long that took.
fn assembled(
    graph: &Graph,
    run: impl FnOnce(
        (&Scheduler<'_>, &NullChip),
        Submitter<'_>,
        Dispatcher<'_>,
        &mut FinHandler<'_>,
    ) -> Duration,
) -> Duration {
    let mut config = Config::of(&A2A3);
    config.chip = Chip {
        handlers: 1,
        ..Chip::whole(&A2A3)
    };
    let mut arena = Arena::new(config).expect("the chip itself");
    let chip = NullChip::new(A2A3.cores() as usize);
    let mut assembly = arena.assemble();
    let mut handler = assembly.handler();
    let (submitter, dispatcher) = (assembly.submitter, assembly.dispatcher);
    let took = run(
        (&assembly.scheduler, &chip),
        submitter,
        dispatcher,
        &mut handler,
    );
    assert_eq!(handler.ledger().completed, graph.tasks() as u64);
    took
}

/// One thread in all roles.
pub(crate) fn one_thread(graph: &Graph) -> Duration {
    assembled(graph, |machine, submitter, dispatcher, handler| {
        let after = Vec::with_capacity(64);
        let feed = Feed::new(graph, Named { submitter, after });
        alone(machine, feed, dispatcher, handler)
    })
}

/// One thread in all roles, which finds the dependencies from what tasks read and write.
pub(crate) fn from_buffers(graph: &Graph) -> Duration {
    assembled(graph, |machine, submitter, dispatcher, handler| {
        let mut wiring = Wiring::new(submitter);
        let buffers = (0..BUFFERS).map(|_| wiring.declare(BUFFER_BYTES)).collect();
        let uses = Vec::with_capacity(64);
        let wire = Found {
            wiring,
            buffers,
            uses,
        };
        alone(machine, Feed::new(graph, wire), dispatcher, handler)
    })
}

fn alone(
    (scheduler, chip): (&Scheduler<'_>, &NullChip),
    mut feed: Feed<'_, impl Wire>,
    mut dispatcher: Dispatcher<'_>,
    handler: &mut FinHandler<'_>,
) -> Duration {
    let begin = Instant::now();
    loop {
        feed.some(scheduler);
        let pass = dispatcher.pass(scheduler, chip, &NoProbe);
        let step = handler.pass(scheduler, chip, &NoProbe);
        if feed.is_done() && step == HandlerStep::Idle && !pass.progress {
            return begin.elapsed();
        }
    }
}

/// One thread submits and dispatches, another handles FINs.
pub(crate) fn two_threads(graph: &Graph) -> Duration {
    assembled(
        graph,
        |(scheduler, chip), submitter, dispatcher, handler| {
            let mut dispatcher = dispatcher;
            let after = Vec::with_capacity(64);
            let mut feed = Feed::new(graph, Named { submitter, after });
            thread::scope(|scope| {
                let begin = Instant::now();
                let fins = scope.spawn(move || {
                    let backoff = Backoff::new();
                    while handler.ledger().completed < graph.tasks() as u64 {
                        match handler.pass(scheduler, chip, &NoProbe) {
                            HandlerStep::Progress => backoff.reset(),
                            _ => backoff.snooze(),
                        }
                    }
                });
                let backoff = Backoff::new();
                while !fins.is_finished() {
                    let fed = !feed.is_done() && feed.some(scheduler);
                    let pass = dispatcher.pass(scheduler, chip, &NoProbe);
                    match fed || pass.progress {
                        true => backoff.reset(),
                        false => backoff.snooze(),
                    }
                }
                fins.join().expect("it counts to its end");
                begin.elapsed()
            })
        },
    )
}

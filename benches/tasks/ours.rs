//! finbox: the whole life of every task, on one thread or on two.

use std::thread;
use std::time::{Duration, Instant};

use finbox_runtime::{Arena, Config};
use finbox_scheduler::target::A2A3;
use finbox_scheduler::{
    Assembly, Chip, HandlerStep, NoProbe, Scheduler, Shape, SlotId, Submitter, TaskId, TaskSpec,
};

use crate::chip::NullChip;
use crate::graph::Graph;

/// Submits as much of a graph as there is room for.
struct Feed<'g> {
    graph: &'g Graph,
    slots: Vec<SlotId>,
    after: Vec<SlotId>,
}

impl<'g> Feed<'g> {
    fn new(graph: &'g Graph) -> Self {
        Self {
            graph,
            slots: Vec::with_capacity(graph.tasks()),
            after: Vec::with_capacity(64),
        }
    }

    fn is_done(&self) -> bool {
        self.slots.len() == self.graph.tasks()
    }

    /// Up to `budget` tasks; whether there was room for them.
    fn some(
        &mut self,
        scheduler: &Scheduler<'_>,
        submitter: &mut Submitter<'_>,
        budget: usize,
    ) -> bool {
        let end = (self.slots.len() + budget).min(self.graph.tasks());
        for task in self.slots.len()..end {
            self.after.clear();
            let producers = self.graph.producers(task);
            self.after
                .extend(producers.iter().map(|&task| self.slots[task as usize]));
            let number = TaskId::new(0, task as u32);
            let spec = TaskSpec::new(number, Shape::Aiv);
            match submitter.submit(scheduler, &NoProbe, &spec, &self.after) {
                Ok(slot) => self.slots.push(slot),
                Err(error) => {
                    assert!(error.is_temporary(), "{error}");
                    return false;
                }
            }
        }
        true
    }
}

fn arena() -> Arena {
    let mut config = Config::of(&A2A3);
    config.chip = Chip {
        handlers: 1,
        ..Chip::whole(&A2A3)
    };
    Arena::new(config).expect("the chip itself")
}

/// One thread in all roles.
pub(crate) fn one_thread(graph: &Graph) -> Duration {
    let mut arena = arena();
    let chip = NullChip::new(A2A3.cores() as usize);
    let mut assembly = arena.assemble();
    let mut handler = assembly.handler();
    let Assembly {
        scheduler,
        mut submitter,
        mut dispatcher,
        ..
    } = assembly;
    let mut feed = Feed::new(graph);
    let begin = Instant::now();
    loop {
        feed.some(&scheduler, &mut submitter, 64);
        let pass = dispatcher.pass(&scheduler, &chip, &NoProbe);
        let step = handler.pass(&scheduler, &chip, &NoProbe);
        if feed.is_done() && step == HandlerStep::Idle && !pass.progress {
            break;
        }
    }
    let took = begin.elapsed();
    assert_eq!(handler.ledger().completed, graph.tasks() as u64);
    took
}

/// One thread submits and dispatches, another handles FINs.
pub(crate) fn two_threads(graph: &Graph) -> Duration {
    let mut arena = arena();
    let chip = NullChip::new(A2A3.cores() as usize);
    let mut assembly = arena.assemble();
    let mut handler = assembly.handler();
    let Assembly {
        scheduler,
        mut submitter,
        mut dispatcher,
        ..
    } = assembly;
    let mut feed = Feed::new(graph);
    thread::scope(|scope| {
        let (scheduler, chip) = (&scheduler, &chip);
        let begin = Instant::now();
        let fins = scope.spawn(move || {
            let backoff = crossbeam_utils::Backoff::new();
            while handler.ledger().completed < graph.tasks() as u64 {
                match handler.pass(scheduler, chip, &NoProbe) {
                    HandlerStep::Progress => backoff.reset(),
                    _ => backoff.snooze(),
                }
            }
        });
        let backoff = crossbeam_utils::Backoff::new();
        while !fins.is_finished() {
            let fed = !feed.is_done() && feed.some(scheduler, &mut submitter, 64);
            let pass = dispatcher.pass(scheduler, chip, &NoProbe);
            match fed || pass.progress {
                true => backoff.reset(),
                false => backoff.snooze(),
            }
        }
        fins.join().expect("it counts to its end");
        begin.elapsed()
    })
}

//! Wiring tasks in: the one submitter of a ring.
//!
//! Slots are handed out in ring order and recycled in ring order, with their edge nodes. Wiring a
//! task is all or nothing: without a free slot, or without a node for every dependency, nothing
//! happened and the submitter may try again when something finished.

use thiserror::Error;

use crate::edges::{EdgeNode, NONE, Wired};
use crate::id::SlotId;
use crate::ledger::Ledger;
use crate::probe::{Event, Probe};
use crate::scheduler::Scheduler;
use crate::slot::{Shape, TaskSpec};

/// Why a task was not wired in. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SubmitError {
    /// Every slot of the ring belongs to a task that is not reclaimed yet. Try again.
    #[error("all {slots} task slots are in use; the oldest task is not finished")]
    RingFull {
        /// Slots of the ring.
        slots: u32,
    },
    /// Fewer free dependency nodes than dependencies. Try again.
    #[error("{needed} dependency nodes needed, {free} free of {total}")]
    NoNodes {
        /// Dependencies of this task.
        needed: u32,
        /// Nodes free now.
        free: u32,
        /// Nodes in all.
        total: u32,
    },
    /// More dependencies than there are nodes: trying again cannot help.
    #[error("a task with {needed} dependencies can never be wired: there are {total} nodes")]
    NeverEnoughNodes {
        /// Dependencies of this task.
        needed: u32,
        /// Nodes in all.
        total: u32,
    },
    /// The task is malformed.
    #[error("a task may register 0 to 64 conditions, a dummy none; this one says {may_defer}")]
    MayDefer {
        /// What it said.
        may_defer: u8,
    },
    /// Its bound of conditions is larger than the whole condition room.
    #[error("a task that may register {may_defer} conditions needs more than the room of {total}")]
    NeverEnoughRoom {
        /// What it said.
        may_defer: u8,
        /// Room in all.
        total: u32,
    },
    /// The chip has no core of this shape.
    #[error("this chip has no core for a task of shape {0:?}")]
    NoCore(Shape),
    /// A dependency names no slot of this ring.
    #[error("dependency {0:?} names no slot of this ring")]
    UnknownDependency(SlotId),
    /// The ring's slots have lived 2³² lives each.
    #[error("every task slot has used up its generations")]
    WornOut,
}

impl SubmitError {
    /// Whether the same task can be wired in later.
    pub const fn is_temporary(&self) -> bool {
        matches!(self, Self::RingFull { .. } | Self::NoNodes { .. })
    }
}

/// The submitter's own state: a value that one thread at a time may use.
#[derive(Debug)]
pub struct Submitter<'m> {
    first_edges: &'m mut [u32],
    free_node: u32,
    free_nodes: u32,
    /// Positions of the ring's oldest unreclaimed slot and of the next one to hand out.
    oldest: u64,
    next: u64,
    ledger: Ledger,
}

impl<'m> Submitter<'m> {
    pub(crate) fn new(first_edges: &'m mut [u32], nodes: &[EdgeNode]) -> Self {
        first_edges.fill(NONE);
        let mut free_node = NONE;
        let mut free_nodes = 0;
        for (index, node) in (0..).zip(nodes) {
            node.set_next(free_node);
            free_node = index;
            free_nodes += 1;
        }
        let ledger = Ledger::default();
        Self {
            first_edges,
            free_node,
            free_nodes,
            oldest: 0,
            next: 0,
            ledger,
        }
    }

    /// What the submitter counted.
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Wires `spec` in, to start after all of `after` have finished.
    ///
    /// A dependency that finished already, however long ago, counts as met; naming one twice is
    /// harmless. If the result is `Ok`, ring the dispatch thread.
    ///
    /// # Errors
    /// [`SubmitError`]; nothing was changed. Some are temporary: try again when something finished.
    pub fn submit(
        &mut self,
        scheduler: &Scheduler<'_>,
        probe: &impl Probe,
        spec: &TaskSpec,
        after: &[SlotId],
    ) -> Result<SlotId, SubmitError> {
        check(scheduler, spec, after)?;
        self.reclaim(scheduler);
        self.check_nodes(scheduler, after.len())?;
        let slot = self.open(scheduler, spec)?;
        probe.event(Event::Submitted {
            slot,
            task: spec.task,
        });
        self.ledger.submitted += 1;
        for &producer in after {
            self.wire(scheduler, producer, slot);
        }
        let fan_in = scheduler.slot(slot).count_down();
        scheduler.place_if_ready(slot, fan_in);
        Ok(slot)
    }

    fn check_nodes(&self, scheduler: &Scheduler<'_>, after: usize) -> Result<(), SubmitError> {
        let total = u32::try_from(scheduler.nodes.len()).expect("at most 2^30 nodes");
        let needed = u32::try_from(after).unwrap_or(u32::MAX);
        if needed > total {
            return Err(SubmitError::NeverEnoughNodes { needed, total });
        }
        if needed > self.free_nodes {
            return Err(SubmitError::NoNodes {
                needed,
                free: self.free_nodes,
                total,
            });
        }
        Ok(())
    }

    /// Takes back slots, and the nodes of their lists, in ring order up to the first one in use.
    fn reclaim(&mut self, scheduler: &Scheduler<'_>) {
        while self.oldest < self.next {
            let index = index_of(self.oldest, scheduler);
            if !scheduler.slots[index]
                .retire
                .state_for_recycling()
                .is_released()
            {
                return;
            }
            let mut node = core::mem::replace(&mut self.first_edges[index], NONE);
            while node != NONE {
                let next = scheduler.nodes[node as usize].next();
                self.free(scheduler, node);
                node = next;
            }
            self.oldest += 1;
        }
    }

    fn free(&mut self, scheduler: &Scheduler<'_>, node: u32) {
        scheduler.nodes[node as usize].set_next(self.free_node);
        self.free_node = node;
        self.free_nodes += 1;
    }

    /// Starts a new life of the next slot. A slot whose generations are used up is passed over.
    fn open(&mut self, scheduler: &Scheduler<'_>, spec: &TaskSpec) -> Result<SlotId, SubmitError> {
        let slots = scheduler.slots.len() as u64;
        for _ in 0..slots {
            if self.next - self.oldest >= slots {
                let slots = u32::try_from(slots).expect("at most 2^24 slots");
                return Err(SubmitError::RingFull { slots });
            }
            let index = index_of(self.next, scheduler);
            self.next += 1;
            let words = &scheduler.slots[index];
            let lived = words.retire.state_for_recycling().generation();
            if let Some(generation) = lived.checked_add(1) {
                let index = u32::try_from(index).expect("an index has 24 bits");
                words.describe(spec);
                words.edges.open(generation);
                words.retire.open(generation, 1);
                return Ok(SlotId::new(scheduler.ring, index, generation));
            }
        }
        Err(SubmitError::WornOut)
    }

    /// Makes `consumer` wait for `producer`, unless that has finished.
    fn wire(&mut self, scheduler: &Scheduler<'_>, producer: SlotId, consumer: SlotId) {
        let node = self.free_node;
        let words = &scheduler.nodes[node as usize];
        let next_free = words.next();
        words.set_consumer(consumer);
        let waiting = scheduler.slot(consumer);
        waiting.expect_producer();
        let list = &scheduler.slot(producer).edges;
        match list.push(producer.generation(), node, scheduler.nodes) {
            Wired::Waits => {
                self.free_node = next_free;
                self.free_nodes -= 1;
                self.first_edges[producer.index()] = node;
            }
            finished => {
                waiting.forget_producer();
                if finished == Wired::AlreadyFailed {
                    waiting.poison();
                }
                words.set_next(next_free);
            }
        }
    }
}

fn index_of(position: u64, scheduler: &Scheduler<'_>) -> usize {
    let index = position % scheduler.slots.len() as u64;
    usize::try_from(index).expect("an index has 24 bits")
}

fn check(scheduler: &Scheduler<'_>, spec: &TaskSpec, after: &[SlotId]) -> Result<(), SubmitError> {
    if !spec.is_valid() {
        return Err(SubmitError::MayDefer {
            may_defer: spec.may_defer,
        });
    }
    let total = scheduler.room.total();
    if u32::from(spec.may_defer) > total {
        return Err(SubmitError::NeverEnoughRoom {
            may_defer: spec.may_defer,
            total,
        });
    }
    if !scheduler.can_run(spec.shape) {
        return Err(SubmitError::NoCore(spec.shape));
    }
    let is_known =
        |slot: &&SlotId| slot.ring() == scheduler.ring && slot.index() < scheduler.slots.len();
    match after.iter().find(|slot| !is_known(slot)) {
        Some(&unknown) => Err(SubmitError::UnknownDependency(unknown)),
        None => Ok(()),
    }
}

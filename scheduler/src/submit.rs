//! Wiring tasks in: the one submitter of all rings.
//!
//! A task goes to the ring of its scope depth. A ring's slots are handed out in order and recycled
//! in order, with their edge nodes and output memory, when nobody needs them any more: the task
//! has finished, no open scope holds it, and whoever retains it has finished. Wiring is all or
//! nothing: without a free slot, a node for every dependency and room for the output, nothing
//! happened. That is temporary, unless what is missing is held by a scope that only the submitter
//! itself can close: then it is told at once, with numbers.

use core::ops::Range;

use crate::admit::{self, SubmitError};
use crate::book::SlotBook;
use crate::dependency::{Dependency, Needs};
use crate::edges::{Fate, NONE, Wired};
use crate::heap::{HeapRing, Reserved};
use crate::id::{SlotId, TaskId};
use crate::ledger::Ledger;
use crate::limits::MAX_RINGS;
use crate::probe::{Event, Probe};
use crate::reclaim::Ring;
use crate::rings::Rings;
use crate::scheduler::Scheduler;
use crate::scope::{Scope, ScopeError, Scopes};
use crate::slot::FanIn;
use crate::spec::TaskSpec;

/// The submitter's own state: a value that one thread at a time may use.
#[derive(Debug)]
pub struct Submitter<'m> {
    pub(crate) books: &'m mut [SlotBook],
    pub(crate) scopes: Scopes<'m>,
    pub(crate) rings: [Ring; MAX_RINGS],
    /// The last ring that there is.
    pub(crate) last_ring: u8,
    free_node: u32,
    pub(crate) free_nodes: u32,
    ledger: Ledger,
}

impl<'m> Submitter<'m> {
    pub(crate) fn new(
        scheduler: &Scheduler<'_>,
        sizes: &Rings,
        books: &'m mut [SlotBook],
        scopes: &'m mut [Scope],
    ) -> Self {
        for (book, words) in books.iter_mut().zip(scheduler.slots) {
            book.reset(words.retire.state_for_recycling().generation());
        }
        let mut free_node = NONE;
        let mut free_nodes = 0;
        for (index, node) in (0..).zip(scheduler.nodes) {
            node.set_next(free_node);
            free_node = index;
            free_nodes += 1;
        }
        let mut rings = [Ring::NONE; MAX_RINGS];
        let (mut first_slot, mut heap_base) = (0, 0);
        for (ring, (&slots, &bytes)) in rings
            .iter_mut()
            .zip(sizes.slots.iter().zip(&sizes.heap_bytes))
        {
            *ring = Ring {
                first_slot,
                oldest_at: first_slot,
                next_at: first_slot,
                slots,
                heap: HeapRing::new(bytes),
                heap_base,
                ..Ring::NONE
            };
            first_slot += slots as usize;
            heap_base += bytes;
        }
        let last_ring = u8::try_from(sizes.count() - 1).expect("at most 4 rings");
        Self {
            books,
            scopes: Scopes::new(scopes),
            rings,
            last_ring,
            free_node,
            free_nodes,
            ledger: Ledger::default(),
        }
    }

    /// What the submitter counted.
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Scopes that are open.
    pub const fn depth(&self) -> u8 {
        self.scopes.depth()
    }

    /// Opens a scope inside those that are open: tasks submitted before it closes are held by it.
    ///
    /// # Errors
    /// [`ScopeError::TooDeep`].
    pub fn open_scope(&mut self) -> Result<(), ScopeError> {
        let ring = self.scopes.depth().saturating_add(1).min(self.last_ring);
        self.scopes.open(self.rings[usize::from(ring)].next)
    }

    /// Closes the innermost scope: its tasks are reclaimed when they have finished. Returns what it
    /// held.
    ///
    /// # Errors
    /// [`ScopeError::NoneOpen`].
    ///
    /// # Cost
    /// O(1), however many tasks it held.
    pub fn close_scope(&mut self) -> Result<Scope, ScopeError> {
        self.scopes.close()
    }

    /// Offsets of the output memory of the task that was wired in as `slot`, in the range that all
    /// rings share; `None` if it has none, or was reclaimed.
    pub fn output_of(&self, slot: SlotId) -> Option<Range<u64>> {
        let book = self.books.get(slot.index())?;
        let is_current = book.generation == slot.generation() && !book.is_reclaimed;
        let output = book.output.filter(|_| is_current)?;
        let base = self.rings[usize::from(slot.ring())].heap_base;
        Some(base + output.range().start..base + output.range().end)
    }

    /// What became of the task that was wired in as `slot`. A failure is remembered for the last 64
    /// lives of its slot.
    ///
    /// # Panics
    /// If no task was ever wired in as `slot`.
    pub fn fate(&self, scheduler: &Scheduler<'_>, slot: SlotId) -> Fate {
        let book = &self.books[slot.index()];
        match book.generation == slot.generation() {
            true => scheduler.slot(slot).edges.fate(slot.generation()),
            false => book.past(slot.generation()),
        }
    }

    /// Whether the task that was wired in as `slot` has finished, and no core has a token of it any
    /// more: one that failed may still be written for until then.
    ///
    /// # Panics
    /// If no task was ever wired in as `slot`.
    pub fn is_at_rest(&self, scheduler: &Scheduler<'_>, slot: SlotId) -> bool {
        let is_current = self.books[slot.index()].generation == slot.generation();
        let retire = &scheduler.slot(slot).retire;
        // A slot begins no other life before.
        !is_current || retire.state_for_recycling().is_at_rest()
    }

    /// Wires `spec` in, to start after all of `after` have finished.
    ///
    /// A dependency that finished already counts as met, or cancels the task if it failed within
    /// the last 64 lives of its slot; naming one twice is harmless. If the result is `Ok`, ring the
    /// dispatch thread.
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
        let after = after.iter().map(|&slot| Dependency::wait(slot));
        self.submit_each(scheduler, probe, spec, after)
    }

    /// Wires `spec` in behind `dependencies`, each with what is needed of it.
    ///
    /// As [`submit`](Self::submit); besides, what is to be retained must not have been reclaimed: a
    /// task is safe from that while a scope holds it, or another task retains it.
    ///
    /// # Errors
    /// [`SubmitError`]; nothing was changed.
    pub fn submit_with(
        &mut self,
        scheduler: &Scheduler<'_>,
        probe: &impl Probe,
        spec: &TaskSpec,
        dependencies: &[Dependency],
    ) -> Result<SlotId, SubmitError> {
        self.submit_each(scheduler, probe, spec, dependencies.iter().copied())
    }

    /// As [`submit_with`](Self::submit_with), with dependencies that stand in no slice. They must
    /// be the same each time they are asked for.
    ///
    /// # Errors
    /// [`SubmitError`]; nothing was changed.
    pub fn submit_each(
        &mut self,
        scheduler: &Scheduler<'_>,
        probe: &impl Probe,
        spec: &TaskSpec,
        dependencies: impl Iterator<Item = Dependency> + Clone,
    ) -> Result<SlotId, SubmitError> {
        admit::check(scheduler, spec)?;
        self.check_known(scheduler, dependencies.clone())?;
        let ring = self.scopes.depth().min(self.last_ring);
        self.reclaim(scheduler, ring);
        self.check_nodes(scheduler, dependencies.clone())?;
        self.check_retained(dependencies.clone())?;
        let index = match self.next_slot(scheduler, ring) {
            Ok(index) => index,
            Err(why) => return self.refuse(ring, why),
        };
        let output = match spec.output_bytes {
            0 => None,
            bytes => Some(self.reserve_output(ring, bytes)?),
        };
        let waits = |one: &Dependency| one.needs.contains(Needs::WAIT);
        let producers = dependencies.clone().filter(waits).count();
        let producers = u32::try_from(producers).expect("fewer dependencies than a count holds");
        let slot = self.open(scheduler, (spec, producers), (ring, index, output));
        probe.event(Event::Submitted {
            slot,
            task: spec.task,
        });
        self.ledger.submitted += 1;
        let mut finished = 0;
        for dependency in dependencies {
            finished += u32::from(self.wire(scheduler, dependency, slot));
        }
        let fan_in = match (producers, finished) {
            (0, _) => FanIn::Ready,
            // All of them count it down: it may be over already.
            (_, 0) => FanIn::Waiting,
            _ => scheduler.slot(slot).count_down(finished),
        };
        scheduler.place_if_ready(slot, fan_in);
        Ok(slot)
    }

    /// Whether a task was ever wired in as `slot`.
    #[inline]
    pub fn is_known(&self, scheduler: &Scheduler<'_>, slot: SlotId) -> bool {
        let has_begun = |book: &SlotBook| (1..=book.generation).contains(&slot.generation());
        scheduler.is_named_right(slot) && has_begun(&self.books[slot.index()])
    }

    /// Refuses what names no task that was ever submitted.
    #[inline]
    fn check_known(
        &self,
        scheduler: &Scheduler<'_>,
        mut dependencies: impl Iterator<Item = Dependency>,
    ) -> Result<(), SubmitError> {
        let is_unknown = |&Dependency { slot, .. }: &Dependency| !self.is_known(scheduler, slot);
        match dependencies.find(is_unknown) {
            Some(unknown) => Err(SubmitError::UnknownDependency(unknown.slot)),
            None => Ok(()),
        }
    }

    #[inline]
    fn check_retained(
        &self,
        mut dependencies: impl Iterator<Item = Dependency>,
    ) -> Result<(), SubmitError> {
        let is_gone = |&Dependency { slot, needs }: &Dependency| {
            let book = &self.books[slot.index()];
            let is_there = book.generation == slot.generation() && !book.is_reclaimed;
            needs.contains(Needs::RETAIN) && !is_there
        };
        match dependencies.find(is_gone) {
            Some(gone) => Err(SubmitError::Reclaimed(gone.slot)),
            None => Ok(()),
        }
    }

    /// Starts a new life of the slot at `index`.
    #[inline]
    fn open(
        &mut self,
        scheduler: &Scheduler<'_>,
        (spec, producers): (&TaskSpec, u32),
        (ring, index, output): (u8, usize, Option<Reserved>),
    ) -> SlotId {
        let words = &scheduler.slots[index];
        let past = words.retire.state_for_recycling();
        let book = &mut self.books[index];
        let failed = past.is_failed() || past.is_cancelled();
        book.open(failed, self.scopes.depth());
        let generation = book.generation;
        // Most tasks have none, and copying what is not there is dear.
        if let Some(reserved) = output {
            book.output = Some(reserved);
        }
        self.scopes.count(output.map_or(0, |output| output.bytes));
        self.rings[usize::from(ring)].hand_out();
        words.describe(spec, producers);
        words.edges.open(generation);
        words.retire.open(generation, spec.retirements());
        let index = u32::try_from(index).expect("an index has 24 bits");
        SlotId::new(ring, index, generation)
    }

    /// Makes `consumer` wait for a task before it, and retain it. Whether it would have waited for
    /// one that had finished.
    #[inline]
    fn wire(
        &mut self,
        scheduler: &Scheduler<'_>,
        dependency: Dependency,
        consumer: SlotId,
    ) -> bool {
        let Dependency { slot, needs } = dependency;
        if needs.contains(Needs::RETAIN) {
            let node = self.take_node(scheduler, consumer);
            let first = &mut self.books[slot.index()].first_retainer;
            scheduler.nodes[node as usize].set_next(core::mem::replace(first, node));
        }
        if !needs.contains(Needs::WAIT) {
            return false;
        }
        let fate = match self.fate(scheduler, slot) {
            Fate::Unfinished => self.wait(scheduler, slot, consumer),
            finished => finished,
        };
        if fate == Fate::Failed {
            self.poison(scheduler, slot, consumer);
        }
        fate != Fate::Unfinished
    }

    #[inline]
    pub(crate) fn free(&mut self, scheduler: &Scheduler<'_>, node: u32) {
        scheduler.nodes[node as usize].set_next(self.free_node);
        self.free_node = node;
        self.free_nodes += 1;
    }

    fn take_node(&mut self, scheduler: &Scheduler<'_>, consumer: SlotId) -> u32 {
        let node = self.free_node;
        let words = &scheduler.nodes[node as usize];
        self.free_node = words.next();
        self.free_nodes -= 1;
        words.set_consumer(consumer);
        node
    }

    /// Puts `consumer` into the list of `producer`, unless that has finished meanwhile.
    fn wait(&mut self, scheduler: &Scheduler<'_>, producer: SlotId, consumer: SlotId) -> Fate {
        let node = self.take_node(scheduler, consumer);
        let list = &scheduler.slot(producer).edges;
        let wired = list.push(producer.generation(), node, scheduler.nodes);
        if wired == Wired::Waits {
            self.books[producer.index()].first_edge = node;
            return Fate::Unfinished;
        }
        self.free(scheduler, node);
        match wired {
            Wired::AlreadyFailed => Fate::Failed,
            _ => Fate::Completed,
        }
    }

    /// Marks `consumer`: the finished `producer` failed. An earlier life's number is forgotten.
    fn poison(&self, scheduler: &Scheduler<'_>, producer: SlotId, consumer: SlotId) {
        let is_current = self.books[producer.index()].generation == producer.generation();
        let cause = match is_current {
            true => scheduler.slot(producer).task(),
            false => TaskId::INVALID,
        };
        scheduler.slot(consumer).poison(cause);
    }
}

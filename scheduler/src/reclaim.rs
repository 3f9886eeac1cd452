//! Room for the next task: what a ring takes back, and what it says when there is too little.
//!
//! Called by the submitter alone. A slot is taken back in its ring's order, when its task has
//! finished, no open scope holds it and whoever retains it has finished. What is missing comes back
//! by itself, unless the oldest slot of the ring is held by an open scope: that only the submitter
//! can close, and so it is told.

use core::ops::Range;

use crate::admit::SubmitError;
use crate::book::SlotBook;
use crate::dependency::{Dependency, Needs};
use crate::edges::{Fate, NONE};
use crate::heap::{HeapRing, Reserved};
use crate::id::SlotId;
use crate::scheduler::Scheduler;
use crate::submit::Submitter;

/// One ring: a run of slots, and a run of output memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ring {
    pub(crate) first_slot: usize,
    pub(crate) slots: u32,
    /// Positions of the oldest unreclaimed slot and of the next one to hand out.
    pub(crate) oldest: u64,
    pub(crate) next: u64,
    /// Where these two stand in the table of all slots.
    pub(crate) oldest_at: usize,
    pub(crate) next_at: usize,
    /// The first of the slots that were passed over, or [`NONE`].
    pub(crate) first_quarantined: u32,
    pub(crate) heap: HeapRing,
    /// Where its output memory begins.
    pub(crate) heap_base: u64,
}

/// Who still retains a task.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Retained {
    /// Nobody.
    No,
    /// Only tasks whose outcome is decided, of which a core still has tokens.
    Late,
    /// A task that is not finished.
    Yes,
}

/// Why no slot can begin another life now.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoSlot {
    /// All are in use.
    Full,
    /// Their generations are used up.
    WornOut,
}

impl Ring {
    /// The ring that does not exist.
    pub(crate) const NONE: Self = Self {
        first_slot: 0,
        slots: 0,
        oldest: 0,
        next: 0,
        oldest_at: 0,
        next_at: 0,
        first_quarantined: NONE,
        heap: HeapRing::new(0),
        heap_base: 0,
    };

    /// The next slot has begun another life, or is passed over.
    #[inline]
    pub(crate) const fn hand_out(&mut self) {
        self.next += 1;
        self.next_at = self.behind(self.next_at);
    }

    /// Nobody needs the oldest slot any more.
    #[inline]
    const fn take_in(&mut self) {
        self.oldest += 1;
        self.oldest_at = self.behind(self.oldest_at);
    }

    #[inline]
    const fn behind(&self, at: usize) -> usize {
        match at + 1 == self.first_slot + self.slots as usize {
            true => self.first_slot,
            false => at + 1,
        }
    }

    pub(crate) const fn is_full(&self) -> bool {
        self.next - self.oldest >= self.slots as u64
    }
}

impl Submitter<'_> {
    /// Whether there is a node for each dependency. What has finished takes none, but that is
    /// counted only where it decides.
    #[inline]
    pub(crate) fn check_nodes(
        &mut self,
        scheduler: &Scheduler<'_>,
        dependencies: impl Iterator<Item = Dependency> + Clone,
    ) -> Result<(), SubmitError> {
        let most: u64 = dependencies.clone().map(|one| u64::from(one.nodes())).sum();
        if most <= u64::from(self.free_nodes) {
            return Ok(());
        }
        (0..=self.last_ring).for_each(|ring| self.reclaim(scheduler, ring));
        let waits = |one: &Dependency| {
            one.needs.contains(Needs::WAIT) && self.fate(scheduler, one.slot) == Fate::Unfinished
        };
        let needed: u64 = dependencies
            .map(|one| u64::from(waits(&one)) + u64::from(one.needs.contains(Needs::RETAIN)))
            .sum();
        let needed = u32::try_from(needed).unwrap_or(u32::MAX);
        let total = u32::try_from(scheduler.nodes.len()).expect("at most 2^30 nodes");
        let free = self.free_nodes;
        if needed > total {
            return Err(SubmitError::NeverEnoughNodes { needed, total });
        }
        if needed <= free {
            return Ok(());
        }
        Err(match self.holder_of_all() {
            Some(by) => SubmitError::NodesHeld {
                needed,
                free,
                total,
                by,
                tasks: self.scopes.at(by).tasks(),
            },
            None => SubmitError::NoNodes {
                needed,
                free,
                total,
            },
        })
    }

    /// Depth of the open scope that holds the oldest slot of `ring`.
    fn holder(&self, ring: u8) -> Option<u8> {
        let ring = &self.rings[usize::from(ring)];
        let book = &self.books[ring.oldest_at];
        let is_used = ring.oldest < ring.next && !book.is_reclaimed;
        (is_used && self.scopes.holds(book.depth, ring.oldest)).then_some(book.depth)
    }

    /// If every ring that is not empty has its oldest slot held: the depth of one who holds.
    fn holder_of_all(&self) -> Option<u8> {
        let mut deepest = None;
        for ring in 0..=self.last_ring {
            let state = &self.rings[usize::from(ring)];
            if state.oldest < state.next {
                deepest = deepest.max(Some(self.holder(ring)?));
            }
        }
        deepest
    }

    /// Takes back slots, with their nodes and output memory, in ring order up to the first one
    /// that somebody still needs.
    #[inline]
    pub(crate) fn reclaim(&mut self, scheduler: &Scheduler<'_>, ring: u8) {
        let number = usize::from(ring);
        loop {
            let state = &self.rings[number];
            let (oldest, index) = (state.oldest, state.oldest_at);
            if oldest == state.next {
                return;
            }
            let book = &self.books[index];
            if !book.is_reclaimed {
                let state = scheduler.slots[index].retire.state_for_recycling();
                if !state.is_released() || self.scopes.holds(book.depth, oldest) {
                    return;
                }
                let retained = self.retained(scheduler, index);
                if retained == Retained::Yes {
                    return;
                }
                self.take_back(scheduler, number, index);
                if state.is_quarantined() || retained == Retained::Late {
                    self.quarantine(number, index);
                }
            }
            self.rings[number].take_in();
        }
    }

    /// Who retains the slot at `index`. Tasks that are over are let go.
    #[inline]
    fn retained(&mut self, scheduler: &Scheduler<'_>, index: usize) -> Retained {
        match self.books[index].first_retainer {
            NONE => Retained::No,
            _ => self.retained_by(scheduler, index),
        }
    }

    fn retained_by(&mut self, scheduler: &Scheduler<'_>, index: usize) -> Retained {
        let mut answer = Retained::No;
        let mut kept = NONE;
        let mut node = self.books[index].first_retainer;
        while node != NONE {
            let words = &scheduler.nodes[node as usize];
            let next = words.next();
            let consumer = words.consumer();
            let word = &scheduler.slot(consumer).retire;
            if word.state().is_live(consumer.generation()) {
                return Retained::Yes;
            }
            let state = word.state_for_recycling();
            if state.generation() == consumer.generation() && state.remaining() > 0 {
                (answer, kept) = (Retained::Late, node);
            } else {
                match kept {
                    NONE => self.books[index].first_retainer = next,
                    before => scheduler.nodes[before as usize].set_next(next),
                }
                self.free(scheduler, node);
            }
            node = next;
        }
        answer
    }

    /// Passes over a slot that a core may still touch: it gets no new life, and its output memory
    /// is not given out, until that is over.
    fn quarantine(&mut self, ring: usize, index: usize) {
        let first = &mut self.rings[ring].first_quarantined;
        let slot = u32::try_from(index).expect("an index has 24 bits");
        let next = core::mem::replace(first, slot);
        let book = &mut self.books[index];
        (book.is_quarantined, book.next_quarantined) = (true, next);
    }

    /// Lets go the quarantined slots of `ring` that no core has tokens of any more.
    #[cold]
    fn lift_quarantine(&mut self, scheduler: &Scheduler<'_>, ring: u8) {
        let mut slot =
            core::mem::replace(&mut self.rings[usize::from(ring)].first_quarantined, NONE);
        while slot != NONE {
            let index = slot as usize;
            slot = core::mem::replace(&mut self.books[index].next_quarantined, NONE);
            let state = scheduler.slots[index].retire.state_for_recycling();
            if state.is_at_rest() && self.retained(scheduler, index) == Retained::No {
                self.books[index].is_quarantined = false;
            } else {
                self.quarantine(usize::from(ring), index);
            }
        }
    }

    fn quarantine_of(&self, ring: &Ring) -> impl Iterator<Item = &SlotBook> {
        let book = |slot: u32| self.books.get(slot as usize);
        core::iter::successors(book(ring.first_quarantined), move |one| {
            book(one.next_quarantined)
        })
    }

    /// Takes back nodes and output memory of the slot at `index`.
    #[inline]
    fn take_back(&mut self, scheduler: &Scheduler<'_>, ring: usize, index: usize) {
        let book = &mut self.books[index];
        book.is_reclaimed = true;
        let mut node = core::mem::replace(&mut book.first_edge, NONE);
        if let Some(output) = book.output {
            self.rings[ring].heap.give_back(output.end);
        }
        while node != NONE {
            let next = scheduler.nodes[node as usize].next();
            self.free(scheduler, node);
            node = next;
        }
    }

    /// Finds the next slot of `ring` that can begin another life.
    #[inline]
    pub(crate) fn next_slot(
        &mut self,
        scheduler: &Scheduler<'_>,
        ring: u8,
    ) -> Result<usize, NoSlot> {
        let state = &self.rings[usize::from(ring)];
        let is_plain = state.first_quarantined == NONE && !state.is_full();
        match is_plain && self.books[state.next_at].generation < u32::MAX {
            true => Ok(state.next_at),
            false => self.search_slot(scheduler, ring),
        }
    }

    /// Passes over slots that are quarantined, or whose generations are used up.
    fn search_slot(&mut self, scheduler: &Scheduler<'_>, ring: u8) -> Result<usize, NoSlot> {
        if self.rings[usize::from(ring)].first_quarantined != NONE {
            self.lift_quarantine(scheduler, ring);
        }
        let state = &mut self.rings[usize::from(ring)];
        let mut is_worn_out = true;
        for _ in 0..state.slots {
            if state.is_full() {
                return Err(NoSlot::Full);
            }
            let index = state.next_at;
            let book = &self.books[index];
            if !book.is_quarantined && book.generation < u32::MAX {
                return Ok(index);
            }
            is_worn_out &= !book.is_quarantined;
            state.hand_out();
        }
        match is_worn_out {
            true => Err(NoSlot::WornOut),
            false => Err(NoSlot::Full),
        }
    }

    /// Says why there is no slot: the whole answer of a submission, which is written where it is
    /// wanted and copied nowhere.
    #[inline(never)]
    pub(crate) fn refuse(&self, ring: u8, why: NoSlot) -> Result<SlotId, SubmitError> {
        let slots = self.rings[usize::from(ring)].slots;
        if why == NoSlot::WornOut {
            return Err(SubmitError::WornOut);
        }
        let Some(by) = self.holder(ring) else {
            return Err(SubmitError::RingFull { ring, slots });
        };
        let scope = self.scopes.at(by);
        Err(SubmitError::SlotsHeld {
            ring,
            slots,
            depth: self.scopes.depth(),
            by,
            tasks: scope.tasks(),
            bytes: scope.bytes(),
        })
    }

    /// Reserves `needed` bytes, not 0, for the output of a task in `ring`.
    #[inline(never)]
    pub(crate) fn reserve_output(
        &mut self,
        ring: u8,
        needed: u64,
    ) -> Result<Reserved, SubmitError> {
        let state = &self.rings[usize::from(ring)];
        let mut heap = state.heap;
        let total = heap.bytes();
        if !heap.can_ever(needed) {
            return Err(SubmitError::NeverEnoughHeap {
                ring,
                needed,
                total,
            });
        }
        let reserved = heap.reserve(needed, |range| {
            let outputs = self.quarantine_of(state).filter_map(|book| book.output);
            let mut barred = outputs.map(|output| output.range());
            let overlaps = |one: &Range<u64>| one.start < range.end && range.start < one.end;
            barred.find(overlaps).map(|one| one.end)
        });
        let used = heap.used();
        self.rings[usize::from(ring)].heap = heap;
        if let Some(reserved) = reserved {
            return Ok(reserved);
        }
        let Some(by) = self.holder(ring) else {
            return Err(SubmitError::NoHeap {
                ring,
                needed,
                used,
                total,
            });
        };
        let scope = self.scopes.at(by);
        Err(SubmitError::HeapHeld {
            ring,
            needed,
            used,
            total,
            depth: self.scopes.depth(),
            by,
            tasks: scope.tasks(),
            bytes: scope.bytes(),
        })
    }
}

#[cfg(test)]
mod tests {
    use core::array::from_fn;

    use crate::limits::MAX_CONDITIONS;
    use crate::target::A2A3;
    use crate::{
        Chip, Memory, NoProbe, Rings, Shape, Start, SubmitError, TaskId, TaskSlot, TaskSpec,
        assemble,
    };

    const CONDITIONS: usize = MAX_CONDITIONS as usize;

    /// What becomes of a task, and in which slot, if `slots` have had so many lives.
    fn submit_after(lives: [u32; 2]) -> Result<(usize, u32), SubmitError> {
        let slots: [TaskSlot; 2] = from_fn(|_| TaskSlot::default());
        for (slot, lives) in slots.iter().zip(lives) {
            slot.retire.open(lives, 1);
            assert!(slot.retire.retire(lives, 0, 0, false).is_ok());
            slot.retire.release();
        }
        let mut slots = slots;
        let chip = Chip {
            target: &A2A3,
            cores: 3,
            host_lanes: 0,
            handlers: 1,
        };
        let memory = Memory {
            header: &mut Default::default(),
            cells: &mut from_fn::<_, 2, _>(|_| Default::default()),
            claim_lines: &mut [],
            slots: &mut slots,
            entries: &mut [Default::default(); 2],
            rings: Rings::one(2),
            books: &mut [Default::default(); 2],
            scopes: &mut [],
            nodes: &mut [],
            conditions: &mut [Default::default(); CONDITIONS],
            lines: &mut [Default::default(); CONDITIONS],
            line_words: &mut from_fn::<_, CONDITIONS, _>(|_| Default::default()),
            line_index: &mut [Default::default(); 2 * CONDITIONS],
            queues: &mut [],
            cores: &mut from_fn::<_, 3, _>(|_| Default::default()),
            handler_cores: &mut from_fn::<_, 3, _>(|_| Default::default()),
            tokens: &mut [crate::Token::IDLE; 3],
            work: None,
        };
        let mut assembly = assemble(chip, Start::default(), memory);
        let spec = TaskSpec::new(TaskId::new(0, 1), Shape::Dummy);
        let (submitter, scheduler) = (&mut assembly.submitter, &assembly.scheduler);
        let slot = submitter.submit(scheduler, &NoProbe, &spec, &[])?;
        Ok((slot.index(), slot.generation()))
    }

    #[test]
    fn a_slot_has_as_many_lives_as_a_generation_counts_and_is_passed_over_then() {
        const LAST: u32 = u32::MAX;
        assert_eq!(submit_after([LAST - 1, 7]), Ok((0, LAST)));
        assert_eq!(submit_after([LAST, LAST - 1]), Ok((1, LAST)));
        assert_eq!(submit_after([LAST, LAST]), Err(SubmitError::WornOut));
    }
}

//! Ready stacks and the dispatch thread's own queues: intrusive, without capacity.
//!
//! Slots are linked by index through their own `next` word. Anyone pushes by compare-exchange; the
//! dispatch thread takes all by one swap and reverses, so tasks leave in the order they became
//! ready. Taking all leaves no ABA.

use crossbeam_utils::CachePadded;
use finbox_mailbox::sync::AtomicU32;

use crate::edge;
use crate::slot::TaskSlot;
use crate::spec::{PRIORITIES, STACKS};

/// No slot.
const NONE: u32 = u32::MAX;

/// Tasks that became ready, newest first.
#[derive(Debug)]
pub struct ReadyStack(AtomicU32);

/// The stacks of one priority, one a shape. They share a line, because the dispatch thread looks at
/// all of them in every pass.
pub(crate) type ReadyLine = CachePadded<[ReadyStack; STACKS]>;

/// Whether there seems to be nothing on any stack. One load each.
#[inline]
pub(crate) fn are_empty_hint(stacks: &[ReadyLine; PRIORITIES]) -> bool {
    let stacks = stacks.iter().flat_map(|line| line.iter());
    // RELAXED: a hint. An index has fewer bits than NONE.
    let heads = stacks.map(|stack| stack.0.load(edge::READY_LOOK));
    heads.fold(NONE, |all, head| all & head) == NONE
}

impl Default for ReadyStack {
    fn default() -> Self {
        Self(AtomicU32::new(NONE))
    }
}

impl ReadyStack {
    /// Puts slot `index` on top.
    #[inline]
    pub fn push(&self, slots: &[TaskSlot], index: u32) {
        let slot = &slots[index as usize];
        // EDGE READY_PUSH -> READY_TAKE. RELAXED first look: the exchange decides.
        let pushed = self
            .0
            .try_update(edge::READY_PUSH, edge::READY_LOOK, |head| {
                slot.set_next(head);
                Some(index)
            });
        debug_assert!(pushed.is_ok(), "the step never gives up");
    }

    /// Whether there seems to be something. One load.
    #[inline]
    pub fn is_empty_hint(&self) -> bool {
        // RELAXED: a hint.
        self.0.load(edge::READY_LOOK) == NONE
    }

    /// Moves everything behind what `queue` holds, oldest first. Returns how many.
    #[inline]
    pub fn take_all(&self, slots: &[TaskSlot], queue: &mut SlotQueue) -> u32 {
        match self.is_empty_hint() {
            true => 0,
            false => self.take(slots, queue),
        }
    }

    fn take(&self, slots: &[TaskSlot], queue: &mut SlotQueue) -> u32 {
        // EDGE READY_TAKE <- READY_PUSH. Everything pushed so far, with its links.
        let last = self.0.swap(NONE, edge::READY_TAKE);
        let (mut newest, mut reversed) = (last, NONE);
        let mut count = 0;
        while newest != NONE {
            let slot = &slots[newest as usize];
            let older = slot.next();
            slot.set_next(reversed);
            reversed = core::mem::replace(&mut newest, older);
            count += 1;
        }
        queue.append(slots, reversed, last);
        count
    }
}

/// The ready tasks of one priority and shape, as the dispatch thread holds them: the one whose
/// blocks are being given to cores, and those behind it.
///
/// A task of which a token is out is linked nowhere: whatever else takes it up may use its link.
#[derive(Debug, Default)]
pub(crate) struct Line {
    pub(crate) queue: SlotQueue,
    placing: Option<u32>,
}

impl Line {
    /// Whether nothing is ready.
    #[inline]
    pub(crate) const fn is_empty(&self) -> bool {
        self.placing.is_none() && self.queue.is_empty()
    }

    /// The task in front.
    #[inline]
    pub(crate) fn front(&self) -> Option<u32> {
        self.placing.or_else(|| self.queue.front())
    }

    /// Takes the task in front away.
    #[inline]
    pub(crate) fn pop(&mut self, slots: &[TaskSlot]) -> Option<u32> {
        self.placing.take().or_else(|| self.queue.pop(slots))
    }

    /// Keeps `index`, just taken, in front: it has blocks left.
    #[inline]
    pub(crate) fn keep(&mut self, index: u32) {
        debug_assert!(self.placing.is_none(), "one task is in front");
        self.placing = Some(index);
    }

    /// Forgets `index` if some of its blocks are out and some are left.
    pub(crate) fn forget(&mut self, index: u32) {
        if self.placing == Some(index) {
            self.placing = None;
        }
    }
}

/// A queue of slots owned by one thread, linked through the slots.
#[derive(Debug)]
pub struct SlotQueue {
    first: u32,
    last: u32,
}

impl Default for SlotQueue {
    fn default() -> Self {
        Self {
            first: NONE,
            last: NONE,
        }
    }
}

impl SlotQueue {
    /// Whether nothing is in it.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.first == NONE
    }

    /// Puts one slot behind the others.
    #[inline]
    pub fn push(&mut self, slots: &[TaskSlot], index: u32) {
        slots[index as usize].set_next(NONE);
        self.append(slots, index, index);
    }

    /// Puts a linked run behind the others; `last` links to nothing.
    #[inline]
    fn append(&mut self, slots: &[TaskSlot], first: u32, last: u32) {
        match self.last {
            NONE => self.first = first,
            behind => slots[behind as usize].set_next(first),
        }
        self.last = last;
    }

    /// The slot in front.
    #[inline]
    pub fn front(&self) -> Option<u32> {
        (self.first != NONE).then_some(self.first)
    }

    /// Takes the slot in front.
    #[inline]
    pub fn pop(&mut self, slots: &[TaskSlot]) -> Option<u32> {
        let first = self.front()?;
        self.first = slots[first as usize].next();
        if self.first == NONE {
            self.last = NONE;
        }
        Some(first)
    }
}

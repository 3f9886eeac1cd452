//! A worker's line: who owns it, and which position it holds until that is done.
//!
//! Guarantees: its owner alone writes what it holds; a line whose worker went away with an item
//! keeps it, and goes to nobody but the one who recovers it. Called by [`super::Worker`] and by
//! whoever asks whether a position is done.

use core::num::NonZeroU32;

use crate::edge;
use crate::sync::{AtomicU64, UnsafeCell};
use crate::ticket::Ticket;

use super::Work;
use super::item::WorkItem;

/// Beside the name in `owner`: its worker is gone and left an item.
const LEFT: u64 = 1 << 32;

/// One worker's line: its owner at byte 0 (0 = free), the position it holds plus 1 at byte 8
/// (0 = none), the item at bytes 16 to 31.
#[repr(C, align(64))]
#[derive(Debug)]
pub struct WorkerLine {
    owner: AtomicU64,
    held: AtomicU64,
    item: UnsafeCell<WorkItem>,
}

// SAFETY: `item` is touched only by the owner of the line; LEAVE and ENROL order its owners.
unsafe impl Sync for WorkerLine {}

impl Default for WorkerLine {
    fn default() -> Self {
        Self {
            owner: AtomicU64::new(0),
            held: AtomicU64::new(0),
            item: UnsafeCell::new(WorkItem::default()),
        }
    }
}

impl WorkerLine {
    pub(super) fn stamp(&self) {
        // RELAXED: written before the handles exist.
        self.owner.store(0, edge::STAMP);
        // RELAXED: as above.
        self.held.store(0, edge::STAMP);
    }

    pub(super) fn enrol(&self, name: NonZeroU32) -> bool {
        self.pass_on(0, name)
    }

    /// Takes the line of a worker that is gone, and the item on it.
    pub(super) fn inherit(&self, dead: NonZeroU32, heir: NonZeroU32) -> bool {
        self.pass_on(LEFT | u64::from(dead.get()), heir)
    }

    fn pass_on(&self, from: u64, name: NonZeroU32) -> bool {
        let name = u64::from(name.get());
        // EDGE ENROL <- LEAVE. The line is written again only after its last owner is through, and
        // what it held is seen. RELAXED failure (ENROL_BUSY): it is passed over.
        self.owner
            .compare_exchange(from, name, edge::ENROL, edge::ENROL_BUSY)
            .is_ok()
    }

    /// Gives the line back, or leaves it to whoever recovers the item on it.
    pub(super) fn leave(&self, name: NonZeroU32) {
        let left = match self.is_busy() {
            true => LEFT | u64::from(name.get()),
            false => 0,
        };
        // EDGE LEAVE -> ENROL, OWNER_LOOK. The owner touches neither line nor slots any more.
        self.owner.store(left, edge::LEAVE);
    }

    /// Whether `name` owns the line and has not left it.
    pub(super) fn is_owned_by(&self, name: NonZeroU32) -> bool {
        // EDGE OWNER_LOOK <- LEAVE. Whoever left is through with the memory.
        self.owner.load(edge::OWNER_LOOK) == u64::from(name.get())
    }

    /// The name of the owner, also of one that left an item here.
    pub(super) fn name(&self) -> Option<NonZeroU32> {
        // EDGE OWNER_LOOK <- LEAVE. Whoever left is through with the memory.
        let owner = self.owner.load(edge::OWNER_LOOK) & !LEFT;
        u32::try_from(owner).ok().and_then(NonZeroU32::new)
    }

    /// Whether its owner went away and left an item.
    pub(super) fn is_left(&self) -> bool {
        // EDGE OWNER_LOOK <- LEAVE. Whoever left is through with the memory.
        self.owner.load(edge::OWNER_LOOK) & LEFT != 0
    }

    /// Takes an item into hand.
    ///
    /// # Ordering
    /// WORK_FREE carries it to whoever sees the slot free. A release itself, since it replaces what
    /// said that the position before is done.
    ///
    /// # Safety
    /// The caller owns the line.
    #[inline]
    pub(super) unsafe fn hold(&self, ticket: Ticket, item: WorkItem) {
        // SAFETY: nobody but the owner touches it.
        self.item.with_mut(|target| unsafe { *target = item });
        // EDGE WORK_HOLD -> WORK_LOOK. Carries what was done for the position before.
        self.held.store(ticket.position() + 1, edge::WORK_HOLD);
    }

    /// Says that what was in hand is done.
    #[inline]
    pub(super) fn let_go(&self) {
        // EDGE WORK_DONE -> WORK_LOOK. Carries what was done for it.
        self.held.store(0, edge::WORK_DONE);
    }

    /// Whether the line shows `ticket`. Not: what was done for it, if it showed it, is visible.
    #[inline]
    pub(super) fn shows(&self, ticket: Ticket) -> bool {
        // EDGE WORK_LOOK <- WORK_HOLD, WORK_DONE.
        let held = self.held.load(edge::WORK_LOOK);
        held.checked_sub(1) == Some(ticket.position())
    }

    /// What the line holds, for its owner. A hint for anybody else.
    #[inline]
    pub(super) fn position(&self) -> Option<u64> {
        // RELAXED: the owner alone writes it.
        self.held.load(edge::WORK_OWN).checked_sub(1)
    }

    /// Whether something seems to be in hand. Sure for the owner.
    pub(super) fn is_busy(&self) -> bool {
        self.position().is_some()
    }

    /// The producer's number of the item that was in hand last.
    ///
    /// # Safety
    /// The caller owns the line.
    #[inline]
    pub(super) unsafe fn correlation(&self) -> u32 {
        // SAFETY: nobody but the owner touches it.
        self.item.with(|item| unsafe { (*item).correlation })
    }

    /// What is in hand.
    ///
    /// # Safety
    /// The caller owns the line.
    #[inline]
    pub(super) unsafe fn work(&self) -> Option<Work> {
        let position = self.position()?;
        // SAFETY: nobody but the owner touches it.
        let item = self.item.with(|item| unsafe { *item });
        Some(Work { position, item })
    }
}

/// Layout, as devices see it. (Model builds have other atomics.)
#[cfg(not(any(loom, shuttle)))]
mod layout {
    use super::WorkerLine;
    use core::mem::offset_of;
    use static_assertions::const_assert_eq;

    const_assert_eq!(size_of::<WorkerLine>(), 64);
    const_assert_eq!(offset_of!(WorkerLine, owner), 0);
    const_assert_eq!(offset_of!(WorkerLine, held), 8);
    const_assert_eq!(offset_of!(WorkerLine, item), 16);
}

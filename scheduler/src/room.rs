//! Condition room: reserved before it is needed, so that a CONDITION can always be stored.

use crossbeam_utils::CachePadded;
use finbox_mailbox::sync::AtomicU32;

use crate::edge;

/// How many more conditions may be promised.
#[derive(Debug)]
pub struct Room {
    free: CachePadded<AtomicU32>,
    total: u32,
}

impl Room {
    /// Room for `total` conditions.
    pub(crate) fn new(total: u32) -> Self {
        Self {
            free: CachePadded::new(AtomicU32::new(total)),
            total,
        }
    }

    /// Promises room for `count` conditions, all or none.
    #[must_use]
    #[inline]
    pub(crate) fn reserve(&self, count: u32) -> bool {
        if count == 0 {
            return true;
        }
        // RELAXED: ROOM is a number; the storage is guarded by the wait list's lock.
        self.free
            .try_update(edge::ROOM, edge::ROOM, |free| free.checked_sub(count))
            .is_ok()
    }

    /// Takes back a promise of `count` conditions.
    #[inline]
    pub(crate) fn give_back(&self, count: u32) {
        if count > 0 {
            // RELAXED: ROOM is a number; the storage is guarded by the wait list's lock.
            let free = self.free.fetch_add(count, edge::ROOM);
            debug_assert!(
                free + count <= self.total,
                "more room came back than was promised"
            );
        }
    }

    /// Room not promised now.
    pub fn free(&self) -> u32 {
        // RELAXED: a statistic.
        self.free.load(edge::ROOM)
    }

    /// Room in all.
    pub const fn total(&self) -> u32 {
        self.total
    }
}

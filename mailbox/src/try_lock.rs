//! A lock that is only ever tried: who holds the guard may, who does not goes on with other work.
//!
//! It never blocks and never spins. The guard *is* the permission, for instance to consume.

use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

use crossbeam_utils::CachePadded;

use crate::edge;
use crate::sync::{AtomicU32, UnsafeCell};

const FREE: u32 = 0;
const HELD: u32 = 1;

/// A value that one thread at a time may hold, and none waits for.
pub struct TryLock<T> {
    state: CachePadded<AtomicU32>,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached only through a guard, and `state` lets one guard exist at a time;
// LOCK and UNLOCK order its holders.
unsafe impl<T: Send> Sync for TryLock<T> {}

impl<T> TryLock<T> {
    /// Wraps `value`.
    pub fn new(value: T) -> Self {
        Self {
            state: CachePadded::new(AtomicU32::new(FREE)),
            value: UnsafeCell::new(value),
        }
    }

    /// The guard, unless somebody holds it. Returns at once either way.
    #[inline]
    pub fn try_lock(&self) -> Option<Guard<'_, T>> {
        // EDGE LOCK <- UNLOCK. Everything the previous holder did. RELAXED for the loser, who
        // touches nothing.
        self.state
            .compare_exchange(FREE, HELD, edge::LOCK, edge::LOCK_BUSY)
            .is_ok()
            .then(|| Guard {
                lock: self,
                value: PhantomData,
            })
    }
}

impl<T> fmt::Debug for TryLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryLock").finish_non_exhaustive()
    }
}

/// Exclusive access to the value of a [`TryLock`], given back on drop.
#[must_use = "dropping the guard gives the lock back at once"]
pub struct Guard<'a, T> {
    lock: &'a TryLock<T>,
    /// Lends the value as `&mut` does, so a guard crosses threads exactly when that may.
    value: PhantomData<&'a mut T>,
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: this guard is the only one, and it lends the value no longer than itself.
        self.lock.value.with(|value| unsafe { &*value })
    }
}

impl<T> DerefMut for Guard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`, and `&mut self` makes the borrow exclusive.
        self.lock.value.with_mut(|value| unsafe { &mut *value })
    }
}

impl<T> Drop for Guard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // EDGE UNLOCK -> LOCK. Everything this holder did.
        self.lock.state.store(FREE, edge::UNLOCK);
    }
}

impl<T: fmt::Debug> fmt::Debug for Guard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

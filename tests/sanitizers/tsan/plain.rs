//! Memory without any order of its own, and two threads that meet in it.

use std::cell::UnsafeCell;
use std::thread::{self, JoinHandle};

/// A value that threads reach without any synchronisation: whether they may is what is asked.
#[derive(Default)]
pub(crate) struct Plain<T>(UnsafeCell<T>);

// SAFETY: nothing makes this sound. Whoever touches it must be ordered by the edges under test;
// where an edge is weakened, or none was, ThreadSanitizer reports the race and ends the process.
unsafe impl<T: Send> Sync for Plain<T> {}

impl<T: Copy> Plain<T> {
    /// Reads it, plainly. Volatile, so that no compiler leaves the access out.
    pub(crate) fn get(&self) -> T {
        // SAFETY: valid and initialised; for races see above.
        unsafe { self.0.get().read_volatile() }
    }

    /// Writes it, plainly.
    pub(crate) fn set(&self, value: T) {
        // SAFETY: as above.
        unsafe { self.0.get().write_volatile(value) }
    }
}

/// Calls `until` again and again until it gives something. Only the edges under test synchronise.
pub(crate) fn spin<R>(mut until: impl FnMut() -> Option<R>) -> R {
    for turn in 1_u32.. {
        if let Some(result) = until() {
            return result;
        }
        // Mostly at full speed, so that threads meet within a few instructions.
        if turn % 64 == 0 {
            thread::yield_now();
        }
    }
    unreachable!("a driver ends")
}

/// As [`spin`], until `done`.
pub(crate) fn spin_until(mut done: impl FnMut() -> bool) {
    spin(|| done().then_some(()));
}

/// Ends a thread: what it did is visible from here on.
pub(crate) fn join<R>(thread: JoinHandle<R>) -> R {
    thread.join().expect("no driver panics")
}

/// Runs `other` on a thread of its own and `own` here.
pub(crate) fn both<R: Send + 'static>(
    other: impl FnOnce() -> R + Send + 'static,
    own: impl FnOnce(),
) -> R {
    let other = thread::spawn(other);
    own();
    join(other)
}

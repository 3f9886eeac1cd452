//! The cell of all builds but loom's, with loom's shape, and word-wise access to it.

use core::sync::atomic::{AtomicU64, Ordering};

/// `core::cell::UnsafeCell`, reached through closures as in loom.
#[repr(transparent)]
#[derive(Debug)]
pub struct UnsafeCell<T>(core::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    /// Wraps `value`.
    pub const fn new(value: T) -> Self {
        Self(core::cell::UnsafeCell::new(value))
    }

    /// Lends a pointer for reading.
    #[inline(always)]
    pub fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        read(self.0.get())
    }

    /// Lends a pointer for writing.
    #[inline(always)]
    pub fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        write(self.0.get())
    }
}

/// Copies the words out one atomic load at a time: another process may be writing them.
///
/// # Safety
/// The cell's memory must be live for reading; other writers of it must use atomics, or be
/// another process.
#[inline]
pub unsafe fn shared_read<const N: usize>(
    cell: &UnsafeCell<[u64; N]>,
    order: Ordering,
) -> [u64; N] {
    let base = cell.0.get().cast::<u64>();
    core::array::from_fn(|i| {
        // SAFETY: i < N, so the word is inside the cell.
        let word = unsafe { base.add(i) };
        // SAFETY: aligned as the cell is; the caller vouches for the memory and its writers.
        let word = unsafe { AtomicU64::from_ptr(word) };
        word.load(order)
    })
}

/// Writes the words one atomic store at a time: another process may be reading them.
///
/// # Safety
/// As [`shared_read`], for writing.
#[inline]
pub unsafe fn shared_write<const N: usize>(
    cell: &UnsafeCell<[u64; N]>,
    words: &[u64; N],
    order: Ordering,
) {
    let base = cell.0.get().cast::<u64>();
    for (i, value) in words.iter().enumerate() {
        // SAFETY: i < N, so the word is inside the cell.
        let word = unsafe { base.add(i) };
        // SAFETY: aligned as the cell is; the caller vouches for the memory and its writers.
        let word = unsafe { AtomicU64::from_ptr(word) };
        word.store(*value, order);
    }
}

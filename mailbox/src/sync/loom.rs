//! The door of loom builds: loom's atomics and cells, and edges that can be weakened.

use core::sync::atomic::Ordering;

pub use loom::cell::UnsafeCell;
pub(super) use loom::sync::atomic::{AtomicU32 as RawU32, AtomicU64 as RawU64};

#[path = "weaken.rs"]
mod weaken;

pub(crate) use weaken::effective_order;

/// Copies the words. Models have one process; the cell checks the access.
///
/// # Safety
/// No other thread may be writing the cell.
pub unsafe fn shared_read<const N: usize>(
    cell: &UnsafeCell<[u64; N]>,
    _order: Ordering,
) -> [u64; N] {
    // SAFETY: the caller vouches that nobody writes.
    cell.with(|words| unsafe { *words })
}

/// Writes the words. Models have one process; the cell checks the access.
///
/// # Safety
/// No other thread may be touching the cell.
pub unsafe fn shared_write<const N: usize>(
    cell: &UnsafeCell<[u64; N]>,
    words: &[u64; N],
    _order: Ordering,
) {
    // SAFETY: the caller vouches that nobody else touches the cell.
    cell.with_mut(|target| unsafe { *target = *words });
}

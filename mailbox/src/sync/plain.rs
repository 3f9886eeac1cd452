//! The door of ordinary builds: `core`'s atomics, the plain cell, edges as they stand in the table.

use core::sync::atomic::Ordering;

pub(super) use core::sync::atomic::{AtomicU32 as RawU32, AtomicU64 as RawU64};

#[path = "words.rs"]
mod words;

pub use words::{UnsafeCell, shared_read, shared_write};

#[inline(always)]
pub(crate) const fn effective_order(_name: &'static str, order: Ordering) -> Ordering {
    order
}

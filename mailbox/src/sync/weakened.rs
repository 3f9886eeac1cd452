//! The door of sanitizer builds: `core`'s atomics and the plain cell, edges that can be weakened.

#[path = "weaken.rs"]
mod weaken;
#[path = "words.rs"]
mod words;

pub(super) use core::sync::atomic::{AtomicU32 as RawU32, AtomicU64 as RawU64};

pub(crate) use weaken::effective_order;
pub use words::{UnsafeCell, shared_read, shared_write};

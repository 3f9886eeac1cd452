//! The door of shuttle builds: shuttle's atomics, the plain cell, edges that can be weakened.

pub(super) use shuttle::sync::atomic::{AtomicU32 as RawU32, AtomicU64 as RawU64};

#[path = "weaken.rs"]
mod weaken;
#[path = "words.rs"]
mod words;

pub(crate) use weaken::effective_order;
pub use words::{UnsafeCell, shared_read, shared_write};

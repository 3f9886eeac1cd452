//! The door of shuttle builds: shuttle's atomics, the plain cell, edges that can be weakened.

pub(super) use shuttle::sync::atomic::{AtomicU32 as RawU32, AtomicU64 as RawU64};

#[expect(dead_code, unused_imports, reason = "only its cell is wanted")]
#[path = "plain.rs"]
mod plain;
#[path = "weaken.rs"]
mod weaken;

pub use plain::{UnsafeCell, shared_read, shared_write};
pub(crate) use weaken::effective_order;

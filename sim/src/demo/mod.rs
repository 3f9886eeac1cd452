//! Built-in scenarios, one file each: tasks with real bytes and a golden result.
//!
//! Called by the command line, by tests, and by benches.

mod async_notify;
#[cfg(test)]
pub(crate) mod by_hand;
mod crowd;
mod deferred_notify;
mod dummy;
mod fetch;
mod mixed;
mod persistent;
mod prefetch;
mod scale;
mod streams;
mod task_bench;
mod values;

pub use self::async_notify::{ASYNC_NOTIFY_RANKS, async_notify};
pub use self::crowd::crowd;
pub use self::deferred_notify::{DEFERRED_NOTIFY_RANKS, deferred_notify};
pub use self::dummy::{DUMMY_TASK_RANKS, dummy_task};
pub use self::fetch::{FETCH_RANKS, sdma_async, urma_deferred};
pub use self::mixed::{MIXED_SPMD_RANKS, mixed_spmd};
pub use self::persistent::{ITEM_BYTES, MOST_ITEMS, persistent_scan};
pub use self::prefetch::{PREFETCH_RANKS, prefetch_async};
pub use self::scale::{fan, grid};
pub use self::streams::{Omitted, STREAMS_RANKS, STREAMS_TASKS, streams};
pub use self::task_bench::{MOST_EDGES, Pattern, TaskBench};

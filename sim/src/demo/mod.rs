//! Built-in scenarios, one file each: tasks with real bytes and a golden result.
//!
//! Called by the command line, by tests, and by benches.

#[cfg(test)]
pub(crate) mod by_hand;
mod deferred_notify;
mod dummy;

pub use self::deferred_notify::{DEFERRED_NOTIFY_RANKS, deferred_notify};
pub use self::dummy::{DUMMY_TASK_RANKS, dummy_task};

//! The mutex of what is never on the FIN path: `std`'s, and shuttle's in its builds, so that models
//! choose who gets it. Used by the planner and by a command ring's board, for one call each.

#[cfg(shuttle)]
pub(crate) use shuttle::sync::{Mutex, MutexGuard};
#[cfg(not(shuttle))]
pub(crate) use std::sync::{Mutex, MutexGuard};

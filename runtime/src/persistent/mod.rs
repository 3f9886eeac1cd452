//! Persistent workers: one long launch whose workers poll the scheduler's work ring.
//!
//! Guarantees: an item is an ordinary task ([`Shape::Work`](finbox_scheduler::Shape)), so it has
//! edges, a budget, one outcome and one place where that is told; what a worker says comes through
//! the mailbox; a worker's item stays in its hand until its message stands there, so a worker that
//! dies loses nothing, and what it had is pushed again or its task fails; shutdown drains.
//!
//! Refuses: to start workers (that is whoever launches them), to say that workers are faster where
//! nobody measured it, and to go on in silence where they are demanded and cannot be had.
//!
//! Called by whoever runs workers: the simulator's cores, threads of a host, firmware by its C
//! face. Start at [`Group`] for how workers come, work and go, [`Policy`] for when they are used.

mod error;
mod group;
mod policy;
#[cfg(test)]
mod tests;
mod watch;
mod worker;

pub use error::{PolicyError, Unable};
pub use group::Group;
pub use policy::{Because, Choice, Crossover, Measured, Measurements, Policy, Way};
pub use watch::{WorkerAge, WorkerWatch};
pub use worker::{GroupWorker, Said};

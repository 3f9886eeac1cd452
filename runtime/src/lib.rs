//! The runtime around the scheduler: configuration, memory, submission, threads, lifecycle.
//!
//! Guarantees: a configuration is checked as a whole, with all its errors at once; memory is
//! allocated once, before the first task; threads back off and then park; a run ends, either
//! drained or with the tasks that are stuck.
//!
//! Refuses: to know a simulator. The machine is a [`Port`](finbox_scheduler::Port).
//!
//! Start at [`Config`] and [`Arena`] for how a runtime comes to be, [`Wiring`] for how tasks come
//! in, [`threads::run`] for who runs what, [`drain`] for how a run ends, [`wait`] for the one way
//! to wait, [`command`] for packets that are carried out in order, [`plan`] for launches on
//! streams, [`persistent`] for workers that poll a ring of items, [`plugin`] for machines behind
//! somebody else's shared library.

#[cfg(not(any(feature = "a2a3", feature = "a5")))]
compile_error!("finbox-runtime needs a target: enable the feature `a2a3`, `a5` or both");

mod arena;
mod buffer;
pub mod command;
mod config;
pub mod conformance;
mod crew;
pub mod edge;
pub mod launch;
mod lifecycle;
mod lock;
mod machine;
mod number;
pub mod persistent;
pub mod plan;
pub mod plugin;
pub mod stream;
pub mod threads;
mod trace;
mod user;
pub mod wait;
mod wiring;

pub use arena::Arena;
pub use buffer::{Access, BufferId, BufferUse, Buffers, UseError};
pub use config::ConfigErrors;
pub use crew::{Crew, CrewError};
pub use finbox_scheduler::{Config, ConfigError};
pub use lifecycle::{DEFAULT_PATIENCE, Drain, DrainLimits, drain, ledger};
pub use machine::{Events, Machine, MachineError, MachineFacts};
pub use trace::TracingProbe;
pub use user::User;
pub use wiring::{BufferWaitError, Wiring, WiringError};

//! A mailbox for completions: many producers, one consumer, 64-byte slots, no locks.
//!
//! Guarantees: a push never blocks, never allocates and never takes a lock; a full ring hands the
//! rest of a batch back; exactly `slots` messages fit; messages of one producer arrive in its
//! order; a payload is visible if and only if its slot's sequence matches the ticket, without the
//! memory ever being zeroed, across laps, runs and dirty memory.
//!
//! Refuses: a second consumer (the [`Consumer`] is one value), waking anybody (that is the
//! runtime's), and knowing what a task is (a message carries identifiers, never pointers).
//!
//! Called by `finbox-scheduler`, and by anyone who wants the mailbox alone. `no_std`, and after
//! placement no allocation. Start at `ring.rs` for the algorithm, [`edge`] for every memory order.
#![no_std]

mod bundle;
mod cell;
mod claimer;
pub mod edge;
mod error;
mod fin_batch;
mod handle;
mod message;
#[cfg(loom)]
pub mod model;
mod producer;
mod region;
mod ring;
pub mod sync;
mod ticket;
mod try_lock;
mod wake;
pub mod work;
mod worker_message;

pub use bundle::{Bundle, Watch, Watches};
pub use cell::{Cell, Payload, WORDS, Words};
pub use claimer::{ClaimLine, Claimers, Gap, MAX_CLAIMERS, NamedProducer, NoLine};
pub use error::{AttachError, Full, PlaceError, PushError, ResetError};
pub use fin_batch::FinBatch;
pub use handle::{Consumer, Drained, Salvage, Stop, mailbox, mailbox_with_lines, ring_of};
pub use message::{CompletionType, Condition, Done, Engine, Malformed, Message, SlotBits};
pub use producer::{Claimed, Producer};
pub use region::{
    Line, Occupant, Occupied, attach_shared, place, place_occupied, place_shared, region_lines,
};
pub use ring::{Header, MAGIC, Ring, Sharing, VERSION};
pub use ticket::Ticket;
pub use try_lock::{Guard, TryLock};
pub use wake::WakeToken;
pub use worker_message::{WorkDone, WorkerLost, WorkerMessage};

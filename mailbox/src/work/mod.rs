//! The work ring: many producers, many workers, small alike items, no locks.
//!
//! Guarantees: no item is lost or given twice; items are taken in the order of their positions; a
//! slot is free as soon as its item was taken, and its worker's line holds the position until it is
//! done; [`WorkRing::is_done`] is right for ever; only the worker that holds a position finishes
//! it, once; a worker hears that the ring is closed when all that was pushed before is taken;
//! nobody waits: a producer that stops between claim and publication is told from an empty ring,
//! and what was pushed before it flows.
//!
//! Refuses: a capacity of 1 or of no power of two, a second item in one worker's hands, waking
//! anybody (that is the runtime's), and knowing what an item means.
//!
//! Called by the persistent workers of `finbox-runtime`, and by anyone who wants it alone.
//!
//! The positions ([`crate::Ticket`]), control lines ([`crate::Header`]) and slots are the
//! mailbox's. What differs is how an item is taken: many take, so one exchange on the slot's
//! sequence decides who, and slots come back one by one. The header's tail is a hint only. A worker
//! that stops between taking an item and its line keeps that one slot, which producers come to a
//! lap later; the slot names it ([`WorkRing::holder`]).
//!
//! ```
//! use std::num::NonZeroU32;
//! use finbox_mailbox::Header;
//! use finbox_mailbox::work::{DoneError, WorkCell, WorkItem, WorkerLine, work_ring};
//! let mut header = Header::default();
//! let mut cells = [WorkCell::default(), WorkCell::default()];
//! let mut lines = [WorkerLine::default()];
//! let ring = work_ring(&mut header, &mut cells, &mut lines)?;
//! let item = WorkItem { offset: 0, length: 1024, rule_set: 3, correlation: 77 };
//! let position = ring.push(item)?;
//!
//! let mut worker = ring.register(NonZeroU32::MIN)?;
//! let work = worker.claim()?;
//! assert_eq!((work.position, work.item), (position, item));
//! assert!(!ring.is_done(position));
//! assert_eq!(worker.done(position)?.correlation, 77);
//! assert!(ring.is_done(position));
//! assert_eq!(worker.done(position), Err(DoneError::Twice { position }));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod item;
mod line;
mod look;
mod ring;
mod state;
#[cfg(test)]
mod tests;
mod worker;

pub use error::{DoneError, NoWork, NoWorkerLine, NothingLeft, WorkFull, WorkRingError};
pub use item::WorkItem;
pub use line::WorkerLine;
pub use look::{Seat, Whereabouts};
pub use ring::{WorkCell, WorkRing, work_ring};
pub use state::MAX_WORKERS;
pub use worker::{Finished, Work, Worker};

//! The command ring: 64-byte packets from many submitters, carried out in order by one processor.
//!
//! Guarantees: a packet is visible when its sequence says so, and takes effect once and in its
//! place; a drain ends at its target, however much is submitted meanwhile, or within its budget
//! and says why it came no further; an answer comes behind the statistics that it is about; a bad
//! packet stops the processor at that packet.
//!
//! Refuses: to skip a packet, to wait on an executor's behalf, and to know a device
//! (an [`Executor`] does). Called by whoever submits command streams.
//!
//! The ring is the mailbox's, typed for packets. The processor runs on the caller's thread
//! ([`Processor::drain_until`]) or on its own ([`run_threaded`], [`Served`]), with the same
//! results.

mod board;
mod evidence;
mod executor;
mod flight;
mod levels;
mod packet;
mod processor;
mod served;
mod submit;
#[cfg(test)]
mod tests;
mod threaded;
mod wait;

use finbox_mailbox::{Cell, Header, ring_of};

pub use board::Board;
pub use evidence::{
    Arrival, Blocker, Cause, Evidence, Halt, Journey, Place, Snapshot, Statistics, Verdict,
    WaitsFor,
};
pub use executor::{Answer, Clock, Executor, HostClock, Refusal, Route, WorkId};
pub use flight::Notices;
pub use levels::MAX_DEPTH;
pub use packet::{
    BadPacket, Command, Entry, How, Indirect, Kind, Launch, Packet, Signal, Transfer, Wait,
};
pub use processor::Processor;
pub use served::{ServeError, Served};
pub use submit::{SubmitError, Submitted, Submitter};
pub use threaded::{ProcessorThread, run_threaded};

/// Makes a command ring of `cells.len()` packets whose positions start at `start`, in run `epoch`.
///
/// # Panics
/// If the number of cells is not a power of two of at least 2.
pub fn command_ring<'m, E: Executor>(
    (header, cells): (&'m mut Header, &'m mut [Cell]),
    board: &'m mut Board,
    (start, epoch): (u64, u32),
    executor: E,
) -> (Submitter<'m>, Processor<'m, E>) {
    let (producer, consumer) = ring_of(header, cells, &mut [], start, epoch);
    let board: &'m Board = board;
    board.begin(start);
    (
        Submitter::new(producer, board),
        Processor::new(consumer, board, executor),
    )
}

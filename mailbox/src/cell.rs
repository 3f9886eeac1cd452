//! One 64-byte slot: a sequence and seven payload words.
//!
//! Publish and take are the two ends of one edge. Whoever holds the ticket of a slot may write it;
//! the sequence hands it to the consumer; the release of tail hands it back. The slots of the work
//! ring are made of the same part ([`Sealed`]), and handed over by its own words.

use crate::edge;
use crate::sync::{AtomicU64, UnsafeCell, shared_read, shared_write};
use crate::ticket::Ticket;

/// Payload words of a slot.
pub const WORDS: usize = 7;

/// The payload of a slot: 56 bytes behind the sequence.
pub type Words = [u64; WORDS];

/// What the slots of a ring hold: a mailbox's messages, a command ring's packets. The ring core
/// carries words and knows no more of it than this.
pub trait Payload: Copy {
    /// What stands in a slot that was claimed and for which nothing could be built: words that
    /// whoever reads them refuses.
    const VOID: Words;

    /// The seven words of this in run `epoch`.
    fn encode(&self, epoch: u32) -> Words;
}

/// A sequence, and a payload that changes hands by it.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Sealed<P> {
    pub(crate) seq: AtomicU64,
    payload: UnsafeCell<P>,
}

// SAFETY: `payload` is written only by the holder of the slot's ticket and read only by whoever
// saw the sequence say that it is published and that it is his; `seq`, and a mailbox's `tail`,
// carry the hand-over (edges PUBLISH and TAIL_RELEASE, WORK_PUBLISH and WORK_FREE).
unsafe impl<P: Send> Sync for Sealed<P> {}

impl<P: Default> Default for Sealed<P> {
    fn default() -> Self {
        Self {
            seq: AtomicU64::new(0),
            payload: UnsafeCell::new(P::default()),
        }
    }
}

impl<P: Copy> Sealed<P> {
    /// Writes the payload. The sequence is to hand it on.
    ///
    /// # Safety
    /// The caller holds the claim on this slot, and has not published it.
    #[inline]
    pub(crate) unsafe fn write(&self, payload: &P) {
        // SAFETY: the claim made this thread the only one that may touch the payload.
        self.payload
            .with_mut(|target| unsafe { *target = *payload });
    }

    /// Lends the payload.
    ///
    /// # Safety
    /// The caller saw it published with an acquire load or exchange, is the one who may take it,
    /// and has not given the slot back.
    #[inline]
    pub(crate) unsafe fn read<R>(&self, take: impl FnOnce(&P) -> R) -> R {
        // SAFETY: published and not yet given back, so no producer writes it meanwhile.
        self.payload.with(|payload| take(unsafe { &*payload }))
    }
}

/// One slot of a ring: sequence at byte 0, payload at byte 8.
#[repr(C, align(64))]
#[derive(Debug, Default)]
pub struct Cell(Sealed<Words>);

impl Cell {
    /// Marks the slot as never published, as seen from `ticket`, the first one to use it.
    pub(crate) fn stamp(&self, ticket: Ticket, slots: u64) {
        // STAMP: no handle exists yet, or PLACE publishes it.
        self.0.seq.store(ticket.never_published(slots), edge::STAMP);
    }

    /// Writes the payload and publishes it under `ticket`.
    ///
    /// # Safety
    /// The caller claimed `ticket`, whose slot this is, and publishes it once.
    #[inline]
    pub(crate) unsafe fn publish(&self, ticket: Ticket, words: &Words) {
        // SAFETY: the caller claimed the slot and publishes it below.
        unsafe { self.0.write(words) };
        // EDGE PUBLISH -> TAKE. Carries the payload written above.
        self.0.seq.store(ticket.published(), edge::PUBLISH);
    }

    /// As [`publish`](Self::publish), in memory that another process can read.
    ///
    /// # Safety
    /// As for [`publish`](Self::publish).
    #[inline]
    pub(crate) unsafe fn publish_shared(&self, ticket: Ticket, words: &Words) {
        // RELAXED: the words travel on PUBLISH.
        // SAFETY: the claim made this process the only one that should touch the payload.
        unsafe { shared_write(&self.0.payload, words, edge::SHARED_WORD.order()) };
        // EDGE PUBLISH -> TAKE. Carries the payload written above.
        self.0.seq.store(ticket.published(), edge::PUBLISH);
    }

    /// Whether the payload of `ticket` stands here. EDGE TAKE <- PUBLISH.
    #[inline]
    pub(crate) fn holds(&self, ticket: Ticket) -> bool {
        self.0.seq.load(edge::TAKE) == ticket.published()
    }

    /// Lends the payload, which must have been seen by [`holds`](Self::holds).
    ///
    /// # Safety
    /// The caller is the ring's consumer, saw `holds`, and has not released this slot.
    #[inline]
    pub(crate) unsafe fn read<R>(&self, take: impl FnOnce(&Words) -> R) -> R {
        // SAFETY: published and not yet released, by the caller's word.
        unsafe { self.0.read(take) }
    }

    /// Copies the payload out of memory that another process can write.
    ///
    /// # Safety
    /// As for [`read`](Self::read); the copy may still be garbage and must be validated.
    #[inline]
    pub(crate) unsafe fn read_shared(&self) -> Words {
        // RELAXED: the words came with TAKE.
        // SAFETY: word-wise atomic loads are sound whatever the other process does.
        unsafe { shared_read(&self.0.payload, edge::SHARED_WORD.order()) }
    }
}

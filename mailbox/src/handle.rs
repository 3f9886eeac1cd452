//! The two ends of a mailbox: [`Producer`], as many as you like, and [`Consumer`], one value.
//!
//! The consumer is not `Clone`, draining takes `&mut`, and [`mailbox`] wants the memory
//! exclusively, so a second consumer does not compile. Put the consumer into a
//! [`TryLock`](crate::TryLock) and holding its guard is the permission to drain.
//!
//! ```
//! use finbox_mailbox::{Cell, Header, mailbox};
//! let (mut header, mut cells) = (Header::default(), [Cell::default(), Cell::default()]);
//! let (producer, mut consumer) = mailbox(&mut header, &mut cells, 0, 1);
//! let another = producer;
//! assert_eq!(consumer.drain(9, |_, _| ()).taken, 0);
//! # let _ = (producer, another);
//! ```
//!
//! A consumer cannot be copied:
//!
//! ```compile_fail,E0599
//! # use finbox_mailbox::{Cell, Header, mailbox};
//! # let (mut header, mut cells) = (Header::default(), [Cell::default(), Cell::default()]);
//! let (_, consumer) = mailbox(&mut header, &mut cells, 0, 1);
//! let second = consumer.clone();
//! ```
//!
//! nor drained from two places at once:
//!
//! ```compile_fail,E0499
//! # use finbox_mailbox::{Cell, Header, mailbox};
//! # let (mut header, mut cells) = (Header::default(), [Cell::default(), Cell::default()]);
//! let (_, mut consumer) = mailbox(&mut header, &mut cells, 0, 1);
//! let (first, second) = (&mut consumer, &mut consumer);
//! first.drain(1, |_, _| ());
//! # second.drain(1, |_, _| ());
//! ```
//!
//! nor shared with a thread that drains it:
//!
//! ```compile_fail,E0596
//! # use finbox_mailbox::{Cell, Header, mailbox};
//! # let (mut header, mut cells) = (Header::default(), [Cell::default(), Cell::default()]);
//! let (_, consumer) = mailbox(&mut header, &mut cells, 0, 1);
//! let shared = &consumer;
//! shared.drain(1, |_, _| ());
//! ```
//!
//! and no second mailbox is made on memory that has one:
//!
//! ```compile_fail,E0499
//! # use finbox_mailbox::{Cell, Header, mailbox};
//! # let (mut header, mut cells) = (Header::default(), [Cell::default(), Cell::default()]);
//! let (_, mut first) = mailbox(&mut header, &mut cells, 0, 1);
//! let (_, second) = mailbox(&mut header, &mut cells, 0, 1);
//! first.drain(1, |_, _| ());
//! ```
//!
//! Nor does what a drain lends outlive the drain:
//!
//! ```compile_fail
//! # use finbox_mailbox::{Cell, Header, mailbox};
//! # let (mut header, mut cells) = (Header::default(), [Cell::default(), Cell::default()]);
//! let (_, mut consumer) = mailbox(&mut header, &mut cells, 0, 1);
//! let mut kept = None;
//! consumer.drain(1, |_, words| kept = Some(words));
//! ```

use crate::cell::{Cell, WORDS, Words};
use crate::edge;
use crate::error::{Full, ResetError};
use crate::message::{Message, VOID};
use crate::ring::{Claim, Header, Ring, Sharing};
use crate::ticket::Ticket;

/// Makes a mailbox of `cells.len()` slots whose positions start at `start`.
///
/// The memory may hold anything. It is borrowed exclusively, so no older handle can exist.
///
/// # Panics
/// If the number of cells is not a power of two of at least 2.
pub fn mailbox<'m>(
    header: &'m mut Header,
    cells: &'m mut [Cell],
    start: u64,
    epoch: u32,
) -> (Producer<'m>, Consumer<'m>) {
    let ring = Ring::new(header, cells, Sharing::Own);
    ring.stamp(start, epoch);
    handles(ring, start, epoch)
}

/// The handles of a stamped ring. One call per stamping: the consumer is unique.
pub(crate) fn handles(ring: Ring<'_>, start: u64, epoch: u32) -> (Producer<'_>, Consumer<'_>) {
    let consumer = Consumer {
        ring,
        tail: Ticket::new(start),
        released: Ticket::new(start),
    };
    (Producer::new(ring, epoch), consumer)
}

/// The sending end. Copies push into the same mailbox.
#[derive(Clone, Copy, Debug)]
pub struct Producer<'m> {
    ring: Ring<'m>,
    epoch: u32,
}

impl<'m> Producer<'m> {
    pub(crate) fn new(ring: Ring<'m>, epoch: u32) -> Self {
        Self { ring, epoch }
    }

    /// Capacity in messages.
    pub fn slots(&self) -> u32 {
        self.ring.slots()
    }

    /// Run epoch stamped into every message of this handle.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Whether nothing seems to wait for the consumer. Two loads, neither of head.
    #[inline]
    pub fn is_empty_hint(&self) -> bool {
        self.ring.is_empty_hint()
    }

    /// Pushes one message.
    ///
    /// # Errors
    /// [`Full`]; the message is still yours.
    ///
    /// # Cost
    /// One read-modify-write on the head line and the slot's line.
    #[inline]
    pub fn push(&self, message: &Message) -> Result<(), Full> {
        match self.push_batch(1, |_| *message) {
            1 => Ok(()),
            _ => Err(Full {
                slots: self.slots(),
            }),
        }
    }

    /// Pushes the messages `build(0) .. build(count - 1)`, as many as fit, in order and in
    /// neighbouring tickets. Returns how many were accepted; 0 means full (or `count` is 0).
    ///
    /// `build` is called only for what was accepted. If it panics, what was claimed and not built
    /// is published as a void message, so a panic leaves no gap.
    ///
    /// # Cost
    /// One successful compare-exchange, whatever the count.
    #[inline]
    pub fn push_batch(&self, count: u32, mut build: impl FnMut(u32) -> Message) -> u32 {
        if count == 0 {
            return 0;
        }
        let Some(claim) = self.ring.claim(u64::from(count)) else {
            return 0;
        };
        #[expect(clippy::cast_possible_truncation, reason = "a claim is at most count")]
        let accepted = claim.count as u32;
        let mut filling = Filling {
            ring: self.ring,
            claim,
        };
        for i in 0..accepted {
            let words = build(i).encode(self.epoch);
            filling.publish_next(&words);
        }
        accepted
    }
}

/// A claim being filled. Dropped early, it publishes void messages in what is left.
struct Filling<'m> {
    ring: Ring<'m>,
    claim: Claim,
}

impl Filling<'_> {
    #[inline]
    fn publish_next(&mut self, words: &Words) {
        let ticket = self.claim.first;
        self.claim.first = ticket.plus(1);
        self.claim.count -= 1;
        // SAFETY: `claim` owns the ticket, and moving `first` past it makes this the only time.
        unsafe { self.ring.publish(ticket, words) };
    }
}

impl Drop for Filling<'_> {
    #[inline]
    fn drop(&mut self) {
        while self.claim.count > 0 {
            self.publish_next(&VOID);
        }
    }
}

/// What ended a drain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The next slot is not published: empty, or a claimer is between claim and publish.
    Gap,
    /// The budget is used up; there may be more.
    Budget,
    /// In shared memory, head stands where no claim can have brought it. Nothing is delivered.
    Condemned,
}

/// How much a drain took and what ended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Messages taken.
    pub taken: u32,
    /// What ended it.
    pub stop: Stop,
}

/// The receiving end: one value, drained through `&mut`.
#[derive(Debug)]
pub struct Consumer<'m> {
    ring: Ring<'m>,
    tail: Ticket,
    released: Ticket,
}

impl<'m> Consumer<'m> {
    /// Capacity in messages.
    pub fn slots(&self) -> u32 {
        self.ring.slots()
    }

    /// Run epoch in the header.
    pub fn epoch(&self) -> u32 {
        // RELAXED: this handle alone changes it.
        self.ring.header().epoch.load(edge::EPOCH)
    }

    /// Whether nothing can be taken now. Costs one load of the next slot's line.
    #[inline]
    pub fn is_empty_hint(&self) -> bool {
        !self.ring.is_published(self.tail)
    }

    /// Messages claimed and not yet taken, from a head that may be stale. A statistic.
    pub fn depth_hint(&self) -> u32 {
        let depth = self
            .ring
            .depth_hint(self.tail)
            .clamp(0, i64::from(self.slots()));
        u32::try_from(depth).expect("clamped to slots")
    }

    /// A ticket that was claimed and is not published: the position where delivery stands still.
    ///
    /// For an instant this is ordinary; a gap that lasts is a claimer that died.
    pub fn gap_hint(&self) -> Option<Ticket> {
        let waiting = self.ring.depth_hint(self.tail) > 0;
        (waiting && !self.ring.is_published(self.tail)).then_some(self.tail)
    }

    /// Takes messages in ticket order up to the first gap or `budget`, and lends each to `take`.
    ///
    /// Slots return to the producers every max(1, min(64, slots / 4)) messages and before this
    /// returns, also when `take` panics (the message it panicked on counts as taken).
    #[inline]
    pub fn drain(&mut self, budget: u32, mut take: impl FnMut(Ticket, &Words)) -> Drained {
        if self.ring.is_condemned(self.tail) {
            return Drained {
                taken: 0,
                stop: Stop::Condemned,
            };
        }
        let (ring, stride) = (self.ring, i64::from(self.ring.stride()));
        let lease = Lease { consumer: self };
        let Consumer { tail, released, .. } = &mut *lease.consumer;
        for taken in 0..budget {
            let ticket = *tail;
            let lend = |words: &Words| {
                *tail = ticket.plus(1);
                take(ticket, words);
            };
            // SAFETY: `&mut self` is the only consumer, and `ticket` is released only below or by
            // the lease, after `lend` has returned or unwound.
            if unsafe { ring.take(ticket, lend) }.is_none() {
                return Drained {
                    taken,
                    stop: Stop::Gap,
                };
            }
            if tail.distance_from(*released) >= stride {
                ring.release(*tail);
                *released = *tail;
            }
        }
        Drained {
            taken: budget,
            stop: Stop::Budget,
        }
    }

    /// Ends a run: from here on messages carry `epoch`. Positions go on, nothing is zeroed.
    ///
    /// Returns the producer of the new run. Producers of the old run must be quiesced; a message
    /// that one of them still pushes carries the old epoch and is told apart by it.
    ///
    /// # Errors
    /// [`ResetError`] while claimed messages were not drained.
    pub fn reset(&mut self, epoch: u32) -> Result<Producer<'m>, ResetError> {
        match self.ring.depth_hint(self.tail) {
            0 => {
                // RELAXED: nobody attaches meanwhile, and old producers are quiesced.
                self.ring.header().epoch.store(epoch, edge::EPOCH);
                Ok(Producer::new(self.ring, epoch))
            }
            left => Err(ResetError { left }),
        }
    }
}

/// Releases what was taken when a drain ends, however it ends.
struct Lease<'a, 'm> {
    consumer: &'a mut Consumer<'m>,
}

impl Drop for Lease<'_, '_> {
    #[inline]
    fn drop(&mut self) {
        let consumer = &mut *self.consumer;
        if consumer.tail != consumer.released {
            consumer.ring.release(consumer.tail);
            consumer.released = consumer.tail;
        }
    }
}

const _: () = assert!(WORDS * 8 + 8 == 64, "a message fills one slot");

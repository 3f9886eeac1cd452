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

use core::marker::PhantomData;

use crate::cell::{Cell, Payload, WORDS, Words};
use crate::claimer::{ClaimLine, Claimers, Gap};
use crate::edge;
use crate::error::ResetError;
use crate::message::Message;
use crate::producer::Producer;
use crate::ring::{Header, Ring, Sharing};
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
    mailbox_with_lines(header, cells, &mut [], start, epoch)
}

/// As [`mailbox`], with a claim line for each producer that wants its gaps to bear its name.
///
/// # Panics
/// If the number of cells is not a power of two of at least 2.
pub fn mailbox_with_lines<'m>(
    header: &'m mut Header,
    cells: &'m mut [Cell],
    lines: &'m mut [ClaimLine],
    start: u64,
    epoch: u32,
) -> (Producer<'m>, Consumer<'m>) {
    ring_of(header, cells, lines, start, epoch)
}

/// As [`mailbox_with_lines`], for a ring whose slots hold something else than messages.
///
/// # Panics
/// If the number of cells is not a power of two of at least 2.
pub fn ring_of<'m, M: Payload>(
    header: &'m mut Header,
    cells: &'m mut [Cell],
    lines: &'m mut [ClaimLine],
    start: u64,
    epoch: u32,
) -> (Producer<'m, M>, Consumer<'m, M>) {
    let ring = Ring::new(header, cells, lines, Sharing::Own);
    ring.stamp(start, epoch);
    handles(ring, start, epoch)
}

/// The handles of a stamped ring. One call per stamping: the consumer is unique.
pub(crate) fn handles<M: Payload>(
    ring: Ring<'_>,
    start: u64,
    epoch: u32,
) -> (Producer<'_, M>, Consumer<'_, M>) {
    let consumer = Consumer {
        ring,
        tail: Ticket::new(start),
        released: Ticket::new(start),
        end: None,
        holds: PhantomData,
    };
    (Producer::new(ring, epoch), consumer)
}

/// What ended a drain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The next slot is not published: empty, or a claimer is between claim and publish.
    Gap,
    /// The budget is used up; there may be more.
    Budget,
    /// The mailbox is condemned, or in shared memory head was found where no claim can have
    /// brought it, which condemns it. A drain delivers nothing; a recovery is through.
    Condemned,
}

/// What a recovery finds at a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Salvage<'a> {
    /// A published message.
    Message(&'a Words),
    /// Nothing: claimed, and not published when the recovery came by. What is published there
    /// later is lost; this is its one report.
    Missing(Claimers),
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
pub struct Consumer<'m, M = Message> {
    ring: Ring<'m>,
    tail: Ticket,
    released: Ticket,
    /// Where recovery ends, once the mailbox is condemned. In this process's own memory: nobody
    /// else can take it back.
    end: Option<Ticket>,
    holds: PhantomData<fn() -> M>,
}

impl<'m, M: Payload> Consumer<'m, M> {
    /// The first position that was not taken.
    pub fn position(&self) -> u64 {
        self.tail.position()
    }

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
        let depth = match self.end {
            Some(end) => end.distance_from(self.tail),
            None => self.ring.depth_hint(self.tail),
        };
        u32::try_from(depth.clamp(0, i64::from(self.slots()))).expect("clamped to slots")
    }

    /// The position where delivery stands still, and who may have left it: it is claimed and not
    /// published. `None` when empty, when there is something to drain, and once condemned.
    pub fn gap(&self) -> Option<Gap> {
        if self.end.is_some() || !self.ring.is_claimed(self.tail) {
            return None;
        }
        Some(Gap {
            position: self.tail.position(),
            claimers: self.ring.missing(self.tail)?,
        })
    }

    /// Whether the mailbox takes nothing any more, whatever its memory says by now.
    pub fn is_condemned(&self) -> bool {
        self.end.is_some()
    }

    /// Condemns the mailbox: each claim was before this, or is refused for good.
    ///
    /// Its memory serves again when it is placed anew, which in shared memory wants every
    /// registered producer to have left or to be [buried](Self::bury).
    pub fn condemn(&mut self) {
        if self.end.is_none() {
            self.end = Some(self.ring.condemn(self.tail));
        }
    }

    /// Gives back the claim lines of `name`, whose owner is known dead. Returns how many.
    pub fn bury(&mut self, name: core::num::NonZeroU32) -> u32 {
        let dead = |line: &&ClaimLine| line.owner() == Some(name);
        let lines = self.ring.lines().iter().filter(dead);
        let buried = lines.inspect(|line| line.leave()).count();
        u32::try_from(buried).expect("at most MAX_CLAIMERS")
    }

    /// [Condemns](Self::condemn) the mailbox if it is not yet, and visits up to `budget` of the
    /// positions that were claimed and not drained, each once: every published message is lent to
    /// `take`, gaps or not, and every other position is reported with whoever announced it.
    ///
    /// Ends with [`Stop::Condemned`] when all were visited. A position on which `take` panics
    /// counts as visited.
    pub fn recover(&mut self, budget: u32, mut take: impl FnMut(Ticket, Salvage<'_>)) -> Drained {
        self.condemn();
        let left = self.depth_hint();
        for _ in 0..left.min(budget) {
            let ticket = self.tail;
            self.tail = ticket.plus(1);
            if let Some(claimers) = self.ring.missing(ticket) {
                take(ticket, Salvage::Missing(claimers));
                continue;
            }
            let lend = |words: &Words| take(ticket, Salvage::Message(words));
            // SAFETY: `&mut self` is the only consumer, and a condemned ring's slots are never
            // released.
            if unsafe { self.ring.take(ticket, lend) }.is_none() {
                // Another process took the publication back.
                take(ticket, Salvage::Missing(Claimers::default()));
            }
        }
        Drained {
            taken: left.min(budget),
            stop: if left > budget {
                Stop::Budget
            } else {
                Stop::Condemned
            },
        }
    }

    /// Takes messages in ticket order up to the first gap or `budget`, and lends each to `take`.
    ///
    /// Slots return to the producers every max(1, min(64, slots / 4)) messages and before this
    /// returns, also when `take` panics (the message it panicked on counts as taken).
    #[inline]
    pub fn drain(&mut self, budget: u32, mut take: impl FnMut(Ticket, &Words)) -> Drained {
        if self.end.is_none() && self.ring.is_astray(self.tail) {
            self.condemn();
        }
        if self.is_condemned() {
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
    /// [`ResetError`] while claimed messages were not drained, and once condemned.
    pub fn reset(&mut self, epoch: u32) -> Result<Producer<'m, M>, ResetError> {
        if self.is_condemned() {
            return Err(ResetError::Condemned);
        }
        match self.ring.depth_hint(self.tail) {
            0 => {
                // RELAXED: nobody attaches meanwhile, and old producers are quiesced.
                self.ring.header().epoch.store(epoch, edge::EPOCH);
                Ok(Producer::new(self.ring, epoch))
            }
            left => Err(ResetError::Undrained { left }),
        }
    }
}

/// Releases what was taken when a drain ends, however it ends.
struct Lease<'a, 'm, M> {
    consumer: &'a mut Consumer<'m, M>,
}

impl<M> Drop for Lease<'_, '_, M> {
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

//! The receiving end: a worker takes one item at a time and holds it on its line until it is done.
//!
//! Guarantees: a claim never waits, neither for a producer nor for another worker; a stopped worker
//! keeps one slot at most; what a worker that goes away had in hand stays on its line. Refuses: a
//! second item before the first is done, and to finish what is not in hand. Called by persistent
//! workers.

use core::num::NonZeroU32;

use crate::ticket::Ticket;

use super::error::{DoneError, NoWork};
use super::item::WorkItem;
use super::line::WorkerLine;
use super::ring::WorkRing;
use super::state::Sight;

/// So many positions ahead a worker fetches slots, where that many are claimed: an exchange on a
/// line that is elsewhere costs the way there and back. 4 to 12 are alike, 24 is worse.
const FETCH_AHEAD: i64 = 6;

/// Head is asked for once in so many positions at least while the next slot is published anyway.
const HEAD_STRIDE: u64 = 16;

/// An item in hand, and its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// Where it was pushed.
    pub position: u64,
    /// What is to be done.
    pub item: WorkItem,
}

/// A position that was finished, as its completion says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Where it was pushed.
    pub position: u64,
    /// The producer's own number.
    pub correlation: u32,
}

/// A receiving end with its own line: one value, used by one thread at a time. Dropped, it gives
/// the line back, or leaves its item there for whoever [recovers](WorkRing::recover) it.
#[derive(Debug)]
pub struct Worker<'m> {
    ring: WorkRing<'m>,
    line: &'m WorkerLine,
    index: u8,
    name: NonZeroU32,
    /// Everything before it is taken, as far as this worker knows.
    next: Ticket,
    /// Everything before it is claimed by producers, as far as this worker knows.
    head: Ticket,
}

impl<'m> Worker<'m> {
    pub(super) fn new(
        ring: WorkRing<'m>,
        line: &'m WorkerLine,
        index: u8,
        name: NonZeroU32,
    ) -> Self {
        Self {
            ring,
            line,
            index,
            name,
            next: ring.tail_hint(),
            head: ring.tail_hint(),
        }
    }

    /// The name it registered under.
    pub fn name(&self) -> NonZeroU32 {
        self.name
    }

    /// What it has to finish before it gets more.
    #[inline]
    pub fn in_hand(&self) -> Option<Work> {
        // SAFETY: the line is this worker's until it is dropped.
        unsafe { self.line.work() }
    }

    /// Takes the next item, in the order of positions.
    ///
    /// # Errors
    /// [`NoWork`], at once: there is nothing, or a producer stands between claim and publication of
    /// the next one, or this worker holds one already.
    ///
    /// # Cost
    /// One read-modify-write, on the slot; a few stores to its own line.
    #[inline]
    pub fn claim(&mut self) -> Result<Work, NoWork> {
        if let Some(position) = self.line.position() {
            return Err(NoWork::Holding { position });
        }
        let ticket = self.take_next()?;
        // SAFETY: this worker took it, just now.
        let item = unsafe { self.ring.hand_over(ticket, self.line) };
        self.next = ticket.plus(1);
        let position = ticket.position();
        Ok(Work { position, item })
    }

    /// Makes the next item this worker's. Each step leads past a position that somebody took.
    #[inline]
    pub(super) fn take_next(&mut self) -> Result<Ticket, NoWork> {
        loop {
            let claimed = self.head.distance_from(self.next);
            if claimed <= 0 && !self.look_beyond()? {
                continue;
            }
            if claimed > FETCH_AHEAD {
                self.ring.fetch(self.next.plus(FETCH_AHEAD as u64));
            }
            match self.ring.take(self.next, self.index) {
                Ok(()) => return Ok(self.next),
                Err(Sight::Gone(next)) => self.go_on(next),
                Err(_) => {
                    let position = self.next.position();
                    return Err(NoWork::NotYet { position });
                }
            }
        }
    }

    /// Looks at the next position, which is beyond all that is known to be claimed: whether it may
    /// be taken; if not, `next` moved on.
    ///
    /// The slot is asked before head, whose line the producers take with every push. That of a
    /// position in [`HEAD_STRIDE`] is asked for all the same: how far it is says what to fetch.
    #[inline]
    fn look_beyond(&mut self) -> Result<bool, NoWork> {
        match self.ring.sight(self.next) {
            Sight::Ready => {
                if self.next.position() % HEAD_STRIDE == 0 {
                    self.head = self.ring.head_hint();
                }
            }
            Sight::Gone(next) => {
                self.go_on(next);
                return Ok(false);
            }
            Sight::Unpublished => {
                self.head = self.ring.head_hint();
                if self.head.distance_from(self.next) <= 0 {
                    self.head = self.last_head()?;
                }
            }
        }
        Ok(true)
    }

    /// Everything before `next` is taken, and perhaps more.
    fn go_on(&mut self, next: Ticket) {
        let hint = self.ring.tail_hint();
        self.next = match hint.distance_from(next) {
            1.. => hint,
            _ => next,
        };
    }

    /// A head with something behind it that was pushed before the ring was closed.
    #[cold]
    fn last_head(&self) -> Result<Ticket, NoWork> {
        if !self.ring.is_closed() {
            return Err(NoWork::Empty);
        }
        let head = self.ring.head_hint();
        match head.distance_from(self.next) {
            ..=0 => Err(NoWork::Closed),
            _ => Ok(head),
        }
    }

    /// Says that the item of `position`, which this worker holds, is done. What it wrote before is
    /// visible to whoever finds [`WorkRing::is_done`].
    ///
    /// # Errors
    /// [`DoneError`] if it is done already, or not this worker's; nothing changed.
    #[inline]
    pub fn done(&mut self, position: u64) -> Result<Finished, DoneError> {
        if self.line.position() != Some(position) {
            return Err(self.refusal(position));
        }
        // SAFETY: the line is this worker's until it is dropped.
        let correlation = unsafe { self.line.correlation() };
        self.line.let_go();
        Ok(Finished {
            position,
            correlation,
        })
    }

    #[cold]
    fn refusal(&self, position: u64) -> DoneError {
        match self.ring.is_done(position) {
            true => DoneError::Twice { position },
            false => DoneError::Stranger { position },
        }
    }
}

impl Drop for Worker<'_> {
    fn drop(&mut self) {
        self.line.leave(self.name);
    }
}

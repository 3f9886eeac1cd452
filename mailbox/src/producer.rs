//! The sending end: a claim, then one publication a position.
//!
//! Guarantees: one read-modify-write a batch; what was claimed is published, with void messages if
//! need be, whenever its thread lives to drop it. Called by whoever completes something; with a
//! name, through [`crate::NamedProducer`].

use core::marker::PhantomData;

use crate::cell::{Payload, Words};
use crate::claimer::ClaimLine;
use crate::error::{Full, PushError};
use crate::message::Message;
use crate::ring::{Claim, Ring};
use crate::ticket::Ticket;

/// The sending end. Copies push into the same ring, whose slots hold `M`.
#[derive(Clone, Copy, Debug)]
pub struct Producer<'m, M = Message> {
    ring: Ring<'m>,
    epoch: u32,
    holds: PhantomData<fn(M)>,
}

impl<'m, M: Payload> Producer<'m, M> {
    pub(crate) fn new(ring: Ring<'m>, epoch: u32) -> Self {
        Self {
            ring,
            epoch,
            holds: PhantomData,
        }
    }

    /// The same, for messages of another type that its consumer tells from `M`.
    pub(crate) fn retyped<N: Payload>(&self) -> Producer<'m, N> {
        Producer::new(self.ring, self.epoch)
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

    /// Whether the consumer may find something: a message, or a gap that may yet be published. Two
    /// loads while there is nothing.
    #[inline]
    pub fn is_mail_hint(&self) -> bool {
        self.ring.is_claimed_hint() && !(self.is_condemned() && self.is_empty_hint())
    }

    /// Messages claimed and not taken, from a head and a tail that may be stale. A statistic.
    #[inline]
    pub fn depth_hint(&self) -> u32 {
        self.ring.claimed_hint()
    }

    /// The first position that nobody has claimed: every claim that happened before this is
    /// behind it. Of a condemned ring, one that no claim reaches.
    #[inline]
    pub fn claimed_end(&self) -> u64 {
        self.ring.claimed_end().position()
    }

    /// Whether the mailbox takes nothing any more. Sure after a refusal because of it, else a
    /// hint.
    pub fn is_condemned(&self) -> bool {
        self.ring.is_condemned()
    }

    pub(crate) fn claim_lines(&self) -> &'m [ClaimLine] {
        self.ring.lines()
    }

    /// Why the last claim was refused.
    #[cold]
    pub(crate) fn refusal(&self) -> PushError {
        if self.is_condemned() {
            return PushError::Condemned;
        }
        PushError::Full(Full {
            slots: self.slots(),
        })
    }

    /// Pushes one message.
    ///
    /// # Errors
    /// [`PushError`]; the message is still yours.
    ///
    /// # Cost
    /// One read-modify-write on the head line and the slot's line.
    #[inline]
    pub fn push(&self, message: &M) -> Result<(), PushError> {
        let claim = match self.ring.claim_at_once(1, None) {
            Ok(claim) => claim,
            // In a call of its own, across which nothing is kept: the ordinary push has no frame.
            Err(seen) => return self.push_otherwise(message, seen),
        };
        self.publish(claim, message);
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn push_otherwise(&self, message: &M, seen: (Ticket, Ticket)) -> Result<(), PushError> {
        let claim = self.ring.claim_otherwise(1, None, seen);
        let claim = claim.ok_or_else(|| self.refusal())?;
        self.publish(claim, message);
        Ok(())
    }

    #[inline]
    fn publish(&self, claim: Claim, message: &M) {
        let words = message.encode(self.epoch);
        // SAFETY: the claim is this thread's, of one ticket, and is published here, once.
        unsafe { self.ring.publish(claim.first, &words) };
    }

    /// Pushes the messages `build(0) .. build(count - 1)`, as many as fit, in order and in
    /// neighbouring tickets. Returns how many were accepted; 0 means full or
    /// [condemned](Self::is_condemned) (or `count` is 0).
    ///
    /// `build` is called only for what was accepted. If it panics, what was claimed and not built
    /// is published as a void message, so a panic leaves no gap.
    ///
    /// # Cost
    /// One successful compare-exchange, whatever the count.
    #[inline]
    pub fn push_batch(&self, count: u32, build: impl FnMut(u32) -> M) -> u32 {
        self.claim(count).map_or(0, |claimed| claimed.fill(build))
    }

    /// Claims up to `count` positions, to be published one by one; `None` means full or
    /// [condemned](Self::is_condemned) (or `count` is 0).
    ///
    /// Delivery stands still behind what is claimed and not published.
    #[inline]
    pub fn claim(&self, count: u32) -> Option<Claimed<'m, M>> {
        self.claim_on(count, None)
    }

    #[inline]
    pub(crate) fn claim_on<'c>(
        &self,
        count: u32,
        line: Option<&'c ClaimLine>,
    ) -> Option<Claimed<'c, M>>
    where
        'm: 'c,
    {
        if count == 0 {
            return None;
        }
        let claim = self.ring.claim(u64::from(count), line)?;
        Some(Claimed {
            ring: self.ring,
            claim,
            line,
            epoch: self.epoch,
            holds: PhantomData,
        })
    }
}

/// Positions that this thread claimed and has not all published. Dropped early, it publishes void
/// messages in what is left; forgotten, or never ended because its thread died, it leaves a
/// [`Gap`](crate::Gap).
#[derive(Debug)]
#[must_use = "what is claimed and not published stops delivery behind it"]
pub struct Claimed<'m, M: Payload = Message> {
    ring: Ring<'m>,
    claim: Claim,
    line: Option<&'m ClaimLine>,
    epoch: u32,
    holds: PhantomData<fn(M)>,
}

impl<M: Payload> Claimed<'_, M> {
    /// The next position to publish.
    pub fn position(&self) -> u64 {
        self.claim.first.position()
    }

    /// How many positions are left to publish.
    #[inline]
    pub fn left(&self) -> u32 {
        u32::try_from(self.claim.count).expect("a claim is at most what was asked for")
    }

    /// Publishes `message` at the next position.
    ///
    /// # Panics
    /// If nothing is left.
    #[inline]
    pub fn publish(&mut self, message: &M) {
        assert!(self.claim.count > 0, "everything claimed is published");
        self.publish_next(&message.encode(self.epoch));
    }

    /// Publishes `build(0)`, `build(1)` and so on in all that is left. Returns how many.
    #[inline]
    pub(crate) fn fill(mut self, mut build: impl FnMut(u32) -> M) -> u32 {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a claim is at most what was asked for"
        )]
        let accepted = self.claim.count as u32;
        for i in 0..accepted {
            let words = build(i).encode(self.epoch);
            self.publish_next(&words);
        }
        accepted
    }

    #[inline]
    pub(crate) fn publish_next(&mut self, words: &Words) {
        let ticket = self.claim.first;
        self.claim.first = ticket.plus(1);
        self.claim.count -= 1;
        // SAFETY: `claim` owns the ticket, and moving `first` past it makes this the only time.
        unsafe { self.ring.publish(ticket, words) };
    }
}

impl<M: Payload> Drop for Claimed<'_, M> {
    #[inline]
    fn drop(&mut self) {
        while self.claim.count > 0 {
            self.publish_next(&M::VOID);
        }
        if let Some(line) = self.line {
            line.clear();
        }
    }
}

//! Claim lines: who is between claim and publish, so that a gap has a name.
//!
//! A [`NamedProducer`] owns one line. Before each exchange it announces there what it is about to
//! claim, and takes the announcement back when all of it is published. A position that is claimed
//! and not published therefore stands on the line of whoever claimed it: the announcement travels
//! with the claim, and whoever sees it taken back, or replaced, sees the publication too. A line
//! may also show a claim that never was: its owner died between announcing and the exchange, or is
//! just losing it. So a gap has candidates, and its claimer, if it had a line, is among them.
//!
//! A line costs two stores a batch, to memory that nobody else writes: on x86-64, 9 instructions
//! for one message, 13 for a batch of five messages. A [`Producer`] without one pays nothing and
//! leaves gaps without a name: enough for a thread that cannot die alone.

use core::num::NonZeroU32;

use thiserror::Error;

use crate::cell::Payload;
use crate::edge;
use crate::error::PushError;
use crate::message::Message;
use crate::producer::{Claimed, Producer};
use crate::sync::{AtomicU32, AtomicU64};
use crate::ticket::Ticket;

/// Most claim lines of a mailbox.
pub const MAX_CLAIMERS: u32 = 64;

/// One producer's line: its owner's name at byte 0 (0 = free), what it has in hand at byte 8 (low
/// half: first position modulo 2³², high half: how many, 0 = nothing).
#[repr(C, align(64))]
#[derive(Debug)]
pub struct ClaimLine {
    owner: AtomicU32,
    in_hand: AtomicU64,
}

impl Default for ClaimLine {
    fn default() -> Self {
        Self {
            owner: AtomicU32::new(0),
            in_hand: AtomicU64::new(0),
        }
    }
}

impl ClaimLine {
    pub(crate) fn stamp(&self) {
        // RELAXED: written before PLACE or before the handles exist.
        self.owner.store(0, edge::STAMP);
        // RELAXED: as above.
        self.in_hand.store(0, edge::STAMP);
    }

    /// Says that this line's owner is about to claim `count` positions from `first` on.
    ///
    /// # Ordering
    /// HEAD_CLAIM carries it to whoever sees the claim. A release itself, since it replaces what
    /// said that the batch before is published.
    #[inline]
    pub(crate) fn announce(&self, first: Ticket, count: u64) {
        let word = first.position() & u64::from(u32::MAX) | count << 32;
        // EDGE ANNOUNCE -> LINE_LOOK. Carries the publications of the batch before.
        self.in_hand.store(word, edge::ANNOUNCE);
    }

    /// Says that nothing is in hand: everything announced is published, or was not claimed.
    #[inline]
    pub(crate) fn clear(&self) {
        // EDGE LINE_CLEAR -> LINE_LOOK. Carries the publications.
        self.in_hand.store(0, edge::LINE_CLEAR);
    }

    fn covers(&self, ticket: Ticket) -> bool {
        // EDGE LINE_LOOK <- ANNOUNCE, LINE_CLEAR.
        let word = self.in_hand.load(edge::LINE_LOOK);
        let offset = ticket.position().wrapping_sub(word) & u64::from(u32::MAX);
        offset < word >> 32
    }

    fn enrol(&self, name: NonZeroU32) -> bool {
        // EDGE ENROL <- LEAVE. The line is written again only after its last owner is through.
        // RELAXED failure: a line that is taken is passed over.
        self.owner
            .compare_exchange(0, name.get(), edge::ENROL, edge::ENROL_BUSY)
            .is_ok()
    }

    /// Gives the line back.
    pub(crate) fn leave(&self) {
        // EDGE LEAVE -> ENROL, OWNER_LOOK. The owner touches neither line nor slots any more.
        self.owner.store(0, edge::LEAVE);
    }

    /// The owner's name, if the line has one.
    pub(crate) fn owner(&self) -> Option<NonZeroU32> {
        // EDGE OWNER_LOOK <- LEAVE. Whoever left is through with the memory.
        NonZeroU32::new(self.owner.load(edge::OWNER_LOOK))
    }
}

/// The lines that show a position in hand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Claimers {
    /// The first of them by line; `None` if no line shows the position.
    pub name: Option<NonZeroU32>,
    /// How many others show it as well: all but one announced it and never got it.
    pub others: u32,
}

impl Claimers {
    /// Who announced `ticket` and has not taken that back.
    pub(crate) fn of(lines: &[ClaimLine], ticket: Ticket) -> Self {
        let mut all = lines
            .iter()
            .filter(|line| line.covers(ticket))
            .filter_map(ClaimLine::owner);
        let name = all.next();
        let others = u32::try_from(all.count()).unwrap_or(u32::MAX);
        Self { name, others }
    }
}

/// A position that was claimed and is not published, where delivery stands still.
///
/// For an instant this is ordinary; a gap that lasts is a claimer that died or hangs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Where.
    pub position: u64,
    /// Who may have left it.
    pub claimers: Claimers,
}

/// Every claim line of the mailbox has an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("all {lines} claim lines are taken; lend more, or push without a name")]
pub struct NoLine {
    /// How many lines there are.
    pub lines: u32,
}

/// A sending end with a claim line: what it leaves unpublished has its name. One value, used by
/// one thread at a time; dropped, it gives the line back.
#[derive(Debug)]
pub struct NamedProducer<'m, M = Message> {
    producer: Producer<'m, M>,
    line: &'m ClaimLine,
    name: NonZeroU32,
}

impl<'m, M: Payload> Producer<'m, M> {
    /// Takes a free claim line under `name`: a handler's number, a process id.
    ///
    /// # Errors
    /// [`NoLine`] if all are taken.
    pub fn register(&self, name: NonZeroU32) -> Result<NamedProducer<'m, M>, NoLine> {
        let lines = self.claim_lines();
        let line = lines.iter().find(|line| line.enrol(name));
        let line = line.ok_or_else(|| NoLine {
            lines: u32::try_from(lines.len()).unwrap_or(u32::MAX),
        })?;
        Ok(NamedProducer {
            producer: *self,
            line,
            name,
        })
    }
}

impl<'m, M: Payload> NamedProducer<'m, M> {
    /// The name it registered under.
    pub fn name(&self) -> NonZeroU32 {
        self.name
    }

    /// The same mailbox without the line.
    pub fn producer(&self) -> Producer<'m, M> {
        self.producer
    }

    /// As [`Producer::push`].
    ///
    /// # Errors
    /// [`PushError`]; the message is still yours.
    #[inline]
    pub fn push(&mut self, message: &M) -> Result<(), PushError> {
        match self.push_batch(1, |_| *message) {
            1 => Ok(()),
            _ => Err(self.producer.refusal()),
        }
    }

    /// As [`Producer::push_batch`].
    ///
    /// # Cost
    /// One successful compare-exchange, whatever the count, and two stores to its own line.
    #[inline]
    pub fn push_batch(&mut self, count: u32, build: impl FnMut(u32) -> M) -> u32 {
        self.claim(count).map_or(0, |claimed| claimed.fill(build))
    }

    /// As [`Producer::claim`]. A claim that is forgotten shows on the line until the next one.
    #[inline]
    pub fn claim(&mut self, count: u32) -> Option<Claimed<'_, M>> {
        self.producer.claim_on(count, Some(self.line))
    }
}

impl<M> Drop for NamedProducer<'_, M> {
    fn drop(&mut self) {
        self.line.leave();
    }
}

/// Layout of a line, as other processes and firmware see it. (Model builds have other atomics.)
#[cfg(not(any(loom, shuttle)))]
mod layout {
    use super::ClaimLine;
    use core::mem::offset_of;
    use static_assertions::const_assert_eq;

    const_assert_eq!(size_of::<ClaimLine>(), 64);
    const_assert_eq!(offset_of!(ClaimLine, owner), 0);
    const_assert_eq!(offset_of!(ClaimLine, in_hand), 8);
}

//! The ring core: positions, the one claim loop of messages and packets, taking in order.
//!
//! What it guarantees: one successful compare-exchange claims what fits of a batch; "full" is
//! answered only after an acquire load of tail itself; the consumer never reads head, the
//! sequences say it all. Who calls it: [`crate::handle`]; [`crate::work`] has the same positions,
//! control lines and slots, and another discipline of taking.
//!
//! A condemned ring has its head moved further from tail than any claim can bring it: no exchange
//! that began before succeeds, every later one finds the ring full for ever, and the claim path
//! pays nothing for the possibility.
//!
//! Cache-line plan: claimers own the head line (head, and beside it a copy of tail that they
//! refresh when the ring looks full); the consumer owns the tail line and touches it once per
//! stride; a slot's line moves once to the consumer and, a lap later, once back.

use crossbeam_utils::Backoff;

use crate::cell::{Cell, Words};
use crate::claimer::{ClaimLine, Claimers};
use crate::edge;
use crate::sync::{AtomicU32, AtomicU64};
use crate::ticket::Ticket;

/// First eight bytes of identity in a header: "FINBOX" and a layout byte, little endian.
pub const MAGIC: u64 = u64::from_le_bytes(*b"FINBOX\0\x01");

/// Version of the memory layout. Kinds of messages are no part of it: a reader reports one that it
/// does not know, both ends of a run come from one build, and a C program that drains the mailbox
/// of a library's handlers takes bundles apart with `finbox_message_parts`.
pub const VERSION: u32 = 2;

/// How far a condemned head stands ahead of tail: no number of slots reaches it, and as a signed
/// distance it stays one.
const ASTRAY: u64 = 1 << 62;

/// What `state` holds once the ring is condemned; 0 before.
const CONDEMNED: u32 = 1;

/// Control lines of a ring: producers' line, consumer's line.
#[repr(C, align(64))]
#[derive(Debug)]
pub struct Header {
    pub(crate) head: AtomicU64,
    tail_copy: AtomicU64,
    pub(crate) magic: AtomicU64,
    pub(crate) version: AtomicU32,
    pub(crate) slots: AtomicU32,
    pub(crate) epoch: AtomicU32,
    pub(crate) claimers: AtomicU32,
    pub(crate) state: AtomicU32,
    pub(crate) consumer: AtomicU32,
    pub(crate) tail: TailLine,
}

#[repr(C, align(64))]
#[derive(Debug)]
pub(crate) struct TailLine {
    pub(crate) tail: AtomicU64,
}

impl Default for Header {
    fn default() -> Self {
        Self {
            head: AtomicU64::new(0),
            tail_copy: AtomicU64::new(0),
            magic: AtomicU64::new(0),
            version: AtomicU32::new(0),
            slots: AtomicU32::new(0),
            epoch: AtomicU32::new(0),
            claimers: AtomicU32::new(0),
            state: AtomicU32::new(0),
            consumer: AtomicU32::new(0),
            tail: TailLine {
                tail: AtomicU64::new(0),
            },
        }
    }
}

/// Who else can write the ring's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// Only this process: payloads are lent by reference.
    Own,
    /// Another process too: payloads are copied word by word and must be validated in the copy.
    Shared,
}

/// A ring in somebody's memory. A view: copies of it look at the same ring.
#[derive(Clone, Copy, Debug)]
pub struct Ring<'m> {
    header: &'m Header,
    cells: &'m [Cell],
    lines: &'m [ClaimLine],
    mask: u64,
    sharing: Sharing,
}

/// Tickets `first .. first + count`, owned by whoever claimed them until published.
#[derive(Debug)]
#[must_use = "a claimed ticket that is never published stops delivery behind it"]
pub(crate) struct Claim {
    pub(crate) first: Ticket,
    pub(crate) count: u64,
}

impl Claim {
    #[inline]
    fn if_any(self) -> Option<Self> {
        (self.count > 0).then_some(self)
    }
}

impl<'m> Ring<'m> {
    /// Looks at a ring whose header and cells are initialised.
    ///
    /// # Panics
    /// If the number of cells is not a power of two of at least 2.
    pub(crate) fn new(
        header: &'m Header,
        cells: &'m [Cell],
        lines: &'m [ClaimLine],
        sharing: Sharing,
    ) -> Self {
        let slots = cells.len();
        assert!(
            slots.is_power_of_two() && slots >= 2,
            "a ring has a power of two of slots, >= 2"
        );
        Self {
            header,
            cells,
            lines,
            mask: slots as u64 - 1,
            sharing,
        }
    }

    /// Writes header and sequences for a life that starts at position `start`.
    ///
    /// Called before any handle exists, or before PLACE publishes the magic.
    pub(crate) fn stamp(&self, start: u64, epoch: u32) {
        // RELAXED: PLACE, or handing over the handles, carries all of it.
        let header = self.header;
        header.head.store(start, edge::STAMP);
        header.tail_copy.store(start, edge::STAMP);
        header.tail.tail.store(start, edge::STAMP);
        header.version.store(VERSION, edge::STAMP);
        header.slots.store(self.slots(), edge::STAMP);
        header.epoch.store(epoch, edge::STAMP);
        let claimers = u32::try_from(self.lines.len()).expect("at most MAX_CLAIMERS");
        // RELAXED: as above.
        header.claimers.store(claimers, edge::STAMP);
        header.state.store(0, edge::STAMP);
        self.lines.iter().for_each(ClaimLine::stamp);
        for offset in 0..=self.mask {
            let ticket = Ticket::new(start).plus(offset);
            self.cell(ticket).stamp(ticket, self.mask + 1);
        }
    }

    /// Capacity in messages.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the header's slots field is 32 bits"
    )]
    pub fn slots(&self) -> u32 {
        self.cells.len() as u32
    }

    pub(crate) fn header(&self) -> &'m Header {
        self.header
    }

    pub(crate) fn lines(&self) -> &'m [ClaimLine] {
        self.lines
    }

    /// Whether another process drove head to where no claim can have brought it.
    pub(crate) fn is_astray(&self, tail: Ticket) -> bool {
        self.sharing == Sharing::Shared && !self.can_hold(self.depth_hint(tail))
    }

    fn can_hold(&self, depth: i64) -> bool {
        (0..=i64::from(self.slots())).contains(&depth)
    }

    /// Whether the ring takes nothing any more. Sure for whoever was refused because of it.
    #[inline]
    pub(crate) fn is_condemned(&self) -> bool {
        // RELAXED: whoever was refused acquired it with head; for others it is a hint.
        self.header.state.load(edge::CONDEMN) != 0
    }

    /// Whether a push must not even try. In memory of our own head alone decides; elsewhere
    /// somebody might write head back.
    #[inline]
    fn refuses(&self) -> bool {
        self.sharing == Sharing::Shared && self.is_condemned()
    }

    /// Ends all claiming for good. Returns the first position that nobody claimed, as far as head
    /// can be believed, or else the one behind the last that is published.
    ///
    /// # Ordering
    /// One exchange on head: each claim is before it, and then its announcement is seen here, or
    /// is refused, and then the refused one sees `state`.
    #[cold]
    pub(crate) fn condemn(&self, tail: Ticket) -> Ticket {
        // RELAXED: HEAD_CONDEMN carries it.
        self.header.state.store(CONDEMNED, edge::CONDEMN);
        let astray = tail.plus(ASTRAY).position();
        // EDGE HEAD_CONDEMN -> HEAD_SEEN, <- HEAD_CLAIM.
        let head = Ticket::new(self.header.head.swap(astray, edge::HEAD_CONDEMN));
        if self.can_hold(head.distance_from(tail)) {
            return head;
        }
        let mut end = tail;
        for offset in 0..=self.mask {
            if self.is_published(tail.plus(offset)) {
                end = tail.plus(offset + 1);
            }
        }
        end
    }

    /// Who announced `ticket`; `None` if it is published.
    pub(crate) fn missing(&self, ticket: Ticket) -> Option<Claimers> {
        if self.is_published(ticket) {
            return None;
        }
        let claimers = Claimers::of(self.lines, ticket);
        // A line that no longer shows it was seen after the publication: then this look finds it.
        (!self.is_published(ticket)).then_some(claimers)
    }

    /// Whether a claim stands at or behind `tail`, and with it its announcement.
    pub(crate) fn is_claimed(&self, tail: Ticket) -> bool {
        self.claimed_end().distance_from(tail) > 0
    }

    /// The first position that nobody has claimed.
    #[inline]
    pub(crate) fn claimed_end(&self) -> Ticket {
        // EDGE HEAD_SEEN <- HEAD_CLAIM.
        Ticket::new(self.header.head.load(edge::HEAD_SEEN))
    }

    /// Whether something seems to be claimed from where the consumer stands on.
    #[inline]
    pub(crate) fn is_claimed_hint(&self) -> bool {
        // RELAXED: a hint; whoever acts on it takes the consumer and looks again.
        let tail = Ticket::new(self.header.tail.tail.load(edge::TAIL_HINT));
        self.depth_hint(tail) > 0
    }

    /// How much seems to be claimed from where the consumer stands on. Reads head and tail.
    #[inline]
    pub(crate) fn claimed_hint(&self) -> u32 {
        // RELAXED: a hint; whoever acts on it takes the consumer and looks again.
        let tail = Ticket::new(self.header.tail.tail.load(edge::TAIL_HINT));
        let depth = self.depth_hint(tail).clamp(0, i64::from(self.slots()));
        #[expect(clippy::cast_possible_truncation, reason = "clamped to slots")]
        #[expect(clippy::cast_sign_loss, reason = "clamped to 0")]
        let depth = depth as u32;
        depth
    }

    /// Messages between `tail` and a head that may be stale: a statistic, not a promise.
    #[inline]
    pub(crate) fn depth_hint(&self, tail: Ticket) -> i64 {
        // RELAXED: a statistic; what a decision needs is asked of the sequences.
        Ticket::new(self.header.head.load(edge::HEAD_HINT)).distance_from(tail)
    }

    /// Whether nothing seems to be published where the consumer stands. Never reads head.
    pub(crate) fn is_empty_hint(&self) -> bool {
        // RELAXED: a hint; whoever acts on it takes the consumer and looks again.
        let tail = Ticket::new(self.header.tail.tail.load(edge::TAIL_HINT));
        !self.is_published(tail)
    }

    #[inline]
    fn cell(&self, ticket: Ticket) -> &'m Cell {
        let index = ticket.index(self.mask);
        // SAFETY: `mask` is one less than the number of cells, a power of two.
        unsafe { self.cells.get_unchecked(index) }
    }

    /// Claims up to `want` tickets, at least one, with one successful compare-exchange.
    ///
    /// `None` if the ring is full. `want` must not be 0.
    #[inline]
    pub(crate) fn claim(&self, want: u64, line: Option<&ClaimLine>) -> Option<Claim> {
        match self.claim_at_once(want, line) {
            Ok(claim) => Some(claim),
            Err(seen) => self.claim_otherwise(want, line, seen),
        }
    }

    /// Claims `want` tickets if there is room for all and nobody is in the way.
    ///
    /// # Errors
    /// Head and tail as they were seen, for [`claim_otherwise`](Self::claim_otherwise).
    ///
    /// # Ordering
    /// Success means that the consumer's reads of these slots happened before: tail reached this
    /// thread through TAIL_REFRESH, or through COPY_LOAD from a thread that refreshed it.
    ///
    /// `line` says before each try what is about to be claimed, and nothing after a refusal.
    #[inline]
    pub(crate) fn claim_at_once(
        &self,
        want: u64,
        line: Option<&ClaimLine>,
    ) -> Result<Claim, (Ticket, Ticket)> {
        debug_assert!(want > 0, "a claim of nothing");
        if self.refuses() {
            return Err((Ticket::new(0), Ticket::new(0)));
        }
        // EDGE HEAD_SEEN <- HEAD_CLAIM, HEAD_CONDEMN. Loaded before tail, so that a stale pair errs
        // towards "room", which the exchange then refuses; and with the tail that made this head
        // possible, or a new head beside an old tail would call a ring full that never was.
        let head = Ticket::new(self.header.head.load(edge::HEAD_SEEN));
        // EDGE COPY_LOAD <- COPY_STORE. May lag behind tail, never lead.
        let tail = Ticket::new(self.header.tail_copy.load(edge::COPY_LOAD));
        // Unsigned: a distance more negative than what is wanted is looked at again.
        let used = head.distance_from(tail) as u64;
        if used.wrapping_add(want) > self.cells.len() as u64 {
            return Err((head, tail));
        }
        let claim = self.try_claim(head, want, line);
        claim.map_err(|found| (found, tail))
    }

    /// As [`claim`](Self::claim), by one that [`claim_at_once`](Self::claim_at_once) refused.
    #[inline]
    pub(crate) fn claim_otherwise(
        &self,
        want: u64,
        line: Option<&ClaimLine>,
        seen: (Ticket, Ticket),
    ) -> Option<Claim> {
        if self.refuses() {
            return None;
        }
        self.claim_what_fits(want, line, seen).if_any()
    }

    /// As [`claim`](Self::claim), by one that lost an exchange or found less room than it wants; a
    /// claim of nothing if the ring is full, which two registers return.
    #[cold]
    #[inline(never)]
    fn claim_what_fits(
        &self,
        want: u64,
        line: Option<&ClaimLine>,
        (mut head, mut tail): (Ticket, Ticket),
    ) -> Claim {
        let slots = i64::from(self.slots());
        let backoff = Backoff::new();
        loop {
            // Saturating: in shared memory the two may be any numbers.
            let mut free = slots.saturating_sub(head.distance_from(tail));
            if free < want as i64 {
                tail = self.refresh_tail();
                free = slots.saturating_sub(head.distance_from(tail));
                if free <= 0 {
                    line.into_iter().for_each(ClaimLine::clear);
                    return Claim {
                        first: head,
                        count: 0,
                    };
                }
            }
            match self.try_claim(head, want.min(free as u64), line) {
                Ok(claim) => return claim,
                Err(found) => head = found,
            }
            backoff.spin();
        }
    }

    /// Announces and claims `count` tickets from `head` on.
    ///
    /// # Errors
    /// Where head stands instead.
    #[inline]
    fn try_claim(
        &self,
        head: Ticket,
        count: u64,
        line: Option<&ClaimLine>,
    ) -> Result<Claim, Ticket> {
        if let Some(line) = line {
            line.announce(head, count);
        }
        // EDGE HEAD_CLAIM -> HEAD_SEEN, HEAD_CONDEMN. Carries the tail that was seen and the
        // announcement; the payload comes later, on PUBLISH. A lost exchange is one more HEAD_SEEN.
        let (from, to) = (head.position(), head.plus(count).position());
        let head_word = &self.header.head;
        match head_word.compare_exchange(from, to, edge::HEAD_CLAIM, edge::HEAD_SEEN) {
            Ok(_) => Ok(Claim { first: head, count }),
            Err(found) => Err(Ticket::new(found)),
        }
    }

    /// Reads tail itself and leaves a copy for the other claimers.
    #[cold]
    fn refresh_tail(&self) -> Ticket {
        // EDGE TAIL_REFRESH <- TAIL_RELEASE. The consumer has finished reading what lies behind.
        let tail = self.header.tail.tail.load(edge::TAIL_REFRESH);
        // EDGE COPY_STORE -> COPY_LOAD. An older value may overwrite a newer one: it only lags.
        self.header.tail_copy.store(tail, edge::COPY_STORE);
        Ticket::new(tail)
    }

    /// Publishes `words` under a claimed ticket.
    ///
    /// # Safety
    /// The caller holds the claim on `ticket` and publishes it once.
    #[inline]
    pub(crate) unsafe fn publish(&self, ticket: Ticket, words: &Words) {
        let cell = self.cell(ticket);
        match self.sharing {
            // SAFETY: the caller holds the claim.
            Sharing::Own => unsafe { cell.publish(ticket, words) },
            // SAFETY: the caller holds the claim.
            Sharing::Shared => unsafe { cell.publish_shared(ticket, words) },
        }
    }

    /// Lends the payload of `ticket` if it is published.
    ///
    /// # Safety
    /// The caller is the ring's only consumer and has not released `ticket`.
    #[inline]
    pub(crate) unsafe fn take<R>(
        &self,
        ticket: Ticket,
        take: impl FnOnce(&Words) -> R,
    ) -> Option<R> {
        let cell = self.cell(ticket);
        if !cell.holds(ticket) {
            return None;
        }
        Some(match self.sharing {
            // SAFETY: `holds` saw it published; the caller is the consumer.
            Sharing::Own => unsafe { cell.read(take) },
            // SAFETY: as above; the copy is what `take` sees.
            Sharing::Shared => take(&unsafe { cell.read_shared() }),
        })
    }

    /// Whether the payload of `ticket` is published.
    pub(crate) fn is_published(&self, ticket: Ticket) -> bool {
        self.cell(ticket).holds(ticket)
    }

    /// Gives every slot before `tail` back to the producers.
    #[inline]
    pub(crate) fn release(&self, tail: Ticket) {
        // EDGE TAIL_RELEASE -> TAIL_REFRESH. This thread's reads of those slots are over.
        self.header
            .tail
            .tail
            .store(tail.position(), edge::TAIL_RELEASE);
    }

    /// How many messages the consumer may take before it must release tail.
    pub(crate) fn stride(&self) -> u32 {
        (self.slots() / 4).clamp(1, 64)
    }
}

/// Layout of header and slots, as other processes and firmware see it. (Model builds have other
/// atomics.)
#[cfg(not(any(loom, shuttle)))]
mod layout {
    use super::{Cell, Header, TailLine};
    use core::mem::offset_of;
    use static_assertions::{const_assert, const_assert_eq};

    const_assert_eq!(size_of::<Cell>(), 64);
    const_assert_eq!(align_of::<Cell>(), 64);

    const_assert_eq!(offset_of!(Header, head), 0);
    const_assert_eq!(offset_of!(Header, tail_copy), 8);
    const_assert_eq!(offset_of!(Header, magic), 16);
    const_assert_eq!(offset_of!(Header, version), 24);
    const_assert_eq!(offset_of!(Header, slots), 28);
    const_assert_eq!(offset_of!(Header, epoch), 32);
    const_assert_eq!(offset_of!(Header, claimers), 36);
    const_assert_eq!(offset_of!(Header, state), 40);
    const_assert_eq!(offset_of!(Header, consumer), 44);
    const_assert_eq!(offset_of!(Header, tail), 64);
    const_assert_eq!(size_of::<TailLine>(), 64);
    const_assert_eq!(size_of::<Header>(), 128);
    const_assert!(size_of::<Header>() + 4096 * 64 == 262_272);
}

//! The ring core: positions, the one claim loop, taking in order.
//!
//! What it guarantees: one successful compare-exchange claims what fits of a batch; "full" is
//! answered only after an acquire load of tail itself; the consumer never reads head, the
//! sequences say it all. Who calls it: [`crate::handle`]; later the command ring and work ring.
//!
//! Cache-line plan: claimers own the head line (head, and beside it a copy of tail that they
//! refresh when the ring looks full); the consumer owns the tail line and touches it once per
//! stride; a slot's line moves once to the consumer and, a lap later, once back.

use crossbeam_utils::Backoff;

use crate::cell::{Cell, Words};
use crate::edge;
use crate::sync::{AtomicU32, AtomicU64};
use crate::ticket::Ticket;

/// First eight bytes of identity in a header: "FINBOX" and a layout byte, little endian.
pub const MAGIC: u64 = u64::from_le_bytes(*b"FINBOX\0\x01");

/// Version of the memory layout.
pub const VERSION: u32 = 1;

/// Control lines of a ring: producers' line, consumer's line.
#[repr(C, align(64))]
#[derive(Debug)]
pub struct Header {
    head: AtomicU64,
    tail_copy: AtomicU64,
    pub(crate) magic: AtomicU64,
    pub(crate) version: AtomicU32,
    pub(crate) slots: AtomicU32,
    pub(crate) epoch: AtomicU32,
    tail: TailLine,
}

#[repr(C, align(64))]
#[derive(Debug)]
struct TailLine {
    tail: AtomicU64,
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

impl<'m> Ring<'m> {
    /// Looks at a ring whose header and cells are initialised.
    ///
    /// # Panics
    /// If the number of cells is not a power of two of at least 2.
    pub(crate) fn new(header: &'m Header, cells: &'m [Cell], sharing: Sharing) -> Self {
        let slots = cells.len();
        assert!(
            slots.is_power_of_two() && slots >= 2,
            "a ring has a power of two of slots, >= 2"
        );
        Self {
            header,
            cells,
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

    /// Whether another process drove head to where no claim can have brought it.
    pub(crate) fn is_condemned(&self, tail: Ticket) -> bool {
        self.sharing == Sharing::Shared
            && !(0..=i64::from(self.slots())).contains(&self.depth_hint(tail))
    }

    /// Messages between `tail` and a head that may be stale: a statistic, not a promise.
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
        &self.cells[ticket.index(self.mask)]
    }

    /// Claims up to `want` tickets, at least one, with one successful compare-exchange.
    ///
    /// `None` if the ring is full. `want` must not be 0.
    ///
    /// # Ordering
    /// Success means that the consumer's reads of these slots happened before: tail reached this
    /// thread through TAIL_REFRESH, or through COPY_LOAD from a thread that refreshed it.
    #[inline]
    pub(crate) fn claim(&self, want: u64) -> Option<Claim> {
        debug_assert!(want > 0, "a claim of nothing");
        let slots = i64::from(self.slots());
        let backoff = Backoff::new();
        // EDGE HEAD_SEEN <- HEAD_CLAIM. Loaded before tail, so that a stale pair errs towards
        // "room", which the exchange then refuses; and with the tail that made this head possible,
        // or a new head beside an old tail would call a ring full that never was.
        let mut head = self.header.head.load(edge::HEAD_SEEN);
        // EDGE COPY_LOAD <- COPY_STORE. May lag behind tail, never lead.
        let mut tail = Ticket::new(self.header.tail_copy.load(edge::COPY_LOAD));
        loop {
            // Saturating: in shared memory the two may be any numbers.
            let mut free = slots.saturating_sub(Ticket::new(head).distance_from(tail));
            if free < want as i64 {
                tail = self.refresh_tail();
                free = slots.saturating_sub(Ticket::new(head).distance_from(tail));
                if free <= 0 {
                    return None;
                }
            }
            let count = want.min(free as u64);
            // EDGE HEAD_CLAIM -> HEAD_SEEN. Carries the tail seen above; the payload comes later,
            // on PUBLISH. A lost exchange is one more HEAD_SEEN.
            let next = head.wrapping_add(count);
            match self
                .header
                .head
                .compare_exchange(head, next, edge::HEAD_CLAIM, edge::HEAD_SEEN)
            {
                Ok(_) => {
                    return Some(Claim {
                        first: Ticket::new(head),
                        count,
                    });
                }
                Err(found) => head = found,
            }
            backoff.spin();
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
    const_assert_eq!(offset_of!(Header, tail), 64);
    const_assert_eq!(size_of::<TailLine>(), 64);
    const_assert_eq!(size_of::<Header>(), 128);
    const_assert!(size_of::<Header>() + 4096 * 64 == 262_272);
}

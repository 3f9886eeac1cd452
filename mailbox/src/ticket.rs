//! Positions in a ring's life. Pure arithmetic, wrap-safe.

/// A position in a ring's life: handed out once, never reused (2⁶⁴ of them, wrapping).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(u64);

impl Ticket {
    /// The ticket at `position`.
    pub const fn new(position: u64) -> Self {
        Self(position)
    }

    /// The position this ticket stands for.
    pub const fn position(self) -> u64 {
        self.0
    }

    /// The sequence that says "this ticket's payload is published".
    #[inline]
    pub const fn published(self) -> u64 {
        self.0.wrapping_add(1)
    }

    /// The ticket `count` positions later.
    #[inline]
    #[must_use]
    pub const fn plus(self, count: u64) -> Self {
        Self(self.0.wrapping_add(count))
    }

    /// Signed distance from `earlier` to this ticket, in positions.
    ///
    /// Signed, because one of the two may be a stale copy: an unsigned distance from a stale head
    /// would report a nearly empty ring as full.
    #[inline]
    pub const fn distance_from(self, earlier: Self) -> i64 {
        self.0.wrapping_sub(earlier.0) as i64
    }

    /// Index of the slot this ticket uses, for a power-of-two ring with `mask = slots − 1`.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "masked to an index below slots"
    )]
    pub const fn index(self, mask: u64) -> usize {
        (self.0 & mask) as usize
    }

    /// What a fresh slot's sequence must hold so that no ticket of the first lap matches it: the
    /// sequence of the lap before.
    #[inline]
    pub const fn never_published(self, slots: u64) -> u64 {
        self.published().wrapping_sub(slots)
    }
}

#[cfg(test)]
mod tests {
    use super::Ticket;

    #[test]
    fn distance_is_signed_and_wraps() {
        let before = Ticket::new(u64::MAX - 1);
        assert_eq!(before.plus(4).distance_from(before), 4);
        assert_eq!(before.distance_from(before.plus(4)), -4);
    }

    #[test]
    fn a_stamp_matches_no_ticket_of_its_slot_for_a_whole_life() {
        for start in [0, 1, u64::MAX - 2, u64::MAX] {
            let ticket = Ticket::new(start);
            let stamp = ticket.never_published(2);
            assert!((0..1000).all(|lap| ticket.plus(lap * 2).published() != stamp));
        }
    }
}

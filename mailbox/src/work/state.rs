//! What the sequence of a work slot says. Pure arithmetic, wrap-safe.
//!
//! A slot lives through `Free(p)`, `Published(p)`, `Taken(p, worker)`, `Free(p + slots)` and so on:
//! its words only ever grow. Bits 0 and 1 say which, bits 2 to 9 which worker, the rest is the
//! position modulo 2⁵⁴: a thread may stand between two instructions while 2⁵³ items pass.

use crate::ticket::Ticket;

/// Most workers of a work ring: a taken slot names its taker in eight bits.
pub const MAX_WORKERS: u32 = 256;

const FREE: u64 = 0;
const PUBLISHED: u64 = 1;
const TAKEN: u64 = 2;
const STATES: u64 = 3;
const WORKER_SHIFT: u32 = 2;
const POSITION_SHIFT: u32 = 10;

#[inline]
const fn at(ticket: Ticket, state: u64) -> u64 {
    ticket.position() << POSITION_SHIFT | state
}

/// `ticket` may be claimed: whoever used the slot a lap ago is through with it.
#[inline]
pub(crate) const fn free(ticket: Ticket) -> u64 {
    at(ticket, FREE)
}

/// The item of `ticket` stands here and nobody has it.
#[inline]
pub(crate) const fn published(ticket: Ticket) -> u64 {
    at(ticket, PUBLISHED)
}

/// `worker` has the item of `ticket` and is copying it to its line.
#[inline]
pub(crate) const fn taken(ticket: Ticket, worker: u8) -> u64 {
    at(ticket, TAKEN | (worker as u64) << WORKER_SHIFT)
}

/// How far the slot's own position is ahead of `ticket`, in positions; a whole number of laps.
#[inline]
pub(crate) const fn ahead_of(word: u64, ticket: Ticket) -> i64 {
    let of_word = word >> POSITION_SHIFT << POSITION_SHIFT;
    of_word.wrapping_sub(free(ticket)) as i64 >> POSITION_SHIFT
}

/// The worker that a slot says it is taken by.
pub(crate) const fn taker(word: u64) -> Option<u8> {
    match word & STATES {
        TAKEN => Some((word >> WORKER_SHIFT & 0xFF) as u8),
        _ => None,
    }
}

/// Whether a slot says that the item of `ticket` is taken, by whomever.
#[inline]
const fn is_taken(word: u64, ticket: Ticket) -> bool {
    word & STATES == TAKEN && ahead_of(word, ticket) == 0
}

/// What a worker finds at the slot of a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// The item is there for whoever exchanges first.
    Ready,
    /// It was taken, and so was every position before this one, where to go on.
    Gone(Ticket),
    /// Nobody published it yet.
    Unpublished,
}

/// What `word` tells a worker that looks for `ticket` in a ring of `slots`.
///
/// Positions are taken in order, so a slot that is laps ahead says how far everything is gone: its
/// word for position q was written after q − slots had been taken.
#[inline]
pub(crate) const fn sight(word: u64, ticket: Ticket, slots: u64) -> Sight {
    if word == published(ticket) {
        return Sight::Ready;
    }
    let ahead = ahead_of(word, ticket);
    if ahead > 0 {
        let gone = (ahead as u64).wrapping_sub(slots);
        return Sight::Gone(ticket.plus(gone).plus(1));
    }
    if is_taken(word, ticket) {
        return Sight::Gone(ticket.plus(1));
    }
    Sight::Unpublished
}

#[cfg(test)]
mod tests {
    use super::{Sight, ahead_of, free, published, sight, taken, taker};
    use crate::ticket::Ticket;

    const SLOTS: u64 = 4;
    const STARTS: [u64; 5] = [0, 1, u32::MAX as u64, (1 << 54) - 2, 1 << 62];

    #[test]
    fn words_of_a_slot_only_grow() {
        for start in STARTS {
            let lap = |lap: u64| {
                let ticket = Ticket::new(start).plus(lap * SLOTS);
                [free(ticket), published(ticket), taken(ticket, 255)]
            };
            let life: [[u64; 3]; 4] = core::array::from_fn(|number| lap(number as u64));
            let steps = life.as_flattened().windows(2);
            assert!(
                steps
                    .into_iter()
                    .all(|pair| pair[1].wrapping_sub(pair[0]) < 1 << 63)
            );
        }
    }

    #[test]
    fn distances_are_signed_and_the_state_has_no_part_in_them() {
        for start in STARTS {
            let ticket = Ticket::new(start).plus(8);
            let back = Ticket::new(start);
            for word in [free(ticket), published(ticket), taken(ticket, 200)] {
                assert_eq!(ahead_of(word, back), 8);
                assert_eq!(ahead_of(word, ticket), 0);
                assert_eq!(ahead_of(word, ticket.plus(8)), -8);
            }
        }
    }

    #[test]
    fn a_worker_sees_what_the_slot_says() {
        for start in STARTS {
            let ticket = Ticket::new(start).plus(SLOTS);
            let before = Ticket::new(start);
            for word in [
                free(ticket),
                published(before),
                taken(before, 3),
                free(before),
            ] {
                assert_eq!(sight(word, ticket, SLOTS), Sight::Unpublished);
            }
            assert_eq!(sight(published(ticket), ticket, SLOTS), Sight::Ready);
            let gone = Sight::Gone(ticket.plus(1));
            assert_eq!(sight(taken(ticket, 255), ticket, SLOTS), gone);
            assert_eq!(sight(free(ticket.plus(SLOTS)), ticket, SLOTS), gone);
        }
    }

    #[test]
    fn a_slot_that_is_laps_ahead_says_how_far_everything_is_gone() {
        let ticket = Ticket::new(7);
        let far = ticket.plus(1_000_000 * SLOTS);
        for word in [free(far), published(far), taken(far, 1)] {
            let last_gone = far.position() - SLOTS;
            assert_eq!(
                sight(word, ticket, SLOTS),
                Sight::Gone(Ticket::new(last_gone + 1))
            );
        }
    }

    #[test]
    fn a_taken_slot_names_its_taker_and_no_other_does() {
        let ticket = Ticket::new(1 << 53);
        for worker in [0, 1, 255] {
            assert_eq!(taker(taken(ticket, worker)), Some(worker));
        }
        assert_eq!(
            (taker(free(ticket)), taker(published(ticket))),
            (None, None)
        );
    }
}

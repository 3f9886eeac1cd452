//! What anybody may see of items and workers: snapshots, for reports and for whoever watches.
//!
//! Guarantees: what is said of a position was true at some moment of the look. Refuses: to change
//! anything. Called by stall reports, and by whoever watches over workers.

use core::num::NonZeroU32;

use crate::ticket::Ticket;

use super::line::WorkerLine;
use super::ring::WorkRing;

/// Where an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whereabouts {
    /// In the ring: nobody took it.
    Waiting {
        /// So many items before it are not taken either.
        behind: u64,
    },
    /// In the hands of a worker, dead or alive.
    Held {
        /// The name it registered under.
        by: NonZeroU32,
    },
    /// Its worker said that it is done.
    Done,
}

/// A worker that registered and has not gone without an item, as others see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Which line it has.
    pub line: u8,
    /// The name it registered under.
    pub name: NonZeroU32,
    /// The position of the item in its hand.
    pub holds: Option<u64>,
    /// It went away and left the item.
    pub is_gone: bool,
}

impl<'m> WorkRing<'m> {
    /// Whether `position` was claimed by a producer, as far as this thread knows: sure for what it
    /// pushed itself.
    pub fn was_pushed(&self, position: u64) -> bool {
        self.head_hint().position() > position
    }

    /// Where the item of `position`, which was pushed, is now. A snapshot.
    pub fn whereabouts(&self, position: u64) -> Whereabouts {
        if let Some(by) = self.holder(position) {
            return Whereabouts::Held { by };
        }
        if self.is_done(position) {
            return Whereabouts::Done;
        }
        let before = Ticket::new(position).distance_from(self.first_waiting());
        Whereabouts::Waiting {
            behind: u64::try_from(before).unwrap_or(0),
        }
    }

    /// How many workers there can be at once.
    pub fn worker_lines(&self) -> u32 {
        u32::try_from(self.lines.len()).expect("at most MAX_WORKERS")
    }

    /// Workers that registered and have not gone, and those that left an item. A snapshot.
    pub fn workers(&self) -> impl Iterator<Item = Seat> + use<'m> {
        let seat = |(line, words): (u8, &'m WorkerLine)| {
            let is_gone = words.is_left();
            Some(Seat {
                line,
                name: words.name()?,
                holds: words.position(),
                is_gone,
            })
        };
        (0..=u8::MAX).zip(self.lines).filter_map(seat)
    }
}

//! A ring of output memory: reserved in order, given back in order, never split over the end.
//!
//! Positions are 64-bit and only grow; the offset is the position modulo the size, so empty and
//! exactly full are two things. What does not fit before the end is skipped, and comes back with
//! the reservation that skipped it. An empty ring begins wherever a reservation fits.

use core::ops::Range;

/// Reservations begin at, and are rounded up to, multiples of this many bytes.
pub const OUTPUT_ALIGN: u64 = 64;

/// Some reserved bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reserved {
    /// Offset of the first byte.
    pub at: u64,
    /// How many: what was asked for, rounded up.
    pub bytes: u64,
    /// Position behind the last byte: what [`HeapRing::give_back`] wants.
    pub end: u64,
}

impl Reserved {
    /// First byte to one behind the last.
    pub const fn range(&self) -> Range<u64> {
        self.at..self.at + self.bytes
    }
}

/// The ring.
#[derive(Clone, Copy, Debug, Default)]
pub struct HeapRing {
    bytes: u64,
    oldest: u64,
    next: u64,
}

impl HeapRing {
    /// A ring of `bytes` bytes, a multiple of 64, none of them reserved.
    pub const fn new(bytes: u64) -> Self {
        Self {
            bytes,
            oldest: 0,
            next: 0,
        }
    }

    /// Its size.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes that are reserved or were skipped.
    pub const fn used(&self) -> u64 {
        self.next - self.oldest
    }

    /// Whether `bytes` can be reserved while nothing else is.
    pub fn can_ever(&self, bytes: u64) -> bool {
        bytes
            .checked_next_multiple_of(OUTPUT_ALIGN)
            .is_some_and(|length| length <= self.bytes)
    }

    /// Reserves `bytes`, 1 or more, behind what was reserved last; `None` if they do not fit now.
    ///
    /// `barred` answers for a range of offsets whether part of it must not be given out, and then
    /// how far that part goes.
    pub fn reserve(
        &mut self,
        bytes: u64,
        barred: impl Fn(Range<u64>) -> Option<u64>,
    ) -> Option<Reserved> {
        if !self.can_ever(bytes) {
            return None;
        }
        let length = bytes.next_multiple_of(OUTPUT_ALIGN);
        let is_empty = self.oldest == self.next;
        let mut start = self.next;
        loop {
            let fits = match is_empty {
                true => start - self.next <= self.bytes,
                false => start + length - self.oldest <= self.bytes,
            };
            if !fits {
                return None;
            }
            let at = start % self.bytes;
            if at + length > self.bytes {
                start += self.bytes - at;
            } else if let Some(end) = barred(at..at + length) {
                start += end - at;
            } else {
                break;
            }
        }
        if is_empty {
            self.oldest = start;
        }
        self.next = start + length;
        Some(Reserved {
            at: start % self.bytes,
            bytes: length,
            end: self.next,
        })
    }

    /// Gives back everything up to the end of a reservation: it, and all before it.
    pub fn give_back(&mut self, end: u64) {
        debug_assert!(
            (self.oldest..=self.next).contains(&end),
            "reservations come back in order"
        );
        self.oldest = end;
    }
}

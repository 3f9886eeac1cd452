//! An SDMA event record, as the device writes it.
//!
//! 64 bytes, 64-aligned: the completed post `u64` @0, the count of failures `u64` @8, and six
//! `u64` @16: the last failures, code 16 bits above post 48 bits, failure `n` (from 1) in word
//! `(n − 1) % 6`. Guarantees: whoever acquires the completed post sees the bytes of that transfer
//! and the failures up to it. Posts are numbered from 1 and complete in order.

use crate::device::Dram;

/// Failures that a record keeps.
const KEPT: u64 = 6;
/// Where they begin.
const FAILURES_AT: u64 = 16;
/// Bits of a post in a failure.
const POST_BITS: u32 = 48;

/// The device's end of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventRecord {
    addr: u64,
    failures: u64,
}

impl EventRecord {
    /// The record at `addr`, where nothing has completed.
    pub const fn new(addr: u64) -> Self {
        Self { addr, failures: 0 }
    }

    /// Where it is.
    pub const fn addr(&self) -> u64 {
        self.addr
    }

    /// Says that `post` is complete, with 0 or the code of its failure: the failure, the count,
    /// then the post.
    pub fn complete(&mut self, dram: &Dram, post: u64, status: u16) {
        if status != 0 {
            let failure = u64::from(status) << POST_BITS | post & ((1 << POST_BITS) - 1);
            let at = self.addr + FAILURES_AT + self.failures % KEPT * 8;
            dram.store_u64(at, failure);
            self.failures += 1;
            dram.store_u64(self.addr + 8, self.failures);
        }
        dram.store_u64(self.addr, post);
    }
}

#[cfg(test)]
mod tests {
    use super::EventRecord;
    use crate::device::Dram;

    const BASE: u64 = 0x1000_0000;

    #[test]
    fn completions_move_the_post_and_failures_stand_in_their_words() {
        let dram = Dram::new(BASE, 64);
        let mut record = EventRecord::new(BASE);
        let words = || [0, 8, 16, 24].map(|offset| dram.load_u64(BASE + offset));
        record.complete(&dram, 1, 0);
        assert_eq!(words(), [1, 0, 0, 0]);
        record.complete(&dram, 2, 0x77);
        assert_eq!(words(), [2, 1, 0x77 << 48 | 2, 0]);
        record.complete(&dram, 3, 0);
        record.complete(&dram, 4, 0xFFFF);
        assert_eq!(words(), [4, 2, 0x77 << 48 | 2, 0xFFFF << 48 | 4]);
    }

    #[test]
    fn the_seventh_failure_takes_the_place_of_the_first() {
        let dram = Dram::new(BASE, 64);
        let mut record = EventRecord::new(BASE);
        for post in 1..=7 {
            record.complete(&dram, post, 9);
        }
        let posts = [16, 24, 56].map(|at| dram.load_u64(BASE + at) & 0xFFFF);
        assert_eq!((posts, dram.load_u64(BASE + 8)), ([7, 2, 6], 7));
    }
}

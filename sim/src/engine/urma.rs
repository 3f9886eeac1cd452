//! A URMA completion queue, as the device writes it.
//!
//! 64-aligned. A header line: entries `u32` @0 (a power of two, 2 to 4096) and consumed `u32` @8,
//! which the control CPU writes. Then entries of 16 bytes from @64: owner `u32` @0 (bit 0), status
//! `u32` @4, post `u64` @8. Position `p` is in entry `p % entries` and new when its owner bit is
//! `(p / entries + 1) & 1`; positions wrap at 2³². Guarantees: whoever acquires a new owner bit
//! sees status and post of that position and the bytes of its transfer; an entry is not written
//! again before it was consumed.

use crate::device::Dram;

/// Bytes in front of the first entry.
pub const QUEUE_HEADER_BYTES: u64 = 64;
/// Bytes of an entry.
pub const QUEUE_ENTRY_BYTES: u64 = 16;
/// Where the control CPU says how far it has read.
const CONSUMED_AT: u64 = 8;

/// The device's end of one completion queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompletionQueue {
    addr: u64,
    entries: u32,
    /// The next position it writes.
    next: u32,
}

impl CompletionQueue {
    /// The queue at `addr`, empty, whose first completion has position `first`.
    ///
    /// # Panics
    /// If `entries` is not a power of two from 2 to 4096.
    pub const fn new(addr: u64, entries: u32, first: u32) -> Self {
        let is_possible = entries.is_power_of_two() && 2 <= entries && entries <= 4096;
        assert!(is_possible, "entries are a power of two from 2 to 4096");
        Self {
            addr,
            entries,
            next: first,
        }
    }

    /// Where its header is.
    pub const fn addr(&self) -> u64 {
        self.addr
    }

    /// The position that the next completion gets.
    pub const fn next(&self) -> u32 {
        self.next
    }

    /// Writes header and entries as they are before the first completion: everything consumed,
    /// nothing new.
    pub fn initialise(&self, dram: &Dram) {
        dram.store_u32(self.addr, self.entries);
        dram.store_u32(self.addr + CONSUMED_AT, self.next);
        for back in 1..=self.entries {
            let position = self.next.wrapping_sub(back);
            dram.store_u32(self.entry(position), self.owner(position));
        }
    }

    /// Whether a completion may be written: entries not yet consumed are less than all.
    pub fn has_credit(&self, dram: &Dram) -> bool {
        let consumed = dram.load_u32(self.addr + CONSUMED_AT);
        self.next.wrapping_sub(consumed) < self.entries
    }

    /// Writes the next completion: status and post, then the owner bit.
    pub fn complete(&mut self, dram: &Dram, post: u64, status: u16) {
        let entry = self.entry(self.next);
        dram.store_u32(entry + 4, status.into());
        dram.store_u64(entry + 8, post);
        dram.store_u32(entry, self.owner(self.next));
        self.next = self.next.wrapping_add(1);
    }

    fn entry(&self, position: u32) -> u64 {
        let index = u64::from(position % self.entries);
        self.addr + QUEUE_HEADER_BYTES + index * QUEUE_ENTRY_BYTES
    }

    const fn owner(&self, position: u32) -> u32 {
        (position / self.entries).wrapping_add(1) & 1
    }
}

#[cfg(test)]
mod tests {
    use super::CompletionQueue;
    use crate::device::Dram;

    const BASE: u64 = 0x1000_0000;

    /// The control CPU's end, written from the format alone.
    struct Reader {
        entries: u32,
        consumed: u32,
    }

    impl Reader {
        fn take(&mut self, dram: &Dram) -> Option<(u64, u32)> {
            let entry = BASE + 64 + u64::from(self.consumed % self.entries) * 16;
            let is_new = dram.load_u32(entry) & 1 == (self.consumed / self.entries + 1) & 1;
            let seen = (dram.load_u64(entry + 8), dram.load_u32(entry + 4));
            is_new.then(|| {
                self.consumed = self.consumed.wrapping_add(1);
                dram.store_u32(BASE + 8, self.consumed);
                seen
            })
        }
    }

    fn made(entries: u32, first: u32) -> (Dram, CompletionQueue, Reader) {
        let dram = Dram::new(BASE, 64 + 16 * u64::from(entries));
        let queue = CompletionQueue::new(BASE, entries, first);
        queue.initialise(&dram);
        let consumed = dram.load_u32(BASE + 8);
        (dram, queue, Reader { entries, consumed })
    }

    #[test]
    fn the_owner_bit_tells_new_from_old_over_several_laps() {
        for entries in [2, 4, 64] {
            let (dram, mut queue, mut reader) = made(entries, 0);
            for post in 1..=u64::from(entries) * 5 {
                assert_eq!(reader.take(&dram), None, "before post {post}");
                queue.complete(&dram, post, 0);
                assert_eq!(reader.take(&dram), Some((post, 0)));
            }
        }
    }

    #[test]
    fn a_lap_read_in_one_go_ends_where_the_device_is() {
        let (dram, mut queue, mut reader) = made(4, 0);
        for lap in 0..3 {
            (1..=3).for_each(|post| queue.complete(&dram, lap * 10 + post, 0));
            let read: Vec<u64> = std::iter::from_fn(|| reader.take(&dram))
                .map(|seen| seen.0)
                .collect();
            assert_eq!(read, [1, 2, 3].map(|post| lap * 10 + post));
        }
    }

    #[test]
    fn positions_wrap_at_32_bits() {
        for first in [u32::MAX - 5, u32::MAX, 0x7FFF_FFFE, 7] {
            let (dram, mut queue, mut reader) = made(4, first);
            assert_eq!(reader.take(&dram), None, "nothing is new at {first}");
            for post in 1..=12 {
                assert!(queue.has_credit(&dram));
                queue.complete(&dram, post, 0);
                assert_eq!(reader.take(&dram), Some((post, 0)));
                assert_eq!(reader.take(&dram), None);
            }
            assert_eq!(queue.next(), first.wrapping_add(12));
        }
    }

    #[test]
    fn credits_end_with_the_entries_and_come_back_with_consumed() {
        let (dram, mut queue, mut reader) = made(2, u32::MAX);
        for post in [1, 2] {
            assert!(queue.has_credit(&dram));
            queue.complete(&dram, post, 0);
        }
        assert!(!queue.has_credit(&dram));
        assert_eq!(reader.take(&dram), Some((1, 0)));
        assert!(queue.has_credit(&dram));
        queue.complete(&dram, 3, 0);
        assert!(!queue.has_credit(&dram));
        assert_eq!(reader.take(&dram), Some((2, 0)));
        assert_eq!(reader.take(&dram), Some((3, 0)));
    }

    #[test]
    fn an_entry_with_an_error_is_an_entry_like_others() {
        let (dram, mut queue, mut reader) = made(2, 0);
        for (post, status) in [(1, 0x15), (2, 0), (3, 0xFFFF), (4, 0)] {
            queue.complete(&dram, post, status);
            assert_eq!(reader.take(&dram), Some((post, status.into())));
        }
        assert!(queue.has_credit(&dram));
    }
}

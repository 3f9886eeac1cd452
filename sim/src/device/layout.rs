//! Where things are in one rank's memory: slabs, counters, data.
//!
//! Guarantees: ranks never share an address and none is null; slabs and lines of packed counters
//! are 64-byte aligned; the data begins on a 4 KiB boundary, at the same offset on every rank that
//! was laid out alike, so `remote = window(peer) + (local − window(self))` holds. Called by
//! [`Device`](super::Device).

use std::ops::Range;

use finbox_scheduler::CoreId;
use finbox_scheduler::SLAB_BYTES;

/// Distance between the memories of two ranks, and the most one may have: 256 MiB.
pub const RANK_STRIDE_BYTES: u64 = 0x1000_0000;

/// Windows start on these boundaries.
pub const WINDOW_ALIGN_BYTES: u64 = 4096;

/// Where a counter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CounterPlace {
    /// Beside the other packed ones, in front of the data.
    Packed,
    /// At this byte offset in the data; a multiple of 4.
    Data(u64),
}

/// Addresses of one rank's memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    base: u64,
    lanes: u64,
    counters: Box<[u64]>,
    packed: Range<u64>,
    data: Range<u64>,
}

impl Layout {
    /// Rank `rank`: slabs for `lanes` cores and host lanes, counters, and `data_bytes` of data.
    ///
    /// # Panics
    /// If it does not fit into [`RANK_STRIDE_BYTES`], or a counter is not inside the data.
    pub fn new(rank: u32, lanes: usize, counters: &[CounterPlace], data_bytes: u64) -> Self {
        let base = RANK_STRIDE_BYTES * (u64::from(rank) + 1);
        let lanes = lanes as u64;
        let packed_start = base + lanes * 2 * SLAB_BYTES;
        let is_packed = |place: &&CounterPlace| **place == CounterPlace::Packed;
        let packed_count = counters.iter().filter(is_packed).count() as u64;
        let packed = packed_start..packed_start + 4 * packed_count;
        let data_start = packed.end.next_multiple_of(WINDOW_ALIGN_BYTES);
        let data = data_start..data_start + data_bytes;
        assert!(
            data.end - base <= RANK_STRIDE_BYTES,
            "a rank has at most 256 MiB"
        );
        let counters = place(counters, packed.start, &data);
        Self {
            base,
            lanes,
            counters,
            packed,
            data,
        }
    }

    /// First address of the rank's memory.
    pub const fn base(&self) -> u64 {
        self.base
    }

    /// Bytes from [`base`](Self::base) to the end of the last line of the data.
    pub const fn size_bytes(&self) -> u64 {
        self.data.end.next_multiple_of(64) - self.base
    }

    /// The slab of `core` for tokens of this parity.
    pub fn slab(&self, core: CoreId, parity: usize) -> u64 {
        let slab = core.index() as u64 * 2 + parity as u64;
        assert!(slab < self.lanes * 2, "core {} has no slab", core.0);
        self.base + slab * SLAB_BYTES
    }

    /// The counters, in the order they were given.
    pub fn counters(&self) -> &[u64] {
        &self.counters
    }

    /// The data: the rank's window and whatever else its buffers are.
    pub const fn data(&self) -> &Range<u64> {
        &self.data
    }

    /// What the control CPU may read: slabs and counters.
    pub fn readable(&self) -> Vec<Range<u64>> {
        let slabs = self.base..self.packed.start;
        let placed = self
            .counters
            .iter()
            .filter(|&counter| self.data.contains(counter));
        [slabs, self.packed.clone()]
            .into_iter()
            .chain(placed.map(|&at| at..at + 4))
            .collect()
    }
}

fn place(counters: &[CounterPlace], first: u64, data: &Range<u64>) -> Box<[u64]> {
    let mut next = first;
    let address = |place: &CounterPlace| match *place {
        CounterPlace::Packed => {
            next += 4;
            next - 4
        }
        CounterPlace::Data(offset) => {
            let address = data.start + offset;
            let is_inside = offset.is_multiple_of(4) && address + 4 <= data.end;
            assert!(
                is_inside,
                "a counter at offset {offset} of the data is not inside it"
            );
            address
        }
    };
    counters.iter().map(address).collect()
}

#[cfg(test)]
mod tests {
    use super::{CounterPlace, Layout};
    use finbox_scheduler::CoreId;

    #[test]
    fn slabs_counters_and_data_follow_each_other() {
        let counters = [
            CounterPlace::Packed,
            CounterPlace::Data(65_536),
            CounterPlace::Packed,
        ];
        let layout = Layout::new(1, 3, &counters, 65_540);
        assert_eq!(layout.base(), 0x2000_0000);
        assert_eq!(layout.slab(CoreId(2), 1), 0x2000_0000 + 5 * 2112);
        assert_eq!(layout.slab(CoreId(1), 0) % 64, 0);
        let packed = 0x2000_0000 + 6 * 2112;
        let data = layout.data().start;
        assert_eq!(data % 4096, 0);
        assert_eq!(layout.counters(), [packed, data + 65_536, packed + 4]);
        assert_eq!(
            layout.readable().last(),
            Some(&(data + 65_536..data + 65_540))
        );
        assert!(layout.base() + layout.size_bytes() >= data + 65_540);
    }

    #[test]
    fn ranks_laid_out_alike_have_their_data_at_the_same_offset() {
        let data = |rank| {
            let layout = Layout::new(rank, 74, &[CounterPlace::Packed], 128);
            layout.data().start - layout.base()
        };
        assert_eq!(data(0), data(63));
    }

    #[test]
    #[should_panic(expected = "is not inside it")]
    fn a_counter_behind_the_data_is_refused() {
        Layout::new(0, 1, &[CounterPlace::Data(64)], 64);
    }
}

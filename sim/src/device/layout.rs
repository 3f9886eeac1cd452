//! Where things are in one rank's memory: slabs, counters, data.
//!
//! Guarantees: ranks never share an address and none is null; slabs and lines of packed counters
//! are 64-byte aligned; the data begins on a 4 KiB boundary, at the same offset on every rank that
//! was laid out alike, so `remote = window(peer) + (local − window(self))` holds. Called by
//! [`Device`](super::Device).

use std::ops::Range;

use finbox_scheduler::CoreId;
use finbox_scheduler::SLAB_BYTES;

use super::cache::LINE_BYTES;
use crate::engine::{CompletionQueue, QUEUE_ENTRY_BYTES, QUEUE_HEADER_BYTES};

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

/// Where a rank's engines say what they completed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineMemory {
    /// Streams of the SDMA engine, an event record each.
    pub sdma_streams: u16,
    /// Completion queues of URMA.
    pub completion_queues: Vec<QueuePlan>,
}

/// A completion queue before anything completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueuePlan {
    /// A power of two from 2 to [`EngineMemory::MOST_ENTRIES`].
    pub entries: u32,
    /// The position of its first completion, usually 0; positions wrap at 2³².
    pub first: u32,
}

impl EngineMemory {
    /// Most streams of a rank. A choice.
    pub const MOST_STREAMS: u16 = 64;
    /// Most completion queues of a rank. A choice.
    pub const MOST_QUEUES: usize = 16;
    /// Most entries of a completion queue.
    pub const MOST_ENTRIES: u32 = 4096;
    /// More than all of them take.
    pub const MOST_BYTES: u64 = 2 << 20;

    /// Whether engines can be like that.
    pub fn is_possible(&self) -> bool {
        let is_queue = |plan: &QueuePlan| {
            plan.entries.is_power_of_two() && (2..=Self::MOST_ENTRIES).contains(&plan.entries)
        };
        self.sdma_streams <= Self::MOST_STREAMS
            && self.completion_queues.len() <= Self::MOST_QUEUES
            && self.completion_queues.iter().all(is_queue)
    }
}

/// What programs call a counter.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Counters {
    /// One of these addresses, by index.
    Listed(Box<[u64]>),
    /// Any word of any rank, by its number.
    EveryWord,
}

/// The rank in whose memory `addr` would be, if it has one; [`u32::MAX`] in front of the first.
pub fn rank_at(addr: u64) -> u32 {
    let rank = (addr / RANK_STRIDE_BYTES).checked_sub(1);
    rank.and_then(|rank| u32::try_from(rank).ok())
        .unwrap_or(u32::MAX)
}

/// The number of the word at `addr` where every word is a counter; None if none is there, or it
/// has no number.
pub fn word_number(addr: u64) -> Option<u32> {
    let offset = addr.checked_sub(RANK_STRIDE_BYTES)?;
    let is_word = offset.is_multiple_of(4);
    is_word.then(|| u32::try_from(offset / 4).ok()).flatten()
}

/// Addresses of one rank's memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    base: u64,
    lanes: u64,
    /// What programs call offset 0.
    origin: u64,
    counters: Counters,
    packed: Range<u64>,
    records: Box<[u64]>,
    queues: Box<[CompletionQueue]>,
    engines: Range<u64>,
    data: Range<u64>,
}

impl Layout {
    /// Rank `rank`: slabs for `lanes` cores and host lanes, counters, what its engines write, and
    /// `data_bytes` of data.
    ///
    /// # Panics
    /// If it does not fit into [`RANK_STRIDE_BYTES`], a counter is not inside the data, or engines
    /// are not [possible](EngineMemory::is_possible).
    pub fn new(
        rank: u32,
        lanes: usize,
        (counters, engines): (&[CounterPlace], &EngineMemory),
        data_bytes: u64,
    ) -> Self {
        let base = RANK_STRIDE_BYTES * (u64::from(rank) + 1);
        let lanes = lanes as u64;
        let packed_start = base + lanes * 2 * SLAB_BYTES;
        let is_packed = |place: &&CounterPlace| **place == CounterPlace::Packed;
        let packed_count = counters.iter().filter(is_packed).count() as u64;
        let packed = packed_start..packed_start + 4 * packed_count;
        let (records, queues, end) = engine_memory(engines, packed.end);
        let data_start = end.next_multiple_of(WINDOW_ALIGN_BYTES);
        let data = data_start..data_start + data_bytes;
        assert!(
            data.end - base <= RANK_STRIDE_BYTES,
            "a rank has at most 256 MiB"
        );
        let counters = Counters::Listed(place(counters, packed.start, &data));
        Self {
            base,
            lanes,
            origin: data.start,
            counters,
            engines: packed.end..end,
            packed,
            records,
            queues,
            data,
        }
    }

    /// The same for programs that name all ranks' memory by device addresses, any word of which may
    /// be a counter: offsets are addresses, and the control CPU may read all of the data.
    ///
    /// # Panics
    /// As [`new`](Self::new).
    pub fn flat(rank: u32, lanes: usize, engines: &EngineMemory, data_bytes: u64) -> Self {
        Self {
            origin: 0,
            counters: Counters::EveryWord,
            ..Self::new(rank, lanes, (&[], engines), data_bytes)
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

    /// The counters that were given, in that order.
    pub fn counters(&self) -> &[u64] {
        match &self.counters {
            Counters::Listed(listed) => listed,
            Counters::EveryWord => &[],
        }
    }

    /// Address of counter `index`.
    ///
    /// # Panics
    /// If there is none.
    pub fn counter(&self, index: u32) -> u64 {
        match &self.counters {
            Counters::Listed(listed) => listed[index as usize],
            Counters::EveryWord => RANK_STRIDE_BYTES + u64::from(index) * 4,
        }
    }

    /// Address of what programs call `offset`.
    pub const fn address(&self, offset: u64) -> u64 {
        self.origin + offset
    }

    /// The event records of the SDMA streams, 64-byte aligned.
    pub fn event_records(&self) -> &[u64] {
        &self.records
    }

    /// The completion queues of URMA, before anything completed.
    pub fn completion_queues(&self) -> &[CompletionQueue] {
        &self.queues
    }

    /// The data: the rank's window and whatever else its buffers are.
    pub const fn data(&self) -> &Range<u64> {
        &self.data
    }

    /// What the control CPU may read: slabs, counters, and what engines write for it.
    pub fn readable(&self) -> Vec<Range<u64>> {
        let slabs = self.base..self.packed.start;
        let mut readable = vec![slabs, self.packed.clone(), self.engines.clone()];
        match &self.counters {
            Counters::Listed(listed) => {
                let placed = listed.iter().filter(|&at| self.data.contains(at));
                readable.extend(placed.map(|&at| at..at + 4));
            }
            Counters::EveryWord => readable.push(self.data.clone()),
        }
        readable
    }
}

/// Records and queues behind `start`, each on lines of its own, and where they end.
fn engine_memory(engines: &EngineMemory, start: u64) -> (Box<[u64]>, Box<[CompletionQueue]>, u64) {
    assert!(engines.is_possible(), "engines are as they can be");
    let mut end = start.next_multiple_of(LINE_BYTES);
    let mut take = |bytes: u64| {
        let at = end;
        end = (at + bytes).next_multiple_of(LINE_BYTES);
        at
    };
    let records = (0..engines.sdma_streams)
        .map(|_| take(LINE_BYTES))
        .collect();
    let queue = |plan: &QueuePlan| {
        let bytes = QUEUE_HEADER_BYTES + QUEUE_ENTRY_BYTES * u64::from(plan.entries);
        CompletionQueue::new(take(bytes), plan.entries, plan.first)
    };
    let queues = engines.completion_queues.iter().map(queue).collect();
    (records, queues, end)
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
    use super::{
        CounterPlace, EngineMemory, Layout, QueuePlan, RANK_STRIDE_BYTES, rank_at, word_number,
    };
    use finbox_scheduler::CoreId;

    #[test]
    fn slabs_counters_and_data_follow_each_other() {
        let counters = [
            CounterPlace::Packed,
            CounterPlace::Data(65_536),
            CounterPlace::Packed,
        ];
        let layout = Layout::new(1, 3, (&counters, &EngineMemory::default()), 65_540);
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
            let layout = Layout::new(
                rank,
                74,
                (&[CounterPlace::Packed], &EngineMemory::default()),
                128,
            );
            layout.data().start - layout.base()
        };
        assert_eq!(data(0), data(63));
    }

    #[test]
    fn where_every_word_is_a_counter_numbers_and_addresses_name_the_same() {
        let layout = Layout::flat(63, 3, &EngineMemory::default(), 4096);
        let last = layout.data().end - 4;
        assert_eq!((rank_at(last), rank_at(5)), (63, u32::MAX));
        let number = word_number(last).expect("64 ranks have 2³² words");
        assert_eq!((layout.counter(number), layout.address(last)), (last, last));
        assert_eq!((word_number(last + 2), word_number(8)), (None, None));
        assert_eq!(word_number(65 * RANK_STRIDE_BYTES), None);
        assert_eq!(word_number(65 * RANK_STRIDE_BYTES - 4), Some(u32::MAX));
        assert!(layout.counters().is_empty());
        assert_eq!(layout.readable().last(), Some(layout.data()));
    }

    #[test]
    #[should_panic(expected = "is not inside it")]
    fn a_counter_behind_the_data_is_refused() {
        Layout::new(
            0,
            1,
            (&[CounterPlace::Data(64)], &EngineMemory::default()),
            64,
        );
    }

    #[test]
    fn records_and_queues_have_lines_of_their_own_that_the_control_cpu_reads() {
        let queue = |entries| QueuePlan { entries, first: 9 };
        let engines = EngineMemory {
            sdma_streams: 3,
            completion_queues: vec![queue(2), queue(4096)],
        };
        assert!(engines.is_possible());
        let layout = Layout::new(0, 2, (&[CounterPlace::Packed], &engines), 64);
        let mut starts = layout.event_records().to_vec();
        starts.extend(layout.completion_queues().iter().map(|queue| queue.addr()));
        let bytes = [64, 64, 64, 64 + 32, 64 + 65_536];
        for (at, bytes) in starts.iter().zip(bytes) {
            assert_eq!(at % 64, 0);
            let readable = layout.readable();
            assert!(
                readable
                    .iter()
                    .any(|range| range.start <= *at && at + bytes <= range.end)
            );
        }
        for (at, next) in starts.iter().zip(&starts[1..]) {
            assert!(at + 64 <= *next);
        }
        assert!(layout.data().start >= starts[4] + 64 + 65_536);
    }

    #[test]
    fn the_most_that_engines_can_have_fits() {
        let queue = QueuePlan {
            entries: EngineMemory::MOST_ENTRIES,
            first: 0,
        };
        let mut engines = EngineMemory {
            sdma_streams: EngineMemory::MOST_STREAMS,
            completion_queues: vec![queue; EngineMemory::MOST_QUEUES],
        };
        let start = Layout::new(0, 1, (&[], &EngineMemory::default()), 0)
            .data()
            .start;
        let end = Layout::new(0, 1, (&[], &engines), 0).data().start;
        assert!(end - start <= EngineMemory::MOST_BYTES);
        engines.completion_queues[3].entries = 3;
        assert!(!engines.is_possible());
    }
}

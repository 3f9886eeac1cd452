//! Stale lines: what the control CPU sees of memory that DMA writes behind its cache.
//!
//! Guarantees: a line is copied at its first load and then stays as it was until it is refreshed;
//! a store stays in the line until it is cleaned, and a refresh before that loses it; a clean
//! writes the whole line back. Lines are never evicted on their own, so a forgotten refresh or
//! clean shows every time. Refuses nothing: lines that nobody caches are passed by.
//!
//! Control threads share one cache. The scheduler's rules let one thread at a time use a line; if
//! two did, a load would still give a value that was once in memory. Called by
//! [`Memory`](super::Memory) on targets that are not coherent.

use std::ops::Range;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use super::dram::Dram;

/// Bytes of a cache line.
pub const LINE_BYTES: u64 = 64;

/// A line is eight words.
const WORDS_OF_LINE: usize = 8;

const _: () = assert!(
    WORDS_OF_LINE as u64 * 8 == LINE_BYTES,
    "eight words fill a line"
);

/// The line is not here.
const ABSENT: u8 = 0;
/// The line is here, as memory was when it was copied.
const VALID: u8 = 1;
/// The line is here and was stored to.
const DIRTY: u8 = 2;

/// The lines that cover `bytes` bytes at `addr`, as addresses of their first bytes.
pub fn lines(addr: u64, bytes: u64) -> impl ExactSizeIterator<Item = u64> {
    let first = addr / LINE_BYTES;
    let end = (addr + bytes).div_ceil(LINE_BYTES);
    let count = u32::try_from(end.saturating_sub(first)).expect("a range has less than 2³² lines");
    (0..count).map(move |line| (first + u64::from(line)) * LINE_BYTES)
}

/// The control CPU's copies of the lines it may read.
#[derive(Debug)]
pub(super) struct Cache {
    /// Sorted by address, disjoint.
    segments: Box<[Segment]>,
}

/// Consecutive lines.
#[derive(Debug)]
struct Segment {
    addresses: Range<u64>,
    words: Box<[AtomicU64]>,
    states: Box<[AtomicU8]>,
}

/// One line of a segment.
struct Line<'a> {
    address: u64,
    words: &'a [AtomicU64],
    state: &'a AtomicU8,
}

impl Cache {
    /// An empty cache for the lines of these ranges, given in any order.
    pub(super) fn new(ranges: &[Range<u64>]) -> Self {
        let merged = merged(ranges.iter().map(whole_lines).collect());
        Self {
            segments: merged.into_iter().map(Segment::new).collect(),
        }
    }

    /// Loads the aligned word at `addr` through its line.
    ///
    /// # Ordering
    /// Acquire, of the moment at which the line was copied.
    pub(super) fn load(&self, dram: &Dram, addr: u64) -> u64 {
        match self.line(addr) {
            Some(line) => line.filled(dram)[word_of(addr)].load(Ordering::Relaxed),
            None => dram.load_u64(addr),
        }
    }

    /// Stores the aligned word at `addr` into its line.
    pub(super) fn store(&self, dram: &Dram, addr: u64, value: u64) {
        match self.line(addr) {
            Some(line) => {
                line.filled(dram)[word_of(addr)].store(value, Ordering::Relaxed);
                line.state.store(DIRTY, Ordering::Release);
            }
            None => dram.store_u64(addr, value),
        }
    }

    /// Drops the lines that cover `bytes` bytes at `addr`; what was not cleaned is lost.
    pub(super) fn refresh(&self, addr: u64, bytes: u64) {
        for line in lines(addr, bytes).filter_map(|line| self.line(line)) {
            // RELEASE: loads of the dropped copy stay before.
            line.state.store(ABSENT, Ordering::Release);
        }
    }

    /// Writes the lines that cover `bytes` bytes at `addr` back, if they were stored to.
    pub(super) fn clean(&self, dram: &Dram, addr: u64, bytes: u64) {
        for line in lines(addr, bytes).filter_map(|line| self.line(line)) {
            line.write_back(dram);
        }
    }

    fn line(&self, addr: u64) -> Option<Line<'_>> {
        let after = self
            .segments
            .partition_point(|segment| segment.addresses.start <= addr);
        let segment = &self.segments[after.checked_sub(1)?];
        segment
            .addresses
            .contains(&addr)
            .then(|| segment.line(addr))
    }
}

impl Segment {
    fn new(addresses: Range<u64>) -> Self {
        let lines = (addresses.end - addresses.start) / LINE_BYTES;
        let count = usize::try_from(lines).expect("the memory behind it was allocated here");
        Self {
            addresses,
            words: (0..count * WORDS_OF_LINE)
                .map(|_| AtomicU64::new(0))
                .collect(),
            states: (0..count).map(|_| AtomicU8::new(ABSENT)).collect(),
        }
    }

    fn line(&self, addr: u64) -> Line<'_> {
        let index = usize::try_from((addr - self.addresses.start) / LINE_BYTES)
            .expect("the segment was allocated in this process");
        Line {
            address: addr - addr % LINE_BYTES,
            words: &self.words[index * WORDS_OF_LINE..][..WORDS_OF_LINE],
            state: &self.states[index],
        }
    }
}

impl<'a> Line<'a> {
    /// The words of the line, copied from memory if it was absent.
    fn filled(&self, dram: &Dram) -> &'a [AtomicU64] {
        // ACQUIRE / RELEASE: whoever finds the line here sees what its filler saw of memory.
        if self.state.load(Ordering::Acquire) == ABSENT {
            for (word, address) in self.words.iter().zip(self.addresses()) {
                word.store(dram.load_u64(address), Ordering::Relaxed);
            }
            self.state.store(VALID, Ordering::Release);
        }
        self.words
    }

    fn write_back(&self, dram: &Dram) {
        if self.state.load(Ordering::Acquire) != DIRTY {
            return;
        }
        for (word, address) in self.words.iter().zip(self.addresses()) {
            dram.store_u64(address, word.load(Ordering::Relaxed));
        }
        self.state.store(VALID, Ordering::Release);
    }

    fn addresses(&self) -> impl Iterator<Item = u64> + use<> {
        let address = self.address;
        (address..address + LINE_BYTES).step_by(8)
    }
}

/// Which word of its line `addr` is in.
fn word_of(addr: u64) -> usize {
    (addr % LINE_BYTES / 8) as usize
}

/// Sorts ranges and joins those that touch.
pub(super) fn merged(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.sort_by_key(|range| range.start);
    let mut merged: Vec<Range<u64>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

fn whole_lines(range: &Range<u64>) -> Range<u64> {
    range.start - range.start % LINE_BYTES..range.end.next_multiple_of(LINE_BYTES)
}

#[cfg(test)]
mod tests {
    use super::{Cache, lines};
    use crate::device::dram::Dram;

    const BASE: u64 = 0x1000_0000;

    fn cached() -> (Dram, Cache) {
        (
            Dram::new(BASE, 512),
            Cache::new(&[BASE + 200..BASE + 204, BASE..BASE + 65]),
        )
    }

    #[test]
    fn a_line_stays_as_it_was_until_it_is_refreshed() {
        let (dram, cache) = cached();
        assert_eq!(cache.load(&dram, BASE + 8), 0);
        dram.store_u64(BASE + 8, 5);
        dram.store_u64(BASE + 16, 6);
        assert_eq!(
            (cache.load(&dram, BASE + 8), cache.load(&dram, BASE + 16)),
            (0, 0)
        );
        cache.refresh(BASE + 16, 8);
        assert_eq!(
            (cache.load(&dram, BASE + 8), cache.load(&dram, BASE + 16)),
            (5, 6)
        );
    }

    #[test]
    fn a_store_reaches_memory_when_it_is_cleaned() {
        let (dram, cache) = cached();
        cache.store(&dram, BASE + 64, 9);
        assert_eq!(
            (cache.load(&dram, BASE + 64), dram.load_u64(BASE + 64)),
            (9, 0)
        );
        cache.clean(&dram, BASE + 100, 8);
        assert_eq!(dram.load_u64(BASE + 64), 9);
    }

    #[test]
    fn a_refresh_before_the_clean_loses_the_store() {
        let (dram, cache) = cached();
        cache.store(&dram, BASE, 9);
        cache.refresh(BASE, 1);
        cache.clean(&dram, BASE, 64);
        assert_eq!((cache.load(&dram, BASE), dram.load_u64(BASE)), (0, 0));
    }

    #[test]
    fn a_clean_writes_only_lines_that_were_stored_to() {
        let (dram, cache) = cached();
        cache.load(&dram, BASE);
        dram.store_u64(BASE, 3);
        cache.clean(&dram, BASE, 64);
        assert_eq!(dram.load_u64(BASE), 3);
    }

    #[test]
    fn only_the_lines_of_the_given_ranges_are_cached() {
        let (dram, cache) = cached();
        for (offset, stale) in [(120, true), (128, false), (192, true), (256, false)] {
            cache.load(&dram, BASE + offset);
            dram.store_u64(BASE + offset, 1);
            assert_eq!(cache.load(&dram, BASE + offset) == 0, stale, "at {offset}");
        }
    }

    #[test]
    fn a_range_is_covered_by_all_lines_it_touches() {
        assert_eq!(lines(100, 28).collect::<Vec<_>>(), [64]);
        assert_eq!(lines(100, 29).collect::<Vec<_>>(), [64, 128]);
        assert_eq!(lines(128, 0).len(), 0);
    }
}

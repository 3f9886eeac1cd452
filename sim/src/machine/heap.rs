//! Which bytes of a rank's memory were given out.
//!
//! Guarantees: nothing is given out twice, nothing outside the memory, and what comes back is as
//! good as it was. Refuses, by saying so, what is too large, and addresses that it did not give
//! out. First fit over a list of what is free, sorted by address. Called by
//! [`SimMachine`](super::SimMachine).

use std::collections::BTreeMap;
use std::ops::Range;

/// A rank's memory, as far as it is given out.
#[derive(Debug)]
pub(super) struct Heap {
    /// Sorted, neither empty nor touching each other.
    free: Vec<Range<u64>>,
    /// Where each begins, and its size.
    given: BTreeMap<u64, u64>,
}

impl Heap {
    /// All of `memory` is free.
    pub(super) fn new(memory: Range<u64>) -> Self {
        Self {
            free: Vec::from_iter(Some(memory).filter(|all| !all.is_empty())),
            given: BTreeMap::new(),
        }
    }

    /// Gives out `size_bytes` bytes, 1 at least, at the first multiple of `align` where they fit.
    pub(super) fn allocate(&mut self, size_bytes: u64, align: u64) -> Option<u64> {
        let fit = |range: &Range<u64>| {
            let start = range.start.checked_next_multiple_of(align)?;
            let end = start.checked_add(size_bytes)?;
            (end <= range.end).then_some(start..end)
        };
        let mut ranges = self.free.iter().enumerate();
        let (index, taken) = ranges.find_map(|(index, range)| Some((index, fit(range)?)))?;
        let whole = self.free[index].clone();
        let rests = [whole.start..taken.start, taken.end..whole.end];
        let rests = rests.into_iter().filter(|rest| !rest.is_empty());
        self.free.splice(index..=index, rests);
        self.given.insert(taken.start, size_bytes);
        Some(taken.start)
    }

    /// Takes back what was given out at `address`; `false`: nothing was.
    pub(super) fn release(&mut self, address: u64) -> bool {
        let Some(size_bytes) = self.given.remove(&address) else {
            return false;
        };
        let mut back = address..address + size_bytes;
        let next = self.free.partition_point(|range| range.start < address);
        let mut merged = next..next;
        if let Some(range) = self.free.get(next)
            && range.start == back.end
        {
            back.end = range.end;
            merged.end = next + 1;
        }
        if let Some(before) = next.checked_sub(1)
            && self.free[before].end == back.start
        {
            back.start = self.free[before].start;
            merged.start = before;
        }
        self.free.splice(merged, [back]);
        true
    }

    /// Whether all of `size_bytes` bytes at `address` are of one piece that was given out.
    pub(super) fn has(&self, address: u64, size_bytes: u64) -> bool {
        let below = self.given.range(..=address).next_back();
        below.is_some_and(|(start, size)| {
            let end = address.checked_add(size_bytes);
            end.is_some_and(|end| end <= start + size)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Heap, Range};
    use crate::workload::mix;

    #[test]
    fn the_first_place_where_it_fits_is_given_out_aligned() {
        let mut heap = Heap::new(100..1000);
        assert_eq!(heap.allocate(10, 64), Some(128));
        assert_eq!(heap.allocate(28, 4), Some(100));
        assert_eq!(heap.allocate(1, 1), Some(138));
        assert_eq!(heap.allocate(862, 1), None);
        assert_eq!(heap.allocate(861, 1), Some(139));
        assert_eq!(heap.allocate(1, 1), None);
    }

    #[test]
    fn sizes_and_alignments_beyond_reason_do_not_fit() {
        let mut heap = Heap::new(4096..8192);
        for (size, align) in [(u64::MAX, 1), (1, 1 << 63), (4097, 1), (u64::MAX - 4096, 8)] {
            assert_eq!(heap.allocate(size, align), None, "{size} at {align}");
        }
        assert_eq!(heap.allocate(4096, 4096), Some(4096));
    }

    #[test]
    fn what_comes_back_joins_its_neighbours() {
        let mut heap = Heap::new(0x1000..0x2000);
        let pieces = [0; 4].map(|_| heap.allocate(0x400, 1).expect("a quarter fits"));
        for index in [1, 3, 0, 2] {
            assert!(heap.release(pieces[index]));
            assert!(!heap.release(pieces[index]), "a second time");
        }
        assert_eq!(heap.free, Vec::from_iter(Some(0x1000..0x2000)));
    }

    #[test]
    fn only_what_was_given_out_is_there() {
        let mut heap = Heap::new(0x1000..0x2000);
        let at = heap.allocate(16, 16).expect("it fits");
        let _next = heap.allocate(16, 16).expect("it fits");
        assert!(heap.has(at, 16) && heap.has(at + 16, 0) && heap.has(at + 8, 8));
        assert!(!heap.has(at + 8, 9), "into another piece");
        assert!(!heap.has(at + 32, 1) && !heap.has(0, 0) && !heap.has(at, u64::MAX));
        assert!(heap.release(at) && !heap.has(at, 1));
    }

    fn span(at: u64, size: u64) -> Range<usize> {
        let [start, end] = [at, at + size].map(|at| usize::try_from(at).expect("small numbers"));
        start..end
    }

    /// Against a map of bytes.
    #[test]
    fn no_byte_is_given_out_twice_and_none_is_lost() {
        let (mut heap, mut bytes) = (Heap::new(64..64 + 512), [0_usize; 576]);
        let mut pieces: Vec<(u64, u64)> = Vec::new();
        for step in 1..4000_u64 {
            let draw = mix(step);
            if draw.is_multiple_of(2) && !pieces.is_empty() {
                let index = usize::try_from(draw >> 8).expect("64 bits") % pieces.len();
                let (at, size) = pieces.swap_remove(index);
                assert!(heap.release(at));
                bytes[span(at, size)].fill(0);
                continue;
            }
            let (size, align) = (1 + (draw >> 8) % 90, 1 << ((draw >> 40) % 6));
            if let Some(at) = heap.allocate(size, align) {
                let piece = &mut bytes[span(at, size)];
                assert!(at.is_multiple_of(align) && piece.iter().all(|&owner| owner == 0));
                piece.fill(1);
                pieces.push((at, size));
            }
            let free: u64 = heap.free.iter().map(|range| range.end - range.start).sum();
            assert_eq!(
                free,
                bytes[64..].iter().filter(|&&owner| owner == 0).count() as u64
            );
        }
        assert!(pieces.len() > 3, "it was used");
    }
}

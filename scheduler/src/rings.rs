//! How task slots and output memory are divided among rings.
//!
//! There is one table of slots and one range of output bytes; a ring owns a run of each, and rings
//! follow each other in order. An index stays an index of the whole table.

use crate::heap::OUTPUT_ALIGN;
use crate::limits::MAX_RINGS;

/// The division. Rings are counted from 0; one without slots ends them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rings {
    /// Task slots of each ring, which together are the whole table.
    pub slots: [u32; MAX_RINGS],
    /// Output bytes of each ring, each a multiple of 64; 0: its tasks may have no output.
    pub heap_bytes: [u64; MAX_RINGS],
}

impl Rings {
    /// One ring with `slots` task slots and no output memory.
    pub const fn one(slots: u32) -> Self {
        Self::alike(1, slots, 0)
    }

    /// `count` rings, 1 to 4, with `slots` task slots and `heap_bytes` output bytes each.
    ///
    /// # Panics
    /// If there are more than 4.
    pub const fn alike(count: u8, slots: u32, heap_bytes: u64) -> Self {
        assert!(count as usize <= MAX_RINGS, "at most 4 rings");
        let mut rings = Self {
            slots: [0; MAX_RINGS],
            heap_bytes: [0; MAX_RINGS],
        };
        let mut ring = 0;
        while ring < count as usize {
            rings.slots[ring] = slots;
            rings.heap_bytes[ring] = heap_bytes;
            ring += 1;
        }
        rings
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.slots.iter().take_while(|&&slots| slots > 0).count()
    }

    /// Whether there is a ring, rings own `slots` slots together, and all sizes are in range.
    pub fn is_valid(&self, slots: usize) -> bool {
        let (mine, others) = self.slots.split_at(self.count());
        let sum: u64 = mine.iter().map(|&slots| u64::from(slots)).sum();
        let bytes = |sum: u64, &bytes: &u64| {
            let whole = bytes % OUTPUT_ALIGN == 0 && bytes <= 1 << 60;
            whole.then(|| sum.checked_add(bytes)).flatten()
        };
        sum > 0
            && sum == slots as u64
            && others.iter().all(|&slots| slots == 0)
            && self.heap_bytes.iter().try_fold(0, bytes).is_some()
    }

    /// Index of each ring's first slot; `u32::MAX` for rings that do not exist.
    pub(crate) fn first_slots(&self) -> [u32; MAX_RINGS] {
        let mut next = 0_u32;
        self.slots.map(|slots| {
            let first = if slots == 0 { u32::MAX } else { next };
            next = next.saturating_add(slots);
            first
        })
    }
}

/// Which ring owns the slot at `index`, given the first slots of all.
#[inline]
pub(crate) fn ring_of(first_slots: &[u32; MAX_RINGS], index: u32) -> u8 {
    if index < first_slots[1] {
        return 0;
    }
    let behind = |&&first: &&u32| first <= index;
    #[expect(clippy::cast_possible_truncation, reason = "below MAX_RINGS")]
    let ring = first_slots[1..].iter().filter(behind).count() as u8;
    ring
}

#[cfg(test)]
mod tests {
    use super::{Rings, ring_of};

    #[test]
    fn every_slot_belongs_to_the_ring_whose_run_it_is_in() {
        let rings = Rings {
            slots: [3, 1, 2, 0],
            heap_bytes: [0; 4],
        };
        let first = rings.first_slots();
        let owners: [u8; 6] = [0, 1, 2, 3, 4, 5].map(|index| ring_of(&first, index));
        assert_eq!(owners, [0, 0, 0, 1, 2, 2]);
        assert!(rings.is_valid(6) && !rings.is_valid(7));
    }

    #[test]
    fn a_hole_between_rings_and_ragged_heaps_are_refused() {
        let mut rings = Rings::one(2);
        rings.slots[2] = 1;
        assert!(!rings.is_valid(3));
        let ragged = Rings::alike(1, 2, 65);
        assert!(!ragged.is_valid(2));
        assert!(!Rings::one(0).is_valid(0));
    }
}

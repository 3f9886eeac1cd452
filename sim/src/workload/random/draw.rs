//! A stream of numbers from a seed: what random workloads are made of.

use crate::workload::mix;

/// Draws numbers, the same ones for the same seed.
#[derive(Clone, Debug)]
pub(super) struct Draw {
    seed: u64,
    count: u64,
}

impl Draw {
    pub(super) const fn new(seed: u64) -> Self {
        Self {
            seed: mix(seed),
            count: 0,
        }
    }

    /// Any number.
    pub(super) const fn number(&mut self) -> u64 {
        self.count += 1;
        mix(self.seed ^ mix(self.count))
    }

    /// A number from 0 to `bound` − 1; 0 if the bound is 0.
    pub(super) const fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            return 0;
        }
        self.number() % bound
    }

    /// A number from `least` to `most`.
    pub(super) const fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    /// True once in `times`.
    pub(super) const fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of several.
    pub(super) fn pick<T: Copy>(&mut self, among: &[T]) -> T {
        among[self.index(among.len())]
    }

    /// An index below `count`, which is not 0.
    pub(super) fn index(&mut self, count: usize) -> usize {
        usize::try_from(self.below(count as u64)).expect("below a usize")
    }
}

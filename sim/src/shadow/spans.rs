//! Sets of bytes: sorted ranges that neither overlap nor touch.
//!
//! Guarantees: adding a range joins it with those it meets, so a set of adjoining ranges is one
//! range; empty ranges add nothing. Called by whoever records or compares what tasks touch.

use std::ops::Range;

/// A set of bytes, as ranges of offsets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Spans(Vec<Range<u64>>);

impl Spans {
    /// Adds `range`.
    pub(super) fn add(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        let first = self.0.partition_point(|one| one.end < range.start);
        let behind = first + self.0[first..].partition_point(|one| one.start <= range.end);
        let Some(met) = self.0.get(first).filter(|_| first < behind) else {
            self.0.insert(first, range);
            return;
        };
        let joined = met.start.min(range.start)..self.0[behind - 1].end.max(range.end);
        self.0[first] = joined;
        self.0.drain(first + 1..behind);
    }

    /// The parts of `range` that are not in the set, in order.
    pub(super) fn missing_in(&self, range: Range<u64>) -> Vec<Range<u64>> {
        let first = self.0.partition_point(|one| one.end <= range.start);
        let (mut at, mut missing) = (range.start, Vec::new());
        for one in &self.0[first..] {
            if one.start >= range.end {
                break;
            }
            if at < one.start {
                missing.push(at..one.start);
            }
            at = at.max(one.end);
        }
        if at < range.end {
            missing.push(at..range.end);
        }
        missing
    }

    /// What is here and not in `other`.
    pub(super) fn without(&self, other: &Self) -> Self {
        Self(
            self.iter()
                .flat_map(|range| other.missing_in(range))
                .collect(),
        )
    }

    /// Whether any byte of `range` is here.
    pub(super) fn meets(&self, range: &Range<u64>) -> bool {
        let first = self.0.partition_point(|one| one.end <= range.start);
        let first = self.0.get(first);
        !range.is_empty() && first.is_some_and(|one| one.start < range.end)
    }

    /// Its ranges, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        self.0.iter().cloned()
    }

    /// Whether it has no bytes.
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Range<u64>> for Spans {
    fn from_iter<T: IntoIterator<Item = Range<u64>>>(ranges: T) -> Self {
        let mut spans = Self::default();
        ranges.into_iter().for_each(|range| spans.add(range));
        spans
    }
}

#[cfg(test)]
mod tests {
    use super::Spans;
    use crate::workload::mix;

    #[test]
    fn ranges_that_meet_become_one() {
        let spans: Spans = [10..20, 30..40, 20..25, 25..30, 5..5].into_iter().collect();
        assert_eq!(spans.iter().count(), 1);
        assert_eq!(spans.missing_in(8..41), [8..10, 40..41]);
        assert!(spans.meets(&(0..11)) && !spans.meets(&(40..50)) && !spans.meets(&(12..12)));
    }

    #[test]
    fn a_set_says_what_a_set_of_single_bytes_says() {
        for seed in 0..200 {
            let draw = |nth: u64| mix(mix(seed) ^ nth) % 64;
            let range = |nth| draw(nth)..(draw(nth) + draw(nth + 1_000) % 9);
            let (mut spans, mut bytes) = (Spans::default(), [false; 80]);
            for nth in 0..12 {
                spans.add(range(nth));
                range(nth).for_each(|at| bytes[usize::try_from(at).unwrap()] = true);
            }
            let asked = draw(99)..draw(99) + 16;
            let missing = spans.missing_in(asked.clone());
            for at in asked {
                let is_missing = missing.iter().any(|range| range.contains(&at));
                assert_eq!(
                    is_missing,
                    !bytes[usize::try_from(at).unwrap()],
                    "{seed} {at}"
                );
            }
            let other: Spans = (20..24).map(range).collect();
            let rest = spans.without(&other);
            for at in 0..80_u64 {
                let here = bytes[usize::try_from(at).unwrap()] && !other.meets(&(at..at + 1));
                assert_eq!(rest.meets(&(at..at + 1)), here, "{seed} {at}");
            }
        }
    }
}

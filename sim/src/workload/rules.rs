//! Rule sets: byte patterns, and where they stand in bytes.
//!
//! Guarantees: every place at which a pattern of the set stands is found once for each pattern that
//! stands there, overlapping ones too. Refuses nothing: that a set has patterns and that none is
//! empty is seen by [`Workload::check`](super::Workload::check). Called by programs for
//! [`Op::Scan`](super::Op::Scan), by cores of a long launch for what they take from a work ring,
//! and by whoever compares the two on the host.

use thiserror::Error;

/// Most patterns of a set.
pub const MOST_PATTERNS: usize = 256;

/// Most bytes of a pattern.
pub const MOST_PATTERN_BYTES: usize = 64;

/// The byte patterns that are looked for together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleSet {
    /// 1 to [`MOST_PATTERNS`] patterns of 1 to [`MOST_PATTERN_BYTES`] bytes.
    pub patterns: Vec<Box<[u8]>>,
}

/// What a scan found: the two words that it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scanned {
    /// Pairs of a place and a pattern that stands there, modulo 2³².
    pub matches: u32,
    /// The lowest of the places, in bytes from where the scan begins; [`Scanned::NONE`]: there is
    /// none.
    pub first: u32,
}

impl Scanned {
    /// Bytes that a scan writes.
    pub const BYTES: u64 = 8;

    /// [`first`](Self::first) where nothing matches.
    pub const NONE: u32 = u32::MAX;

    /// The words, in the order in which they are written.
    pub const fn words(self) -> [u32; 2] {
        [self.matches, self.first]
    }
}

/// Why a rule set cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RuleError {
    /// Another number of patterns.
    #[error("{count} patterns, and a set has 1 to {MOST_PATTERNS}")]
    Patterns {
        /// How many.
        count: usize,
    },
    /// A pattern of another length.
    #[error("pattern {pattern} has {bytes} bytes, and one has 1 to {MOST_PATTERN_BYTES}")]
    Bytes {
        /// Which, from 0.
        pattern: usize,
        /// How long it is.
        bytes: usize,
    },
}

impl RuleSet {
    /// The set of these.
    pub fn of<'p>(patterns: impl IntoIterator<Item = &'p [u8]>) -> Self {
        Self {
            patterns: patterns.into_iter().map(Box::from).collect(),
        }
    }

    /// Whether it can be used.
    ///
    /// # Errors
    /// [`RuleError`]: too many patterns or none, one that is empty or too long.
    pub fn check(&self) -> Result<(), RuleError> {
        let count = self.patterns.len();
        if !(1..=MOST_PATTERNS).contains(&count) {
            return Err(RuleError::Patterns { count });
        }
        let lengths = self.patterns.iter().map(|pattern| pattern.len());
        let mut lengths = lengths.enumerate();
        match lengths.find(|(_, bytes)| !(1..=MOST_PATTERN_BYTES).contains(bytes)) {
            Some((pattern, bytes)) => Err(RuleError::Bytes { pattern, bytes }),
            None => Ok(()),
        }
    }

    /// What [`scan`](Self::scan) must find, by comparing each pattern with the bytes at each place:
    /// for judges.
    pub fn search(&self, bytes: &[u8]) -> Scanned {
        let places = |pattern: &[u8]| {
            let windows = (0..).zip(bytes.windows(pattern.len()));
            let equal = windows.filter(|(_, window)| *window == pattern);
            equal.map(|(place, _): (u32, _)| place).collect::<Vec<_>>()
        };
        let places: Vec<u32> = self.patterns.iter().flat_map(|one| places(one)).collect();
        Scanned {
            matches: u32::try_from(places.len()).unwrap_or(u32::MAX),
            first: places.iter().copied().min().unwrap_or(Scanned::NONE),
        }
    }

    /// Looks for all patterns in `bytes`, in one walk.
    ///
    /// # Cost
    /// A look at a set of 256 bits for each byte, and the patterns that begin with that byte.
    pub fn scan(&self, bytes: &[u8]) -> Scanned {
        let mut begins = [0_u64; 4];
        for byte in self.patterns.iter().filter_map(|pattern| pattern.first()) {
            begins[usize::from(byte >> 6)] |= 1 << (byte & 63);
        }
        let mut found = Scanned {
            matches: 0,
            first: Scanned::NONE,
        };
        for (offset, &byte) in (0..).zip(bytes) {
            if begins[usize::from(byte >> 6)] >> (byte & 63) & 1 == 0 {
                continue;
            }
            let rest = &bytes[offset..];
            let here = self.patterns.iter().filter(|one| rest.starts_with(one));
            let here = u32::try_from(here.count()).unwrap_or(u32::MAX);
            if here > 0 && found.matches == 0 {
                found.first = u32::try_from(offset).unwrap_or(Scanned::NONE);
            }
            found.matches = found.matches.wrapping_add(here);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST_PATTERN_BYTES, MOST_PATTERNS, RuleError, RuleSet, Scanned};
    use crate::workload::mix;

    #[test]
    fn every_place_counts_once_for_each_pattern_that_stands_there() {
        let rules = RuleSet::of([&b"aa"[..], b"a", b"aab"]);
        for (text, matches, first) in [
            (&b""[..], 0, u32::MAX),
            (b"bcd", 0, u32::MAX),
            (b"xxa", 1, 2),
            (b"aaab", 6, 0),
            (b"baa", 3, 1),
        ] {
            assert_eq!(rules.scan(text), Scanned { matches, first }, "{text:?}");
        }
    }

    #[test]
    fn a_pattern_that_the_end_cuts_off_is_no_match() {
        let rules = RuleSet::of([&b"end!"[..]]);
        assert_eq!(rules.scan(b"the end").matches, 0);
        assert_eq!(rules.scan(b"the end!").first, 4);
    }

    #[test]
    fn the_walk_finds_what_a_search_for_each_pattern_finds() {
        for seed in 0..300 {
            // Few letters, so that patterns meet and overlap.
            let letter = |at: u64| b'a' + u8::try_from(mix(seed ^ mix(at)) % 3).unwrap();
            let text: Vec<u8> = (0..200).map(letter).collect();
            let lengths = [1, 2, 3, 5, 8];
            let begins = lengths.map(|length| {
                (
                    length,
                    usize::try_from(mix(seed ^ length as u64) % 150).unwrap(),
                )
            });
            let patterns = begins.map(|(length, begin)| &text[begin..begin + length]);
            let rules = RuleSet::of(patterns);
            assert_eq!(rules.scan(&text), rules.search(&text), "seed {seed}");
            assert_eq!(rules.scan(&text[7..]), rules.search(&text[7..]));
        }
    }

    #[test]
    fn sets_without_patterns_and_patterns_without_bytes_are_refused() {
        let of = |lengths: &[usize]| RuleSet {
            patterns: lengths.iter().map(|&bytes| vec![1; bytes].into()).collect(),
        };
        assert_eq!(of(&[1, MOST_PATTERN_BYTES]).check(), Ok(()));
        assert_eq!(of(&[1; MOST_PATTERNS]).check(), Ok(()));
        for count in [0, MOST_PATTERNS + 1] {
            let refused = of(&vec![1; count]).check();
            assert_eq!(refused, Err(RuleError::Patterns { count }));
        }
        for bytes in [0, MOST_PATTERN_BYTES + 1] {
            let refused = of(&[1, bytes]).check();
            assert_eq!(refused, Err(RuleError::Bytes { pattern: 1, bytes }));
        }
    }
}

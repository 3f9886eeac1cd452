//! One line with unmet conditions, and what its watched words were when all of them were looked at.
//!
//! As long as these words are the same, every condition on the line stands as it stood; so one
//! comparison of the line is a look at each of them. Lines are small and stand in one dense array,
//! which is all that a sweep over lines with one watched word reads.

use crate::condition::{LINE_WORDS, Unmet};

/// No line is quiet since this round.
pub(crate) const NEVER: u16 = 0;

/// One line with unmet conditions.
#[derive(Clone, Copy, Debug, Default)]
pub struct WatchedLine {
    pub(crate) addr: u64,
    /// The earliest deadline of a condition on it, while the line is quiet.
    deadline_ns: u64,
    pub(crate) first: u32,
    pub(crate) count: u32,
    /// What the watched word was, if there is one.
    seen: u32,
    /// The words that are watched, the first as bit 0.
    words: u16,
    /// The round in which all conditions were found unmet by the words as they were seen.
    round: u16,
}

/// What the watched words of a line were, the first one first, if there are several.
#[derive(Clone, Copy, Debug, Default)]
pub struct LineWords([u32; LINE_WORDS]);

const _: () = assert!(
    size_of::<WatchedLine>() == 32,
    "two lines of the list share a cache line"
);

impl WatchedLine {
    /// The line at `addr`, without conditions.
    pub(crate) const fn new(addr: u64, first: u32, round: u16) -> Self {
        Self {
            addr,
            deadline_ns: u64::MAX,
            first,
            count: 0,
            seen: 0,
            words: 0,
            round,
        }
    }

    /// Whether its words as they were seen say of all its conditions that they are unmet, and none
    /// is out of time.
    #[inline]
    pub(crate) const fn is_quiet(&self, round: u16, now_ns: u64) -> bool {
        self.round == round && now_ns < self.deadline_ns
    }

    /// The earliest deadline on a quiet line.
    #[inline]
    pub(crate) const fn deadline_ns(&self) -> u64 {
        self.deadline_ns
    }

    /// The words that are watched.
    #[inline]
    pub(crate) const fn words(&self) -> u16 {
        self.words
    }

    /// What the watched words were, the first one first.
    #[inline]
    pub(crate) fn seen<'a>(&'a self, several: &'a LineWords) -> &'a [u32] {
        match self.words & self.words.wrapping_sub(1) {
            0 => core::slice::from_ref(&self.seen),
            _ => &several.0[..self.words.count_ones() as usize],
        }
    }

    /// What was seen proves nothing any more.
    pub(crate) const fn distrust(&mut self) {
        self.round = NEVER;
    }

    /// All conditions on it were noted and found unmet in `round`.
    pub(crate) const fn trust(&mut self, round: u16) {
        self.round = round;
    }

    /// Forgets what was noted: a walk over its conditions begins.
    pub(crate) const fn forget(&mut self) {
        (self.words, self.deadline_ns, self.round) = (0, u64::MAX, NEVER);
    }

    /// Notes what the look at `condition` saw. Whether the words tell when it has to be looked at
    /// again: not if another condition saw another value, nor if it watches more than words.
    #[must_use]
    pub(crate) fn note(&mut self, several: &mut LineWords, condition: &Unmet) -> bool {
        self.deadline_ns = self.deadline_ns.min(condition.deadline_ns);
        let mut seen = condition.seen_words();
        condition.has_words() && seen.all(|word| self.note_word(several, word))
    }

    fn note_word(&mut self, several: &mut LineWords, (word, value): (usize, u32)) -> bool {
        let bit = 1 << word;
        let place = (self.words & (bit - 1)).count_ones() as usize;
        if self.words & bit != 0 {
            return self.seen(several)[place] == value;
        }
        match self.words.count_ones() as usize {
            0 => self.seen = value,
            count => {
                if count == 1 {
                    several.0[0] = self.seen;
                }
                several.0.copy_within(place..count, place + 1);
                several.0[place] = value;
            }
        }
        self.words |= bit;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::{LineWords, WatchedLine};
    use crate::condition::{CompletionType, Unmet};

    fn counter(word: u64, observed: u32) -> Unmet {
        Unmet {
            addr: 128 + word * 4,
            expected: 100,
            observed: u64::from(observed),
            ..Unmet::default()
        }
    }

    #[test]
    fn words_are_kept_in_their_order_whatever_order_they_come_in() {
        let (mut line, mut several) = (WatchedLine::new(128, 0, 1), LineWords::default());
        for (index, word) in (0..).zip([7, 15, 0, 9, 7, 3]) {
            assert!(line.note(
                &mut several,
                &counter(word, 10 + u32::try_from(word).unwrap())
            ));
            let noted = [7, 15, 0, 9, 7, 3][..=index].iter();
            assert_eq!(line.words(), noted.fold(0, |words, word| words | 1 << word));
        }
        assert_eq!(line.seen(&several), [10, 13, 17, 19, 25]);
        line.forget();
        assert!(line.note(&mut several, &counter(4, 9)));
        assert_eq!((line.words(), line.seen(&several)), (16, &[9][..]));
    }

    #[test]
    fn a_word_that_was_seen_with_two_values_proves_nothing() {
        for others in [0, 1, 2] {
            let (mut line, mut several) = (WatchedLine::new(128, 0, 1), LineWords::default());
            for word in 0..others {
                assert!(line.note(&mut several, &counter(word, 1)));
            }
            assert!(line.note(&mut several, &counter(5, 3)));
            assert!(line.note(&mut several, &counter(5, 3)));
            assert!(!line.note(&mut several, &counter(5, 4)));
        }
    }

    #[test]
    fn a_record_is_two_words_and_a_queue_is_none() {
        let (mut line, mut several) = (WatchedLine::new(128, 0, 1), LineWords::default());
        let mut record = counter(0, 0);
        record.completion = CompletionType::SdmaEventRecord;
        record.observed = 5 << 32 | 6;
        assert!(line.note(&mut several, &record));
        assert_eq!((line.words(), line.seen(&several)), (3, &[6, 5][..]));
        record.observed = 4 << 32 | 6;
        assert!(!line.note(&mut several, &record));
        record.completion = CompletionType::UrmaEventHandle;
        assert!(!line.note(&mut several, &record));
    }

    #[test]
    fn a_line_is_quiet_in_its_round_until_its_first_deadline() {
        let (mut line, mut several) = (WatchedLine::new(128, 0, 3), LineWords::default());
        for deadline_ns in [90, 70, 80] {
            let condition = Unmet {
                deadline_ns,
                ..counter(1, 0)
            };
            assert!(line.note(&mut several, &condition));
        }
        assert!(line.is_quiet(3, 69) && !line.is_quiet(3, 70) && !line.is_quiet(4, 69));
        line.distrust();
        assert!(!line.is_quiet(3, 0));
    }
}

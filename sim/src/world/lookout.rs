//! What a FIN handler's polls will find, known beforehand.
//!
//! A poll of a core whose COND said nothing since it was looked at last sees nothing. So a handler
//! that owes nothing need not be stepped before it comes to a core that has news: the polls on the
//! way are charged. Called by the lockstep world, which tells of everything that a register says.

use std::ops::Range;

/// Fewer polls than these are walked one by one; of more, whole rounds are left out.
const ROUND: u64 = 64;

/// The round of one handler over its cores, numbered from its first one.
#[derive(Debug)]
pub(super) struct Lookout {
    rank: usize,
    cores: Range<usize>,
    /// Where the next poll looks first.
    cursor: usize,
    /// Cores whose COND was written since it was looked at.
    news: u128,
    /// Resets of the device that the handler has dealt with.
    incarnation: u32,
}

impl Lookout {
    /// Of a handler of `rank` that owns `cores`, before its first step.
    pub(super) const fn new(rank: usize, cores: Range<usize>) -> Self {
        Self {
            rank,
            cores,
            cursor: 0,
            news: 0,
            incarnation: 0,
        }
    }

    /// Whose handler it is.
    pub(super) const fn rank(&self) -> usize {
        self.rank
    }

    /// COND of core `core` of the chip, which the handler owns, was written.
    pub(super) const fn told(&mut self, core: usize) {
        self.news |= 1 << (core - self.cores.start);
    }

    /// Whether the next step deals with a reset and looks at no core.
    pub(super) const fn is_before_reset(&self, incarnation: u32) -> bool {
        self.incarnation != incarnation
    }

    /// After how many polls that see nothing one comes to a core with news; None: no core of
    /// `busy`, those that polls go round, has any.
    pub(super) fn polls_before_news(&self, busy: u128) -> Option<u32> {
        let (news, ahead) = (self.news & busy, u128::MAX << self.cursor);
        if news == 0 {
            return None;
        }
        let later = news & ahead;
        let below = |set: u128| (set & set.wrapping_neg()) - 1;
        let passed = match later {
            0 => ahead | below(news),
            _ => ahead & below(later),
        };
        Some((busy & passed).count_ones())
    }

    /// Moves on by `polls` polls of the cores of `busy` that are not taken.
    pub(super) fn pass(&mut self, busy: u128, polls: u64) {
        if polls == 0 || busy == 0 {
            return;
        }
        let mut left = match polls < ROUND {
            true => polls,
            false => (polls - 1) % u64::from(busy.count_ones()) + 1,
        };
        let mut ahead = busy & u128::MAX << self.cursor;
        let mut last = 0;
        while left > 0 {
            ahead = if ahead == 0 { busy } else { ahead };
            last = ahead.trailing_zeros();
            ahead &= ahead - 1;
            left -= 1;
        }
        self.move_behind(last as usize);
    }

    /// Moves on to the first core of `busy` with news.
    pub(super) const fn pass_to_news(&mut self, busy: u128) {
        let (news, ahead) = (self.news & busy, u128::MAX << self.cursor);
        self.cursor = match (news & ahead, news) {
            (0, 0) => self.cursor,
            (0, _) => news.trailing_zeros() as usize,
            (later, _) => later.trailing_zeros() as usize,
        };
    }

    /// A step is taken that goes round `busy`, and looks at what COND says if `looks`.
    pub(super) const fn step(&mut self, busy: u128, incarnation: u32, looks: bool) {
        if self.incarnation != incarnation {
            self.incarnation = incarnation;
            self.news = u128::MAX;
        } else if busy != 0 {
            let next = self.next(busy);
            if looks {
                self.news &= !(1 << next);
            }
            self.move_behind(next);
        }
    }

    /// Where the next step begins to look.
    pub(super) const fn cursor(&self) -> usize {
        self.cursor
    }

    /// Cores of the handler.
    const fn count(&self) -> usize {
        self.cores.end - self.cores.start
    }

    /// The core of `busy`, which is not empty, that the next poll looks at.
    const fn next(&self, busy: u128) -> usize {
        let ahead = busy & u128::MAX << self.cursor;
        match ahead {
            0 => busy.trailing_zeros() as usize,
            _ => ahead.trailing_zeros() as usize,
        }
    }

    const fn move_behind(&mut self, core: usize) {
        self.cursor = match core + 1 < self.count() {
            true => core + 1,
            false => 0,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::Lookout;

    const BUSY: u128 = 0b10_1101;

    /// Polls of a round over [`BUSY`] that come before the one that looks at `core`.
    fn polls_to(core: usize, after: u64) -> Option<u32> {
        let mut lookout = Lookout::new(0, 10..16);
        lookout.pass(BUSY, after);
        lookout.told(10 + core);
        lookout.polls_before_news(BUSY)
    }

    #[test]
    fn polls_before_news_are_those_of_a_round() {
        let cores = [0, 2, 3, 5];
        for after in 0..9 {
            for (place, core) in (0..).zip(cores) {
                let begins = u32::try_from(after % 4).unwrap();
                assert_eq!(polls_to(core, after), Some((place + 4 - begins) % 4));
            }
            assert_eq!(polls_to(1, after), None, "nobody polls it");
        }
    }

    #[test]
    fn a_whole_round_ends_behind_the_last_core_that_it_passed() {
        let mut lookout = Lookout::new(0, 0..6);
        lookout.step(1 << 3, 0, true);
        lookout.pass(0b10_0001, 2);
        lookout.told(2);
        assert_eq!(lookout.polls_before_news(0b10_0101), Some(0));
    }

    #[test]
    fn one_passes_to_news_as_by_the_polls_before_them() {
        for core in [0, 2, 3, 5] {
            for after in 0..4 {
                let [mut one, mut other] = [(); 2].map(|()| Lookout::new(0, 0..6));
                for lookout in [&mut one, &mut other] {
                    lookout.pass(BUSY, after);
                    lookout.told(core);
                }
                one.pass_to_news(BUSY);
                other.pass(BUSY, other.polls_before_news(BUSY).unwrap().into());
                assert_eq!((one.next(BUSY), other.next(BUSY)), (core, core));
            }
        }
    }

    #[test]
    fn news_are_seen_once_and_wait_for_a_look() {
        let mut lookout = Lookout::new(0, 0..6);
        lookout.told(0);
        lookout.step(BUSY, 0, false);
        assert_eq!(lookout.polls_before_news(BUSY), Some(3), "it did not look");
        lookout.pass(BUSY, 3);
        lookout.step(BUSY, 0, true);
        assert_eq!(lookout.polls_before_news(BUSY), None);
    }

    #[test]
    fn a_reset_is_a_step_of_its_own_after_which_everything_may_be_new() {
        let mut lookout = Lookout::new(0, 0..6);
        assert!(lookout.is_before_reset(1));
        lookout.step(BUSY, 1, true);
        assert!(!lookout.is_before_reset(1));
        assert_eq!(lookout.polls_before_news(BUSY), Some(0));
    }

    #[test]
    fn the_next_step_looks_behind_the_polls_that_were_passed() {
        let mut lookout = Lookout::new(0, 0..6);
        assert_eq!(lookout.cursor(), 0);
        lookout.pass(BUSY, 2);
        assert_eq!(lookout.cursor(), 3);
        lookout.pass(BUSY, 2);
        assert_eq!(lookout.cursor(), 0, "behind the last core");
    }
}

//! What is known of a counter or a word when a task could start, and predicates decided by it.

use super::draw::Draw;
use crate::workload::Comparison;

/// A counter's value at a time when everything behind which the task stands has ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum Known {
    /// It is this: nobody writes it then.
    Exactly(u32),
    /// It was waited for: it is this or, with faults, somewhat more; less than 2³¹, not 0.
    AtLeast(u32),
}

impl Known {
    /// A comparison, the value to compare with, and whether it holds.
    pub(super) fn compared(self, draw: &mut Draw) -> (Comparison, u32, bool) {
        use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
        match self {
            Self::Exactly(word) => {
                let comparison =
                    draw.pick(&[Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual]);
                let (before, behind) = (word.wrapping_sub(1), word.wrapping_add(1));
                let value = draw.pick(&[word, word, behind, before, 0, u32::MAX]);
                (comparison, value, comparison.holds(word, value))
            }
            Self::AtLeast(least) => {
                let value = u32::try_from(draw.between(1, least.into())).unwrap_or(1);
                draw.pick(&[
                    (GreaterOrEqual, value, true),
                    (Greater, value - 1, true),
                    (NotEqual, 0, true),
                    (Less, value, false),
                    (LessOrEqual, value - 1, false),
                    (Equal, 0, false),
                ])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Draw, Known};

    #[test]
    fn whatever_a_known_counter_may_be_its_predicate_says_the_same() {
        let mut draw = Draw::new(5);
        for least in [1, 2, 7] {
            for _ in 0..200 {
                let (comparison, value, holds) = Known::AtLeast(least).compared(&mut draw);
                for word in [least, least + 1, least + 1_000] {
                    assert_eq!(
                        comparison.holds(word, value),
                        holds,
                        "{comparison:?} {value}"
                    );
                }
            }
        }
        let mut drawn = || Known::Exactly(0).compared(&mut draw).2;
        let held = (0..100).filter(|_| drawn()).count();
        assert!((10..90).contains(&held));
    }
}

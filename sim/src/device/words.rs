//! What a core writes to COND for one ACK or FIN: one word, unless something is wrong with it.

/// Most words that one ACK or FIN becomes.
const MOST_WORDS: usize = 4;

/// COND words, each with the ns that it comes later than usual. A word never overtakes one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Words {
    words: [(u64, u32); MOST_WORDS],
    count: usize,
}

impl Words {
    /// Nothing: the word is lost.
    pub const NONE: Self = Self {
        words: [(0, 0); MOST_WORDS],
        count: 0,
    };

    /// The word as it should be.
    pub const fn just(word: u32) -> Self {
        Self::NONE.then(0, word)
    }

    /// One more, `later_ns` later than usual.
    ///
    /// # Panics
    /// With more than four.
    #[must_use]
    pub const fn then(mut self, later_ns: u64, word: u32) -> Self {
        self.words[self.count] = (later_ns, word);
        self.count += 1;
        self
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u32)> {
        self.words[..self.count].iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::Words;

    #[test]
    fn words_stay_in_the_order_in_which_they_were_said() {
        assert_eq!(Words::NONE.iter().count(), 0);
        let words: Vec<(u64, u32)> = Words::just(7).then(5, 9).iter().collect();
        assert_eq!(words, [(0, 7), (5, 9)]);
    }
}

//! The work item: 16 bytes, the same on host and device.
//!
//! Guarantees: fields at bytes 0, 4, 8 and 12, little endian, in memory and in a slot alike. Called
//! by whoever pushes work and by the workers that do it.

/// One piece of work: which input, under which rules, and what to say when it is done.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkItem {
    /// Where the input begins, in bytes from the beginning of the input buffer.
    pub offset: u32,
    /// How long the input is, in bytes.
    pub length: u32,
    /// Which rule set it is judged by.
    pub rule_set: u32,
    /// What comes back with the completion; the producer's own number.
    pub correlation: u32,
}

impl WorkItem {
    /// The two words of a slot.
    #[inline]
    pub(crate) const fn to_words(self) -> [u64; 2] {
        [
            pair(self.offset, self.length),
            pair(self.rule_set, self.correlation),
        ]
    }

    /// The item that two words of a slot hold.
    #[inline]
    pub(crate) const fn from_words(words: [u64; 2]) -> Self {
        Self {
            offset: low(words[0]),
            length: high(words[0]),
            rule_set: low(words[1]),
            correlation: high(words[1]),
        }
    }
}

#[inline]
const fn pair(low: u32, high: u32) -> u64 {
    low as u64 | (high as u64) << 32
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the low half is asked for")]
const fn low(word: u64) -> u32 {
    word as u32
}

#[inline]
const fn high(word: u64) -> u32 {
    low(word >> 32)
}

/// Layout, as devices see it.
mod layout {
    use super::WorkItem;
    use core::mem::offset_of;
    use static_assertions::const_assert_eq;

    const_assert_eq!(size_of::<WorkItem>(), 16);
    const_assert_eq!(align_of::<WorkItem>(), 4);
    const_assert_eq!(offset_of!(WorkItem, offset), 0);
    const_assert_eq!(offset_of!(WorkItem, length), 4);
    const_assert_eq!(offset_of!(WorkItem, rule_set), 8);
    const_assert_eq!(offset_of!(WorkItem, correlation), 12);
}

//! Names of things that travel: slots, tasks, tokens, cores. Never a pointer.

use core::fmt;

use finbox_mailbox::SlotBits;

/// A task slot in one of its lives: ring 8 bits · index 24 · generation 32.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlotId(u64);

impl SlotId {
    /// Indices fit 24 bits.
    pub const MAX_INDEX: u32 = (1 << 24) - 1;

    /// The slot `index` of `ring` in its life `generation`.
    ///
    /// # Panics
    /// If `index` does not fit 24 bits.
    #[inline]
    pub const fn new(ring: u8, index: u32, generation: u32) -> Self {
        assert!(index <= Self::MAX_INDEX, "a slot index has 24 bits");
        Self((ring as u64) << 56 | (index as u64) << 32 | generation as u64)
    }

    /// Ring, 0 to 255.
    pub const fn ring(self) -> u8 {
        (self.0 >> 56) as u8
    }

    /// Index within the ring, 0 to 2²⁴ − 1.
    pub const fn index(self) -> usize {
        (self.0 >> 32) as usize & Self::MAX_INDEX as usize
    }

    /// Which life of the slot this names.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the low half is the generation"
    )]
    pub const fn generation(self) -> u32 {
        self.0 as u32
    }

    /// As it stands in a message.
    pub const fn bits(self) -> SlotBits {
        SlotBits(self.0)
    }

    /// From a message. Any bits name some slot; whether it lives must be asked.
    pub const fn from_bits(bits: SlotBits) -> Self {
        Self(bits.0)
    }
}

impl fmt::Debug for SlotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "slot {}:{}#{}",
            self.ring(),
            self.index(),
            self.generation()
        )
    }
}

/// A task's public number: ring in bits 39..32, local number in bits 31..0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(pub u64);

impl TaskId {
    /// No task.
    pub const INVALID: Self = Self(u64::MAX);

    /// The task `number` of `ring`.
    pub const fn new(ring: u8, number: u32) -> Self {
        Self((ring as u64) << 32 | number as u64)
    }
}

/// A dispatch sequence number of one core, as it stands in DMB and COND: 31 bits.
///
/// Consecutive per core, starting at 1, skipping the reserved range; never restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token(u32);

impl Token {
    /// "No token": what COND holds after reset.
    pub const IDLE: Self = Self(0x7FFF_FFFF);
    /// Written to DMB to end a core.
    pub const EXIT: Self = Self(0x7FFF_FFFE);
    /// The first token of a core.
    pub const FIRST: Self = Self(1);
    /// The largest token that may be dispatched.
    pub const LAST: Self = Self(0x7FFF_FFEF);

    /// The token in the low 31 bits.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits & 0x7FFF_FFFF)
    }

    /// 31 bits.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether it may be dispatched: not in the reserved range.
    pub const fn is_ordinary(self) -> bool {
        self.0 <= Self::LAST.0
    }

    /// The token after this one. `LAST` is odd and is followed by 0, so parities alternate.
    #[must_use]
    pub const fn next(self) -> Self {
        if self.0 >= Self::LAST.0 {
            Self(0)
        } else {
            Self(self.0 + 1)
        }
    }

    /// Which of a core's two records and slabs this token uses.
    pub const fn parity(self) -> usize {
        (self.0 & 1) as usize
    }

    /// Whether this token was dispatched before `other`, for two tokens less than 2³⁰ apart.
    pub const fn is_before(self, other: Self) -> bool {
        let distance = other.0.wrapping_sub(self.0) & 0x7FFF_FFFF;
        distance != 0 && distance < 1 << 30
    }
}

/// A core of one chip, counted from 0 in cluster order; host lanes come behind the clusters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CoreId(pub u16);

impl CoreId {
    /// As an index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

#[cfg(test)]
mod tests {
    use super::{SlotId, Token};

    #[test]
    fn a_slot_id_gives_back_its_three_fields() {
        let id = SlotId::new(3, SlotId::MAX_INDEX, u32::MAX);
        assert_eq!(
            (id.ring(), id.index(), id.generation()),
            (3, (1 << 24) - 1, u32::MAX)
        );
        assert_eq!(SlotId::from_bits(id.bits()), id);
    }

    #[test]
    fn tokens_skip_the_reserved_range_and_keep_alternating() {
        assert_eq!(Token::LAST.next().bits(), 0);
        assert_ne!(Token::LAST.parity(), Token::LAST.next().parity());
        assert!(Token::LAST.is_before(Token::LAST.next()));
        assert!(!Token::IDLE.is_ordinary() && !Token::EXIT.is_ordinary());
    }
}

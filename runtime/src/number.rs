//! Ids as numbers, for whoever keeps them outside Rust.
//!
//! Guarantees: what came from an id becomes that id again; any other number becomes an id that is
//! refused where it is used, or somebody else's. Called by libfinbox.

use crate::buffer::BufferId;
use crate::stream::TimelineId;

impl BufferId {
    /// The id as a number: life in bits 63..32, block + 1 in bits 31..0. Never 0.
    pub const fn to_bits(self) -> u64 {
        (self.generation as u64) << 32 | (self.index as u64 + 1)
    }

    /// The id with this number; `None` if no id has it.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "each half is what is wanted"
    )]
    pub const fn from_bits(bits: u64) -> Option<Self> {
        match (bits as u32).checked_sub(1) {
            Some(index) => Some(Self {
                index,
                generation: (bits >> 32) as u32,
            }),
            None => None,
        }
    }
}

impl TimelineId {
    /// Its number: they are counted from 0 in the order in which they were opened.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The timeline with this number, which need not be opened: then it is refused as unknown.
    pub const fn from_number(number: u32) -> Self {
        Self(number)
    }
}

#[cfg(test)]
mod tests {
    use super::BufferId;
    use crate::plan::{Mode, Planner};
    use crate::stream::TimelineId;

    #[test]
    fn what_came_from_an_id_becomes_it_again_and_0_is_no_buffer() {
        let planner = Planner::new(Mode::Strict);
        let first = planner.declare(8);
        assert!(planner.free(first).is_ok());
        let again = planner.declare(8);
        assert_eq!([first, again].map(BufferId::to_bits), [1, 1 << 32 | 1]);
        for buffer in [first, again] {
            assert_eq!(BufferId::from_bits(buffer.to_bits()), Some(buffer));
        }
        assert_eq!(BufferId::from_bits(0), None);
        assert_eq!(BufferId::from_bits(7 << 32), None);
        let stream = planner.stream("copy", 0);
        assert_eq!((stream.number(), TimelineId::from_number(0)), (0, stream));
    }
}

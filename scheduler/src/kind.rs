//! What a task needs, packed into the kind word of its slot.

use crate::spec::{Priority, STACKS, Shape, Subtasks, TaskSpec};

/// Shape 3 · priority 1 · sync start 1 · subtasks 3 · conditions 8 · blocks 15 · extra 1.
///
/// *Extra* says that the second line of the slot says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind(u32);

const SYNC_START: u32 = 1 << 4;
const BLOCKS: u32 = 0x7FFF;
const HAS_EXTRA: u32 = 1 << 31;

impl Kind {
    /// Of a valid `spec`.
    #[inline]
    pub(crate) const fn of(spec: &TaskSpec) -> Self {
        let is_plain =
            spec.predicate.is_none() && spec.run_budget_ns == 0 && spec.wait_budget_ns == 0;
        let extra = if is_plain { 0 } else { HAS_EXTRA };
        let sync_start = if spec.sync_start { SYNC_START } else { 0 };
        Self(
            spec.shape as u32
                | (spec.priority as u32) << 3
                | sync_start
                | (spec.subtasks.bits() as u32) << 5
                | (spec.may_defer as u32) << 8
                | (spec.blocks as u32) << 16
                | extra,
        )
    }

    /// From what [`bits`](Self::bits) gave.
    pub(crate) const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// As it stands in the slot.
    pub(crate) const fn bits(self) -> u32 {
        self.0
    }

    /// What a block of it needs.
    pub(crate) const fn shape(self) -> Shape {
        Shape::from_bits(self.0)
    }

    /// Whether it is an item for persistent workers.
    pub(crate) const fn is_work(self) -> bool {
        matches!(self.shape(), Shape::Work)
    }

    /// Which of the ready stacks and lines of its priority it belongs to.
    #[inline]
    pub(crate) const fn stack(self) -> usize {
        let shape = (self.0 & 7) as usize;
        if shape < STACKS { shape } else { STACKS - 1 }
    }

    /// Which line it stands in when it is ready.
    pub(crate) const fn priority(self) -> Priority {
        Priority::from_bits(self.0 >> 3)
    }

    /// Whether all its blocks start together.
    pub(crate) const fn is_cohort(self) -> bool {
        self.0 & SYNC_START != 0
    }

    /// Which cores of a cluster a mixed block needs.
    pub(crate) const fn subtasks(self) -> Subtasks {
        Subtasks::from_bits_truncate((self.0 >> 5 & 7) as u8)
    }

    /// Most conditions it may register, 0 to 64.
    pub(crate) const fn may_defer(self) -> u32 {
        self.0 >> 8 & 0xFF
    }

    /// How many blocks it has, 1 to 32 767.
    pub(crate) const fn blocks(self) -> u16 {
        (self.0 >> 16 & BLOCKS) as u16
    }

    /// Tokens of one block.
    pub(crate) const fn tokens_per_block(self) -> u32 {
        match self.shape() {
            Shape::Mix => self.subtasks().bits().count_ones(),
            _ => 1,
        }
    }

    /// Whether it has a predicate or a budget.
    pub(crate) const fn has_extra(self) -> bool {
        self.0 & HAS_EXTRA != 0
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;
    use crate::id::TaskId;
    use crate::limits::{MAX_BLOCKS, MAX_CONDITIONS};
    use crate::spec::{Priority, Shape, Subtasks, TaskSpec};

    #[test]
    fn every_field_comes_back_at_its_largest() {
        let spec = TaskSpec {
            subtasks: Subtasks::all(),
            blocks: MAX_BLOCKS,
            sync_start: true,
            priority: Priority::High,
            may_defer: u8::try_from(MAX_CONDITIONS).unwrap(),
            run_budget_ns: 1,
            ..TaskSpec::new(TaskId(7), Shape::Mix)
        };
        let kind = Kind::from_bits(Kind::of(&spec).bits());
        assert_eq!(
            (kind.shape(), kind.priority()),
            (Shape::Mix, Priority::High)
        );
        assert_eq!(
            (kind.blocks(), kind.may_defer()),
            (MAX_BLOCKS, MAX_CONDITIONS)
        );
        assert_eq!(
            (kind.subtasks(), kind.tokens_per_block()),
            (Subtasks::all(), 3)
        );
        assert!(kind.is_cohort() && kind.has_extra());
        let plain = Kind::of(&TaskSpec::new(TaskId(7), Shape::Dummy));
        assert_eq!((plain.shape(), plain.tokens_per_block()), (Shape::Dummy, 1));
        assert!(!plain.is_cohort() && !plain.has_extra());
        let work = Kind::of(&TaskSpec::new(TaskId(7), Shape::Work));
        assert!(work.is_work() && !plain.is_work());
        assert_eq!(work.stack(), plain.stack());
    }
}

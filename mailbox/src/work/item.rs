//! The work item: 16 bytes, the same on host and device.
//!
//! Guarantees: fields at bytes 0, 4, 8 and 12, in memory, in a slot and on a worker's line alike.
//! Called by whoever pushes work and by the workers that do it.

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

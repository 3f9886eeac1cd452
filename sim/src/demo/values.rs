//! What the demos of asynchronous engines share: how many values they move and how they begin.

use crate::workload::{Check, Expect, Init, RankPlan};

/// `f32` values of a buffer: 128 × 128.
pub(super) const VALUES: u16 = 128 * 128;
/// Their bytes.
pub(super) const BYTES: u64 = VALUES as u64 * 4;
/// Kernels that read and write a buffer. A choice: 65 536 bytes at about 16 bytes a ns.
pub(super) const MOVE_NS: u64 = 4_000;
/// Kernels that only start something. A choice.
pub(super) const START_NS: u64 = 500;
/// How long what a demo waits for takes at least. A choice: longer than 64 ranks need to submit
/// everything and to be through, if their consumers did not wait.
pub(super) const LATE_NS: u64 = 400_000;

/// Value `i` is `of(i)`.
pub(super) fn values(count: u16, of: impl Fn(u16) -> f32) -> Box<[f32]> {
    (0..count).map(of).collect()
}

/// `values` at the start of a buffer.
pub(super) fn begin_with(plan: &mut RankPlan, buffer: u32, values: &[f32]) {
    let (at, words) = (
        plan.offset(buffer),
        values.iter().map(|value| value.to_bits()).collect(),
    );
    plan.init.push(Init::U32 { at, words });
}

/// `values`, to the bit, in a buffer at the end.
pub(super) fn end_with(plan: &RankPlan, rank: u32, buffer: u32, values: Box<[f32]>) -> Check {
    Check {
        rank,
        name: plan.buffers[buffer as usize].name.clone(),
        at: plan.offset(buffer),
        expect: Expect::F32s(values),
    }
}

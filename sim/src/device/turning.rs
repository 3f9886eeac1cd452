//! A thread that steps devices by the wall clock: when it turns, and when it rests.
//!
//! Guarantees: it goes on as long as something is near, rests ever longer while something comes by
//! itself later, and parks where nothing can change before somebody rings. Refuses to know what is
//! stepped. Called by the parallel world and by [`machine`](crate::machine).

use finbox_runtime::wait::{Rest, Sleeper, StopFlag};

use super::Device;
use super::core::{Core, Kernels};

/// What a turn saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turned {
    /// Something moved, or will in a moment.
    Busy,
    /// Nothing is near, but something changes without a ring.
    Watching,
    /// Nothing changes until somebody rings.
    Quiet,
}

/// Makes turns on the calling thread, which sleeps at `sleeper`, until `stop` is set. Whoever sets
/// it wakes the sleeper behind that.
pub fn turn_until(stop: &StopFlag, sleeper: &Sleeper, mut turn: impl FnMut() -> Turned) {
    sleeper.adopt();
    let mut rest = Rest::default();
    loop {
        rest.before_pass(sleeper);
        if stop.is_set() {
            return;
        }
        match turn() {
            Turned::Busy => rest.reset(),
            Turned::Watching => rest.after_pass(sleeper, true),
            Turned::Quiet => rest.after_pass(sleeper, false),
        }
    }
}

/// Steps all `cores` of `device` at `now`; returns when one of them wants to be stepped again.
pub fn step_cores(
    cores: &mut [Core],
    now: u64,
    device: &Device,
    kernels: &mut impl Kernels,
) -> Option<u64> {
    let mut next: Option<u64> = None;
    for core in cores {
        let due = core.step(now, device.registers(), kernels);
        next = next.into_iter().chain(due).min();
    }
    next
}

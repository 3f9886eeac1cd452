//! Programs as what cores run: [`Kernels`] over one rank's plan.
//!
//! Guarantees: a launch's `kernel` is the index of its task in the rank's plan; when a kernel
//! ends, its program has run, its slab is written, and its effects stand in
//! [`issued`](Programs::issued) with absolute times. Refuses to apply them: that is the world's.

use crate::device::{Device, Kernels, Picked};
use crate::engine::Effect;

use super::plan::{RankPlan, TaskPlan};
use super::program::run;

/// An effect and when its program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// When it happens, in ns of the world's clock.
    pub at_ns: u64,
    /// What happens.
    pub effect: Effect,
}

/// The kernels of one rank.
#[derive(Debug)]
pub struct Programs<'a> {
    plan: &'a RankPlan,
    device: &'a Device,
    stretch: u64,
    /// Effects of programs that ended, in the order they were issued; the world takes them.
    pub issued: Vec<Issued>,
}

impl<'a> Programs<'a> {
    /// The kernels of `plan` on `device`, at the planned speed.
    pub const fn new(plan: &'a RankPlan, device: &'a Device) -> Self {
        Self {
            plan,
            device,
            stretch: 1,
            issued: Vec::new(),
        }
    }

    /// The same, every kernel taking `factor` times as long; 0 takes no time at all.
    #[must_use]
    pub const fn stretched(mut self, factor: u64) -> Self {
        self.stretch = factor;
        self
    }

    /// The task that `picked` runs.
    ///
    /// # Panics
    /// If the launch names none.
    pub fn task(&self, picked: &Picked) -> &'a TaskPlan {
        let task = usize::try_from(picked.launch.kernel).ok();
        task.and_then(|task| self.plan.tasks.get(task))
            .expect("a launch names a task of its rank's plan")
    }
}

impl Kernels for Programs<'_> {
    fn start(&mut self, picked: &Picked, _now: u64) -> Option<u64> {
        Some(self.task(picked).duration_ns.saturating_mul(self.stretch))
    }

    fn finish(&mut self, picked: &Picked, now: u64) {
        let ran = run(&self.task(picked).program, self.device);
        self.device
            .write_slab(picked.core, picked.token.parity(), &ran.conditions);
        let issue = |effect: Effect| Issued {
            at_ns: now + effect.after_ns,
            effect,
        };
        self.issued.extend(ran.effects.into_iter().map(issue));
    }
}

//! What things cost in virtual time beyond what the port charges.
//!
//! [`Costed`] charges the scheduler's own work when its probe tells of it; [`Delayed`] makes
//! kernels a little later than planned, as the seed says.

use finbox_scheduler::{Event, Probe};

use super::jitter::Jitter;
use super::order::dependencies;
use super::recorder::{RankProbe, Recorder};
use crate::device::{CostModel, Device, Kernels, Meter, Picked};
use crate::workload::{Programs, RankPlan, Workload};

/// A probe that also charges the published costs of submitting, dispatching and completing a task.
pub(super) struct Costed<'a> {
    probe: RankProbe<'a>,
    meter: &'a Meter,
    cost: CostModel,
    /// How many tasks wait for each task.
    consumers: Vec<u64>,
}

/// The costed probes of all ranks.
pub(super) fn costed<'a>(
    workload: &Workload,
    recorder: &'a Recorder<'a>,
    devices: &[Device],
    meter: &'a Meter,
) -> Vec<Costed<'a>> {
    let ranks = workload.ranks.iter().zip(devices);
    let costed = |(probe, (plan, device)): (_, (_, &Device))| Costed {
        probe,
        meter,
        cost: *device.cost(),
        consumers: consumers(plan),
    };
    recorder
        .probes()
        .into_iter()
        .zip(ranks)
        .map(costed)
        .collect()
}

fn consumers(plan: &RankPlan) -> Vec<u64> {
    let mut consumers = vec![0; plan.tasks.len()];
    for before in dependencies(plan).into_iter().flatten() {
        consumers[before as usize] += 1;
    }
    consumers
}

impl Costed<'_> {
    /// Completing a task, and walking over those that wait for it.
    fn complete(&self, task: u64) -> u64 {
        let index = usize::try_from(task).expect("a simulated task's number is its index");
        self.cost.complete_ns + self.cost.fan_out(self.consumers[index])
    }
}

impl Probe for Costed<'_> {
    fn event(&self, event: Event) {
        self.probe.event(event);
        match event {
            Event::Submitted { .. } => self.meter.charge(self.cost.submit_ns),
            Event::Dispatched { .. } => self.meter.charge(self.cost.dispatch_ns),
            Event::Finished { task, .. } => self.meter.charge(self.complete(task.0)),
            _ => {}
        }
    }
}

/// A rank's programs, each a little later than planned, as the seed says.
pub(super) struct Delayed<'a, 'p> {
    pub(super) programs: &'a mut Programs<'p>,
    pub(super) rank: usize,
    pub(super) jitter: Jitter,
}

impl Kernels for Delayed<'_, '_> {
    fn start(&mut self, picked: &Picked, now: u64) -> Option<u64> {
        let planned = self.programs.start(picked, now)?;
        let subject = 1 << 40 | (self.rank << 16 | picked.core.index()) as u64;
        let delay = self
            .jitter
            .small_ns(subject, u64::from(picked.token.bits()));
        Some(planned.saturating_add(delay))
    }

    fn finish(&mut self, picked: &Picked, now: u64) {
        self.programs.finish(picked, now);
    }
}

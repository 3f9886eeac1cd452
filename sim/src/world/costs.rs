//! What things cost in virtual time beyond what the port charges.
//!
//! [`Costed`] charges the scheduler's own work when its probe tells of it; [`Delayed`] makes
//! kernels a little later than planned, as the seed says.

use std::sync::atomic::{AtomicU64, Ordering};

use finbox_scheduler::{Completion, Event, Holder, Probe};

use super::jitter::Jitter;
use super::lock_clock::LockClock;
use super::recorder::{RankProbe, Recorder};
use crate::device::{CostModel, Device, Kernels, Meter, Picked, Words};
use crate::fault::Injector;
use crate::workload::Programs;

/// A probe that also charges the published costs of submitting, dispatching and completing a task.
pub(super) struct Costed<'a> {
    probe: RankProbe<'a>,
    meter: &'a Meter,
    cost: CostModel,
    /// How many tasks wait for each task.
    consumers: Vec<u32>,
    completion: Completion,
    lock: LockClock,
    /// When the holder of the lock took it.
    locked_ns: AtomicU64,
    waited_ns: AtomicU64,
}

/// The costed probes of all ranks.
pub(super) fn costed<'a>(
    recorder: &'a Recorder<'a>,
    devices: &[Device],
    meter: &'a Meter,
    completion: Completion,
) -> Vec<Costed<'a>> {
    let costed = |(rank, (probe, device)): (usize, (_, &Device))| Costed {
        probe,
        meter,
        cost: *device.cost(),
        consumers: recorder.consumers(rank),
        completion,
        lock: LockClock::default(),
        locked_ns: AtomicU64::new(0),
        waited_ns: AtomicU64::new(0),
    };
    let probes = recorder.probes().into_iter();
    probes.zip(devices).enumerate().map(costed).collect()
}

impl Costed<'_> {
    /// Completing a task, and walking over those that wait for it.
    fn complete(&self, task: u64) -> u64 {
        let index = usize::try_from(task).expect("a simulated task's number is its index");
        self.cost.complete_ns + self.cost.fan_out(u64::from(self.consumers[index]))
    }
}

/// What the wait list's lock costs those who wait for it: nobody, unless it is the baseline.
impl Costed<'_> {
    /// The dispatch thread naps, and would poll from `first_ns` on every `period_ns`.
    pub(super) fn poller_naps(&self, first_ns: u64, period_ns: u64) {
        if self.completion == Completion::Locked {
            self.lock.nap(first_ns, period_ns);
        }
    }

    /// The dispatch thread naps no more.
    pub(super) fn poller_acts(&self) {
        self.lock.wake();
    }

    /// Somebody acts at `now_ns`: see [`LockClock::look`].
    pub(super) fn lock_at(&self, now_ns: u64, already: bool) {
        self.lock.look(now_ns, already);
    }

    /// What who holds the lock, or held it last, had waited for it, in ns.
    pub(super) fn waited_ns(&self) -> u64 {
        self.waited_ns.load(Ordering::Relaxed)
    }

    fn took_lock(&self) {
        let wait_ns = self.lock.wait_ns(self.meter.now());
        self.meter.charge(wait_ns);
        // RELAXED: virtual time has one thread.
        self.waited_ns.store(wait_ns, Ordering::Relaxed);
        self.locked_ns.store(self.meter.now(), Ordering::Relaxed);
    }

    fn gave_lock_back(&self, by: Holder) {
        let (since_ns, at_ns) = (self.locked_ns.load(Ordering::Relaxed), self.meter.now());
        match by {
            Holder::Dispatcher => self.lock.release_by_poller(since_ns, at_ns),
            Holder::Handler => self.lock.release(at_ns),
        }
    }

    /// Messages were pushed; or conditions registered, which is done under the lock.
    fn pushed(&self, count: u32) {
        self.meter.charge(u64::from(count) * self.cost.message_ns);
        if self.completion == Completion::Locked {
            self.gave_lock_back(Holder::Handler);
        }
    }
}

impl Probe for Costed<'_> {
    fn event(&self, event: Event) {
        self.probe.event(event);
        match event {
            Event::Submitted { .. } => self.meter.charge(self.cost.submit_ns),
            Event::Dispatched { .. } => self.meter.charge(self.cost.dispatch_ns),
            Event::Finished { task, .. } => self.meter.charge(self.complete(task.0)),
            Event::Pushed { accepted, .. } => self.pushed(accepted),
            Event::Locked { .. } => self.took_lock(),
            Event::Unlocked { by } => self.gave_lock_back(by),
            _ => {}
        }
    }
}

/// A rank's programs, each a little later than planned, as the seed says, on a machine that may be
/// a broken one.
pub(super) struct Delayed<'a, 'p> {
    pub(super) programs: &'a mut Programs<'p>,
    pub(super) rank: usize,
    pub(super) jitter: Jitter,
    pub(super) injector: &'a mut Injector,
}

impl Kernels for Delayed<'_, '_> {
    fn start(&mut self, picked: &Picked, now: u64) -> Option<u64> {
        let planned = self.programs.start(picked, now)?;
        let subject = 1 << 40 | (self.rank << 16 | picked.core.index()) as u64;
        let delay = self
            .jitter
            .small_ns(subject, u64::from(picked.token.bits()));
        self.injector
            .start(self.rank, planned.saturating_add(delay))
    }

    fn finish(&mut self, picked: &Picked, now: u64) {
        self.programs.finish(picked, now);
    }

    fn words(&mut self, picked: &Picked, word: u32) -> Words {
        let budget_ns = self.programs.task(picked).run_budget_ns;
        self.injector.words(picked, word, budget_ns)
    }
}

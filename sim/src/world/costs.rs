//! What things cost in virtual time beyond what the port charges.
//!
//! [`Costed`] charges the scheduler's own work when its probe tells of it, and lets nobody act on
//! what another thread is still doing; [`Delayed`] makes kernels a little later than planned, as
//! the seed says.

use std::sync::atomic::{AtomicU64, Ordering};

use finbox_scheduler::{Completion, Event, Holder, Probe, SlotId};

use super::jitter::Jitter;
use super::lock_clock::LockClock;
use super::recorder::{RankProbe, Recorder};
use super::recording::Recording;
use crate::device::{CostModel, Device, Kernels, Meter, Next, Picked, Words};
use crate::fault::Injector;
use crate::workload::{Programs, TaskRef};

/// A probe that also charges the published costs of submitting, dispatching and completing a task.
pub(super) struct Costed<'a> {
    probe: RankProbe<'a>,
    meter: &'a Meter,
    cost: CostModel,
    recorder: &'a Recorder<'a>,
    rank: usize,
    /// How many tasks wait for each task.
    consumers: Vec<u32>,
    /// When each task was wired in, when its last message so far was published, and when its
    /// consumers were released: a step's memory effects hold from its beginning, and these do not.
    submitted_ns: Vec<AtomicU64>,
    pushed_ns: Vec<AtomicU64>,
    released_ns: Vec<AtomicU64>,
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
    let costed = |(rank, (probe, device)): (usize, (_, &Device))| {
        let consumers = recorder.consumers(rank);
        let times = || consumers.iter().map(|_| AtomicU64::new(0)).collect();
        Costed {
            probe,
            meter,
            cost: *device.cost(),
            recorder,
            rank,
            submitted_ns: times(),
            pushed_ns: times(),
            released_ns: times(),
            consumers,
            completion,
            lock: LockClock::default(),
            locked_ns: AtomicU64::new(0),
            waited_ns: AtomicU64::new(0),
        }
    };
    let probes = recorder.probes().into_iter();
    probes.zip(devices).enumerate().map(costed).collect()
}

impl Costed<'_> {
    /// The acting thread can do what follows at `at_ns` at the earliest.
    #[inline]
    fn not_before(&self, at_ns: u64) {
        self.meter.charge(at_ns.saturating_sub(self.meter.now()));
    }

    /// Notes that something about a task is done now.
    #[inline]
    fn note(&self, times: &[AtomicU64], task: u64) {
        // RELAXED, here and below: virtual time has one thread.
        times[index(task)].store(self.meter.now(), Ordering::Relaxed);
    }

    /// When all that `slot`'s task waited for had released it.
    #[inline]
    fn ready_ns(&self, slot: SlotId) -> u64 {
        let task = self.recorder.task_in(self.rank, slot);
        let rank = u32::try_from(self.rank).expect("a run has at most 1024 ranks");
        let before = self.recorder.before(TaskRef { rank, task }).iter();
        let released = before.map(|&task| &self.released_ns[task as usize]);
        let times = released.chain([&self.submitted_ns[task as usize]]);
        let times = times.map(|time| time.load(Ordering::Relaxed));
        times.max().unwrap_or(0)
    }

    fn pushed_ns(&self, task: u64) -> u64 {
        self.pushed_ns[index(task)].load(Ordering::Relaxed)
    }

    /// Completing a task, and walking over those that wait for it.
    fn complete(&self, task: u64) -> u64 {
        self.cost.complete_ns + self.cost.fan_out(u64::from(self.consumers[index(task)]))
    }
}

/// A task's place among those of its rank.
fn index(task: u64) -> usize {
    usize::try_from(task).expect("a simulated task's number is its index")
}

/// Items for persistent workers.
impl Costed<'_> {
    /// A worker has told of the item in the slot with this index, at `now_ns`.
    pub(super) fn told(&self, index: u32, now_ns: u64) {
        let task = self.recorder.task_at_index(self.rank, index) as usize;
        self.pushed_ns[task].store(now_ns, Ordering::Relaxed);
    }

    /// Whether the work ring is to be closed.
    pub(super) fn is_ring_over(&self) -> bool {
        self.recorder.is_ring_over(self.rank)
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
        if self.completion == Completion::Locked {
            self.lock.wake();
        }
    }

    /// Somebody acts at `now_ns`: see [`LockClock::look`].
    pub(super) fn lock_at(&self, now_ns: u64, already: bool) {
        if self.completion == Completion::Locked {
            self.lock.look(now_ns, already);
        }
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
        let recording = self.recorder.recorded();
        if let Some(recording) = recording {
            recording.before(event);
        }
        match event {
            Event::Dispatched { slot, .. } => self.not_before(self.ready_ns(slot)),
            Event::Offered { slot, .. } => self.not_before(self.ready_ns(slot)),
            Event::Finished { task, .. } => self.not_before(self.pushed_ns(task.0)),
            _ => {}
        }
        self.probe.event(event);
        match event {
            Event::Submitted { task, .. } => {
                self.meter.charge(self.cost.submit_ns);
                self.note(&self.submitted_ns, task.0);
            }
            Event::Dispatched { .. } => self.meter.charge(self.cost.dispatch_ns),
            Event::Offered { .. } => self.meter.charge(self.cost.offer_ns),
            Event::Worked { .. } => self.meter.charge(self.cost.message_ns),
            Event::Finished { task, .. } => {
                self.meter.charge(self.complete(task.0));
                self.note(&self.released_ns, task.0);
            }
            Event::Pushed { slot, accepted, .. } => {
                self.pushed(accepted);
                let task = self.recorder.task_in(self.rank, slot);
                self.note(&self.pushed_ns, task.into());
            }
            Event::Locked { .. } => self.took_lock(),
            Event::Unlocked { by } => self.gave_lock_back(by),
            _ => {}
        }
        if let Some(recording) = recording {
            recording.after(event);
            recording.is_done(self.rank, self.probe.task_of(event), event);
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
    pub(super) recording: Option<&'a Recording<'a>>,
}

impl Kernels for Delayed<'_, '_> {
    fn start(&mut self, picked: &Picked, now: u64) -> Option<u64> {
        if let Some(recording) = self.recording {
            recording.started(self.rank, picked, now);
        }
        let planned = self.programs.start(picked, now)?;
        let subject = 1 << 40 | (self.rank << 16 | picked.core.index()) as u64;
        let delay = self
            .jitter
            .small_ns(subject, u64::from(picked.token.bits()));
        self.injector
            .start(self.rank, planned.saturating_add(delay))
    }

    fn proceed(&mut self, picked: &Picked, now: u64) -> Next {
        let (rank, injector) = (self.rank, &mut *self.injector);
        let mut mishap = |is_last| injector.item(rank, is_last);
        self.programs.serve(picked, now, &mut mishap)
    }

    fn finish(&mut self, picked: &Picked, now: u64) {
        self.programs.finish(picked, now);
        if let Some(recording) = self.recording {
            recording.ended(self.rank, picked, now);
            recording.collect(self.rank, self.programs, now);
        }
    }

    fn words(&mut self, picked: &Picked, word: u32) -> Words {
        let budget_ns = || self.programs.task(picked).run_budget_ns;
        self.injector.words(picked, word, budget_ns)
    }
}

//! The machine's shared state, and the threads that step its cores.
//!
//! Guarantees: threads are two at most; one that has nothing to do parks until a doorbell of its
//! ranks rings; all end when the machine is dropped. A kernel's bytes, its notifies and its slab
//! are there before its FIN. Refuses to believe a launch: one that names no kernel of its rank, or
//! whose block reaches where nothing was given out, ends with the fatal error in its slab.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use finbox_abi::finbox_op;
use finbox_mailbox::CompletionType;
use finbox_runtime::MachineFacts;
use finbox_runtime::wait::{Sleeper, StopFlag};
use finbox_scheduler::CoreId;

use super::heap::Heap;
use super::translate::{Ground, Translated, translate};
use super::wanted::{Plan, engines, options};
use crate::device::{
    Core, Device, Kernels, Meter, Picked, Turned, rank_at, step_cores, turn_until,
};
use crate::engine::{EffectKind, Engines, Lateness};
use crate::shadow::By;
use crate::shared::Shared;
use crate::workload::{Part, Reach, Running, run};

/// Most threads that step cores.
pub(super) const MOST_THREADS: usize = 2;

/// What comes within so many ns keeps a thread turning: the shortest that it could park.
const NEAR_NS: u64 = 20_000;

/// A kernel that was loaded.
#[derive(Debug)]
pub(super) struct Kernel {
    /// For whose cores.
    pub(super) rank: u32,
    pub(super) ops: Box<[finbox_op]>,
}

/// What all threads and whoever uses the machine share.
#[derive(Debug)]
pub(super) struct Chips {
    pub(super) facts: MachineFacts,
    lateness: Lateness,
    queues: u16,
    pub(super) devices: Vec<Device>,
    pub(super) meter: Meter,
    pub(super) heaps: Vec<Shared<Heap>>,
    /// By number, which counts from 1.
    pub(super) kernels: Shared<Vec<Arc<Kernel>>>,
    /// Where each thread sleeps; thread `n` steps the ranks `n`, `n` + threads and so on.
    bells: Vec<Sleeper>,
    stop: StopFlag,
}

impl Chips {
    pub(super) fn new(plan: &Plan, meter: Meter) -> Self {
        let (options, engines) = (options(&plan.facts), engines(plan.queues));
        let bytes = plan.facts.memory_bytes;
        let device = |rank| Device::flat(options, rank, &engines, bytes);
        let devices: Vec<Device> = (0..plan.facts.ranks).map(device).collect();
        let heap = |device: &Device| Shared::new(Heap::new(device.layout().data().clone()));
        let threads = MOST_THREADS.min(devices.len());
        Self {
            facts: plan.facts,
            lateness: plan.lateness,
            queues: plan.queues,
            heaps: devices.iter().map(heap).collect(),
            devices,
            meter,
            kernels: Shared::default(),
            bells: (0..threads).map(|_| Sleeper::default()).collect(),
            stop: StopFlag::default(),
        }
    }

    /// How many threads step the cores.
    pub(super) fn threads(&self) -> usize {
        self.bells.len()
    }

    /// What wakes the thread that steps the cores of `rank`.
    pub(super) fn bell(&self, rank: u32) -> &Sleeper {
        &self.bells[rank as usize % self.bells.len()]
    }

    /// Ends all threads.
    pub(super) fn stop(&self) {
        self.stop.stop();
        self.bells.iter().for_each(Sleeper::wake);
    }

    /// The kernel that is called `number` on `rank`.
    fn kernel(&self, rank: u32, number: u64) -> Option<Arc<Kernel>> {
        let index = usize::try_from(number.checked_sub(1)?).ok()?;
        let kernels = self.kernels.lock();
        let kernel = kernels.get(index)?;
        (kernel.rank == rank).then(|| Arc::clone(kernel))
    }

    /// What thread `index` does until the machine ends.
    pub(super) fn step(&self, index: usize) {
        let mine = self.devices.iter().skip(index).step_by(self.threads());
        let mut stepped: Vec<Stepped<'_>> = mine.map(|device| Stepped::new(self, device)).collect();
        let mut later = Later::default();
        turn_until(&self.stop, &self.bells[index], || {
            self.turn(&mut stepped, &mut later)
        });
    }

    fn turn(&self, stepped: &mut [Stepped<'_>], later: &mut Later) -> Turned {
        let now = self.meter.now();
        let mut is_busy = later.apply(now, &self.devices);
        let mut next: Option<u64> = None;
        for one in stepped {
            let due = one.step(now, &mut is_busy);
            one.work
                .issued
                .drain(..)
                .for_each(|effect| later.add(effect));
            next = next.into_iter().chain(due).min();
        }
        let next = next.into_iter().chain(later.first()).min();
        match next {
            _ if is_busy => Turned::Busy,
            Some(at) if at <= now.saturating_add(NEAR_NS) => Turned::Busy,
            Some(_) => Turned::Watching,
            None => Turned::Quiet,
        }
    }
}

impl Ground for Chips {
    fn has(&self, address: u64, size_bytes: u64) -> bool {
        let heap = self.heaps.get(rank_at(address) as usize);
        heap.is_some_and(|heap| heap.lock().has(address, size_bytes))
    }

    fn queues(&self) -> u16 {
        self.queues
    }
}

/// What engines of which only the time is known do later, in order of time.
#[derive(Debug, Default)]
struct Later {
    /// By when, and in what order it was left.
    effects: BTreeMap<(u64, u64), EffectKind>,
    count: u64,
}

impl Later {
    fn add(&mut self, (at, effect): (u64, EffectKind)) {
        self.effects.insert((at, self.count), effect);
        self.count += 1;
    }

    fn first(&self) -> Option<u64> {
        self.effects.first_key_value().map(|(&(at, _), _)| at)
    }

    /// Does what is due at `now`; says whether anything was.
    fn apply(&mut self, now: u64, devices: &[Device]) -> bool {
        let mut any = false;
        while let Some(first) = self.effects.first_entry().filter(|one| one.key().0 <= now) {
            first.remove().apply(devices, By::NOBODY);
            any = true;
        }
        any
    }
}

/// One rank as its thread steps it.
struct Stepped<'a> {
    cores: Vec<Core>,
    work: Work<'a>,
}

impl<'a> Stepped<'a> {
    fn new(chips: &'a Chips, device: &'a Device) -> Self {
        let jobs = device.core_ids().map(|_| Job::Unknown).collect();
        let engines = Engines::new(device).with_lateness(chips.lateness);
        let work = Work {
            chips,
            device,
            engines,
            jobs,
            issued: Vec::new(),
        };
        let cores = device.make_cores();
        Self { cores, work }
    }

    /// Does what is due at `now`; returns when more is.
    fn step(&mut self, now: u64, is_busy: &mut bool) -> Option<u64> {
        let (device, devices) = (self.work.device, &self.work.chips.devices);
        let due = step_cores(&mut self.cores, now, device, &mut self.work);
        *is_busy |= self.work.engines.step(now, devices);
        due.into_iter().chain(self.work.engines.next_end()).min()
    }
}

/// What a core has to do.
enum Job {
    /// Its launch cannot be followed.
    Unknown,
    Known(Translated),
}

/// What the cores of one rank run.
struct Work<'a> {
    chips: &'a Chips,
    device: &'a Device,
    engines: Engines,
    /// By core.
    jobs: Vec<Job>,
    /// Effects of kernels that ended, and when they come.
    issued: Vec<(u64, EffectKind)>,
}

impl Work<'_> {
    /// What `picked` asks for.
    fn job(&self, picked: &Picked) -> Job {
        let rank = self.device.rank();
        let Some(kernel) = self.chips.kernel(rank, picked.launch.kernel) else {
            return Job::Unknown;
        };
        let asked = (rank, part_of(picked));
        translate(&kernel.ops, asked, self.chips).map_or(Job::Unknown, Job::Known)
    }

    /// Does `translated` and registers its conditions.
    fn run(&mut self, picked: &Picked, translated: &Translated, now: u64) {
        let running = Running {
            device: self.device,
            reach: Reach::All(&self.chips.devices),
            // The contract with devices has no operation that names any.
            rules: &[],
            engines: &mut self.engines,
            shadow: None,
            // Only told to a judge, and here is none.
            task: 0,
            part: part_of(picked),
            now,
        };
        let mut ran = run(&translated.program, running);
        let counter = CompletionType::Counter as i32;
        let counters = ran.conditions.iter_mut();
        let counters = counters.filter(|condition| condition.completion == counter);
        for (condition, &cookie) in counters.zip(&translated.cookies) {
            condition.cookie = cookie;
        }
        let parity = picked.token.parity();
        self.device.write_slab(picked.core, parity, &ran.conditions);
        let issue =
            |effect: crate::engine::Effect| (now.saturating_add(effect.after_ns), effect.kind);
        self.issued.extend(ran.effects.into_iter().map(issue));
    }

    fn late(&self, core: CoreId, nth: u32) -> u64 {
        let subject = 1 << 40 | u64::from(self.device.rank()) << 16 | u64::from(core.0);
        self.chips.lateness.of(subject, nth.into())
    }
}

impl Kernels for Work<'_> {
    fn start(&mut self, picked: &Picked, _now: u64) -> Option<u64> {
        let job = self.job(picked);
        let busy_ns = match &job {
            Job::Known(translated) => translated.busy_ns,
            Job::Unknown => 0,
        };
        self.jobs[picked.core.index()] = job;
        let late = self.late(picked.core, picked.token.bits());
        Some(busy_ns.saturating_add(late))
    }

    fn finish(&mut self, picked: &Picked, now: u64) {
        match mem::replace(&mut self.jobs[picked.core.index()], Job::Unknown) {
            Job::Known(translated) => self.run(picked, &translated, now),
            Job::Unknown => self.device.fail_slab(picked.core, picked.token.parity()),
        }
    }
}

const fn part_of(picked: &Picked) -> Part {
    Part {
        block: picked.launch.block,
        subtask: picked.launch.subtask,
    }
}

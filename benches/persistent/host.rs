//! The same items on threads of the host, launched one by one and through the work ring.

use std::num::NonZeroU32;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_utils::Backoff;
use finbox_benches::stay_on;
use finbox_mailbox::work::{NoWork, WorkItem};
use finbox_runtime::persistent::{Group, GroupWorker, Said};
use finbox_runtime::{Arena, Config};
use finbox_scheduler::target::A2A3;
use finbox_scheduler::{
    Chip, Dispatcher, Launch, NoProbe, Port, Scheduler, Shape, Submitter, TaskId, TaskSpec,
};
use finbox_sim::demo::{self, ITEM_BYTES};
use finbox_sim::device::{CostModel, DeviceOptions};
use finbox_sim::workload::{RuleSet, Scanned};

use crate::registers::Registers;

/// Items in the work ring at once.
const WORK_SLOTS: u32 = 256;

/// Tasks submitted between two passes, as far as there is room.
const BUDGET: u32 = 64;

/// The bytes of the demo's items, and its rule sets.
pub(crate) struct Bytes {
    input: Box<[u8]>,
    rules: Vec<RuleSet>,
}

/// Of so many items.
pub(crate) fn bytes(items: u32) -> Bytes {
    let workload = demo::persistent_scan(items, 0);
    let options = DeviceOptions {
        target: A2A3,
        cores: 1,
        host_lanes: 0,
        cost: CostModel::FREE,
    };
    let device = &workload.make_devices(options)[0];
    let plan = &workload.ranks[0];
    let input = plan.span(0);
    Bytes {
        input: device
            .dram()
            .bytes(device.data_address(input.at), input.bytes),
        rules: plan.rule_sets.clone(),
    }
}

/// Items, and what must be found in each.
pub(crate) struct Job<'b> {
    bytes: &'b Bytes,
    items: u32,
    length: u32,
    cores: u16,
    golden: Vec<u64>,
}

/// What was found in each item.
type Found = Vec<AtomicU64>;

impl<'b> Job<'b> {
    /// The first `length` bytes of each item, for so many threads.
    pub(crate) fn new(bytes: &'b Bytes, items: u32, length: u32, cores: u16) -> Self {
        let mut job = Self {
            bytes,
            items,
            length,
            cores,
            golden: Vec::new(),
        };
        let search = |item: WorkItem| {
            let rules = &bytes.rules[item.rule_set as usize];
            packed(rules.search(job.input(&item)))
        };
        job.golden = (0..items).map(|nth| search(job.item(nth))).collect();
        job
    }

    fn item(&self, nth: u32) -> WorkItem {
        WorkItem {
            offset: nth * ITEM_BYTES as u32,
            length: self.length,
            rule_set: nth % 2,
            correlation: 0,
        }
    }

    fn input(&self, item: &WorkItem) -> &'b [u8] {
        let first = item.offset as usize;
        &self.bytes.input[first..first + item.length as usize]
    }

    /// Does an item.
    fn scan(&self, item: &WorkItem, found: &Found) {
        let rules = &self.bytes.rules[item.rule_set as usize];
        let nth = u64::from(item.offset) / ITEM_BYTES;
        let words = packed(rules.scan(self.input(item)));
        found[nth as usize].store(words, Ordering::Relaxed);
    }

    /// Does the item of a launch.
    fn run(&self, launch: &Launch, found: &Found) {
        self.scan(&of_launch(launch.kernel, launch.args), found);
    }

    fn found(&self) -> Found {
        (0..self.items).map(|_| AtomicU64::new(u64::MAX)).collect()
    }

    fn check(&self, found: Found) {
        let found: Vec<u64> = found.into_iter().map(AtomicU64::into_inner).collect();
        assert_eq!(found, self.golden, "what was found in the items");
    }

    /// One cluster's cores are enough: the first and the last are vector cores.
    fn config(&self) -> Config {
        let mut config = Config::of(&A2A3);
        config.chip = Chip {
            handlers: 1,
            cores: if self.cores == 1 { 1 } else { 3 },
            ..Chip::whole(&A2A3)
        };
        config
    }

    /// Every item a launch.
    pub(crate) fn launched(&self) -> Duration {
        let config = self.config();
        let registers = Registers::new(config.chip.cores.into());
        let mut arena = Arena::new(config).expect("a part of the chip");
        let mut assembly = arena.assemble();
        let (mut handler, mut feed) = (assembly.handler(), Feed::new(self, Shape::Aiv));
        let (mut submitter, mut dispatcher) = (assembly.submitter, assembly.dispatcher);
        let (scheduler, port, found) = (&assembly.scheduler, &registers, self.found());
        let start = Barrier::new(usize::from(self.cores) + 1);
        let took = thread::scope(|scope| {
            let vector = scheduler.chip().all();
            let vector = vector.filter(|&core| scheduler.chip().shape_of(core) == Shape::Aiv);
            for (nth, core) in vector.enumerate() {
                let (start, found) = (&start, &found);
                let kernel = |launch: &Launch| self.run(launch, found);
                scope.spawn(move || {
                    stay_on(nth + 1);
                    start.wait();
                    port.run(core, kernel);
                });
            }
            stay_on(0);
            start.wait();
            let (begin, backoff) = (Instant::now(), Backoff::new());
            while handler.ledger().completed < self.items.into() {
                let fed = feed.some(scheduler, &mut submitter);
                let pass = dispatcher.pass(scheduler, port, &NoProbe);
                let step = handler.pass(scheduler, port, &NoProbe);
                let moved = fed || pass.progress || step == finbox_scheduler::HandlerStep::Progress;
                rest(&backoff, moved);
            }
            let took = begin.elapsed();
            registers.end();
            took
        });
        self.check(found);
        took
    }

    /// All through the ring.
    pub(crate) fn served(&self) -> Duration {
        let config = Config {
            work_slots: WORK_SLOTS,
            workers: self.cores.into(),
            ..self.config()
        };
        let registers = Registers::new(config.chip.cores.into());
        let mut arena = Arena::new(config).expect("a part of the chip");
        let assembly = arena.assemble();
        let (mut submitter, mut dispatcher) = (assembly.submitter, assembly.dispatcher);
        let (scheduler, found) = (&assembly.scheduler, self.found());
        let mut group = Group::open(scheduler).expect("it has a ring");
        let start = Barrier::new(usize::from(self.cores) + 1);
        let mut feed = Feed::new(self, Shape::Work);
        let took = thread::scope(|scope| {
            for name in 1..=self.cores {
                let name = NonZeroU32::from(std::num::NonZeroU16::new(name).expect("from 1"));
                let worker = group.enter(name).expect("there is a line for each");
                let (start, found) = (&start, &found);
                scope.spawn(move || {
                    stay_on(name.get() as usize);
                    start.wait();
                    self.serve(worker, scheduler, found);
                });
            }
            stay_on(0);
            start.wait();
            let begin = Instant::now();
            self.dispatch(
                scheduler,
                &registers,
                (&mut submitter, &mut dispatcher),
                &mut feed,
            );
            let took = begin.elapsed();
            group.shut();
            took
        });
        self.check(found);
        took
    }

    fn dispatch(
        &self,
        scheduler: &Scheduler<'_>,
        port: &impl Port,
        (submitter, dispatcher): (&mut Submitter<'_>, &mut Dispatcher<'_>),
        feed: &mut Feed<'_>,
    ) {
        let backoff = Backoff::new();
        while dispatcher.ledger().completed < self.items.into() {
            let fed = feed.some(scheduler, submitter);
            let pass = dispatcher.pass(scheduler, port, &NoProbe);
            rest(&backoff, fed || pass.progress);
        }
    }

    fn serve(&self, mut worker: GroupWorker<'_>, scheduler: &Scheduler<'_>, found: &Found) {
        let backoff = Backoff::new();
        loop {
            match worker.poll() {
                Ok(work) => {
                    self.scan(&work.item, found);
                    while worker.say(scheduler, 0) == Said::Full {
                        thread::yield_now();
                    }
                    backoff.reset();
                }
                Err(NoWork::Closed) => return,
                Err(_) => backoff.snooze(),
            }
        }
    }
}

fn packed(found: Scanned) -> u64 {
    u64::from(found.matches) << 32 | u64::from(found.first)
}

/// What a launch says of its item.
const fn of_launch(kernel: u64, args: u64) -> WorkItem {
    WorkItem {
        offset: args as u32,
        length: (args >> 32) as u32,
        rule_set: kernel as u32,
        correlation: 0,
    }
}

fn rest(backoff: &Backoff, moved: bool) {
    match moved {
        true => backoff.reset(),
        false => backoff.snooze(),
    }
}

/// Submits items as there is room.
struct Feed<'j> {
    job: &'j Job<'j>,
    shape: Shape,
    next: u32,
}

impl<'j> Feed<'j> {
    const fn new(job: &'j Job<'j>, shape: Shape) -> Self {
        let next = 0;
        Self { job, shape, next }
    }

    /// Up to [`BUDGET`] items; whether any.
    fn some(&mut self, scheduler: &Scheduler<'_>, submitter: &mut Submitter<'_>) -> bool {
        let first = self.next;
        let end = (first + BUDGET).min(self.job.items);
        while self.next < end {
            let item = self.job.item(self.next);
            let spec = TaskSpec {
                kernel: item.rule_set.into(),
                args: u64::from(item.length) << 32 | u64::from(item.offset),
                ..TaskSpec::new(TaskId::new(0, self.next), self.shape)
            };
            match submitter.submit(scheduler, &NoProbe, &spec, &[]) {
                Ok(_) => self.next += 1,
                Err(error) => {
                    assert!(error.is_temporary(), "{error}");
                    break;
                }
            }
        }
        self.next > first
    }
}

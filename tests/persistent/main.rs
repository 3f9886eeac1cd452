//! Persistent workers on real threads: items through the runtime's threads, a worker that dies with
//! one in hand, and an end that waits for what is in flight.
#![cfg(not(any(loom, shuttle)))]

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use finbox_mailbox::work::NoWork;
use finbox_runtime::persistent::{Group, GroupWorker, Said, Unable, WorkerWatch};
use finbox_runtime::threads::{self, Running, Unit};
use finbox_runtime::wait::{StopFlag, Waited, Watch};
use finbox_runtime::{Arena, Config, ledger};
use finbox_scheduler::target::A2A3;
use finbox_scheduler::{Chip, NoProbe, Scheduler, Shape, SlotId, Submitter, TaskId, TaskSpec};
use finbox_tests::model_port::{Lines, ModelPort};

const ITEMS: u32 = 300;
const ITEM_BYTES: u32 = 64;
const WORKERS: u32 = 3;

/// A small chip, and a ring of two items.
fn config(work_slots: u32, workers: u32) -> Config {
    Config {
        chip: Chip {
            target: &A2A3,
            cores: 3,
            host_lanes: 0,
            handlers: 1,
        },
        task_slots: 16,
        mailbox_slots: 4,
        work_slots,
        workers,
        ..Config::of(&A2A3)
    }
}

fn name(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("names begin at 1")
}

/// Bytes of the input, and how often each item was done, and to what result.
struct Desk {
    input: Vec<u8>,
    runs: Vec<AtomicU32>,
    sums: Vec<AtomicU32>,
    has_died: AtomicBool,
}

impl Desk {
    fn new() -> Self {
        let counters = || (0..ITEMS).map(|_| AtomicU32::new(0)).collect();
        let input = (0..ITEMS * ITEM_BYTES).map(|at| (at % 251) as u8).collect();
        Self {
            input,
            runs: counters(),
            sums: counters(),
            has_died: AtomicBool::new(false),
        }
    }

    fn sum(&self, item: usize) -> u32 {
        let size = ITEM_BYTES as usize;
        let bytes = &self.input[item * size..][..size];
        bytes.iter().copied().map(u32::from).sum()
    }

    /// What a worker does until it is told to go, or has `lives` items no more. One that does not
    /// die begins when another has died: or it would do all there is before that.
    fn serve(
        &self,
        (running, scheduler): (&Running, &Scheduler<'_>),
        worker: &mut GroupWorker<'_>,
        lives: u32,
    ) {
        while lives == u32::MAX && !self.has_died.load(Relaxed) {
            thread::yield_now();
        }
        let mut left = lives;
        loop {
            match worker.poll() {
                Err(NoWork::Closed) => return,
                Err(_) => thread::yield_now(),
                Ok(work) => {
                    let item = (work.item.offset / ITEM_BYTES) as usize;
                    assert_eq!((work.item.length, work.item.rule_set), (ITEM_BYTES, 9));
                    if left == 0 {
                        self.has_died.store(true, Relaxed);
                        return;
                    }
                    left -= 1;
                    self.runs[item].fetch_add(1, Relaxed);
                    self.sums[item].store(self.sum(item), Relaxed);
                    while worker.say(scheduler, 0) == Said::Full {
                        thread::yield_now();
                    }
                    running.wake_dispatch();
                }
            }
        }
    }
}

/// Submits every item, each tenth behind the one before.
fn submit(
    (running, scheduler): (&Running, &Scheduler<'_>),
    submitter: &mut Submitter<'_>,
    mut help: impl FnMut(),
) {
    let mut last: Option<SlotId> = None;
    for item in 0..ITEMS {
        let spec = TaskSpec {
            kernel: 9,
            args: u64::from(ITEM_BYTES) << 32 | u64::from(item * ITEM_BYTES),
            ..TaskSpec::new(TaskId::new(0, item), Shape::Work)
        };
        let after: Vec<_> = last.filter(|_| item % 10 == 0).into_iter().collect();
        last = Some(loop {
            match submitter.submit(scheduler, &NoProbe, &spec, &after) {
                Ok(slot) => break slot,
                Err(error) => assert!(error.is_temporary(), "{error}"),
            }
            help();
            thread::yield_now();
        });
        running.wake_dispatch();
    }
}

/// Waits until `done` says so, or a minute long nothing moved.
fn wait(running: &Running, mut done: impl FnMut() -> bool) {
    let watch = Watch {
        stop: running.stop_flag(),
        patience: Duration::from_secs(60),
    };
    let waited = watch.wait_for(|| (done().then_some(()), running.signs_of_life()));
    assert_eq!(waited, Waited::Done(()));
}

#[test]
fn a_worker_that_dies_loses_no_item_and_the_end_waits_for_all_of_them() {
    let config = config(2, WORKERS);
    let mut arena = Arena::new(config).expect("a small one");
    let mut assembly = arena.assemble();
    let model = ModelPort::new(&config.chip, Lines::of(&config.chip), 1);
    let handlers = vec![assembly.handler()];
    let mut group = Group::open(&assembly.scheduler).expect("there is a ring");
    let mut units = [Unit {
        scheduler: assembly.scheduler,
        port: &model,
        probe: NoProbe,
        handlers,
        dispatcher: assembly.dispatcher,
    }];
    let (mut submitter, desk) = (assembly.submitter, Desk::new());
    threads::run(&mut units, |running, schedulers| {
        let it = (running, schedulers[0]);
        thread::scope(|scope| {
            let mut dying = group.enter(name(1)).expect("three lines are free");
            let dead = scope.spawn(|| {
                desk.serve(it, &mut dying, 20);
                drop(dying);
            });
            for number in 2..=WORKERS {
                let mut worker = group.enter(name(number)).expect("a line is free");
                let desk = &desk;
                scope.spawn(move || desk.serve(it, &mut worker, u32::MAX));
            }
            assert_eq!(group.enter(name(9)).map(drop), Err(Unable::NoWorkerLine));
            let mut is_told = false;
            let mut tell = |group: &mut Group<'_>| {
                if dead.is_finished() && !is_told {
                    is_told = group.lose(it.1, name(1), true) == Said::Sent;
                    running.wake_dispatch();
                }
                is_told
            };
            submit(it, &mut submitter, || {
                tell(&mut group);
            });
            wait(running, || {
                tell(&mut group) && running.finished() == ITEMS.into()
            });
            assert!(!group.is_over());
            let watch = Watch {
                stop: running.stop_flag(),
                patience: Duration::from_secs(60),
            };
            assert_eq!(group.close(&watch), Waited::Done(()));
            assert!(group.is_over());
        });
    })
    .expect("two threads can be started");
    let mut sum = ledger(&units);
    sum.merge(submitter.ledger());
    sum.merge(&group.ledger());
    assert!(sum.adds_up(0, 0), "{sum:?}");
    assert_eq!(
        (sum.worked, sum.failed, sum.work_again),
        (ITEMS.into(), 0, 1)
    );
    assert_eq!(
        (sum.work_out(), sum.work_offered),
        (0, u64::from(ITEMS) + 1)
    );
    for item in 0..ITEMS as usize {
        assert_eq!(desk.runs[item].load(Relaxed), 1, "item {item}");
        assert_eq!(desk.sums[item].load(Relaxed), desk.sum(item));
    }
}

#[test]
fn a_close_without_patience_left_says_that_items_are_in_flight() {
    let config = config(2, 1);
    let mut arena = Arena::new(config).expect("a small one");
    let assembly = arena.assemble();
    let mut group = Group::open(&assembly.scheduler).expect("there is a ring");
    let worker = group.enter(name(1)).expect("a line is free");
    let stop = StopFlag::default();
    let watch = Watch {
        stop: &stop,
        patience: Duration::from_millis(5),
    };
    assert_eq!(group.close(&watch), Waited::NoProgress, "a worker is there");
    drop(worker);
    assert_eq!(group.close(&watch), Waited::Done(()));
}

#[test]
fn a_scheduler_without_ring_or_worker_lines_has_no_group() {
    for (work_slots, workers, why) in [(0, 3, Unable::NoWorkRing), (2, 0, Unable::NoWorkerLine)] {
        let mut arena = Arena::new(config(work_slots, workers)).expect("a small one");
        let assembly = arena.assemble();
        assert_eq!(Group::open(&assembly.scheduler).map(drop), Err(why));
    }
}

#[test]
fn a_watch_says_who_holds_what_for_how_long_and_who_is_gone() {
    let mut arena = Arena::new(config(2, 2)).expect("a small one");
    let assembly = arena.assemble();
    let mut group = Group::open(&assembly.scheduler).expect("there is a ring");
    let ring = group.ring();
    let [mut first, mut other] = [1, 2].map(|number| group.enter(name(number)).expect("two lines"));
    for _ in 0..2 {
        ring.push(Default::default()).expect("there is room");
    }
    let mut watch = WorkerWatch::new(ring);
    let mut look = |now_ns| {
        let mut seen = Vec::new();
        watch.look(now_ns, |age| {
            seen.push((age.name.get(), age.position, age.since_ns, age.is_gone));
        });
        seen
    };
    assert_eq!(look(10), []);
    first.poll().expect("two were pushed");
    assert_eq!(look(20), [(1, 0, 20, false)]);
    other.poll().expect("two were pushed");
    assert_eq!(look(30), [(1, 0, 20, false), (2, 1, 30, false)]);
    drop(first);
    assert_eq!(other.say(&assembly.scheduler, 0), Said::Sent);
    assert_eq!(look(40), [(1, 0, 20, true)]);
    ring.push(Default::default()).expect("there is room");
    other.poll().expect("one was pushed");
    assert_eq!(look(50), [(1, 0, 20, true), (2, 2, 50, false)]);
}

#[test]
fn a_name_is_one_workers_until_it_has_gone_and_what_it_left_was_taken_back() {
    let mut arena = Arena::new(config(2, 3)).expect("a small one");
    let assembly = arena.assemble();
    let mut group = Group::open(&assembly.scheduler).expect("there is a ring");
    let mut first = group.enter(name(1)).expect("three lines are free");
    assert_eq!(group.enter(name(1)).map(drop), Err(Unable::NameTaken));
    group
        .ring()
        .push(Default::default())
        .expect("there is room");
    first.poll().expect("one was pushed");
    drop(first);
    assert_eq!(group.enter(name(1)).map(drop), Err(Unable::NameTaken));
    drop(group.ring().recover(name(1), name(2)));
    assert_eq!(group.enter(name(2)).map(drop), Err(Unable::NameTaken));
    assert!(group.enter(name(1)).is_ok());
}

#[test]
fn what_workers_counted_is_kept_when_they_have_gone() {
    let mut arena = Arena::new(config(2, 1)).expect("a small one");
    let assembly = arena.assemble();
    let mut group = Group::open(&assembly.scheduler).expect("there is a ring");
    for round in 1..=3 {
        group
            .ring()
            .push(Default::default())
            .expect("there is room");
        let mut worker = group.enter(name(1)).expect("the one before has gone");
        worker.poll().expect("one was pushed");
        assert_eq!(worker.say(&assembly.scheduler, 0), Said::Sent);
        assert_eq!(group.ledger().messages_accepted, round);
        drop(worker);
        assert_eq!(group.ledger().messages_accepted, round);
    }
}

#[test]
fn a_full_mailbox_leaves_the_item_in_the_workers_hand() {
    let mut arena = Arena::new(config(2, 1)).expect("a small one");
    let assembly = arena.assemble();
    let mut group = Group::open(&assembly.scheduler).expect("there is a ring");
    let mut worker = group.enter(name(1)).expect("there is a line");
    assert_eq!((worker.in_hand(), worker.tell(0)), (None, Said::Nothing));
    for told in 0..=4 {
        group.ring().push(Default::default()).expect("one is taken");
        let work = worker.poll().expect("one was pushed");
        let is_full = told == 4;
        let said = if is_full { Said::Full } else { Said::Sent };
        assert_eq!(worker.tell(0), said);
        assert_eq!(worker.in_hand(), is_full.then_some(work));
    }
    let ledger = group.ledger();
    assert_eq!((ledger.messages_accepted, ledger.full), (4, 1));
}

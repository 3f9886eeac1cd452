//! The work ring: three producers and three workers, of which one drops with an item in hand, on
//! rings of 2 and 4 slots.

use std::num::NonZeroU32;
use std::sync::Mutex;

use finbox_mailbox::Header;
use finbox_mailbox::work::{NoWork, WorkCell, WorkRing, Worker, WorkerLine, work_ring};
use finbox_tests::arena::{item, number};
use shuttle::thread;

use crate::explore::explore;

const PRODUCERS: u32 = 3;
const EACH: u32 = 2;
const ALL: u32 = PRODUCERS * EACH;

fn name(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("names are not 0")
}

/// Pushes its items, one alone and the rest as a batch, again and again where the ring is full.
fn push(ring: WorkRing<'_>, first: u32) -> Vec<(u64, u32)> {
    let numbers: Vec<u32> = (first..first + EACH).collect();
    let items: Vec<_> = numbers.iter().copied().map(item).collect();
    let mut pushed = Vec::new();
    while pushed.len() < items.len() {
        let positions = match pushed.len() {
            0 => ring
                .push(items[0])
                .map_or(0..0, |position| position..position + 1),
            some => ring.push_batch(&items[some..]),
        };
        let accepted = positions.zip(&numbers[pushed.len()..]);
        let accepted: Vec<_> = accepted
            .map(|(position, number)| (position, *number))
            .collect();
        if accepted.is_empty() {
            thread::yield_now();
        }
        pushed.extend(accepted);
    }
    pushed
}

/// Works until everything was taken by somebody; the first item of worker 1 is left in its hands.
fn work(ring: WorkRing<'_>, mut worker: Worker<'_>, taken: &Mutex<Vec<(u64, u32)>>) {
    loop {
        match worker.claim() {
            Ok(work) => {
                assert!(!ring.is_done(work.position), "it is in hand");
                taken
                    .lock()
                    .unwrap()
                    .push((work.position, number(work.item)));
                if worker.name() == name(1) {
                    return;
                }
                thread::yield_now();
                worker.done(work.position).unwrap();
                assert!(ring.is_done(work.position));
            }
            Err(other @ (NoWork::Holding { .. } | NoWork::Closed)) => panic!("{other}"),
            Err(NoWork::Empty | NoWork::NotYet { .. }) => {
                if taken.lock().unwrap().len() == ALL as usize {
                    return;
                }
                thread::yield_now();
            }
        }
    }
}

/// The items in the order taken.
fn deliver(slots: usize) -> Vec<u32> {
    let mut header = Header::default();
    let mut cells: Vec<_> = (0..slots).map(|_| WorkCell::default()).collect();
    let mut lines: Vec<_> = (0..3).map(|_| WorkerLine::default()).collect();
    let ring = work_ring(&mut header, &mut cells, &mut lines).unwrap();
    let taken = Mutex::new(Vec::new());
    let mut pushed = thread::scope(|scope| {
        let producer = |number: u32| scope.spawn(move || push(ring, number * EACH));
        let producers: Vec<_> = (0..PRODUCERS).map(producer).collect();
        for number in 1..=3 {
            let (worker, taken) = (ring.register(name(number)).unwrap(), &taken);
            scope.spawn(move || work(ring, worker, taken));
        }
        let pushed = producers
            .into_iter()
            .flat_map(|producer| producer.join().unwrap());
        pushed.collect::<Vec<_>>()
    });
    let mut taken = taken.into_inner().unwrap();
    let order = taken.iter().map(|taken| taken.1).collect();
    pushed.sort_unstable();
    taken.sort_unstable();
    assert_eq!(pushed, taken, "each once, where it was pushed");
    // What the worker that went away left is the only item that is not done, if it got one.
    let left: Vec<u64> = (0..u64::from(ALL))
        .filter(|&position| !ring.is_done(position))
        .collect();
    assert_eq!(ring.in_flight(), left.len() as u64);
    match ring.recover(name(1), name(4)) {
        Ok(mut heir) => assert!(heir.done(left[0]).is_ok()),
        Err(_) => assert_eq!(left, []),
    }
    assert!((0..u64::from(ALL)).all(|position| ring.is_done(position)));
    order
}

#[test]
fn three_producers_and_three_workers_lose_nothing_also_when_one_leaves() {
    for slots in [2, 4] {
        explore(&format!("work ring of {slots} slots"), 2_000, move || {
            deliver(slots)
        });
    }
}

//! The work ring: no item lost or given twice, slots reused across a lap, producers and workers
//! that stand between two steps, and is-done against all of it.

use std::num::NonZeroU32;

use finbox_mailbox::work::{NoWork, WorkRing, Worker};
use finbox_tests::arena::{item, number, with_work, worker};
use finbox_tests::outcomes::expect;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, Ordering};
use loom::thread;

/// What a worker got: an item's number, or why it got none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Got {
    Item(u32),
    NotYet,
    Empty,
    Closed,
}
use Got::{Closed, Empty, Item, NotYet};

/// Claims once, and finishes what it got.
fn work(worker: &mut Worker<'static>) -> Got {
    match worker.claim() {
        Ok(work) => {
            let finished = worker.done(work.position).expect("it is in hand");
            assert_eq!(finished.correlation, work.item.correlation);
            Item(number(work.item))
        }
        Err(NoWork::NotYet { .. }) => NotYet,
        Err(NoWork::Empty) => Empty,
        Err(NoWork::Closed) => Closed,
        Err(NoWork::Holding { position }) => panic!("{position} was not finished"),
    }
}

/// Claims until there is nothing.
fn rest(worker: &mut Worker<'static>) -> Vec<u32> {
    let items = std::iter::from_fn(|| match work(worker) {
        Item(number) => Some(number),
        NotYet | Empty | Closed => None,
    });
    items.collect()
}

fn push(ring: &WorkRing<'static>, number: u32) -> bool {
    ring.push(item(number)).is_ok()
}

/// Each of two threads pushes an item, and each of two claims once; whichever way, each item is
/// somebody's, once.
#[test]
fn two_producers_and_two_workers_lose_nothing_and_give_nothing_twice() {
    let expected = [
        (Item(1), Item(2)),
        (Item(2), Item(1)),
        (Item(1), NotYet),
        (Item(2), NotYet),
        (NotYet, Item(1)),
        (NotYet, Item(2)),
        (Item(1), Empty),
        (Item(2), Empty),
        (Empty, Item(2)),
        (NotYet, NotYet),
        (NotYet, Empty),
    ];
    expect("work: two by two", &expected, || {
        with_work(2, 2, |ring| {
            let producer = thread::spawn(move || assert!(push(&ring, 1)));
            let mut other = worker(&ring, 1);
            let others = thread::spawn(move || work(&mut other));
            let mut own = worker(&ring, 2);
            assert!(push(&ring, 2));
            let here = work(&mut own);
            let there = others.join().unwrap();
            producer.join().unwrap();
            let mut all = rest(&mut own);
            for got in [here, there] {
                if let Item(number) = got {
                    all.push(number);
                }
            }
            all.sort_unstable();
            assert_eq!(all, [1, 2], "{here:?} {there:?}");
            (here, there)
        })
    });
}

/// The slot of the first item is written again only after its taker has read it.
#[test]
fn a_slot_is_written_again_only_after_its_taker_has_read_it() {
    let expected = [
        (false, vec![0, 1]),
        (true, vec![0, 1]),
        (true, vec![0, 1, 2]),
    ];
    expect("work: reuse across a lap", &expected, || {
        with_work(2, 1, |ring| {
            assert!(push(&ring, 0) && push(&ring, 1));
            let producer = thread::spawn(move || push(&ring, 2));
            let mut own = worker(&ring, 1);
            let seen = rest(&mut own);
            let is_accepted = producer.join().unwrap();
            let late = rest(&mut own);
            assert_eq!(seen.len() + late.len(), 2 + usize::from(is_accepted));
            (is_accepted, seen)
        })
    });
}

/// Two workers come to the same positions, over a lap; whoever loses goes on.
#[test]
fn two_workers_share_a_ring_of_two_over_a_lap() {
    let expected = [
        (vec![], vec![0, 1, 2]),
        (vec![0], vec![1, 2]),
        (vec![1], vec![0, 2]),
        (vec![2], vec![0, 1]),
        (vec![0, 1], vec![2]),
        (vec![0, 2], vec![1]),
        (vec![1, 2], vec![0]),
        (vec![0, 1, 2], vec![]),
    ];
    expect("work: two workers, a lap", &expected, || {
        with_work(2, 2, |ring| {
            assert!(push(&ring, 0) && push(&ring, 1));
            let mut other = worker(&ring, 1);
            let others = thread::spawn(move || rest(&mut other));
            let mut own = worker(&ring, 2);
            let mut here = Vec::new();
            if let Item(number) = work(&mut own) {
                here.push(number);
            }
            let is_accepted = push(&ring, 2);
            here.extend(rest(&mut own));
            let there = others.join().unwrap();
            here.extend(rest(&mut own));
            if !is_accepted {
                assert!(push(&ring, 2), "both slots are free");
                here.extend(rest(&mut own));
            }
            assert!(here.is_sorted() && there.is_sorted());
            (there, here)
        })
    });
}

/// What was pushed before a claim that is not published flows; behind it nothing does.
#[test]
fn a_producer_between_claim_and_publication_holds_up_what_is_behind_it_alone() {
    let expected = [
        vec![Item(0), Empty],
        vec![Item(0), NotYet],
        vec![Item(0), Item(1), Empty],
    ];
    expect("work: stalled producer", &expected, || {
        with_work(2, 1, |ring| {
            assert!(push(&ring, 0));
            let producer = thread::spawn(move || assert!(push(&ring, 1)));
            let mut own = worker(&ring, 1);
            let mut seen = Vec::new();
            while seen.last().is_none_or(|last| matches!(last, Item(_))) {
                seen.push(work(&mut own));
            }
            producer.join().unwrap();
            let taken = seen.iter().filter(|got| matches!(got, Item(_))).count();
            assert_eq!(taken + rest(&mut own).len(), 2);
            seen
        })
    });
}

/// Room is never denied while there is some: a head that is seen brings the slots that it needed.
#[test]
fn a_work_ring_that_always_had_room_never_says_full() {
    let expected = [
        vec![0, 1, 2, 9],
        vec![0, 1, 9, 2],
        vec![0, 9, 1, 2],
        vec![9, 0, 1, 2],
    ];
    expect("work: never spuriously full", &expected, || {
        with_work(2, 1, |ring| {
            let other = thread::spawn(move || push(&ring, 9));
            let mut own = worker(&ring, 1);
            let mut seen = Vec::new();
            for number in 0..3 {
                assert!(push(&ring, number), "full, though a slot was always free");
                seen.extend(until(&mut own, number));
            }
            assert!(other.join().unwrap(), "full, though a slot was always free");
            seen.extend(rest(&mut own));
            seen
        })
    });
}

/// Claims until item `last` is there.
fn until(worker: &mut Worker<'static>, last: u32) -> Vec<u32> {
    let mut seen = Vec::new();
    while seen.last() != Some(&last) {
        match work(worker) {
            Item(number) => seen.push(number),
            NotYet | Empty | Closed => thread::yield_now(),
        }
    }
    seen
}

/// What a worker does for its items: a word that only the ring's edges carry.
#[derive(Clone, Default)]
struct Deed(Arc<AtomicU64>);

impl Deed {
    fn write(&self) {
        // RELAXED: the ring is to carry it.
        self.0.store(7, Ordering::Relaxed);
    }

    /// Whether `position` is done; then what was done for it is here.
    fn is_done(&self, ring: &WorkRing<'static>, position: u64) -> bool {
        let is_done = ring.is_done(position);
        // RELAXED: as above.
        let seen = self.0.load(Ordering::Relaxed);
        assert!(!is_done || seen == 7, "done before it was done");
        is_done
    }
}

#[test]
fn a_position_that_is_done_brings_what_was_done_for_it_and_stays_done() {
    let expected = [(false, false), (false, true), (true, true)];
    expect("work: claim, done, is done", &expected, || {
        with_work(2, 1, |ring| {
            assert!(push(&ring, 0));
            let (mut other, deed) = (worker(&ring, 1), Deed::default());
            let does = deed.clone();
            let others = thread::spawn(move || {
                let work = other.claim().expect("it was pushed before");
                does.write();
                other.done(work.position).expect("it is in hand");
            });
            let seen = (deed.is_done(&ring, 0), deed.is_done(&ring, 0));
            others.join().unwrap();
            assert!(ring.is_done(0));
            seen
        })
    });
}

/// The line shows the next position already.
#[test]
fn a_position_whose_worker_holds_the_next_brings_what_was_done_for_it() {
    expect("work: done, claim, is done", &[false, true], || {
        with_work(2, 1, |ring| {
            assert!(push(&ring, 0) && push(&ring, 1));
            let (mut other, deed) = (worker(&ring, 1), Deed::default());
            let does = deed.clone();
            let others = thread::spawn(move || {
                let first = other.claim().expect("it was pushed before");
                does.write();
                other.done(first.position).expect("it is in hand");
                let second = other.claim().expect("it was pushed before");
                assert_eq!(second.position, 1);
                other
            });
            let seen = deed.is_done(&ring, 0);
            assert!(!ring.is_done(1));
            drop(others.join().unwrap());
            assert!(ring.is_done(0) && !ring.is_done(1));
            seen
        })
    });
}

/// A worker finishes its item when the slot has long been another's.
#[test]
fn a_position_is_done_when_its_worker_says_so_though_its_slot_was_used_again() {
    expect("work: late done after reuse", &[false, true], || {
        with_work(2, 2, |ring| {
            assert!(push(&ring, 0) && push(&ring, 1));
            let (mut late, mut quick) = (worker(&ring, 1), worker(&ring, 2));
            let deed = Deed::default();
            let does = deed.clone();
            let others = thread::spawn(move || {
                let held = late.claim().expect("it was pushed before");
                assert_eq!(work(&mut quick), Item(1));
                assert!(push(&ring, 2) && push(&ring, 3), "both slots are free");
                does.write();
                late.done(held.position).expect("it is in hand");
            });
            let seen = deed.is_done(&ring, 0);
            others.join().unwrap();
            assert!(ring.is_done(0) && ring.is_done(1) && !ring.is_done(2));
            seen
        })
    });
}

#[test]
fn what_a_dropped_worker_had_in_hand_is_recovered_whole_or_still_its() {
    expect("work: drop, recover", &[None, Some(5)], || {
        with_work(2, 1, |ring| {
            assert!(push(&ring, 5));
            let mut dies = worker(&ring, 1);
            let other = thread::spawn(move || {
                dies.claim().expect("it was pushed before");
            });
            let one = NonZeroU32::MIN;
            let heir = ring.recover(one, one);
            let seen = heir.as_ref().ok().and_then(Worker::in_hand);
            other.join().unwrap();
            let mut heir = heir
                .or_else(|_| ring.recover(one, one))
                .expect("it left one");
            assert_eq!(heir.done(0).map(|done| done.correlation), Ok(8));
            seen.map(|work| number(work.item))
        })
    });
}

/// Whoever hears that the ring is closed has taken what was pushed before.
#[test]
fn a_worker_hears_of_the_end_when_everything_is_taken() {
    let expected = [
        (Item(1), Closed),
        (Item(1), Empty),
        (Empty, Item(1)),
        (NotYet, Item(1)),
        (Empty, Empty),
        (Empty, NotYet),
        (NotYet, NotYet),
    ];
    expect("work: the end", &expected, || {
        with_work(2, 1, |ring| {
            let producer = thread::spawn(move || {
                assert!(push(&ring, 1));
                ring.close();
            });
            let mut own = worker(&ring, 1);
            let seen = (work(&mut own), work(&mut own));
            producer.join().unwrap();
            let is_left = ![seen.0, seen.1].contains(&Item(1));
            assert_eq!(rest(&mut own).len(), usize::from(is_left));
            assert_eq!(work(&mut own), Closed);
            seen
        })
    });
}

/// An item is pushed before the ring is closed, and taken, or refused: never left to nobody.
#[test]
fn a_push_beside_the_end_is_refused_or_taken_by_a_worker_that_stays_to_the_end() {
    expect("work: push against the end", &[false, true], || {
        with_work(2, 1, |ring| {
            let producer = thread::spawn(move || push(&ring, 1));
            let mut own = worker(&ring, 1);
            ring.close();
            let mut taken = false;
            loop {
                match work(&mut own) {
                    Item(_) => taken = true,
                    Closed => break,
                    NotYet | Empty => thread::yield_now(),
                }
            }
            assert_eq!(producer.join().unwrap(), taken);
            taken
        })
    });
}

/// What is withdrawn nobody takes.
#[test]
fn an_item_is_withdrawn_or_taken_and_never_both() {
    expect("work: withdraw, take", &[false, true], || {
        with_work(2, 1, |ring| {
            assert!(push(&ring, 0) && push(&ring, 1));
            ring.close();
            let mut own = worker(&ring, 1);
            let other = thread::spawn(move || work(&mut own) == Item(0));
            let is_withdrawn = ring.withdraw(0);
            assert_ne!(other.join().unwrap(), is_withdrawn);
            assert!(ring.is_done(0));
            is_withdrawn
        })
    });
}

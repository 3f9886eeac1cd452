//! The work ring on real threads. What an edge carries beside the item stands in plain memory here.

use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;

use finbox_mailbox::work::{WorkRing, Worker};
use finbox_tests::arena::{item, number, with_work, worker};

use crate::plain::{Plain, both, join, spin, spin_until};

fn plain() -> Arc<Plain<u64>> {
    Arc::default()
}

fn push(ring: &WorkRing<'static>, number: u32) -> bool {
    ring.push(item(number)).is_ok()
}

/// Waits for an item and finishes it; its number.
fn take(worker: &mut Worker<'static>) -> u32 {
    let work = spin(|| worker.claim().ok());
    worker.done(work.position).expect("it is in hand");
    number(work.item)
}

/// An item, from publication to its worker.
pub(crate) fn publish() {
    with_work(2, 1, |ring| {
        let mut own = worker(&ring, 1);
        let pusher = move || assert!(push(&ring, 7));
        both(pusher, || assert_eq!(take(&mut own), 7));
    });
}

/// A slot, from its taker's read to its next writer.
pub(crate) fn reuse() {
    with_work(2, 1, |ring| {
        assert!(push(&ring, 0) && push(&ring, 1));
        let mut own = worker(&ring, 1);
        let pusher = move || spin_until(|| push(&ring, 2));
        both(pusher, || {
            assert_eq!([take(&mut own), take(&mut own)], [0, 1])
        });
        assert_eq!(take(&mut own), 2);
    });
}

/// Whoever claims behind another knows what that one knew when it claimed.
pub(crate) fn claim_order() {
    with_work(4, 1, |ring| {
        let known = [plain(), plain()];
        let seen = known.clone();
        let claims = move |known: &[Arc<Plain<u64>>; 2], index: usize| {
            known[index].set(1);
            if ring.push(item(3)).expect("there is room for both") == 1 {
                assert_eq!(known[1 - index].get(), 1);
            }
        };
        both(move || claims(&seen, 1), || claims(&known, 0));
    });
}

/// What was done for an item, to whoever finds that it is done.
pub(crate) fn done() {
    with_work(2, 1, |ring| {
        assert!(push(&ring, 0));
        let (deed, mut other) = (plain(), worker(&ring, 1));
        let does = Arc::clone(&deed);
        let works = move || {
            let work = other.claim().expect("it was pushed before");
            does.set(5);
            other.done(work.position).expect("it is in hand");
        };
        both(works, || {
            spin_until(|| ring.is_done(0));
            assert_eq!(deed.get(), 5);
        });
    });
}

/// What was done for an item, to whoever finds its worker with the next in hand.
pub(crate) fn held_next() {
    with_work(2, 1, |ring| {
        assert!(push(&ring, 0) && push(&ring, 1));
        let (deed, mut other) = (plain(), worker(&ring, 1));
        let has_next = Arc::new(AtomicBool::new(false));
        let (does, says) = (Arc::clone(&deed), Arc::clone(&has_next));
        let works = move || {
            let first = other.claim().expect("it was pushed before");
            does.set(5);
            other.done(first.position).expect("it is in hand");
            assert!(other.claim().is_ok());
            says.store(true, Relaxed);
            other
        };
        both(works, || {
            // It orders nothing; only the line does.
            spin_until(|| has_next.load(Relaxed));
            assert!(ring.is_done(0));
            assert_eq!(deed.get(), 5);
        });
    });
}

/// A line, from the worker that left an item on it to the one that recovers it.
pub(crate) fn recover() {
    with_work(2, 1, |ring| {
        assert!(push(&ring, 4));
        let (deed, mut other) = (plain(), worker(&ring, 1));
        let does = Arc::clone(&deed);
        let dies = move || {
            assert!(other.claim().is_ok());
            does.set(2);
        };
        both(dies, || {
            let mut heir = spin(|| ring.recover(NonZeroU32::MIN, NonZeroU32::MIN).ok());
            assert_eq!(deed.get(), 2);
            assert_eq!(heir.done(0).map(|done| done.correlation), Ok(7));
        });
    });
}

/// What each item brings, and how many were not finished yet.
struct News {
    brought: Vec<Plain<u64>>,
    left: AtomicU64,
}

impl News {
    fn push(&self, ring: &WorkRing<'static>, numbers: Range<u32>) {
        for number in numbers {
            self.brought[number as usize].set(9);
            spin_until(|| push(ring, number));
        }
    }

    /// Claims once. Whether everything is finished.
    fn take(&self, own: &mut Worker<'static>) -> bool {
        if let Ok(work) = own.claim() {
            assert_eq!(self.brought[number(work.item) as usize].get(), 9);
            own.done(work.position).expect("it is in hand");
            // It orders nothing; only the ring does.
            self.left.fetch_sub(1, Relaxed);
        }
        self.left.load(Relaxed) == 0
    }
}

/// Two producers and two workers on two slots; what each item brings stands in plain memory.
pub(crate) fn two_by_two() {
    const EACH: u32 = 1_000;
    with_work(2, 2, |ring| {
        let news = Arc::new(News {
            brought: (0..2 * EACH).map(|_| Plain::default()).collect(),
            left: AtomicU64::new(u64::from(2 * EACH)),
        });
        let pushers = [0, EACH].map(|first| {
            let news = Arc::clone(&news);
            thread::spawn(move || news.push(&ring, first..first + EACH))
        });
        let workers = [1, 2].map(|name| {
            let (news, mut own) = (Arc::clone(&news), worker(&ring, name));
            thread::spawn(move || spin_until(|| news.take(&mut own)))
        });
        pushers.into_iter().chain(workers).for_each(join);
    });
}

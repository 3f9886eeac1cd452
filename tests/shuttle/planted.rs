//! Planted bugs: each is found, its schedule saved, and the saved schedule fails again.

use std::sync::Arc;

use finbox_tests::arena::{done, drain, push, with_mailbox};
use shuttle::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use shuttle::thread;

use crate::explore::{must_fail, pct, random};

/// The sleeper looks before it says that it sleeps, so a ring between the two wakes nobody.
#[test]
fn a_sleeper_that_looks_before_it_says_that_it_sleeps_is_found_to_miss_news() {
    must_fail("lost wake-up", (random(10_000), "deadlock"), || {
        with_mailbox(2, 0, |producer, mut consumer| {
            let (asleep, sleeper) = (Arc::new(AtomicBool::new(false)), thread::current());
            let others = Arc::clone(&asleep);
            let ringer = thread::spawn(move || {
                assert!(push(&producer, 1));
                if others.swap(false, SeqCst) {
                    sleeper.unpark();
                }
            });
            while drain(&mut consumer, 1).is_empty() {
                asleep.store(true, SeqCst);
                thread::park();
            }
            ringer.join().unwrap();
        });
    });
}

/// B5: a helper loops until the message it knows to be claimed is there, and never yields. An
/// unfair scheduler lets it, and the claimer never comes to publish.
#[test]
fn b5_a_helping_loop_that_does_not_yield_is_found_to_starve_the_claimer() {
    let model = || {
        with_mailbox(2, 0, |producer, mut consumer| {
            let claimer = thread::spawn(move || {
                let mut claimed = producer.claim(1).expect("there is room");
                claimed.publish(&done(7));
            });
            while drain(&mut consumer, 1).is_empty() {}
            claimer.join().unwrap();
        });
    };
    must_fail(
        "B5 helping loop",
        (pct(10_000), "exceeded max_steps"),
        model,
    );
}

/// A ring of two slots whose consumer does not own its position.
#[derive(Default)]
struct Shared {
    published: [AtomicU64; 2],
    tail: AtomicU64,
}

impl Shared {
    /// B6: nothing keeps a second consumer away between the look and the step.
    fn take(&self) -> Option<u64> {
        let tail = self.tail.load(SeqCst);
        let slot = &self.published[usize::try_from(tail % 2).unwrap()];
        (slot.load(SeqCst) == tail + 1).then(|| {
            self.tail.store(tail + 1, SeqCst);
            tail
        })
    }
}

#[test]
fn b6_two_consumers_are_found_to_take_a_message_twice() {
    must_fail("B6 two consumers", (random(10_000), "taken twice"), || {
        let ring = Arc::new(Shared::default());
        let others = Arc::clone(&ring);
        ring.published[0].store(1, SeqCst);
        let other = thread::spawn(move || others.take());
        let own = ring.take();
        let both = own.is_some() && own == other.join().unwrap();
        assert!(!both, "taken twice");
    });
}

/// B2: the claimer dies in the gap and nobody recovers: the consumer sleeps for ever, for what
/// was published behind the gap too.
#[test]
fn b2_without_recovery_a_claimer_that_dies_in_the_gap_is_found_to_stop_delivery() {
    must_fail("B2 dead claimer", (random(10_000), "deadlock"), || {
        with_mailbox(2, 0, |producer, mut consumer| {
            let sleeper = thread::current();
            let dies = thread::spawn(move || std::mem::forget(producer.claim(1)));
            let lives = thread::spawn(move || {
                assert!(push(&producer, 1));
                sleeper.unpark();
            });
            while drain(&mut consumer, 1).is_empty() {
                thread::park();
            }
            dies.join().unwrap();
            lives.join().unwrap();
        });
    });
}

//! The try-lock that lends the consumer, and the wake token.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use finbox_mailbox::{TryLock, WakeToken};

use crate::fixture::{Memory, done, drain};

#[test]
fn whoever_loses_returns_at_once_and_frees_nothing() {
    let lock = TryLock::new(5);
    let guard = lock.try_lock().unwrap();
    assert!(lock.try_lock().is_none());
    assert!(
        lock.try_lock().is_none(),
        "a loser's return must not unlock"
    );
    assert_eq!(*guard, 5);
    drop(guard);
    assert!(lock.try_lock().is_some());
}

#[test]
fn a_guard_is_given_back_also_by_a_panic() {
    let lock = TryLock::new(0);
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let mut guard = lock.try_lock().unwrap();
        *guard += 1;
        panic!("the holder gives up");
    }));
    assert!(unwound.is_err());
    assert_eq!(lock.try_lock().map(|guard| *guard), Some(1));
}

/// Waits for the lock and adds one to both numbers, which must be equal.
fn count(lock: &TryLock<[u64; 2]>) {
    let mut both = loop {
        match lock.try_lock() {
            Some(guard) => break guard,
            None => thread::yield_now(),
        }
    };
    let [first, second] = *both;
    assert_eq!(first, second);
    *both = [first + 1, second + 1];
}

#[test]
fn holders_are_alone_and_see_what_the_one_before_did() {
    let lock = TryLock::new([0_u64; 2]);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..5_000 {
                    count(&lock);
                }
            });
        }
    });
    assert_eq!(*lock.try_lock().unwrap(), [15_000; 2]);
}

#[test]
fn holding_the_guard_is_the_permission_to_drain() {
    let mut memory = Memory::new(4);
    let (producer, consumer) = memory.ring(0);
    let lock = TryLock::new(consumer);
    producer.push(&done(3)).unwrap();
    let mut guard = lock.try_lock().unwrap();
    assert!(lock.try_lock().is_none());
    assert_eq!(drain(&mut guard, 9, 1), [(0, 3)]);
}

#[test]
fn a_ring_before_the_park_cancels_it_and_after_the_park_wakes() {
    let token = WakeToken::default();
    token.clear();
    assert!(!token.ring(), "nobody sleeps");
    assert!(!token.try_park(), "there was a ring since the clear");
    token.clear();
    assert!(token.try_park());
    assert!(token.ring(), "this ring must unpark");
    assert!(!token.ring(), "only one ring does");
    token.clear();
    assert!(token.try_park());
}

#[test]
fn a_sleeper_that_woke_by_itself_is_rung_once_more_at_most() {
    let token = WakeToken::default();
    token.clear();
    assert!(token.try_park());
    token.clear();
    assert!(!token.ring(), "it is awake: no unpark is owed");
}

#[test]
fn clearing_says_whether_there_was_a_ring() {
    let token = WakeToken::default();
    assert!(!token.clear(), "nobody rang");
    assert!(!token.ring());
    assert!(token.clear());
    assert!(!token.clear(), "a ring is forgotten once");
    assert!(token.try_park());
    assert!(!token.clear(), "a park is no ring");
}

/// Hangs if a wake-up is lost.
#[test]
fn a_sleeping_consumer_hears_of_every_message() {
    const MESSAGES: u64 = 3_000;
    let mut memory = Memory::new(4);
    let (producer, mut consumer) = memory.ring(0);
    let (token, stop) = (WakeToken::default(), AtomicBool::new(false));
    thread::scope(|scope| {
        let sleeper = scope.spawn(|| {
            let mut seen = 0;
            while seen < MESSAGES {
                token.clear();
                let news = drain(&mut consumer, 9, 1).len() as u64;
                seen += news;
                if news == 0 && token.try_park() {
                    thread::park();
                }
            }
            stop.store(true, Ordering::Relaxed);
        });
        for task in 0..MESSAGES {
            while producer.push(&done(task)).is_err() {
                thread::yield_now();
            }
            if token.ring() {
                sleeper.thread().unpark();
            }
        }
    });
    assert!(stop.into_inner());
}

//! The mailbox alone: 8 producers, two would-be consumers that park, rings of 2 and 4 slots.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use finbox_mailbox::{Cell, Header, Producer, TryLock, WakeToken, mailbox};
use finbox_tests::arena::{done, drain};
use shuttle::thread;

use crate::explore::explore;

const PRODUCERS: u64 = 8;
const EACH: u64 = 3;
const ALL: u64 = PRODUCERS * EACH;

/// Sends all messages of `name`, again and again where the ring is full.
fn send(producer: Producer<'_>, name: u64, ring: impl Fn()) {
    let mut sent = 0;
    while sent < EACH {
        let left = u32::try_from(EACH - sent).unwrap();
        let accepted = producer.push_batch(left, |i| done(name * EACH + sent + u64::from(i)));
        sent += u64::from(accepted);
        ring();
        if accepted == 0 {
            thread::yield_now();
        }
    }
}

/// Every producer sends its messages, waiting where the ring is full; the order they arrived in.
fn deliver(slots: usize, start: u64) -> Vec<u64> {
    let mut header = Header::default();
    let mut cells: Vec<_> = (0..slots).map(|_| Cell::default()).collect();
    let (producer, consumer) = mailbox(&mut header, &mut cells, start, 1);
    let lock = TryLock::new(consumer);
    let (token, sleeper) = (WakeToken::default(), thread::current());
    let (seen, count) = (Mutex::new(Vec::new()), AtomicUsize::new(0));
    // Counted under the guard, so that whoever gets it next knows all that was taken before.
    let take = || {
        let Some(mut held) = lock.try_lock() else {
            return false;
        };
        let news = drain(&mut held, 2);
        count.fetch_add(news.len(), Relaxed);
        seen.lock().unwrap().extend(&news);
        !news.is_empty()
    };
    let ring = || {
        if token.ring() {
            sleeper.unpark();
        }
    };
    thread::scope(|scope| {
        for name in 0..PRODUCERS {
            let ring = &ring;
            scope.spawn(move || send(producer, name, ring));
        }
        // The second would-be consumer helps, and rings for what it may have got in the way of.
        scope.spawn(|| {
            for _ in 0..4 {
                take();
                ring();
                thread::yield_now();
            }
        });
        loop {
            token.clear();
            let took = take();
            if count.load(Relaxed) as u64 == ALL {
                break;
            }
            if !took && token.try_park() {
                thread::park();
            }
        }
    });
    seen.into_inner().unwrap()
}

/// Once each, and each producer's in its order.
fn check(seen: &[u64]) {
    let mut next = BTreeMap::new();
    for &message in seen {
        let expected = next.entry(message / EACH).or_insert(0);
        assert_eq!(message % EACH, *expected, "{seen:?}");
        *expected += 1;
    }
    assert_eq!(seen.len() as u64, ALL);
}

#[test]
fn eight_producers_are_heard_once_each_in_their_order() {
    for (slots, start) in [(2, u64::MAX - 5), (4, 0)] {
        explore(&format!("mailbox of {slots} slots"), 2_000, move || {
            let seen = deliver(slots, start);
            check(&seen);
            seen
        });
    }
}

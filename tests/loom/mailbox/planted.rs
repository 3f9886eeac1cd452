//! Planted bugs: small copies of the protocol with one bug each, so that we know that models of
//! this kind find it. Beside each stands the same copy without the bug.

use std::collections::VecDeque;

use finbox_tests::arena::{drain, push, with_mailbox};
use finbox_tests::outcomes::expect;
use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicU64, Ordering};
use loom::sync::{Arc, Mutex};
use loom::thread;

const SLOTS: u64 = 2;

/// The claim loop without payloads.
struct Ring {
    head: AtomicU64,
    tail: AtomicU64,
    published: [AtomicU64; 2],
}

impl Ring {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            head: AtomicU64::new(0),
            tail: AtomicU64::new(0),
            published: [AtomicU64::new(0), AtomicU64::new(0)],
        })
    }

    fn slot(&self, position: u64) -> &AtomicU64 {
        &self.published[usize::try_from(position % SLOTS).expect("two slots")]
    }

    fn push(&self, is_full: fn(u64, u64) -> bool) -> bool {
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            let tail = self.tail.load(Ordering::Acquire);
            if is_full(head, tail) {
                return false;
            }
            let claim =
                self.head
                    .compare_exchange(head, head + 1, Ordering::Release, Ordering::Acquire);
            match claim {
                Ok(_) => break,
                Err(found) => head = found,
            }
        }
        self.slot(head).store(head + 1, Ordering::Release);
        true
    }

    /// Takes one message, if the next one is published.
    fn take(&self) {
        let tail = self.tail.load(Ordering::Relaxed);
        if self.slot(tail).load(Ordering::Acquire) == tail + 1 {
            self.tail.store(tail + 1, Ordering::Release);
        }
    }
}

/// Two messages for two slots: neither can find the ring full. Whether the other one did not.
fn two_messages(is_full: fn(u64, u64) -> bool) -> bool {
    let ring = Ring::new();
    let others = Arc::clone(&ring);
    let other = thread::spawn(move || others.push(is_full));
    assert!(ring.push(is_full), "at most one stands in the ring");
    ring.take();
    other.join().expect("no model panics")
}

/// B1: a head loaded before a tail that has passed it since is far ahead of it, unsigned.
#[test]
fn an_unsigned_depth_from_a_stale_head_is_found_to_call_an_empty_ring_full() {
    expect("B1: unsigned depth", &[false, true], || {
        two_messages(|head, tail| head.wrapping_sub(tail) >= SLOTS)
    });
    expect("B1: signed depth", &[true], || {
        two_messages(|head, tail| head.wrapping_sub(tail) as i64 >= SLOTS as i64)
    });
}

/// A message of the wait list's copy: task × 2, plus 1 for TASK_NORMAL_DONE.
fn is_done(message: u64) -> bool {
    message % 2 == 1
}

/// A list with room for `room` conditions, which it keeps until their task is done, and which
/// leaves a CONDITION that finds no room where it stands. Whether both tasks complete.
fn list_that_stops_before_popping(messages: Vec<u64>, room: usize) -> bool {
    let mut mailbox = VecDeque::from(messages);
    let (mut held, mut completed) = (Vec::new(), 0);
    while let Some(message) = mailbox.front().copied() {
        if is_done(message) {
            held.retain(|condition| condition / 2 != message / 2);
            completed += 1;
        } else if held.len() == room {
            return false;
        } else {
            held.push(message);
        }
        mailbox.pop_front();
    }
    completed == 2
}

/// Two deferred tasks retire on two threads, a CONDITION and a TASK_NORMAL_DONE each.
fn two_deferred_tasks(room: usize) -> bool {
    with_mailbox(4, 0, |producer, mut consumer| {
        let retire = move |task: u64| {
            assert!(push(&producer, task * 2), "there is room for all four");
            assert!(push(&producer, task * 2 + 1), "there is room for all four");
        };
        let other = thread::spawn(move || retire(1));
        retire(2);
        other.join().expect("no model panics");
        list_that_stops_before_popping(drain(&mut consumer, 9), room)
    })
}

/// B9: the TASK_NORMAL_DONE that would make room stands behind the CONDITION that waits for it.
/// With room reserved for all that was dispatched, no CONDITION ever finds none.
#[test]
fn a_list_that_stops_on_overflow_before_popping_is_found_to_wait_for_itself() {
    expect("B9: stops before popping", &[false, true], || {
        two_deferred_tasks(1)
    });
    expect("B9: room reserved for both", &[true], || {
        two_deferred_tasks(2)
    });
}

/// A list behind a lock, and its count in plain memory beside the lock.
struct Counted {
    list: Mutex<Vec<u64>>,
    count: UnsafeCell<usize>,
}

// SAFETY: loom checks every access of `count`; that it finds the race is what the model shows.
unsafe impl Sync for Counted {}
// SAFETY: as above.
unsafe impl Send for Counted {}

/// One thread registers a wait; another asks how many there are. What it was told.
fn asks(count: fn(&Counted) -> usize) -> usize {
    let list = Arc::new(Counted {
        list: Mutex::new(Vec::new()),
        count: UnsafeCell::new(0),
    });
    let other = Arc::clone(&list);
    let registers = thread::spawn(move || {
        let mut held = other.list.lock().expect("no model panics");
        held.push(7);
        // SAFETY: loom fails the model if another thread touches the cell meanwhile.
        other.count.with_mut(|count| unsafe { *count = held.len() });
    });
    let found = count(&list);
    registers.join().expect("no model panics");
    found
}

/// The count, whoever may be writing it.
fn plainly(list: &Counted) -> usize {
    // SAFETY: loom fails the model if another thread writes meanwhile.
    list.count.with(|count| unsafe { *count })
}

/// B7: nothing orders a plain read of the count outside the lock with the writes under it.
#[test]
#[should_panic(expected = "Causality violation")]
fn a_plain_count_read_outside_the_lock_is_found_to_be_a_race() {
    expect("B7: plain count", &[0, 1], || asks(plainly));
}

#[test]
fn a_count_read_under_the_lock_is_none() {
    expect("B7: under the lock", &[0, 1], || {
        asks(|list| {
            let _held = list.list.lock().expect("no model panics");
            plainly(list)
        })
    });
}

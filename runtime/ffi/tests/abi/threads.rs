//! Several threads at one handle.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use finbox::*;

use crate::mailbox::{Mailbox, OK, c, drained, last_error, push_done};

/// Storage at a fixed place, shared as C shares it.
#[derive(Clone, Copy)]
struct Shared(*mut finbox_consumer, *mut finbox_producer);

// SAFETY: the library's own lock is what keeps threads apart; that is what is tested.
unsafe impl Sync for Shared {}
// SAFETY: as above.
unsafe impl Send for Shared {}

impl Shared {
    fn consumer(self) -> *mut finbox_consumer {
        self.0
    }

    fn producer(self) -> *mut finbox_producer {
        self.1
    }
}

#[test]
fn a_handle_that_another_call_uses_says_busy() {
    let mailbox = Mailbox::new(4);
    // As it stands while another thread is inside: the state after FREE.
    c!(&mut *mailbox.consumer()).opaque[0] += 1;
    let mut result = drained();
    let none = std::ptr::null_mut();
    let drain = c!(finbox_consumer_try_drain(
        mailbox.consumer(),
        none,
        0,
        &mut result
    ));
    assert_eq!(drain, finbox_status::Busy);
    assert_eq!(last_error(), "another call uses this consumer");
    assert_eq!(
        c!(finbox_consumer_destroy(mailbox.consumer())),
        finbox_status::Busy
    );
    c!(&mut *mailbox.consumer()).opaque[0] -= 1;
    assert_eq!(mailbox.tasks(), []);
}

const MESSAGES: usize = 4000;

fn drain_all(shared: Shared, seen: &AtomicUsize) -> Vec<u64> {
    let mut tasks = Vec::new();
    while seen.load(Ordering::Relaxed) < MESSAGES {
        let (mut messages, mut result) = ([finbox_message::default(); 7], drained());
        let at = messages.as_mut_ptr();
        match c!(finbox_consumer_try_drain(
            shared.consumer(),
            at,
            7,
            &mut result
        )) {
            finbox_status::Busy => thread::yield_now(),
            status => assert_eq!(status, OK),
        }
        let taken = &messages[..result.taken as usize];
        seen.fetch_add(taken.len(), Ordering::Relaxed);
        tasks.extend(taken.iter().map(|message| message.task));
        if taken.is_empty() {
            thread::yield_now();
        }
    }
    tasks
}

fn push_half(shared: Shared, half: usize) {
    let producer = c!(&*shared.producer());
    for task in (0..MESSAGES).filter(|task| task % 2 == half) {
        while push_done(producer, task as u64) != OK {
            thread::yield_now();
        }
    }
}

#[test]
fn of_drains_at_once_one_wins_and_each_message_arrives_once() {
    let mailbox = Mailbox::new(16);
    let mut producer = mailbox.open(0);
    let shared = Shared(mailbox.consumer(), &mut *producer);
    let (seen, all) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let own = drain_all(shared, &seen);
                for half in 0..2 {
                    let of_one = own.iter().filter(|task| *task % 2 == half);
                    assert!(of_one.is_sorted(), "in the order of each thread");
                }
                all.lock().unwrap().extend(own);
            });
        }
        for half in 0..2 {
            scope.spawn(move || push_half(shared, half));
        }
    });
    let mut all = all.into_inner().unwrap();
    all.sort_unstable();
    assert!(all.into_iter().eq(0..MESSAGES as u64));
}

#[test]
fn each_thread_has_its_own_last_text() {
    assert_eq!(
        c!(finbox_consumer_destroy(std::ptr::null_mut())),
        finbox_status::NullArgument
    );
    let others = thread::spawn(last_error).join().unwrap();
    assert_eq!(
        (others.as_str(), last_error().as_str()),
        ("", "consumer must not be null")
    );
}

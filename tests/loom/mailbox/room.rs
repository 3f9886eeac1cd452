//! Room: a slot is written again only after it was read, and full is full.

use finbox_tests::arena::{done, drain, push, with_mailbox};
use finbox_tests::outcomes::expect;
use loom::thread;

#[test]
fn a_slot_is_written_again_only_after_it_was_read() {
    let expected = [(false, vec![0, 1]), (true, vec![0, 1, 2])];
    expect("reuse across a lap", &expected, || {
        with_mailbox(2, 0, |producer, mut consumer| {
            assert!(push(&producer, 0) && push(&producer, 1));
            let pusher = thread::spawn(move || push(&producer, 2));
            let mut seen = drain(&mut consumer, 2);
            let accepted = pusher.join().unwrap();
            seen.extend(drain(&mut consumer, 2));
            (accepted, seen)
        })
    });
}

/// One producer reads tail and leaves a copy; the other may find its room in the copy alone, and
/// must then know as much about the consumer's reads as the first.
#[test]
fn room_learned_from_another_producers_copy_is_free_to_write() {
    let expected = [
        (false, false, vec![]),
        (false, true, vec![3]),
        (true, false, vec![2]),
        (true, true, vec![2, 3]),
        (true, true, vec![3, 2]),
    ];
    expect("reuse through the tail copy", &expected, || {
        with_mailbox(2, 0, |producer, mut consumer| {
            assert!(push(&producer, 0) && push(&producer, 1));
            let first = thread::spawn(move || push(&producer, 2));
            let second = thread::spawn(move || push(&producer, 3));
            let mut seen = drain(&mut consumer, 2);
            assert_eq!(seen, [0, 1]);
            let accepted = (first.join().unwrap(), second.join().unwrap());
            seen = drain(&mut consumer, 2);
            (accepted.0, accepted.1, seen)
        })
    });
}

/// Three of four slots are ever used beside the single message of the other thread, so that one
/// fits, however stale what its thread sees of head and tail. (A drain that meets its gap returns
/// less, and then less is offered room; the message has its slot by then.)
#[test]
fn a_ring_that_always_had_room_never_says_full() {
    let expected = [
        (3, vec![0, 1, 2, 3, 4, 9]),
        (3, vec![0, 1, 9, 2, 3, 4]),
        (3, vec![0, 9, 1, 2, 3, 4]),
        (3, vec![9, 0, 1, 2, 3, 4]),
        (2, vec![0, 9, 1, 2, 3]),
        (1, vec![9, 0, 1, 2]),
    ];
    expect("never spuriously full", &expected, || {
        with_mailbox(4, 0, |producer, mut consumer| {
            let other = thread::spawn(move || push(&producer, 9));
            assert!(push(&producer, 0) && push(&producer, 1));
            let mut seen = drain(&mut consumer, 2);
            let accepted = producer.push_batch(3, |i| done(2 + u64::from(i)));
            assert!(other.join().unwrap(), "full, though a slot was always free");
            seen.extend(drain(&mut consumer, 9));
            (accepted, seen)
        })
    });
}

#[test]
fn the_third_of_three_racing_messages_is_refused_by_two_slots() {
    let expected = [(1, vec![1, 9]), (1, vec![9, 1]), (2, vec![1, 2])];
    expect("full", &expected, || {
        with_mailbox(2, u64::MAX, |producer, mut consumer| {
            let other = thread::spawn(move || push(&producer, 9));
            let accepted = u32::from(push(&producer, 1)) + u32::from(push(&producer, 2));
            let others = u32::from(other.join().unwrap());
            assert_eq!(accepted + others, 2, "exactly the slots are taken");
            (accepted, drain(&mut consumer, 9))
        })
    });
}

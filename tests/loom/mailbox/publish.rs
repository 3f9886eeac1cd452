//! Publish and take: the payload arrives whole, in order, or not yet.

use finbox_tests::arena::{drain, push, with_mailbox};
use finbox_tests::outcomes::expect;
use loom::thread;

#[test]
fn a_payload_is_whole_or_not_there() {
    let expected = [(vec![], vec![7]), (vec![7], vec![])];
    expect("publish, take", &expected, || {
        with_mailbox(2, u64::MAX, |producer, mut consumer| {
            let pusher = thread::spawn(move || assert!(push(&producer, 7)));
            let early = drain(&mut consumer, 2);
            pusher.join().unwrap();
            (early, drain(&mut consumer, 2))
        })
    });
}

#[test]
fn two_producers_are_heard_in_ticket_order_each_in_its_own() {
    let expected = [vec![1, 2, 3], vec![1, 3, 2], vec![3, 1, 2]];
    expect("two producers, a draining consumer", &expected, || {
        with_mailbox(4, u64::MAX - 1, |producer, mut consumer| {
            let first = thread::spawn(move || assert!(push(&producer, 1) && push(&producer, 2)));
            let second = thread::spawn(move || assert!(push(&producer, 3)));
            let mut seen = drain(&mut consumer, 4);
            first.join().unwrap();
            second.join().unwrap();
            seen.extend(drain(&mut consumer, 4));
            seen
        })
    });
}

#[test]
fn three_producers_beside_a_draining_consumer_are_each_heard_once() {
    let expected = [
        vec![1, 2, 3],
        vec![1, 3, 2],
        vec![2, 1, 3],
        vec![2, 3, 1],
        vec![3, 1, 2],
        vec![3, 2, 1],
    ];
    expect("three producers, a draining consumer", &expected, || {
        with_mailbox(4, u64::MAX, |producer, mut consumer| {
            let threads = [1, 2, 3].map(|task| thread::spawn(move || push(&producer, task)));
            let mut seen = drain(&mut consumer, 4);
            for thread in threads {
                assert!(thread.join().unwrap(), "there is room for all");
            }
            seen.extend(drain(&mut consumer, 4));
            seen
        })
    });
}

//! Batches: what fits, in neighbouring tickets, also when two claim at once.

use finbox_tests::arena::{done, drain, with_mailbox};
use finbox_tests::outcomes::expect;
use loom::thread;

#[test]
fn two_batches_share_four_slots_each_in_one_piece() {
    let expected = [(1, 3, vec![20, 21, 22, 10]), (3, 1, vec![10, 11, 12, 20])];
    expect("two batches", &expected, || {
        with_mailbox(4, u64::MAX - 1, |producer, mut consumer| {
            let other = thread::spawn(move || producer.push_batch(3, |i| done(20 + u64::from(i))));
            let own = producer.push_batch(3, |i| done(10 + u64::from(i)));
            let others = other.join().unwrap();
            (own, others, drain(&mut consumer, 9))
        })
    });
}

#[test]
fn a_batch_beside_a_draining_consumer_takes_what_is_free() {
    let expected = [
        (0, vec![0, 1]),
        (1, vec![0, 1, 10]),
        (2, vec![0, 1, 10, 11]),
    ];
    expect("a batch and a drain", &expected, || {
        with_mailbox(2, 0, |producer, mut consumer| {
            assert_eq!(producer.push_batch(2, |i| done(u64::from(i))), 2);
            let other = thread::spawn(move || producer.push_batch(3, |i| done(10 + u64::from(i))));
            let mut seen = drain(&mut consumer, 2);
            let accepted = other.join().unwrap();
            seen.extend(drain(&mut consumer, 9));
            (accepted, seen)
        })
    });
}

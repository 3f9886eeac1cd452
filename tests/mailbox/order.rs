//! M3: ticket order, the stop at the first gap, and each producer's own order.

use std::thread;

use finbox_mailbox::{Drained, Stop};

use crate::fixture::{Memory, STARTS, done, drain, fill, push_all, tasks};

#[test]
fn tickets_are_consecutive_from_the_start_position_across_laps() {
    for start in STARTS {
        let mut memory = Memory::new(4);
        let (producer, mut consumer) = memory.ring(start);
        let mut next = start;
        for _ in 0..50 {
            fill(&producer, 0);
            for (position, _) in drain(&mut consumer, 3, 1) {
                assert_eq!(position, next);
                next = next.wrapping_add(1);
            }
        }
    }
}

#[test]
fn a_drain_stops_at_its_budget_and_goes_on_where_it_stopped() {
    let mut memory = Memory::new(8);
    let (producer, mut consumer) = memory.ring(0);
    fill(&producer, 0);
    let mut seen = Vec::new();
    for budget in [0, 3, 4] {
        let drained = consumer.drain(budget, |ticket, _| seen.push(ticket.position()));
        let expected = Drained {
            taken: budget,
            stop: Stop::Budget,
        };
        assert_eq!(drained, expected);
    }
    let drained = consumer.drain(9, |ticket, _| seen.push(ticket.position()));
    assert_eq!((drained.taken, drained.stop), (1, Stop::Gap));
    assert_eq!(seen, [0, 1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn a_drain_delivers_what_is_before_a_gap_and_names_its_position() {
    let mut memory = Memory::new(8);
    let (producer, mut consumer) = memory.ring(100);
    producer.push_batch(3, |i| {
        if i == 2 {
            producer.push(&done(50)).unwrap();
            assert_eq!(
                tasks(&mut consumer),
                [0, 1],
                "before the gap, nothing behind it"
            );
            assert_eq!(consumer.gap().unwrap().position, 102);
            assert!(consumer.is_empty_hint());
        }
        done(u64::from(i))
    });
    assert_eq!(tasks(&mut consumer), [2, 50], "the gap closed");
    assert_eq!(consumer.gap(), None);
}

#[test]
fn a_message_pushed_while_draining_is_delivered_by_the_same_drain() {
    let mut memory = Memory::new(2);
    let (producer, mut consumer) = memory.ring(0);
    producer.push(&done(0)).unwrap();
    let mut left = 20;
    let drained = consumer.drain(u32::MAX, |_, _| {
        if left > 0 {
            left -= 1;
            producer.push(&done(1)).unwrap();
        }
    });
    assert_eq!(drained.taken, 21);
}

/// Four real producers through a ring much smaller than their traffic.
#[test]
fn each_producer_is_heard_in_its_own_order_and_nothing_is_lost() {
    const EACH: u64 = 4_000;
    let mut memory = Memory::new(8);
    let (producer, mut consumer) = memory.ring(u64::MAX - 1_000);
    thread::scope(|scope| {
        for name in 0..4 {
            scope.spawn(move || {
                push_all(&producer, (0..EACH).map(|number| name << 32 | number));
            });
        }
        let mut next = [0; 4];
        let mut position = u64::MAX - 1_000;
        while next != [EACH; 4] {
            for (ticket, task) in drain(&mut consumer, 64, 1) {
                assert_eq!(ticket, position);
                position = position.wrapping_add(1);
                let expected = &mut next[usize::try_from(task >> 32).unwrap()];
                assert_eq!(task & 0xFFFF_FFFF, *expected);
                *expected += 1;
            }
            thread::yield_now();
        }
    });
    assert!(consumer.is_empty_hint());
    assert_eq!(consumer.depth_hint(), 0);
}

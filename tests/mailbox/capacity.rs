//! M2: exactly `slots` messages fit, the refused message is still the caller's, nobody waits.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use finbox_mailbox::{Full, Stop};

use crate::fixture::{Memory, STARTS, done, drain, fill, tasks};

#[test]
fn exactly_slots_messages_fit_at_every_size_and_start_position() {
    for slots in (1..=12).map(|bits| 1_u32 << bits) {
        for start in STARTS {
            let mut memory = Memory::new(slots as usize);
            let (producer, mut consumer) = memory.ring(start);
            for lap in 0..3 {
                assert_eq!(fill(&producer, lap * 10_000), u64::from(slots), "lap {lap}");
                assert_eq!(producer.push(&done(9)), Err(Full { slots }.into()));
                let seen = drain(&mut consumer, u32::MAX, 1);
                let first = start.wrapping_add(lap * u64::from(slots));
                let expected =
                    (0..u64::from(slots)).map(|i| (first.wrapping_add(i), lap * 10_000 + i));
                assert!(seen.into_iter().eq(expected), "{slots} slots from {start}");
            }
        }
    }
}

#[test]
fn one_free_slot_takes_one_message_after_any_number_of_laps() {
    let mut memory = Memory::new(4);
    let (producer, mut consumer) = memory.ring(u64::MAX - 500);
    assert_eq!(fill(&producer, 0), 4);
    for task in 4..2_000 {
        assert!(producer.push(&done(task)).is_err());
        assert_eq!(drain(&mut consumer, 1, 1).len(), 1);
        assert_eq!(producer.push(&done(task)), Ok(()));
    }
    assert_eq!(tasks(&mut consumer), [1_996, 1_997, 1_998, 1_999]);
}

#[test]
fn a_full_ring_names_its_size_and_keeps_what_it_holds() {
    let mut memory = Memory::new(2);
    let (producer, mut consumer) = memory.ring(0);
    assert_eq!(fill(&producer, 0), 2);
    let full = producer.push(&done(2)).unwrap_err();
    assert!(full.to_string().contains("2 slots"));
    assert_eq!(tasks(&mut consumer), [0, 1]);
    assert_eq!(producer.push(&done(2)), Ok(()));
    assert_eq!(tasks(&mut consumer), [2]);
}

#[test]
fn racing_producers_fill_a_ring_to_the_last_slot_and_not_beyond() {
    for slots in [2, 4, 64] {
        let mut memory = Memory::new(slots);
        let (producer, mut consumer) = memory.ring(u64::MAX - 1);
        let accepted = AtomicU64::new(0);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    accepted.fetch_add(fill(&producer, 0), Ordering::Relaxed);
                });
            }
        });
        assert_eq!(accepted.into_inner(), slots as u64);
        assert_eq!(tasks(&mut consumer).len(), slots);
    }
}

#[test]
fn a_producer_stopped_between_claim_and_publish_stops_no_other_producer() {
    let mut memory = Memory::new(4);
    let (producer, mut consumer) = memory.ring(0);
    let accepted = producer.push_batch(1, |_| {
        assert_eq!(fill(&producer, 10), 3, "the other slots are free to all");
        let drained = consumer.drain(9, |_, _| ());
        assert_eq!((drained.taken, drained.stop), (0, Stop::Gap));
        done(0)
    });
    assert_eq!(accepted, 1);
    assert_eq!(tasks(&mut consumer), [0, 10, 11, 12]);
}

#[test]
fn depth_counts_what_was_claimed_and_not_taken() {
    let mut memory = Memory::new(4);
    let (producer, mut consumer) = memory.ring(u64::MAX);
    assert_eq!((consumer.depth_hint(), consumer.is_empty_hint()), (0, true));
    fill(&producer, 0);
    assert_eq!(
        (consumer.depth_hint(), consumer.is_empty_hint()),
        (4, false)
    );
    drain(&mut consumer, 3, 1);
    assert_eq!(
        (consumer.depth_hint(), consumer.is_empty_hint()),
        (1, false)
    );
    assert_eq!((producer.slots(), consumer.slots()), (4, 4));
}

#[test]
#[should_panic(expected = "power of two")]
fn a_ring_of_three_slots_is_refused() {
    Memory::new(3).ring(0);
}

#[test]
#[should_panic(expected = "power of two")]
fn a_ring_of_one_slot_is_refused() {
    Memory::new(1).ring(0);
}

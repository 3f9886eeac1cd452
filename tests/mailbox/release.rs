//! When slots come back to the producers: at the stride, at the end of a drain, after a panic.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::fixture::{Memory, done, drain, fill, tasks};

#[test]
fn slots_come_back_every_quarter_ring_and_at_most_every_64_messages() {
    for (slots, stride) in [(2, 1), (4, 1), (8, 2), (64, 16), (256, 64), (1024, 64)] {
        let mut memory = Memory::new(slots);
        let (producer, mut consumer) = memory.ring(u64::MAX - 1);
        fill(&producer, 0);
        let (mut taken, mut returned) = (0, 0);
        consumer.drain(u32::try_from(slots).unwrap(), |_, _| {
            returned += fill(&producer, 0);
            assert_eq!(
                returned,
                taken / stride * stride,
                "{slots} slots, {taken} taken before"
            );
            taken += 1;
        });
        assert_eq!(
            returned + fill(&producer, 0),
            slots as u64,
            "the rest at the end"
        );
    }
}

#[test]
fn a_drain_shorter_than_the_stride_returns_what_it_took() {
    let mut memory = Memory::new(64);
    let (producer, mut consumer) = memory.ring(0);
    fill(&producer, 0);
    for budget in [1, 3, 0, 5] {
        drain(&mut consumer, budget, 1);
        assert_eq!(fill(&producer, 0), u64::from(budget));
    }
}

#[test]
fn a_stride_is_counted_from_what_the_drain_before_returned() {
    let mut memory = Memory::new(64);
    let (producer, mut consumer) = memory.ring(0);
    fill(&producer, 0);
    drain(&mut consumer, 15, 1);
    assert_eq!(fill(&producer, 0), 15);
    let mut taken = 0;
    consumer.drain(16, |_, _| {
        assert_eq!(fill(&producer, 0), 0, "{taken} taken, a stride is 16");
        taken += 1;
    });
    assert_eq!(taken, 16);
}

#[test]
fn a_slot_being_read_is_not_given_back() {
    let mut memory = Memory::new(2);
    let (producer, mut consumer) = memory.ring(0);
    fill(&producer, 0);
    consumer.drain(1, |_, words| {
        let before = *words;
        assert!(producer.push(&done(77)).is_err());
        assert_eq!(*words, before);
    });
}

#[test]
fn a_panic_in_take_returns_the_slots_and_goes_on_behind_its_message() {
    let mut memory = Memory::new(64);
    let (producer, mut consumer) = memory.ring(0);
    fill(&producer, 0);
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        consumer.drain(64, |ticket, _| {
            assert_ne!(ticket.position(), 4, "the fifth is bad")
        });
    }));
    assert!(unwound.is_err());
    assert_eq!(
        fill(&producer, 64),
        5,
        "five were taken, the bad one with them"
    );
    let rest = tasks(&mut consumer);
    assert!(rest.into_iter().eq(5..69));
}

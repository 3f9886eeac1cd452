//! M4: a payload is visible if and only if its slot's sequence says so; nothing is ever zeroed.

use finbox_mailbox::{Line, Malformed, Message, ResetError, place};

use crate::fixture::{Memory, STARTS, done, drain, fill, lines, tasks};

/// Places on `memory`, finds it empty, and passes three laps through it.
fn works_as_new(memory: &mut [Line], slots: u32, start: u64, epoch: u32) {
    let (producer, mut consumer) =
        place(memory, slots, start, epoch).expect("memory of the right size");
    assert_eq!(
        drain(&mut consumer, 10, epoch),
        [],
        "nothing was pushed yet"
    );
    for lap in 0..3 {
        assert_eq!(fill(&producer, lap), u64::from(slots));
        let first = start.wrapping_add(lap * u64::from(slots));
        let expected = (0..u64::from(slots)).map(|i| (first.wrapping_add(i), lap + i));
        assert!(
            drain(&mut consumer, u32::MAX, epoch)
                .into_iter()
                .eq(expected)
        );
        assert_eq!(drain(&mut consumer, 10, epoch), []);
    }
}

#[test]
fn memory_full_of_any_byte_is_an_empty_mailbox() {
    for byte in [0x00, 0xAA, 0xFF, 0x01] {
        for start in STARTS {
            works_as_new(&mut lines(4, byte), 4, start, 1);
        }
    }
}

#[test]
fn random_memory_is_an_empty_mailbox() {
    let mut random = oorandom::Rand32::new(20);
    for _ in 0..100 {
        let mut memory = lines(8, 0);
        for byte in memory.iter_mut().flat_map(|line| &mut line.0) {
            *byte = random.rand_u32().to_le_bytes()[0];
        }
        works_as_new(&mut memory, 8, u64::from(random.rand_u32()), 1);
    }
}

#[test]
fn memory_of_an_old_run_delivers_nothing_of_it() {
    for (old, new) in [
        (0, 0),
        (0, 1),
        (0, 4),
        (4, 0),
        (0, 8),
        (u64::MAX - 3, 0),
        (0, u64::MAX),
    ] {
        for taken in [0, 1, 4] {
            let mut memory = lines(4, 0);
            let (producer, mut consumer) = place(&mut memory, 4, old, 1).unwrap();
            assert_eq!(fill(&producer, 70), 4);
            drain(&mut consumer, taken, 1);
            works_as_new(&mut memory, 4, new, 2);
        }
    }
}

#[test]
fn memory_of_a_larger_or_smaller_ring_delivers_nothing_of_it() {
    let mut memory = lines(16, 0);
    for slots in [16, 2, 8, 4, 16, 2] {
        works_as_new(&mut memory, slots, 0, slots);
    }
}

#[test]
fn placing_writes_no_payload_byte() {
    let mut memory = lines(8, 0xAA);
    place(&mut memory, 8, 3, 1).unwrap();
    for slot in &memory[2..] {
        assert_eq!(slot.0[8..], [0xAA; 56]);
    }
}

#[test]
fn a_slot_of_an_earlier_lap_is_never_delivered_again() {
    let mut memory = Memory::new(2);
    let (producer, mut consumer) = memory.ring(u64::MAX - 900);
    for task in 0..2_000 {
        producer.push(&done(task)).unwrap();
        assert_eq!(tasks(&mut consumer), [task]);
        assert_eq!(tasks(&mut consumer), []);
    }
}

#[test]
fn a_reset_keeps_positions_and_every_byte_but_the_epoch() {
    let mut memory = lines(4, 0);
    let (producer, mut consumer) = place(&mut memory, 4, 0, 1).unwrap();
    assert_eq!(fill(&producer, 0), 4);
    drain(&mut consumer, 9, 1);
    let before = {
        assert_eq!((consumer.epoch(), producer.epoch()), (1, 1));
        let next = consumer.reset(7).unwrap();
        assert_eq!((consumer.epoch(), next.epoch()), (7, 7));
        assert_eq!(
            drain(&mut consumer, 9, 7),
            [],
            "the old run's slots are silent"
        );
        next.push(&done(5)).unwrap();
        assert_eq!(drain(&mut consumer, 9, 7), [(4, 5)]);
        memory.clone()
    };
    let untouched = before[3..].iter().map(|slot| slot.0[0]).collect::<Vec<_>>();
    assert_eq!(
        untouched,
        [2, 3, 4],
        "sequences of the old run still stand there"
    );
}

#[test]
fn a_reset_is_refused_while_messages_are_owed() {
    let mut memory = Memory::new(4);
    let (producer, mut consumer) = memory.ring(u64::MAX - 1);
    fill(&producer, 0);
    assert_eq!(
        consumer.reset(2).unwrap_err(),
        ResetError::Undrained { left: 4 }
    );
    drain(&mut consumer, 3, 1);
    let refused = consumer.reset(2).unwrap_err();
    assert_eq!(refused, ResetError::Undrained { left: 1 });
    assert!(refused.to_string().starts_with("1 messages"));
    assert_eq!(consumer.epoch(), 1);
    drain(&mut consumer, 3, 1);
    assert!(consumer.reset(2).is_ok());
}

#[test]
fn a_reset_is_refused_while_a_claim_is_unpublished() {
    let mut memory = Memory::new(4);
    let (producer, mut consumer) = memory.ring(0);
    producer.push_batch(1, |_| {
        assert_eq!(
            consumer.reset(2).unwrap_err(),
            ResetError::Undrained { left: 1 }
        );
        done(0)
    });
    assert_eq!(tasks(&mut consumer), [0]);
}

#[test]
fn a_straggler_of_an_old_run_is_told_apart_by_its_epoch() {
    let mut memory = Memory::new(4);
    let (old, mut consumer) = memory.ring(0);
    let new = consumer.reset(2).unwrap();
    old.push(&done(1)).unwrap();
    new.push(&done(2)).unwrap();
    let mut seen = Vec::new();
    consumer.drain(9, |_, words| seen.push(Message::decode(words, 2)));
    let straggler = Malformed::Epoch {
        found: 1,
        current: 2,
    };
    assert_eq!(seen, [Err(straggler), Ok(done(2))]);
}

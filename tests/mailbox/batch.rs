//! M5: a batch claims what fits, at least one, in neighbouring tickets, and leaves no gap.
//!
//! That one compare-exchange takes all of them shows in the tickets: nobody's message ever stands
//! between two of one batch, though others push at any moment.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use finbox_mailbox::{Malformed, Message, SlotBits};

use crate::fixture::{Memory, STARTS, done, drain, fill, tasks};

#[test]
fn a_batch_takes_what_fits_and_says_how_many() {
    for start in STARTS {
        for (held, offered) in [
            (0, 3),
            (0, 4),
            (0, 9),
            (1, 9),
            (3, 2),
            (3, 1),
            (4, 1),
            (4, 64),
        ] {
            let mut memory = Memory::new(4);
            let (producer, mut consumer) = memory.ring(start);
            producer.push_batch(held, |i| done(u64::from(i)));
            let mut built = Vec::new();
            let accepted = producer.push_batch(offered, |i| {
                built.push(i);
                done(100 + u64::from(i))
            });
            assert_eq!(accepted, offered.min(4 - held));
            assert!(
                built.into_iter().eq(0..accepted),
                "only what was accepted is built"
            );
            assert_eq!(tasks(&mut consumer).len(), (held + accepted) as usize);
        }
    }
}

#[test]
fn a_batch_of_nothing_claims_nothing() {
    let mut memory = Memory::new(2);
    let (producer, consumer) = memory.ring(0);
    assert_eq!(
        producer.push_batch(0, |_| unreachable!("nothing to build")),
        0
    );
    assert_eq!(consumer.depth_hint(), 0);
}

#[test]
fn a_ring_of_two_slots_passes_sixty_four_conditions() {
    let mut memory = Memory::new(2);
    let (producer, mut consumer) = memory.ring(u64::MAX - 9);
    let (mut sent, mut seen) = (0, Vec::new());
    while sent < 64 {
        let accepted = producer.push_batch(64 - sent, |i| done(u64::from(sent + i)));
        assert_eq!(accepted, 2.min(64 - sent));
        sent += accepted;
        seen.extend(tasks(&mut consumer));
    }
    assert!(seen.into_iter().eq(0..64));
}

#[test]
fn a_push_made_while_a_batch_is_built_lands_behind_the_whole_batch() {
    let mut memory = Memory::new(8);
    let (producer, mut consumer) = memory.ring(0);
    producer.push_batch(3, |i| {
        producer.push(&done(100 + u64::from(i))).unwrap();
        done(u64::from(i))
    });
    assert_eq!(tasks(&mut consumer), [0, 1, 2, 100, 101, 102]);
}

/// Messages carry (producer, batch, index, size); whoever reads them in order must find each
/// batch in one piece, starting at 0.
#[test]
fn no_message_of_another_producer_stands_inside_a_batch() {
    const BATCHES: u64 = 1_500;
    let mut memory = Memory::new(16);
    let (producer, mut consumer) = memory.ring(u64::MAX - 2_000);
    thread::scope(|scope| {
        let workers = [1_u64, 2, 3].map(|name| {
            scope.spawn(move || {
                let mut random = oorandom::Rand32::new(name);
                let mut pushed = 0;
                for batch in 0..BATCHES {
                    let size = random.rand_range(1..9);
                    let named = name << 48 | batch << 16;
                    pushed += producer.push_batch(size, |i| done(named | u64::from(i)));
                    thread::yield_now();
                }
                u64::from(pushed)
            })
        });
        let mut seen = Vec::new();
        while !workers.iter().all(thread::ScopedJoinHandle::is_finished) {
            seen.extend(tasks(&mut consumer));
            thread::yield_now();
        }
        seen.extend(tasks(&mut consumer));
        let pushed: u64 = workers.map(|worker| worker.join().unwrap()).iter().sum();
        assert_eq!(seen.len() as u64, pushed);
        for pair in seen.windows(2) {
            let same_batch = pair[0] >> 16 == pair[1] >> 16;
            let expected = if same_batch {
                (pair[0] & 0xFFFF) + 1
            } else {
                0
            };
            assert_eq!(pair[1] & 0xFFFF, expected, "{pair:x?}");
        }
    });
}

#[test]
fn a_panic_while_building_leaves_void_messages_and_no_gap() {
    let mut memory = Memory::new(8);
    let (producer, mut consumer) = memory.ring(0);
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        producer.push_batch(5, |i| {
            assert!(i < 2, "the third message cannot be built");
            done(u64::from(i))
        })
    }));
    assert!(unwound.is_err());
    producer.push(&done(9)).unwrap();
    let mut seen = Vec::new();
    consumer.drain(9, |_, words| {
        seen.push(Message::decode(words, 1));
        if seen.len() == 3 {
            assert_eq!(
                SlotBits::of_refused(words),
                SlotBits(u64::MAX),
                "a void names no slot"
            );
        }
    });
    let void = Err(Malformed::Kind(u32::MAX));
    assert_eq!(
        seen,
        [Ok(done(0)), Ok(done(1)), void, void, void, Ok(done(9))]
    );
    assert_eq!(consumer.gap(), None);
}

#[test]
fn room_freed_while_a_batch_waits_is_used_to_the_last_slot() {
    let mut memory = Memory::new(4);
    let (producer, mut consumer) = memory.ring(0);
    fill(&producer, 0);
    drain(&mut consumer, 3, 1);
    assert_eq!(producer.push_batch(64, |i| done(u64::from(i))), 3);
    assert_eq!(producer.push_batch(64, |_| done(0)), 0);
}

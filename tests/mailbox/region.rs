//! A mailbox in memory that somebody else gave: what is refused, and what shared memory may hold.

use std::mem;
use std::num::NonZeroU32;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::thread;

use finbox_mailbox::{
    AttachError, Consumer, Line, MAGIC, Malformed, Message, NoLine, Occupant, Occupied, PlaceError,
    Producer, PushError, ResetError, Salvage, Sharing, Stop, VERSION, attach_shared, place,
    place_occupied, place_shared, region_lines,
};

use crate::fixture::{done, drain, fill, lines, push_all, task_of, tasks};

/// Memory that only raw pointers touch while mailboxes stand in it.
struct Shared {
    lines: Vec<Line>,
}

impl Shared {
    fn new(slots: u32) -> Self {
        Self {
            lines: lines(slots, 0xAA),
        }
    }

    /// With `claimers` lines behind the slots.
    fn with_claimers(slots: u32, claimers: usize) -> Self {
        let mut shared = Self::new(slots);
        let longer = shared.lines.len() + claimers;
        shared.lines.resize(longer, Line([0xAA; 64]));
        shared
    }

    fn base(&mut self) -> NonNull<Line> {
        NonNull::from(self.lines.as_mut_slice()).cast()
    }

    /// Places a mailbox in epoch 1 at position 0. The caller keeps `self` alive and at rest.
    fn place<'m>(&mut self, slots: u32) -> Result<(Producer<'m>, Consumer<'m>), PlaceError> {
        let count = self.lines.len();
        // SAFETY: the vector outlives the handles in every test, and nobody borrows its lines.
        unsafe { place_shared(self.base(), count, slots, 0, 1) }
    }

    fn attach<'m>(&mut self, count: usize) -> Result<Producer<'m>, AttachError> {
        // SAFETY: as in `place`; `count` never exceeds the vector's.
        unsafe { attach_shared(self.base(), count) }
    }

    /// Places a mailbox as `name`, instead of another if it is not 0, and says who refuses it.
    fn occupy<'m>(&mut self, name: u32, instead_of: u32) -> Result<Occupied<'m>, PlaceError> {
        let (sharing, count) = (Sharing::Shared, self.lines.len());
        let occupant = Occupant {
            name: NonZeroU32::new(name).unwrap_or(NonZeroU32::MAX),
            instead_of: NonZeroU32::new(instead_of),
        };
        // SAFETY: as in `place`; the consumer is dropped before another is made.
        let placed = unsafe { place_occupied(self.base(), count, 4, sharing, (0, 1), occupant) };
        placed.map(|(_, _, occupied)| occupied)
    }

    /// What a hostile process can do: write any word at any time.
    fn write(&mut self, offset: usize, value: u64) {
        // SAFETY: `offset` lies inside the region.
        let word = unsafe { self.base().cast::<u64>().byte_add(offset) };
        // SAFETY: aligned, live, and everybody uses atomics on it.
        unsafe { AtomicU64::from_ptr(word.as_ptr()) }.store(value, Ordering::Relaxed);
    }

    fn write_half(&mut self, offset: usize, value: u32) {
        // SAFETY: `offset` lies inside the region.
        let word = unsafe { self.base().cast::<u32>().byte_add(offset) };
        // SAFETY: aligned, live, and everybody uses atomics on it.
        unsafe { AtomicU32::from_ptr(word.as_ptr()) }.store(value, Ordering::Relaxed);
    }
}

#[test]
fn a_capacity_that_is_no_power_of_two_of_at_least_two_is_refused() {
    for slots in [0, 1, 3, 6, 4095] {
        let refused = place(&mut lines(4096, 0), slots, 0, 1).unwrap_err();
        assert_eq!(refused, PlaceError::Slots { slots });
        assert!(refused.to_string().starts_with(&slots.to_string()));
    }
}

#[test]
fn memory_too_small_is_refused_with_the_numbers_and_untouched() {
    let mut memory = lines(4, 0xAA);
    memory.pop();
    let refused = place(&mut memory, 4, 0, 1).unwrap_err();
    let expected = PlaceError::TooSmall {
        slots: 4,
        needed: region_lines(4),
        found: 5,
    };
    assert_eq!(refused, expected);
    assert!(memory.iter().all(|line| line.0 == [0xAA; 64]));
    assert!(place(&mut [], 2, 0, 1).is_err());
}

#[test]
fn memory_off_a_line_boundary_is_refused_by_place_and_attach() {
    let mut shared = Shared::new(4);
    // SAFETY: inside the vector.
    let base = unsafe { shared.base().byte_add(8) };
    let address = base.addr().get();
    // SAFETY: five lines from there lie inside the vector.
    let refused = unsafe { place_shared(base, 5, 2, 0, 1) }.unwrap_err();
    assert_eq!(refused, PlaceError::Unaligned { address });
    // SAFETY: as above.
    let refused = unsafe { attach_shared(base, 5) }.unwrap_err();
    assert_eq!(refused, AttachError::Memory { address, lines: 5 });
}

#[test]
fn attach_refuses_what_is_no_mailbox_and_says_why() {
    let mut shared = Shared::new(4);
    let found = u64::from_ne_bytes([0xAA; 8]);
    assert_eq!(shared.attach(6).unwrap_err(), AttachError::Magic { found });
    let _handles = shared.place(4).unwrap();
    let address = shared.base().addr().get();
    assert_eq!(
        shared.attach(1).unwrap_err(),
        AttachError::Memory { address, lines: 1 }
    );
    for lines in [2, 5] {
        let refused = shared.attach(lines).unwrap_err();
        assert_eq!(refused, AttachError::Slots { slots: 4, lines });
    }
    assert!(shared.attach(6).is_ok());

    shared.write_half(24, 9);
    let version = AttachError::Version {
        found: 9,
        known: VERSION,
    };
    assert_eq!(shared.attach(6).unwrap_err(), version);
    shared.write_half(24, VERSION);
    for slots in [0, 1, 3, 8, u32::MAX, 1 << 31] {
        shared.write_half(28, slots);
        assert_eq!(
            shared.attach(6).unwrap_err(),
            AttachError::Slots { slots, lines: 6 }
        );
    }
    shared.write_half(28, 4);
    shared.write(16, MAGIC.swap_bytes());
    assert!(matches!(shared.attach(6), Err(AttachError::Magic { .. })));
}

#[test]
fn attached_producers_and_the_placing_process_share_one_ring() {
    let mut shared = Shared::new(4);
    let (own, mut consumer) = shared.place(4).unwrap();
    let (first, second) = (shared.attach(6).unwrap(), shared.attach(6).unwrap());
    assert_eq!((first.slots(), first.epoch()), (4, 1));
    for (task, producer) in (0..).zip([&own, &first, &second, &first]) {
        producer.push(&done(task)).unwrap();
    }
    assert!(second.push(&done(4)).is_err());
    assert_eq!(tasks(&mut consumer), [0, 1, 2, 3]);
    consumer.reset(2).unwrap();
    assert_eq!(
        shared.attach(6).unwrap().epoch(),
        2,
        "who comes later joins the new run"
    );
}

#[test]
fn threads_through_shared_memory_lose_nothing() {
    const EACH: u64 = 2_000;
    let mut shared = Shared::new(4);
    let (_, mut consumer) = shared.place(4).unwrap();
    let producers = [1, 2].map(|name| (name, shared.attach(6).unwrap()));
    thread::scope(|scope| {
        for (name, producer) in producers {
            scope.spawn(move || {
                push_all(&producer, (0..EACH).map(|number| name << 32 | number));
            });
        }
        let mut next = [0; 3];
        while next != [0, EACH, EACH] {
            for task in tasks(&mut consumer) {
                let expected = &mut next[usize::try_from(task >> 32).unwrap()];
                assert_eq!(task & 0xFFFF_FFFF, *expected);
                *expected += 1;
            }
            thread::yield_now();
        }
    });
}

#[test]
fn a_head_where_no_claim_can_have_brought_it_condemns_the_mailbox() {
    for head in [7, 1, u64::MAX, 1 << 63] {
        let mut shared = Shared::new(4);
        let (producer, mut consumer) = shared.place(4).unwrap();
        assert_eq!(fill(&producer, 0), 4);
        drain(&mut consumer, 2, 1);
        shared.write(0, head);
        let drained = consumer.drain(9, |_, _| panic!("a condemned mailbox delivers nothing"));
        assert_eq!((drained.taken, drained.stop), (0, Stop::Condemned));
        assert!(consumer.depth_hint() <= 4);
        assert_eq!(consumer.reset(9).unwrap_err(), ResetError::Condemned);
        assert_eq!(salvage(&mut consumer), [Some(2), Some(3)], "head {head}");
    }
}

#[test]
fn an_empty_mailbox_that_others_map_is_not_condemned() {
    let mut shared = Shared::new(4);
    let (producer, mut consumer) = shared.place(4).unwrap();
    assert_eq!(consumer.drain(9, |_, _| ()).stop, Stop::Gap);
    assert_eq!(fill(&producer, 0), 4);
    assert_eq!(tasks(&mut consumer), [0, 1, 2, 3]);
    assert_eq!(consumer.drain(9, |_, _| ()).stop, Stop::Gap);
}

#[test]
fn a_single_message_is_recovered_though_head_is_astray() {
    let mut shared = Shared::new(4);
    let (producer, mut consumer) = shared.place(4).unwrap();
    producer.push(&done(7)).unwrap();
    shared.write(0, 1 << 63);
    assert_eq!(salvage(&mut consumer), [Some(7)]);
}

/// What a recovery finds: tasks, and `None` for each position that is missing.
fn salvage(consumer: &mut Consumer<'_>) -> Vec<Option<u64>> {
    let mut found = Vec::new();
    consumer.recover(u32::MAX, |_, salvage| match salvage {
        Salvage::Message(words) => {
            let message = Message::decode(words, 1).expect("an undamaged message");
            found.push(Some(task_of(&message)));
        }
        Salvage::Missing(_) => found.push(None),
    });
    found
}

#[test]
fn a_writer_who_restores_head_does_not_revive_a_condemned_mailbox() {
    let mut shared = Shared::new(4);
    let (producer, mut consumer) = shared.place(4).unwrap();
    assert_eq!(fill(&producer, 0), 4);
    shared.write(0, 7);
    assert_eq!(consumer.drain(9, |_, _| ()).stop, Stop::Condemned);
    shared.write(0, 4);
    assert_eq!(consumer.drain(9, |_, _| ()).stop, Stop::Condemned);
    assert_eq!(salvage(&mut consumer), [0, 1, 2, 3].map(Some));
    shared.write(64, 4);
    assert_eq!(producer.push(&done(9)), Err(PushError::Condemned));
    assert_eq!(shared.attach(6).unwrap_err(), AttachError::Condemned);
    shared.write_half(40, 0);
    assert_eq!(
        consumer.drain(9, |_, _| panic!("it is dead")).stop,
        Stop::Condemned,
        "whatever the header says"
    );
}

#[test]
fn condemned_memory_is_placed_anew_when_every_producer_has_left_or_is_buried() {
    let name = |number| NonZeroU32::new(number).unwrap();
    let mut shared = Shared::with_claimers(4, 2);
    let (_, mut consumer) = shared.place(4).unwrap();
    let leaves = shared.attach(8).unwrap().register(name(5)).unwrap();
    let mut dies = shared.attach(8).unwrap().register(name(6)).unwrap();
    mem::forget(dies.claim(1));
    mem::forget(dies);
    let gap = consumer.gap().unwrap();
    assert_eq!((gap.position, gap.claimers.name), (0, Some(name(6))));
    assert_eq!(salvage(&mut consumer), [None]);
    let refused = shared.place(4).unwrap_err();
    assert_eq!(refused, PlaceError::Attached { name: 5 });
    assert!(refused.to_string().contains("producer 5"));
    drop(leaves);
    assert_eq!(
        shared.place(4).unwrap_err(),
        PlaceError::Attached { name: 6 }
    );
    assert_eq!((consumer.bury(name(9)), consumer.bury(name(6))), (0, 1));
    let (producer, mut consumer) = shared.place(4).unwrap();
    assert_eq!(fill(&producer, 0), 4);
    assert_eq!(tasks(&mut consumer), [0, 1, 2, 3]);
    assert!(shared.attach(8).is_ok());
}

#[test]
fn who_says_that_it_consumes_is_alone_until_it_is_dropped_or_replaced_by_name() {
    let mut shared = Shared::new(4);
    let first = shared.occupy(5, 0).unwrap();
    for instead_of in [0, 6] {
        let refused = shared.occupy(6, instead_of).unwrap_err();
        assert_eq!(refused, PlaceError::Occupied { name: 5 });
        assert!(refused.to_string().contains("consumer 5"));
    }
    let second = shared.occupy(6, 5).unwrap();
    drop(first);
    let refused = shared.occupy(7, 0).unwrap_err();
    assert_eq!(
        refused,
        PlaceError::Occupied { name: 6 },
        "not the first's any more"
    );
    drop(second);
    mem::forget(shared.occupy(7, 0).unwrap());
    assert!(
        shared.place(4).is_ok(),
        "Rust's consumer is one value anyway"
    );
    let third = shared.occupy(8, 0).unwrap();
    shared.write_half(24, 9);
    assert!(
        shared.occupy(9, 0).is_ok(),
        "of another layout: nothing is known of it"
    );
    drop(third);
}

#[test]
fn a_refused_placement_leaves_nobody_behind() {
    let mut shared = Shared::with_claimers(4, 1);
    let (producer, mut consumer) = shared.place(4).unwrap();
    let name = NonZeroU32::new(3).unwrap();
    let attached = producer.register(name).unwrap();
    consumer.condemn();
    for _ in 0..2 {
        let refused = shared.occupy(5, 0).unwrap_err();
        assert_eq!(refused, PlaceError::Attached { name: 3 });
    }
    drop(attached);
    assert!(shared.occupy(6, 0).is_ok());
}

#[test]
fn producers_that_have_not_left_hold_up_only_a_condemned_mailbox_that_others_map() {
    let name = NonZeroU32::new(5).unwrap();
    let mut shared = Shared::with_claimers(4, 1);
    let (producer, _consumer) = shared.place(4).unwrap();
    mem::forget(producer.register(name));
    assert!(shared.place(4).is_ok(), "it was not condemned");

    let mut own = lines(4, 0);
    own.push(Line([0; 64]));
    let (producer, mut consumer) = place(&mut own, 4, 0, 1).unwrap();
    mem::forget(producer.register(name));
    consumer.condemn();
    assert!(place(&mut own, 4, 0, 2).is_ok(), "no other process maps it");
}

#[test]
fn lines_behind_the_slots_are_claim_lines_as_far_as_both_sides_map_them() {
    let mut shared = Shared::with_claimers(4, 70);
    let _handles = shared.place(4).unwrap();
    assert_eq!(
        shared.attach(69).unwrap_err(),
        AttachError::Claimers {
            claimers: 64,
            slots: 4,
            lines: 69
        }
    );
    let producer = shared.attach(70).unwrap();
    let all: Vec<_> = (1..=64)
        .map(|name| producer.register(NonZeroU32::new(name).unwrap()).unwrap())
        .collect();
    let one_more = NonZeroU32::new(65).unwrap();
    assert_eq!(
        producer.register(one_more).unwrap_err(),
        NoLine { lines: 64 }
    );
    drop(all);
    for claimers in [65, 73, u32::MAX] {
        shared.write_half(36, claimers);
        let refused = shared.attach(76).unwrap_err();
        assert!(
            matches!(refused, AttachError::Claimers { claimers: found, .. } if found == claimers)
        );
    }
}

#[test]
fn a_push_survives_any_head_and_tail_that_a_stranger_wrote() {
    let numbers = [
        0,
        1,
        3,
        4,
        5,
        u64::MAX,
        u64::MAX - 3,
        1 << 63,
        (1 << 63) - 1,
    ];
    for (head, tail, copy) in numbers
        .iter()
        .flat_map(|head| numbers.map(|tail| (*head, tail, tail.rotate_left(1))))
    {
        let mut shared = Shared::new(4);
        let (producer, consumer) = shared.place(4).unwrap();
        shared.write(0, head);
        shared.write(8, copy);
        shared.write(64, tail);
        assert!(producer.depth_hint() <= 4 && consumer.depth_hint() <= 4);
        let mut built = 0;
        let accepted = producer.push_batch(9, |_| {
            built += 1;
            done(0)
        });
        assert!(accepted == built && accepted <= 9, "{head} {tail}");
    }
}

#[test]
fn garbage_in_shared_memory_is_copied_and_refused_not_believed() {
    let mut shared = Shared::new(2);
    let (_producer, mut consumer) = shared.place(2).unwrap();
    for word in 1..8 {
        shared.write(128 + 8 * word, u64::MAX);
    }
    shared.write(0, 1);
    shared.write(128, 1);
    let mut seen = Vec::new();
    consumer.drain(9, |_, words| {
        shared.write(128 + 40, 0);
        seen.push(Message::decode(words, 1));
    });
    assert_eq!(
        seen,
        [Err(Malformed::Kind(u32::MAX))],
        "the copy does not change under the reader"
    );
}

#[test]
fn placing_again_takes_the_magic_away_until_the_ring_stands() {
    let mut shared = Shared::new(4);
    shared.place(4).unwrap();
    shared.place(2).unwrap();
    assert_eq!(shared.attach(6).unwrap().slots(), 2);
}

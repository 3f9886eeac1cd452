//! Rows 17 to 29: what the mailbox, and the memory behind it, owe when something goes wrong.
//!
//! Row 21 with a second process stands in `processes`. Row 29's other half, what does not compile,
//! stands as examples at `finbox_mailbox::Consumer`'s module.

use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::{mem, thread};

use finbox_mailbox::{
    Cell, ClaimLine, CompletionType, Condition, Consumer, Done, Engine, Header, Line, Malformed,
    Message, NamedProducer, Producer, PushError, Salvage, SlotBits, Stop, TryLock,
    mailbox_with_lines, place, region_lines,
};
use finbox_sim::device::{Dram, Memory};

const LINES: usize = 4;

/// Memory of a mailbox with a few claim lines.
struct Room {
    header: Header,
    cells: Vec<Cell>,
    lines: Vec<ClaimLine>,
}

impl Room {
    fn new(slots: usize) -> Self {
        Self {
            header: Header::default(),
            cells: std::iter::repeat_with(Cell::default).take(slots).collect(),
            lines: std::iter::repeat_with(ClaimLine::default)
                .take(LINES)
                .collect(),
        }
    }

    /// A mailbox in epoch 1.
    fn mailbox(&mut self, start: u64) -> (Producer<'_>, Consumer<'_>) {
        let (header, cells, lines) = (&mut self.header, &mut self.cells, &mut self.lines);
        mailbox_with_lines(header, cells, lines, start, 1)
    }
}

fn named<'m>(producer: &Producer<'m>, name: u32) -> NamedProducer<'m> {
    let name = NonZeroU32::new(name).expect("a name is not 0");
    producer.register(name).expect("a line is free")
}

fn done(task: u64) -> Message {
    Message::NormalDone(Done {
        task,
        slot: SlotBits(task),
        expected: 0,
    })
}

/// A message all of whose words follow from `task`.
fn woven(task: u64) -> Message {
    let half = u32::try_from(task & 0xFFFF_FFFF).expect("masked");
    Message::Condition(Condition {
        task,
        slot: SlotBits(task.rotate_left(7)),
        addr: !task,
        cookie: task.wrapping_mul(0x9E37_79B9_7F4A_7C15),
        expected: half,
        engine: Engine::Urma,
        completion: CompletionType::Counter,
    })
}

fn task_of(words: &[u64; 7]) -> u64 {
    match Message::decode(words, 1) {
        Ok(Message::NormalDone(Done { task, .. }) | Message::Condition(Condition { task, .. })) => {
            task
        }
        Err(error) => panic!("not what was pushed: {error}"),
    }
}

fn tasks(consumer: &mut Consumer<'_>) -> Vec<u64> {
    let mut seen = Vec::new();
    consumer.drain(u32::MAX, |_, words| seen.push(task_of(words)));
    seen
}

fn wait_until(mut holds: impl FnMut() -> bool) {
    while !holds() {
        thread::yield_now();
    }
}

const BASE: u64 = 0x1000;
const END: u64 = BASE + 256;
const DATA: [u64; 3] = [BASE, BASE + 8, BASE + 192];
const COUNTER: u64 = BASE + 64;
const SEEN: u64 = BASE + 128;

/// The device puts data and then notifies.
fn put_and_notify(dram: &Dram, round: u32) {
    for at in DATA {
        dram.write_bytes(at, &u64::from(round).to_le_bytes());
    }
    dram.fetch_add_u32(COUNTER, 1);
    wait_until(|| dram.load_u32(SEEN) == round);
}

/// The control CPU waits for the notify, looks at the data, and says that it has.
fn await_and_look(memory: &Memory, round: u32) {
    wait_until(|| {
        memory.refresh(COUNTER, 4);
        memory.control_load_u32(COUNTER) >= round
    });
    for at in DATA {
        memory.refresh(at, 8);
        assert_eq!(memory.control_load_u64(at), u64::from(round));
    }
    memory.dram().store_u32(SEEN, round);
}

/// Both views of device memory, over and over: whoever sees the counter reached sees the data.
#[test]
fn f17_a_reached_counter_with_its_payload_not_yet_visible_is_impossible() {
    const ROUNDS: u32 = 20_000;
    for is_coherent in [true, false] {
        let readable = BASE..END;
        let dram = Dram::new(BASE, END - BASE);
        let memory = Memory::new(dram, std::slice::from_ref(&readable), is_coherent);
        thread::scope(|scope| {
            scope.spawn(|| (1..=ROUNDS).for_each(|round| put_and_notify(memory.dram(), round)));
            (1..=ROUNDS).for_each(|round| await_and_look(&memory, round));
        });
    }
}

#[test]
fn f18_a_torn_message_is_impossible() {
    const EACH: u64 = 20_000;
    let mut room = Room::new(4);
    let (producer, mut consumer) = room.mailbox(u64::MAX - 1_000);
    thread::scope(|scope| {
        for name in 1..=3 {
            let mut own = named(&producer, name);
            scope.spawn(move || {
                let tagged = |number| u64::from(name) << 48 | number;
                for number in 0..EACH {
                    wait_until(|| own.push(&woven(tagged(number))).is_ok());
                }
            });
        }
        let mut next = [0; 4];
        while next[1..] != [EACH; 3] {
            consumer.drain(u32::MAX, |_, words| {
                let task = task_of(words);
                assert_eq!(*words, woven(task).encode(1), "all words of one message");
                let expected = &mut next[usize::try_from(task >> 48).unwrap()];
                assert_eq!(task & 0xFFFF_FFFF_FFFF, *expected, "none twice, none lost");
                *expected += 1;
            });
            thread::yield_now();
        }
    });
}

#[test]
fn f19_an_unknown_kind_or_version_is_refused_at_its_position_and_the_next_are_delivered() {
    let good = woven(7).encode(1);
    let with = |index: usize, value: u64| {
        let mut words = good;
        words[index] = value;
        Message::decode(&words, 1)
    };
    assert_eq!(with(4, 9 << 32), Err(Malformed::Kind(9)));
    assert_eq!(with(6, 1 | 2 << 32), Err(Malformed::Reserved(2)));

    let mut room = Room::new(4);
    let (producer, mut consumer) = room.mailbox(u64::MAX);
    producer.push(&done(1)).unwrap();
    drop(producer.claim(1));
    producer.push(&done(3)).unwrap();
    let mut seen = Vec::new();
    consumer.drain(9, |ticket, words| {
        seen.push((ticket.position(), Message::decode(words, 1)));
    });
    let unknown = Err(Malformed::Kind(u32::MAX));
    assert_eq!(
        seen,
        [(u64::MAX, Ok(done(1))), (0, unknown), (1, Ok(done(3)))]
    );
}

#[test]
fn f20_a_panic_while_building_a_message_leaves_no_gap() {
    for named_by in [None, Some(3)] {
        let mut room = Room::new(8);
        let (producer, mut consumer) = room.mailbox(u64::MAX - 2);
        let mut own = named(&producer, named_by.unwrap_or(1));
        let build = |i: u32| {
            assert!(i < 1, "the second message cannot be built");
            done(u64::from(i))
        };
        let unwound = catch_unwind(AssertUnwindSafe(|| match named_by {
            Some(_) => own.push_batch(4, build),
            None => producer.push_batch(4, build),
        }));
        assert!(unwound.is_err());
        own.push(&done(9)).unwrap();
        assert_eq!(consumer.gap(), None);
        let mut decoded = Vec::new();
        let drained = consumer.drain(9, |_, words| {
            decoded.push(Message::decode(words, 1).ok());
        });
        assert_eq!((drained.taken, drained.stop), (5, Stop::Gap));
        let void = None;
        assert_eq!(decoded, [Some(done(0)), void, void, void, Some(done(9))]);
        let mut found = 0;
        consumer.recover(9, |_, _| found += 1);
        assert_eq!(found, 0, "nothing is missing");
    }
}

/// Several die at once, each with part of a batch in hand; the living fill what is left.
#[test]
fn f21_producers_that_die_in_the_gap_are_named_and_everything_behind_them_is_delivered() {
    let mut room = Room::new(64);
    let (producer, mut consumer) = room.mailbox(u64::MAX - 20);
    let died = AtomicU32::new(0);
    let (delivered, missing) = thread::scope(|scope| {
        for name in 1..=3 {
            let (mut own, died) = (named(&producer, name), &died);
            scope.spawn(move || {
                own.push_batch(5, |i| done(u64::from(name) << 32 | u64::from(i)));
                let mut claimed = own.claim(3).expect("there is room");
                claimed.publish(&done(u64::from(name) << 32 | 5));
                mem::forget(claimed);
                mem::forget(own);
                died.fetch_add(1, Ordering::Release);
            });
        }
        wait_until(|| died.load(Ordering::Acquire) == 3);
        let mut living = named(&producer, 4);
        while living.push(&done(4 << 32)).is_ok() {}
        let mut delivered = tasks(&mut consumer);
        let gap = consumer.gap().expect("six are missing");
        assert!(gap.claimers.name.is_some_and(|name| name.get() <= 3));
        let mut missing = Vec::new();
        let recovered = consumer.recover(u32::MAX, |_, salvage| match salvage {
            Salvage::Message(words) => delivered.push(task_of(words)),
            Salvage::Missing(claimers) => missing.push(claimers.name.map(NonZeroU32::get)),
        });
        assert_eq!(recovered.stop, Stop::Condemned);
        assert_eq!(living.push(&done(0)), Err(PushError::Condemned));
        (delivered, missing)
    });
    for name in 1..=3 {
        let own = delivered.iter().filter(|task| *task >> 32 == name);
        assert!(own.map(|task| task & 0xFFFF_FFFF).eq(0..6));
    }
    for name in 1..=3 {
        let own = missing.iter().filter(|missing| **missing == Some(name));
        assert_eq!(own.count(), 2, "{missing:?}");
    }
    assert_eq!(delivered.len() + missing.len(), 64, "nothing else is lost");
}

#[test]
fn f22_a_producer_descheduled_in_the_gap_delays_and_loses_nothing() {
    let mut room = Room::new(8);
    let (producer, mut consumer) = room.mailbox(0);
    let may_go_on = AtomicBool::new(false);
    let mut slow = named(&producer, 3);
    let mut claimed = slow.claim(2).unwrap();
    claimed.publish(&done(0));
    thread::scope(|scope| {
        let may_go_on = &may_go_on;
        scope.spawn(move || {
            wait_until(|| may_go_on.load(Ordering::Acquire));
            claimed.publish(&done(1));
        });
        assert_eq!(tasks(&mut consumer), [0]);
        for task in 2..8 {
            producer.push(&done(task)).unwrap();
            assert_eq!(tasks(&mut consumer), [0_u64; 0], "order is kept");
            assert_eq!(consumer.gap().unwrap().claimers.name, NonZeroU32::new(3));
        }
        producer.push(&done(8)).unwrap();
        assert!(
            matches!(producer.push(&done(9)), Err(PushError::Full(_))),
            "back-pressure reaches the others"
        );
        may_go_on.store(true, Ordering::Release);
        let mut seen = Vec::new();
        while seen.len() < 8 {
            seen.extend(tasks(&mut consumer));
            thread::yield_now();
        }
        assert_eq!(seen, [1, 2, 3, 4, 5, 6, 7, 8]);
    });
    assert!(!consumer.is_condemned());
    producer.push(&done(9)).unwrap();
    assert_eq!(tasks(&mut consumer), [9]);
}

#[test]
fn f23_a_full_mailbox_pushes_back_at_once_and_loses_nothing() {
    const EACH: u64 = 5_000;
    let mut room = Room::new(2);
    let (producer, mut consumer) = room.mailbox(u64::MAX - 77);
    thread::scope(|scope| {
        for name in 1..=3_u64 {
            scope.spawn(move || {
                let mut sent = 0;
                while sent < EACH {
                    let left = u32::try_from(EACH - sent).unwrap();
                    let accepted = producer
                        .push_batch(left.min(5), |i| done(name << 32 | (sent + u64::from(i))));
                    assert!(accepted <= 2);
                    sent += u64::from(accepted);
                    thread::yield_now();
                }
            });
        }
        let mut next = [0; 4];
        while next[1..] != [EACH; 3] {
            for task in tasks(&mut consumer) {
                let expected = &mut next[usize::try_from(task >> 32).unwrap()];
                assert_eq!(task & 0xFFFF_FFFF, *expected);
                *expected += 1;
            }
            thread::yield_now();
        }
    });
}

/// Pushes `count` times `name`, each when the one before was taken: there is always room.
fn push_one_by_one(producer: Producer<'_>, taken: &AtomicU32, (name, count): (u64, u32)) {
    for number in 0..count {
        wait_until(|| taken.load(Ordering::Acquire) == number);
        let pushed = producer.push(&done(name));
        assert_eq!(pushed, Ok(()), "at most two others are in the ring");
    }
}

/// At most three of four slots are ever in use: each of three producers waits for its last message
/// to be taken. Whatever they see of head and tail, none is told that the ring is full.
#[test]
fn f25_a_stale_head_or_tail_never_says_full_below_capacity() {
    const EACH: u32 = 10_000;
    for start in [0, u64::MAX - 5_000] {
        let mut room = Room::new(4);
        let (producer, mut consumer) = room.mailbox(start);
        let taken: [AtomicU32; 3] = Default::default();
        thread::scope(|scope| {
            for (name, taken) in (0..).zip(&taken) {
                scope.spawn(move || push_one_by_one(producer, taken, (name, EACH)));
            }
            let total = |taken: &[AtomicU32; 3]| {
                let all = taken.iter().map(|taken| taken.load(Ordering::Relaxed));
                all.sum::<u32>()
            };
            while total(&taken) < 3 * EACH {
                for task in tasks(&mut consumer) {
                    taken[usize::try_from(task).unwrap()].fetch_add(1, Ordering::Release);
                }
                thread::yield_now();
            }
        });
    }
}

#[test]
fn f26_positions_near_the_end_of_64_bits_work() {
    for before in 0..20 {
        let mut room = Room::new(8);
        let start = u64::MAX - before;
        let (producer, mut consumer) = room.mailbox(start);
        let mut own = named(&producer, 1);
        for lap in 0..5 {
            let accepted = own.push_batch(9, |i| done(lap * 8 + u64::from(i)));
            assert_eq!(accepted, 8);
            assert!(own.push(&done(99)).is_err());
            assert!(tasks(&mut consumer).into_iter().eq(lap * 8..lap * 8 + 8));
        }
        let pushed = u32::try_from(before.min(7)).unwrap();
        own.push_batch(pushed, |i| done(u64::from(i)));
        mem::forget(own.claim(1));
        let mut positions = Vec::new();
        consumer.recover(9, |ticket, salvage| {
            positions.push(ticket.position());
            if let Salvage::Missing(claimers) = salvage {
                assert_eq!(claimers.name, NonZeroU32::new(1));
            }
        });
        let first = start.wrapping_add(40);
        let expected = (0..=before.min(7)).map(|offset| first.wrapping_add(offset));
        assert!(positions.into_iter().eq(expected));
    }
}

#[test]
fn f27_a_mailbox_placed_on_dirty_memory_delivers_nothing_stale() {
    let old_run = |condemned: bool| {
        let mut memory = vec![Line([0xAA; 64]); region_lines(8) + LINES];
        let (producer, mut consumer) = place(&mut memory, 8, 0, 1).unwrap();
        let mut own = named(&producer, 7);
        own.push_batch(6, |i| done(u64::from(i)));
        if condemned {
            mem::forget(own.claim(1));
            consumer.condemn();
        }
        mem::forget(own);
        memory
    };
    let patterns = [0x00, 0xAA, 0xFF].map(|byte| vec![Line([byte; 64]); region_lines(8) + LINES]);
    for dirty in patterns.into_iter().chain([old_run(false), old_run(true)]) {
        for start in [0, 1, 3, 8, u64::MAX - 1] {
            let mut memory = dirty.clone();
            let (producer, mut consumer) = place(&mut memory, 8, start, 1).unwrap();
            assert_eq!(tasks(&mut consumer), [0_u64; 0]);
            assert_eq!((consumer.gap(), consumer.is_condemned()), (None, false));
            let mut all: Vec<_> = (1..=4).map(|name| named(&producer, name)).collect();
            for round in 0..3 {
                assert_eq!(all[0].push_batch(9, |i| done(round * 8 + u64::from(i))), 8);
                assert!(
                    tasks(&mut consumer)
                        .into_iter()
                        .eq(round * 8..round * 8 + 8)
                );
            }
        }
    }
}

#[test]
fn f28_a_straggler_of_the_previous_run_is_told_apart_and_dropped() {
    let mut room = Room::new(8);
    let (old, mut consumer) = room.mailbox(u64::MAX - 1);
    old.push(&done(0)).unwrap();
    assert_eq!(tasks(&mut consumer), [0]);
    let new = consumer.reset(2).unwrap();
    let mut straggler = named(&old, 7);
    straggler.push_batch(2, |_| done(1));
    new.push(&done(2)).unwrap();
    let (mut dropped, mut delivered) = (0, Vec::new());
    consumer.drain(9, |_, words| match Message::decode(words, 2) {
        Ok(message) => delivered.push(message),
        Err(Malformed::Epoch { found, current }) => {
            assert_eq!((found, current), (1, 2));
            dropped += 1;
        }
        Err(error) => panic!("{error}"),
    });
    assert_eq!((dropped, delivered), (2, vec![done(2)]));
}

#[test]
fn f29_of_two_would_be_consumers_one_has_the_consumer_and_the_other_nothing() {
    let mut room = Room::new(2);
    let (producer, consumer) = room.mailbox(0);
    producer.push(&done(4)).unwrap();
    let consumer = TryLock::new(consumer);
    let (held, holders) = (AtomicBool::new(false), AtomicU32::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for guard in (0..5_000).filter_map(|_| consumer.try_lock()) {
                    assert!(!held.swap(true, Ordering::Relaxed), "one at a time");
                    assert_eq!(guard.slots(), 2);
                    held.store(false, Ordering::Relaxed);
                    holders.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    assert!(holders.into_inner() >= 1);
    let mut guard = consumer.try_lock().expect("nobody holds it");
    assert!(consumer.try_lock().is_none());
    assert_eq!(tasks(&mut guard), [4]);
}

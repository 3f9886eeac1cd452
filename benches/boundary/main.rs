//! What the C boundary costs: a push through libfinbox beside the same push in Rust, in one run.
//!
//! `cargo bench -p finbox-benches --bench boundary`, or with `-- ROUNDS FILLS` (41 and 50). One
//! thread fills a mailbox of 4096 messages and drains it, in turns; only the pushes are timed. Both
//! sides push the same TASK_NORMAL_DONE to mailboxes of their own. libfinbox is called as C does
//! it, through function pointers that the compiler cannot see through. A push that is refused ends
//! the run.

use std::hint::black_box;
use std::ptr;
use std::time::{Duration, Instant};

use finbox::{
    FINBOX_PLACE_OWN, finbox_consumer, finbox_consumer_try_drain, finbox_drained,
    finbox_mailbox_place, finbox_message, finbox_place_args, finbox_producer, finbox_producer_open,
    finbox_producer_push_normal_done, finbox_status,
};
use finbox_benches::spread;
use finbox_mailbox::{Cell, Consumer, Done, Header, Message, Producer, SlotBits, mailbox};

const SLOTS: u32 = 4096;

/// What memory is measured in.
#[derive(Clone)]
#[repr(align(64))]
struct Line(#[expect(dead_code, reason = "memory, never looked at as this")] [u8; 64]);

/// How C calls libfinbox's push.
type Push = unsafe extern "C" fn(*mut finbox_producer, u64, u64, u32) -> finbox_status;

/// Both ends of libfinbox's mailbox.
struct Foreign {
    _memory: Vec<Line>,
    consumer: Box<finbox_consumer>,
    producer: Box<finbox_producer>,
    taken: Vec<finbox_message>,
}

impl Foreign {
    fn new() -> Self {
        let lines = finbox_mailbox::region_lines(SLOTS);
        let mut memory = vec![Line([0; 64]); lines];
        let mut consumer = Box::new(finbox_consumer { opaque: [0; 32] });
        let mut producer = Box::new(finbox_producer { opaque: [0; 16] });
        let args = finbox_place_args {
            struct_size: size_of::<finbox_place_args>(),
            next: ptr::null(),
            memory: memory.as_mut_ptr().cast(),
            size_bytes: lines * size_of::<Line>(),
            start: 0,
            slots: SLOTS,
            epoch: 1,
            name: 0,
            instead_of: 0,
            flags: FINBOX_PLACE_OWN,
        };
        // SAFETY: the memory lives as long as the handles, and is nobody else's.
        let placed = unsafe { finbox_mailbox_place(&raw const args, &raw mut *consumer) };
        assert_eq!(placed, finbox_status::Ok);
        let consumer_at = &raw mut *consumer;
        // SAFETY: a consumer, and zeroed storage that stays where it is.
        let opened = unsafe { finbox_producer_open(consumer_at, 0, &raw mut *producer) };
        assert_eq!(opened, finbox_status::Ok);
        Self {
            _memory: memory,
            consumer,
            producer,
            taken: vec![finbox_message::default(); SLOTS as usize],
        }
    }

    fn fill(&mut self) -> Duration {
        let push: Push = black_box(finbox_producer_push_normal_done);
        let producer = &raw mut *self.producer;
        let begin = Instant::now();
        for index in 0..SLOTS {
            // SAFETY: an open producer.
            let pushed = unsafe { push(producer, index.into(), 7, 4) };
            assert_eq!(pushed, finbox_status::Ok);
        }
        begin.elapsed()
    }

    fn drain(&mut self) {
        let mut drained = finbox_drained {
            struct_size: size_of::<finbox_drained>(),
            taken: 0,
            malformed: 0,
            missing: 0,
            stop: 0,
        };
        let (consumer, taken) = (&raw mut *self.consumer, self.taken.as_mut_ptr());
        // SAFETY: an open consumer, and room for so many messages.
        let told = unsafe { finbox_consumer_try_drain(consumer, taken, SLOTS, &raw mut drained) };
        assert_eq!((told, drained.taken), (finbox_status::Ok, SLOTS));
    }
}

fn fill(producer: &Producer<'_>) -> Duration {
    let begin = Instant::now();
    for index in 0..SLOTS {
        let message = Message::NormalDone(Done {
            task: index.into(),
            slot: SlotBits(7),
            expected: 4,
        });
        assert!(black_box(producer).push(&message).is_ok());
    }
    begin.elapsed()
}

fn drain(consumer: &mut Consumer<'_>) {
    let drained = consumer.drain(u32::MAX, |_, words| {
        black_box(words);
    });
    assert_eq!(drained.taken, SLOTS);
}

/// Nanoseconds a push, of so much time in so many fills.
fn ns_a_push(elapsed: Duration, fills: u32) -> f64 {
    elapsed.as_secs_f64() * 1e9 / f64::from(SLOTS) / f64::from(fills)
}

fn main() {
    let numbers: Vec<u32> = std::env::args()
        .filter_map(|word| word.parse().ok())
        .collect();
    let rounds = numbers.first().map_or(41, |&rounds| rounds.max(3));
    let fills = numbers.get(1).map_or(50, |&fills| fills.max(1));
    let mut header = Header::default();
    let mut cells: Vec<Cell> = (0..SLOTS).map(|_| Cell::default()).collect();
    let (producer, mut consumer) = mailbox(&mut header, &mut cells, 0, 1);
    let mut foreign = Foreign::new();
    let (mut rust, mut c, mut more) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let (mut in_rust, mut in_c) = (Duration::ZERO, Duration::ZERO);
        for _ in 0..fills {
            in_rust += fill(&producer);
            drain(&mut consumer);
            in_c += foreign.fill();
            foreign.drain();
        }
        let (in_rust, in_c) = (ns_a_push(in_rust, fills), ns_a_push(in_c, fills));
        rust.push(in_rust);
        c.push(in_c);
        more.push(in_c - in_rust);
    }
    println!("{rounds} rounds of {fills} fills of {SLOTS} messages each; medians");
    println!("push in Rust       {:6.2} ns", spread(&rust).1);
    println!("push through C     {:6.2} ns", spread(&c).1);
    println!("the boundary costs {:6.2} ns", spread(&more).1);
}

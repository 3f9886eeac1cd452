//! One thread: what a message costs through the mailbox, alone and as what a FIN says.
//!
//! `cargo bench -p finbox-benches --bench mailbox`. Every drained message is summed up, so nothing
//! is optimised away.
#![allow(
    missing_docs,
    reason = "criterion's macros write undocumented functions"
)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use finbox_mailbox::{
    Cell, CompletionType, Done, Engine, FinBatch, Header, Message, Producer, SlotBits, Watch,
    mailbox,
};

const SLOTS: usize = 4096;
const CONDITIONS: u32 = 4;
const BURST: u32 = 64;

const DONE: Message = Message::NormalDone(Done {
    task: 7,
    slot: SlotBits(7),
    expected: CONDITIONS,
});

fn condition(index: u32) -> (Watch, u64) {
    let watch = Watch {
        addr: 0x1000 + u64::from(index) * 4,
        expected: 1,
        engine: Engine::Sdma,
        completion: CompletionType::Counter,
    };
    black_box((watch, 0))
}

/// Sends so many messages with `send`, a burst of it, and drains them, over and over.
fn bench(criterion: &mut Criterion, name: &str, messages: u32, send: impl Fn(&Producer<'_>)) {
    let mut header = Header::default();
    let mut cells: Vec<Cell> = (0..SLOTS).map(|_| Cell::default()).collect();
    let (producer, mut consumer) = mailbox(&mut header, &mut cells, 0, 1);
    let mut group = criterion.benchmark_group("mailbox");
    group.throughput(Throughput::Elements(messages.into()));
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            send(&producer);
            let mut sum = 0_u64;
            let drained = consumer.drain(u32::MAX, |_, words| {
                sum = words.iter().fold(sum, |sum, word| sum ^ word)
            });
            assert_eq!(drained.taken, messages);
            black_box(sum)
        });
    });
    group.finish();
}

fn one_by_one(criterion: &mut Criterion) {
    bench(criterion, "burst_of_64_one_by_one", BURST, |producer| {
        for _ in 0..BURST {
            assert!(producer.push(&black_box(DONE)).is_ok());
        }
    });
}

fn fins(criterion: &mut Criterion) {
    let fin = FinBatch {
        task: 7,
        slot: SlotBits(7),
        conditions: CONDITIONS,
        in_pairs: true,
        done: Some(4),
    };
    let messages = BURST * fin.messages();
    bench(
        criterion,
        "64_fins_of_4_conditions_and_done",
        messages,
        |producer| {
            for _ in 0..BURST {
                assert_eq!(producer.push_fin(&black_box(fin), condition), 2);
            }
        },
    );
}

criterion_group!(benches, one_by_one, fins);
criterion_main!(benches);

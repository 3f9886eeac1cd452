//! One thread: what a message costs through the mailbox, alone and as a FIN's batch.
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
    Cell, CompletionType, Condition, Done, Engine, Header, Message, SlotBits, mailbox,
};

const SLOTS: usize = 4096;
const CONDITIONS: u32 = 4;
const BURST: u32 = 64;

fn message(index: u32) -> Message {
    let slot = SlotBits(7);
    if index == CONDITIONS {
        return Message::NormalDone(Done {
            task: 7,
            slot,
            expected: CONDITIONS,
        });
    }
    Message::Condition(Condition {
        task: 7,
        slot,
        addr: 0x1000 + u64::from(index) * 4,
        cookie: 0,
        expected: 1,
        engine: Engine::Sdma,
        completion: CompletionType::Counter,
    })
}

/// Pushes `batches` batches of `batch` messages and drains them, over and over.
fn bench(criterion: &mut Criterion, name: &str, batches: u32, batch: u32) {
    let mut header = Header::default();
    let mut cells: Vec<Cell> = (0..SLOTS).map(|_| Cell::default()).collect();
    let (producer, mut consumer) = mailbox(&mut header, &mut cells, 0, 1);
    let mut group = criterion.benchmark_group("mailbox");
    group.throughput(Throughput::Elements(u64::from(batches * batch)));
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            for _ in 0..batches {
                assert_eq!(producer.push_batch(batch, |i| black_box(message(i))), batch);
            }
            let mut sum = 0_u64;
            consumer.drain(u32::MAX, |_, words| {
                sum = words.iter().fold(sum, |sum, word| sum ^ word)
            });
            black_box(sum)
        });
    });
    group.finish();
}

fn one_by_one(criterion: &mut Criterion) {
    bench(criterion, "burst_of_64_one_by_one", BURST, 1);
}

fn fin_batches(criterion: &mut Criterion) {
    bench(
        criterion,
        "fin_of_4_conditions_and_done",
        BURST,
        CONDITIONS + 1,
    );
}

criterion_group!(benches, one_by_one, fin_batches);
criterion_main!(benches);

//! What a simulated task costs in virtual time, set-up included: the demo on 64 ranks, and a wide
//! graph of 100 000 tasks on one.
//!
//! `cargo bench -p finbox-benches --bench lockstep`.
#![allow(
    missing_docs,
    reason = "criterion's macros write undocumented functions"
)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use finbox_scheduler::A2A3;
use finbox_sim::demo::{deferred_notify, grid};
use finbox_sim::world::{Settings, run};

const RANKS: u32 = 64;
const TASKS: u32 = 100_000;

fn demo(criterion: &mut Criterion) {
    let workload = deferred_notify(RANKS);
    let settings = Settings::of(&A2A3);
    let mut group = criterion.benchmark_group("lockstep");
    group.throughput(Throughput::Elements(workload.order.len() as u64));
    group.sample_size(10);
    group.bench_function("deferred_notify_demo_64_ranks", |bencher| {
        bencher.iter(|| {
            let outcome = run(&workload, &settings, &mut |_, _| {}).expect("the demo runs");
            assert_eq!(outcome.verified.max_diff, Some(0.0));
            black_box(outcome.digest)
        });
    });
    group.finish();
}

fn wide(criterion: &mut Criterion) {
    let workload = grid(TASKS);
    let settings = Settings::of(&A2A3);
    let mut group = criterion.benchmark_group("lockstep");
    group.throughput(Throughput::Elements(u64::from(TASKS)));
    group.sample_size(10);
    group.bench_function("grid_100000_tasks", |bencher| {
        bencher.iter(|| {
            let outcome = run(&workload, &settings, &mut |_, _| {}).expect("the grid runs");
            assert_eq!(outcome.ledger.completed, u64::from(TASKS));
            black_box(outcome.digest)
        });
    });
    group.finish();
}

criterion_group!(benches, demo, wide);
criterion_main!(benches);

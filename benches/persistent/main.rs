//! Many small items, each launched by itself, against persistent workers that take them from a work
//! ring: in virtual time on both targets, and by the wall clock on the host.
//!
//! `cargo bench -p finbox-benches --bench persistent`, or with `-- ROUNDS ITEMS` for other sizes
//! (11 and 10 000). Virtual times are the cost model's and no measure of any chip. On the host
//! threads are the cores: they are launched through registers, as the scheduler launches any core,
//! or poll the ring; one more thread submits, dispatches and hears FINs. Both ways scan the same
//! bytes, and what they find is compared with a plain search; a difference ends the run.
#![allow(
    clippy::cast_possible_truncation,
    reason = "a benchmark's counts are small"
)]

mod host;
mod registers;

use std::time::Duration;

use finbox_benches::{in_words, spread};
use finbox_scheduler::target::{A2A3, A5};
use finbox_sim::demo::{self, ITEM_BYTES};
use finbox_sim::world::{self, Settings};

use host::Job;

/// Vector cores of a target in use.
const WORKERS: [(&finbox_scheduler::Target, u16); 2] = [(&A2A3, 48), (&A5, 72)];

fn main() {
    let numbers: Vec<u32> = std::env::args()
        .filter_map(|word| word.parse().ok())
        .collect();
    let rounds = numbers.first().map_or(11, |&rounds| rounds.max(3));
    let items = numbers.get(1).map_or(10_000, |&items| items.max(100));
    in_virtual_time(items);
    on_the_host(items, rounds as usize);
}

fn in_virtual_time(items: u32) {
    println!("{items} items of {ITEM_BYTES} bytes in virtual time: the cost model's numbers\n");
    println!("| target | workers | launches, ms | ring, ms | launches by ring |");
    println!("| --- | --- | --- | --- | --- |");
    for (target, workers) in WORKERS {
        let run = |workers| {
            let workload = demo::persistent_scan(items, workers);
            let outcome = world::run(&workload, &Settings::of(target), &mut |_, _| {});
            let outcome = outcome.expect("the demo runs");
            assert!(outcome.verified.is_right() && outcome.broken.is_empty());
            (outcome.virtual_ns, outcome.result_digest)
        };
        let (launched, served) = (run(0), run(workers));
        assert_eq!(launched.1, served.1, "what was found");
        let (launch_ns, ring_ns) = (launched.0 as f64, served.0 as f64);
        println!(
            "| {} | {workers} | {:.2} | {:.2} | ×{:.2} |",
            target.name,
            launch_ns / 1e6,
            ring_ns / 1e6,
            launch_ns / ring_ns
        );
    }
}

fn on_the_host(items: u32, rounds: usize) {
    println!("\n{items} items on the host by the wall clock, {rounds} rounds\n");
    println!(
        "| bytes an item | threads as cores | launches, ns an item | ring, ns | launches by ring |"
    );
    println!("| --- | --- | --- | --- | --- |");
    let bytes = host::bytes(items);
    for length in [64, ITEM_BYTES as u32] {
        for cores in [1, 2] {
            let job = Job::new(&bytes, items, length, cores);
            let (mut launched, mut served) = (Vec::new(), Vec::new());
            for round in 0..rounds {
                // The other way goes first each time.
                if round % 2 == 0 {
                    launched.push(per_item(job.launched(), items));
                    served.push(per_item(job.served(), items));
                } else {
                    served.push(per_item(job.served(), items));
                    launched.push(per_item(job.launched(), items));
                }
            }
            let ratios = launched.iter().zip(&served);
            let ratios: Vec<f64> = ratios.map(|(launch, ring)| launch / ring).collect();
            println!(
                "| {length} | {cores} | {} | {} | ×{:.2} |",
                in_words(&launched),
                in_words(&served),
                spread(&ratios).1
            );
        }
    }
}

fn per_item(took: Duration, items: u32) -> f64 {
    took.as_nanos() as f64 / f64::from(items)
}

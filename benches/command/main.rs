//! The command ring beside the queues that people would send packets through instead, and how soon
//! a fence is answered.
//!
//! `cargo bench -p finbox-benches --bench command`, or with `-- ROUNDS PACKETS` for other sizes (21
//! and 400 000). Every side carries the same 64-byte packets in batches of 16 and carries them out
//! on a device that is done at once. finbox also checks every field, keeps statistics and publishes
//! them; the others only look at the kind. Every round runs every side once; a ratio is the median
//! of the rounds' ratios. A packet that is lost or changed ends the run.
#![allow(
    clippy::cast_possible_truncation,
    reason = "a benchmark's counts are small"
)]

mod fences;
mod sides;

use finbox_benches::spread;
use sides::{SIDES, Side};

/// All rounds of one contest, interleaved; ns a packet of each side.
fn contest(rounds: u64, packets: u64, pass: impl Fn(&Side, u64) -> f64) -> Vec<Vec<f64>> {
    let mut times = vec![Vec::new(); SIDES.len()];
    for round in 0..rounds as usize {
        for step in 0..SIDES.len() {
            // Another side goes first each time.
            let at = (round + step) % SIDES.len();
            times[at].push(pass(&SIDES[at], packets));
        }
    }
    times
}

fn rows(name: &str, times: &[Vec<f64>]) {
    for (side, ns) in SIDES.iter().zip(times) {
        let ratios: Vec<f64> = ns
            .iter()
            .zip(&times[0])
            .map(|(ns, ours)| ns / ours)
            .collect();
        let ((least, median, most), (worst, ratio, _)) = (spread(ns), spread(&ratios));
        println!(
            "| {name} | {} | {median:.1} ({least:.1} to {most:.1}) | {ratio:.2}, {worst:.2} |",
            side.name
        );
    }
}

fn main() {
    let numbers: Vec<u64> = std::env::args()
        .filter_map(|word| word.parse().ok())
        .collect();
    let rounds = numbers.first().map_or(21, |&rounds| rounds.max(3));
    let packets = numbers
        .get(1)
        .map_or(400_000, |&packets| packets.max(1_600))
        .next_multiple_of(sides::BATCH);
    println!("{rounds} rounds, {packets} packets a round and side, batches of 16\n");
    println!(
        "| contest | side | ns a packet: median (least to most) | times finbox: median, worst |"
    );
    println!("| --- | --- | --- | --- |");
    let alone = contest(rounds, packets, |side, packets| (side.alone)(packets));
    rows("one thread", &alone);
    let apart = contest(rounds, packets, |side, packets| (side.apart)(packets));
    rows("a thread submits, another carries out", &apart);
    println!(
        "\n| a fence's answer behind the last completion | its work | budget | ns: p50 | p99 |"
    );
    println!("| --- | --- | --- | --- | --- |");
    fences::rows(packets.div_ceil(100));
}

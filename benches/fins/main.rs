//! What a FIN costs its handler, from COND observed to done; and what a poll does to it.
//!
//! `cargo bench -p finbox-benches --bench fins`, or with `-- ROUNDS` for another number of rounds
//! (11). Three tables: each kind of FIN alone on one thread; in virtual time, and on real threads,
//! FINs that bring a condition while the dispatch thread polls 64 × 64 conditions that do not hold,
//! through the mailbox and under the wait list's lock.
#![allow(
    clippy::cast_possible_truncation,
    reason = "a benchmark's counts are small"
)]

mod alone;
mod chip;
mod crowd;

use finbox_benches::spread;
use finbox_scheduler::Completion;
use finbox_sim::report::Percentiles;
use finbox_sim::world::Clock;

use alone::Kind;

fn main() {
    let rounds = std::env::args().find_map(|word| word.parse().ok());
    let rounds: usize = rounds.map_or(11, |rounds: usize| rounds.max(3));
    println!("| a FIN of a task, one thread | ns: median of {rounds} rounds (least to most) |");
    println!("| --- | --- |");
    for kind in [
        Kind::Inline(0),
        Kind::Inline(1),
        Kind::Inline(8),
        Kind::Inline(64),
        Kind::Deferred(1),
        Kind::Deferred(4),
        Kind::Deferred(64),
    ] {
        let mut times: Vec<f64> = (0..rounds).map(|_| kind.ns_a_fin()).collect();
        times.sort_by(f64::total_cmp);
        let (least, median, most) = (times[0], times[rounds / 2], times[rounds - 1]);
        println!("| {kind} | {median:.0} ({least:.0} to {most:.0}) |");
    }
    beside_polls("virtual time", Clock::Lockstep, 1);
    beside_polls("real threads", Clock::Parallel, rounds);
}

/// FINs beside polls, both ways in turn, another first each time; the median of each percentile,
/// and of the rounds' ratios.
fn beside_polls(title: &str, clock: Clock, rounds: usize) {
    println!("\n| beside polls, {title} | p50 ns | p90 | p99 | p99.9 | max |");
    println!("| --- | --- | --- | --- | --- | --- |");
    let sides = [Completion::Mailbox, Completion::Locked];
    let mut found = sides.map(|_| Vec::new());
    for round in 0..rounds {
        for at in [round % 2, 1 - round % 2] {
            found[at].push(columns(crowd::fin_handling(clock, sides[at])));
        }
    }
    for (side, rounds) in ["mailbox", "locked"].iter().zip(&found) {
        row(side, medians(rounds).map(|ns| ns.to_string()));
    }
    let ratio = |column: usize| {
        let pairs = found[1].iter().zip(&found[0]);
        let all = pairs.map(|(locked, mailbox)| locked[column] as f64 / mailbox[column] as f64);
        format!("{:.1}", spread(&all.collect::<Vec<f64>>()).1)
    };
    row("times mailbox", [0, 1, 2, 3, 4].map(ratio));
}

fn columns(measure: Percentiles) -> [u64; 5] {
    let Percentiles {
        p50_ns,
        p90_ns,
        p99_ns,
        p99_9_ns,
        max_ns,
        ..
    } = measure;
    [p50_ns, p90_ns, p99_ns, p99_9_ns, max_ns]
}

fn medians(rounds: &[[u64; 5]]) -> [u64; 5] {
    [0, 1, 2, 3, 4].map(|column| {
        let mut values: Vec<u64> = rounds.iter().map(|round| round[column]).collect();
        values.sort_unstable();
        values[values.len() / 2]
    })
}

fn row(side: &str, values: [String; 5]) {
    println!("| {side} | {} |", values.join(" | "));
}

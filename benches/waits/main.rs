//! What waiting costs: a sweep over conditions that do not hold, beside a naive scan of them;
//! putting conditions in and taking them out; a poll of nothing; a deferred task's end.
//!
//! `cargo bench -p finbox-benches --bench waits`, or with `-- ROUNDS` for another number (21). One
//! thread. Every round of the sweeps runs every side once. On the machine that is *coherent* making
//! a line current is nothing; on the one that is *refreshed* it is a full fence, a stand-in of
//! about what a cache maintenance operation costs to issue.
#![allow(
    clippy::cast_possible_truncation,
    reason = "a benchmark's counts are small"
)]

mod lives;
mod machine;
mod met;
mod naive;
mod run;
mod sweeps;
mod table;

use machine::Machine;

fn main() {
    let numbers: Vec<usize> = std::env::args()
        .filter_map(|word| word.parse().ok())
        .collect();
    let rounds = numbers.first().map_or(21, |&rounds| rounds.max(3));
    println!("{rounds} rounds\n");
    table::head(&["sweep", "conditions", "side"], "ns a condition", true);
    for (place, stride) in [("own line", 64), ("16 a line", 4)] {
        for count in [64, 1024, 4096] {
            sweeps::compare::<true>(rounds, ("coherent", place), (count, stride));
            sweeps::compare::<false>(rounds, ("refreshed", place), (count, stride));
        }
    }
    println!();
    table::head(&["stored", "what"], "ns a condition", false);
    for stored in [64, 256, 1024, 4096, 16_384] {
        lives::come_and_go(rounds, stored);
    }
    println!();
    table::head(&["what"], "ns", false);
    lives::empty(rounds);
    lives::deferred(rounds);
    met::deferred(rounds);
}

//! The mailbox beside what people would use instead, all sides doing the same work in one run.
//!
//! `cargo bench -p finbox-benches --bench race`, or with `-- ROUNDS MESSAGES` for other sizes
//! (21 and 400 000). Every round runs every contender once, so that whatever else the machine does
//! hits all of them; a ratio is the median of the rounds' ratios. Every message is built, encoded,
//! carried and summed up, and a side that loses or changes one ends the run. No producer is on the
//! consumer's core: see `finbox_benches::stay_at`.
//!
//! In the FIN contests the first side is the mailbox as FIN handlers use it, with what a FIN says
//! in two messages; it is counted as the five that the others carry, and its 4 096 slots hold more
//! of them. The last side is the mailbox with those five.
#![allow(
    clippy::cast_possible_truncation,
    reason = "a benchmark's counts are small"
)]

mod contest;
mod line;
mod peers;
mod plain;
mod queue;
mod table;

use contest::{Contest, Size};

const CONTESTS: [Contest; 7] = [
    Contest::single("one thread, bursts of 64", 64),
    Contest::threads("1 producer", 1, 1),
    Contest::threads("2 producers", 2, 1),
    Contest::threads("4 producers", 4, 1),
    Contest::threads("FIN 4 + 1, 1 producer", 1, 5),
    Contest::threads("FIN 4 + 1, 2 producers", 2, 5),
    Contest::single("FIN 4 + 1, one thread", 5),
];

fn main() {
    let numbers: Vec<u64> = std::env::args()
        .filter_map(|word| word.parse().ok())
        .collect();
    let size = Size {
        rounds: numbers.first().map_or(21, |&rounds| rounds.max(3)),
        messages: numbers
            .get(1)
            .map_or(400_000, |&messages| messages.max(1_000)),
    };
    println!(
        "{} rounds, {} messages a round and side, rings of {} slots\n",
        size.rounds,
        size.messages,
        queue::SLOTS
    );
    table::head();
    for contest in CONTESTS {
        table::rows(&contest, &contest.run(size));
    }
    let transfer = line::transfer_ns(size.rounds);
    println!("\nThe bound: {transfer:.0} ns bring a cache line to the other core and back.");
}

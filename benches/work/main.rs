//! The work ring beside the queues that people would use instead, in one run.
//!
//! `cargo bench -p finbox-benches --bench work`, or with `-- ROUNDS ITEMS` for other sizes (21 and
//! 400 000). Every round runs every side once, so that whatever else the machine does hits all of
//! them; a ratio is the median of the rounds' ratios. finbox's workers claim each item and say that
//! it is done; the others' only take it, for they know nothing of done. An item that is lost or
//! changed ends the run. The first producer and the first worker stay on different cores, and so do
//! the second: see `finbox_benches::stay_on`.
#![allow(
    clippy::cast_possible_truncation,
    reason = "a benchmark's counts are small"
)]

mod contest;
mod sides;

use contest::{Contest, Size};

const CONTESTS: [Contest; 9] = [
    Contest::single("one thread, one by one", 1),
    Contest::single("one thread, bursts of 16", 16),
    Contest::threads("1 producer, 1 worker", 1, 1, 1),
    Contest::threads("2 producers, 1 worker", 2, 1, 1),
    Contest::threads("4 producers, 1 worker", 4, 1, 1),
    Contest::threads("1 producer, 2 workers", 1, 2, 1),
    Contest::threads("2 producers, 2 workers", 2, 2, 1),
    Contest::threads("4 producers, 2 workers", 4, 2, 1),
    Contest::threads("bursts of 16, 2 producers, 2 workers", 2, 2, 16),
];

fn main() {
    let numbers: Vec<u64> = std::env::args()
        .filter_map(|word| word.parse().ok())
        .collect();
    let size = Size {
        rounds: numbers.first().map_or(21, |&rounds| rounds.max(3)),
        items: numbers.get(1).map_or(400_000, |&items| items.max(1_000)),
    };
    println!(
        "{} rounds, {} items a round and side, rings of {} slots\n",
        size.rounds,
        size.items,
        sides::SLOTS
    );
    contest::head();
    for contest in CONTESTS {
        contest::rows(&contest, &contest.run(size));
    }
}

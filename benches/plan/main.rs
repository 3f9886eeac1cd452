//! What a launch costs whoever plans it: recorded, planned and committed, with 2, 4 and 32 uses.
//!
//! `cargo bench -p finbox-benches --bench plan`, or with `-- ROUNDS` for another number of rounds
//! (2 000). Two streams read what the other writes, each use a buffer of its own, so every launch
//! waits for the other stream's last. A round plans 64 launches, timed, and advances them, which
//! is not. The target is 60 ns and 15 ns a use.

use std::time::Instant;

use finbox_runtime::plan::{Mode, Planner, Recorder};
use finbox_runtime::stream::{TimePoint, TimelineId};
use finbox_runtime::{Access, BufferId};

/// Launches a round.
const LAUNCHES: usize = 64;
const BYTES: u64 = 64;

fn launch(
    recorder: &mut Recorder<'_>,
    stream: TimelineId,
    uses: &[(BufferId, Access)],
) -> TimePoint {
    let mut recording = recorder.record(stream, "launch");
    for &(buffer, access) in uses {
        recording = match access {
            Access::In => recording.reads("argument", buffer, 0..BYTES),
            Access::Out | Access::InOut => recording.writes("argument", buffer, 0..BYTES),
        };
    }
    recording.plan().expect("it is right").commit().point()
}

/// Nanoseconds a launch of `count` uses, of every round, in order.
fn times(count: usize, rounds: u64) -> Vec<f64> {
    let planner = Planner::new(Mode::Strict);
    let streams = ["a", "b"].map(|name| planner.stream(name, 0));
    let own = streams.map(|_| (0..count / 2).map(|_| planner.declare(BYTES)));
    let own = own.map(Iterator::collect::<Vec<_>>);
    let uses = [0, 1].map(|index: usize| {
        let reads = own[1 - index].iter().map(|&buffer| (buffer, Access::In));
        let writes = own[index].iter().map(|&buffer| (buffer, Access::Out));
        reads.chain(writes).collect::<Vec<_>>()
    });
    let (mut recorder, mut points) = (planner.recorder(), Vec::with_capacity(LAUNCHES));
    let mut times: Vec<f64> = (0..rounds)
        .map(|round| {
            points.clear();
            let begin = Instant::now();
            for number in 0..LAUNCHES {
                let index = number % 2;
                points.push(launch(&mut recorder, streams[index], &uses[index]));
            }
            let took = begin.elapsed();
            for &point in &points {
                planner.advance(point, round).expect("it is the next");
            }
            took.as_secs_f64() * 1e9 / LAUNCHES as f64
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times
}

fn main() {
    let mut numbers = std::env::args().filter_map(|word| word.parse().ok());
    let rounds = numbers.next().map_or(2_000, |rounds: u64| rounds.max(10));
    println!("{rounds} rounds of {LAUNCHES} launches, ns a launch planned and committed\n");
    println!("uses     best   median      p90   target");
    for count in [2, 4, 32] {
        let times = times(count, rounds);
        let at = |percent: usize| times[(times.len() - 1) * percent / 100];
        let target = 60 + 15 * count;
        let (best, median, late) = (at(0), at(50), at(90));
        println!("{count:>4} {best:>8.1} {median:>8.1} {late:>8.1} {target:>8}");
    }
}

//! The bound: what it costs to bring a cache line from one core to another.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use crossbeam_utils::CachePadded;
use finbox_benches::stay_on;

const TRIPS: u64 = 50_000;

/// Nanoseconds for a line to another core and back, the median of so many rounds.
pub(crate) fn transfer_ns(rounds: u64) -> f64 {
    let mut times: Vec<f64> = (0..rounds).map(|_| round_trip_ns()).collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn round_trip_ns() -> f64 {
    let (ball, back) = (
        &CachePadded::new(AtomicU64::new(0)),
        &CachePadded::new(AtomicU64::new(0)),
    );
    let hit = |from: &AtomicU64, to: &AtomicU64, trip| {
        while from.load(Ordering::Acquire) != trip {
            std::hint::spin_loop();
        }
        to.store(trip, Ordering::Release);
    };
    thread::scope(|scope| {
        scope.spawn(move || {
            stay_on(1);
            (1..=TRIPS).for_each(|trip| hit(ball, back, trip));
        });
        stay_on(0);
        let begin = Instant::now();
        for trip in 1..=TRIPS {
            ball.store(trip, Ordering::Release);
            while back.load(Ordering::Acquire) != trip {
                std::hint::spin_loop();
            }
        }
        begin.elapsed().as_nanos() as f64 / TRIPS as f64
    })
}

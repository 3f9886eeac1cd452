//! Sweeps over conditions that never hold.

use std::hint::black_box;
use std::time::Instant;

use finbox_scheduler::{Completion, SETTLE_BUDGET};

use crate::naive::Naive;
use crate::run::{Run, arena};
use crate::table;

/// Conditions looked at in one measurement, at least.
const LOOKS: u64 = 1 << 18;

/// Nanoseconds a condition, of as many calls of `sweep` as needed, each over `looks` conditions.
fn measure(looks: u64, mut sweep: impl FnMut()) -> f64 {
    let times = LOOKS.div_ceil(looks);
    let begin = Instant::now();
    (0..times).for_each(|_| sweep());
    begin.elapsed().as_nanos() as f64 / (times * looks) as f64
}

/// finbox, whole passes of its dispatch thread, beside naive scans of the same counters.
pub(crate) fn compare<const COHERENT: bool>(
    rounds: usize,
    (machine, place): (&str, &str),
    (count, stride): (u64, u64),
) {
    let mut arena = arena(Completion::Mailbox, 4096);
    let mut run = Run::<COHERENT>::new(&mut arena, count * stride);
    let first = run.machine.counters();
    run.wait_for(first, (count, stride));
    let naive = Naive::new(first, (count, stride));
    let polled = count.min(u64::from(SETTLE_BUDGET));
    let mut times = [(); 3].map(|()| Vec::new());
    for round in 0..rounds {
        for step in 0..times.len() {
            // Another side goes first each time.
            let side = (round + step) % times.len();
            let ns = match side {
                0 => measure(polled, || {
                    assert_eq!(u64::from(run.pass().polled), polled);
                }),
                1 => measure(count, || {
                    let unmet = black_box(&naive).unmet::<true>(&run.machine);
                    assert_eq!(unmet as u64, count);
                }),
                _ => measure(count, || {
                    let unmet = black_box(&naive).unmet::<false>(&run.machine);
                    assert_eq!(unmet as u64, count);
                }),
            };
            times[side].push(ns);
        }
    }
    let sweep = format!("{machine}, {place}");
    let sides = ["finbox", "scan, refresh a condition", "scan, no refresh"];
    for (name, ns) in sides.into_iter().zip(&times) {
        table::row(&[&sweep, &count.to_string(), name], ns, Some(&times[0]));
    }
}

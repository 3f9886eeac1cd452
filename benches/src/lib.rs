//! What the benches share: what is said of many rounds, and threads that stay on their core.
//!
//! Threads left alone end up on one core, both ends of a queue, one after the other, and nothing
//! travels: a contest of two threads would measure one.

use std::sync::OnceLock;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The cores of this process, before any thread was told to stay.
static CORES: OnceLock<Vec<usize>> = OnceLock::new();

/// Keeps the calling thread on the `core`-th of the cores of this process, counted round.
///
/// # Panics
/// If the system refuses.
pub fn stay_on(core: usize) {
    let cores = CORES.get_or_init(|| {
        let set = sched_getaffinity(None).expect("a thread may ask where it may run");
        (0..CpuSet::MAX_CPU)
            .filter(|&cpu| set.is_set(cpu))
            .collect()
    });
    let mut set = CpuSet::new();
    set.set(cores[core % cores.len()]);
    sched_setaffinity(None, &set).expect("a thread may stay on a core that it may run on");
}

/// Least, median and most of at least one value.
///
/// # Panics
/// If there is none.
pub fn spread(values: &[f64]) -> (f64, f64, f64) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    (sorted[0], sorted[middle], sorted[sorted.len() - 1])
}

/// The median, with least and most in brackets, without decimals.
///
/// # Panics
/// If there is no value.
pub fn in_words(values: &[f64]) -> String {
    let (least, median, most) = spread(values);
    format!("{median:.0} ({least:.0} to {most:.0})")
}

//! What the benches share: what is said of many rounds, and threads that stay on their core.
//!
//! Threads left alone end up on one core, both ends of a queue, one after the other, and nothing
//! travels: a contest of two threads would measure one.

use std::sync::OnceLock;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The cores of this process, before any thread was told to stay.
static CORES: OnceLock<Vec<usize>> = OnceLock::new();

fn cores() -> &'static [usize] {
    CORES.get_or_init(|| {
        let set = sched_getaffinity(None).expect("a thread may ask where it may run");
        (0..CpuSet::MAX_CPU)
            .filter(|&cpu| set.is_set(cpu))
            .collect()
    })
}

/// Keeps the calling thread on the `core`-th of the cores of this process, counted round.
///
/// # Panics
/// If the system refuses.
pub fn stay_on(core: usize) {
    let mut set = CpuSet::new();
    set.set(cores()[core % cores().len()]);
    sched_setaffinity(None, &set).expect("a thread may stay on a core that it may run on");
}

/// One end of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Who sends.
    Sending,
    /// Who takes.
    Taking,
}

/// Keeps the calling thread, the `nth` of its end, on a core that no thread of the other end has:
/// half of the cores are each end's, counted round. Otherwise what is sent and taken on one core
/// never travels.
///
/// # Panics
/// If the system refuses.
pub fn stay_at(end: End, nth: usize) {
    let half = (cores().len() / 2).max(1);
    stay_on(match end {
        End::Taking => nth % half,
        End::Sending => half + nth % (cores().len() - half).max(1),
    });
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

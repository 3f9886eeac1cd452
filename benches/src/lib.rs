//! What the benches share: threads that stay on the core they are given.
//!
//! Left alone, the system likes to run both ends of a queue on one core, one after the other, and
//! then nothing travels: a contest of two threads would measure one.

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

//! The end of a run: drained, or not, and then why; and what was counted.

use std::time::{Duration, Instant};

use finbox_scheduler::{Dispatcher, FinHandler, Ledger};

use crate::threads::{Running, Unit};
use crate::wait::{Waited, Watch};

/// Longest time without any progress unless configured.
pub const DEFAULT_PATIENCE: Duration = Duration::from_secs(10);

/// How long a drain may take.
#[derive(Clone, Copy, Debug)]
pub struct DrainLimits {
    /// Longest time in which nothing moves.
    pub patience: Duration,
    /// Longest time of the whole drain.
    pub deadline: Option<Duration>,
}

/// How a drain ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Drain<E> {
    /// Every task has its outcome.
    Done,
    /// Nothing moved for as long as patience lasts, or the deadline passed: ask the schedulers who
    /// is stuck, when the threads have ended.
    Stuck,
    /// `help` gave up.
    Refused(E),
}

/// Waits until `tasks` tasks have their outcome. `help` is called again and again meanwhile: it may
/// submit, and returns how many tasks it did.
pub fn drain<E>(
    running: &Running,
    tasks: u64,
    limits: DrainLimits,
    mut help: impl FnMut() -> Result<u64, E>,
) -> Drain<E> {
    let began = Instant::now();
    let watch = Watch {
        stop: running.stop_flag(),
        patience: limits.patience,
    };
    let mut helped = 0;
    let waited = watch.wait_for(|| {
        match help() {
            Ok(count) => helped += count,
            Err(error) => return (Some(Err(error)), helped),
        }
        if limits
            .deadline
            .is_some_and(|deadline| began.elapsed() >= deadline)
        {
            running.stop_flag().stop();
        }
        let done = running.finished() >= tasks;
        (done.then_some(Ok(())), running.signs_of_life() + helped)
    });
    match waited {
        Waited::Done(Ok(())) => Drain::Done,
        Waited::Done(Err(error)) => Drain::Refused(error),
        Waited::NoProgress | Waited::Stopped => Drain::Stuck,
    }
}

/// Adds up what the threads of all units counted; the submitters' parts are the caller's.
pub fn ledger<P, B>(units: &[Unit<'_, P, B>]) -> Ledger {
    let mut ledger = Ledger::default();
    for unit in units {
        let handlers = unit.handlers.iter().map(FinHandler::ledger);
        let dispatcher = Dispatcher::ledger(&unit.dispatcher);
        handlers
            .chain([dispatcher])
            .for_each(|part| ledger.merge(part));
    }
    ledger
}

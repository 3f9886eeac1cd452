//! A processor on a thread of its own, which sleeps when there is nothing to do and is woken once
//! a batch.
//!
//! While packets come, their statistics are published at a fence, when nothing is left to do and
//! every 10 µs: not in each turn. It parks without limit only if nothing can change silently: no
//! packet claimed, no buffer open, nothing running. A submitter that dies between its last
//! publication and the bell leaves packets to the next bell; every drain rings one.

use std::io;
use std::thread;

use super::board::Board;
use super::evidence::{Arrival, Halt, Journey};
use super::executor::{Clock, Executor};
use super::processor::{HaltOnUnwind, Processor};
use super::served::ServeError;
use super::wait::wait_within;
use crate::wait::{Rest, RestPolicy, StopFlag};

/// What people see the thread as.
pub(super) const THREAD_NAME: &str = "finbox-command";

/// How old the published statistics may be, while there is more to do.
const UNPUBLISHED_NS: u64 = 10_000;

/// The processor's thread, as the body sees it.
#[derive(Clone, Copy, Debug)]
pub struct ProcessorThread<'a, C> {
    board: &'a Board,
    clock: &'a C,
}

impl<C: Clock> ProcessorThread<'_, C> {
    /// Waits until the target is reached or the budget of nanoseconds is used up, whichever comes
    /// first. The processor itself goes on behind the target, and behind the budget.
    ///
    /// # Errors
    /// As [`Processor::drain_until`].
    pub fn drain_until(&self, target: u64, budget_ns: u64) -> Result<Arrival, Halt> {
        self.board.bell.wake();
        let _waiter = self.board.await_answer(target);
        let journey = Journey {
            target,
            began_ns: self.clock.now_ns(),
            begin: self.board.snapshot(),
        };
        wait_within(journey, budget_ns, self.clock, |_| self.board.snapshot())
    }

    /// Where the processor says how far it is.
    pub const fn board(&self) -> &Board {
        self.board
    }
}

/// Ends the thread when the body is over, also by panic.
struct EndOnDrop<'a>(&'a StopFlag, &'a Board);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.stop();
        self.1.bell.wake();
    }
}

/// Runs `body` while a thread carries out the packets, then ends and joins it. What it has not
/// passed by then stays where it is: drain before the body ends, or behind it.
///
/// # Errors
/// The operating system's, if the thread could not be started, and [`ServeError::Spent`] if this
/// ring has had one; `body` was not called.
///
/// # Panics
/// If the executor did, behind `body`, whose drains tell of it as of a [`Halt`].
pub fn run_threaded<E, C, R>(
    processor: &mut Processor<'_, E>,
    clock: &C,
    body: impl FnOnce(&ProcessorThread<'_, C>) -> R,
) -> io::Result<R>
where
    E: Executor + Send,
    C: Clock + Sync,
{
    let board = processor.board();
    if board.bell.is_adopted() {
        return Err(io::Error::other(ServeError::Spent));
    }
    let stop = StopFlag::default();
    thread::scope(|scope| {
        let end = EndOnDrop(&stop, board);
        let work = || serve(processor, clock, &stop);
        let name = THREAD_NAME.to_owned();
        let thread = thread::Builder::new().name(name);
        let thread = thread.spawn_scoped(scope, work)?;
        let result = body(&ProcessorThread { board, clock });
        drop(end);
        match thread.join() {
            Ok(()) => Ok(result),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

pub(super) fn serve<E: Executor, C: Clock>(
    processor: &mut Processor<'_, E>,
    clock: &C,
    stop: &StopFlag,
) {
    let bell = &processor.board().bell;
    bell.adopt();
    // Also if the clock panics.
    let guard = HaltOnUnwind(processor);
    let mut rest = Rest::new(RestPolicy::DEFAULT);
    let mut published_ns = clock.now_ns();
    loop {
        rest.before_pass(bell);
        if stop.is_set() {
            guard.0.answer();
            return core::mem::forget(guard);
        }
        let now_ns = clock.now_ns();
        let has_moved = guard.0.carry_on(None, now_ns);
        if has_moved && now_ns.saturating_sub(published_ns) < UNPUBLISHED_NS {
            rest.reset();
            continue;
        }
        published_ns = now_ns;
        match guard.0.answer() || has_moved {
            true => rest.reset(),
            false => rest.after_pass(bell, guard.0.has_work()),
        }
    }
}

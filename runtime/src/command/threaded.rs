//! A processor on a thread of its own, which sleeps when there is nothing to do and is woken once
//! a batch.
//!
//! It parks without limit only if nothing can change silently: no packet claimed, no buffer open,
//! nothing running. A submitter that dies between its last publication and the bell leaves packets
//! to the next bell; every drain rings one.

use std::io;
use std::thread;

use super::board::Board;
use super::evidence::{Arrival, Halt, Journey};
use super::executor::{Clock, Executor};
use super::processor::Processor;
use super::wait::wait_within;
use crate::wait::{Rest, RestPolicy, StopFlag};

/// What people see the thread as.
pub(super) const THREAD_NAME: &str = "finbox-command";

/// The processor's thread, as the body sees it.
#[derive(Clone, Copy, Debug)]
pub struct Desk<'a, C> {
    board: &'a Board,
    clock: &'a C,
}

impl<C: Clock> Desk<'_, C> {
    /// Waits until the target is reached or the budget of nanoseconds is used up, whichever comes
    /// first. The processor itself goes on behind the target, and behind the budget.
    ///
    /// # Errors
    /// As [`Processor::drain_until`].
    pub fn drain_until(&self, target: u64, budget_ns: u64) -> Result<Arrival, Halt> {
        self.board.bell.wake();
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

/// Runs `body` while a thread carries out the packets, then ends and joins it and gives the
/// processor back. What it has not passed by then stays where it is: drain before the body ends.
///
/// # Errors
/// The operating system's, if the thread could not be started; `body` was not called.
///
/// # Panics
/// If the executor did, or if a thread has served this board before: it has one bell.
pub fn run_threaded<'m, E, C, R>(
    mut processor: Processor<'m, E>,
    clock: &C,
    body: impl FnOnce(&Desk<'_, C>) -> R,
) -> io::Result<(R, Processor<'m, E>)>
where
    E: Executor + Send,
    C: Clock + Sync,
{
    let board = processor.board();
    let stop = StopFlag::default();
    thread::scope(|scope| {
        let end = EndOnDrop(&stop, board);
        let work = || {
            serve(&mut processor, clock, &stop);
            processor
        };
        let name = THREAD_NAME.to_owned();
        let thread = thread::Builder::new().name(name);
        let thread = thread.spawn_scoped(scope, work)?;
        let result = body(&Desk { board, clock });
        drop(end);
        match thread.join() {
            Ok(processor) => Ok((result, processor)),
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
    let mut rest = Rest::new(RestPolicy::DEFAULT);
    loop {
        rest.before_pass(bell);
        if stop.is_set() {
            return;
        }
        match processor.turn(None, clock.now_ns()) {
            true => rest.reset(),
            false => rest.after_pass(bell, processor.has_work()),
        }
    }
}

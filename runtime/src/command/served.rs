//! A processor at a place of its own: drained by whoever comes, or served by a thread that goes on
//! behind the call that started it. For whoever has no body to lend a thread to.
//!
//! Guarantees: one thread at a time carries packets out; a drain means the same whoever does; the
//! end of the thread takes bounded time, and one that does not come back from its executor is
//! neither joined nor forgotten. Refuses a second thread: a ring has one bell. Called by libfinbox.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use thiserror::Error;

use super::board::Board;
use super::evidence::{Arrival, Halt, Journey};
use super::executor::{Clock, Executor};
use super::processor::Processor;
use super::threaded::{THREAD_NAME, serve};
use super::wait::wait_within;
use crate::wait::{StopFlag, Waited, Watch};

/// Why a processor's thread was not started or did not stop.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The thread runs.
    #[error("a thread carries out the packets: stop it first")]
    Started,
    /// A thread has run.
    #[error("a thread has served this ring, which has one bell: drain it, or make it anew")]
    Spent,
    /// The thread could not be started.
    #[error("no thread: {0}")]
    System(io::Error),
    /// The thread does not come back.
    #[error("the thread has not come back from its executor within {patience:?}")]
    Inside {
        /// How long it was waited for.
        patience: Duration,
    },
    /// The executor panicked; what it was doing is left as it was.
    #[error("the executor panicked")]
    Panicked,
}

#[derive(Debug, Default)]
struct Threads {
    running: Option<JoinHandle<()>>,
    has_run: bool,
}

/// A processor that any thread may drain, or that has a thread of its own.
#[derive(Debug)]
pub struct Served<E, C> {
    processor: Arc<Mutex<Processor<'static, E>>>,
    board: &'static Board,
    clock: C,
    stop: Arc<StopFlag>,
    threads: Mutex<Threads>,
}

impl<E, C> Served<E, C>
where
    E: Executor + Send + 'static,
    C: Clock + Copy + Send + 'static,
{
    /// No thread runs.
    pub fn new(processor: Processor<'static, E>, clock: C) -> Self {
        Self {
            board: processor.board(),
            processor: Arc::new(Mutex::new(processor)),
            clock,
            stop: Arc::default(),
            threads: Mutex::default(),
        }
    }

    fn threads(&self) -> MutexGuard<'_, Threads> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a thread carries out the packets.
    pub fn is_running(&self) -> bool {
        self.threads().running.is_some()
    }

    /// Carries out packets until the target is reached or the budget of nanoseconds is used up,
    /// whichever comes first. While somebody else carries them out, this waits for him; if he
    /// leaves, it goes on itself. Any number of threads; not from inside the executor.
    ///
    /// # Errors
    /// As [`Processor::drain_until`].
    ///
    /// # Panics
    /// If the executor does while this thread carries packets out.
    pub fn drain_until(&self, target: u64, budget_ns: u64) -> Result<Arrival, Halt> {
        self.board.bell.wake();
        let _waiter = self.board.await_answer(target);
        let journey = Journey {
            target,
            began_ns: self.clock.now_ns(),
            begin: self.board.snapshot(),
        };
        wait_within(journey, budget_ns, &self.clock, |now_ns| {
            match self.processor.try_lock() {
                Ok(mut processor) => {
                    processor.turn(Some(target), now_ns);
                    processor.snapshot()
                }
                // Somebody else's turn. Where one panicked, the board shows that it has stopped.
                Err(_) => self.board.snapshot(),
            }
        })
    }

    /// Starts a thread that carries out packets from here on. Behind a drain that is inside.
    ///
    /// # Errors
    /// [`ServeError::Started`], [`ServeError::Spent`], [`ServeError::System`]; no thread runs.
    pub fn start(&self) -> Result<(), ServeError> {
        let mut threads = self.threads();
        if threads.running.is_some() {
            return Err(ServeError::Started);
        }
        if threads.has_run {
            return Err(ServeError::Spent);
        }
        let (processor, stop) = (Arc::clone(&self.processor), Arc::clone(&self.stop));
        let clock = self.clock;
        let work = move || {
            // One that panicked has stopped for good, and says so to whoever drains.
            let mut processor = processor.lock().unwrap_or_else(PoisonError::into_inner);
            serve(&mut processor, &clock, &stop);
        };
        let name = THREAD_NAME.to_owned();
        let thread = thread::Builder::new().name(name).spawn(work);
        threads.running = Some(thread.map_err(ServeError::System)?);
        threads.has_run = true;
        Ok(())
    }

    /// Ends the thread when it comes back from the turn it is in, for at most `patience`. What it
    /// has not passed stays where it is: drain before, or behind it. Nothing happens if none runs.
    ///
    /// # Errors
    /// [`ServeError::Inside`], and it may be asked again; [`ServeError::Panicked`].
    pub fn stop(&self, patience: Duration) -> Result<(), ServeError> {
        let mut threads = self.threads();
        let Some(thread) = threads.running.as_ref() else {
            return Ok(());
        };
        self.stop.stop();
        self.board.bell.wake();
        let never = StopFlag::default();
        let watch = Watch {
            stop: &never,
            patience,
        };
        let is_over = || (thread.is_finished().then_some(()), 0);
        if watch.wait_for(is_over) != Waited::Done(()) {
            return Err(ServeError::Inside { patience });
        }
        let ended = threads.running.take().map(JoinHandle::join);
        match ended {
            Some(Err(_)) => Err(ServeError::Panicked),
            _ => Ok(()),
        }
    }
}

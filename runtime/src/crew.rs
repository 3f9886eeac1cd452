//! Threads that go on behind the call that started them: for whoever has no body to lend them to.
//!
//! Guarantees: they step and rest as those of [`threads`] do, and ending them takes bounded time. A
//! thread that does not come back from its machine is neither joined nor forgotten: the crew stays,
//! and can be asked to end again. Refuses to own a scheduler: what the threads step is the
//! caller's, moved in and dropped when its thread ends. Called by libfinbox.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use thiserror::Error;

use crate::threads::{self, DispatchRole, HandlerRole, Running};
use crate::wait::{RestPolicy, StopFlag, Waited, Watch};

/// Why a crew did not end as it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CrewError {
    /// Threads have not come back from their passes; they may be asked again.
    #[error("{threads} of the threads have not come back from their machine within {patience:?}")]
    Inside {
        /// How many.
        threads: usize,
        /// How long they were waited for.
        patience: Duration,
    },
    /// All have ended, and some by a panic.
    #[error("a thread of the scheduler panicked; what it was doing is left as it was")]
    Panicked,
}

/// The threads of one scheduler.
#[derive(Debug)]
pub struct Crew {
    running: Arc<Running>,
    threads: Vec<JoinHandle<()>>,
    has_panicked: bool,
}

impl Crew {
    /// Starts a thread for each of `handlers` and one for `dispatcher`. If one could not be
    /// started, those that were are asked to end and the crew comes back beside the error.
    ///
    /// # Errors
    /// The operating system's.
    pub fn start<H, D>(
        policy: RestPolicy,
        handlers: Vec<H>,
        dispatcher: D,
    ) -> Result<Self, (Self, io::Error)>
    where
        H: HandlerRole + Send + 'static,
        D: DispatchRole + Send + 'static,
    {
        let running = Arc::new(Running::new(policy, handlers.len()));
        let finished = handlers.iter().map(H::finished);
        running.begin(finished.chain([dispatcher.finished()]));
        let mut crew = Self {
            running,
            threads: Vec::new(),
            has_panicked: false,
        };
        match crew.spawn_all(handlers, dispatcher) {
            Ok(()) => Ok(crew),
            Err(error) => {
                crew.running.end();
                Err((crew, error))
            }
        }
    }

    fn spawn_all<H, D>(&mut self, handlers: Vec<H>, dispatcher: D) -> io::Result<()>
    where
        H: HandlerRole + Send + 'static,
        D: DispatchRole + Send + 'static,
    {
        for (index, handler) in handlers.into_iter().enumerate() {
            let running = Arc::clone(&self.running);
            let work = move || threads::handle_fins(&running, index, vec![handler]);
            self.spawn(threads::handler_name(index), work)?;
        }
        let running = Arc::clone(&self.running);
        let work = move || threads::dispatch(&running, vec![dispatcher]);
        self.spawn(threads::DISPATCH_NAME.to_owned(), work)
    }

    fn spawn(&mut self, name: String, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let thread = thread::Builder::new().name(name).spawn(work)?;
        self.threads.push(thread);
        Ok(())
    }

    /// The threads, to wake them and to see whether they live.
    pub const fn running(&self) -> &Arc<Running> {
        &self.running
    }

    /// Ends the threads, and waits for each to come back from the pass it is in, for at most
    /// `patience` together. May be called again.
    ///
    /// # Errors
    /// [`CrewError`].
    pub fn stop(&mut self, patience: Duration) -> Result<(), CrewError> {
        self.running.end();
        let stop = StopFlag::default();
        let watch = Watch {
            stop: &stop,
            patience,
        };
        let threads = &self.threads;
        let waited = watch.wait_for(|| {
            let is_over = threads.iter().all(JoinHandle::is_finished);
            (is_over.then_some(()), 0)
        });
        for thread in self.threads.extract_if(.., |thread| thread.is_finished()) {
            self.has_panicked |= thread.join().is_err();
        }
        match (waited, self.threads.len()) {
            (_, 0) if self.has_panicked => Err(CrewError::Panicked),
            (Waited::Done(()), _) | (_, 0) => Ok(()),
            (_, threads) => Err(CrewError::Inside { threads, patience }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Crew, CrewError};
    use crate::threads::{DispatchRole, HandlerRole};
    use crate::wait::RestPolicy;
    use finbox_scheduler::{HandlerStep, Pass};
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::time::Duration;

    struct Idle;

    impl DispatchRole for Idle {
        fn pass(&mut self) -> Pass {
            Pass::default()
        }

        fn finished(&self) -> u64 {
            3
        }
    }

    /// Says that it is inside, and stays until somebody lets it go.
    struct Held {
        inside: Sender<()>,
        release: Receiver<()>,
    }

    impl HandlerRole for Held {
        fn pass(&mut self) -> HandlerStep {
            let _ = self.inside.send(());
            let _ = self.release.recv();
            HandlerStep::Idle
        }

        fn finished(&self) -> u64 {
            4
        }
    }

    #[test]
    fn a_thread_that_does_not_come_back_is_told_and_joined_when_it_does() {
        let ((said, inside), (let_go, release)) = (channel(), channel());
        let held = Held {
            inside: said,
            release,
        };
        let crew = Crew::start(RestPolicy::DEFAULT, vec![held], Idle);
        let mut crew = crew.map_err(|(_, error)| error).expect("two threads");
        assert_eq!(crew.running().finished(), 7, "before the first pass");
        inside.recv().expect("the handler's thread passes");
        let patience = Duration::from_millis(1);
        let inside = |threads| Err(CrewError::Inside { threads, patience });
        let mut ended = crew.stop(patience);
        while ended == inside(2) {
            // The dispatch thread, which nobody holds, has not come round to its end yet.
            ended = crew.stop(patience);
        }
        assert_eq!(ended, inside(1));
        drop(let_go);
        assert_eq!(crew.stop(Duration::from_secs(60)), Ok(()));
    }

    /// Panics at once; its end is seen at the channel's other end.
    struct Broken(#[expect(dead_code, reason = "dropped")] Sender<()>);

    impl HandlerRole for Broken {
        fn pass(&mut self) -> HandlerStep {
            panic!("a broken invariant")
        }

        fn finished(&self) -> u64 {
            0
        }
    }

    #[test]
    fn a_thread_that_panicked_is_told_at_the_end() {
        let (broken, is_over) = channel();
        let crew = Crew::start(RestPolicy::DEFAULT, vec![Broken(broken)], Idle);
        let mut crew = crew.map_err(|(_, error)| error).expect("two threads");
        assert!(is_over.recv().is_err(), "it panicked in its first pass");
        let ended = crew.stop(Duration::from_secs(60));
        assert_eq!(ended, Err(CrewError::Panicked));
    }
}

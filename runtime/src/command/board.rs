//! What processor and submitters share besides the ring: the mirror of the statistics, the last
//! answer and who waits for a later one, and the bell of the processor's thread.
//!
//! Mirror and answer are two things, and the answer comes second: who sees a fence answered sees
//! statistics that are at least as new, and so does who is woken by it.

use std::sync::PoisonError;
use std::thread::{self, Thread};

use super::evidence::{Snapshot, Statistics};
use super::processor::is_reached;
use crate::lock::{Mutex, MutexGuard};
use crate::wait::Sleeper;

/// Place for one command ring's answers. Made once, and lent to [`super::command_ring`].
#[derive(Debug)]
pub struct Board {
    mirror: Mutex<Snapshot>,
    answers: Mutex<Answers>,
    pub(crate) bell: Sleeper,
}

#[derive(Debug, Default)]
struct Answers {
    /// Every packet before this position is answered for.
    position: u64,
    /// Who waits, and for which position.
    waiters: Vec<(u64, Thread)>,
}

/// The calling thread waits for an answer: as long as this lives, the answer unparks it.
pub(crate) struct Waiter<'b>(&'b Board);

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let own = thread::current().id();
        let waiters = &mut self.0.answers().waiters;
        waiters.retain(|(_, thread)| thread.id() != own);
    }
}

impl Default for Board {
    fn default() -> Self {
        Self {
            mirror: Mutex::new(Snapshot {
                statistics: Statistics::default(),
                blocker: None,
                running: 0,
                revisits: 0,
                left: 0,
                halt: None,
            }),
            answers: Mutex::default(),
            bell: Sleeper::default(),
        }
    }
}

impl Board {
    /// The processor as it saw itself last.
    pub fn snapshot(&self) -> Snapshot {
        *self.mirror.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every packet before this position is answered for: it was passed, and whatever a snapshot
    /// that is taken from here on says is at least that new.
    pub fn answered(&self) -> u64 {
        self.answers().position
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the calling thread unparked when `target` is answered for, or never will be. Look at the
    /// snapshot behind this.
    pub(crate) fn await_answer(&self, target: u64) -> Waiter<'_> {
        self.answers().waiters.push((target, thread::current()));
        Waiter(self)
    }

    fn mirror(&self, snapshot: &Snapshot) {
        *self.mirror.lock().unwrap_or_else(PoisonError::into_inner) = *snapshot;
    }

    /// Publishes the mirror, then the answer, and wakes who waits for it.
    pub(crate) fn answer(&self, snapshot: &Snapshot) {
        self.mirror(snapshot);
        let position = snapshot.statistics.position;
        let mut answers = self.answers();
        answers.position = position;
        answers.waiters.retain(|(target, thread)| {
            let is_over = is_reached(position, *target) || snapshot.halt.is_some();
            if is_over {
                thread.unpark();
            }
            !is_over
        });
    }

    /// Before the ring has a life: nothing is passed, nothing is answered.
    pub(crate) fn begin(&self, position: u64) {
        let statistics = Statistics::begin(position);
        let empty = Self::default().snapshot();
        self.answer(&Snapshot {
            statistics,
            ..empty
        });
    }
}

#[cfg(test)]
mod tests {
    use super::Board;
    use crate::command::{Snapshot, Statistics};
    use crate::wait::{StopFlag, Waited, Watch};
    use std::thread;
    use std::time::Duration;

    #[test]
    fn c5_the_mirror_is_published_while_its_answer_is_still_held_up() {
        let board = Board::default();
        let (mut newer, stop) = (board.snapshot(), StopFlag::default());
        newer.statistics = Statistics::begin(5);
        let watch = Watch {
            stop: &stop,
            patience: Duration::from_secs(10),
        };
        thread::scope(|scope| {
            let held_up = board.answers();
            scope.spawn(|| board.answer(&newer));
            let look = |snapshot: Snapshot| (snapshot == newer).then_some(());
            let waited = watch.wait_for(|| (look(board.snapshot()), 0));
            assert_eq!((waited, held_up.position), (Waited::Done(()), 0));
        });
        assert_eq!(board.answered(), 5);
    }

    #[test]
    fn an_answer_unparks_who_waits_for_it_and_nobody_else() {
        let board = Board::default();
        let mut newer = board.snapshot();
        newer.statistics = Statistics::begin(5);
        thread::scope(|scope| {
            let early = scope.spawn(|| {
                let _waiter = board.await_answer(5);
                // Without limit: only the answer ends it.
                while board.answered() < 5 {
                    thread::park();
                }
            });
            while board.answers().waiters.is_empty() {
                thread::yield_now();
            }
            let _late = board.await_answer(6);
            board.answer(&newer);
            early.join().expect("it was unparked");
            assert_eq!(board.answers().waiters.len(), 1);
        });
        assert_eq!(board.answers().waiters.len(), 0);
    }
}

//! What processor and submitters share besides the ring: the mirror of the statistics, the last
//! answer, and the bell of the processor's thread.
//!
//! Mirror and answer are two things, and the answer comes second: who sees a fence answered sees
//! statistics that are at least as new.

use std::sync::PoisonError;

use super::evidence::{Snapshot, Statistics};
use crate::lock::Mutex;
use crate::wait::Sleeper;

/// Place for one command ring's answers. Made once, and lent to [`super::command_ring`].
#[derive(Debug)]
pub struct Board {
    mirror: Mutex<Snapshot>,
    answered: Mutex<u64>,
    pub(crate) bell: Sleeper,
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
            answered: Mutex::new(0),
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
        *self.answered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes the mirror.
    pub(crate) fn mirror(&self, snapshot: &Snapshot) {
        *self.mirror.lock().unwrap_or_else(PoisonError::into_inner) = *snapshot;
    }

    /// Publishes the mirror, and then the answer.
    pub(crate) fn answer(&self, snapshot: &Snapshot) {
        self.mirror(snapshot);
        *self.answered.lock().unwrap_or_else(PoisonError::into_inner) =
            snapshot.statistics.position;
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
            let held_up = board.answered.lock().expect("nobody panicked");
            scope.spawn(|| board.answer(&newer));
            let look = |snapshot: Snapshot| (snapshot == newer).then_some(());
            let waited = watch.wait_for(|| (look(board.snapshot()), 0));
            assert_eq!((waited, *held_up), (Waited::Done(()), 0));
        });
        assert_eq!(board.answered(), 5);
    }
}

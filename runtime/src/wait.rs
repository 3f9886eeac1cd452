//! The one way to wait for another thread: with patience, a stop flag, and a way to help.
//!
//! Threads that run passes rest between passes that saw nothing ([`Rest`]): they spin, then yield,
//! then park, at most a poll period that doubles from 20 µs to 1 ms; without limit only if nothing
//! can change silently. Everyone else waits through [`Watch::wait_for`].

use std::sync::OnceLock;
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use finbox_mailbox::WakeToken;
use finbox_mailbox::sync::AtomicU32;

use crate::edge;

const SPINS: u32 = 32;
const YIELDS: u32 = 16;
const SHORTEST: Duration = Duration::from_micros(20);
const LONGEST: Duration = Duration::from_millis(1);

/// A wish to end that every wait honours.
#[derive(Debug)]
pub struct StopFlag(AtomicU32);

impl Default for StopFlag {
    fn default() -> Self {
        Self(AtomicU32::new(0))
    }
}

impl StopFlag {
    /// Asks everyone to end.
    pub fn stop(&self) {
        // RELAXED: STOP carries nothing.
        self.0.store(1, edge::STOP);
    }

    /// Whether somebody asked.
    pub fn is_set(&self) -> bool {
        // RELAXED: STOP carries nothing.
        self.0.load(edge::STOP) != 0
    }
}

/// A thread that may park, and its token.
#[derive(Debug, Default)]
pub struct Sleeper {
    token: WakeToken,
    thread: OnceLock<Thread>,
}

impl Sleeper {
    /// Says that the calling thread is the one that sleeps here.
    ///
    /// # Panics
    /// If another thread said so before.
    pub fn adopt(&self) {
        let adopted = self.thread.set(thread::current());
        assert!(adopted.is_ok(), "a sleeper belongs to one thread");
    }

    /// Wakes the thread, or keeps it from parking.
    pub fn wake(&self) {
        if self.token.ring()
            && let Some(thread) = self.thread.get()
        {
            thread.unpark();
        }
    }
}

/// How a thread rests between passes that saw nothing: spin, yield, park.
#[derive(Debug)]
pub struct Rest {
    turns: u32,
    period: Duration,
}

impl Default for Rest {
    fn default() -> Self {
        Self {
            turns: 0,
            period: SHORTEST,
        }
    }
}

impl Rest {
    /// There was news: start from spinning.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// Whether the next rest may park: clear the token and look at everything once more first.
    #[must_use]
    fn may_park(&self) -> bool {
        self.turns >= SPINS + YIELDS
    }

    /// Spins or yields once; `false`: that was enough of it.
    fn is_brief(&mut self) -> bool {
        if self.may_park() {
            return false;
        }
        self.turns += 1;
        if self.turns <= SPINS {
            std::hint::spin_loop()
        } else {
            thread::yield_now()
        }
        true
    }

    fn next_period(&mut self) -> Duration {
        let period = self.period;
        self.period = (period * 2).min(LONGEST);
        period
    }

    /// Before a pass that may be the last one before parking: forget old rings. Look at the stop
    /// flag behind this. Whoever was rung starts from spinning: more may come in a moment.
    pub fn before_pass(&mut self, sleeper: &Sleeper) {
        if self.may_park() && sleeper.token.clear() {
            self.reset();
        }
    }

    /// After a pass that saw nothing. `watching`: something can change without a ring.
    pub fn after_pass(&mut self, sleeper: &Sleeper, watching: bool) {
        if self.is_brief() || !sleeper.token.try_park() {
            return;
        }
        match watching {
            true => thread::park_timeout(self.next_period()),
            false => thread::park(),
        }
    }
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Waited<T> {
    /// What was waited for.
    Done(T),
    /// Nothing moved for as long as patience lasts.
    NoProgress,
    /// Somebody asked to stop.
    Stopped,
}

/// The patience of a wait.
#[derive(Clone, Copy, Debug)]
pub struct Watch<'a> {
    /// Ends every wait.
    pub stop: &'a StopFlag,
    /// How long nothing may move.
    pub patience: Duration,
}

impl Watch<'_> {
    /// Calls `check` until it gives something. `check` may help; it returns a sign of life beside
    /// the result, any number that changes whenever something moved.
    pub fn wait_for<T>(&self, mut check: impl FnMut() -> (Option<T>, u64)) -> Waited<T> {
        let mut rest = Rest::default();
        let mut last_life = None;
        let mut since = Instant::now();
        loop {
            let (result, life) = check();
            if let Some(result) = result {
                return Waited::Done(result);
            }
            if self.stop.is_set() {
                return Waited::Stopped;
            }
            if last_life != Some(life) {
                last_life = Some(life);
                since = Instant::now();
                rest.reset();
            } else if since.elapsed() >= self.patience {
                return Waited::NoProgress;
            }
            if !rest.is_brief() {
                thread::park_timeout(rest.next_period());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Rest, SPINS, Sleeper, StopFlag, Waited, Watch, YIELDS};
    use std::time::Duration;

    #[test]
    fn whoever_is_rung_starts_from_spinning() {
        let (sleeper, mut rest) = (Sleeper::default(), Rest::default());
        while rest.is_brief() {}
        rest.before_pass(&sleeper);
        assert!(rest.may_park(), "nobody rang");
        sleeper.wake();
        rest.before_pass(&sleeper);
        assert!((0..SPINS + YIELDS).all(|_| rest.is_brief()));
        assert!(rest.may_park());
    }

    #[test]
    fn a_wait_without_progress_ends() {
        let stop = StopFlag::default();
        let watch = Watch {
            stop: &stop,
            patience: Duration::from_millis(5),
        };
        assert_eq!(watch.wait_for(|| (None::<()>, 7)), Waited::NoProgress);
    }

    #[test]
    fn signs_of_life_keep_a_wait_going() {
        let stop = StopFlag::default();
        let watch = Watch {
            stop: &stop,
            patience: Duration::from_millis(5),
        };
        let mut life = 0;
        let waited = watch.wait_for(|| {
            life += 1;
            ((life == 1000).then_some(life), life)
        });
        assert_eq!(waited, Waited::Done(1000));
    }

    #[test]
    fn a_stop_ends_every_wait() {
        let stop = StopFlag::default();
        stop.stop();
        let watch = Watch {
            stop: &stop,
            patience: Duration::from_secs(1000),
        };
        assert_eq!(watch.wait_for(|| (None::<()>, 0)), Waited::Stopped);
    }
}

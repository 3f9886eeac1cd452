//! The one way to wait for another thread: with patience, a stop flag, and a way to help.
//!
//! Threads that run passes rest between passes that saw nothing ([`Rest`]): they spin, yield and
//! park as their [`RestPolicy`] says, and park for a period that doubles, without limit only if
//! nothing can change silently. Everyone else waits through [`Watch::wait_for`].

use std::sync::OnceLock;
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use finbox_mailbox::WakeToken;
use finbox_mailbox::sync::AtomicU32;

use crate::edge;

/// When a thread that sees nothing spins, yields and parks. A parked one costs nothing and takes
/// longest to wake: `cargo bench -p finbox-benches --bench wake` measures by how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestPolicy {
    /// Passes without news with a spin hint behind them.
    pub spins: u32,
    /// Passes after these with a yield behind them.
    pub yields: u32,
    /// What comes then: the shortest and the longest time to park while something can change
    /// without a ring. `None`: it goes on spinning, and keeps a core busy.
    pub parks: Option<[Duration; 2]>,
}

impl RestPolicy {
    /// Never parks.
    pub const BUSY: Self = Self {
        spins: 0,
        yields: 0,
        parks: None,
    };

    /// 48 spins, then parks of 20 µs to 1 ms. No yields: a thread that yielded before it parked
    /// is late when it is woken, by milliseconds under Linux's EEVDF scheduler.
    pub const DEFAULT: Self = Self {
        spins: 48,
        yields: 0,
        parks: Some([Duration::from_micros(20), Duration::from_millis(1)]),
    };
}

impl Default for RestPolicy {
    fn default() -> Self {
        Self::DEFAULT
    }
}

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

    /// Whether a thread sleeps here, or did.
    pub fn is_adopted(&self) -> bool {
        self.thread.get().is_some()
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

/// How a thread rests between passes that saw nothing, and how far it came with that.
#[derive(Debug)]
pub struct Rest {
    policy: RestPolicy,
    turns: u32,
    /// Parks since there was news, as far as they change the next one's period.
    parks: u32,
}

impl Default for Rest {
    fn default() -> Self {
        Self::new(RestPolicy::DEFAULT)
    }
}

impl Rest {
    /// Rests as `policy` says.
    pub const fn new(policy: RestPolicy) -> Self {
        Self {
            policy,
            turns: 0,
            parks: 0,
        }
    }

    /// There was news: start from spinning.
    pub fn reset(&mut self) {
        *self = Self::new(self.policy);
    }

    /// Whether the next rest may park: clear the token and look at everything once more first.
    #[must_use]
    fn may_park(&self) -> bool {
        let RestPolicy { spins, yields, .. } = self.policy;
        self.policy.parks.is_some() && self.turns >= spins.saturating_add(yields)
    }

    /// Spins or yields once; `false`: that was enough of it.
    fn is_brief(&mut self) -> bool {
        if self.may_park() {
            return false;
        }
        self.turns = self.turns.saturating_add(1);
        let yields = self.policy.spins..self.policy.spins.saturating_add(self.policy.yields);
        match yields.contains(&(self.turns - 1)) {
            true => thread::yield_now(),
            false => std::hint::spin_loop(),
        }
        true
    }

    fn next_period(&mut self) -> Duration {
        let [shortest, longest] = self.policy.parks.unwrap_or_default();
        let period = shortest
            .saturating_mul(1 << self.parks.min(31))
            .min(longest);
        self.parks += u32::from(period < longest);
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
    use super::{Rest, RestPolicy, Sleeper, StopFlag, Waited, Watch};
    use std::time::Duration;

    #[test]
    fn whoever_is_rung_starts_from_spinning() {
        let (sleeper, mut rest) = (Sleeper::default(), Rest::default());
        while rest.is_brief() {}
        rest.before_pass(&sleeper);
        assert!(rest.may_park(), "nobody rang");
        sleeper.wake();
        rest.before_pass(&sleeper);
        let RestPolicy { spins, yields, .. } = RestPolicy::DEFAULT;
        assert!((0..spins + yields).all(|_| rest.is_brief()));
        assert!(rest.may_park());
    }

    #[test]
    fn parks_double_from_the_shortest_to_the_longest_and_begin_anew_behind_news() {
        let mut rest = Rest::default();
        let periods: Vec<u128> = (0..8).map(|_| rest.next_period().as_micros()).collect();
        assert_eq!(periods, [20, 40, 80, 160, 320, 640, 1000, 1000]);
        rest.reset();
        assert_eq!(rest.next_period().as_micros(), 20);
    }

    #[test]
    fn the_busy_policy_never_parks() {
        let (sleeper, mut rest) = (Sleeper::default(), Rest::new(RestPolicy::BUSY));
        sleeper.adopt();
        for _ in 0..100_000 {
            rest.before_pass(&sleeper);
            rest.after_pass(&sleeper, false);
        }
        assert!(rest.is_brief());
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

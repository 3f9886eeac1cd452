//! Who holds the wait list's lock at a time, in virtual time.
//!
//! A step's effects hold from its beginning, so in lockstep no `try_lock` ever fails; what waiting
//! for the lock costs is reckoned here. It matters to the `locked` baseline alone: with the
//! mailbox nobody waits for the lock. A poller that naps still polls in the story that is told, and
//! holds the lock for a part of each of its periods.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::shared::Shared;

/// The polls of a dispatch thread that naps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Polls {
    /// When the next one begins.
    first_ns: u64,
    /// Their distance.
    period_ns: u64,
    /// For how long each holds the lock.
    hold_ns: u64,
}

impl Polls {
    /// Until when the last poll before `at_ns` held the lock; 0 if there was none. `already`: a
    /// poll at exactly that time came before.
    fn held_until(&self, at_ns: u64, already: bool) -> u64 {
        let before = at_ns + u64::from(already);
        let Some(since) = before.checked_sub(self.first_ns + 1) else {
            return 0;
        };
        let began = before - 1 - since.checked_rem(self.period_ns).unwrap_or(0);
        began + self.hold_ns
    }
}

/// One rank's lock.
#[derive(Debug, Default)]
pub(super) struct LockClock {
    free_ns: AtomicU64,
    /// For how long the dispatch thread held it last.
    hold_ns: AtomicU64,
    polls: Shared<Option<Polls>>,
}

impl LockClock {
    /// How long whoever wants the lock at `at_ns` waits for it.
    pub(super) fn wait_ns(&self, at_ns: u64) -> u64 {
        // RELAXED, here and below: virtual time has one thread.
        self.free_ns.load(Ordering::Relaxed).saturating_sub(at_ns)
    }

    /// The lock is given back at `at_ns`.
    pub(super) fn release(&self, at_ns: u64) {
        self.free_ns.fetch_max(at_ns, Ordering::Relaxed);
    }

    /// The dispatch thread holds it, since a step that began at `since_ns` took it: until `at_ns`.
    pub(super) fn release_by_poller(&self, since_ns: u64, at_ns: u64) {
        self.release(at_ns);
        self.hold_ns.store(at_ns - since_ns, Ordering::Relaxed);
    }

    /// The dispatch thread naps: its next poll would begin at `first_ns`, and so on.
    pub(super) fn nap(&self, first_ns: u64, period_ns: u64) {
        let hold_ns = self.hold_ns.load(Ordering::Relaxed);
        *self.polls.lock() = Some(Polls {
            first_ns,
            period_ns,
            hold_ns,
        });
    }

    /// Somebody acts at `now_ns`: the last poll slept through may still hold the lock. `already`: a
    /// poll at exactly that time came before.
    pub(super) fn look(&self, now_ns: u64, already: bool) {
        let polls = *self.polls.lock();
        if let Some(polls) = polls {
            self.release(polls.held_until(now_ns, already));
        }
    }

    /// The dispatch thread naps no more.
    pub(super) fn wake(&self) {
        *self.polls.lock() = None;
    }
}

#[cfg(test)]
mod tests {
    use super::LockClock;

    #[test]
    fn who_comes_while_it_is_held_waits_for_its_end() {
        let lock = LockClock::default();
        lock.release(100);
        assert_eq!((lock.wait_ns(40), lock.wait_ns(100)), (60, 0));
    }

    #[test]
    fn a_napping_poller_holds_it_for_a_part_of_every_period() {
        let lock = LockClock::default();
        lock.release_by_poller(500, 570);
        lock.nap(1_000, 100);
        let wait = |at, already| {
            lock.look(at, already);
            lock.wait_ns(at)
        };
        assert_eq!([wait(999, true), wait(1_000, false)], [0, 0]);
        assert_eq!([wait(1_000, true), wait(1_069, false)], [70, 1]);
        assert_eq!([wait(1_070, false), wait(1_530, false)], [0, 40]);
        lock.wake();
        assert_eq!(wait(1_700, true), 0);
    }
}

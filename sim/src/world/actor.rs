//! The acting threads of a lockstep world, and the arithmetic of polls that see nothing.
//!
//! A thread whose step saw nothing naps instead of being stepped again and again. When something
//! happens that it could see, it resumes at the first poll it would have taken afterwards, and the
//! polls in between are charged as if they had been taken.

use finbox_runtime::Config;
use finbox_scheduler::{RETRY_BUDGET, SETTLE_BUDGET};

use super::jitter::Jitter;

/// A thread that polls in vain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nap {
    /// When it would poll next.
    pub(super) first_ns: u64,
    /// Its polls' distance in ns; None: it does not poll, it waits to be rung.
    pub(super) period_ns: Option<u64>,
    /// Conditions looked at by one poll.
    pub(super) polled: u32,
    /// Cores that its polls go round.
    pub(super) busy: u128,
}

/// When a nap ends, and how many polls were slept through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Awake {
    pub(super) at_ns: u64,
    pub(super) skipped: u64,
}

impl Nap {
    /// Polls nothing but cores, from `first_ns` on.
    pub(super) const fn new(first_ns: u64, period_ns: Option<u64>, busy: u128) -> Self {
        Self {
            first_ns,
            period_ns,
            polled: 0,
            busy,
        }
    }

    /// Ends the nap because of something that happens at `now_ns`. `already`: a poll at exactly
    /// that time would have come before it.
    pub(super) fn end(&self, now_ns: u64, already: bool) -> Awake {
        let Some(period) = self.period_ns else {
            return Awake {
                at_ns: self.first_ns.max(now_ns),
                skipped: 0,
            };
        };
        let mut skipped = now_ns.saturating_sub(self.first_ns).div_ceil(period);
        let mut at_ns = self.first_ns + skipped * period;
        if at_ns == now_ns && already {
            (skipped, at_ns) = (skipped + 1, at_ns + period);
        }
        Awake { at_ns, skipped }
    }
}

/// Naps, order and counts of all acting threads.
#[derive(Debug)]
pub(super) struct Actors {
    naps: Vec<Option<Nap>>,
    keys: Vec<u64>,
    productive: Vec<u64>,
    /// Steps in a row that saw nothing, since somebody last called.
    quiet: Vec<u32>,
    /// When each is called at the latest, as long as that is not earlier than it wants.
    alarms: Vec<Option<u64>>,
}

impl Actors {
    /// `count` actors, all awake.
    pub(super) fn new(count: usize, jitter: Jitter) -> Self {
        let keys = (0..count)
            .map(|actor| jitter.rank_of_actor(actor))
            .collect();
        Self {
            naps: vec![None; count],
            keys,
            productive: vec![0; count],
            quiet: vec![0; count],
            alarms: vec![None; count],
        }
    }

    /// Its place among actors at one time.
    #[inline]
    pub(super) fn key(&self, actor: usize) -> u64 {
        self.keys[actor]
    }

    /// Counts a productive step; returns how many came before.
    #[inline]
    pub(super) fn count_productive(&mut self, actor: usize) -> u64 {
        let before = self.productive[actor];
        self.productive[actor] += 1;
        self.quiet[actor] = 0;
        before
    }

    /// Counts a step that saw nothing; returns how many it makes in a row, since the actor's last
    /// productive step and since somebody last called it. One that looks at a part of the world at
    /// a time may nap only when such steps have covered everything: nobody calls it again for what
    /// happened in a part that it had passed.
    pub(super) fn saw_nothing(&mut self, actor: usize) -> u32 {
        self.quiet[actor] += 1;
        self.quiet[actor]
    }

    /// An actor wants to be called at `at_ns`, if it naps then. `true`: nobody calls it as early.
    pub(super) fn set_alarm(&mut self, actor: usize, at_ns: u64) -> bool {
        let is_new = self.alarms[actor].is_none_or(|alarm| at_ns < alarm);
        if is_new {
            self.alarms[actor] = Some(at_ns);
        }
        is_new
    }

    /// The time of an alarm has come; whether it is the one that stands.
    pub(super) fn take_alarm(&mut self, actor: usize, at_ns: u64) -> bool {
        let stands = self.alarms[actor] == Some(at_ns);
        if stands {
            self.alarms[actor] = None;
        }
        stands
    }

    /// Lays an actor down.
    #[inline]
    pub(super) fn lay_down(&mut self, actor: usize, nap: Nap) {
        self.naps[actor] = Some(nap);
    }

    /// Calls an actor; whether it naps.
    #[inline]
    pub(super) fn naps(&mut self, actor: usize) -> bool {
        self.quiet[actor] = 0;
        self.naps[actor].is_some()
    }

    /// Calls an actor; takes its nap, if it naps.
    #[inline]
    pub(super) fn rouse(&mut self, actor: usize) -> Option<Nap> {
        self.quiet[actor] = 0;
        self.get_up(actor)
    }

    /// An actor gets up by itself; takes its nap, if it naps.
    #[inline]
    pub(super) fn get_up(&mut self, actor: usize) -> Option<Nap> {
        self.naps[actor].take()
    }
}

/// After how many passes in a row without news a dispatch thread has looked at everything: at all
/// conditions, and, in two laps since room may come in the midst of one, at all that lack room.
pub(super) fn pieces_of(config: &Config) -> u32 {
    let conditions = config.condition_room.div_ceil(SETTLE_BUDGET);
    conditions.max(2 * config.all_task_slots().div_ceil(RETRY_BUDGET))
}

#[cfg(test)]
mod tests {
    use super::{Awake, Nap};

    #[test]
    fn a_nap_ends_on_the_grid_of_its_polls() {
        let nap = Nap {
            first_ns: 100,
            period_ns: Some(30),
            polled: 0,
            busy: 1,
        };
        assert_eq!(
            nap.end(50, false),
            Awake {
                at_ns: 100,
                skipped: 0
            }
        );
        assert_eq!(
            nap.end(101, false),
            Awake {
                at_ns: 130,
                skipped: 1
            }
        );
        assert_eq!(
            nap.end(130, false),
            Awake {
                at_ns: 130,
                skipped: 1
            }
        );
        assert_eq!(
            nap.end(130, true),
            Awake {
                at_ns: 160,
                skipped: 2
            }
        );
        assert_eq!(
            nap.end(100, true),
            Awake {
                at_ns: 130,
                skipped: 1
            }
        );
    }

    #[test]
    fn a_thread_that_waits_to_be_rung_resumes_at_once() {
        let nap = Nap {
            first_ns: 100,
            period_ns: None,
            polled: 0,
            busy: 0,
        };
        assert_eq!(
            nap.end(500, true),
            Awake {
                at_ns: 500,
                skipped: 0
            }
        );
    }
}

//! Carrying out by the wall clock what goes wrong with more than one core.
//!
//! Device threads reset their own devices; everything else they tell the caller's thread, which
//! does it when it next comes by. Until a wait list is held that is to be, all devices stand still:
//! else a short run would be over before.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use finbox_mailbox::Guard;
use finbox_runtime::threads::Running;
use finbox_runtime::wait::StopFlag;
use finbox_scheduler::{Scheduler, WaitDesk};

use super::Stepped;
use crate::fault::{Injected, Injector, SharedRanks, Strike};
use crate::shared::Shared;

/// What device threads and the caller have to tell each other.
#[derive(Debug, Default)]
pub(super) struct Struck {
    told: Shared<(Injected, Vec<Strike>)>,
    /// Ranks that were declared dead.
    dead: SharedRanks,
    /// Wait lists that are to be held and are not yet.
    awaited: AtomicU64,
    /// Ranks whose wait list is held, or was to the end.
    held: SharedRanks,
}

impl Struck {
    /// Adds what the injector of one thread counted.
    pub(super) fn count(&self, injected: &Injected) {
        let mut told = self.told.lock();
        told.0.merge(injected);
    }

    /// Whether the caller is to hold a wait list and has not come by yet.
    pub(super) fn is_awaited(&self) -> bool {
        self.awaited.load(Ordering::Acquire) > 0
    }

    /// Whether the wait list of `rank` is held, or was to the end.
    pub(super) fn is_held(&self, rank: usize) -> bool {
        self.held.has(rank)
    }

    /// What all counted.
    pub(super) fn injected(&self) -> Injected {
        self.told.lock().0
    }
}

/// Resets the devices of this thread that are struck so.
pub(super) fn resets(strikes: &[Strike], stepped: &mut [Stepped<'_>], now: u64) {
    for &strike in strikes {
        let Strike::Reset { rank } = strike else {
            continue;
        };
        let is_hit = |one: &&mut Stepped<'_>| one.device.rank() as usize == rank;
        if let Some(one) = stepped.iter_mut().find(is_hit) {
            let Stepped {
                device,
                cores,
                programs,
            } = one;
            device.begin_reset();
            if let Some(workers) = &mut programs.workers {
                workers.reset(now);
            }
            cores
                .iter_mut()
                .for_each(|core| core.reset(device.registers()));
        }
    }
}

/// Tells the caller what struck, and `injector` who is dead.
pub(super) fn tell(injector: &mut Injector, struck: &Struck, strikes: Vec<Strike>) {
    injector.declare_dead(struck.dead.all());
    if !strikes.is_empty() {
        let holds = |strike: &&Strike| matches!(strike, Strike::HoldList { .. });
        let awaited = strikes.iter().filter(holds).count() as u64;
        struck.awaited.fetch_add(awaited, Ordering::AcqRel);
        let mut told = struck.told.lock();
        told.1.extend(strikes);
    }
}

/// Wait lists that somebody else holds, by rank, and until when. Whoever gives them back at the end
/// has stopped the threads before: else they would go on, and the report would find nobody stuck.
pub(super) struct Held<'s, 'm> {
    stop: &'s StopFlag,
    schedulers: &'s [&'s Scheduler<'m>],
    guards: Vec<Option<Guard<'s, WaitDesk<'m>>>>,
    until: Vec<Option<Instant>>,
    wanted: Vec<Strike>,
}

impl<'s, 'm> Held<'s, 'm> {
    pub(super) fn new(schedulers: &'s [&'s Scheduler<'m>], stop: &'s StopFlag) -> Self {
        Self {
            stop,
            schedulers,
            guards: schedulers.iter().map(|_| None).collect(),
            until: vec![None; schedulers.len()],
            wanted: Vec::new(),
        }
    }

    /// Does what device threads told, and ends what is over.
    pub(super) fn strike(&mut self, struck: &Struck, running: &Running) {
        let now = Instant::now();
        let lists = self.guards.iter_mut().zip(&mut self.until);
        for (rank, (guard, until)) in lists.enumerate() {
            if until.is_some_and(|until| until <= now) {
                (*guard, *until) = (None, None);
                struck.held.remove(rank);
                running.wake_dispatch();
            }
        }
        let mut told = struck.told.lock();
        self.wanted.append(&mut told.1);
        drop(told);
        if self.wanted.is_empty() {
            return;
        }
        let wanted = std::mem::take(&mut self.wanted);
        self.wanted = wanted
            .into_iter()
            .filter(|&strike| !self.carry_out(strike, struck, now))
            .collect();
        running.wake_dispatch();
    }

    /// `false`: not now.
    fn carry_out(&mut self, strike: Strike, struck: &Struck, now: Instant) -> bool {
        match strike {
            Strike::HoldList { rank, for_ns } => {
                let guard = &mut self.guards[rank];
                let is_for_ever = guard.is_some() && self.until[rank].is_none();
                if guard.is_none() {
                    *guard = self.schedulers[rank].wait_list().try_lock();
                }
                if guard.is_none() {
                    return false;
                }
                if !is_for_ever {
                    self.until[rank] = for_ns.map(|ns| now + Duration::from_nanos(ns));
                }
                struck.held.add(rank);
                struck.awaited.fetch_sub(1, Ordering::AcqRel);
                true
            }
            Strike::Reset { .. } => true,
            Strike::Dies { rank } => {
                struck.dead.add(rank);
                let others = self.schedulers.iter().enumerate();
                for (_, other) in others.filter(|&(other, _)| other != rank) {
                    other.peer_dead(u32::try_from(rank).expect("a run has at most 1024 ranks"));
                }
                true
            }
        }
    }
}

impl Drop for Held<'_, '_> {
    fn drop(&mut self) {
        self.stop.stop();
    }
}

//! Persistent workers by the wall clock: device threads poll for them, and the caller heeds what
//! they tell.
//!
//! A core cannot wake a thread of the host. So a device thread whose cores serve polls on, and
//! unparks the caller when something was told, who wakes the dispatch thread, and closes work rings
//! of which all items have finished.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, Thread};

use finbox_runtime::threads::Running;
use finbox_scheduler::{Ledger, Scheduler};

use crate::device::Core;
use crate::shared::Shared;
use crate::workload::{Noted, Programs, Workers};
use crate::world::recorder::Recorder;

/// What workers have told, over all ranks.
#[derive(Debug)]
pub(super) struct Told {
    /// Who heeds it.
    caller: Thread,
    /// Messages that mailboxes accepted, so far.
    accepted: AtomicU64,
    /// Messages that condemned mailboxes refused.
    unsaid: AtomicU64,
    /// How often workers were told to be gone.
    losses: AtomicU64,
    /// What the workers of threads that have ended counted.
    ledger: Shared<Ledger>,
}

impl Told {
    /// Nothing yet; the calling thread heeds it.
    pub(super) fn to_caller() -> Self {
        Self {
            caller: thread::current(),
            accepted: AtomicU64::new(0),
            unsaid: AtomicU64::new(0),
            losses: AtomicU64::new(0),
            ledger: Shared::default(),
        }
    }

    /// Counts what the workers of a rank did since this was asked last; whether they did anything.
    pub(super) fn note(&self, programs: &mut Programs<'_>, now: u64) -> bool {
        let Some(workers) = &mut programs.workers else {
            return false;
        };
        let mut is_news = workers.tell_losses(now);
        if is_news {
            self.losses.fetch_add(1, Ordering::AcqRel);
        }
        let notes = workers.take_notes();
        for note in &notes {
            match note.what {
                Noted::Took | Noted::Did => continue,
                Noted::Told => self.accepted.fetch_add(1, Ordering::AcqRel),
                Noted::Unsaid => self.unsaid.fetch_add(1, Ordering::AcqRel),
            };
            is_news = true;
        }
        if is_news {
            self.caller.unpark();
        }
        !notes.is_empty()
    }

    /// Adds what the workers of a rank counted, at its thread's end.
    pub(super) fn add(&self, ledger: &Ledger) {
        self.ledger.lock().merge(ledger);
    }

    /// What all counted.
    pub(super) fn ledger(&self) -> Ledger {
        *self.ledger.lock()
    }
}

/// Lets the workers of a rank look at its work ring.
pub(super) fn poke(programs: &Programs<'_>, cores: &mut [Core], now: u64) {
    if programs.workers.as_ref().is_some_and(Workers::are_any) {
        for core in cores {
            let _polls_in_vain = core.poke(now);
        }
    }
}

/// What the caller has heeded of all that.
pub(super) struct Heed<'a> {
    told: &'a Told,
    accepted: u64,
    unsaid: u64,
    losses: u64,
}

impl<'a> Heed<'a> {
    /// Nothing yet.
    pub(super) fn new(told: &'a Told) -> Self {
        Self {
            told,
            accepted: 0,
            unsaid: 0,
            losses: 0,
        }
    }

    /// Heeds what is new.
    pub(super) fn look(
        &mut self,
        recorder: &Recorder<'_>,
        schedulers: &[&Scheduler<'_>],
        running: &Running,
    ) {
        let accepted = self.told.accepted.load(Ordering::Acquire);
        let unsaid = self.told.unsaid.load(Ordering::Acquire);
        let losses = self.told.losses.load(Ordering::Acquire);
        if unsaid > self.unsaid {
            // Whose it was is not known here: the others find nothing that is unsaid.
            schedulers.iter().for_each(|one| one.work_unsaid());
        }
        if (accepted, unsaid, losses) != (self.accepted, self.unsaid, self.losses) {
            (self.accepted, self.unsaid, self.losses) = (accepted, unsaid, losses);
            running.wake_dispatch();
        }
        for (rank, scheduler) in schedulers.iter().enumerate() {
            let ring = scheduler.work_ring().filter(|ring| !ring.is_closed());
            if let Some(ring) = ring.filter(|_| recorder.is_ring_over(rank)) {
                ring.close();
            }
        }
    }
}

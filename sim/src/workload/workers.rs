//! Persistent workers: what a core does whose kernel serves the rank's work ring.
//!
//! A worker takes an item, scans what the item names, pushes WORK_DONE into the rank's mailbox, and
//! then gives the position up and looks for the next. Guarantees: no more than one item in a
//! worker's hands, and it is there until a message about it is in the mailbox, so that a worker
//! which dies at any moment leaves its item or has told of it; it ends when the ring is closed and
//! everything in it was taken. Refuses to know tasks: an item has its slot's index.
//!
//! Everything here goes through the runtime's group, the work ring and the mailbox that ship; only what things cost is
//! modelled. Called by [`Programs`](super::Programs); the worlds poke workers that poll in vain,
//! and take what they are told ([`Workers::take_notes`]).

use std::collections::VecDeque;
use std::num::NonZeroU32;

use finbox_mailbox::work::{NoWork, Work};
use finbox_runtime::persistent::{Group, GroupWorker, Said};
use finbox_scheduler::{CoreId, Ledger};

use super::op::Op;
use super::service::Service;
use crate::device::{Device, Next};

/// Something that a worker did, for whoever records, counts or must act upon it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// The worker's core.
    pub core: CoreId,
    /// Where the item stood in the ring.
    pub position: u64,
    /// The index of its task's slot.
    pub slot: u32,
    /// What.
    pub what: Noted,
}

/// What a worker did with an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    /// Took it.
    Took,
    /// Has done it. Nobody was told yet.
    Did,
    /// Pushed a message about it.
    Told,
    /// The mailbox, which is condemned, took no message about it.
    Unsaid,
}

/// The workers of a rank.
#[derive(Debug)]
pub struct Workers<'a> {
    group: Group<'a>,
    service: Service,
    /// By core.
    crew: Vec<Option<AtWork<'a>>>,
    notes: Vec<Note>,
    sight: Sight,
    /// Items that were taken: the position of the next one.
    taken: u64,
}

/// What workers can see of the ring yet, in virtual time: a dispatch thread's step changes memory
/// when it begins, and nobody is to see that before the step has come so far.
#[derive(Debug, Default)]
struct Sight {
    /// From when on items before a position can be seen; in order.
    offered: VecDeque<(u64, u64)>,
    /// From when on the ring can be seen to be closed.
    closed_ns: u64,
    /// Whether every look is taken, instead of being slept through.
    takes_all: bool,
}

impl Sight {
    /// Whether the item at `position`, if there is one, can be seen at `now`.
    fn has(&mut self, position: u64, now: u64) -> bool {
        while self
            .offered
            .front()
            .is_some_and(|&(end, _)| end <= position)
        {
            self.offered.pop_front();
        }
        self.offered.front().is_none_or(|&(_, at_ns)| at_ns <= now)
    }

    /// What follows a look that found nothing.
    fn nothing(&self, poll_ns: u64) -> Next {
        match self.takes_all {
            true => Next::GoOn(poll_ns.max(1)),
            false => Next::Poll(poll_ns),
        }
    }
}

/// One of them.
#[derive(Debug)]
struct AtWork<'a> {
    worker: GroupWorker<'a>,
    at: At,
}

#[derive(Clone, Copy, Debug)]
enum At {
    /// Looks for an item.
    Looking,
    /// Has been at one since the last stretch began.
    Working(Work),
    /// Is done with one, and has to say so.
    Telling(Work),
}

impl<'a> Workers<'a> {
    /// None yet, for `device`, in a `group` of their own.
    pub fn new(device: &Device, service: Service, group: Group<'a>) -> Self {
        let crew = device.core_ids().map(|_| None).collect();
        Self {
            group,
            service,
            crew,
            notes: Vec::new(),
            sight: Sight::default(),
            taken: 0,
        }
    }

    /// Every look is taken, instead of being slept through.
    pub fn take_every_look(&mut self) {
        self.sight.takes_all = true;
    }

    /// Items before position `end` can be seen from `at_ns` on, where nobody said so before.
    pub fn offered(&mut self, end: u64, at_ns: u64) {
        self.sight.offered.push_back((end, at_ns));
    }

    /// That the ring is closed can be seen from `at_ns` on.
    pub fn closed(&mut self, at_ns: u64) {
        self.sight.closed_ns = at_ns;
    }

    /// The name under which a core registers.
    pub fn name_of(core: CoreId) -> NonZeroU32 {
        NonZeroU32::MIN.saturating_add(core.0.into())
    }

    /// A core begins to serve; how long its first look takes, in ns. None: there is no line for it,
    /// so it never will.
    pub(super) fn begin(&mut self, core: CoreId, device: &Device) -> Option<u64> {
        let worker = self.group.enter(Self::name_of(core)).ok()?;
        let at = At::Looking;
        self.crew[core.index()] = Some(AtWork { worker, at });
        Some(device.cost().worker_poll_ns)
    }

    /// Whether any core serves.
    pub fn are_any(&self) -> bool {
        self.crew.iter().any(Option::is_some)
    }

    /// A stretch of what `core` does is over: what it does next. `scan` does a scan.
    pub(super) fn proceed(
        &mut self,
        (core, now): (CoreId, u64),
        device: &Device,
        scan: impl FnOnce(&Op),
    ) -> Next {
        let Some(one) = &mut self.crew[core.index()] else {
            return Next::End;
        };
        let (cost, service) = (device.cost(), self.service);
        let note = |position, slot, what| Note {
            core,
            position,
            slot,
            what,
        };
        if let At::Looking = one.at {
            let poll_ns = cost.worker_poll_ns;
            if !self.sight.has(self.taken, now) {
                return self.sight.nothing(poll_ns);
            }
            let work = match one.worker.poll() {
                Ok(work) => work,
                Err(NoWork::Closed) if self.sight.closed_ns <= now => {
                    self.crew[core.index()] = None;
                    return Next::End;
                }
                Err(_) => return self.sight.nothing(poll_ns),
            };
            self.taken = work.position + 1;
            let (position, slot) = (work.position, work.item.correlation);
            self.notes.push(note(position, slot, Noted::Took));
            one.at = At::Working(work);
            let scan_ns = cost.scan.takes(work.item.length.into());
            let takes_ns = cost.worker_claim_ns.saturating_add(scan_ns);
            let takes_ns = takes_ns.saturating_add(cost.worker_tell_ns);
            return Next::GoOn(takes_ns.max(1));
        }
        if let At::Working(work) = one.at {
            scan(&service.scan(&work.item));
            let (position, slot) = (work.position, work.item.correlation);
            self.notes.push(note(position, slot, Noted::Did));
            one.at = At::Telling(work);
        }
        if let At::Telling(Work { position, item }) = one.at {
            let what = match one.worker.tell(0) {
                Said::Sent => Noted::Told,
                Said::Full => return Next::GoOn(cost.worker_tell_ns.max(1)),
                Said::Lost | Said::Nothing => Noted::Unsaid,
            };
            self.notes.push(note(position, item.correlation, what));
            one.at = At::Looking;
        }
        Next::GoOn(cost.worker_poll_ns.max(1))
    }

    /// `core` was reset: whatever it had in hand stays on its line.
    pub fn lose(&mut self, core: CoreId) {
        self.crew[core.index()] = None;
    }

    /// What they add to the run's counts.
    pub fn ledger(&self) -> Ledger {
        self.group.ledger()
    }

    /// What happened since this was asked last, in order.
    pub fn take_notes(&mut self) -> Vec<Note> {
        std::mem::take(&mut self.notes)
    }
}

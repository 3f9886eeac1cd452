//! Persistent workers: what a core does whose kernel serves the rank's work ring.
//!
//! A worker takes an item, scans what the item names, pushes WORK_DONE into the rank's mailbox, and
//! then gives the position up and looks for the next. Guarantees: no more than one item in a
//! worker's hands, and it is there until a message about it is in the mailbox, so that a worker
//! which dies at any moment leaves its item or has told of it; it ends when the ring is closed and
//! everything in it was taken. Refuses to know tasks: an item has its slot's index.
//!
//! Everything here goes through the runtime's group, the work ring and the mailbox that ship; only
//! what things cost is modelled. Called by [`Programs`](super::Programs); the worlds poke workers
//! that poll in vain, and take what they are told ([`Workers::take_notes`]).

use std::collections::VecDeque;
use std::num::NonZeroU32;

use finbox_mailbox::work::{NoWork, Work};
use finbox_mailbox::{Producer, WorkDone, WorkerMessage};
use finbox_runtime::persistent::{Group, GroupWorker, Said};
use finbox_scheduler::{CoreId, Ledger};

use super::op::Op;
use super::service::Service;
use crate::device::{CostModel, Device, Next};
use crate::fault::{DETECT_NS, Mishap};

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
    losses: Losses,
    /// Where a worker that is broken tells what it should not.
    mailbox: Producer<'a, WorkerMessage>,
    /// What broken workers told there.
    strays: Ledger,
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
    /// What goes wrong with the item in hand.
    mishap: Option<Mishap>,
}

/// Workers that are gone, until the dispatch thread was told.
#[derive(Debug, Default)]
struct Losses {
    /// From when on they are known to be, in order, and their names.
    known: VecDeque<(u64, NonZeroU32)>,
    announced: Option<u64>,
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
    pub fn new(
        device: &Device,
        service: Service,
        (group, mailbox): (Group<'a>, Producer<'a>),
    ) -> Self {
        let crew = device.core_ids().map(|_| None).collect();
        Self {
            group,
            service,
            crew,
            notes: Vec::new(),
            losses: Losses::default(),
            mailbox: mailbox.for_workers(),
            strays: Ledger::default(),
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
        self.crew[core.index()] = Some(AtWork {
            worker,
            at,
            mishap: None,
        });
        Some(device.cost().worker_poll_ns)
    }

    /// Whether any core serves.
    pub fn are_any(&self) -> bool {
        self.crew.iter().any(Option::is_some)
    }

    /// A stretch of what `core` does is over: what it does next. `scan` does a scan; `mishap` says
    /// what goes wrong with an item, of the only worker or of one among others.
    pub(super) fn proceed(
        &mut self,
        (core, now): (CoreId, u64),
        device: &Device,
        scan: impl FnOnce(&Op),
        mishap: &mut dyn FnMut(bool) -> Option<Mishap>,
    ) -> Next {
        let cost = device.cost();
        match self.crew[core.index()].as_ref().map(|one| one.at) {
            None => Next::End,
            Some(At::Looking) => self.look((core, now), cost, mishap),
            Some(At::Working(work)) => self.work((core, now), cost, (work, scan)),
            Some(At::Telling(work)) => self.tell(core, cost, work),
        }
    }

    /// Looks for an item.
    fn look(
        &mut self,
        (core, now): (CoreId, u64),
        cost: &CostModel,
        mishap: &mut dyn FnMut(bool) -> Option<Mishap>,
    ) -> Next {
        let poll_ns = cost.worker_poll_ns;
        if !self.sight.has(self.taken, now) {
            return self.sight.nothing(poll_ns);
        }
        let is_last = !self.has_others(core);
        let Some(one) = &mut self.crew[core.index()] else {
            return Next::End;
        };
        let work = match one.worker.poll() {
            Ok(work) => work,
            Err(NoWork::Closed) if self.sight.closed_ns <= now => {
                self.crew[core.index()] = None;
                return Next::End;
            }
            Err(_) => return self.sight.nothing(poll_ns),
        };
        self.taken = work.position + 1;
        one.at = At::Working(work);
        one.mishap = mishap(is_last);
        let stall_ns = match one.mishap {
            Some(Mishap::Hangs) => {
                self.die(core, now);
                return Next::Hang;
            }
            Some(Mishap::Stalls(ns)) => ns,
            _ => 0,
        };
        self.note(core, &work, Noted::Took);
        let parts = [
            cost.worker_claim_ns,
            cost.scan.takes(work.item.length.into()),
            cost.worker_tell_ns,
            stall_ns,
        ];
        let takes_ns = parts.into_iter().fold(0, u64::saturating_add);
        Next::GoOn(takes_ns.max(1))
    }

    /// Has come to the end of an item.
    fn work(
        &mut self,
        (core, now): (CoreId, u64),
        cost: &CostModel,
        (work, scan): (Work, impl FnOnce(&Op)),
    ) -> Next {
        let mishap = self.crew[core.index()].as_ref().and_then(|one| one.mishap);
        if mishap == Some(Mishap::DiesAtOnce) {
            return self.die(core, now);
        }
        scan(&self.service.scan(&work.item));
        self.note(core, &work, Noted::Did);
        if mishap == Some(Mishap::DiesTold) {
            self.tell_astray(core, &work);
        }
        if matches!(mishap, Some(Mishap::DiesUntold | Mishap::DiesTold)) {
            return self.die(core, now);
        }
        if let Some(one) = &mut self.crew[core.index()] {
            one.at = At::Telling(work);
        }
        self.tell(core, cost, work)
    }

    /// Tells of an item that is done, as soon as the mailbox takes it.
    fn tell(&mut self, core: CoreId, cost: &CostModel, work: Work) -> Next {
        let Some(one) = &mut self.crew[core.index()] else {
            return Next::End;
        };
        let what = match one.worker.tell(0) {
            Said::Sent => Noted::Told,
            Said::Full => return Next::GoOn(cost.worker_tell_ns.max(1)),
            Said::Lost | Said::Nothing => Noted::Unsaid,
        };
        one.at = At::Looking;
        let is_twice = one.mishap.take() == Some(Mishap::TellsTwice);
        self.note(core, &work, what);
        if is_twice {
            self.tell_astray(core, &work);
        }
        Next::GoOn(cost.worker_poll_ns.max(1))
    }

    /// Whether a core but `core` serves, and will go on.
    fn has_others(&self, core: CoreId) -> bool {
        let doomed = [
            Some(Mishap::DiesAtOnce),
            Some(Mishap::DiesUntold),
            Some(Mishap::DiesTold),
        ];
        let mut others = self.crew.iter().enumerate();
        others.any(|(index, other)| {
            let other = other.as_ref().filter(|_| index != core.index());
            other.is_some_and(|other| !doomed.contains(&other.mishap))
        })
    }

    fn note(&mut self, core: CoreId, work: &Work, what: Noted) {
        self.notes.push(Note {
            core,
            position: work.position,
            slot: work.item.correlation,
            what,
        });
    }

    /// Tells of an item without giving it up, or of one that was given up.
    fn tell_astray(&mut self, core: CoreId, work: &Work) {
        let message = WorkerMessage::Done(WorkDone {
            position: work.position,
            correlation: work.item.correlation,
            status: 0,
        });
        if self.mailbox.push(&message).is_ok() {
            self.strays.messages_accepted += 1;
            self.note(core, work, Noted::Told);
        }
    }

    /// `core` is no worker any more; what it had in hand stays on its line. Its kernel is at its
    /// end, if it comes to one.
    fn die(&mut self, core: CoreId, now: u64) -> Next {
        if self.crew[core.index()].take().is_some() {
            let known_at = now.saturating_add(DETECT_NS);
            self.losses.known.push_back((known_at, Self::name_of(core)));
        }
        Next::End
    }

    /// All cores were reset at `now`.
    pub fn reset(&mut self, now: u64) {
        for core in (0..).map(CoreId).take(self.crew.len()) {
            let _its_kernel_is_gone = self.die(core, now);
        }
    }

    /// When workers that are gone are to be [told of](Self::tell_losses), if that is news.
    pub fn announce_losses(&mut self) -> Option<u64> {
        let next = self.losses.known.front().map(|&(at_ns, _)| at_ns);
        let is_news = next != self.losses.announced;
        self.losses.announced = next;
        next.filter(|_| is_news)
    }

    /// Tells the dispatch thread of workers that are known to be gone at `now`. Items are scans,
    /// which may be done twice: others do what they had in hand. Whether anything was told.
    pub fn tell_losses(&mut self, now: u64) -> bool {
        let mut any = false;
        while let Some(&(at_ns, name)) = self.losses.known.front()
            && at_ns <= now
        {
            self.losses.known.pop_front();
            match self.group.tell_lost(name, true) {
                Said::Full => {
                    self.losses.known.push_front((now + DETECT_NS, name));
                    break;
                }
                Said::Sent | Said::Lost | Said::Nothing => any = true,
            }
        }
        any
    }

    /// What they add to the run's counts.
    pub fn ledger(&self) -> Ledger {
        let mut ledger = self.group.ledger();
        ledger.merge(&self.strays);
        ledger
    }

    /// What happened since this was asked last, in order.
    pub fn take_notes(&mut self) -> Vec<Note> {
        std::mem::take(&mut self.notes)
    }
}

//! What happens when a FIN arrives: the FIN handler's step.
//!
//! A handler owns whole clusters: it alone reads their COND registers and slabs. One step visits
//! one core: it goes on with what is still owed for it, then looks at its COND. A step never
//! blocks and never waits: what a full mailbox refuses stays in the slab, the record stays taken,
//! and that parity of that core gets no new token until everything was accepted.

use crate::complete::{Road, take_consumers};
use crate::core_pair::{Cond, Foreign, Transition};
use crate::core_set::{CoreMask, each, first_of, only};
use crate::duty::{Duty, Push};
use crate::fault::{Fault, FaultCode};
use crate::id::{CoreId, SlotId, TaskId, Token};
use crate::ledger::Ledger;
use crate::limits::MAX_CONDITIONS;
use crate::port::Port;
use crate::probe::{Event, Probe};
use crate::pusher::Pusher;
use crate::retire::{RetireStep, Retired};
use crate::scheduler::Scheduler;
use crate::slab::{SlabEntry, SlabError, read_count, read_entry};

/// What a handler remembers about one of its cores.
#[derive(Debug)]
pub struct HandlerCore {
    pub(crate) seen: Cond,
    pub(crate) last: Token,
    /// It answered with a word that no token explains, and was not reset since.
    pub(crate) is_suspect: bool,
    pub(crate) duties: [Option<Duty>; 2],
}

impl Default for HandlerCore {
    fn default() -> Self {
        Self {
            seen: Cond::RESET,
            last: Token::IDLE,
            is_suspect: false,
            duties: [None, None],
        }
    }
}

impl HandlerCore {
    /// Of a core that another run left showing `cond`, and its next token: tokens go on where they
    /// stopped. `None` if the core is at work, has ended, or shows what no run leaves.
    pub fn after(cond: Cond) -> Option<(Self, Token)> {
        if cond == Cond::RESET {
            return Some((Self::default(), Token::FIRST));
        }
        let last = cond.token();
        let rests = cond.is_fin() && last.is_ordinary();
        let seen = Self {
            seen: cond,
            last,
            ..Self::default()
        };
        rests.then(|| (seen, last.next()))
    }
}

/// What a step found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum HandlerStep {
    /// Nothing is in flight and nothing is owed on any of the handler's cores.
    Idle,
    /// One core was looked at and nothing followed.
    NoNews,
    /// Something changed that the dispatch thread may want to see.
    Progress,
}

/// One FIN handler: a value that one thread at a time may step.
#[derive(Debug)]
pub struct FinHandler<'m> {
    pub(crate) first: usize,
    /// Which of the chip's handlers it is.
    number: u8,
    /// Its cores, among all of the chip.
    owned: CoreMask,
    /// What it makes of [`Engaged`](crate::core_set::Engaged): flipped when a core becomes idle.
    idled: CoreMask,
    /// Its cores of which something is owed.
    pub(crate) owing: CoreMask,
    pub(crate) cores: &'m mut [HandlerCore],
    pub(crate) cursor: usize,
    /// Resets of the device that were dealt with.
    pub(crate) incarnation: u32,
    pub(crate) entries: [SlabEntry; MAX_CONDITIONS as usize],
    pub(crate) pusher: Pusher<'m>,
    pub(crate) ledger: Ledger,
}

impl<'m> FinHandler<'m> {
    pub(crate) fn new(
        (number, first, owned): (u8, usize, CoreMask),
        cores: &'m mut [HandlerCore],
        pusher: Pusher<'m>,
    ) -> Self {
        let entries = [SlabEntry::EMPTY; MAX_CONDITIONS as usize];
        Self {
            first,
            number,
            owned,
            idled: 0,
            owing: 0,
            cores,
            cursor: 0,
            incarnation: 0,
            entries,
            pusher,
            ledger: Ledger::default(),
        }
    }

    /// What this handler counted.
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Visits the next core that has something in flight or owed.
    pub fn step(
        &mut self,
        scheduler: &Scheduler<'_>,
        port: &impl Port,
        probe: &impl Probe,
    ) -> HandlerStep {
        if self.notice_reset(scheduler, port, probe) {
            return HandlerStep::Progress;
        }
        let busy = self.busy_mask(scheduler);
        if busy == 0 {
            return HandlerStep::Idle;
        }
        let next = busy & CoreMask::MAX << self.cursor;
        let index = first_of(if next == 0 { busy } else { next }).index();
        self.cursor = match index + 1 < self.cores.len() {
            true => index + 1,
            false => 0,
        };
        self.visit(scheduler, port, probe, index)
    }

    /// Visits every busy core once.
    pub fn pass(
        &mut self,
        scheduler: &Scheduler<'_>,
        port: &impl Port,
        probe: &impl Probe,
    ) -> HandlerStep {
        let mut result = match self.notice_reset(scheduler, port, probe) {
            true => HandlerStep::Progress,
            false => HandlerStep::Idle,
        };
        for core in each(self.busy_mask(scheduler)) {
            match self.visit(scheduler, port, probe, core.index()) {
                HandlerStep::Progress => result = HandlerStep::Progress,
                _ if result == HandlerStep::Idle => result = HandlerStep::NoNews,
                _ => {}
            }
        }
        result
    }

    /// The handler's cores that a step would visit, a bit each, counted from its first one.
    #[inline]
    pub fn busy_mask(&self, scheduler: &Scheduler<'_>) -> u128 {
        let engaged = (scheduler.engaged.look() ^ self.idled) & self.owned;
        (engaged | self.owing) >> self.first
    }

    /// `core`, which had something in flight, has not any more.
    #[inline]
    pub(crate) fn is_idle_now(&mut self, scheduler: &Scheduler<'_>, core: CoreId) {
        self.idled ^= only(core);
        scheduler.engaged.say_idle(self.number, core, self.idled);
    }

    #[inline]
    pub(crate) fn core_id(&self, index: usize) -> CoreId {
        CoreId(u16::try_from(self.first + index).expect("at most MAX_CORES"))
    }

    /// Observe → decide → apply, for one core.
    fn visit(
        &mut self,
        scheduler: &Scheduler<'_>,
        port: &impl Port,
        probe: &impl Probe,
        index: usize,
    ) -> HandlerStep {
        let core = self.core_id(index);
        let mut progress = false;
        if self.owing & only(core) != 0 {
            progress = self.go_on_with_all(scheduler, port, probe, index);
        }
        let shared = &scheduler.cores[core.index()];
        if !shared.pair.observed().is_idle() {
            let mine = &mut self.cores[index];
            let cond = Cond(port.load_cond(core));
            match shared.pair.apply(cond, mine.seen, mine.last) {
                Transition::Nothing => {}
                Transition::Foreign(kind) => {
                    // The register may show a reset that came after this step began.
                    if self.notice_reset(scheduler, port, probe) {
                        return HandlerStep::Progress;
                    }
                    progress |= self.foreign(scheduler, probe, (index, cond, kind));
                }
                Transition::Apply { next, mut finished } => {
                    mine.seen = cond;
                    while let [Some(token), behind] = finished {
                        self.finished(scheduler, port, probe, (index, token));
                        finished = [behind, None];
                    }
                    match next.is_idle() {
                        true => self.is_idle_now(scheduler, core),
                        false => scheduler.openings.announce(core, next),
                    }
                    progress = true;
                }
            }
        }
        if progress {
            HandlerStep::Progress
        } else {
            HandlerStep::NoNews
        }
    }

    /// Counts a word that is not of a token in flight. One that no token explains makes the core
    /// suspect: it gets no token until it is reset. Whether it became so now.
    fn foreign(
        &mut self,
        scheduler: &Scheduler<'_>,
        probe: &impl Probe,
        (index, cond, kind): (usize, Cond, Foreign),
    ) -> bool {
        let core = self.core_id(index);
        self.cores[index].seen = cond;
        self.ledger.fins_received += 1;
        match kind {
            Foreign::Duplicate => self.ledger.fins_duplicate += 1,
            Foreign::Stale => self.ledger.fins_stale += 1,
            Foreign::Unknown => self.ledger.fins_unknown += 1,
        }
        let cond = cond.0;
        probe.event(Event::Foreign { core, cond, kind });
        if kind != Foreign::Unknown || self.cores[index].is_suspect {
            return false;
        }
        self.cores[index].is_suspect = true;
        scheduler.openings.suspect(core);
        probe.event(Event::Quarantined { core });
        let (code, task) = (FaultCode::ProtocolError, TaskId::INVALID);
        scheduler.raise(probe, Fault { code, task }, Some(core));
        true
    }

    /// Takes the record of a finished token, retires its subtask and starts what that owes.
    fn finished(
        &mut self,
        scheduler: &Scheduler<'_>,
        port: &impl Port,
        probe: &impl Probe,
        (index, token): (usize, Token),
    ) {
        let core = self.core_id(index);
        let parity = token.parity();
        self.cores[index].last = token;
        self.ledger.fins_received += 1;
        let record = &scheduler.cores[core.index()].records[parity];
        let slot = record
            .slot()
            .expect("an installed token stands in its record");
        probe.event(Event::Observed { core, token, slot });
        let duty = self.retire(scheduler, port, probe, (core, parity, slot));
        self.carry_out(scheduler, port, probe, (index, parity), duty);
        probe.event(Event::Handled { core, token });
    }

    /// Starts what is owed for a token that is not in flight any more; nothing: frees its record.
    /// Afterwards the core must be announced, or said to be idle.
    pub(crate) fn carry_out(
        &mut self,
        scheduler: &Scheduler<'_>,
        port: &impl Port,
        probe: &impl Probe,
        (index, parity): (usize, usize),
        duty: Option<Duty>,
    ) {
        match duty {
            Some(duty) => {
                self.go_on(scheduler, port, probe, (index, parity), duty);
            }
            None => self.free_record(scheduler, index, parity),
        }
    }

    /// Retires one subtask; returns what is owed for it.
    fn retire(
        &mut self,
        scheduler: &Scheduler<'_>,
        port: &impl Port,
        probe: &impl Probe,
        (core, parity, slot): (CoreId, usize, SlotId),
    ) -> Option<Duty> {
        let words = scheduler.slot(slot);
        // Both before retiring: after a partial one the slot may be another task's.
        let (room, task) = (words.kind().may_defer(), words.task());
        let read = match room {
            0 if !port.kernels_fail() => Ok(0),
            _ => self.read_slab(scheduler, port, port.slab_address(core, parity), room),
        };
        let count = *read.as_ref().unwrap_or(&0);
        let retired = words
            .retire
            .retire(slot.generation(), count, room, read.is_err());
        let Some(retired) = retired.ok().filter(|retired| !retired.is_late()) else {
            self.ledger.fins_stale += 1;
            return None;
        };
        self.ledger.fins_applied += 1;
        let overflow = count > 0 && !retired.push_conditions;
        let code = match read {
            Err(error) => Some(error.code()),
            Ok(_) => overflow.then_some(FaultCode::AsyncWaitOverflow),
        };
        if let Some(code) = code {
            scheduler.raise(probe, Fault { code, task }, Some(core));
        }
        self.follow(scheduler, probe, (slot, room, count), retired)
    }

    /// What is owed for a subtask that retired with `count` conditions of the `room` its task has.
    pub(crate) fn follow(
        &mut self,
        scheduler: &Scheduler<'_>,
        probe: &impl Probe,
        (slot, room, count): (SlotId, u32, u32),
        retired: Retired,
    ) -> Option<Duty> {
        let count = if retired.push_conditions { count } else { 0 };
        let done = match retired.step {
            RetireStep::Partial | RetireStep::Late => None,
            RetireStep::LastDeferred { expected } => Some(expected),
            RetireStep::LastInline(outcome) => {
                let end = (slot, Road::Inline, outcome);
                let release = take_consumers(scheduler, probe, &mut self.ledger, end);
                scheduler.room.give_back(room);
                return Some(Duty::Release(release));
            }
        };
        let has_cookie = |entry: &SlabEntry| entry.cookie != 0;
        let in_pairs = !self.entries[..count as usize].iter().any(has_cookie);
        let push = Push {
            slot,
            next: 0,
            count,
            done,
            in_hand: true,
            in_pairs,
        };
        (count > 0 || done.is_some()).then_some(Duty::Push(push))
    }

    /// Copies and validates the slab at `addr`; the count, at most `bound`.
    fn read_slab(
        &mut self,
        scheduler: &Scheduler<'_>,
        port: &impl Port,
        addr: u64,
        bound: u32,
    ) -> Result<u32, SlabError> {
        let count = read_count(port, addr)?;
        if count > bound {
            return Err(SlabError::Overflow { count, error: 0 });
        }
        for index in 0..count {
            self.entries[index as usize] = read_entry(port, scheduler.chip.target, addr, index)?;
        }
        Ok(count)
    }
}

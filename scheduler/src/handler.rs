//! What happens when a FIN arrives: the FIN handler's step.
//!
//! A handler owns whole clusters: it alone reads their COND registers and slabs. One step visits
//! one core: it goes on with what is still owed for it, then looks at its COND. A step never
//! blocks and never waits: what a full mailbox refuses stays in the slab, the record stays taken,
//! and that parity of that core gets no new token until everything was accepted.

use finbox_mailbox::{Condition, Done, Message};

use crate::complete::{RELEASE_BUDGET, Release, Road, finish_task};
use crate::core_pair::{Cond, Foreign, Transition};
use crate::fault::{Fault, FaultCode};
use crate::id::{CoreId, SlotId, TaskId, Token};
use crate::ledger::Ledger;
use crate::limits::MAX_CONDITIONS;
use crate::locked::{self, Completion};
use crate::port::Port;
use crate::probe::{Event, Probe};
use crate::pusher::Pusher;
use crate::retire::{RetireStep, Retired};
use crate::scheduler::Scheduler;
use crate::slab::{SlabEntry, SlabError, read_count, read_entry};
use crate::wait_entry::Turn;

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

/// What is still owed for a finished token, by its parity.
#[derive(Debug)]
pub(crate) enum Duty {
    /// Conditions `next .. count` of its slab, then TASK_NORMAL_DONE(`done`).
    Push {
        slot: SlotId,
        next: u32,
        count: u32,
        done: Option<u32>,
        /// The copy of its entries is in hand; otherwise they are still in the slab.
        in_hand: bool,
    },
    /// Consumers of a task that finished here.
    Release(Release),
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
    first: usize,
    pub(crate) cores: &'m mut [HandlerCore],
    pub(crate) cursor: usize,
    /// Resets of the device that were dealt with.
    pub(crate) incarnation: u32,
    entries: [SlabEntry; MAX_CONDITIONS as usize],
    pub(crate) pusher: Pusher<'m>,
    ledger: Ledger,
}

impl<'m> FinHandler<'m> {
    pub(crate) fn new(first: usize, cores: &'m mut [HandlerCore], pusher: Pusher<'m>) -> Self {
        let entries = [SlabEntry::EMPTY; MAX_CONDITIONS as usize];
        Self {
            first,
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
        for _ in 0..self.cores.len() {
            let index = self.cursor;
            self.cursor = (index + 1) % self.cores.len();
            if self.is_busy(scheduler, index) {
                return self.visit(scheduler, port, probe, index);
            }
        }
        HandlerStep::Idle
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
        for index in 0..self.cores.len() {
            if self.is_busy(scheduler, index) {
                match self.visit(scheduler, port, probe, index) {
                    HandlerStep::Progress => result = HandlerStep::Progress,
                    _ if result == HandlerStep::Idle => result = HandlerStep::NoNews,
                    _ => {}
                }
            }
        }
        result
    }

    pub(crate) fn core_id(&self, index: usize) -> CoreId {
        CoreId(u16::try_from(self.first + index).expect("at most MAX_CORES"))
    }

    pub(crate) fn is_busy(&self, scheduler: &Scheduler<'_>, index: usize) -> bool {
        let owes = self.cores[index].duties.iter().any(Option::is_some);
        owes || !scheduler.cores[self.first + index]
            .pair
            .observed()
            .is_idle()
    }

    /// Observe → decide → apply, for one core.
    fn visit(
        &mut self,
        scheduler: &Scheduler<'_>,
        port: &impl Port,
        probe: &impl Probe,
        index: usize,
    ) -> HandlerStep {
        let mut progress = false;
        for parity in 0..2 {
            if let Some(duty) = self.cores[index].duties[parity].take() {
                progress |= self.go_on(scheduler, port, probe, (index, parity), duty);
            }
        }
        let shared = &scheduler.cores[self.first + index];
        if !shared.pair.observed().is_idle() {
            let core = self.core_id(index);
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
                Transition::Apply { next, finished } => {
                    mine.seen = cond;
                    for token in finished.into_iter().flatten() {
                        self.finished(scheduler, port, probe, (index, token));
                    }
                    scheduler.openings.announce(core, next);
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
        let (room, task) = (words.may_defer(), words.task());
        let read = match room {
            0 => Ok(0),
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
            RetireStep::LastInline => {
                let release = finish_task(scheduler, probe, &mut self.ledger, slot, Road::Inline)?;
                scheduler.room.give_back(room);
                return Some(Duty::Release(release));
            }
        };
        (count > 0 || done.is_some()).then_some(Duty::Push {
            slot,
            next: 0,
            count,
            done,
            in_hand: true,
        })
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

    /// Goes on with a duty as far as it gets. Returns whether anything moved.
    fn go_on(
        &mut self,
        scheduler: &Scheduler<'_>,
        port: &impl Port,
        probe: &impl Probe,
        (index, parity): (usize, usize),
        duty: Duty,
    ) -> bool {
        let (left, moved) = match duty {
            Duty::Release(mut release) => {
                let done = release.walk(scheduler, RELEASE_BUDGET);
                ((!done).then_some(Duty::Release(release)), true)
            }
            Duty::Push {
                slot,
                next,
                count,
                done,
                in_hand,
            } => {
                let slab = port.slab_address(self.core_id(index), parity);
                let slab = (!in_hand).then_some(slab);
                let turn = (scheduler, port, probe);
                let accepted = self.push(turn, (slot, slab), next..count, done);
                let offered = count - next + u32::from(done.is_some());
                // What a condemned mailbox refuses can never be sent: its task fails in dispatch.
                let is_lost = accepted < offered && scheduler.producer.is_condemned();
                if is_lost {
                    scheduler.orphans.say();
                }
                let owed = if is_lost { 0 } else { offered - accepted };
                probe.event(Event::Pushed {
                    slot,
                    accepted,
                    owed,
                });
                let duty = Duty::Push {
                    slot,
                    next: next + accepted,
                    count,
                    done,
                    in_hand: false,
                };
                ((owed > 0).then_some(duty), accepted > 0 || is_lost)
            }
        };
        match left {
            Some(duty) => self.cores[index].duties[parity] = Some(duty),
            None => self.free_record(scheduler, index, parity),
        }
        moved
    }

    /// Offers conditions `range` and, behind them, TASK_NORMAL_DONE in one batch.
    ///
    /// Of what a full mailbox refused before, the copy in hand is of whichever core was read last:
    /// then an entry is copied from its `slab` once more, when it is accepted and not sooner. The
    /// slab was valid and belongs to the core until the record is free; should it have changed all
    /// the same, the entry becomes a condition that the wait list refuses.
    fn push(
        &mut self,
        (scheduler, port, probe): (&Scheduler<'_>, &impl Port, &impl Probe),
        (slot, slab): (SlotId, Option<u64>),
        range: core::ops::Range<u32>,
        done: Option<u32>,
    ) -> u32 {
        let (task, entries) = (scheduler.slot(slot).task().0, &self.entries);
        let conditions = range.end - range.start;
        let offered = conditions + u32::from(done.is_some());
        let build = |i| {
            if i == conditions {
                let expected = done.unwrap_or(0);
                return Message::NormalDone(Done {
                    task,
                    slot: slot.bits(),
                    expected,
                });
            }
            let entry = match slab {
                None => entries[(range.start + i) as usize],
                Some(addr) => read_entry(port, scheduler.chip.target, addr, range.start + i)
                    .unwrap_or(SlabEntry::EMPTY),
            };
            Message::Condition(Condition {
                task,
                slot: slot.bits(),
                addr: entry.addr,
                cookie: entry.cookie,
                expected: entry.expected,
                engine: entry.engine,
                completion: entry.completion,
            })
        };
        let ledger = &mut self.ledger;
        let accepted = match scheduler.completion {
            Completion::Mailbox => self.pusher.push_batch(offered, build),
            Completion::Locked => {
                let mut turn = Turn {
                    scheduler,
                    port,
                    probe,
                    ledger,
                };
                locked::register(&mut turn, offered, build)
            }
        };
        self.ledger.messages_accepted += u64::from(accepted);
        self.ledger.full += u64::from(accepted < offered);
        accepted
    }

    fn free_record(&self, scheduler: &Scheduler<'_>, index: usize, parity: usize) {
        let shared = &scheduler.cores[self.first + index];
        shared.records[parity].free();
        scheduler
            .openings
            .announce(self.core_id(index), shared.pair.observed());
    }
}

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
use crate::id::{CoreId, SlotId, Token};
use crate::ledger::Ledger;
use crate::limits::MAX_CONDITIONS;
use crate::port::Port;
use crate::probe::{Event, Probe};
use crate::retire::RetireStep;
use crate::scheduler::Scheduler;
use crate::slab::{SlabEntry, SlabError, read_count, read_entry};

/// What a handler remembers about one of its cores.
#[derive(Debug)]
pub struct HandlerCore {
    seen: Cond,
    last: Token,
    duties: [Option<Duty>; 2],
}

impl Default for HandlerCore {
    fn default() -> Self {
        Self {
            seen: Cond::RESET,
            last: Token::IDLE,
            duties: [None, None],
        }
    }
}

/// What is still owed for a finished token, by its parity.
#[derive(Debug)]
enum Duty {
    /// Conditions `next .. count` of its slab, then TASK_NORMAL_DONE(`done`).
    Push {
        slot: SlotId,
        next: u32,
        count: u32,
        done: Option<u32>,
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
    cores: &'m mut [HandlerCore],
    cursor: usize,
    entries: [SlabEntry; MAX_CONDITIONS as usize],
    ledger: Ledger,
}

impl<'m> FinHandler<'m> {
    pub(crate) fn new(first: usize, cores: &'m mut [HandlerCore]) -> Self {
        let entries = [SlabEntry::EMPTY; MAX_CONDITIONS as usize];
        Self {
            first,
            cores,
            cursor: 0,
            entries,
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
        let mut result = HandlerStep::Idle;
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

    /// Whether a full mailbox or a long fan-out left something to do on any core.
    pub fn owes(&self) -> bool {
        self.cores
            .iter()
            .any(|core| core.duties.iter().any(Option::is_some))
    }

    /// The handler's cores that a step would visit, a bit each, counted from its first one.
    pub fn busy_mask(&self, scheduler: &Scheduler<'_>) -> u128 {
        let busy = (0..self.cores.len()).filter(|&index| self.is_busy(scheduler, index));
        busy.fold(0, |mask, index| mask | 1 << index)
    }

    /// Moves on by `steps` steps over the cores of `busy` that are known to see nothing.
    ///
    /// For simulators that charge empty polls arithmetically.
    pub fn skip(&mut self, busy: u128, steps: u64) {
        let Some(steps) = steps.checked_rem(u64::from(busy.count_ones())) else {
            return;
        };
        for _ in 0..steps {
            while busy >> self.cursor & 1 == 0 {
                self.cursor = (self.cursor + 1) % self.cores.len();
            }
            self.cursor = (self.cursor + 1) % self.cores.len();
        }
    }

    fn core_id(&self, index: usize) -> CoreId {
        CoreId(u16::try_from(self.first + index).expect("at most MAX_CORES"))
    }

    fn is_busy(&self, scheduler: &Scheduler<'_>, index: usize) -> bool {
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
                self.reread(scheduler, port, (index, parity), &duty);
                progress |= self.go_on(scheduler, probe, (index, parity), duty);
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
                    mine.seen = cond;
                    self.count_foreign(kind);
                    probe.event(Event::Foreign {
                        core,
                        cond: cond.0,
                        kind,
                    });
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

    fn count_foreign(&mut self, kind: Foreign) {
        self.ledger.fins_received += 1;
        match kind {
            Foreign::Duplicate => self.ledger.fins_duplicate += 1,
            Foreign::Stale => self.ledger.fins_stale += 1,
            Foreign::Unknown => self.ledger.fins_unknown += 1,
        }
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
        match self.retire(scheduler, port, probe, (core, parity, slot)) {
            Some(duty) => {
                self.go_on(scheduler, probe, (index, parity), duty);
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
        let (room, task) = (u32::from(words.spec().may_defer), words.task());
        let read = match room {
            0 => Ok(0),
            _ => self.read_slab(scheduler, port, port.slab_address(core, parity), room),
        };
        let count = *read.as_ref().unwrap_or(&0);
        let Ok(retired) = words.retire.retire(slot.generation(), count, read.is_err()) else {
            self.ledger.fins_stale += 1;
            return None;
        };
        self.ledger.fins_applied += 1;
        let overflow = count > 0 && !retired.push_conditions;
        let code = match read {
            Err(error) => Some(code_of(error)),
            Ok(_) => overflow.then_some(FaultCode::AsyncWaitOverflow),
        };
        if let Some(code) = code {
            scheduler.raise(Fault { code, task });
        }
        let count = if retired.push_conditions { count } else { 0 };
        let done = match retired.step {
            RetireStep::Partial => None,
            RetireStep::LastDeferred { expected } => Some(expected),
            RetireStep::LastInline => {
                scheduler.room.give_back(room);
                let release = finish_task(scheduler, probe, &mut self.ledger, slot, Road::Inline);
                return release.map(Duty::Release);
            }
        };
        (count > 0 || done.is_some()).then_some(Duty::Push {
            slot,
            next: 0,
            count,
            done,
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
            } => {
                let accepted = self.push(scheduler, slot, next..count, done);
                let offered = count - next + u32::from(done.is_some());
                let owed = offered - accepted;
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
                };
                ((owed > 0).then_some(duty), accepted > 0)
            }
        };
        match left {
            Some(duty) => self.cores[index].duties[parity] = Some(duty),
            None => self.free_record(scheduler, index, parity),
        }
        moved
    }

    /// Offers conditions `range` and, behind them, TASK_NORMAL_DONE in one batch.
    fn push(
        &mut self,
        scheduler: &Scheduler<'_>,
        slot: SlotId,
        range: core::ops::Range<u32>,
        done: Option<u32>,
    ) -> u32 {
        let (task, entries) = (scheduler.slot(slot).task().0, &self.entries);
        let conditions = range.end - range.start;
        let offered = conditions + u32::from(done.is_some());
        let accepted = scheduler.producer.push_batch(offered, |i| {
            if i == conditions {
                let expected = done.unwrap_or(0);
                return Message::NormalDone(Done {
                    task,
                    slot: slot.bits(),
                    expected,
                });
            }
            let entry = entries[(range.start + i) as usize];
            Message::Condition(Condition {
                task,
                slot: slot.bits(),
                addr: entry.addr,
                cookie: entry.cookie,
                expected: entry.expected,
                engine: entry.engine,
                completion: entry.completion,
            })
        });
        self.ledger.messages_accepted += u64::from(accepted);
        self.ledger.full += u64::from(accepted < offered);
        accepted
    }

    /// Copies the entries that a full mailbox refused once more from their slab: the copy in hand
    /// is of whichever core was read last.
    ///
    /// The slab was valid and belongs to the core until the record is free; should it have changed
    /// all the same, the entry becomes a condition that the wait list refuses.
    fn reread(
        &mut self,
        scheduler: &Scheduler<'_>,
        port: &impl Port,
        (index, parity): (usize, usize),
        duty: &Duty,
    ) {
        let &Duty::Push { next, count, .. } = duty else {
            return;
        };
        let addr = port.slab_address(self.core_id(index), parity);
        for entry in next..count {
            self.entries[entry as usize] =
                read_entry(port, scheduler.chip.target, addr, entry).unwrap_or(SlabEntry::EMPTY);
        }
    }

    fn free_record(&self, scheduler: &Scheduler<'_>, index: usize, parity: usize) {
        let shared = &scheduler.cores[self.first + index];
        shared.records[parity].free();
        scheduler
            .openings
            .announce(self.core_id(index), shared.pair.observed());
    }
}

const fn code_of(error: SlabError) -> FaultCode {
    match error {
        SlabError::Overflow { .. } => FaultCode::AsyncWaitOverflow,
        SlabError::Address { .. } => FaultCode::AsyncCompletionInvalid,
        _ => FaultCode::AsyncRegistrationFailed,
    }
}

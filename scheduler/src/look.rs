//! One look at a condition: the first, when its message comes, and each time the sweep comes by.
//!
//! What a look says of the machine alone stands in `condition`; here follows what time, dead peers
//! and tasks that wait no more make of it.

use finbox_mailbox::{CompletionType, Condition};

use crate::condition::{Failure, Unmet, Verdict, check, distance};
use crate::id::SlotId;
use crate::port::Port;
use crate::probe::{Event, Probe};
use crate::scheduler::Scheduler;
use crate::sweep::Sweep;
use crate::urma::{QueueError, find};
use crate::wait_entry::{Book, Turn};

impl Book<'_> {
    /// Validates a condition, which may be a lie, and looks at it. One that holds is told of, one
    /// that does not hold yet is stored.
    #[inline(always)]
    pub(crate) fn first_look<P: Port, B: Probe>(
        &mut self,
        turn: &mut Turn<'_, '_, P, B>,
        message: &Condition,
    ) -> Verdict {
        if message.completion != CompletionType::Counter {
            return self.first_look_at_engine(turn, message);
        }
        let (port, addr) = (turn.port, message.addr);
        let what = (CompletionType::Counter, addr, message.cookie);
        if check(port, turn.scheduler.chip.target, what).is_err() {
            return Verdict::Failed(Failure::Invalid);
        }
        port.refresh(addr, 4);
        turn.ledger.lines_refreshed += 1;
        let counter = port.load_u32(addr);
        let ahead = distance(counter, message.expected);
        if ahead < 0 {
            let mut unmet = Unmet::new(message);
            unmet.observed = u64::from(counter);
            return self.store(turn, unmet);
        }
        turn.ledger.overshoots += u64::from(ahead > 0);
        let (slot, observed) = (SlotId::from_bits(message.slot), u64::from(counter));
        turn.probe.event(Event::Met {
            slot,
            addr,
            observed,
        });
        Verdict::Met
    }

    /// The same, where a record or a queue of an engine is watched.
    #[inline(never)]
    fn first_look_at_engine<P: Port, B: Probe>(
        &mut self,
        turn: &mut Turn<'_, '_, P, B>,
        message: &Condition,
    ) -> Verdict {
        let (port, mut unmet) = (turn.port, Unmet::new(message));
        let what = (unmet.completion, unmet.addr, unmet.cookie);
        if check(port, turn.scheduler.chip.target, what).is_err() {
            return Verdict::Failed(Failure::Invalid);
        }
        if unmet.completion == CompletionType::UrmaEventHandle {
            unmet.queue = match find(self.queues, port, unmet.addr) {
                Ok(queue) => queue,
                Err(QueueError::Malformed) => return Verdict::Failed(Failure::Invalid),
                Err(QueueError::TableFull) => return Verdict::Failed(Failure::NoQueue),
            };
            let (_, refreshed) = self.queues[unmet.queue].walk(port);
            turn.ledger.lines_refreshed += u64::from(refreshed);
        } else {
            port.refresh(unmet.addr, 4);
            turn.ledger.lines_refreshed += 1;
        }
        match unmet.look(port, self.queues) {
            Verdict::Unmet => return self.store(turn, unmet),
            Verdict::Met => meet(turn, &unmet),
            Verdict::Failed(failure) => return Verdict::Failed(failure),
        }
        Verdict::Met
    }

    /// Takes in a condition that did not hold at its first look, and whose time runs from now on;
    /// unless nobody is left who could make it true.
    #[inline(never)]
    fn store<P: Port, B: Probe>(
        &mut self,
        turn: &mut Turn<'_, '_, P, B>,
        mut unmet: Unmet,
    ) -> Verdict {
        let verdict = judge(
            (turn.scheduler, turn.port),
            &mut unmet,
            Verdict::Unmet,
            None,
        );
        match verdict {
            Verdict::Unmet => {
                unmet.since_ns = turn.port.now();
                unmet.first = unmet.observed;
                self.wait_for(turn.scheduler, unmet);
            }
            Verdict::Met => meet(turn, &unmet),
            Verdict::Failed(_) => {}
        }
        verdict
    }

    /// Looks at the next unmet condition. Whether anything moved.
    pub(crate) fn look_at_next<P: Port, B: Probe>(
        &mut self,
        turn: &mut Turn<'_, '_, P, B>,
        sweep: &mut Sweep,
    ) -> bool {
        let condition = self.poll.here();
        let slot = condition.slot;
        if !self.entries[slot.index()].wants(slot) {
            self.take(turn.scheduler, slot);
            return true;
        }
        let mut moved = false;
        if condition.completion != CompletionType::UrmaEventHandle {
            if sweep.line != Some(condition.line()) {
                sweep.line = Some(condition.line());
                turn.port.refresh(condition.line(), 64);
                sweep.refreshed += 1;
            }
        } else if sweep.walked != Some(condition.queue) {
            sweep.walked = Some(condition.queue);
            let (taken, refreshed) = self.queues[condition.queue].walk(turn.port);
            sweep.refreshed += u64::from(refreshed);
            moved = taken > 0;
        }
        let before = condition.observed;
        let verdict = condition.look(turn.port, self.queues);
        if condition.note_step_back(before) {
            turn.ledger.went_back += 1;
            let (addr, from, to) = (condition.addr, before, condition.observed);
            turn.probe.event(Event::WentBack {
                slot,
                addr,
                from,
                to,
            });
        }
        match judge(
            (turn.scheduler, turn.port),
            condition,
            verdict,
            Some(sweep.now_ns),
        ) {
            Verdict::Unmet => {
                self.poll.keep();
                return moved;
            }
            Verdict::Met => meet(turn, condition),
            Verdict::Failed(failure) => self.fail(turn, slot, failure),
        }
        self.take(turn.scheduler, slot);
        true
    }
}

/// What becomes of a condition that was looked at: one that does not hold may be out of time, or
/// without anybody who could make it true.
#[inline]
fn judge(
    (scheduler, port): (&Scheduler<'_>, &impl Port),
    condition: &mut Unmet,
    verdict: Verdict,
    now_ns: Option<u64>,
) -> Verdict {
    if verdict != Verdict::Unmet {
        return verdict;
    }
    let dead = condition
        .source()
        .filter(|&source| scheduler.peers.is_dead(source));
    if let Some(source) = dead {
        return last_look(port, condition, source);
    }
    match now_ns.is_some_and(|now_ns| condition.deadline_ns <= now_ns) {
        true => Verdict::Failed(Failure::Timeout),
        false => Verdict::Unmet,
    }
}

/// What becomes of a condition whose `source` is dead. That one's last word may have come between
/// the look and the news of its end, so a counter is looked at once more; the news carries it
/// (SOURCE_END).
#[cold]
fn last_look(port: &impl Port, condition: &mut Unmet, source: u32) -> Verdict {
    if condition.completion == CompletionType::Counter {
        port.refresh(condition.addr, 4);
        if condition.look(port, &[]) == Verdict::Met {
            return Verdict::Met;
        }
    }
    Verdict::Failed(Failure::of_source(source))
}

/// Tells and counts a condition that holds.
#[inline]
pub(crate) fn meet<P, B: Probe>(turn: &mut Turn<'_, '_, P, B>, condition: &Unmet) {
    turn.ledger.overshoots += u64::from(condition.overshot());
    turn.probe.event(Event::Met {
        slot: condition.slot,
        addr: condition.addr,
        observed: condition.observed,
    });
}

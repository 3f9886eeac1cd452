//! What the recorder hears: every event of a rank, for oracles, latencies, failures and the log.

use std::sync::atomic::Ordering;

use finbox_scheduler::{Event, Outcome, Probe, SlotId};

use super::RankProbe;
use crate::timeline::NOBODY;
use crate::workload::TaskRef;
use crate::world::failures::Overdue;

impl RankProbe<'_> {
    fn index(&self) -> u32 {
        u32::try_from(self.rank).expect("a run has at most 1024 ranks")
    }

    fn task_at(&self, slot: SlotId) -> TaskRef {
        let task = self.recorder.task_in(self.rank, slot);
        TaskRef {
            rank: self.index(),
            task,
        }
    }

    /// The task that an event is about, as an index; none for events about none.
    pub(in crate::world) fn task_of(&self, event: Event) -> u32 {
        match event {
            Event::Submitted { slot, .. }
            | Event::Dispatched { slot, .. }
            | Event::Offered { slot, .. }
            | Event::Worked { slot, .. }
            | Event::Observed { slot, .. }
            | Event::Pushed { slot, .. }
            | Event::Met { slot, .. }
            | Event::Finished { slot, .. } => self.recorder.task_in(self.rank, slot),
            _ => NOBODY,
        }
    }

    /// Tells the oracles and the latencies.
    #[inline]
    fn tell(&self, event: &Event) {
        let (recorder, rank) = (self.recorder, self.rank);
        let (latencies, now) = (&recorder.latencies, || recorder.meter.now());
        match *event {
            Event::Submitted { slot, task } => {
                let task = u32::try_from(task.0).expect("a simulated task's number is its index");
                recorder.ranks[rank].tasks[slot.index()].store(task, Ordering::Release);
                latencies.submitted(rank, task, now());
            }
            Event::Dispatched { slot, .. } => {
                let task = recorder.task_in(rank, slot);
                recorder.check_order(rank, task);
                let after = recorder.ranks[rank].after.before(task);
                latencies.dispatched(rank, task, now(), after);
            }
            Event::Offered { slot, .. } => {
                let task = recorder.task_in(rank, slot);
                recorder.check_order(rank, task);
            }
            Event::Observed { core, token, slot } => {
                let task = recorder.task_in(rank, slot);
                let fin = (core, token);
                latencies.observed(rank, task, recorder.meter.step_began());
                latencies.handling(rank, now(), fin);
            }
            Event::Met { slot, .. } => {
                let task = recorder.task_in(rank, slot);
                latencies.met(rank, task, recorder.meter.step_began());
            }
            Event::Handled { core, token } => latencies.handled(rank, now(), (core, token)),
            Event::Finished {
                slot,
                outcome,
                inline,
                cause,
                ..
            } => {
                let task = recorder.task_in(rank, slot);
                recorder.finished(rank, task, outcome);
                let at = TaskRef {
                    rank: self.index(),
                    task,
                };
                let cause = match outcome {
                    Outcome::Cancelled => recorder.cause(at, cause),
                    _ => cause,
                };
                recorder.failures.ended(at, outcome, cause);
                if let Some(told) = &recorder.told {
                    told.lock().push(at);
                }
                latencies.finished(rank, task, now(), inline);
            }
            _ => self.tell_failure(event),
        }
    }

    /// Tells whoever keeps failures.
    fn tell_failure(&self, event: &Event) {
        let failures = &self.recorder.failures;
        match *event {
            Event::EngineFailed { slot, engine, code } => {
                let at = self.task_at(slot);
                failures.engine_failed(at, engine, code);
            }
            Event::PeerLost { slot, rank } => {
                failures.peer_lost(self.task_at(slot), rank);
            }
            Event::WorkerLost {
                slot,
                position,
                worker,
                again,
            } => {
                let at = self.task_at(slot);
                failures.worker_lost(at, worker, (position, again));
            }
            Event::WorkOverdue { slot, position } => {
                failures.item_overdue(self.task_at(slot), position);
            }
            Event::Missing { position, claimer } => {
                failures.missing(self.index(), position, claimer);
            }
            Event::Overdue {
                core,
                token,
                slot,
                block,
                subtask,
            } => {
                let overdue = Overdue {
                    core,
                    token,
                    block,
                    subtask,
                    late_ns: None,
                };
                failures.overdue(self.task_at(slot), overdue);
            }
            Event::Returned {
                core,
                token,
                late_ns,
            } => failures.returned(self.index(), (core, token), late_ns),
            Event::Raised { fault, core } => failures.raised(self.index(), fault, core),
            _ => {}
        }
    }
}

impl Probe for RankProbe<'_> {
    fn event(&self, event: Event) {
        self.tell(&event);
        let (recorder, rank) = (self.recorder, self.rank);
        if let Some(recording) = &recorder.recording {
            recording.hear(rank, self.task_of(event), event);
        }
        // A poll that sees nothing takes the lock too, in the baseline, and may be reckoned.
        let is_told_by_polls = matches!(event, Event::Locked { .. } | Event::Unlocked { .. });
        if recorder.meter.is_virtual() && !is_told_by_polls {
            recorder.log.note((recorder.meter.now(), rank, &event));
        }
        self.tracing.event(event);
    }
}

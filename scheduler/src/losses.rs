//! What the dispatch thread does about cores that are late, suspect or reset, and what they had.
//!
//! A task that is lost is decided here while tokens of it are out; whoever wins the retire word
//! gives back its condition room, so the wait list's lock is needed first where the task has any.
//! The slot rests when its last token has come, late, or was reset.

use crate::chip::Handlers;
use crate::complete::{Road, finish_task};
use crate::core_set::{CoreMask, each, only};
use crate::dispatch::{Dispatcher, Pass};
use crate::edge;
use crate::fault::{Fault, FaultCode};
use crate::id::{CoreId, SlotId, Token};
use crate::port::Port;
use crate::probe::{Event, Probe};
use crate::scheduler::Scheduler;

/// What became of an attempt to end a task while tokens of it are out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Lost {
    /// It failed, here and now.
    Failed,
    /// Its outcome was decided before, or its last FIN came first.
    TooLate,
    /// Another thread has the wait list, or another task is being ended: try again.
    NotNow,
}

impl Dispatcher<'_> {
    /// Takes in what handlers said about cores, and finds who is late.
    #[inline]
    pub(crate) fn hear(
        &mut self,
        scheduler: &Scheduler<'_>,
        port: &impl Port,
        probe: &impl Probe,
        pass: &mut Pass,
    ) {
        let incarnation = port.incarnation();
        if incarnation != self.incarnation || self.pool.in_reset != 0 {
            self.hear_resets(scheduler, incarnation, pass);
        }
        let idle = scheduler.engaged.idle(scheduler.chip.handlers);
        let news = self.pool.unknown(idle) | scheduler.openings.take_open();
        if news != 0 {
            pass.progress |= self.hear_news(scheduler, port, probe, news);
        }
        if self.deadlines.is_running() {
            self.deadlines.expire(port.now());
            self.is_busy |= self.deadlines.has_late();
        }
    }

    /// Takes in which cores of `news` have room. Whether one came back that was given up: what
    /// waits for its slot or its bytes goes on.
    #[inline(never)]
    fn hear_news(
        &mut self,
        scheduler: &Scheduler<'_>,
        port: &impl Port,
        probe: &impl Probe,
        news: CoreMask,
    ) -> bool {
        // First: the looks that follow are not older, so a core that is idle in the pool is found
        // idle by its budgets too, and no news of that need come.
        self.pool.refill(scheduler, news, self.tokens);
        let mut is_back = false;
        for core in each(news & self.deadlines.watched()) {
            let pair = scheduler.cores[core.index()].pair.looked_at();
            let late = self.deadlines.changed(core, pair, port.now());
            if let Some((token, late_ns)) = late {
                is_back = true;
                probe.event(Event::Returned {
                    core,
                    token,
                    late_ns,
                });
            }
        }
        self.note_out(scheduler);
        is_back
    }

    /// Notices a reset, and hears which handlers have dealt with it.
    #[inline(never)]
    fn hear_resets(&mut self, scheduler: &Scheduler<'_>, incarnation: u32, pass: &mut Pass) {
        if incarnation != self.incarnation {
            self.incarnation = incarnation;
            self.pool.in_reset = scheduler.chip.all().fold(0, |all, core| all | only(core));
            pass.handlers
                .merge(Handlers::first(scheduler.chip.handlers));
            pass.progress = true;
        }
        for handler in 0..scheduler.chip.handlers {
            let cores = scheduler.owned[usize::from(handler)] & self.pool.in_reset;
            if cores != 0 && scheduler.openings.dealt_with(handler) == incarnation {
                self.pool.in_reset &= !cores;
                self.deadlines.forget(cores);
                self.note_out(scheduler);
                pass.progress = true;
            }
        }
    }

    /// Keeps the mask of cores that are out of the pool.
    #[inline]
    fn note_out(&mut self, scheduler: &Scheduler<'_>) {
        let out: CoreMask = scheduler.openings.suspects() | self.deadlines.lost();
        if out != self.pool.out {
            self.pool.out = out;
            // RELAXED: a statistic with one writer.
            scheduler.cores_out.store(out.count_ones(), edge::OUT_HINT);
        }
    }

    /// Deals with one core whose token is late. `false`: there is none, or not now.
    pub(crate) fn lose_next(
        &mut self,
        scheduler: &Scheduler<'_>,
        probe: &impl Probe,
        pass: &mut Pass,
    ) -> bool {
        let lost = match (
            self.deadlines.next_overdue(),
            self.deadlines.next_stranded(),
        ) {
            (Some((core, token)), _) => self.lose_running(scheduler, probe, (core, token)),
            (None, Some(core)) => self.lose_pending(scheduler, probe, core),
            (None, None) => return self.lose_item(scheduler, probe, pass),
        };
        pass.watching |= lost == Lost::NotNow;
        lost != Lost::NotNow
    }

    /// The running token of `core` is late: its task fails, and if the core still does not answer
    /// it is out of the pool.
    fn lose_running(
        &mut self,
        scheduler: &Scheduler<'_>,
        probe: &impl Probe,
        (core, token): (CoreId, Token),
    ) -> Lost {
        let state = &scheduler.cores[core.index()];
        let record = &state.records[token.parity()];
        let Some(slot) = record.slot().filter(|_| state.pair.still_runs(token)) else {
            self.deadlines.is_on_time(core);
            return Lost::TooLate;
        };
        let part = record.part();
        let lost = self.lose(scheduler, probe, (slot, FaultCode::TaskTimeout, Some(core)));
        match lost {
            Lost::NotNow => {}
            // The state acquires what the winner did: the pair is not older than that.
            Lost::TooLate if self.has_moved_on(scheduler, slot, (core, token)) => {
                self.deadlines.is_on_time(core);
            }
            Lost::TooLate | Lost::Failed => {
                probe.event(Event::Overdue {
                    core,
                    token,
                    slot,
                    block: part.block,
                    subtask: part.subtask,
                });
                self.deadlines.set_lost(core);
                self.note_out(scheduler);
                probe.event(Event::Quarantined { core });
            }
        }
        lost
    }

    fn has_moved_on(
        &self,
        scheduler: &Scheduler<'_>,
        slot: SlotId,
        (core, token): (CoreId, Token),
    ) -> bool {
        let _acquired = scheduler.slot(slot).retire.state();
        !scheduler.cores[core.index()].pair.still_runs(token)
    }

    /// The token behind a late one will not run in time: its task fails.
    fn lose_pending(
        &mut self,
        scheduler: &Scheduler<'_>,
        probe: &impl Probe,
        core: CoreId,
    ) -> Lost {
        let state = &scheduler.cores[core.index()];
        let pending = state.pair.looked_at().pending();
        let slot = pending.and_then(|token| state.records[token.parity()].slot());
        let lost = match slot {
            Some(slot) => self.lose(scheduler, probe, (slot, FaultCode::CoreLost, Some(core))),
            None => Lost::TooLate,
        };
        if lost != Lost::NotNow {
            self.deadlines.is_not_stranded(core);
        }
        lost
    }

    /// Decides that the task in `slot` failed, if its outcome is open and a subtask is out. No walk
    /// over consumers may be going on, and nothing be settled.
    pub(crate) fn lose(
        &mut self,
        scheduler: &Scheduler<'_>,
        probe: &impl Probe,
        (slot, code, core): (SlotId, FaultCode, Option<CoreId>),
    ) -> Lost {
        debug_assert!(self.release.is_none(), "one walk at a time");
        let words = scheduler.slot(slot);
        let (task, may_defer) = (words.task(), words.kind().may_defer() > 0);
        let desk = may_defer.then(|| scheduler.wait_list.try_lock());
        if matches!(desk, Some(None)) {
            return Lost::NotNow;
        }
        let Some(release) = finish_task(scheduler, probe, &mut self.ledger, slot, Road::Lost)
        else {
            return Lost::TooLate;
        };
        self.release = Some(release);
        scheduler.raise(probe, Fault { code, task }, core);
        let index = u32::try_from(slot.index()).expect("an index has 24 bits");
        self.lines[words.kind().priority() as usize][words.kind().stack()].forget(index);
        if let Some(mut desk) = desk.flatten() {
            // A task that the list had collected has its room already.
            let _ = desk.abandon(scheduler, slot);
            scheduler.wait_list.say_live(desk.live_hint());
        }
        Lost::Failed
    }
}

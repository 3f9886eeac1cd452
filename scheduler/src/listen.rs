//! What the dispatch thread does with wait list and mailbox in a pass.
//!
//! Neither is locked when both are empty: that costs one look at each.

use crate::dispatch::{DRAIN_BUDGET, Dispatcher, Pass, SETTLE_BUDGET};
use crate::locked::{Completion, Holder};
use crate::port::Port;
use crate::probe::{Event, Probe};
use crate::scheduler::Scheduler;
use crate::wait_entry::Turn;

impl Dispatcher<'_> {
    /// Drains the mailbox and polls unmet conditions, if there is anything of either.
    #[inline]
    pub(crate) fn listen(
        &mut self,
        scheduler: &Scheduler<'_>,
        port: &impl Port,
        probe: &impl Probe,
        pass: &mut Pass,
    ) {
        let list = &scheduler.wait_list;
        self.refreshed = 0;
        if !self.settled.is_empty() {
            pass.watching = true;
            return;
        }
        if list.live_hint() == 0 && !scheduler.has_mail_hint() {
            return;
        }
        self.attend(scheduler, port, probe, pass);
    }

    /// Settles and drains, if nobody else does.
    #[inline(never)]
    fn attend(
        &mut self,
        scheduler: &Scheduler<'_>,
        port: &impl Port,
        probe: &impl Probe,
        pass: &mut Pass,
    ) {
        let list = &scheduler.wait_list;
        let Some(mut desk) = list.try_lock() else {
            // The holder may not be somebody who settles: whoever parks now parks for good.
            pass.watching = true;
            return;
        };
        let (by, is_baseline) = (
            Holder::Dispatcher,
            scheduler.completion == Completion::Locked,
        );
        if is_baseline {
            probe.event(Event::Locked { by });
        }
        let refreshed = self.ledger.lines_refreshed;
        let ledger = &mut self.ledger;
        let mut turn = Turn {
            scheduler,
            port,
            probe,
            ledger,
        };
        // The baseline polls all it has while it holds the lock.
        let budget = if is_baseline { u32::MAX } else { SETTLE_BUDGET };
        let (polled, moved) = desk.settle(&mut turn, budget);
        let drained = desk.drain(&mut turn, DRAIN_BUDGET);
        self.refreshed = self.ledger.lines_refreshed - refreshed;
        let deadlines = [desk.next_deadline(), desk.gap_deadline()];
        pass.deadline_ns = deadlines.into_iter().flatten().min();
        self.settled = desk.take_settled();
        self.is_busy |= !self.settled.is_empty();
        list.say_live(desk.live_hint());
        self.ledger.polls += u64::from(polled);
        pass.polled = polled;
        pass.progress |= moved > 0 || drained > 0;
        pass.watching |= desk.live_hint() > 0;
        drop(desk);
        if is_baseline {
            probe.event(Event::Unlocked { by });
        }
    }
}

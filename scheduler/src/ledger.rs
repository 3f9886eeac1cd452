//! The ledger: what was counted, and the five equations that must hold at the end of a run: of
//! tasks, of the roads on which they completed, of items, FINs and messages.
//!
//! Every counter has one writer. Each thread's part is a plain [`Ledger`]; a run adds them up.

/// Counts of one thread, or of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Tasks wired in.
    pub submitted: u64,
    /// Tasks that completed.
    pub completed: u64,
    /// Tasks that failed.
    pub failed: u64,
    /// Tasks that were cancelled because something they depend on failed.
    pub cancelled: u64,
    /// Tasks whose predicate was false: they completed without running.
    pub skipped: u64,
    /// Tasks that completed without the mailbox: on the FIN thread, or dummies on the dispatch
    /// thread.
    pub inline: u64,
    /// Tasks that completed through the mailbox.
    pub deferred: u64,
    /// Tasks that completed because a worker said that it was through with their item.
    pub worked: u64,
    /// Items pushed into the work ring, those pushed again included.
    pub work_offered: u64,
    /// Items taken back from dead workers, to be pushed again.
    pub work_again: u64,
    /// Items that a dead worker left, or that nobody was left to take, and whose task failed for
    /// it, or had its outcome before.
    pub work_left: u64,
    /// WORK_DONE messages that decided the outcome of a task.
    pub work_done: u64,
    /// WORK_DONE messages of tasks that had failed before, with their item out.
    pub work_late: u64,
    /// WORK_DONE messages about a position that another one was about before.
    pub work_duplicate: u64,
    /// WORK_DONE messages about a position that is not any more, or never was, that slot's.
    pub work_stale: u64,
    /// WORK_DONE messages that name no slot with an item, or a position never pushed.
    pub work_unknown: u64,
    /// COND words that were news.
    pub fins_received: u64,
    /// FINs that retired a subtask.
    pub fins_applied: u64,
    /// FINs of the token that had finished last.
    pub fins_duplicate: u64,
    /// FINs of older tokens, or of tasks already finished.
    pub fins_stale: u64,
    /// FINs of tokens that were never dispatched.
    pub fins_unknown: u64,
    /// Messages the mailbox accepted: lines, of which one may carry several conditions.
    pub messages_accepted: u64,
    /// Messages acted on.
    pub messages_delivered: u64,
    /// Messages that could not be acted on.
    pub messages_reported: u64,
    /// CONDITIONs delivered, those of bundles too.
    pub conditions: u64,
    /// TASK_NORMAL_DONEs delivered, those of bundles too.
    pub normal_done: u64,
    /// Pushes that found the mailbox full, wholly or in part.
    pub full: u64,
    /// Most messages seen waiting in the mailbox.
    pub mailbox_high_water: u64,
    /// Most tasks in the wait list at once. A task is in it from the first message about it on, or
    /// from when it fails for want of messages; one that has all it waits for at once is counted.
    pub waiting_high_water: u64,
    /// Conditions polled.
    pub polls: u64,
    /// Lines made current to look at conditions.
    pub lines_refreshed: u64,
    /// Counters that stood beyond the value waited for when the wait ended.
    pub overshoots: u64,
    /// Times that a counter stood lower than when it was looked at before.
    pub went_back: u64,
}

impl Ledger {
    /// Adds another part: counts add up, high waters are maxima.
    pub fn merge(&mut self, other: &Self) {
        let sums = [
            (&mut self.submitted, other.submitted),
            (&mut self.completed, other.completed),
            (&mut self.failed, other.failed),
            (&mut self.cancelled, other.cancelled),
            (&mut self.skipped, other.skipped),
            (&mut self.inline, other.inline),
            (&mut self.deferred, other.deferred),
            (&mut self.worked, other.worked),
            (&mut self.work_offered, other.work_offered),
            (&mut self.work_again, other.work_again),
            (&mut self.work_left, other.work_left),
            (&mut self.work_done, other.work_done),
            (&mut self.work_late, other.work_late),
            (&mut self.work_duplicate, other.work_duplicate),
            (&mut self.work_stale, other.work_stale),
            (&mut self.work_unknown, other.work_unknown),
            (&mut self.fins_received, other.fins_received),
            (&mut self.fins_applied, other.fins_applied),
            (&mut self.fins_duplicate, other.fins_duplicate),
            (&mut self.fins_stale, other.fins_stale),
            (&mut self.fins_unknown, other.fins_unknown),
            (&mut self.messages_accepted, other.messages_accepted),
            (&mut self.messages_delivered, other.messages_delivered),
            (&mut self.messages_reported, other.messages_reported),
            (&mut self.conditions, other.conditions),
            (&mut self.normal_done, other.normal_done),
            (&mut self.full, other.full),
            (&mut self.polls, other.polls),
            (&mut self.lines_refreshed, other.lines_refreshed),
            (&mut self.overshoots, other.overshoots),
            (&mut self.went_back, other.went_back),
        ];
        for (mine, theirs) in sums {
            *mine += theirs;
        }
        self.mailbox_high_water = self.mailbox_high_water.max(other.mailbox_high_water);
        self.waiting_high_water = self.waiting_high_water.max(other.waiting_high_water);
    }

    /// Tasks whose outcome is decided.
    pub const fn finished(&self) -> u64 {
        self.completed + self.failed + self.cancelled
    }

    /// Items in the work ring or in the hands of a worker, dead or alive.
    pub const fn work_out(&self) -> u64 {
        let back = self.work_done + self.work_late + self.work_left + self.work_again;
        self.work_offered - back
    }

    /// Whether nothing was lost and nothing counted twice, with `live` tasks unfinished and
    /// `in_mailbox` messages not drained. An item that is out is a live task's, or that of one that
    /// failed before it came back.
    pub const fn adds_up(&self, live: u64, in_mailbox: u64) -> bool {
        let fins = self.fins_applied + self.fins_duplicate + self.fins_stale + self.fins_unknown;
        let messages = self.messages_delivered + self.messages_reported + in_mailbox;
        let roads = self.inline + self.deferred + self.worked;
        let back = self.work_done + self.work_late + self.work_left + self.work_again;
        let items = self.worked <= self.work_done
            && back <= self.work_offered
            && self.work_offered <= back + live + self.failed;
        self.submitted == self.finished() + live
            && self.completed == roads
            && items
            && self.fins_received == fins
            && self.messages_accepted == messages
    }
}

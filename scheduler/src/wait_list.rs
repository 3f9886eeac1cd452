//! The async wait list: deferred tasks, their conditions, and the mailbox's consumer, behind one
//! lock that is only ever tried.
//!
//! Entries belong to task slots and are found by index (`wait_entry`); unmet conditions stand in
//! one dense list, grouped by line (`poll`). What a condition is and what one look says stands in
//! `condition`, what a completion queue is in `urma`.

use finbox_mailbox::sync::AtomicU32;
use finbox_mailbox::{Consumer, Guard, Message, TryLock};

use crate::condition::Unmet;
use crate::edge;
use crate::gap::GapWatch;
use crate::id::SlotId;
use crate::ledger::Ledger;
use crate::limits::{DEFAULT_GAP_NS, Limits};
use crate::peers::KnownDead;
use crate::poll::{PollList, PollMemory};
use crate::port::Port;
use crate::probe::Probe;
use crate::ready::SlotQueue;
use crate::retire::RetireState;
use crate::scheduler::Scheduler;
use crate::sweep::Sweep;
use crate::urma::UrmaQueue;
use crate::wait_entry::{Book, Turn, WaitEntry};

/// Memory of the wait list.
#[derive(Debug)]
pub(crate) struct WaitMemory<'m> {
    pub(crate) entries: &'m mut [WaitEntry],
    pub(crate) poll: PollMemory<'m>,
    pub(crate) queues: &'m mut [UrmaQueue],
}

/// The list, as all threads see it.
#[derive(Debug)]
pub struct AsyncWaitList<'m> {
    desk: TryLock<WaitDesk<'m>>,
    live_hint: AtomicU32,
}

/// The list, as the holder of its lock sees it.
#[derive(Debug)]
pub struct WaitDesk<'m> {
    pub(crate) consumer: Consumer<'m>,
    pub(crate) book: Book<'m>,
    pub(crate) watch: GapWatch,
}

impl<'m> AsyncWaitList<'m> {
    pub(crate) fn new(consumer: Consumer<'m>, memory: WaitMemory<'m>, limits: Limits) -> Self {
        memory.entries.fill(WaitEntry::default());
        memory.queues.fill(UrmaQueue::default());
        let book = Book {
            entries: memory.entries,
            poll: PollList::new(memory.poll),
            queues: memory.queues,
            known_dead: KnownDead::default(),
            live: 0,
            most_live: 0,
            settled: SlotQueue::default(),
            heard_of: (SlotId::new(0, 0, 0), RetireState::NEVER),
            returned: 0,
            wait_ns: limits.wait_ns,
        };
        Self {
            desk: TryLock::new(WaitDesk {
                consumer,
                book,
                watch: GapWatch::new(limits.gap_ns.unwrap_or(DEFAULT_GAP_NS)),
            }),
            live_hint: AtomicU32::new(0),
        }
    }

    /// The list, unless another thread holds it. Returns at once either way.
    pub fn try_lock(&self) -> Option<Guard<'_, WaitDesk<'m>>> {
        self.desk.try_lock()
    }

    /// Tasks that wait, as last said by a holder of the lock.
    #[inline]
    pub fn live_hint(&self) -> u32 {
        // RELAXED: a hint.
        self.live_hint.load(edge::LIVE_HINT)
    }

    pub(crate) fn say_live(&self, live: u32) {
        // RELAXED: a hint.
        self.live_hint.store(live, edge::LIVE_HINT);
    }
}

impl WaitDesk<'_> {
    /// Tasks that wait.
    pub const fn live(&self) -> u32 {
        self.book.live
    }

    /// What the hint says: not 0 while a condition is stored, though its task be gone, a task is to
    /// be finished, or a condemned mailbox is not wholly visited.
    pub(crate) fn live_hint(&self) -> u32 {
        let has_more =
            self.book.poll.count() > 0 || !self.book.settled.is_empty() || self.is_recovering();
        self.book.live.max(u32::from(has_more))
    }

    /// Conditions that did not hold when last looked at, those on one line together.
    pub fn unmet(&self) -> impl Iterator<Item = &Unmet> {
        self.book.poll.iter()
    }

    /// How many distinct lines they watch.
    pub const fn lines(&self) -> usize {
        self.book.poll.lines()
    }

    /// Messages claimed and not drained, as far as this thread can see.
    pub fn mailbox_depth_hint(&self) -> u32 {
        self.consumer.depth_hint()
    }

    /// No condition's deadline is earlier: when this time comes, settle. `None`: none has one.
    pub fn next_deadline(&self) -> Option<u64> {
        let bound_ns = self.book.poll.deadline_bound_ns();
        (self.book.poll.count() > 0 && bound_ns < u64::MAX).then_some(bound_ns)
    }

    /// Gives `slot` up, whose task is about to be finished by the caller: the room promised for
    /// conditions that are not stored comes back now, that of stored ones when they are met with,
    /// and messages that still come are dropped.
    ///
    /// `false`: the list has collected the task already and its holder is going to finish it, or
    /// it was given up before. Then nothing was done, and the caller must not finish it.
    #[must_use]
    pub fn abandon(&mut self, scheduler: &Scheduler<'_>, slot: SlotId) -> bool {
        self.book.abandon(scheduler, slot)
    }

    /// Takes the tasks that are to be finished, after the lock is given back.
    pub(crate) fn take_settled(&mut self) -> SlotQueue {
        core::mem::take(&mut self.book.settled)
    }

    /// Moves up to `budget` messages from the mailbox into the list. Returns how many, and what
    /// moved instead when delivery stands still for good.
    pub(crate) fn drain<P: Port, B: Probe>(
        &mut self,
        turn: &mut Turn<'_, '_, P, B>,
        budget: u32,
    ) -> u32 {
        if self.consumer.is_condemned() {
            return self.salvage(turn, budget);
        }
        if self.consumer.is_empty_hint() {
            return self.watch_gap(turn, budget);
        }
        let depth = u64::from(self.consumer.depth_hint());
        turn.ledger.mailbox_high_water = turn.ledger.mailbox_high_water.max(depth);
        let epoch = self.consumer.epoch();
        let book = &mut self.book;
        let drained = self.consumer.drain(budget, |ticket, words| {
            if book.deliver(turn, (words, epoch)).is_none() {
                book.report(turn, ticket, (words, epoch));
            }
        });
        self.book.give_back(turn.scheduler);
        self.count_waiting(turn.ledger);
        drained.taken
    }

    /// Tells the ledger how many tasks ever waited at once.
    pub(crate) fn count_waiting(&self, ledger: &mut Ledger) {
        let most = u64::from(self.book.most_live);
        ledger.waiting_high_water = ledger.waiting_high_water.max(most);
    }

    /// Acts on one message that did not come through the mailbox.
    pub(crate) fn register<P: Port, B: Probe>(
        &mut self,
        turn: &mut Turn<'_, '_, P, B>,
        message: &Message,
    ) {
        if self.book.act_on(turn, message).is_none() {
            turn.ledger.messages_reported += 1;
        }
        self.book.give_back(turn.scheduler);
        self.count_waiting(turn.ledger);
    }

    /// Looks at up to `budget` unmet conditions, going on where the last call stopped. Returns how
    /// many it looked at, and how much moved: conditions that are gone (met, failed, or nobody
    /// waits for them any more) and queues that were walked on.
    ///
    /// # Cost
    /// Each distinct line is made current once, or twice if the budget ends in the midst of it;
    /// one load a word that is watched. Conditions are touched one by one only on lines that moved
    /// or whose time is over, and once everywhere after a peer died or a task failed that waits.
    pub(crate) fn settle<P: Port, B: Probe>(
        &mut self,
        turn: &mut Turn<'_, '_, P, B>,
        budget: u32,
    ) -> (u32, u32) {
        let budget = budget as usize;
        let looks = budget.min(self.book.poll.count());
        self.book.poll.begin_if_whole(budget);
        if self.book.known_dead.learn(&turn.scheduler.peers) {
            self.book.poll.distrust_all();
        }
        let now_ns = match self.next_deadline() {
            Some(_) => turn.port.now(),
            None => 0,
        };
        let (mut sweep, mut moved) = (Sweep::new(now_ns), 0);
        let mut left = looks;
        while left > 0 {
            left -= self.book.poll.pass_quiet(turn.port, &mut sweep, left);
            if left == 0 {
                break;
            }
            moved += u32::from(self.book.look_at_next(turn, &mut sweep));
            left -= 1;
        }
        turn.ledger.lines_refreshed += sweep.refreshed;
        self.book.give_back(turn.scheduler);
        self.book.poll.begin_if_whole(budget);
        #[expect(clippy::cast_possible_truncation, reason = "at most budget")]
        (looks as u32, moved)
    }

    /// Moves on by `looks` looks that are known to see nothing, without taking them.
    pub(crate) fn skip(&mut self, looks: u64) {
        self.book.poll.skip(looks);
    }
}

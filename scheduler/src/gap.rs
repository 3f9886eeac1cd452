//! The gap watch: what becomes of a mailbox in which a claimed position stays unpublished.
//!
//! A gap that outlives its limit is a claimer that died. It raises MAILBOX_GAP and condemns the
//! mailbox: everything published is delivered out of it, each missing position is told with whoever
//! announced it and counts as reported, and then the tasks fail whose messages can no longer all
//! come. From then on there is no mailbox: a handler whose push is refused says so and goes on, and
//! the task it was about fails with the same number as soon as it has wholly retired. Conditions
//! that are stored are polled as ever. Nothing waits for the dead.

use core::num::NonZeroU32;

use finbox_mailbox::{Salvage, Stop};

use crate::fault::{Fault, FaultCode};
use crate::id::TaskId;
use crate::port::Port;
use crate::probe::{Event, Probe};
use crate::wait_entry::Turn;
use crate::wait_list::WaitDesk;

/// The gap that condemned a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailboxGap {
    /// The position that was not published in time.
    pub position: u64,
    /// Who had announced it, if it had a line: a handler's number counted from 1, or the name that
    /// somebody else registered under.
    pub claimer: Option<NonZeroU32>,
    /// Positions found missing so far.
    pub missing: u64,
}

/// What the wait list remembers about gaps.
#[derive(Debug)]
pub(crate) struct GapWatch {
    limit_ns: u64,
    /// The position where delivery stands still, and since when.
    watched: Option<(u64, u64)>,
    found: Option<MailboxGap>,
    /// Every position of the condemned mailbox was visited.
    is_recovered: bool,
}

impl GapWatch {
    pub(crate) const fn new(limit_ns: u64) -> Self {
        Self {
            limit_ns,
            watched: None,
            found: None,
            is_recovered: false,
        }
    }

    /// Since when `position` has stood unpublished, now included.
    fn since(&mut self, position: u64, now_ns: u64) -> u64 {
        let known = self.watched.filter(|(watched, _)| *watched == position);
        let (_, since_ns) = *self.watched.insert(known.unwrap_or((position, now_ns)));
        since_ns
    }
}

impl WaitDesk<'_> {
    /// When this time comes, the gap that is watched has lasted too long. `None`: there is none.
    pub fn gap_deadline(&self) -> Option<u64> {
        let (_, since_ns) = self.watch.watched?;
        Some(since_ns.saturating_add(self.watch.limit_ns))
    }

    /// The position where delivery stands still now, and who announced it.
    pub fn open_gap(&self) -> Option<(u64, Option<NonZeroU32>)> {
        let gap = self.consumer.gap()?;
        Some((gap.position, gap.claimers.name))
    }

    /// The gap that condemned the mailbox, if one has.
    pub const fn gap(&self) -> Option<MailboxGap> {
        self.watch.found
    }

    /// Whether positions of a condemned mailbox are still to be visited.
    pub(crate) const fn is_recovering(&self) -> bool {
        self.watch.found.is_some() && !self.watch.is_recovered
    }

    /// Looks whether delivery stands still, and for how long. Past the limit: recovers up to
    /// `budget` positions. Returns how many.
    pub(crate) fn watch_gap<P: Port, B: Probe>(
        &mut self,
        turn: &mut Turn<'_, '_, P, B>,
        budget: u32,
    ) -> u32 {
        let Some(gap) = self.consumer.gap() else {
            self.watch.watched = None;
            return 0;
        };
        let now_ns = turn.port.now();
        let since_ns = self.watch.since(gap.position, now_ns);
        if now_ns.saturating_sub(since_ns) < self.watch.limit_ns {
            return 0;
        }
        self.watch.watched = None;
        self.watch.found = Some(MailboxGap {
            position: gap.position,
            claimer: gap.claimers.name,
            missing: 0,
        });
        let (code, task) = (FaultCode::MailboxGap, TaskId::INVALID);
        turn.scheduler.raise(turn.probe, Fault { code, task }, None);
        self.salvage(turn, budget)
    }

    /// Visits up to `budget` positions of the condemned mailbox, and behind the last one fails the
    /// tasks that lack messages. Returns how many positions, and such tasks.
    pub(crate) fn salvage<P: Port, B: Probe>(
        &mut self,
        turn: &mut Turn<'_, '_, P, B>,
        budget: u32,
    ) -> u32 {
        let epoch = self.consumer.epoch();
        let (book, found) = (&mut self.book, &mut self.watch.found);
        let drained = self
            .consumer
            .recover(budget, |ticket, salvage| match salvage {
                Salvage::Message(words) => {
                    if book.deliver(turn, (words, epoch)).is_none() {
                        book.report(turn, ticket, (words, epoch));
                    }
                }
                Salvage::Missing(claimers) => {
                    turn.ledger.messages_reported += 1;
                    if let Some(found) = found {
                        found.missing += 1;
                    }
                    turn.probe.event(Event::Missing {
                        position: ticket.position(),
                        claimer: claimers.name,
                    });
                }
            });
        let mut moved = drained.taken;
        if drained.stop == Stop::Condemned {
            // Taken before the look at the slots: who is orphaned behind it is found the next time.
            let has_orphans = turn.scheduler.orphans.take();
            if has_orphans || !self.watch.is_recovered {
                moved += self.book.fail_orphans(turn);
            }
            self.watch.is_recovered = true;
        }
        self.book.give_back(turn.scheduler);
        self.count_waiting(turn.ledger);
        moved
    }
}

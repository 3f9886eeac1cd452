//! One worker: claims an item, does it, says so.
//!
//! Guarantees: an item is in its hand until the message about it stands in the mailbox, so whoever
//! finds it dead finds the item; a full mailbox keeps it from the next item, never from trying
//! again. Refuses: to do the item, to wait, and to wake anybody. Called by a simulated core, or by
//! a thread that plays one.

use std::num::NonZeroU32;
use std::sync::Arc;

use finbox_mailbox::sync::AtomicU64;
use finbox_mailbox::work::{NoWork, Work, Worker};
use finbox_mailbox::{NamedProducer, Producer, PushError, WorkDone, WorkerMessage};
use finbox_scheduler::{Ledger, Scheduler};

use crate::edge;

/// Added to a worker's name where it stands beside those of FIN handlers: as the claimer of a
/// mailbox position that it never published.
const CLAIMER_BASE: u32 = 1 << 16;

/// What one worker counted, for whoever adds up a run.
#[derive(Debug)]
pub(super) struct Tally {
    accepted: AtomicU64,
    full: AtomicU64,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            accepted: AtomicU64::new(0),
            full: AtomicU64::new(0),
        }
    }
}

impl Tally {
    /// RELAXED: BEAT has one writer and carries nothing; a run adds up when its workers have ended.
    pub(super) fn count(&self, said: Said) {
        let counter = match said {
            Said::Sent => &self.accepted,
            Said::Full => &self.full,
            Said::Lost | Said::Nothing => return,
        };
        counter.store(counter.load(edge::BEAT) + 1, edge::BEAT);
    }

    /// RELAXED: as above.
    pub(super) fn ledger(&self) -> Ledger {
        Ledger {
            messages_accepted: self.accepted.load(edge::BEAT),
            full: self.full.load(edge::BEAT),
            ..Ledger::default()
        }
    }
}

/// What became of a message about an item, or about a worker that is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Said {
    /// It stands in the mailbox: wake the dispatch thread.
    Sent,
    /// The mailbox is full. Nothing changed: say it again later.
    Full,
    /// The mailbox is condemned: the item's task fails with MAILBOX_GAP. Wake the dispatch thread.
    Lost,
    /// Nothing is in hand.
    Nothing,
}

impl Said {
    pub(super) fn of(pushed: Result<(), PushError>) -> Self {
        match pushed {
            Ok(()) => Self::Sent,
            Err(PushError::Full(_)) => Self::Full,
            Err(PushError::Condemned) => Self::Lost,
        }
    }
}

/// A worker of a [`Group`](super::Group): one value, used by one thread at a time. Dropped with an
/// item in hand it is a dead worker, whose item [`Group::lose`](super::Group::lose) takes back.
#[derive(Debug)]
pub struct GroupWorker<'m> {
    worker: Worker<'m>,
    mailbox: Producer<'m, WorkerMessage>,
    named: Option<NamedProducer<'m, WorkerMessage>>,
    tally: Arc<Tally>,
}

impl<'m> GroupWorker<'m> {
    pub(super) fn new(
        worker: Worker<'m>,
        mailbox: Producer<'m, WorkerMessage>,
        tally: Arc<Tally>,
    ) -> Self {
        let claimer = worker.name().saturating_add(CLAIMER_BASE);
        Self {
            worker,
            mailbox,
            named: mailbox.register(claimer).ok(),
            tally,
        }
    }

    /// The name it entered under.
    pub fn name(&self) -> NonZeroU32 {
        self.worker.name()
    }

    /// What it has to do, or to say, before it gets more.
    pub fn in_hand(&self) -> Option<Work> {
        self.worker.in_hand()
    }

    /// Takes the next item. [`NoWork::Closed`]: there is none and there will be none; the worker's
    /// launch may end.
    ///
    /// # Errors
    /// [`NoWork`], at once.
    pub fn poll(&mut self) -> Result<Work, NoWork> {
        self.worker.claim()
    }

    /// As [`tell`](Self::tell), and a message that is lost is reported to `scheduler`.
    pub fn say(&mut self, scheduler: &Scheduler<'_>, status: u32) -> Said {
        let said = self.tell(status);
        if said == Said::Lost {
            scheduler.work_unsaid();
        }
        said
    }

    /// Says that what is in hand is done, or, with a `status` that is not 0, that it failed. What
    /// the worker wrote before is visible to whoever takes the message.
    ///
    /// The message goes first: until it stands in the mailbox the item is this worker's, also when
    /// it dies.
    ///
    /// Of [`Said::Lost`] whoever has the scheduler tells it ([`Scheduler::work_unsaid`]): a core
    /// has none.
    pub fn tell(&mut self, status: u32) -> Said {
        let Some(Work { position, item }) = self.worker.in_hand() else {
            return Said::Nothing;
        };
        let message = WorkerMessage::Done(WorkDone {
            position,
            correlation: item.correlation,
            status,
        });
        let pushed = match &mut self.named {
            Some(named) => named.push(&message),
            None => self.mailbox.push(&message),
        };
        let said = Said::of(pushed);
        self.tally.count(said);
        if said == Said::Full {
            return said;
        }
        let done = self.worker.done(position);
        debug_assert!(done.is_ok(), "it was in hand");
        said
    }
}

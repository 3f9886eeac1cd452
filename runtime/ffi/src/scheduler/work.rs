//! Persistent workers of a scheduler: they take its items, and it hears of each through its
//! mailbox.
//!
//! Guarantees: an item is in its worker's hand until the message about it stands in the mailbox, so
//! whoever finds the worker dead finds the item; what the dead one had said counts. Refuses to end
//! a scheduler under its workers, and to wake one. Called by whoever launches workers, and by
//! `worker.rs` for each of them; in firmware as well.

use core::num::NonZeroU32;

use ::finbox_scheduler::Ledger;
use finbox_abi::only;
use finbox_mailbox::sync::AtomicU64;
use finbox_mailbox::work::{Finished, Worker};
use finbox_mailbox::{PushError, WorkDone, WorkerLost, WorkerMessage, edge};

use crate::edition::guard;
use crate::handle::{Handle, finbox_scheduler};
use crate::problem::Problem;
use crate::scheduler::place::at;
use crate::scheduler::{Scheduling, outside};
use crate::status::finbox_status;
use crate::worker::{Working, finbox_worker, name_of};

/// Flag of `finbox_scheduler_lose_worker`: its item may be done twice, so it is pushed again.
pub const FINBOX_LOST_AGAIN: u32 = 1;

/// What workers told, and what is told of lost ones.
#[derive(Debug)]
pub(crate) struct Told {
    accepted: AtomicU64,
    full: AtomicU64,
}

impl Default for Told {
    fn default() -> Self {
        Self {
            accepted: AtomicU64::new(0),
            full: AtomicU64::new(0),
        }
    }
}

impl Told {
    fn count(&self, pushed: Result<(), PushError>) {
        let counter = match pushed {
            Ok(()) => &self.accepted,
            Err(PushError::Full(_)) => &self.full,
            Err(PushError::Condemned) => return,
        };
        // RELAXED: HEAD_HINT is a statistic.
        counter.fetch_add(1, edge::HEAD_HINT);
    }

    pub(super) fn ledger(&self) -> Ledger {
        Ledger {
            // RELAXED: HEAD_HINT is a statistic.
            messages_accepted: self.accepted.load(edge::HEAD_HINT),
            // RELAXED: HEAD_HINT, as above.
            full: self.full.load(edge::HEAD_HINT),
            ..Ledger::default()
        }
    }
}

/// Where a message went that was not refused for want of room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    Sent,
    /// The mailbox is condemned.
    Lost,
}

impl Scheduling {
    /// Pushes a message; nothing changed if the mailbox is full.
    fn tell(&self, message: &WorkerMessage) -> Result<Heard, Problem> {
        let pushed = self.scheduler.mailbox().for_workers().push(message);
        self.told.count(pushed);
        match pushed {
            Ok(()) => Ok(Heard::Sent),
            Err(PushError::Condemned) => Ok(Heard::Lost),
            Err(full @ PushError::Full(_)) => Err(full.into()),
        }
    }

    /// Has the dispatch thread look: at the message, or, if that is lost, at the ring, which knows
    /// by now what the message was to say.
    fn wake_for(&self, heard: Heard) -> Result<(), Problem> {
        if heard == Heard::Lost {
            self.scheduler.work_unsaid();
        }
        self.threads.wake_dispatch();
        match heard {
            Heard::Sent => Ok(()),
            Heard::Lost => Err(PushError::Condemned.into()),
        }
    }

    /// Says what came of the item of `position`, and lets go of it behind that. The dispatch thread
    /// is woken last: what no message tells it, it finds in the ring.
    pub(crate) fn worked(
        &self,
        worker: &mut Worker<'static>,
        position: u64,
        status: u32,
    ) -> Result<Finished, Problem> {
        let held = worker.in_hand().filter(|work| work.position == position);
        let Some(work) = held else {
            return Ok(worker.done(position)?);
        };
        let heard = self.tell(&WorkerMessage::Done(WorkDone {
            position,
            correlation: work.item.correlation,
            status,
        }))?;
        let finished = worker.done(position)?;
        self.wake_for(heard)?;
        Ok(finished)
    }

    /// Refuses if a worker may still come and say something.
    pub(super) fn check_workers(&self) -> Result<(), Problem> {
        let ring = self.scheduler.work_ring();
        let mut seats = ring.iter().flat_map(|ring| ring.workers());
        match seats.find(|seat| !seat.is_gone) {
            Some(seat) => Err(Problem::WorkerLeft {
                name: seat.name.get(),
            }),
            None => Ok(()),
        }
    }
}

/// Makes a worker of the scheduler's work ring, called `name`, not 0, which no other worker of it
/// bears. It takes items, each of which is a task of the shape WORK, with `finbox_worker_claim`,
/// and says what came of them with `finbox_worker_done` and `finbox_worker_fail`. An item's
/// correlation is the library's.
///
/// INVALID_ARGUMENT if the scheduler was placed without a work ring; NO_LINE if every line is
/// taken, or has an item that a lost worker left. Any thread. It must have left, or be lost, before
/// the scheduler is destroyed.
///
/// # Safety
/// `scheduler` points to a scheduler's storage that lives until the call returns, `worker` to
/// storage that lives until it leaves.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_scheduler_register_worker(
    scheduler: *mut finbox_scheduler,
    name: u32,
    worker: *mut finbox_worker,
) -> finbox_status {
    guard(|| {
        outside()?;
        let name = name_of(name)?;
        // SAFETY: handed on to the caller.
        let reserved = unsafe { Handle::at(worker) }?.reserve()?;
        // SAFETY: handed on to the caller.
        let body = unsafe { at(scheduler) }?;
        let ring = body.scheduler.work_ring().ok_or(Problem::NoWorkRing)?;
        reserved.fill(Working::of(ring.register(name)?, Some(body)));
        Ok(())
    })
}

/// Says that the worker called `name` is gone: it left, with an item in hand or without, or died
/// and never will. What it had said before counts. Its item's task fails with WORKER_LOST (fault
/// 114), or, with `FINBOX_LOST_AGAIN` among the `flags`, its item is pushed again, at another
/// position. Where it was the last one of a ring that was closed, the items that nobody took fail
/// with NO_WORKER_LEFT (fault 115). Wakes the library's dispatch thread.
///
/// FULL if the mailbox is full: say it again. CONDEMNED if that is condemned: the task fails with
/// MAILBOX_GAP. INVALID_ARGUMENT without a work ring. Any thread.
///
/// # Safety
/// `scheduler` points to a scheduler's storage that lives until the call returns. Nothing runs any
/// more that could use a worker of this name, and whatever it did is visible to the caller. Its
/// storage is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_scheduler_lose_worker(
    scheduler: *mut finbox_scheduler,
    name: u32,
    flags: u32,
) -> finbox_status {
    guard(|| {
        outside()?;
        let name = name_of(name)?;
        only(FINBOX_LOST_AGAIN.into(), flags.into())?;
        // SAFETY: handed on to the caller.
        let body = unsafe { at(scheduler) }?;
        let ring = body.scheduler.work_ring().ok_or(Problem::NoWorkRing)?;
        // SAFETY: handed on to the caller. What was left is taken over when the message is heard.
        let _left = unsafe { ring.bury(name) };
        let heard = body.tell(&lost(name, flags))?;
        body.wake_for(heard)
    })
}

fn lost(name: NonZeroU32, flags: u32) -> WorkerMessage {
    WorkerMessage::Lost(WorkerLost {
        name: name.get(),
        is_idempotent: flags & FINBOX_LOST_AGAIN != 0,
    })
}

/// Says that no item will be offered any more: workers get CLOSED when everything in the ring was
/// taken, and may go. A task of the shape WORK that becomes ready behind this fails with
/// NO_WORKER_LEFT (fault 115). If all workers are gone already, lose one of them again: what is in
/// the ring fails then with NO_WORKER_LEFT. INVALID_ARGUMENT without a work ring. Any thread.
///
/// # Safety
/// `scheduler` points to a scheduler's storage that lives until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_scheduler_close_work(
    scheduler: *mut finbox_scheduler,
) -> finbox_status {
    guard(|| {
        outside()?;
        // SAFETY: handed on to the caller.
        let body = unsafe { at(scheduler) }?;
        let ring = body.scheduler.work_ring().ok_or(Problem::NoWorkRing)?;
        ring.close();
        body.threads.wake_dispatch();
        Ok(())
    })
}

//! Workers of a work ring across the ABI: one takes an item, holds it, and says that it is done.
//!
//! Guarantees: what [`finbox_mailbox::work::Worker`] guarantees; one thread at a time uses a
//! worker, another gets BUSY. What a dead one had in hand is recovered by another. A worker of a
//! scheduler says what came of an item before it lets go of it. Called by persistent workers, and
//! by whoever buries them.

use core::num::NonZeroU32;

use finbox_abi::not_null;
use finbox_mailbox::work::{Finished, NoWork, Work, Worker};

use crate::edition::guard;
use crate::handle::{Handle, Storage};
use crate::problem::Problem;
use crate::scheduler::Scheduling;
use crate::status::finbox_status;
use crate::work_ring::{finbox_work_item, finbox_work_ring, ring_at};

/// Storage for a worker. All zero before it is first used, and never copied or moved while it is a
/// handle.
#[derive(Debug)]
#[repr(C)]
pub struct finbox_worker {
    /// The library's.
    pub opaque: [u64; 20],
}

/// An item in hand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct finbox_work {
    /// Where it was pushed.
    pub position: u64,
    /// What is to be done.
    pub item: finbox_work_item,
}

/// What a worker's storage holds.
pub(crate) struct Working {
    worker: Worker<'static>,
    /// Who hears of its items, if the ring is a scheduler's.
    heard_by: Option<&'static Scheduling>,
}

impl Working {
    pub(crate) const fn of(worker: Worker<'static>, heard_by: Option<&'static Scheduling>) -> Self {
        Self { worker, heard_by }
    }

    fn done(&mut self, position: u64) -> Result<Finished, Problem> {
        match self.heard_by {
            Some(scheduling) => scheduling.worked(&mut self.worker, position, 0),
            None => Ok(self.worker.done(position)?),
        }
    }

    fn fail(&mut self, position: u64, status: NonZeroU32) -> Result<Finished, Problem> {
        let scheduling = self.heard_by.ok_or(Problem::Unheard)?;
        scheduling.worked(&mut self.worker, position, status.get())
    }
}

impl Storage for finbox_worker {
    type Body = Working;
    const NAME: &'static str = "worker";
    const KIND: u64 = u64::from_le_bytes(*b"\0FBwrkr\xA5");
}

const _: () = assert!(
    size_of::<Handle<finbox_worker>>() <= size_of::<finbox_worker>()
        && align_of::<Handle<finbox_worker>>() <= align_of::<finbox_worker>(),
    "a worker fits its storage"
);

impl From<Work> for finbox_work {
    fn from(work: Work) -> Self {
        Self {
            position: work.position,
            item: finbox_work_item {
                offset: work.item.offset,
                length: work.item.length,
                rule_set: work.item.rule_set,
                correlation: work.item.correlation,
            },
        }
    }
}

/// The name of a worker.
pub(crate) fn name_of(name: u32) -> Result<NonZeroU32, Problem> {
    NonZeroU32::new(name).ok_or(Problem::NamelessWorker)
}

/// Makes a worker of a ring, called `name`, not 0: a core's number, a process id. NO_LINE if every
/// line is taken, or has an item that a dead worker left. Any thread.
///
/// # Safety
/// `ring` points to a work ring's storage that lives until the call returns, `worker` to storage
/// that lives until it leaves.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_work_ring_register(
    ring: *mut finbox_work_ring,
    name: u32,
    worker: *mut finbox_worker,
) -> finbox_status {
    guard(|| {
        let name = name_of(name)?;
        // SAFETY: handed on to the caller.
        let reserved = unsafe { Handle::at(worker) }?.reserve()?;
        // SAFETY: handed on to the caller.
        let registered = unsafe { ring_at(ring) }?.register(name)?;
        reserved.fill(Working::of(registered, None));
        Ok(())
    })
}

/// Says that the workers called `name` are dead and never left: each gives its line back, or leaves
/// its item on it. `left`, unless null, becomes how many did, to be recovered.
///
/// # Safety
/// `ring` points to a work ring's storage that lives until the call returns; `left` is null or
/// points to a number. Nothing runs any more that could use a worker of this name, and whatever it
/// did is visible to the caller. Their storage is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_work_ring_bury(
    ring: *mut finbox_work_ring,
    name: u32,
    left: *mut u32,
) -> finbox_status {
    guard(|| {
        let name = name_of(name)?;
        if !left.is_null() {
            not_null(left, "left")?;
        }
        // SAFETY: handed on to the caller.
        let ring = unsafe { ring_at(ring) }?;
        // SAFETY: handed on to the caller.
        let count = unsafe { ring.bury(name) };
        if !left.is_null() {
            // SAFETY: writable by the caller's word.
            unsafe { left.write(count) };
        }
        Ok(())
    })
}

/// Makes a worker, called `heir`, that has in hand what a worker called `dead` left: one item a
/// call, at its position. NOTHING_LEFT if there is none. Any thread.
///
/// # Safety
/// `ring` points to a work ring's storage that lives until the call returns, `worker` to storage
/// that lives until it leaves.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_work_ring_recover(
    ring: *mut finbox_work_ring,
    dead: u32,
    heir: u32,
    worker: *mut finbox_worker,
) -> finbox_status {
    guard(|| {
        let (dead, heir) = (name_of(dead)?, name_of(heir)?);
        // SAFETY: handed on to the caller.
        let reserved = unsafe { Handle::at(worker) }?.reserve()?;
        // SAFETY: handed on to the caller.
        let recovered = unsafe { ring_at(ring) }?.recover(dead, heir)?;
        reserved.fill(Working::of(recovered, None));
        Ok(())
    })
}

/// Takes the next item, in the order of positions. EMPTY; NOT_PUBLISHED if a producer stands
/// between claim and publication of it; HOLDING if this worker has one already; CLOSED if the ring
/// was closed and everything in it was taken: this worker may go. Never blocks. One thread at a
/// time: another gets BUSY.
///
/// # Safety
/// `worker` points to a worker's storage, `work` to a work; both live until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_worker_claim(
    worker: *mut finbox_worker,
    work: *mut finbox_work,
) -> finbox_status {
    guard(|| {
        not_null(work, "work")?;
        // SAFETY: handed on to the caller.
        let taken = unsafe { Handle::at(worker) }?.lock()?.worker.claim()?;
        // SAFETY: writable by the caller's word.
        unsafe { work.write(taken.into()) };
        Ok(())
    })
}

/// Says that the item of `position`, which this worker holds, is done: what it wrote before is
/// visible to whoever finds it done. `correlation`, unless null, becomes the producer's number.
/// DUPLICATE if it is done already, NOT_HELD if it is not this worker's; nothing changed then. One
/// thread at a time: another gets BUSY.
///
/// A scheduler's worker tells the scheduler first, through its mailbox, and wakes the library's
/// dispatch thread: that completes the task. FULL if the mailbox is: nothing changed, say it again.
/// CONDEMNED if that is condemned: the item is out of its hand, and the task fails.
///
/// # Safety
/// `worker` points to a worker's storage that lives until the call returns; `correlation` is null
/// or points to a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_worker_done(
    worker: *mut finbox_worker,
    position: u64,
    correlation: *mut u32,
) -> finbox_status {
    guard(|| {
        if !correlation.is_null() {
            not_null(correlation, "correlation")?;
        }
        // SAFETY: handed on to the caller.
        let finished = unsafe { Handle::at(worker) }?.lock()?.done(position)?;
        if !correlation.is_null() {
            // SAFETY: writable by the caller's word.
            unsafe { correlation.write(finished.correlation) };
        }
        Ok(())
    })
}

/// As `finbox_worker_done`, of a scheduler's worker: the item failed with a `status` of the
/// program's, not 0, and so does its task. INVALID_ARGUMENT of any other worker.
///
/// # Safety
/// `worker` points to a worker's storage that lives until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_worker_fail(
    worker: *mut finbox_worker,
    position: u64,
    status: u32,
) -> finbox_status {
    guard(|| {
        let status = NonZeroU32::new(status).ok_or(Problem::NoFailure)?;
        // SAFETY: handed on to the caller.
        unsafe { Handle::at(worker) }?
            .lock()?
            .fail(position, status)?;
        Ok(())
    })
}

/// What a worker has to finish before it gets more: `work` becomes that; EMPTY if it has nothing in
/// hand. One thread at a time: another gets BUSY.
///
/// # Safety
/// `worker` points to a worker's storage, `work` to a work; both live until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_worker_in_hand(
    worker: *mut finbox_worker,
    work: *mut finbox_work,
) -> finbox_status {
    guard(|| {
        not_null(work, "work")?;
        // SAFETY: handed on to the caller.
        let held = unsafe { Handle::at(worker) }?.lock()?.worker.in_hand();
        let held = held.ok_or(NoWork::Empty)?;
        // SAFETY: writable by the caller's word.
        unsafe { work.write(held.into()) };
        Ok(())
    })
}

/// Gives a worker up, and its line; an item in hand stays on it, to be recovered, or, a
/// scheduler's, lost. The storage serves again.
///
/// # Safety
/// `worker` points to a worker's storage, and no other thread uses it from now on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_worker_leave(worker: *mut finbox_worker) -> finbox_status {
    guard(|| {
        // SAFETY: handed on to the caller.
        unsafe { Handle::at(worker) }?.lock()?.destroy();
        Ok(())
    })
}

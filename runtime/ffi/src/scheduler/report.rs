//! What a scheduler counted, and its first fault.

use ::finbox_scheduler::{Ledger, TaskId};
use finbox_abi::{Answer, Versioned, finbox_text};

use crate::edition::guard;
use crate::handle::finbox_scheduler;
use crate::scheduler::outside;
use crate::scheduler::place::at;
use crate::status::finbox_status;

/// What was counted since the scheduler was placed. When every task has finished and nothing was
/// pushed from outside: `submitted == completed + failed + cancelled`; `fins_received ==
/// fins_applied + fins_duplicate + fins_stale + fins_unknown`; `messages_accepted ==
/// messages_delivered + messages_reported`; `completed == inline_completed + deferred + worked`;
/// `work_offered == work_done + work_late + work_left + work_again`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct finbox_ledger {
    /// `FINBOX_LEDGER_SIZE`, set by the caller.
    pub struct_size: usize,
    /// Tasks submitted.
    pub submitted: u64,
    /// Tasks that completed.
    pub completed: u64,
    /// Tasks that failed.
    pub failed: u64,
    /// Tasks that were cancelled because something they depend on failed.
    pub cancelled: u64,
    /// Tasks whose predicate was false: they completed without running.
    pub skipped: u64,
    /// Tasks that completed without the mailbox.
    pub inline_completed: u64,
    /// Tasks that completed through the mailbox.
    pub deferred: u64,
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
    /// Messages that the mailbox accepted from FIN handlers, from workers, and about lost ones. A
    /// BUNDLE is one, however much it carries.
    pub messages_accepted: u64,
    /// Messages acted on.
    pub messages_delivered: u64,
    /// Messages that could not be acted on.
    pub messages_reported: u64,
    /// CONDITIONs delivered, counted one by one, those in BUNDLEs too.
    pub conditions: u64,
    /// TASK_NORMAL_DONEs delivered, those in BUNDLEs too.
    pub normal_done: u64,
    /// Pushes that found the mailbox full, wholly or in part.
    pub full: u64,
    /// Most messages seen waiting in the mailbox.
    pub mailbox_high_water: u64,
    /// Most tasks that waited for conditions at once.
    pub waiting_high_water: u64,
    /// Conditions polled.
    pub polls: u64,
    /// Lines made current to look at conditions.
    pub lines_refreshed: u64,
    /// Counters that stood beyond the value waited for when the wait ended.
    pub overshoots: u64,
    /// Times that a counter stood lower than when it was looked at before.
    pub went_back: u64,
    /// Tasks that completed because a worker said that it was through with their item.
    pub worked: u64,
    /// Items pushed into the work ring, those pushed again included.
    pub work_offered: u64,
    /// Items taken back from lost workers, to be pushed again.
    pub work_again: u64,
    /// Items that a lost worker left, or that nobody was left to take, and whose task failed for
    /// it, or had its outcome before.
    pub work_left: u64,
    /// Items that a worker said it was through with.
    pub work_done: u64,
    /// Items that came back when their task had its outcome.
    pub work_late: u64,
    /// Messages of workers about items that had come back before.
    pub work_duplicate: u64,
    /// Messages of workers about an earlier life of an item's task.
    pub work_stale: u64,
    /// Messages of workers about what is no item.
    pub work_unknown: u64,
}

// SAFETY: integers, without padding.
unsafe impl Versioned for finbox_ledger {
    const NAME: &'static str = "finbox_ledger";
    const MINIMUM: usize = size_of::<usize>() + 24 * 8;
}

/// The first thing that went wrong. Its texts live as long as the library.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct finbox_fault {
    /// `FINBOX_FAULT_SIZE`, set by the caller.
    pub struct_size: usize,
    /// The fault's number, which never changes its meaning; 0: there was none, and all else is 0.
    pub code: u64,
    /// The number of the task that it befell; all ones: none in particular.
    pub task: u64,
    /// Its name.
    pub name: finbox_text,
    /// What happened.
    pub what: finbox_text,
    /// What was lost.
    pub lost: finbox_text,
    /// What to do next.
    pub hint: finbox_text,
}

// SAFETY: integers and pointers, without padding.
unsafe impl Versioned for finbox_fault {
    const NAME: &'static str = "finbox_fault";
    const MINIMUM: usize = 9 * size_of::<usize>() + 16;
}

impl From<&Ledger> for finbox_ledger {
    fn from(ledger: &Ledger) -> Self {
        Self {
            struct_size: size_of::<Self>(),
            submitted: ledger.submitted,
            completed: ledger.completed,
            failed: ledger.failed,
            cancelled: ledger.cancelled,
            skipped: ledger.skipped,
            inline_completed: ledger.inline,
            deferred: ledger.deferred,
            fins_received: ledger.fins_received,
            fins_applied: ledger.fins_applied,
            fins_duplicate: ledger.fins_duplicate,
            fins_stale: ledger.fins_stale,
            fins_unknown: ledger.fins_unknown,
            messages_accepted: ledger.messages_accepted,
            messages_delivered: ledger.messages_delivered,
            messages_reported: ledger.messages_reported,
            conditions: ledger.conditions,
            normal_done: ledger.normal_done,
            full: ledger.full,
            mailbox_high_water: ledger.mailbox_high_water,
            waiting_high_water: ledger.waiting_high_water,
            polls: ledger.polls,
            lines_refreshed: ledger.lines_refreshed,
            overshoots: ledger.overshoots,
            went_back: ledger.went_back,
            worked: ledger.worked,
            work_offered: ledger.work_offered,
            work_again: ledger.work_again,
            work_left: ledger.work_left,
            work_done: ledger.work_done,
            work_late: ledger.work_late,
            work_duplicate: ledger.work_duplicate,
            work_stale: ledger.work_stale,
            work_unknown: ledger.work_unknown,
        }
    }
}

/// What was counted so far. BUSY while a pass or a submission is inside, STARTED while threads of
/// the library run. Any thread.
///
/// # Safety
/// `scheduler` points to a scheduler's storage, `ledger` to what its size says; both live until the
/// call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_scheduler_ledger(
    scheduler: *mut finbox_scheduler,
    ledger: *mut finbox_ledger,
) -> finbox_status {
    guard(|| {
        outside()?;
        // SAFETY: handed on to the caller.
        let answer = unsafe { Answer::at(ledger) }?;
        // SAFETY: handed on to the caller.
        let body = unsafe { at(scheduler) }?;
        let mut total = body.rest()?.ledger();
        total.merge(body.submitter()?.ledger());
        total.merge(&body.told.ledger());
        answer.put(&finbox_ledger::from(&total));
        Ok(())
    })
}

/// The first thing that went wrong since the scheduler was placed. Any thread, any time.
///
/// # Safety
/// `scheduler` points to a scheduler's storage, `fault` to what its size says; both live until the
/// call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_scheduler_first_fault(
    scheduler: *mut finbox_scheduler,
    fault: *mut finbox_fault,
) -> finbox_status {
    guard(|| {
        // SAFETY: handed on to the caller.
        let answer = unsafe { Answer::at(fault) }?;
        // SAFETY: handed on to the caller.
        let found = unsafe { at(scheduler) }?.scheduler.fault();
        let text = |text: Option<&'static str>| text.map_or(finbox_text::EMPTY, finbox_text::of);
        let code = found.map(|fault| fault.code);
        answer.put(&finbox_fault {
            struct_size: size_of::<finbox_fault>(),
            code: code.map_or(0, |code| code.number().into()),
            task: found.map_or(0, |fault| match fault.task {
                TaskId::INVALID => u64::MAX,
                TaskId(task) => task,
            }),
            name: text(code.map(|code| code.name())),
            what: text(code.map(|code| code.what())),
            lost: text(code.map(|code| code.lost())),
            hint: text(code.map(|code| code.hint())),
        });
        Ok(())
    })
}

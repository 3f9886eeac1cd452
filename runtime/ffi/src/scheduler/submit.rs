//! Submission: tasks, scopes, and what became of a task.

use ::finbox_scheduler::{Dependency, Fate, NoProbe, Submitter};
use finbox_abi::{Versioned, not_null, read};

use crate::edition::guard;
use crate::given::all_at;
use crate::handle::finbox_scheduler;
use crate::problem::Problem;
use crate::scheduler::place::at;
use crate::scheduler::task::{finbox_task, finbox_task_args};
use crate::scheduler::{Scheduling, outside};
use crate::status::finbox_status;

/// Values of what `finbox_scheduler_fate` answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum finbox_fate {
    /// It waits, runs, or waits for conditions.
    Unfinished = 0,
    /// It completed; or it failed more than 64 lives of its slot ago.
    Completed = 1,
    /// It failed, or was cancelled because a task before it failed.
    Failed = 2,
}

/// Where a task's output lies in the range that all rings share.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct finbox_output {
    /// `FINBOX_OUTPUT_SIZE`, set by the caller.
    pub struct_size: usize,
    /// Offset of its first byte.
    pub offset: u64,
    /// How many bytes; 0 if it has none, or was reclaimed.
    pub size_bytes: u64,
}

// SAFETY: integers, 24 bytes without padding.
unsafe impl Versioned for finbox_output {
    const NAME: &'static str = "finbox_output";
    const MINIMUM: usize = 24;
}

impl Scheduling {
    /// Refuses what is not of this scheduler.
    fn own<'t>(&self, tasks: &'t [finbox_task]) -> Result<&'t [finbox_task], Problem> {
        match tasks.iter().find(|task| task.owner != self.owner) {
            Some(task) => Err(Problem::Stranger { slot: task.slot }),
            None => Ok(tasks),
        }
    }

    /// Refuses what this scheduler never gave out.
    pub(super) fn known<'t>(
        &self,
        submitter: &Submitter<'_>,
        tasks: &'t [finbox_task],
    ) -> Result<&'t [finbox_task], Problem> {
        let is_known = |task: &&finbox_task| submitter.is_known(&self.scheduler, task.id());
        match self.own(tasks)?.iter().find(|task| !is_known(task)) {
            Some(task) => Err(Problem::Stranger { slot: task.slot }),
            None => Ok(tasks),
        }
    }
}

/// Submits a task, to start when all before it have finished; `task`, unless null, becomes its
/// name. Wakes the library's dispatch thread, if there is one.
///
/// NO_ROOM: all of something is in use, and will be free one day: run passes, and try again.
/// NEVER_ROOM: a scope must be closed first, or the scheduler is too small. UNKNOWN_TASK: a task
/// before it is none of this scheduler, or was reclaimed and is to be retained. INVALID_ARGUMENT
/// with the field and its range. Refused, it has changed nothing. One thread at a time: another
/// gets BUSY.
///
/// # Safety
/// `scheduler` points to a scheduler's storage, `args` to what its size says with as many tasks as
/// it says, `task` to one or it is null; all live and stay as they are until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_scheduler_submit(
    scheduler: *mut finbox_scheduler,
    args: *const finbox_task_args,
    task: *mut finbox_task,
) -> finbox_status {
    guard(|| {
        outside()?;
        // SAFETY: handed on to the caller.
        let args = unsafe { read(args) }?;
        if !task.is_null() {
            not_null(task, "task")?;
        }
        // SAFETY: handed on to the caller.
        let after = unsafe { all_at(args.after, args.after_count, "after") }?;
        let count = args.retained_count;
        // SAFETY: handed on to the caller.
        let retained = unsafe { all_at(args.retained, count, "retained") }?;
        let spec = args.spec()?;
        // SAFETY: handed on to the caller.
        let body = unsafe { at(scheduler) }?;
        let after = body.own(after)?.iter();
        let after = after.map(|task| Dependency::wait(task.id()));
        let retained = body.own(retained)?.iter();
        let retained = retained.map(|task| Dependency::retain(task.id()));
        let mut submitter = body.submitter()?;
        let all = after.chain(retained);
        let slot = submitter.submit_each(&body.scheduler, &NoProbe, &spec, all)?;
        drop(submitter);
        body.threads.wake_dispatch();
        if !task.is_null() {
            let name = finbox_task {
                slot: slot.bits().0,
                owner: body.owner,
            };
            // SAFETY: writable by the caller's word.
            unsafe { task.write(name) };
        }
        Ok(())
    })
}

/// Opens a scope inside those that are open: tasks submitted before it is closed keep their slots
/// and outputs until then. NEVER_ROOM if as many are open as may be. One thread at a time.
///
/// # Safety
/// `scheduler` points to a scheduler's storage that lives until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_scheduler_open_scope(
    scheduler: *mut finbox_scheduler,
) -> finbox_status {
    guard(|| {
        outside()?;
        // SAFETY: handed on to the caller.
        Ok(unsafe { at(scheduler) }?.submitter()?.open_scope()?)
    })
}

/// Closes the innermost scope: its tasks are reclaimed when they have finished. INVALID_ARGUMENT if
/// none is open. One thread at a time.
///
/// # Safety
/// `scheduler` points to a scheduler's storage that lives until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_scheduler_close_scope(
    scheduler: *mut finbox_scheduler,
) -> finbox_status {
    guard(|| {
        outside()?;
        // SAFETY: handed on to the caller.
        unsafe { at(scheduler) }?.submitter()?.close_scope()?;
        Ok(())
    })
}

/// What became of a task: `fate` becomes a `finbox_fate`. What a task did before it finished is
/// visible to whoever is told so. UNKNOWN_TASK if it is none of this scheduler. BUSY while another
/// thread submits.
///
/// # Safety
/// `scheduler` points to a scheduler's storage, `fate` to a number; both live until the call
/// returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_scheduler_fate(
    scheduler: *mut finbox_scheduler,
    task: finbox_task,
    fate: *mut u32,
) -> finbox_status {
    guard(|| {
        outside()?;
        not_null(fate, "fate")?;
        // SAFETY: handed on to the caller.
        let body = unsafe { at(scheduler) }?;
        let submitter = body.submitter()?;
        body.known(&submitter, &[task])?;
        let found = match submitter.fate(&body.scheduler, task.id()) {
            Fate::Unfinished => finbox_fate::Unfinished,
            Fate::Completed => finbox_fate::Completed,
            Fate::Failed => finbox_fate::Failed,
        };
        // SAFETY: writable by the caller's word.
        unsafe { fate.write(found as u32) };
        Ok(())
    })
}

/// Where a task's output lies. UNKNOWN_TASK if it is none of this scheduler. BUSY while another
/// thread submits.
///
/// # Safety
/// `scheduler` points to a scheduler's storage, `output` to what its size says; both live until the
/// call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_scheduler_output(
    scheduler: *mut finbox_scheduler,
    task: finbox_task,
    output: *mut finbox_output,
) -> finbox_status {
    guard(|| {
        outside()?;
        // SAFETY: handed on to the caller.
        let answer = unsafe { finbox_abi::Answer::at(output) }?;
        // SAFETY: handed on to the caller.
        let body = unsafe { at(scheduler) }?;
        let submitter = body.submitter()?;
        body.known(&submitter, &[task])?;
        let range = submitter.output_of(task.id()).unwrap_or(0..0);
        answer.put(&finbox_output {
            struct_size: size_of::<finbox_output>(),
            offset: range.start,
            size_bytes: range.end - range.start,
        });
        Ok(())
    })
}

//! Threads of the library's own: started, waited for, stopped in bounded time.
//!
//! Guarantees: while they run they have every role but submission; a wait ends with what was waited
//! for, with TIMEOUT, or with STUCK and the callback that does not come back; a stop ends even if a
//! callback does not. Refuses to forget a thread: a scheduler whose threads have not come back
//! cannot be destroyed. Not in firmware.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use ::finbox_scheduler::{Fate, HandlerStep, Pass};
use finbox_mailbox::Guard;
use finbox_runtime::plugin::Stay;
use finbox_runtime::threads::{DispatchRole, HandlerRole, Running};
use finbox_runtime::wait::{RestPolicy, Waited, Watch};
use finbox_runtime::{Crew, CrewError, DEFAULT_PATIENCE};

use crate::edition::{Refusal, guard, refuse_with};
use crate::given::all_at;
use crate::handle::{Handle, finbox_scheduler};
use crate::problem::{Problem, Unusable};
use crate::scheduler::place::at;
use crate::scheduler::task::finbox_task;
use crate::scheduler::{Dispatching, Handling, Note, Role, Scheduling, Taken, outside};
use crate::status::finbox_status;

/// The library's threads of one scheduler.
#[derive(Debug)]
pub(crate) struct Threads {
    patience: Duration,
    /// What a start, a wait or a submission needs for an instant.
    running: Mutex<Option<Arc<Running>>>,
    /// Whoever starts or stops has this.
    crew: Mutex<Option<Crew>>,
    /// Waits, which look at submission again and again, each for an instant.
    waits: Counted,
}

/// How many calls of a kind are inside.
#[derive(Debug, Default)]
pub(crate) struct Counted(Mutex<usize>);

impl Counted {
    fn count(&self) -> MutexGuard<'_, usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self) -> Inside<'_> {
        *self.count() += 1;
        Inside(self)
    }

    pub(crate) fn any(&self) -> bool {
        *self.count() > 0
    }
}

/// A call that is counted for as long as this lives.
struct Inside<'c>(&'c Counted);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        *self.0.count() -= 1;
    }
}

struct HandlerThread {
    body: &'static Scheduling,
    handling: Guard<'static, Handling>,
}

struct DispatchThread {
    body: &'static Scheduling,
    dispatching: Guard<'static, Dispatching>,
}

impl HandlerRole for HandlerThread {
    fn pass(&mut self) -> HandlerStep {
        self.handling.pass(self.body)
    }

    fn finished(&self) -> u64 {
        self.handling.handler.ledger().finished()
    }
}

impl DispatchRole for DispatchThread {
    fn pass(&mut self) -> Pass {
        self.dispatching.pass(self.body)
    }

    fn finished(&self) -> u64 {
        self.dispatching.dispatcher.ledger().finished()
    }
}

impl Threads {
    pub(crate) fn new(patience_ns: u64) -> Self {
        let patience = match patience_ns {
            0 => DEFAULT_PATIENCE,
            ns => Duration::from_nanos(ns),
        };
        Self {
            patience,
            running: Mutex::default(),
            crew: Mutex::default(),
            waits: Counted::default(),
        }
    }

    fn running(&self) -> Option<Arc<Running>> {
        let running = self.running.lock();
        running.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_running(&self, running: Option<Arc<Running>>) {
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = running;
    }

    pub(crate) fn are_running(&self) -> bool {
        self.running().is_some()
    }

    /// Whether it may be a wait that has submission: then this gave it time to end that.
    pub(crate) fn gives_way(&self) -> bool {
        let waits = self.waits.any();
        if waits {
            thread::yield_now();
        }
        waits
    }

    pub(crate) fn wake_dispatch(&self) {
        if let Some(running) = self.running() {
            running.wake_dispatch();
        }
    }
}

/// Who was inside which callback, role by role.
struct Stays(Vec<Option<Stay>>);

impl Stays {
    fn of(notes: &[Note]) -> Self {
        Self(notes.iter().map(Note::stay).collect())
    }

    /// A callback that has not come back since.
    fn still(&self, body: &Scheduling) -> Option<Taken> {
        let now = Self::of(body.notes);
        let same = |(then, now): (&Option<Stay>, &Option<Stay>)| then.is_some() && then == now;
        let index = self.0.iter().zip(&now.0).position(same)?;
        let role = match body.handlers.len() {
            handlers if index < handlers => Role::Handler(u8::try_from(index).unwrap_or(u8::MAX)),
            handlers if index == handlers => Role::Dispatch,
            _ => Role::Report,
        };
        let inside = now.0[index].and_then(Stay::call);
        Some(Taken { role, inside })
    }
}

/// A refusal's text, with the callback that is to blame.
struct Blamed<'t>(&'t dyn fmt::Display, Option<Taken>);

impl fmt::Display for Blamed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        match self.1 {
            Some(Taken {
                role,
                inside: Some(call),
            }) => write!(
                f,
                "; {role} is inside {call} of the port, which has not come back"
            ),
            _ => Ok(()),
        }
    }
}

impl Scheduling {
    /// Starts the threads with every role that they need.
    fn start(&'static self) -> Result<(), Problem> {
        let mut place = self.crew()?;
        if place.is_some() {
            return Err(Problem::Started);
        }
        let dispatcher = DispatchThread {
            body: self,
            dispatching: self.dispatch()?,
        };
        let handler = |handler| {
            let handling = self.handler(handler)?;
            let body = self;
            Ok(HandlerThread { body, handling })
        };
        let count = u8::try_from(self.handlers.len()).expect("at most 8 handlers");
        let handlers: Result<Vec<_>, Problem> = (0..count).map(handler).collect();
        match Crew::start(RestPolicy::DEFAULT, handlers?, dispatcher) {
            Ok(crew) => {
                self.threads.set_running(Some(Arc::clone(crew.running())));
                *place = Some(crew);
                Ok(())
            }
            Err((mut crew, error)) => {
                if crew.stop(self.threads.patience).is_err() {
                    self.threads.set_running(Some(Arc::clone(crew.running())));
                    *place = Some(crew);
                }
                Err(refuse_with(finbox_status::System, &error))
            }
        }
    }

    fn crew(&self) -> Result<MutexGuard<'_, Option<Crew>>, Problem> {
        match self.threads.crew.try_lock() {
            Ok(guard) => Ok(guard),
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => Err(Unusable::Busy("scheduler").into()),
        }
    }

    fn stop(&self) -> Result<(), Problem> {
        let mut place = self.crew()?;
        let Some(crew) = place.as_mut() else {
            return Ok(());
        };
        let stays = Stays::of(self.notes);
        let stopped = crew.stop(self.threads.patience);
        if let Err(error @ CrewError::Inside { .. }) = stopped {
            let blamed = Blamed(&error, stays.still(self));
            return Err(refuse_with(finbox_status::Stuck, &blamed));
        }
        self.threads.set_running(None);
        *place = None;
        stopped.map_err(|error| refuse_with(finbox_status::Panic, &error))
    }

    /// Whether all of `tasks`, or all there are if there are none, have their outcome; `None` while
    /// another thread submits. Those before `next` had it.
    fn are_finished(
        &self,
        running: &Running,
        tasks: &[finbox_task],
        next: &mut usize,
    ) -> Option<bool> {
        let submitter = self.submitter().ok()?;
        if tasks.is_empty() {
            let is_over = running.finished() >= submitter.ledger().submitted;
            return Some(is_over && self.has_nobody());
        }
        let is_open =
            |task: &finbox_task| submitter.fate(&self.scheduler, task.id()) == Fate::Unfinished;
        let behind = tasks[*next..].iter().position(is_open);
        *next = behind.map_or(tasks.len(), |index| *next + index);
        Some(behind.is_none())
    }

    /// Whether no task is unfinished; acquires what they all did.
    fn has_nobody(&self) -> bool {
        let mut count = 0;
        self.scheduler.for_each_stuck(|_| count += 1);
        count == 0
    }

    fn wait(&self, tasks: &[finbox_task], limit: Option<Duration>) -> Result<(), Problem> {
        let running = self.threads.running().ok_or(Refusal::Stopped)?;
        let _counted = self.threads.waits.enter();
        self.known(&*self.submitter()?, tasks)?;
        let watch = Watch {
            stop: running.stop_flag(),
            patience: self.threads.patience,
        };
        let (began, mut next, mut last) = (Instant::now(), 0, None);
        let mut stays = Stays::of(self.notes);
        let waited = watch.wait_for(|| {
            let life = running.signs_of_life();
            if last.replace(life) != Some(life) {
                stays = Stays::of(self.notes);
            }
            let is_over = self.are_finished(&running, tasks, &mut next) == Some(true);
            let is_late = limit.is_some_and(|limit| began.elapsed() >= limit);
            ((is_over || is_late).then_some(is_over), life)
        });
        let (status, what) = match waited {
            Waited::Done(true) => return Ok(()),
            Waited::Stopped => return Err(Refusal::Stopped.into()),
            Waited::Done(false) => (finbox_status::Timeout, "not finished within the time given"),
            Waited::NoProgress => (
                finbox_status::Stuck,
                "nothing moves, and tasks are unfinished: stop, and ask finbox_scheduler_stalls",
            ),
        };
        Err(refuse_with(status, &Blamed(&what, stays.still(self))))
    }
}

/// The scheduler in a handle, for a call that may stay, and what keeps it from being destroyed.
///
/// # Safety
/// `scheduler` is null, misaligned, or points to storage that lives until the call returns.
unsafe fn visited<'h>(
    scheduler: *mut finbox_scheduler,
) -> Result<(Inside<'h>, &'static Scheduling), Problem> {
    // SAFETY: handed on to the caller.
    let handle = unsafe { Handle::at(scheduler) }?;
    // SAFETY: what is counted in stays in the caller's storage.
    let inside = unsafe { handle.shared() }?.visits.enter();
    // Whoever destroys takes the handle, and then looks for visits: seen here, or this one there.
    // SAFETY: handed on to the caller.
    Ok((inside, unsafe { at(scheduler) }?))
}

/// Starts threads of the library's: one a FIN handler, one for dispatch. They rest while nothing
/// changes, and have these roles until they are stopped.
///
/// STARTED if they run already, BUSY while a pass is inside, SYSTEM with the operating system's
/// word if it has no more threads. Any thread. Not in firmware.
///
/// # Safety
/// `scheduler` points to a scheduler's storage, which lives until it was stopped.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_scheduler_start(scheduler: *mut finbox_scheduler) -> finbox_status {
    guard(|| {
        outside()?;
        // SAFETY: handed on to the caller.
        let (_inside, body) = unsafe { visited(scheduler) }?;
        body.start()
    })
}

/// Waits until each of `count` tasks has its outcome; with a `count` of 0, until every task has
/// that was submitted. OK says that they finished, not that they completed: ask
/// `finbox_scheduler_fate`.
///
/// TIMEOUT after `timeout_ns`, all ones for none; STUCK if nothing moved for as long as patience
/// lasts. The last error of both names a callback that did not come back meanwhile. STOPPED if no
/// thread of the library runs or somebody stops them; UNKNOWN_TASK. Blocks. Any number of threads,
/// and others may submit meanwhile. Not in firmware.
///
/// # Safety
/// `scheduler` points to a scheduler's storage, `tasks` to `count` tasks; both live and stay as
/// they are until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_scheduler_wait(
    scheduler: *mut finbox_scheduler,
    tasks: *const finbox_task,
    count: usize,
    timeout_ns: u64,
) -> finbox_status {
    guard(|| {
        outside()?;
        // SAFETY: handed on to the caller.
        let tasks = unsafe { all_at(tasks, count, "tasks") }?;
        // SAFETY: handed on to the caller.
        let (_inside, body) = unsafe { visited(scheduler) }?;
        let limit = (timeout_ns != u64::MAX).then(|| Duration::from_nanos(timeout_ns));
        body.wait(tasks, limit)
    })
}

/// Ends the library's threads, each when it comes back from the pass it is in; tasks stay as they
/// are, and go on when something passes again. OK also if none run.
///
/// STUCK if a thread does not come back for as long as patience lasts: the last error names the
/// callback that it is inside, the scheduler stays what it is, and this may be called again. PANIC
/// if a thread had panicked. Blocks for that long at most. BUSY if another thread starts or stops.
/// Not in firmware.
///
/// # Safety
/// `scheduler` points to a scheduler's storage that lives until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_scheduler_stop(scheduler: *mut finbox_scheduler) -> finbox_status {
    guard(|| {
        outside()?;
        // SAFETY: handed on to the caller.
        let (_inside, body) = unsafe { visited(scheduler) }?;
        body.stop()
    })
}

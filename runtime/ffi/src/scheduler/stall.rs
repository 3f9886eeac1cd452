//! Who is stuck, and on what: as numbers and in words.

use core::ffi::c_char;
use core::fmt::{self, Write};

use ::finbox_scheduler::{CompletionType, SlotId, Standing, Stuck, StuckCondition, TaskId};
use finbox_mailbox::SlotBits;

use crate::edition::guard;
use crate::given::Rows;
use crate::handle::finbox_scheduler;
use crate::problem::Problem;
use crate::scheduler::place::at;
use crate::scheduler::{Rest, Role, Scheduling, Taken, outside};
use crate::status::{Text, finbox_status};

/// Values of a stall's `standing`: what a task waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum finbox_standing {
    /// Tasks before it: `waits_for` of them are unfinished.
    Blocked = 0,
    /// A core, or room for its conditions.
    Ready = 1,
    /// A FIN: core `waits_for` has it.
    Running = 2,
    /// Conditions, each of which has a row of its own behind the tasks.
    Waiting = 3,
    /// The row is a condition of the task in `slot`.
    Condition = 4,
    /// A worker: the item stands at position `expected` of the work ring, and the worker named
    /// `waits_for` holds it; 0: none took it.
    Worker = 5,
}

/// A row of a stall report: an unfinished task, or a condition that does not hold.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct finbox_stall {
    /// The task's slot, as in its `finbox_task`.
    pub slot: u64,
    /// The task's number; of a condition 0.
    pub task: u64,
    /// A `finbox_standing`.
    pub standing: u32,
    /// BLOCKED: how many tasks; RUNNING: which core; WORKER: its name.
    pub waits_for: u32,
    /// CONDITION: the device address that it watches.
    pub address: u64,
    /// CONDITION: the engine's own value.
    pub cookie: u64,
    /// CONDITION: the value that it waits for; WORKER: the item's position.
    pub expected: u64,
    /// CONDITION: the value that was seen first.
    pub first: u64,
    /// CONDITION: the value that was seen last.
    pub observed: u64,
    /// CONDITION: for how many ns it has been known.
    pub age_ns: u64,
    /// CONDITION: a `finbox_engine`.
    pub engine: u32,
    /// CONDITION: a `finbox_completion`.
    pub completion_type: i32,
}

static_assertions::const_assert_eq!(size_of::<finbox_stall>(), 80);

impl From<&Stuck> for finbox_stall {
    fn from(stuck: &Stuck) -> Self {
        let (standing, waits_for) = match stuck.standing {
            Standing::Blocked { producers } => (finbox_standing::Blocked, producers),
            Standing::Ready => (finbox_standing::Ready, 0),
            Standing::Running { core } => (finbox_standing::Running, core.0.into()),
            Standing::WaitingOnAsync => (finbox_standing::Waiting, 0),
            Standing::InRing { .. } | Standing::Unsaid { .. } => (finbox_standing::Worker, 0),
            Standing::Held { by, .. } => (finbox_standing::Worker, by.get()),
        };
        let expected = match stuck.standing {
            Standing::InRing { position, .. }
            | Standing::Held { position, .. }
            | Standing::Unsaid { position } => position,
            _ => 0,
        };
        let TaskId(task) = stuck.task;
        Self {
            slot: stuck.slot.bits().0,
            task,
            standing: standing as u32,
            waits_for,
            expected,
            ..Self::default()
        }
    }
}

impl From<&StuckCondition> for finbox_stall {
    fn from(stuck: &StuckCondition) -> Self {
        Self {
            slot: stuck.slot.bits().0,
            standing: finbox_standing::Condition as u32,
            address: stuck.addr,
            cookie: stuck.cookie,
            expected: stuck.expected,
            first: stuck.first,
            observed: stuck.observed,
            age_ns: stuck.age_ns,
            engine: stuck.engine as u32,
            completion_type: stuck.completion as i32,
            ..Self::default()
        }
    }
}

impl fmt::Display for finbox_stall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slot = SlotId::from_bits(SlotBits(self.slot));
        let (task, waits_for) = (self.task, self.waits_for);
        if self.standing != finbox_standing::Condition as u32 {
            write!(f, "task {task} of {slot:?} ")?;
        }
        match self.standing {
            0 => write!(f, "waits for {waits_for} tasks before it"),
            1 => write!(f, "is ready, and finds no core or no condition room"),
            2 => write!(f, "runs on core {waits_for}, which has not said FIN"),
            3 => write!(f, "waits for its conditions"),
            5 => {
                let position = self.expected;
                match waits_for {
                    0 => write!(
                        f,
                        "waits for a worker: its item stands at position {position}"
                    ),
                    name => write!(
                        f,
                        "waits for worker {name}, which holds position {position}"
                    ),
                }
            }
            _ => {
                let what = match self.completion_type {
                    kind if kind == CompletionType::Counter as i32 => "counter",
                    kind if kind == CompletionType::SdmaEventRecord as i32 => "event record",
                    _ => "completion queue",
                };
                write!(
                    f,
                    "{slot:?} waits for the {what} at {:#x}: {} is wanted, {} was seen, for {} ns",
                    self.address, self.expected, self.observed, self.age_ns
                )
            }
        }
    }
}

impl Scheduling {
    /// Every row: unfinished tasks in ring order, then conditions.
    fn for_each_stall(
        &self,
        rest: &Rest<'_>,
        mut visit: impl FnMut(finbox_stall),
    ) -> Result<(), Problem> {
        self.scheduler
            .for_each_stuck(|stuck| visit(finbox_stall::from(&stuck)));
        let see = |stuck: StuckCondition| visit(finbox_stall::from(&stuck));
        if self.scheduler.for_each_unmet(&*rest.report, see) {
            return Ok(());
        }
        let role = Role::Dispatch;
        Err(Problem::Taken(Taken { role, inside: None }))
    }
}

/// Copies up to `capacity` rows of the stall report to `stalls`, and says in `count` how many there
/// are: none, if nothing is unfinished. BUSY while a pass is inside, STARTED while threads of the
/// library run. Any thread.
///
/// # Safety
/// `scheduler` points to a scheduler's storage, `stalls` to room for `capacity` rows, `count` to a
/// number; all live until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_scheduler_stalls(
    scheduler: *mut finbox_scheduler,
    stalls: *mut finbox_stall,
    capacity: usize,
    count: *mut usize,
) -> finbox_status {
    guard(|| {
        outside()?;
        // SAFETY: handed on to the caller.
        let mut rows = unsafe { Rows::at(stalls, capacity, count, "stalls") }?;
        // SAFETY: handed on to the caller.
        let body = unsafe { at(scheduler) }?;
        let rest = body.rest()?;
        body.for_each_stall(&rest, |stall| rows.put(stall))?;
        rows.end(0);
        Ok(())
    })
}

/// Writes the stall report in words to `buffer`, a line a row: at most `capacity` bytes, of which
/// the last is 0. `length`, unless null, becomes what the whole report has, without the 0.
/// Otherwise as `finbox_scheduler_stalls`.
///
/// # Safety
/// `scheduler` points to a scheduler's storage, `buffer` to room for `capacity` bytes, `length` to
/// a number or it is null; all live until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_scheduler_stall_text(
    scheduler: *mut finbox_scheduler,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> finbox_status {
    guard(|| {
        outside()?;
        // SAFETY: handed on to the caller.
        let mut text = unsafe { Text::checked(buffer, capacity, length) }?;
        // SAFETY: handed on to the caller.
        let body = unsafe { at(scheduler) }?;
        let rest = body.rest()?;
        body.for_each_stall(&rest, |stall| {
            let written = writeln!(text, "{stall}");
            written.expect("a copy into memory does not fail");
        })?;
        // SAFETY: handed on to the caller.
        unsafe { text.end(length) };
        Ok(())
    })
}

//! What plans are made of, as C sees it, and why they are refused.

use core::ffi::c_void;

use finbox_abi::{Versioned, finbox_extension, finbox_text};
use finbox_runtime::UseError;
use finbox_runtime::plan::PlanError;
use finbox_runtime::stream::{AdvanceError, ReserveError, TimePoint, TimelineId, Wait};

use crate::edition::refuse_with;
use crate::problem::Problem;
use crate::status::finbox_status;

/// Values of `finbox_planner_args`' `mode`: what happens to memory that nobody tracks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum finbox_plan_mode {
    /// A launch that uses it is refused.
    Strict = 0,
    /// It passes, in no order with anything, and is listed as a gap.
    Permissive = 1,
}

/// Values of `finbox_timeline_args`' `kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum finbox_timeline_kind {
    /// Launches take its values one behind the other.
    Stream = 0,
    /// As a stream, of a device that does not track uses: its buffers count as untracked.
    Untracked = 1,
    /// Somebody else moves it: another process, or a device's own events.
    Foreign = 2,
}

/// Values of `finbox_use`'s `access`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum finbox_access {
    /// The launch reads the bytes.
    In = 0,
    /// It writes all of them.
    Out = 1,
    /// It reads and writes them.
    Inout = 2,
    /// It touches memory that nobody declared.
    External = 3,
}

/// What a planner is to be. 0: the default.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct finbox_planner_args {
    /// `FINBOX_PLANNER_ARGS_SIZE`.
    pub struct_size: usize,
    /// Null: no extension exists yet.
    pub next: *const finbox_extension,
    /// A `finbox_plan_mode`.
    pub mode: u32,
    /// 0.
    pub flags: u32,
}

// SAFETY: integers and pointers, without padding.
unsafe impl Versioned for finbox_planner_args {
    const NAME: &'static str = "finbox_planner_args";
    const MINIMUM: usize = 2 * size_of::<usize>() + 8;
}

/// A timeline that is to be opened.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct finbox_timeline_args {
    /// `FINBOX_TIMELINE_ARGS_SIZE`.
    pub struct_size: usize,
    /// Null: no extension exists yet.
    pub next: *const finbox_extension,
    /// What people know it by. Read until the call returns.
    pub name: finbox_text,
    /// The time now, in ns on the clock that the planner is told.
    pub now_ns: u64,
    /// A `finbox_timeline_kind`.
    pub kind: u32,
    /// 0.
    pub flags: u32,
}

// SAFETY: integers and pointers, without padding.
unsafe impl Versioned for finbox_timeline_args {
    const NAME: &'static str = "finbox_timeline_args";
    const MINIMUM: usize = 4 * size_of::<usize>() + 16;
}

/// A value on a timeline: known when a launch is planned, reached when it has finished.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct finbox_point {
    /// The value, from 1; every timeline begins at 0.
    pub value: u64,
    /// Which timeline.
    pub timeline: u32,
    /// 0.
    pub reserved: u32,
}

/// A wait for a point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct finbox_wait {
    /// What for.
    pub point: finbox_point,
    /// When to give up, in ns on the clock that the planner is told; 0: never. A wait for a
    /// foreign timeline must have one.
    pub deadline_ns: u64,
}

/// What a launch does with some memory.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct finbox_use {
    /// The argument's name in errors and gaps; may be empty. Read until the call returns.
    pub label: finbox_text,
    /// The buffer; EXTERNAL: the memory's address.
    pub buffer: u64,
    /// First byte, from the buffer's start; EXTERNAL: 0.
    pub begin: u64,
    /// One behind the last byte; EXTERNAL: 0.
    pub end: u64,
    /// A `finbox_access`.
    pub access: u32,
    /// 0.
    pub reserved: u32,
}

/// A launch as it is recorded.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct finbox_launch_args {
    /// `FINBOX_LAUNCH_ARGS_SIZE`.
    pub struct_size: usize,
    /// Null: no extension exists yet.
    pub next: *const finbox_extension,
    /// What people know it by. Read until the call returns.
    pub name: finbox_text,
    /// What it does with which memory.
    pub uses: *const finbox_use,
    /// How many.
    pub use_count: usize,
    /// What it waits for, whatever its uses say.
    pub waits: *const finbox_wait,
    /// How many.
    pub wait_count: usize,
    /// The stream.
    pub stream: u32,
    /// 0.
    pub flags: u32,
}

// SAFETY: integers and pointers, without padding.
unsafe impl Versioned for finbox_launch_args {
    const NAME: &'static str = "finbox_launch_args";
    const MINIMUM: usize = 7 * size_of::<usize>() + 16;
}

static_assertions::const_assert_eq!(size_of::<finbox_point>(), 16);
static_assertions::const_assert_eq!(size_of::<finbox_wait>(), 24);
static_assertions::const_assert_eq!(size_of::<finbox_use>(), 2 * size_of::<*const c_void>() + 32);

impl From<TimePoint> for finbox_point {
    fn from(point: TimePoint) -> Self {
        Self {
            value: point.value,
            timeline: point.timeline.number(),
            reserved: 0,
        }
    }
}

impl finbox_point {
    pub(super) fn point(self) -> TimePoint {
        TimePoint::new(TimelineId::from_number(self.timeline), self.value)
    }
}

impl From<&Wait> for finbox_wait {
    fn from(wait: &Wait) -> Self {
        Self {
            point: wait.point.into(),
            deadline_ns: wait.deadline_ns.unwrap_or(0),
        }
    }
}

impl finbox_wait {
    pub(super) fn wait(self) -> Wait {
        Wait {
            point: self.point.point(),
            deadline_ns: (self.deadline_ns != 0).then_some(self.deadline_ns),
        }
    }
}

/// A number that is none of those which a field may have.
#[cold]
pub(crate) fn no_such(what: &str, value: u32) -> Problem {
    let why = format!("{what}: {value} is no number of this library");
    refuse_with(finbox_status::InvalidArgument, &why)
}

fn of_reserve(error: &ReserveError) -> finbox_status {
    match error {
        ReserveError::Unknown(_) => finbox_status::UnknownTimeline,
        ReserveError::Foreign { .. } | ReserveError::TooFar { .. } => {
            finbox_status::InvalidArgument
        }
        ReserveError::Poisoned { .. } => finbox_status::Poisoned,
        ReserveError::NoDeadline { .. } => finbox_status::NoDeadline,
        ReserveError::Cycle(_) => finbox_status::Cycle,
    }
}

impl From<PlanError> for Problem {
    fn from(error: PlanError) -> Self {
        let status = match &error {
            PlanError::Use { .. } => finbox_status::BadUse,
            PlanError::Untracked { .. } | PlanError::External { .. } => finbox_status::Untracked,
            PlanError::Reserve { error, .. } => of_reserve(error),
            PlanError::Elsewhere { .. } => finbox_status::BadUse,
            PlanError::NoBytes => finbox_status::InvalidArgument,
        };
        refuse_with(status, &error)
    }
}

impl From<UseError> for Problem {
    fn from(error: UseError) -> Self {
        refuse_with(finbox_status::BadUse, &error)
    }
}

impl From<AdvanceError> for Problem {
    fn from(error: AdvanceError) -> Self {
        let status = match &error {
            AdvanceError::Unknown(_) => finbox_status::UnknownTimeline,
            AdvanceError::Duplicate { .. } => finbox_status::Duplicate,
            AdvanceError::OutOfOrder { .. }
            | AdvanceError::NotCommitted { .. }
            | AdvanceError::TooEarly { .. } => finbox_status::OutOfOrder,
            AdvanceError::TooFar { .. } => finbox_status::InvalidArgument,
            AdvanceError::Poisoned { .. } => finbox_status::Poisoned,
        };
        refuse_with(status, &error)
    }
}

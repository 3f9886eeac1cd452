//! Launch plans across the ABI: streams, buffers and their uses in, time points and waits out.
//!
//! Guarantees: what [`Planner`] guarantees. A launch is recorded in one call, of texts and arrays
//! that are the caller's; one that was planned is a handle until its waits were taken, and,
//! destroyed before its commit, a launch that does nothing. In the steady state a launch allocates
//! nothing: what it was recorded in serves the next one.
//!
//! Refuses to end a planner with launches that are handles still. Called by C programs that launch;
//! any thread may use a planner, one at a time a planned launch. Not in firmware.

mod explain;
mod launch;
mod planner;
mod progress;
mod types;

use core::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};

use finbox_runtime::plan::{Freed, Mode, Planned, Planner, Recorder, Submitted};

use crate::handle::{Handle, Storage};
use crate::lent::Lent;
use crate::problem::Problem;

pub(crate) use planner::no_chain;
pub(crate) use types::no_such;

pub use explain::*;
pub use launch::*;
pub use planner::*;
pub use progress::*;
pub use types::*;

/// Storage for a planner. All zero before it is first used, and never copied or moved while it is
/// a handle.
#[derive(Debug)]
#[repr(C)]
pub struct finbox_planner {
    /// The library's.
    pub opaque: [u64; 8],
}

/// Storage for a launch that was planned. All zero before it is first used, and never copied or
/// moved while it is a handle.
#[derive(Debug)]
#[repr(C)]
pub struct finbox_planned {
    /// The library's.
    pub opaque: [u64; 16],
}

impl Storage for finbox_planner {
    type Body = Planning;
    const NAME: &'static str = "planner";
    const KIND: u64 = u64::from_le_bytes(*b"\0FBplan\xA5");
}

impl Storage for finbox_planned {
    type Body = Launch;
    const NAME: &'static str = "planned launch";
    const KIND: u64 = u64::from_le_bytes(*b"\0FBlaun\xA5");
}

const _: () = assert!(
    size_of::<Handle<finbox_planner>>() <= size_of::<finbox_planner>()
        && align_of::<Handle<finbox_planner>>() <= align_of::<finbox_planner>(),
    "a planner's handle fits its storage"
);
const _: () = assert!(
    size_of::<Handle<finbox_planned>>() <= size_of::<finbox_planned>()
        && align_of::<Handle<finbox_planned>>() <= align_of::<finbox_planned>(),
    "a planned launch fits its storage"
);

/// What serves launch after launch.
#[derive(Default)]
struct Pool {
    /// Recorders that nobody uses.
    #[expect(
        clippy::vec_box,
        reason = "a launch borrows its recorder where that stands"
    )]
    recorders: Vec<Box<Recorder<'static>>>,
    /// Launches that are handles.
    planned: usize,
    /// Buffers that are free and that nobody was told of yet.
    freed: Vec<Freed>,
}

/// A planner and what its launches are recorded in, at a place of its own.
struct Office {
    /// Before the planner that its recorders look at.
    pool: Mutex<Pool>,
    planner: Planner,
}

impl Office {
    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a planner's storage holds.
pub(crate) struct Planning {
    office: Lent<Office>,
}

impl Planning {
    fn new(mode: Mode) -> Self {
        let office = Office {
            pool: Mutex::default(),
            planner: Planner::new(mode),
        };
        let office = Lent::new(office);
        Self { office }
    }

    /// The planner, for as long as it or a launch of it is a handle.
    fn office(&self) -> &'static Office {
        // SAFETY: nobody changes it, and while launches are handles this one is not destroyed.
        unsafe { self.office.lend() }
    }
}

/// How far a launch is.
enum Stage {
    Planned(Planned<'static, 'static>),
    Committed(Submitted<'static>),
}

/// What a planned launch's storage holds.
pub(crate) struct Launch {
    /// There until it is dropped; it borrows what stands in `recorder`.
    stage: Option<Stage>,
    recorder: NonNull<Recorder<'static>>,
    office: &'static Office,
}

impl Drop for Launch {
    fn drop(&mut self) {
        // Uncommitted, it becomes a launch that does nothing.
        self.stage = None;
        // SAFETY: it came out of a box, and what borrowed it is gone.
        let recorder = unsafe { Box::from_raw(self.recorder.as_ptr()) };
        let mut pool = self.office.pool();
        pool.planned -= 1;
        pool.recorders.push(recorder);
    }
}

/// The planner in a handle, for a call that may be one of several.
///
/// # Safety
/// `planner` is null, misaligned, or points to storage that lives, and is not destroyed, until the
/// call returns.
unsafe fn office(planner: *mut finbox_planner) -> Result<&'static Office, Problem> {
    // SAFETY: handed on to the caller.
    let handle = unsafe { Handle::at(planner) }?;
    // SAFETY: handed on to the caller.
    Ok(unsafe { handle.shared() }?.office())
}

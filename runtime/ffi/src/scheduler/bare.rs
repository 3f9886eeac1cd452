//! Without an operating system: nobody watches callbacks, and the library has no threads.
//!
//! A callback that calls the library again finds the role that called it taken and gets BUSY;
//! calls of other roles cannot be told from those of another processor.

use finbox_abi::{Call, CallWatch, finbox_port};

use crate::problem::Problem;

/// Where a role is: not known here.
#[derive(Debug, Default)]
pub(crate) struct Note;

impl Note {
    pub(crate) const fn inside(&self) -> Option<Call> {
        None
    }
}

/// Nobody watches. A callback does not unwind, because nothing does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watcher;

impl Watcher {
    pub(crate) const fn new(_: &'static Note) -> Self {
        Self
    }
}

impl CallWatch for Watcher {
    #[inline]
    fn enter(&self, _: Call) {}
    #[inline]
    fn leave(&self) {}
}

/// Refuses a call from inside a callback: not seen here.
#[inline]
pub(crate) const fn outside() -> Result<(), Problem> {
    Ok(())
}

/// Threads of the library's: none.
#[derive(Debug)]
pub(crate) struct Threads;

impl Threads {
    pub(crate) const fn new(_: u64) -> Self {
        Self
    }

    pub(crate) const fn are_running(&self) -> bool {
        false
    }

    /// Nobody waits.
    pub(crate) const fn gives_way(&self) -> bool {
        false
    }

    pub(crate) const fn wake_dispatch(&self) {}
}

/// A scheduler's stay on a port: firmware has no machines that could be closed.
#[derive(Debug)]
pub(crate) struct Tenancy;

impl Tenancy {
    pub(crate) const fn on(_: &finbox_port) -> Self {
        Self
    }
}

/// Calls inside that may stay: none.
#[derive(Debug, Default)]
pub(crate) struct Counted(());

impl Counted {
    pub(crate) const fn any(&self) -> bool {
        false
    }
}

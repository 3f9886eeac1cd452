//! In a process: who is inside which callback, and what becomes of one that panics or throws.
//!
//! Guarantees: a role's callback is named to whoever waits for it; a call of the library from
//! inside a callback is refused; a callback that panics or throws ends the process with its name.

use std::cell::Cell;
use std::process;
use std::sync::{Mutex, PoisonError};

use finbox_abi::{Call, CallWatch};

use crate::problem::{Problem, Unusable};

std::thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Refuses a call from inside a callback.
#[inline]
pub(crate) fn outside() -> Result<(), Problem> {
    if INSIDE.get() {
        return Err(Unusable::Reentered("port").into());
    }
    Ok(())
}

/// A callback that was entered: the how many-th of its role, and which.
pub(crate) type Entered = (u64, Call);

/// Where a role is.
#[derive(Debug, Default)]
pub(crate) struct Note(Mutex<(u64, Option<Call>)>);

impl Note {
    /// The callback that its role is inside now, as a stay that can be told from others.
    pub(crate) fn entered(&self) -> Option<Entered> {
        let (count, call) = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        call.map(|call| (count, call))
    }

    /// The callback that its role is inside now.
    pub(crate) fn inside(&self) -> Option<Call> {
        self.entered().map(|(_, call)| call)
    }

    fn set(&self, call: Option<Call>) {
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = place.0 + u64::from(call.is_some());
        *place = (count, call);
    }
}

/// Watches the calls of one role.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watcher(&'static Note);

impl Watcher {
    pub(crate) const fn new(note: &'static Note) -> Self {
        Self(note)
    }
}

impl CallWatch for Watcher {
    #[inline]
    fn enter(&self, call: Call) {
        INSIDE.set(true);
        self.0.set(Some(call));
    }

    #[inline]
    fn leave(&self) {
        self.0.set(None);
        INSIDE.set(false);
    }

    fn thrown(&self, call: Call) -> ! {
        eprintln!(
            "finbox: {call} of a port panicked or threw, which it must not: the process ends"
        );
        process::abort()
    }
}

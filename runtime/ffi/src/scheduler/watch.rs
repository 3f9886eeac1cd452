//! In a process: who is inside which callback, and what becomes of one that panics or throws.
//!
//! Guarantees: a role's callback is named to whoever waits for it; a call of the library from
//! inside a callback is refused; a callback that panics or throws ends the process with its name.

use std::cell::Cell;
use std::io::{self, Write};
use std::process;

use finbox_abi::{Call, CallWatch};
use finbox_runtime::plugin::{CallLine, Stay};

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

/// Runs a callback: calls that must not come from inside one are refused meanwhile.
pub(crate) fn inside<R>(call: impl FnOnce() -> R) -> R {
    let before = INSIDE.replace(true);
    let answer = call();
    INSIDE.set(before);
    answer
}

/// Where a role is.
#[derive(Debug, Default)]
pub(crate) struct Note(CallLine);

impl Note {
    /// The callback that its role is inside now.
    pub(crate) fn stay(&self) -> Option<Stay> {
        self.0.stay()
    }

    /// Which one that is.
    pub(crate) fn inside(&self) -> Option<Call> {
        self.stay().and_then(Stay::call)
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
        self.0.0.enter(call);
    }

    #[inline]
    fn leave(&self) {
        self.0.0.leave();
        INSIDE.set(false);
    }

    fn thrown(&self, call: Call) -> ! {
        let owner = call.function.owner();
        // Where it cannot be written there is nobody to tell.
        let _ = writeln!(
            io::stderr(),
            "finbox: {call} panicked or threw; a {owner}'s function must do neither"
        );
        process::abort()
    }
}

//! A small number for each thread, so that it has a line of its own in every table of calls.
//!
//! Guarantees: no two threads that live at once have the same number, and whatever a thread
//! stored in its lines happened before the next one with its number begins. A thread that comes
//! when all are taken has none for its life.

use std::cell::Cell;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

/// How many threads have a number at once.
pub(super) const SEATS: usize = 64;

/// Of a thread that did not ask yet.
const UNASKED: usize = usize::MAX;
/// Of a thread that has none.
const NONE: usize = usize::MAX - 1;

struct Seats {
    taken: [bool; SEATS],
    names: [Option<String>; SEATS],
}

static TAKEN: Mutex<Seats> = Mutex::new(Seats {
    taken: [false; SEATS],
    names: [const { None }; SEATS],
});

/// Gives the number back when its thread ends.
struct Leaver(usize);

impl Drop for Leaver {
    fn drop(&mut self) {
        OWN.set(NONE);
        let mut seats = seats();
        seats.names[self.0] = None;
        seats.taken[self.0] = false;
    }
}

thread_local! {
    static OWN: Cell<usize> = const { Cell::new(UNASKED) };
    static LEAVER: Cell<Option<Leaver>> = const { Cell::new(None) };
}

fn seats() -> MutexGuard<'static, Seats> {
    // Nothing panics under it.
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The calling thread's number, below [`SEATS`], or something that is not.
#[inline]
pub(super) fn own() -> usize {
    let own = OWN.get();
    if own == UNASKED { take() } else { own }
}

/// The name of the thread with this number, if there is one and it has one.
pub(super) fn name(seat: usize) -> Option<String> {
    seats().names.get(seat).cloned().flatten()
}

#[cold]
fn take() -> usize {
    let name = thread::current().name().map(Into::into);
    let free = {
        let mut seats = seats();
        let free = seats.taken.iter().position(|taken| !taken);
        if let Some(seat) = free {
            seats.taken[seat] = true;
            seats.names[seat] = name;
        }
        free
    };
    let own = free.unwrap_or(NONE);
    OWN.set(own);
    if let Some(seat) = free {
        // A thread that is ending cannot promise to give it back, and has it for no longer.
        let leaver = Leaver(seat);
        let _ = LEAVER.try_with(|cell| cell.set(Some(leaver)));
    }
    OWN.get()
}

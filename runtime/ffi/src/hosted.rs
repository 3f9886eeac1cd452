//! In a process: panics are caught at the boundary, and each thread keeps what was refused last.

use core::cell::Cell;
use core::fmt::Write;
use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::problem::Problem;
use crate::status::finbox_status;

/// How much of a panic's message is kept.
const PANIC_BYTES: usize = 200;

/// What the last refused call of a thread was refused for.
#[derive(Clone, Copy)]
enum Last {
    Nothing,
    Problem(Problem),
    Panic { text: [u8; PANIC_BYTES], len: usize },
}

std::thread_local! {
    static LAST: Cell<Last> = const { Cell::new(Last::Nothing) };
}

/// Runs a call's work: what it refuses becomes a status and this thread's last text, and so does a
/// panic, which goes no further.
#[inline]
pub(crate) fn guard(work: impl FnOnce() -> Result<(), Problem>) -> finbox_status {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => finbox_status::Ok,
        Ok(Err(problem)) => refuse(problem),
        Err(payload) => panicked(payload),
    }
}

#[cold]
fn refuse(problem: Problem) -> finbox_status {
    LAST.set(Last::Problem(problem));
    problem.status()
}

#[cold]
fn panicked(payload: Box<dyn Any + Send>) -> finbox_status {
    let message = match payload.downcast_ref::<String>() {
        Some(text) => text.as_str(),
        None => payload.downcast_ref::<&str>().copied().unwrap_or("?"),
    };
    let (mut text, len) = ([0; PANIC_BYTES], message.len().min(PANIC_BYTES));
    text[..len].copy_from_slice(&message.as_bytes()[..len]);
    LAST.set(Last::Panic { text, len });
    // What a stranger's payload does when it is dropped is unknown; it might panic again.
    mem::forget(payload);
    finbox_status::Panic
}

/// Writes what was refused last on this thread.
pub(crate) fn write_last(target: &mut impl Write) {
    let written = match LAST.get() {
        Last::Nothing => Ok(()),
        Last::Problem(problem) => write!(target, "{problem}"),
        Last::Panic { text, len } => {
            let text = String::from_utf8_lossy(&text[..len]);
            write!(target, "panic: {text}")
        }
    };
    written.expect("a copy into memory does not fail");
}

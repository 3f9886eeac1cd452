//! In a process: panics are caught at the boundary, and each thread keeps what was refused last.

use core::cell::Cell;
use core::fmt::{Display, Write};
use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use thiserror::Error;

use crate::problem::Problem;
use crate::status::finbox_status;

/// How much of a panic's message is kept.
const PANIC_BYTES: usize = 200;

/// How much of a refusal's text is kept where it is made up.
const TEXT_BYTES: usize = 400;

/// What the last refused call of a thread was refused for.
#[derive(Clone, Copy)]
enum Last {
    Nothing,
    Problem(Problem),
    Panic { text: [u8; PANIC_BYTES], len: usize },
    Text { text: [u8; TEXT_BYTES], len: usize },
}

std::thread_local! {
    static LAST: Cell<Last> = const { Cell::new(Last::Nothing) };
}

/// What only a process refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum Refusal {
    #[error("no threads of the library run this scheduler, or they were stopped")]
    Stopped,
}

/// The status of a refusal that only a process knows.
pub(crate) const fn status_of(refusal: Refusal) -> finbox_status {
    match refusal {
        Refusal::Stopped => finbox_status::Stopped,
    }
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
    let status = problem.status();
    if !matches!(problem, Problem::Told(_)) {
        LAST.set(Last::Problem(problem));
    }
    status
}

/// A refusal whose text is made up here and kept at once.
#[cold]
pub(crate) fn refuse_with(status: finbox_status, why: &dyn Display) -> Problem {
    let why = why.to_string();
    let (mut text, len) = ([0; TEXT_BYTES], why.len().min(TEXT_BYTES));
    text[..len].copy_from_slice(&why.as_bytes()[..len]);
    LAST.set(Last::Text { text, len });
    Problem::Told(status)
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
        Last::Text { text, len } => target.write_str(&String::from_utf8_lossy(&text[..len])),
    };
    written.expect("a copy into memory does not fail");
}

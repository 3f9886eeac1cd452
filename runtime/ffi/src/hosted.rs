//! In a process: panics are caught at the boundary, and each thread keeps what was refused last.

use core::cell::Cell;
use core::fmt::{Display, Write};
use std::any::Any;
use std::io::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::{mem, process, thread};

use thiserror::Error;

use crate::problem::Problem;
use crate::status::finbox_status;

/// How much of a text that is made up is kept: paths stand in it, and what to do behind them.
const TEXT_BYTES: usize = 4096;

/// What the last refused call of a thread was refused for.
#[derive(Clone, Copy)]
enum Last {
    Nothing,
    Problem(Problem),
    /// So many bytes of the text.
    Panic(usize),
    /// So many bytes of the text.
    Text(usize),
}

std::thread_local! {
    static LAST: Cell<Last> = const { Cell::new(Last::Nothing) };
    static TEXT: Cell<[u8; TEXT_BYTES]> = const { Cell::new([0; TEXT_BYTES]) };
}

/// Keeps a text as far as there is room; how much of it that is.
fn keep(why: &str) -> usize {
    let mut end = why.len().min(TEXT_BYTES);
    while !why.is_char_boundary(end) {
        end -= 1;
    }
    let mut text = [0; TEXT_BYTES];
    text[..end].copy_from_slice(&why.as_bytes()[..end]);
    TEXT.set(text);
    end
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

/// Runs the caller's function called `name`. A panic goes on to the guard; an exception of another
/// language cannot be caught here: it ends the process, and is named.
#[inline]
pub(crate) fn named<R>(name: &'static str, call: impl FnOnce() -> R) -> R {
    let inside = Inside {
        name,
        is_strict: false,
    };
    let answer = call();
    mem::forget(inside);
    answer
}

/// As [`named`], for functions that must not panic either: there is nobody to catch it.
pub(crate) fn strictly_named<R>(name: &'static str, call: impl FnOnce() -> R) -> R {
    let inside = Inside {
        name,
        is_strict: true,
    };
    let answer = call();
    mem::forget(inside);
    answer
}

/// Seen to drop by whatever leaves a callback otherwise than by returning.
struct Inside {
    name: &'static str,
    is_strict: bool,
}

impl Drop for Inside {
    fn drop(&mut self) {
        let what = match (thread::panicking(), self.is_strict) {
            (true, false) => return,
            (true, true) => "a panic",
            (false, _) => "an exception",
        };
        // Where it cannot be written there is nobody to tell.
        let _ = writeln!(
            io::stderr(),
            "finbox: {what} left the callback `{}`; it must not",
            self.name
        );
        process::abort();
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
    LAST.set(Last::Text(keep(&why.to_string())));
    Problem::Told(status)
}

#[cold]
fn panicked(payload: Box<dyn Any + Send>) -> finbox_status {
    let message = match payload.downcast_ref::<String>() {
        Some(text) => text.as_str(),
        None => payload.downcast_ref::<&str>().copied().unwrap_or("?"),
    };
    LAST.set(Last::Panic(keep(message)));
    // What a stranger's payload does when it is dropped is unknown; it might panic again.
    mem::forget(payload);
    finbox_status::Panic
}

/// The text that is so long.
fn kept(text: &[u8; TEXT_BYTES], length: usize) -> &str {
    core::str::from_utf8(&text[..length]).expect("it was cut between two characters")
}

/// Writes what was refused last on this thread.
pub(crate) fn write_last(target: &mut impl Write) {
    let written = match LAST.get() {
        Last::Nothing => Ok(()),
        Last::Problem(problem) => write!(target, "{problem}"),
        Last::Panic(length) => write!(target, "panic: {}", kept(&TEXT.get(), length)),
        Last::Text(length) => target.write_str(kept(&TEXT.get(), length)),
    };
    written.expect("a copy into memory does not fail");
}

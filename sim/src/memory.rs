//! Memory that is not there: an error with a number, where Rust's own answer is a signal.
//!
//! [`Guarded`] stands in front of an allocator. When that one has nothing left, the last words that
//! were prepared for this ([`LastWords::prepare`]) go to stderr and stdout, and the process ends
//! with their exit code. Guarantees: every allocation of every library is covered; nothing is
//! allocated then; the words are said once, whichever threads ran out. Refuses: to go on. A trace
//! becomes a workload through collections and libraries that cannot hand such a failure back.
//! Called by the executable, whose allocator it is, and by what it runs.

use std::alloc::{GlobalAlloc, Layout};
use std::borrow::Cow;
use std::hint::black_box;
use std::io::{self, Write};

use signal_hook::low_level;

use crate::report::{self, Code, ErrorReport, Invalid, RunReport, Verdict};
use crate::shared::Shared;

/// What the stack may grow to: the deepest call takes less than a tenth (measured).
const STACK_BYTES: usize = 256 << 10;

/// Address space that a thread takes when it starts, in bytes: a stack of 2 MiB, its guard page,
/// the stack for its signals and what it keeps for itself.
const THREAD_BYTES: usize = (2 << 20) + (256 << 10);

/// An allocator that ends the process with the prepared words where `A` would say null.
#[derive(Debug)]
pub struct Guarded<A>(pub A);

// SAFETY: every call is passed on as it came; what comes back is passed back, or nothing is.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Guarded<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are the inner allocator's.
        there(unsafe { self.0.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are the inner allocator's.
        there(unsafe { self.0.alloc_zeroed(layout) })
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the pointer came from the inner allocator, with this layout.
        there(unsafe { self.0.realloc(pointer, layout, size) })
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the pointer came from the inner allocator, with this layout.
        unsafe { self.0.dealloc(pointer, layout) }
    }
}

fn there(pointer: *mut u8) -> *mut u8 {
    if pointer.is_null() {
        end();
    }
    pointer
}

/// What is said when memory ends.
#[derive(Debug)]
pub struct LastWords {
    code: u8,
    stderr: Cow<'static, str>,
    /// The document, where one was asked for.
    stdout: Cow<'static, str>,
}

/// What stands here is only replaced: whoever holds the lock allocates nothing.
static WORDS: Shared<LastWords> = Shared::new(LastWords {
    code: Verdict::Invalid(Invalid::InputFile).exit_code(),
    stderr: Cow::Borrowed("error: out of memory before anything was loaded\n"),
    stdout: Cow::Borrowed(""),
});

impl LastWords {
    /// Words that say `message`, in a report that is otherwise as `report`.
    pub fn new(report: RunReport, message: String, json: bool) -> Self {
        let code = Code::OUT_OF_MEMORY;
        let error = ErrorReport::new(code, message, code.hint);
        let stderr = error.to_text().into();
        let error = Some(error);
        let report = RunReport { error, ..report };
        let stdout = match json {
            true => report::to_json(&report).into(),
            false => Cow::Borrowed(""),
        };
        Self {
            code: report.verdict.exit_code(),
            stderr,
            stdout,
        }
    }

    /// From now on these are the words. What saying them needs is there beforehand: the stack and
    /// the buffer of stdout.
    pub fn prepare(self) {
        grow_stack();
        let _its_buffer_is_made = io::stdout();
        let mut words = WORDS.lock();
        let before = std::mem::replace(&mut *words, self);
        drop(words);
        drop(before);
    }
}

/// A page of stack that is not there when it is first touched is a signal, and no allocator is
/// asked: so the pages are touched while there is room.
#[inline(never)]
fn grow_stack() {
    black_box(&[0_u8; STACK_BYTES]);
}

/// Ends the process as an allocation would, unless `threads` more threads have room. A thread that
/// was started and then finds no room for its signal stack ends the process with a signal.
pub fn expect_room(threads: usize) {
    drop(black_box(Vec::<u8>::with_capacity(threads * THREAD_BYTES)));
}

/// Says the last words and ends the process; of several threads, one.
#[cold]
fn end() -> ! {
    let words = WORDS.lock();
    let _nobody_left = io::stderr().write_all(words.stderr.as_bytes());
    if !words.stdout.is_empty() {
        let mut out = io::stdout().lock();
        let said = out.write_all(words.stdout.as_bytes());
        let _nobody_left = said.and_then(|()| out.flush());
    }
    low_level::exit(words.code.into())
}

//! What carries packets out, as a table of C functions.
//!
//! Guarantees: one thread at a time calls them, each with its name in front of whoever looks when
//! it panics or throws, which ends the process. Called by the processor.

use core::ffi::c_void;

use finbox_abi::{Versioned, finbox_extension};
use finbox_mailbox::{Consumer, Words};
use finbox_runtime::command::{Answer, Executor, Launch, Refusal, Route, Signal, Transfer, WorkId};

use super::{Notice, finbox_packet, route_of};
use crate::edition::strictly_named;
use crate::scheduler::inside;

/// What an executor's functions answer. Any other number: it will never be done, and the processor
/// stops there for good; the number is the executor's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum finbox_answer {
    /// It has completed; or what was asked for is there.
    Done = 0,
    /// It has begun, and its completion will be told.
    Running = 1,
    /// Nothing happened; it is asked again.
    NotYet = 2,
}

/// How a completion was noticed. One that is noticed twice counts once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum finbox_route {
    /// Somebody looked: a register, a counter, a queue.
    Polled = 0,
    /// It came by itself: a message, an interrupt.
    Told = 1,
}

/// The refusal of a packet that the executor has no function for.
pub const FINBOX_NO_FUNCTION: u32 = 0xFFFF_FFFF;

/// Tells the processor that `work` has completed; for `look`, with what it was given. 0 if there is
/// such a `finbox_route`.
pub type finbox_tell =
    Option<unsafe extern "C-unwind" fn(told: *mut c_void, route: u32, work: u64) -> i32>;

/// The device, as a processor sees it. One thread at a time calls its functions, which must neither
/// wait nor unwind, and call of the library nothing but submissions, notices and targets. A null
/// function refuses its packets with `FINBOX_NO_FUNCTION`; a null `look` tells nothing.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct finbox_executor {
    /// `FINBOX_EXECUTOR_SIZE`.
    pub struct_size: usize,
    /// Null: no extension exists yet.
    pub next: *const finbox_extension,
    /// The executor's; handed to all its functions.
    pub context: *mut c_void,
    /// Starts a kernel; `work` is what its completion is told by, if it answers RUNNING. A
    /// `finbox_answer`.
    pub launch: Option<
        unsafe extern "C-unwind" fn(
            context: *mut c_void,
            work: u64,
            kernel: u64,
            args: u64,
            args_bytes: u32,
            blocks: u32,
        ) -> u32,
    >,
    /// Copies bytes. A `finbox_answer`.
    pub copy: Option<
        unsafe extern "C-unwind" fn(
            context: *mut c_void,
            work: u64,
            to: u64,
            from: u64,
            bytes: u64,
        ) -> u32,
    >,
    /// Changes a counter; `how` is a `finbox_signal_how`. A `finbox_answer`.
    pub signal: Option<
        unsafe extern "C-unwind" fn(
            context: *mut c_void,
            work: u64,
            counter: u64,
            value: u32,
            how: u32,
        ) -> u32,
    >,
    /// Reads a counter: DONE with its value, or NOT_YET if it cannot be read now.
    pub counter: Option<
        unsafe extern "C-unwind" fn(context: *mut c_void, counter: u64, value: *mut u32) -> u32,
    >,
    /// Reads the packet at `index` of an indirect buffer: DONE with the packet.
    pub fetch: Option<
        unsafe extern "C-unwind" fn(
            context: *mut c_void,
            buffer: u64,
            index: u32,
            packet: *mut finbox_packet,
        ) -> u32,
    >,
    /// Tells of everything that completed since it was asked last, with `tell(told, route, work)`.
    pub look: Option<
        unsafe extern "C-unwind" fn(context: *mut c_void, tell: finbox_tell, told: *mut c_void),
    >,
}

// SAFETY: integers and pointers, without padding.
unsafe impl Versioned for finbox_executor {
    const NAME: &'static str = "finbox_executor";
    const MINIMUM: usize = 9 * size_of::<usize>();
}

/// The executor of a ring, and the notices on their way to it.
pub(crate) struct Table {
    table: finbox_executor,
    notices: Consumer<'static, Notice>,
}

// SAFETY: its functions are called by one thread at a time, whichever it is: who gives the table
// vouches for its context.
unsafe impl Send for Table {}

fn answer(number: u32) -> Result<Answer, Refusal> {
    match number {
        number if number == finbox_answer::Done as u32 => Ok(Answer::Done),
        number if number == finbox_answer::Running as u32 => Ok(Answer::Running),
        number if number == finbox_answer::NotYet as u32 => Ok(Answer::NotYet),
        number => Err(Refusal(number)),
    }
}

/// Runs a function of the executor: calls of the library that wait are refused from inside.
fn call<R>(name: &'static str, function: impl FnOnce() -> R) -> R {
    inside(|| strictly_named(name, function))
}

const NONE: Refusal = Refusal(FINBOX_NO_FUNCTION);

impl Table {
    pub(super) const fn new(table: finbox_executor, notices: Consumer<'static, Notice>) -> Self {
        Self { table, notices }
    }
}

impl Executor for Table {
    fn launch(&mut self, work: WorkId, launch: &Launch) -> Result<Answer, Refusal> {
        let (function, context) = (self.table.launch.ok_or(NONE)?, self.table.context);
        let &Launch {
            kernel,
            args,
            blocks,
            args_bytes,
        } = launch;
        answer(call("launch", || {
            // SAFETY: the executor's function, with its own context.
            unsafe { function(context, work.0, kernel, args, args_bytes, blocks) }
        }))
    }

    fn copy(&mut self, work: WorkId, copy: &Transfer) -> Result<Answer, Refusal> {
        let (function, context) = (self.table.copy.ok_or(NONE)?, self.table.context);
        let &Transfer { to, from, bytes } = copy;
        answer(call("copy", || {
            // SAFETY: the executor's function, with its own context.
            unsafe { function(context, work.0, to, from, bytes) }
        }))
    }

    fn signal(&mut self, work: WorkId, signal: &Signal) -> Result<Answer, Refusal> {
        let (function, context) = (self.table.signal.ok_or(NONE)?, self.table.context);
        let &Signal {
            counter,
            value,
            how,
        } = signal;
        answer(call("signal", || {
            // SAFETY: the executor's function, with its own context.
            unsafe { function(context, work.0, counter, value, how as u32) }
        }))
    }

    fn counter(&mut self, address: u64) -> Result<Option<u32>, Refusal> {
        let (function, context) = (self.table.counter.ok_or(NONE)?, self.table.context);
        let mut value = 0;
        let read = call("counter", || {
            // SAFETY: the executor's function, with its own context and a number of this call's.
            unsafe { function(context, address, &raw mut value) }
        });
        match answer(read)? {
            Answer::Done => Ok(Some(value)),
            Answer::Running | Answer::NotYet => Ok(None),
        }
    }

    fn fetch(&mut self, buffer: u64, index: u32) -> Result<Words, Refusal> {
        let (function, context) = (self.table.fetch.ok_or(NONE)?, self.table.context);
        let mut packet = finbox_packet::default();
        let fetched = call("fetch", || {
            // SAFETY: the executor's function, with its own context and a packet of this call's.
            unsafe { function(context, buffer, index, &raw mut packet) }
        });
        match fetched {
            0 => Ok(packet.words(packet.epoch)),
            refusal => Err(Refusal(refusal)),
        }
    }

    fn look(&mut self, tell: &mut dyn FnMut(Route, WorkId)) {
        self.notices.drain(u32::MAX, |_, words| {
            if let Some(notice) = Notice::decode(words) {
                tell(notice.route, notice.work);
            }
        });
        let Some(function) = self.table.look else {
            return;
        };
        let context = self.table.context;
        let mut told = Told(tell);
        let told = (&raw mut told).cast::<c_void>();
        call("look", || {
            // SAFETY: the executor's function, with its own context; `told` lives until it is back.
            unsafe { function(context, Some(tell_one), told) }
        });
    }
}

/// Where `look` tells.
struct Told<'t>(&'t mut dyn FnMut(Route, WorkId));

/// The `tell` of a `look`.
///
/// # Safety
/// `told` is what that `look` was given, and it has not come back.
unsafe extern "C-unwind" fn tell_one(told: *mut c_void, route: u32, work: u64) -> i32 {
    let Some(route) = route_of(route) else {
        return crate::status::finbox_status::InvalidArgument as i32;
    };
    // SAFETY: by the caller's word; `look` is on this thread and does not use it meanwhile.
    let told = unsafe { &mut *told.cast::<Told<'_>>() };
    (told.0)(route, WorkId(work));
    0
}

//! Status numbers, their texts, and the text of a thread's last refusal.

use core::ffi::{CStr, c_char};
use core::fmt::{self, Write};

use finbox_abi::{Given, not_null};

use crate::edition::write_last;

/// What a call says. 0 is success; 1 to 15 are ordinary answers of a mailbox, 16 to 31 mistakes
/// of the caller, 32 to 63 answers of a scheduler, a
/// device, a planner or a ring. A number never changes its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum finbox_status {
    /// Done.
    Ok = 0,
    /// The mailbox has no room for any of the messages, or the ring for any of the packets or
    /// items. Try again when some were taken.
    Full = 1,
    /// Another call uses this handle. It goes on; try again later.
    Busy = 2,
    /// A callback of this handle is running: from inside it the handle cannot be used.
    Reentered = 3,
    /// The mailbox takes and delivers nothing any more. Recover it, then place it anew.
    Condemned = 4,
    /// Every claim line has an owner. Give the mailbox more of them, or push without a name.
    NoLine = 5,
    /// Messages were claimed and not drained. Drain them before the reset.
    Undrained = 6,
    /// The memory has a mailbox whose consumer is not known gone.
    Occupied = 7,
    /// Producers of the condemned mailbox have neither left nor been buried.
    Attached = 8,
    /// No mailbox stands in the memory, or its placement has not ended.
    NoMailbox = 9,
    /// The mailbox was placed by another version of the memory layout.
    LayoutVersion = 10,
    /// The mailbox's header does not fit its memory.
    DamagedHeader = 11,
    /// A pointer that must not be null is.
    NullArgument = 16,
    /// A pointer is not aligned as its type wants, or mailbox memory not to 64 bytes.
    Misaligned = 17,
    /// A struct's size is below what the function needs, or above anything sensible.
    StructSize = 18,
    /// A struct asks for something that this version of the library does not know.
    Unsupported = 19,
    /// The storage holds no handle: never made, copied from elsewhere, or overwritten.
    NotAHandle = 20,
    /// The handle was destroyed.
    Destroyed = 21,
    /// The storage is not free for a new handle: neither all zero nor destroyed.
    InUse = 22,
    /// A number is out of its range.
    InvalidArgument = 23,
    /// The memory is too small for the mailbox.
    TooSmall = 24,
    /// A message has a kind, an engine, a type or a reserved word that no message has.
    MalformedMessage = 25,
    /// All task slots, dependency nodes or output bytes are in use, and will be free one day. Run
    /// passes or wait, then try again.
    NoRoom = 32,
    /// There is no room before an open scope is closed, or the scheduler is too small for it.
    NeverRoom = 33,
    /// A task is none of this scheduler, or was reclaimed.
    UnknownTask = 34,
    /// What was waited for did not come in the time given. It goes on.
    Timeout = 35,
    /// Nothing moves, or a callback does not come back: the last error names it.
    Stuck = 36,
    /// Threads of the library run the scheduler, and have what was asked for. Stop them first.
    Started = 37,
    /// No thread of the library runs the scheduler, or it was stopped meanwhile.
    Stopped = 38,
    /// A core of the chip is at work for another run, or has ended.
    NotAtRest = 39,
    /// The operating system refused something: the last error is its word.
    System = 40,
    /// A device library is none, cannot be used, or refused: the last error has its words.
    Device = 41,
    /// No such timeline was opened here.
    UnknownTimeline = 42,
    /// A use of a buffer that has ended, that nobody declared, or of bytes that it does not have.
    BadUse = 43,
    /// Strict planning, and memory or a device whose uses nobody tracks.
    Untracked = 44,
    /// A wait for a timeline that somebody else moves must have a deadline.
    NoDeadline = 45,
    /// The launch would wait for itself: the last error names whom it waits for.
    Cycle = 46,
    /// The timeline has ended: the last error says why.
    Poisoned = 47,
    /// It was told, committed or done before, which counts once.
    Duplicate = 48,
    /// Something that comes before it was not told, or not committed.
    OutOfOrder = 49,
    /// What was made of this handle is in use: end that first.
    Outstanding = 50,
    /// The processor has stopped for good at a packet: the last error says which, and why.
    Halted = 51,
    /// There is no work.
    Empty = 52,
    /// A producer stands between claim and publication of the next item. Ask again later.
    NotPublished = 53,
    /// The worker has an item already: finish it first.
    Holding = 54,
    /// The worker does not hold this position.
    NotHeld = 55,
    /// No dead worker of this name left an item.
    NothingLeft = 56,
    /// The work ring is closed: it takes no more items, and a worker, when everything in it was
    /// taken, may go.
    Closed = 57,
    /// Rust code panicked, here or in a callback. What the call had done until then stands.
    Panic = 64,
}

impl finbox_status {
    const ALL: [Self; 49] = [
        Self::Ok,
        Self::Full,
        Self::Busy,
        Self::Reentered,
        Self::Condemned,
        Self::NoLine,
        Self::Undrained,
        Self::Occupied,
        Self::Attached,
        Self::NoMailbox,
        Self::LayoutVersion,
        Self::DamagedHeader,
        Self::NullArgument,
        Self::Misaligned,
        Self::StructSize,
        Self::Unsupported,
        Self::NotAHandle,
        Self::Destroyed,
        Self::InUse,
        Self::InvalidArgument,
        Self::TooSmall,
        Self::MalformedMessage,
        Self::NoRoom,
        Self::NeverRoom,
        Self::UnknownTask,
        Self::Timeout,
        Self::Stuck,
        Self::Started,
        Self::Stopped,
        Self::NotAtRest,
        Self::System,
        Self::Device,
        Self::UnknownTimeline,
        Self::BadUse,
        Self::Untracked,
        Self::NoDeadline,
        Self::Cycle,
        Self::Poisoned,
        Self::Duplicate,
        Self::OutOfOrder,
        Self::Outstanding,
        Self::Halted,
        Self::Empty,
        Self::NotPublished,
        Self::Holding,
        Self::NotHeld,
        Self::NothingLeft,
        Self::Closed,
        Self::Panic,
    ];

    fn text(self) -> &'static CStr {
        match self {
            Self::Ok => c"done",
            Self::Full => c"the mailbox or the ring is full",
            Self::Busy => c"another call uses this handle",
            Self::Reentered => c"a callback of this handle is running",
            Self::Condemned => c"the mailbox is condemned",
            Self::NoLine => c"every claim line is taken",
            Self::Undrained => c"claimed messages were not drained",
            Self::Occupied => c"the mailbox has a consumer",
            Self::Attached => c"producers of the condemned mailbox have not left",
            Self::NoMailbox => c"no mailbox here",
            Self::LayoutVersion => c"another version of the memory layout",
            Self::DamagedHeader => c"the header does not fit the memory",
            Self::NullArgument => c"a pointer is null",
            Self::Misaligned => c"a pointer is not aligned",
            Self::StructSize => c"a struct has a wrong size",
            Self::Unsupported => c"not known to this version of the library",
            Self::NotAHandle => c"the storage holds no handle",
            Self::Destroyed => c"the handle was destroyed",
            Self::InUse => c"the storage is neither all zero nor destroyed",
            Self::InvalidArgument => c"a number is out of its range",
            Self::TooSmall => c"the memory is too small",
            Self::MalformedMessage => c"the message is malformed",
            Self::NoRoom => c"no room for the task now",
            Self::NeverRoom => c"no room before a scope is closed, or ever",
            Self::UnknownTask => c"no task of this scheduler",
            Self::Timeout => c"not within the time given",
            Self::Stuck => c"nothing moves",
            Self::Started => c"the library's threads run",
            Self::Stopped => c"the library's threads do not run",
            Self::NotAtRest => c"a core is not at rest",
            Self::System => c"the operating system refused",
            Self::Device => c"the device library refused",
            Self::UnknownTimeline => c"no such timeline",
            Self::BadUse => c"a use is not the buffer's",
            Self::Untracked => c"nobody tracks this memory",
            Self::NoDeadline => c"the wait must have a deadline",
            Self::Cycle => c"the launch would wait for itself",
            Self::Poisoned => c"the timeline has ended",
            Self::Duplicate => c"it was told before",
            Self::OutOfOrder => c"something before it is missing",
            Self::Outstanding => c"what was made of it is in use",
            Self::Halted => c"the processor has stopped for good",
            Self::Empty => c"there is no work",
            Self::NotPublished => c"the next item is not published yet",
            Self::Holding => c"the worker has an item already",
            Self::NotHeld => c"the worker does not hold this",
            Self::NothingLeft => c"no item was left",
            Self::Closed => c"the work ring is closed: no more items go in, or none is left in it",
            Self::Panic => c"Rust code panicked",
        }
    }
}

/// What a status means, in a few words; of a number that is no status, that it is none. Lives for
/// ever. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn finbox_status_text(status: i32) -> *const c_char {
    let known = finbox_status::ALL
        .iter()
        .find(|known| **known as i32 == status);
    let text = known.map_or(c"no status of this library", |known| known.text());
    text.as_ptr()
}

/// Copies what the last refused call of this thread said, with the numbers, to `buffer`: at most
/// `capacity` bytes, of which the last is 0. `length`, unless null, becomes what the whole text
/// has, without the 0: at most 4 KiB, a longer one is cut. A call that succeeds leaves the text
/// alone. Firmware keeps no texts: there it is always empty. Any thread.
///
/// # Safety
/// `buffer` has room for `capacity` bytes, or `capacity` is 0; `length` is null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_last_error(
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> finbox_status {
    // Not through a guard: a refusal here would replace the text that is asked for.
    if buffer.is_null() && capacity > 0 {
        return finbox_status::NullArgument;
    }
    // SAFETY: handed on to the caller.
    let mut copy = unsafe { Text::at(buffer, capacity) };
    write_last(&mut copy);
    // SAFETY: handed on to the caller.
    unsafe { copy.end(length) };
    finbox_status::Ok
}

/// Copies what fits, and counts all.
pub(crate) struct Text {
    buffer: *mut u8,
    capacity: usize,
    length: usize,
}

impl Text {
    /// Text for `buffer`.
    ///
    /// # Safety
    /// It has room for `capacity` bytes until the text has ended, or `capacity` is 0.
    pub(crate) const unsafe fn at(buffer: *mut c_char, capacity: usize) -> Self {
        Self {
            buffer: buffer.cast(),
            capacity,
            length: 0,
        }
    }

    /// As [`at`](Self::at), of arguments that nobody has looked at.
    ///
    /// # Safety
    /// `buffer` is null or has room for `capacity` bytes until the text has ended.
    pub(crate) unsafe fn checked(
        buffer: *mut c_char,
        capacity: usize,
        length: *const usize,
    ) -> Result<Self, Given> {
        if capacity > 0 {
            not_null(buffer, "buffer")?;
        }
        if !length.is_null() {
            not_null(length, "length")?;
        }
        // SAFETY: handed on to the caller.
        Ok(unsafe { Self::at(buffer, capacity) })
    }

    const fn room(&self) -> usize {
        self.capacity.saturating_sub(1)
    }

    /// Writes the 0 at its end, and to `length` how long the whole text is.
    ///
    /// # Safety
    /// `length` is null or writable.
    pub(crate) unsafe fn end(self, length: *mut usize) {
        if self.capacity > 0 {
            // SAFETY: below `capacity`, inside the caller's buffer.
            let end = unsafe { self.buffer.add(self.length.min(self.room())) };
            // SAFETY: as above.
            unsafe { end.write(0) };
        }
        if !length.is_null() {
            // SAFETY: writable, by the caller's word.
            unsafe { length.write_unaligned(self.length) };
        }
    }
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let count = text.len().min(self.room().saturating_sub(self.length));
        if count > 0 {
            // SAFETY: `length + count` is at most `room`, inside the caller's buffer.
            let target = unsafe { self.buffer.add(self.length) };
            // SAFETY: `count` bytes fit, and the caller's buffer is none of Rust's strings.
            unsafe { target.copy_from_nonoverlapping(text.as_ptr(), count) };
        }
        self.length += text.len();
        Ok(())
    }
}

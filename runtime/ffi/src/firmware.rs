//! On a chip without an operating system: no allocator, no unwinding, no texts. A panic, which is
//! a broken invariant, ends in a function of the firmware.

use core::convert::Infallible;
use core::ffi::c_char;
use core::fmt::{self, Display, Write};
use core::panic::PanicInfo;

use crate::problem::Problem;
use crate::status::finbox_status;

/// How much of a panic's message the firmware is told.
const PANIC_BYTES: usize = 200;

unsafe extern "C" {
    /// Defined by the firmware: told `length` bytes about a broken invariant, it stops the core. It
    /// must not return.
    fn finbox_firmware_panic(text: *const c_char, length: usize) -> !;
}

/// What only a process refuses.
pub(crate) type Refusal = Infallible;

/// The status of a refusal that only a process knows.
pub(crate) const fn status_of(refusal: Refusal) -> finbox_status {
    match refusal {}
}

/// A refusal; firmware keeps no texts.
pub(crate) fn refuse_with(status: finbox_status, _: &dyn Display) -> Problem {
    Problem::Told(status)
}

/// Runs a call's work: what it refuses becomes a status.
#[inline]
pub(crate) fn guard(work: impl FnOnce() -> Result<(), Problem>) -> finbox_status {
    match work() {
        Ok(()) => finbox_status::Ok,
        Err(problem) => problem.status(),
    }
}

/// Runs the firmware's function called `name`: nothing unwinds here.
#[inline]
pub(crate) fn named<R>(_name: &'static str, call: impl FnOnce() -> R) -> R {
    call()
}

/// Firmware keeps no texts.
pub(crate) fn write_last(_: &mut impl Write) {}

struct Text {
    bytes: [u8; PANIC_BYTES],
    len: usize,
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = &mut self.bytes[self.len..];
        let count = room.len().min(text.len());
        room[..count].copy_from_slice(&text.as_bytes()[..count]);
        self.len += count;
        Ok(())
    }
}

#[panic_handler]
fn panicked(info: &PanicInfo<'_>) -> ! {
    let mut text = Text {
        bytes: [0; PANIC_BYTES],
        len: 0,
    };
    let _ = write!(text, "{info}");
    // SAFETY: the firmware defines it and reads `len` bytes, which live until it stops the core.
    unsafe { finbox_firmware_panic(text.bytes.as_ptr().cast(), text.len) }
}

/// Named by `core`, which is delivered compiled to unwind. Nothing unwinds here, so it is never
/// called.
///
/// cbindgen:ignore
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

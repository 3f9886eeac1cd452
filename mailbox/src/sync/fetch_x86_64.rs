//! Fetching a line for writing, x86-64: PREFETCHW, which every such processor decodes.

use core::arch::asm;

/// Asks for the line of `place`, to be written soon. Changes nothing, and nobody waits for it.
#[inline(always)]
pub(crate) fn fetch_for_writing<T>(place: &T) {
    let place = core::ptr::from_ref(place);
    // SAFETY: a hint: it reads and writes nothing, and cannot fault.
    unsafe { asm!("prefetchw [{}]", in(reg) place, options(nostack, preserves_flags)) };
}

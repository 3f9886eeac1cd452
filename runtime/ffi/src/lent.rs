//! A value at a place of its own that other parts of the same handle look at.
//!
//! Guarantees: it stays where it is until this is dropped, and is dropped then. Refuses to know who
//! looks: whoever lends it keeps the order of ends. Called by handles with parts that borrow.

use core::ptr::NonNull;

/// A value that was lent.
pub(crate) struct Lent<T> {
    at: NonNull<T>,
}

impl<T> Lent<T> {
    pub(crate) fn new(value: T) -> Self {
        let at = NonNull::from(Box::leak(Box::new(value)));
        Self { at }
    }

    /// The value.
    ///
    /// # Safety
    /// Nobody has it mutably, and whoever gets it is gone before this is dropped.
    pub(crate) unsafe fn lend(&self) -> &'static T {
        // SAFETY: it stands until this is dropped; the rest is the caller's word.
        unsafe { self.at.as_ref() }
    }

    /// The value, to be changed.
    ///
    /// # Safety
    /// Nobody else has it, and whoever gets it is gone before this is dropped.
    pub(crate) unsafe fn lend_mut(&mut self) -> &'static mut T {
        // SAFETY: as above.
        unsafe { self.at.as_mut() }
    }
}

impl<T> Drop for Lent<T> {
    fn drop(&mut self) {
        // SAFETY: it came out of a box in `new`, and whoever had it is gone.
        drop(unsafe { Box::from_raw(self.at.as_ptr()) });
    }
}

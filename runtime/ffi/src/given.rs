//! Arrays that a caller gives, and rows that it wants.
//!
//! Guarantees: null, misaligned and more than memory holds are refused by their name; rows that
//! find no room are counted all the same. Called by whatever takes or gives more than one value.

use core::slice;

use finbox_abi::not_null;

use crate::problem::Problem;

/// Refuses more of `T` than memory holds.
pub(crate) fn countable<T>(what: &'static str, count: usize) -> Result<(), Problem> {
    if count <= isize::MAX as usize / size_of::<T>() {
        return Ok(());
    }
    Err(Problem::Count { what, count })
}

/// `count` values at `at`, which may be null if there are none.
///
/// # Safety
/// `at` is null, misaligned, or points to `count` of them, which stay as they are for `'t`.
pub(crate) unsafe fn all_at<'t, T>(
    at: *const T,
    count: usize,
    what: &'static str,
) -> Result<&'t [T], Problem> {
    if count == 0 {
        return Ok(&[]);
    }
    not_null(at, what)?;
    countable::<T>(what, count)?;
    // SAFETY: handed on to the caller; not more than memory holds.
    Ok(unsafe { slice::from_raw_parts(at, count) })
}

/// Room of the caller's for rows, and where it wants to know how many there are.
pub(crate) struct Rows<T> {
    rows: *mut T,
    capacity: usize,
    count: *mut usize,
    found: usize,
}

impl<T> Rows<T> {
    /// Room at `rows`.
    ///
    /// # Safety
    /// `rows` is null, misaligned, or has room for `capacity` rows, and `count` is null,
    /// misaligned, or writable, until the call returns.
    pub(crate) unsafe fn at(
        rows: *mut T,
        capacity: usize,
        count: *mut usize,
        what: &'static str,
    ) -> Result<Self, Problem> {
        if capacity > 0 {
            not_null(rows, what)?;
        }
        not_null(count, "count")?;
        Ok(Self {
            rows,
            capacity,
            count,
            found: 0,
        })
    }

    /// The next row; one that finds no room is counted.
    pub(crate) fn put(&mut self, row: T) {
        if self.found < self.capacity {
            // SAFETY: inside the caller's room.
            let place = unsafe { self.rows.add(self.found) };
            // SAFETY: as above.
            unsafe { place.write(row) };
        }
        self.found += 1;
    }

    /// Says how many there are: all that were put, and `more`.
    pub(crate) fn end(self, more: usize) {
        // SAFETY: seen to be neither null nor misaligned, and writable by the caller's word.
        unsafe { self.count.write(self.found + more) };
    }
}

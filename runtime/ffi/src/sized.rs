//! Structs that begin with their size, so that old callers and new libraries understand each other.
//!
//! The size is the offset of the last field that the caller knows plus that field's size. A caller
//! that knows fewer fields than the library is read as if the others were 0, and is not told them.
//! A caller that knows more must have left those at 0; where the library answers, they stay as they
//! are.

use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::ptr;

use crate::problem::Problem;

/// More than any struct of this ABI will ever have.
const LARGEST: usize = 4096;

/// A struct whose first field is `struct_size: usize`.
///
/// # Safety
/// It is `repr(C)`, of integers and pointers alone, and without padding.
pub(crate) unsafe trait Versioned: Copy {
    /// Its name in messages.
    const NAME: &'static str;
    /// Its size in the first version that had it.
    const MINIMUM: usize;
}

/// The size that the struct says it has, within reason.
///
/// # Safety
/// `at` is null, misaligned, or points to a struct whose size stands in it.
unsafe fn size_of_given<T: Versioned>(at: *const T) -> Result<usize, Problem> {
    not_null(at, T::NAME)?;
    // SAFETY: neither null nor misaligned, so it is a struct by the caller's word.
    let found = unsafe { at.cast::<usize>().read() };
    if found < T::MINIMUM || found > LARGEST {
        return Err(Problem::Size {
            what: T::NAME,
            found,
            minimum: T::MINIMUM,
        });
    }
    Ok(found)
}

/// A copy of what the caller gave, 0 where it knows no field.
///
/// # Safety
/// `at` is null, misaligned, or points to as many bytes as the struct there says.
pub(crate) unsafe fn read<T: Versioned>(at: *const T) -> Result<T, Problem> {
    // SAFETY: handed on to the caller.
    let size = unsafe { size_of_given(at) }?;
    let known = size.min(size_of::<T>());
    for offset in known..size {
        // SAFETY: inside the bytes that the caller vouches for.
        let byte = unsafe { at.cast::<u8>().add(offset) };
        // SAFETY: as above.
        if unsafe { byte.read() } != 0 {
            return Err(Problem::UnknownField {
                what: T::NAME,
                at: offset,
            });
        }
    }
    let mut copy = MaybeUninit::<T>::zeroed();
    // SAFETY: `known` bytes are the caller's to read and fit the copy.
    unsafe { ptr::copy_nonoverlapping(at.cast::<u8>(), copy.as_mut_ptr().cast(), known) };
    // SAFETY: integers and pointers are valid for any bytes, and all of them were written.
    Ok(unsafe { copy.assume_init() })
}

/// Where an answer goes, seen to be writable before anything is done.
pub(crate) struct Answer<T> {
    at: *mut T,
    size: usize,
}

impl<T: Versioned> Answer<T> {
    /// # Safety
    /// `at` is null, misaligned, or points to as many writable bytes as the struct there says,
    /// until the call returns.
    pub(crate) unsafe fn at(at: *mut T) -> Result<Self, Problem> {
        // SAFETY: handed on to the caller.
        let size = unsafe { size_of_given(at) }?;
        Ok(Self { at, size })
    }

    /// Writes the fields that the caller knows; its size stays.
    pub(crate) fn put(&self, value: &T) {
        let first = size_of::<usize>();
        let count = self.size.min(size_of::<T>()) - first;
        // SAFETY: a struct is larger than its first field.
        let from = unsafe { ptr::from_ref(value).cast::<u8>().add(first) };
        // SAFETY: as above; writable by the caller's word in `at`.
        let to = unsafe { self.at.cast::<u8>().add(first) };
        // SAFETY: `count` more bytes belong to both.
        unsafe { ptr::copy_nonoverlapping(from, to, count) };
    }
}

/// Refuses a pointer that is null or not aligned as its type wants.
#[inline]
pub(crate) fn not_null<T>(at: *const T, what: &'static str) -> Result<(), Problem> {
    if at.is_null() {
        return Err(Problem::Null(what));
    }
    if !at.is_aligned() {
        return Err(Problem::Misaligned {
            what,
            address: at.addr(),
            wanted: align_of::<T>(),
        });
    }
    Ok(())
}

/// Refuses an extension chain: this version knows none.
pub(crate) fn no_extension(next: *const c_void, what: &'static str) -> Result<(), Problem> {
    if next.is_null() {
        return Ok(());
    }
    Err(Problem::Extension(what))
}

/// Refuses flags outside `known`.
pub(crate) fn only(known: u64, flags: u64) -> Result<(), Problem> {
    if flags & !known == 0 {
        return Ok(());
    }
    Err(Problem::Flags(flags))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A struct that gained its last field after its first version.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[repr(C)]
    struct Grown {
        struct_size: usize,
        old: u64,
        new: u64,
    }

    // SAFETY: integers, without padding.
    unsafe impl Versioned for Grown {
        const NAME: &'static str = "grown";
        const MINIMUM: usize = 16;
    }

    fn of_size(struct_size: usize) -> [u64; 5] {
        [struct_size as u64, 1, 2, 0, 0]
    }

    fn read_given(given: &[u64; 5]) -> Result<Grown, Problem> {
        // SAFETY: no size in these tests that is not refused is beyond the array.
        unsafe { read(given.as_ptr().cast()) }
    }

    #[test]
    fn a_caller_that_knows_fewer_fields_is_read_as_if_the_others_were_0() {
        let read = read_given(&of_size(16)).unwrap();
        assert_eq!((read.old, read.new), (1, 0));
        let read = read_given(&of_size(20)).unwrap();
        assert_eq!((read.old, read.new), (1, 2), "the half that is covered");
        assert_eq!(read_given(&of_size(24)).unwrap().new, 2);
    }

    #[test]
    fn a_caller_that_knows_more_fields_must_have_left_them_at_0() {
        assert_eq!(read_given(&of_size(40)).unwrap().new, 2);
        let mut given = of_size(40);
        given[4] = 1 << 8;
        let (what, at) = ("grown", 33);
        assert_eq!(read_given(&given), Err(Problem::UnknownField { what, at }));
    }

    #[test]
    fn a_size_below_the_first_version_or_beyond_reason_is_refused() {
        for found in [0, 15, 4097, usize::MAX] {
            let (what, minimum) = ("grown", 16);
            let expected = Problem::Size {
                what,
                found,
                minimum,
            };
            assert_eq!(read_given(&of_size(found)), Err(expected));
        }
    }

    #[test]
    fn an_answer_writes_what_the_caller_knows_and_nothing_else() {
        for (size, expected) in [(16, [7, 2]), (24, [7, 8]), (40, [7, 8])] {
            let mut given = of_size(size);
            let at = given.as_mut_ptr().cast();
            // SAFETY: the array is as large as any size here.
            let answer = unsafe { Answer::at(at) }.unwrap();
            let (struct_size, old, new) = (size_of::<Grown>(), 7, 8);
            answer.put(&Grown {
                struct_size,
                old,
                new,
            });
            assert_eq!(given[0], size as u64);
            assert_eq!(given[1..3], expected);
            assert_eq!(given[3..], [0, 0]);
        }
    }
}

//! Structs that begin with their size, so that old callers and new libraries understand each other.
//!
//! The size is the offset of the last field that the caller knows plus that field's size. A caller
//! that knows fewer fields than the library is read as if the others were 0, and is not told them.
//! A caller that knows more must have left those at 0; where the library answers, they stay as they
//! are.

use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::ptr;

use thiserror::Error;

/// What is wrong with an argument as it was given, before anybody asked what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Given {
    /// Null, where something must be.
    #[error("{0} must not be null")]
    Null(&'static str),
    /// Not where its type may be.
    #[error("{what} is at {address:#x}, which is not aligned to {wanted} bytes")]
    Misaligned {
        /// What.
        what: &'static str,
        /// Where it is.
        address: usize,
        /// What its address must be a multiple of.
        wanted: usize,
    },
    /// A struct that is smaller than its first version, or larger than any.
    #[error(
        "{what} says it has {found} bytes; at least {minimum} and at most {LARGEST} are needed"
    )]
    Size {
        /// Which struct.
        what: &'static str,
        /// What it says.
        found: usize,
        /// The size of its first version.
        minimum: usize,
    },
    /// Something is set behind the last field that is known here.
    #[error("byte {at} of {what} is set, and this library knows no field there")]
    UnknownField {
        /// Which struct.
        what: &'static str,
        /// Where, in bytes from its start.
        at: usize,
    },
    /// An extension, and none is known.
    #[error("{0} has an extension that this library does not know")]
    Extension(&'static str),
    /// A flag that is not known.
    #[error("flags {0:#x}: some are not known to this library")]
    Flags(u64),
}

/// More than any struct of this ABI will ever have.
const LARGEST: usize = 4096;

/// A struct whose first field is `struct_size: usize`.
///
/// # Safety
/// It is `repr(C)`, of integers and pointers alone, and without padding.
pub unsafe trait Versioned: Copy {
    /// Its name in messages.
    const NAME: &'static str;
    /// Its size in the first version that had it.
    const MINIMUM: usize;
}

/// The size that the struct says it has, within reason.
///
/// # Safety
/// `at` is null, misaligned, or points to a struct whose size stands in it.
unsafe fn size_of_given<T: Versioned>(at: *const T) -> Result<usize, Given> {
    not_null(at, T::NAME)?;
    // SAFETY: neither null nor misaligned, so it is a struct by the caller's word.
    let found = unsafe { at.cast::<usize>().read() };
    if found < T::MINIMUM || found > LARGEST {
        return Err(Given::Size {
            what: T::NAME,
            found,
            minimum: T::MINIMUM,
        });
    }
    Ok(found)
}

/// A copy of what the caller gave, 0 where it knows no field.
///
/// # Errors
/// [`Given`]: null, misaligned, a size that no version had, or a field that is not known here.
///
/// # Safety
/// `at` is null, misaligned, or points to as many bytes as the struct there says.
pub unsafe fn read<T: Versioned>(at: *const T) -> Result<T, Given> {
    // SAFETY: handed on to the caller.
    let size = unsafe { size_of_given(at) }?;
    let known = size.min(size_of::<T>());
    for offset in known..size {
        // SAFETY: inside the bytes that the caller vouches for.
        let byte = unsafe { at.cast::<u8>().add(offset) };
        // SAFETY: as above.
        if unsafe { byte.read() } != 0 {
            return Err(Given::UnknownField {
                what: T::NAME,
                at: offset,
            });
        }
    }
    // SAFETY: handed on to the caller.
    Ok(unsafe { copy_of(at, known) })
}

/// A copy of what somebody gave who may be of a newer version: 0 where they know no field, and
/// without what is not known here. For what only tells; what asks for something is [`read`].
///
/// # Errors
/// [`Given`]: null, misaligned, or a size that no version had.
///
/// # Safety
/// `at` is null, misaligned, or points to as many bytes as the struct there says.
pub unsafe fn read_newer<T: Versioned>(at: *const T) -> Result<T, Given> {
    // SAFETY: handed on to the caller.
    let size = unsafe { size_of_given(at) }?;
    // SAFETY: no more bytes than the caller vouches for.
    Ok(unsafe { copy_of(at, size.min(size_of::<T>())) })
}

/// The first `known` bytes of a struct, and 0 behind them.
///
/// # Safety
/// So many bytes can be read there, and `T` is no smaller.
unsafe fn copy_of<T: Versioned>(at: *const T, known: usize) -> T {
    let mut copy = MaybeUninit::<T>::zeroed();
    // SAFETY: `known` bytes are the caller's to read and fit the copy.
    unsafe { ptr::copy_nonoverlapping(at.cast::<u8>(), copy.as_mut_ptr().cast(), known) };
    // SAFETY: integers and pointers are valid for any bytes, and all of them were written.
    unsafe { copy.assume_init() }
}

/// Where an answer goes, seen to be writable before anything is done.
#[derive(Debug)]
pub struct Answer<T> {
    at: *mut T,
    size: usize,
}

impl<T: Versioned> Answer<T> {
    /// An answer at `at`.
    ///
    /// # Errors
    /// [`Given`]: null, misaligned, or a size that no version had.
    ///
    /// # Safety
    /// `at` is null, misaligned, or points to as many writable bytes as the struct there says,
    /// until the call returns.
    pub unsafe fn at(at: *mut T) -> Result<Self, Given> {
        // SAFETY: handed on to the caller.
        let size = unsafe { size_of_given(at) }?;
        Ok(Self { at, size })
    }

    /// Writes the fields that the caller knows; its size stays.
    pub fn put(&self, value: &T) {
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
///
/// # Errors
/// [`Given`]: null or misaligned.
#[inline]
pub fn not_null<T>(at: *const T, what: &'static str) -> Result<(), Given> {
    if at.is_null() {
        return Err(Given::Null(what));
    }
    if !at.is_aligned() {
        return Err(Given::Misaligned {
            what,
            address: at.addr(),
            wanted: align_of::<T>(),
        });
    }
    Ok(())
}

/// Refuses an extension chain: this version knows none.
///
/// # Errors
/// [`Given`]: there is one.
pub fn no_extension(next: *const c_void, what: &'static str) -> Result<(), Given> {
    if next.is_null() {
        return Ok(());
    }
    Err(Given::Extension(what))
}

/// Refuses flags outside `known`.
///
/// # Errors
/// [`Given`]: there are some.
pub fn only(known: u64, flags: u64) -> Result<(), Given> {
    if flags & !known == 0 {
        return Ok(());
    }
    Err(Given::Flags(flags))
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

    fn read_given(given: &[u64; 5]) -> Result<Grown, Given> {
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
        assert_eq!(read_given(&given), Err(Given::UnknownField { what, at }));
    }

    #[test]
    fn of_a_newer_struct_that_only_tells_the_known_part_is_read() {
        let read = |given: &[u64; 5]| {
            // SAFETY: no size in this test that is not refused is beyond the array.
            unsafe { read_newer::<Grown>(given.as_ptr().cast()) }
        };
        let mut given = of_size(40);
        given[4] = 1 << 8;
        let newer = read(&given).unwrap();
        assert_eq!((newer.struct_size, newer.old, newer.new), (40, 1, 2));
        assert_eq!(read(&of_size(16)).unwrap().new, 0, "an older one");
        for found in [15, 4097] {
            assert!(matches!(read(&of_size(found)), Err(Given::Size { .. })));
        }
    }

    #[test]
    fn a_size_below_the_first_version_or_beyond_reason_is_refused() {
        for found in [0, 15, 4097, usize::MAX] {
            let (what, minimum) = ("grown", 16);
            let expected = Given::Size {
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

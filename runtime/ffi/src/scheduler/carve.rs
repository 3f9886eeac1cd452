//! Typed tables out of memory that the caller gives: how much, where each, and their first values.
//!
//! Guarantees: tables are aligned, do not overlap, lie inside the memory, and hold first values
//! whatever stood there before. What is measured is what is carved: both walk one plan. Refuses
//! memory that is off the boundary or too small. Called by `place.rs`, once a placement.

use core::mem::MaybeUninit;
use core::ptr::NonNull;
use core::slice;

use finbox_abi::not_null;

use crate::problem::Problem;

/// What memory of a scheduler must begin at a multiple of.
pub const FINBOX_SCHEDULER_ALIGN: usize = 128;

/// The boundary, as a type.
#[repr(align(128))]
struct Boundary;

const _: () = assert!(
    align_of::<Boundary>() == FINBOX_SCHEDULER_ALIGN,
    "the boundary's type and number agree"
);

/// How far a plan has come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extent {
    bytes: usize,
}

/// Where a table of a plan lies.
#[derive(Debug)]
pub(super) struct Span<T> {
    offset: usize,
    count: usize,
    first: fn(usize) -> T,
}

impl Extent {
    /// Adds a table of `count`, which begins as `first` of each index.
    ///
    /// What is too large for any memory stays at the largest number there is, and so does what
    /// comes behind it.
    pub(super) fn table<T>(&mut self, count: usize, first: fn(usize) -> T) -> Span<T> {
        const {
            assert!(
                align_of::<T>() <= FINBOX_SCHEDULER_ALIGN,
                "the boundary serves every table"
            );
        }
        let padding = self.bytes.wrapping_neg() % align_of::<T>();
        let offset = self.bytes.saturating_add(padding);
        let bytes = size_of::<T>().saturating_mul(count);
        self.bytes = offset.saturating_add(bytes);
        Span {
            offset,
            count,
            first,
        }
    }

    /// Adds a table that begins as its type's default.
    pub(super) fn defaults<T: Default>(&mut self, count: usize) -> Span<T> {
        self.table(count, |_| T::default())
    }

    /// Bytes of all tables together.
    pub(super) const fn bytes(self) -> usize {
        self.bytes
    }

    /// The memory at `memory`, for the tables of this plan.
    pub(super) fn ground(self, memory: *mut u8, size_bytes: usize) -> Result<Ground, Problem> {
        not_null(memory.cast::<Boundary>(), "memory")?;
        if size_bytes < self.bytes || self.bytes > isize::MAX as usize {
            return Err(Problem::Memory {
                needed: self.bytes,
                given: size_bytes,
            });
        }
        let base = NonNull::new(memory).expect("seen above");
        Ok(Ground { base })
    }
}

/// Memory that is large enough for a plan, and begins on the boundary.
#[derive(Debug)]
pub(super) struct Ground {
    base: NonNull<u8>,
}

impl Ground {
    /// The table of `span`, its first values written.
    ///
    /// # Safety
    /// The memory is writable, nobody else uses it while the table is used, and `span` is of the
    /// plan that this ground was made for and carved for the first time.
    pub(super) unsafe fn carve<T>(&self, span: Span<T>) -> &'static mut [T] {
        // SAFETY: the plan lies inside the memory, which was seen to be large enough.
        let start = unsafe { self.base.add(span.offset) };
        let start = start.cast::<MaybeUninit<T>>();
        for index in 0..span.count {
            // SAFETY: as above.
            let place = unsafe { start.add(index) };
            let first = MaybeUninit::new((span.first)(index));
            // SAFETY: aligned, because offset and base are; nobody else uses it.
            unsafe { place.write(first) };
        }
        // SAFETY: all of it was written, and a span belongs to no other table.
        unsafe { slice::from_raw_parts_mut(start.cast::<T>().as_ptr(), span.count) }
    }

    /// The only value of a table of one.
    ///
    /// # Safety
    /// As [`carve`](Self::carve).
    pub(super) unsafe fn carve_one<T>(&self, span: Span<T>) -> &'static mut T {
        // SAFETY: handed on to the caller.
        let table = unsafe { self.carve(span) };
        table.first_mut().expect("a table of one")
    }
}

#[cfg(test)]
mod tests {
    use super::{Boundary, Extent, FINBOX_SCHEDULER_ALIGN};
    use crate::problem::Problem;
    use core::mem::MaybeUninit;

    /// A type with an alignment and a size that fit nothing else.
    #[derive(Debug, PartialEq, Eq)]
    #[repr(align(32))]
    struct Odd([u8; 33]);

    #[repr(C)]
    struct Block(Boundary, [MaybeUninit<u8>; 1024]);

    fn dirty() -> Box<Block> {
        Box::new(Block(Boundary, [MaybeUninit::new(0xAA); 1024]))
    }

    fn range<T>(table: &[T]) -> (usize, usize) {
        let range = table.as_ptr_range();
        (range.start.addr(), range.end.addr())
    }

    #[test]
    fn tables_are_aligned_apart_inside_and_begin_as_they_should_on_dirty_memory() {
        let mut extent = Extent::default();
        let bytes = extent.table::<u8>(3, |index| u8::try_from(index).unwrap());
        let odd = extent.table(2, |index| Odd([u8::try_from(index).unwrap(); 33]));
        let none = extent.defaults::<u64>(0);
        let words = extent.defaults::<u64>(5);
        let mut block = dirty();
        let (base, size) = (block.1.as_mut_ptr().cast::<u8>(), extent.bytes());
        let ground = extent.ground(base, size).unwrap();
        // SAFETY: the block outlives the tables, and nobody else uses it.
        let bytes = unsafe { ground.carve(bytes) };
        // SAFETY: as above.
        let odd = unsafe { ground.carve(odd) };
        // SAFETY: as above.
        let none = unsafe { ground.carve(none) };
        // SAFETY: as above.
        let words = unsafe { ground.carve(words) };
        let ranges = [range(bytes), range(odd), range(none), range(words)];
        assert!(ranges.windows(2).all(|pair| pair[0].1 <= pair[1].0));
        assert!(base.addr() <= ranges[0].0 && ranges[3].1 <= base.addr() + size);
        assert_eq!((ranges[1].0 % 32, ranges[3].0 % 8), (0, 0));
        (bytes[2], words[4]) = (9, 7);
        assert_eq!(odd, [Odd([0; 33]), Odd([1; 33])]);
        assert_eq!(
            (bytes, none, words),
            (&mut [0, 1, 9][..], &mut [][..], &mut [0, 0, 0, 0, 7][..])
        );
    }

    #[test]
    fn memory_off_the_boundary_or_a_byte_too_small_is_refused_with_the_numbers() {
        let mut extent = Extent::default();
        let _ = extent.defaults::<u64>(4);
        let mut block = dirty();
        let base = block.1.as_mut_ptr().cast::<u8>();
        assert!(extent.ground(base, 32).is_ok());
        let refused = extent.ground(base, 31).unwrap_err();
        let (needed, given) = (32, 31);
        assert_eq!(refused, Problem::Memory { needed, given });
        for step in [1, 64, FINBOX_SCHEDULER_ALIGN - 1] {
            let refused = extent.ground(base.wrapping_add(step), 512).unwrap_err();
            assert!(refused.to_string().contains("not aligned to 128 bytes"));
        }
        assert!(extent.ground(core::ptr::null_mut(), 512).is_err());
    }

    #[test]
    fn what_no_memory_holds_is_refused_instead_of_wrapping() {
        let mut extent = Extent::default();
        let _ = extent.defaults::<u64>(usize::MAX / 4);
        let _ = extent.defaults::<u64>(1);
        assert_eq!(extent.bytes(), usize::MAX);
        let mut block = dirty();
        let base = block.1.as_mut_ptr().cast::<u8>();
        assert!(extent.ground(base, usize::MAX).is_err());
    }
}

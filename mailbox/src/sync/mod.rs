//! The one door to atomics, cells and spinning.
//!
//! The code that ships is the code that is model-checked: `plain` is `core`, `loom` and `shuttle`
//! are the checkers' types, chosen by cfg on the lines below and nowhere else; `weakened` is `core`
//! again, with edges that a sanitizer's run may weaken. Every atomic access
//! takes an [`Edge`] instead of an `Ordering`. Lock-free retry loops live here
//! and in the ring, so that a check can list them.

#[cfg(loom)]
#[path = "loom.rs"]
mod imp;
#[cfg(not(any(loom, shuttle, finbox_weaken)))]
#[path = "plain.rs"]
mod imp;
#[cfg(all(shuttle, not(loom)))]
#[path = "shuttle.rs"]
mod imp;
#[cfg(all(finbox_weaken, not(any(loom, shuttle))))]
#[path = "weakened.rs"]
mod imp;

#[cfg(all(target_arch = "aarch64", not(any(loom, shuttle, miri))))]
#[path = "fetch_aarch64.rs"]
mod fetch;
#[cfg(any(
    loom,
    shuttle,
    miri,
    not(any(target_arch = "x86_64", target_arch = "aarch64"))
))]
#[path = "fetch_none.rs"]
mod fetch;
#[cfg(all(target_arch = "x86_64", not(any(loom, shuttle, miri))))]
#[path = "fetch_x86_64.rs"]
mod fetch;

use crate::edge::Edge;

pub use imp::{UnsafeCell, shared_read, shared_write};

pub(crate) use fetch::fetch_for_writing;
pub(crate) use imp::effective_order;

macro_rules! atomic {
    ($name:ident, $raw:ident, $int:ty, $bits:literal) => {
        #[doc = concat!("An atomic `u", $bits, "` whose orders are named edges.")]
        #[repr(transparent)]
        #[derive(Debug)]
        pub struct $name(imp::$raw);

        impl $name {
            /// Makes the atomic hold `value`.
            pub fn new(value: $int) -> Self {
                Self(imp::$raw::new(value))
            }

            /// Reads the value.
            #[inline(always)]
            pub fn load(&self, edge: Edge) -> $int {
                self.0.load(edge.order())
            }

            /// Writes `value`.
            #[inline(always)]
            pub fn store(&self, value: $int, edge: Edge) {
                self.0.store(value, edge.order());
            }

            /// Writes `value` and returns what stood there.
            #[inline(always)]
            pub fn swap(&self, value: $int, edge: Edge) -> $int {
                self.0.swap(value, edge.order())
            }

            /// Adds `value`, wrapping, and returns what stood there.
            #[inline(always)]
            pub fn fetch_add(&self, value: $int, edge: Edge) -> $int {
                self.0.fetch_add(value, edge.order())
            }

            /// Subtracts `value`, wrapping, and returns what stood there.
            #[inline(always)]
            pub fn fetch_sub(&self, value: $int, edge: Edge) -> $int {
                self.0.fetch_sub(value, edge.order())
            }

            /// Sets the bits of `mask` and returns what stood there.
            #[inline(always)]
            pub fn fetch_or(&self, mask: $int, edge: Edge) -> $int {
                self.0.fetch_or(mask, edge.order())
            }

            /// Keeps only the bits of `mask` and returns what stood there.
            #[inline(always)]
            pub fn fetch_and(&self, mask: $int, edge: Edge) -> $int {
                self.0.fetch_and(mask, edge.order())
            }

            /// Replaces `current` by `new`, or returns what stood there instead.
            ///
            /// # Errors
            /// The value found, when it was not `current`.
            #[inline(always)]
            pub fn compare_exchange(
                &self,
                current: $int,
                new: $int,
                success: Edge,
                failure: Edge,
            ) -> Result<$int, $int> {
                self.0
                    .compare_exchange(current, new, success.order(), failure.order())
            }

            /// Applies `step` until its result could be installed; `None` from `step` gives up.
            ///
            /// A retry means that another thread's exchange succeeded: lock-free, not a wait.
            ///
            /// # Errors
            /// The value for which `step` said `None`.
            #[inline]
            pub fn try_update(
                &self,
                success: Edge,
                failure: Edge,
                mut step: impl FnMut($int) -> Option<$int>,
            ) -> Result<$int, $int> {
                let mut current = self.load(failure);
                while let Some(new) = step(current) {
                    match self.compare_exchange(current, new, success, failure) {
                        Ok(previous) => return Ok(previous),
                        Err(found) => current = found,
                    }
                }
                Err(current)
            }
        }
    };
}

atomic!(AtomicU32, RawU32, u32, "32");
atomic!(AtomicU64, RawU64, u64, "64");

//! Which library this is.

use core::ffi::c_char;

use finbox_scheduler::Target;

use crate::problem::Problem;

/// Major version of the ABI: something was removed, retyped or reordered.
pub const FINBOX_ABI_MAJOR: u32 = 0;
/// Minor version of the ABI: something was appended.
pub const FINBOX_ABI_MINOR: u32 = 5;

/// Bit of `finbox_targets`: chips with 24 clusters, whose DMA is not coherent.
pub const FINBOX_TARGET_A2A3: u32 = 1;
/// Bit of `finbox_targets`: chips with 36 clusters on two dies.
pub const FINBOX_TARGET_A5: u32 = 2;

/// `FINBOX_ABI_MAJOR << 16 | FINBOX_ABI_MINOR` of the library that runs. A program that was
/// compiled with the same major version and a minor version up to this one may use it. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn finbox_abi_version() -> u32 {
    FINBOX_ABI_MAJOR << 16 | FINBOX_ABI_MINOR
}

/// The library's version in words, such as "0.1.0". Lives for ever. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn finbox_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

#[cfg(feature = "a2a3")]
mod a2a3 {
    use finbox_scheduler::{Target, target::A2A3};

    pub(super) const BIT: u32 = super::FINBOX_TARGET_A2A3;
    pub(super) const TARGET: Option<&Target> = Some(&A2A3);
}
#[cfg(not(feature = "a2a3"))]
mod a2a3 {
    pub(super) const BIT: u32 = 0;
    pub(super) const TARGET: Option<&finbox_scheduler::Target> = None;
}
#[cfg(feature = "a5")]
mod a5 {
    use finbox_scheduler::{Target, target::A5};

    pub(super) const BIT: u32 = super::FINBOX_TARGET_A5;
    pub(super) const TARGET: Option<&Target> = Some(&A5);
}
#[cfg(not(feature = "a5"))]
mod a5 {
    pub(super) const BIT: u32 = 0;
    pub(super) const TARGET: Option<&finbox_scheduler::Target> = None;
}

/// The chip family that `number` names; of 0, the only one that the library was built for.
pub(crate) fn target_of(number: u32) -> Result<&'static Target, Problem> {
    let found = match (number, a2a3::TARGET, a5::TARGET) {
        (FINBOX_TARGET_A2A3, Some(target), _) | (FINBOX_TARGET_A5, _, Some(target)) => Some(target),
        (0, Some(target), None) | (0, None, Some(target)) => Some(target),
        _ => None,
    };
    let (number, built) = (number, a2a3::BIT | a5::BIT);
    found.ok_or(Problem::Target { number, built })
}

/// The chips that the library was built for: a sum of `FINBOX_TARGET_*`. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn finbox_targets() -> u32 {
    a2a3::BIT | a5::BIT
}

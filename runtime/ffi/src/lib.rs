//! libfinbox: the C ABI of finbox. Its header, `runtime/include/finbox.h`, is made from this crate.
//!
//! Layers, usable alone: a mailbox (`consumer.rs`, `producer.rs`); a scheduler over a port of C
//! functions (`scheduler/`), stepped by the caller's threads or by the library's; and, with `std`,
//! device libraries that bring such ports (`device.rs`).
//!
//! Guarantees: every call returns a `finbox_status` and a refused one has changed nothing unless
//! it says so; no panic crosses; handles live in the caller's storage and tables in its memory;
//! null, misaligned, too small, never made, moved and destroyed arguments are refused wherever they
//! can be seen. What a struct or a number means never changes, both only grow.
//!
//! Refuses: a second consumer on one memory, and a handle's call from inside its own callback.
//!
//! Called by firmware and drivers. With `std` (the default) it is a library for a process; without,
//! `--features a2a3` or `--features a5` and the profile `firmware`, it is a static library that
//! needs no operating system and no allocator. Start at `handle.rs`; `README.md` says how to link.
#![cfg_attr(not(feature = "std"), no_std)]
#![expect(
    non_camel_case_types,
    reason = "a type has one name in Rust, in C and in C++"
)]

#[cfg(feature = "std")]
mod command;
mod consumer;
#[cfg(feature = "std")]
mod device;
#[cfg(feature = "std")]
mod device_events;
mod drain;
#[cfg(not(feature = "std"))]
#[path = "firmware.rs"]
mod edition;
#[cfg(feature = "std")]
#[path = "hosted.rs"]
mod edition;
mod given;
mod handle;
#[cfg(feature = "std")]
mod lent;
#[cfg(feature = "std")]
mod plan;
mod problem;
mod producer;
mod scheduler;
mod status;
#[cfg(feature = "std")]
mod tenants;
mod version;
mod wire;
mod work_ring;
mod worker;

#[cfg(feature = "std")]
pub use command::*;
pub use consumer::*;
#[cfg(feature = "std")]
pub use device::*;
#[cfg(feature = "std")]
pub use device_events::*;
pub use drain::*;
pub use finbox_abi::{
    FINBOX_MAX_CONDITIONS, FINBOX_SLAB_ERROR_FATAL, FINBOX_SLAB_ERROR_OVERFLOW, finbox_completion,
    finbox_engine, finbox_slab, finbox_slab_entry,
};
pub use handle::{finbox_consumer, finbox_producer, finbox_scheduler};
#[cfg(feature = "std")]
pub use plan::*;
pub use producer::*;
pub use scheduler::*;
pub use status::*;
pub use version::*;
pub use wire::*;
pub use work_ring::*;
pub use worker::*;

#[cfg(not(any(feature = "a2a3", feature = "a5")))]
compile_error!("libfinbox is built for a chip: enable the feature a2a3 or a5");

#[cfg(all(not(feature = "std"), feature = "a2a3", feature = "a5"))]
compile_error!("firmware runs on one chip: enable either a2a3 or a5, not both");

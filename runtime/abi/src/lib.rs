//! The contract between finbox and a machine that is written in C.
//!
//! Two tables of functions: a [`finbox_port`] is what the scheduler asks of one rank's chip, and a
//! [`finbox_device_library`] what a program asks of a library that drives such chips. Its header,
//! `runtime/include/finbox_device.h`, is made from this crate; whoever writes a device library
//! needs nothing else.
//!
//! Guarantees: what a struct, a number or a function means never changes; structs grow at their
//! ends and say how far they go. Refuses to load, to allocate and to know a thread: it links into
//! firmware. Called by `runtime/src/plugin` (libraries in), by libfinbox (C programs) and by the
//! device libraries that are written in Rust. Start at `port.rs`.
#![no_std]
#![expect(
    non_camel_case_types,
    reason = "a type has one name in Rust, in C and in C++"
)]

mod call;
mod events;
mod library;
mod op;
mod port;
mod sized;
mod slab;
mod table_port;

pub use call::{Call, CallWatch, Function, Unwatched, watched};
pub use events::*;
pub use library::*;
pub use op::*;
pub use port::*;
pub use sized::{Answer, Given, Versioned, no_extension, not_null, only, read, read_newer};
pub use slab::*;
pub use table_port::{Missing, TablePort};

//! Events: timelines that a device advances by itself. Optional.
//!
//! A library that has the bit [`FINBOX_FEATURE_EVENTS`] hangs a [`finbox_device_events`] on its
//! table's chain. Whoever waits for a launch on that device waits for a value of an event's word.

use core::ffi::c_void;

use crate::library::finbox_extension;
use crate::sized::Versioned;

/// Bit of `features`: there is a `finbox_device_events` among the library's extensions.
pub const FINBOX_FEATURE_EVENTS: u64 = 1;

/// The `kind` of a `finbox_device_events`.
pub const FINBOX_EXTENSION_EVENTS: u64 = 1;

/// What an event's word says for ever once a copy of it has failed: no value is so large.
pub const FINBOX_EVENT_FAILED: u64 = 0xFFFF_FFFF_FFFF_FFFF;

/// An event of a rank: a timeline that the device advances.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct finbox_event {
    /// The library's number for it.
    pub event: u64,
    /// Device address of its word, 64 bits on its rank, which begins at 0: the control CPU may read
    /// it (`can_read`, `refresh`, `load_u64`), and nobody but the device writes it.
    pub word: u64,
    /// Its rank.
    pub rank: u32,
    /// 0.
    pub reserved: u32,
}

/// Bytes that a device copies by itself, and the value that says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct finbox_event_copy {
    /// What the event's word becomes when the bytes are there: larger than that of every copy
    /// before, and less than `FINBOX_EVENT_FAILED`.
    pub value: u64,
    /// Device address of the first byte written, on any rank.
    pub to: u64,
    /// Device address of the first byte read, on any rank; the two do not overlap.
    pub from: u64,
    /// How many.
    pub size_bytes: u64,
}

/// What a library with events offers besides: an extension of its table. Functions return as those
/// of the table do, and may be called from any thread.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct finbox_device_events {
    /// The size of this table, as the library knows it.
    pub struct_size: usize,
    /// The next extension, or null.
    pub next: *const finbox_extension,
    /// `FINBOX_EXTENSION_EVENTS`.
    pub kind: u64,
    /// Makes an event of a rank. Its word is not memory that is given out.
    pub event_open: Option<
        unsafe extern "C-unwind" fn(
            context: *mut c_void,
            rank: u32,
            event: *mut finbox_event,
        ) -> i32,
    >,
    /// Ends an event; refuses one that is none, or whose copies have not all ended.
    pub event_close: Option<
        unsafe extern "C-unwind" fn(context: *mut c_void, event: *const finbox_event) -> i32,
    >,
    /// Has the device copy bytes some time after; copies of an event end one after another. Then
    /// the event's word becomes `value`: whoever sees that, behind a `refresh`, sees the bytes. If
    /// it fails after all, the word becomes `FINBOX_EVENT_FAILED`, and nothing behind it is done.
    /// Refuses a value that is not larger than the one before, bytes that are not given out, and an
    /// event that has failed.
    pub event_copy: Option<
        unsafe extern "C-unwind" fn(
            context: *mut c_void,
            event: *const finbox_event,
            copy: *const finbox_event_copy,
        ) -> i32,
    >,
}

// SAFETY: integers and pointers, without padding.
unsafe impl Versioned for finbox_device_events {
    const NAME: &'static str = "finbox_device_events";
    const MINIMUM: usize = 5 * size_of::<usize>() + 8;
}

// SAFETY: a table is only read, and its functions may be called from any thread.
unsafe impl Sync for finbox_device_events {}
// SAFETY: as above.
unsafe impl Send for finbox_device_events {}

static_assertions::const_assert_eq!(size_of::<finbox_event>(), 24);
static_assertions::const_assert_eq!(size_of::<finbox_event_copy>(), 32);

//! What a device library logs, handed on to `tracing` with the target `finbox::device`.

use std::ffi::c_char;
use std::panic::catch_unwind;

use finbox_abi::{finbox_log_level, finbox_text};

use super::text;

const ERROR: u32 = finbox_log_level::Error as u32;
const WARN: u32 = finbox_log_level::Warn as u32;
const INFO: u32 = finbox_log_level::Info as u32;

/// The `log` of a [`finbox_device_host`](finbox_abi::finbox_device_host). A level that is not
/// known counts as the least.
///
/// # Safety
/// The text is readable for its length, or null.
pub(super) unsafe extern "C-unwind" fn line(level: u32, bytes: *const c_char, length: usize) {
    // SAFETY: by the caller's word.
    let text = unsafe { text::copied(finbox_text { bytes, length }) };
    // Whoever subscribed may panic; the library is not to learn of it.
    let told = catch_unwind(|| match level {
        ERROR => tracing::error!(target: "finbox::device", "{text}"),
        WARN => tracing::warn!(target: "finbox::device", "{text}"),
        INFO => tracing::info!(target: "finbox::device", "{text}"),
        _ => tracing::debug!(target: "finbox::device", "{text}"),
    });
    drop(told);
}

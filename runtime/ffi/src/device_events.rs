//! Events of a device for C programs: copies that the device does by itself, and how far they are.
//!
//! Guarantees: an event is one of a rank that exists, and its word is where its control CPU can
//! read it. For a planner an event is a foreign timeline: who reads its value advances it. Refuses
//! devices without events. Not in firmware.

use ::finbox_scheduler::Port;
use finbox_abi::{finbox_event, finbox_event_copy, not_null};
use finbox_runtime::{Events, Machine};

use crate::device::{Opened, finbox_device, opened, refused};
use crate::edition::{guard, refuse_with};
use crate::problem::Problem;
use crate::scheduler::outside;
use crate::status::finbox_status;

/// Bytes of an event's word.
const WORD_BYTES: u64 = 8;

/// The events of a machine.
fn events_of(opened: &Opened) -> Result<&dyn Events, Problem> {
    opened.machine().events().ok_or_else(|| {
        let why = "the device library has no events: `features` of its description says so";
        refuse_with(finbox_status::Unsupported, &why)
    })
}

/// The event that a caller names, of a rank that exists.
///
/// # Safety
/// `event` is null, misaligned, or points to an event.
unsafe fn event_at(opened: &Opened, event: *const finbox_event) -> Result<finbox_event, Problem> {
    not_null(event, "event")?;
    // SAFETY: readable by the caller's word.
    let event = unsafe { event.read() };
    opened.rank(event.rank)?;
    Ok(event)
}

/// Makes an event of a rank: a timeline that the device advances, a 64-bit word that begins at 0.
/// UNSUPPORTED if `finbox_device_facts` has no `FINBOX_FEATURE_EVENTS`. Any thread.
///
/// # Safety
/// `device` points to a device's storage, `event` to an event; both live until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_device_event_open(
    device: *mut finbox_device,
    rank: u32,
    event: *mut finbox_event,
) -> finbox_status {
    guard(|| {
        outside()?;
        not_null(event, "event")?;
        // SAFETY: handed on to the caller.
        let opened = unsafe { opened(device) }?;
        let events = events_of(opened)?;
        let made = events.open_event(opened.rank(rank)?).map_err(refused)?;
        // SAFETY: writable by the caller's word.
        unsafe { event.write(made) };
        Ok(())
    })
}

/// Ends an event. DEVICE if copies of it have not ended. Any thread.
///
/// # Safety
/// `device` points to a device's storage, `event` to an event; both live until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_device_event_close(
    device: *mut finbox_device,
    event: *const finbox_event,
) -> finbox_status {
    guard(|| {
        outside()?;
        // SAFETY: handed on to the caller.
        let opened = unsafe { opened(device) }?;
        // SAFETY: handed on to the caller.
        let event = unsafe { event_at(opened, event) }?;
        events_of(opened)?.close_event(&event).map_err(refused)
    })
}

/// Has the device copy bytes, some time after, and then advance the event to the copy's value.
/// DEVICE if the value does not grow, or bytes are not given out. Any thread.
///
/// # Safety
/// `device` points to a device's storage, `event` to an event, `copy` to a copy; all live until the
/// call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_device_event_copy(
    device: *mut finbox_device,
    event: *const finbox_event,
    copy: *const finbox_event_copy,
) -> finbox_status {
    guard(|| {
        outside()?;
        not_null(copy, "copy")?;
        // SAFETY: readable by the caller's word.
        let copy = unsafe { copy.read() };
        // SAFETY: handed on to the caller.
        let opened = unsafe { opened(device) }?;
        // SAFETY: handed on to the caller.
        let event = unsafe { event_at(opened, event) }?;
        let events = events_of(opened)?;
        events.event_copy(&event, &copy).map_err(refused)
    })
}

/// How far an event is: `value` becomes that of the last copy whose bytes are there, 0 before the
/// first, `FINBOX_EVENT_FAILED` for ever if one failed: that is no value to advance a timeline to,
/// poison it. INVALID_ARGUMENT if its word cannot be read. Any thread.
///
/// # Safety
/// `device` points to a device's storage, `event` to an event, `value` to a number; all live until
/// the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_device_event_value(
    device: *mut finbox_device,
    event: *const finbox_event,
    value: *mut u64,
) -> finbox_status {
    guard(|| {
        outside()?;
        not_null(value, "value")?;
        // SAFETY: handed on to the caller.
        let opened = unsafe { opened(device) }?;
        // SAFETY: handed on to the caller.
        let event = unsafe { event_at(opened, event) }?;
        let port = opened.machine().port(event.rank);
        if !port.can_read(event.word, WORD_BYTES) {
            let why = format!("the word of an event at {:#x} cannot be read", event.word);
            return Err(refuse_with(finbox_status::InvalidArgument, &why));
        }
        port.refresh(event.word, WORD_BYTES);
        // SAFETY: writable by the caller's word.
        unsafe { value.write(port.load_u64(event.word)) };
        Ok(())
    })
}

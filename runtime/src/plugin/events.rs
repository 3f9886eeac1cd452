//! The events of a device library: an optional table among its extensions.
//!
//! Guarantees: a library that announces events has all functions for them, or is refused; one that
//! says nothing has none. An event's word is where the control CPU can read it. Called when a
//! library is loaded, and by whoever plans launches on a machine with events.

use std::ffi::c_void;
use std::path::Path;

use finbox_abi::{
    FINBOX_EXTENSION_EVENTS, FINBOX_FEATURE_EVENTS, Function, Versioned, finbox_device_events,
    finbox_device_library, finbox_event, finbox_event_copy, finbox_extension, not_null, read_newer,
};
use finbox_scheduler::Port;

use super::error::LibraryError;
use super::machine::{BROKEN, PluginMachine};
use crate::machine::{Events, Machine, MachineError};

/// Most extensions that are looked at: a chain that goes on is none.
const MOST_EXTENSIONS: usize = 64;

/// Bytes of an event's word.
const WORD_BYTES: u64 = 8;

/// The functions of a library's table of events, none of them null.
#[derive(Clone, Copy)]
pub(super) struct EventFunctions {
    open: unsafe extern "C-unwind" fn(*mut c_void, u32, *mut finbox_event) -> i32,
    close: unsafe extern "C-unwind" fn(*mut c_void, *const finbox_event) -> i32,
    copy: unsafe extern "C-unwind" fn(
        *mut c_void,
        *const finbox_event,
        *const finbox_event_copy,
    ) -> i32,
}

/// The functions for events of the library at `path`, if it announces any.
pub(super) fn functions(
    path: &Path,
    table: &finbox_device_library,
) -> Result<Option<EventFunctions>, LibraryError> {
    if table.features & FINBOX_FEATURE_EVENTS == 0 {
        return Ok(None);
    }
    let events = extension(table.extensions).ok_or_else(|| LibraryError::Feature {
        path: path.into(),
        feature: "events",
        table: finbox_device_events::NAME,
    })?;
    let null = |function: Function| LibraryError::NullFunction {
        path: path.into(),
        function: function.name(),
    };
    let open = events.event_open.ok_or_else(|| null(Function::EventOpen))?;
    let close = events
        .event_close
        .ok_or_else(|| null(Function::EventClose))?;
    let copy = events.event_copy.ok_or_else(|| null(Function::EventCopy))?;
    Ok(Some(EventFunctions { open, close, copy }))
}

/// The table of events in a chain of extensions.
fn extension(first: *const finbox_extension) -> Option<finbox_device_events> {
    let mut next = first;
    for _ in 0..MOST_EXTENSIONS {
        not_null(next, "extension").ok()?;
        // SAFETY: a library's extensions live as long as it is loaded, each at least a link.
        let link = unsafe { next.read() };
        if link.kind == FINBOX_EXTENSION_EVENTS {
            // SAFETY: it is such a table by its kind, and says how large it is.
            return unsafe { read_newer(next.cast::<finbox_device_events>()) }.ok();
        }
        next = link.next;
    }
    None
}

impl PluginMachine {
    /// Makes a call of one of its functions for events.
    fn event_call(
        &self,
        function: Function,
        body: impl FnOnce(&EventFunctions, *mut c_void) -> i32,
    ) -> Result<(), MachineError> {
        let Some(events) = self.library().events() else {
            return Err(broken(function, "the device library has no events"));
        };
        let context = self.context();
        self.library().call(function, |_| body(events, context))
    }
}

/// What a library did wrongly.
fn broken(function: Function, text: &str) -> MachineError {
    MachineError {
        doing: function.name(),
        code: BROKEN,
        text: text.to_owned(),
    }
}

impl Events for PluginMachine {
    fn open_event(&self, rank: u32) -> Result<finbox_event, MachineError> {
        let mut event = finbox_event::default();
        let at = &raw mut event;
        self.event_call(Function::EventOpen, |events, context| {
            // SAFETY: of an open machine; the event has a place until the call returns.
            unsafe { (events.open)(context, rank, at) }
        })?;
        let is_readable = event.word != 0
            && event.word.is_multiple_of(WORD_BYTES)
            && event.rank == rank
            && self.port(rank).can_read(event.word, WORD_BYTES);
        if !is_readable {
            let word = event.word;
            let text = format!(
                "the device library gave the event's word the address {word:#x} on rank {}, where \
                 the control CPU of rank {rank} cannot read 8 bytes; tell whoever made it",
                event.rank
            );
            return Err(broken(Function::EventOpen, &text));
        }
        Ok(event)
    }

    fn close_event(&self, event: &finbox_event) -> Result<(), MachineError> {
        let at = std::ptr::from_ref(event);
        self.event_call(Function::EventClose, |events, context| {
            // SAFETY: of an open machine; the event lives until the call returns.
            unsafe { (events.close)(context, at) }
        })
    }

    fn event_copy(
        &self,
        event: &finbox_event,
        copy: &finbox_event_copy,
    ) -> Result<(), MachineError> {
        let (at, what) = (std::ptr::from_ref(event), std::ptr::from_ref(copy));
        self.event_call(Function::EventCopy, |events, context| {
            // SAFETY: of an open machine; event and copy live until the call returns.
            unsafe { (events.copy)(context, at, what) }
        })
    }
}

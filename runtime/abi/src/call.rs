//! Which function of somebody else's is being called: for whoever watches over those that do not
//! return.

use core::fmt;
use core::mem;

/// A function that finbox calls and others wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// `load_cond` of a port.
    LoadCond,
    /// `ring_doorbell` of a port.
    RingDoorbell,
    /// `stage_payload` of a port.
    StagePayload,
    /// `slab_address` of a port.
    SlabAddress,
    /// `refresh` of a port.
    Refresh,
    /// `clean` of a port.
    Clean,
    /// `can_read` of a port.
    CanRead,
    /// `load_u32` of a port.
    LoadU32,
    /// `load_u64` of a port.
    LoadU64,
    /// `store_u64` of a port.
    StoreU64,
    /// `now` of a port.
    Now,
    /// `incarnation` of a port.
    Incarnation,
    /// The one function that a device library exports.
    Query,
    /// `open` of a device library.
    Open,
    /// `close` of a device library.
    Close,
    /// `port` of a device library.
    Port,
    /// `allocate` of a device library.
    Allocate,
    /// `release` of a device library.
    Release,
    /// `copy_in` of a device library.
    CopyIn,
    /// `copy_out` of a device library.
    CopyOut,
    /// `load_kernel` of a device library.
    LoadKernel,
    /// `last_error` of a device library.
    LastError,
    /// `event_open` of a device library.
    EventOpen,
    /// `event_close` of a device library.
    EventClose,
    /// `event_copy` of a device library.
    EventCopy,
}

/// cbindgen:ignore
impl Function {
    /// Every function, by its number.
    pub const ALL: [Self; 25] = [
        Self::LoadCond,
        Self::RingDoorbell,
        Self::StagePayload,
        Self::SlabAddress,
        Self::Refresh,
        Self::Clean,
        Self::CanRead,
        Self::LoadU32,
        Self::LoadU64,
        Self::StoreU64,
        Self::Now,
        Self::Incarnation,
        Self::Query,
        Self::Open,
        Self::Close,
        Self::Port,
        Self::Allocate,
        Self::Release,
        Self::CopyIn,
        Self::CopyOut,
        Self::LoadKernel,
        Self::LastError,
        Self::EventOpen,
        Self::EventClose,
        Self::EventCopy,
    ];

    /// Its number: where it stands in [`ALL`](Self::ALL).
    #[inline]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Its name in the header.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LoadCond => "load_cond",
            Self::RingDoorbell => "ring_doorbell",
            Self::StagePayload => "stage_payload",
            Self::SlabAddress => "slab_address",
            Self::Refresh => "refresh",
            Self::Clean => "clean",
            Self::CanRead => "can_read",
            Self::LoadU32 => "load_u32",
            Self::LoadU64 => "load_u64",
            Self::StoreU64 => "store_u64",
            Self::Now => "now",
            Self::Incarnation => "incarnation",
            Self::Query => "finbox_device_query",
            Self::Open => "open",
            Self::Close => "close",
            Self::Port => "port",
            Self::Allocate => "allocate",
            Self::Release => "release",
            Self::CopyIn => "copy_in",
            Self::CopyOut => "copy_out",
            Self::LoadKernel => "load_kernel",
            Self::LastError => "last_error",
            Self::EventOpen => "event_open",
            Self::EventClose => "event_close",
            Self::EventCopy => "event_copy",
        }
    }

    /// What it is a function of.
    pub const fn owner(self) -> &'static str {
        if self.number() < Self::Query.number() {
            "port"
        } else {
            "device library"
        }
    }
}

/// A call of a function, and for which core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// The function.
    pub function: Function,
    /// The core, where there is one.
    pub core: Option<u16>,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.function.name();
        match self.core {
            Some(core) => write!(f, "`{name}` of core {core}"),
            None => write!(f, "`{name}`"),
        }
    }
}

/// Somebody who is told when a thread goes into a port's function and when it comes back.
pub trait CallWatch: Sync {
    /// The calling thread goes into `call`.
    fn enter(&self, call: Call);
    /// It came back.
    fn leave(&self);
    /// It did not come back: `call` panicked or threw. Must not return; the default panics, which
    /// ends the process where one is unwinding already.
    fn thrown(&self, call: Call) -> ! {
        let owner = call.function.owner();
        panic!("{call} panicked or threw; a {owner}'s function must do neither");
    }
}

impl<W: CallWatch + ?Sized> CallWatch for &W {
    #[inline]
    fn enter(&self, call: Call) {
        (**self).enter(call);
    }
    #[inline]
    fn leave(&self) {
        (**self).leave();
    }
    fn thrown(&self, call: Call) -> ! {
        (**self).thrown(call)
    }
}

/// Nobody watches.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl CallWatch for Unwatched {
    #[inline]
    fn enter(&self, _call: Call) {}
    #[inline]
    fn leave(&self) {}
}

/// Tells the watch that a call did not come back.
struct Inside<'w, W: CallWatch> {
    watch: &'w W,
    call: Call,
}

impl<W: CallWatch> Drop for Inside<'_, W> {
    fn drop(&mut self) {
        self.watch.thrown(self.call);
    }
}

/// Makes a call under a watch. What `function` throws goes no further than this.
#[inline]
pub fn watched<R>(watch: &impl CallWatch, call: Call, function: impl FnOnce() -> R) -> R {
    watch.enter(call);
    let inside = Inside { watch, call };
    let answer = function();
    mem::forget(inside);
    watch.leave();
    answer
}

#[cfg(test)]
mod tests {
    use super::Function;

    #[test]
    fn a_function_stands_at_its_number() {
        for (number, function) in Function::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(function.number()), number, "{function:?}");
        }
        assert_eq!(Function::Incarnation.owner(), "port");
        assert_eq!(Function::Query.owner(), "device library");
    }
}

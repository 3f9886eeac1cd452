//! Which function of a port is being called: for whoever watches over those that do not return.

use core::fmt;

/// A function of a port, and for which core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its name in [`finbox_port`](crate::finbox_port).
    pub name: &'static str,
    /// The core, where there is one.
    pub core: Option<u16>,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.core {
            Some(core) => write!(f, "`{}` of core {core}", self.name),
            None => write!(f, "`{}`", self.name),
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
        panic!("{call} of a port panicked or threw; it must do neither");
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

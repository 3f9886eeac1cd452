//! Machines that are open, by the contexts that callers hold.
//!
//! Guarantees: a context is a number that is given out once, so one whose machine was closed is
//! seen, however often it comes back. A machine ends when it was closed and no call is in it any
//! more. Called by `library.rs`; ports do not come here.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use finbox_runtime::Machine;
use finbox_sim::machine::SimMachine;

use crate::port::RankPort;
use crate::refused::Refused;

/// A machine, and what the contexts of its ports point to.
pub(crate) struct Opened {
    pub(crate) machine: Arc<SimMachine>,
    /// By rank. They stay where they are until the machine is closed.
    pub(crate) ports: Box<[RankPort]>,
}

struct Machines {
    open: BTreeMap<usize, Arc<Opened>>,
    /// The last context that was given out.
    last: usize,
}

static MACHINES: Mutex<Machines> = Mutex::new(Machines {
    open: BTreeMap::new(),
    last: 0,
});

fn machines() -> MutexGuard<'static, Machines> {
    // A map whose holder panicked is whole: inserting and removing are all that is done to it.
    MACHINES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Enters a machine; returns its context.
pub(crate) fn enter(machine: SimMachine) -> *mut c_void {
    let (machine, ranks) = (Arc::new(machine), 0..);
    let ranks = ranks.take(machine.facts().ranks as usize);
    let port = |rank| RankPort::new(Arc::clone(&machine), rank);
    let ports = ranks.map(port).collect();
    let opened = Arc::new(Opened { machine, ports });
    let mut machines = machines();
    machines.last += 1;
    let context = machines.last;
    machines.open.insert(context, opened);
    ptr::without_provenance_mut(context)
}

/// The machine of a context.
pub(crate) fn of(context: *mut c_void) -> Result<Arc<Opened>, Refused> {
    let opened = machines().open.get(&context.addr()).cloned();
    opened.ok_or(Refused::Context)
}

/// Takes the machine of a context out; it ends when the result is dropped.
pub(crate) fn leave(context: *mut c_void) -> Result<Arc<Opened>, Refused> {
    let opened = machines().open.remove(&context.addr());
    opened.ok_or(Refused::Context)
}

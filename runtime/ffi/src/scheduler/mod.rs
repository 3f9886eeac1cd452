//! The scheduler across the ABI: placed on the caller's memory over a port of C functions, stepped
//! by the caller's threads or by its own.
//!
//! Guarantees: nothing is allocated but by threads of its own; each role is used by one thread at a
//! time, whoever else comes gets BUSY with the name of the callback that it is inside; whoever
//! calls from inside a callback gets REENTERED, where that can be seen; a callback that panics or
//! throws ends the process with its name.
//!
//! Refuses tasks of another scheduler, and to end while anybody is inside. `carve.rs` is where
//! memory becomes tables; start at `place.rs`. The firmware edition has everything but
//! `threads.rs`.

mod args;
#[cfg(not(feature = "std"))]
mod bare;
mod carve;
mod pass;
mod place;
mod plan;
mod report;
mod stall;
mod submit;
mod task;
#[cfg(feature = "std")]
mod threads;
#[cfg(feature = "std")]
mod watch;
mod work;

use core::fmt;
use core::ptr::NonNull;

use finbox_abi::{Call, TablePort};
use finbox_mailbox::{Guard, TryLock};
use finbox_scheduler::{Dispatcher, FinHandler, Ledger, Scheduler, Submitter};

use crate::problem::Problem;
#[cfg(feature = "std")]
use crate::tenants::Tenancy;
use work::Told;

pub use args::*;
#[cfg(not(feature = "std"))]
pub(crate) use bare::{Counted, Note, Tenancy, Threads, Watcher, outside};
pub use carve::FINBOX_SCHEDULER_ALIGN;
pub use pass::*;
pub use place::*;
pub use report::*;
pub use stall::*;
pub use submit::*;
pub use task::*;
#[cfg(feature = "std")]
pub use threads::*;
#[cfg(feature = "std")]
pub(crate) use watch::{Note, Watcher, inside, outside};
pub use work::*;

type MachinePort = TablePort<Watcher>;

/// Who uses a part of a scheduler, one thread at a time each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Handler(u8),
    Dispatch,
    Submit,
    Report,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handler(handler) => write!(f, "FIN handler {handler}"),
            Self::Dispatch => write!(f, "dispatch"),
            Self::Submit => write!(f, "submission"),
            Self::Report => write!(f, "a report"),
        }
    }
}

/// A role that somebody has, and the callback that it was seen in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) role: Role,
    pub(crate) inside: Option<Call>,
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.role)?;
        match self.inside {
            Some(call) => write!(f, ", inside {call} of its port"),
            None => Ok(()),
        }
    }
}

/// A FIN handler with its view of the machine.
#[derive(Debug)]
pub(crate) struct Handling {
    handler: FinHandler<'static>,
    port: MachinePort,
}

/// The dispatch state with its view of the machine.
#[derive(Debug)]
pub(crate) struct Dispatching {
    dispatcher: Dispatcher<'static>,
    port: MachinePort,
}

type HandlerSeat = TryLock<Handling>;

/// What a scheduler's memory begins with. The handle in the caller's storage points here.
#[derive(Debug)]
pub(crate) struct Scheduling {
    scheduler: Scheduler<'static>,
    /// What its tasks bear.
    owner: u64,
    submitter: TryLock<Submitter<'static>>,
    dispatch: TryLock<Dispatching>,
    handlers: &'static [Option<HandlerSeat>],
    /// The port of whoever asks.
    report: TryLock<MachinePort>,
    /// Where each role is: a handler each, dispatch, reports.
    notes: &'static [Note],
    threads: Threads,
    /// Messages of workers.
    told: Told,
    /// Keeps the machine behind its port open.
    _tenancy: Tenancy,
}

/// What the storage of a scheduler holds.
pub(crate) struct Placed {
    body: NonNull<Scheduling>,
    /// Calls inside that may stay, and have no role.
    visits: Counted,
}

/// Every role but submission: while it is held, nothing moves.
struct Rest<'s> {
    dispatch: Guard<'s, Dispatching>,
    handlers: [Option<Guard<'s, Handling>>; ::finbox_scheduler::limits::MAX_HANDLERS],
    report: Guard<'s, MachinePort>,
}

impl Scheduling {
    fn seat(&self, handler: usize) -> &HandlerSeat {
        let seat = self.handlers[handler].as_ref();
        seat.expect("every seat was filled when the scheduler was placed")
    }

    /// Why a role could not be had.
    #[cold]
    fn taken(&self, role: Role) -> Problem {
        if self.threads.are_running() {
            return Problem::Started;
        }
        let note = match role {
            Role::Handler(handler) => self.notes.get(usize::from(handler)),
            Role::Dispatch => self.notes.get(self.handlers.len()),
            Role::Report => self.notes.get(self.handlers.len() + 1),
            Role::Submit => None,
        };
        let inside = note.and_then(Note::inside);
        Problem::Taken(Taken { role, inside })
    }

    fn handler(&self, handler: u8) -> Result<Guard<'_, Handling>, Problem> {
        let guard = self.seat(handler.into()).try_lock();
        guard.ok_or_else(|| self.taken(Role::Handler(handler)))
    }

    fn dispatch(&self) -> Result<Guard<'_, Dispatching>, Problem> {
        let guard = self.dispatch.try_lock();
        guard.ok_or_else(|| self.taken(Role::Dispatch))
    }

    fn submitter(&self) -> Result<Guard<'_, Submitter<'static>>, Problem> {
        loop {
            if let Some(guard) = self.submitter.try_lock() {
                return Ok(guard);
            }
            if !self.threads.gives_way() {
                let role = Role::Submit;
                return Err(Problem::Taken(Taken { role, inside: None }));
            }
        }
    }

    /// Keeps every role but submission from being used.
    fn rest(&self) -> Result<Rest<'_>, Problem> {
        let report = self.report.try_lock();
        let report = report.ok_or_else(|| self.taken(Role::Report))?;
        let dispatch = self.dispatch()?;
        let mut handlers = [const { None }; ::finbox_scheduler::limits::MAX_HANDLERS];
        for (index, guard) in (0..).zip(&mut handlers[..self.handlers.len()]) {
            *guard = Some(self.handler(index)?);
        }
        Ok(Rest {
            dispatch,
            handlers,
            report,
        })
    }
}

impl Rest<'_> {
    /// What all roles but submission counted.
    fn ledger(&self) -> Ledger {
        let mut ledger = *self.dispatch.dispatcher.ledger();
        for handling in self.handlers.iter().flatten() {
            ledger.merge(handling.handler.ledger());
        }
        ledger
    }
}

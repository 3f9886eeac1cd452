//! Passes, from the caller's own threads.

use ::finbox_scheduler::{HandlerStep, NoProbe};
use finbox_abi::{Answer, Versioned, not_null};

use crate::edition::guard;
use crate::handle::finbox_scheduler;
use crate::problem::Problem;
use crate::scheduler::place::at;
use crate::scheduler::{Dispatching, Handling, Scheduling, outside};
use crate::status::finbox_status;

/// Values of what `finbox_scheduler_fin_pass` found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum finbox_step {
    /// Nothing is in flight and nothing is owed on any of the handler's cores.
    Idle = 0,
    /// Cores are at work, and nothing changed.
    NoNews = 1,
    /// Something changed that the dispatch pass may want to see.
    Progress = 2,
}

/// What `finbox_scheduler_dispatch_pass` did.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct finbox_pass {
    /// `FINBOX_PASS_SIZE`, set by the caller.
    pub struct_size: usize,
    /// The earliest time of the port's clock at which something must be done though nothing
    /// happens; all ones: never.
    pub deadline_ns: u64,
    /// 1 if something moved.
    pub progress: u32,
    /// 1 if something may change without a FIN or a submission: pass again soon.
    pub watching: u32,
    /// A bit for each handler whose cores got work: let it pass.
    pub handlers: u32,
    /// Conditions that were looked at in vain.
    pub polled: u32,
}

// SAFETY: integers, without padding.
unsafe impl Versioned for finbox_pass {
    const NAME: &'static str = "finbox_pass";
    const MINIMUM: usize = size_of::<usize>() + 24;
}

impl Handling {
    /// Visits every busy core once.
    #[inline]
    pub(super) fn pass(&mut self, body: &Scheduling) -> HandlerStep {
        self.handler.pass(&body.scheduler, &self.port, &NoProbe)
    }
}

impl Dispatching {
    /// One turn.
    #[inline]
    pub(super) fn pass(&mut self, body: &Scheduling) -> ::finbox_scheduler::Pass {
        self.dispatcher.pass(&body.scheduler, &self.port, &NoProbe)
    }
}

/// Lets FIN handler `handler` look at each of its cores that has something in flight, once; `step`,
/// unless null, becomes a `finbox_step`. Never blocks, as long as the port's functions do not.
///
/// A handler is for one thread at a time: another gets BUSY; several handlers may pass at once.
/// REENTERED from inside a callback of a port; in firmware BUSY. STARTED while threads of the
/// library run. INVALID_ARGUMENT if there is no such handler.
///
/// # Safety
/// `scheduler` points to a scheduler's storage, `step` to a number or it is null; both live until
/// the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_scheduler_fin_pass(
    scheduler: *mut finbox_scheduler,
    handler: u32,
    step: *mut u32,
) -> finbox_status {
    guard(|| {
        outside()?;
        if !step.is_null() {
            not_null(step, "step")?;
        }
        // SAFETY: handed on to the caller.
        let body = unsafe { at(scheduler) }?;
        let handlers = body.handlers.len();
        let index = u8::try_from(handler)
            .ok()
            .filter(|&index| usize::from(index) < handlers)
            .ok_or(Problem::NoHandler { handler, handlers })?;
        let found = match body.handler(index)?.pass(body) {
            HandlerStep::Idle => finbox_step::Idle,
            HandlerStep::NoNews => finbox_step::NoNews,
            HandlerStep::Progress => finbox_step::Progress,
        };
        if !step.is_null() {
            // SAFETY: writable by the caller's word.
            unsafe { step.write(found as u32) };
        }
        Ok(())
    })
}

/// One turn of dispatch: takes messages, looks at conditions, finishes tasks, and gives ready ones
/// to cores. Never blocks, as long as the port's functions do not.
///
/// One thread at a time: another gets BUSY. REENTERED from inside a callback of a port; in firmware
/// BUSY. STARTED while threads of the library run.
///
/// # Safety
/// `scheduler` points to a scheduler's storage, `pass` to what its size says; both live until the
/// call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_scheduler_dispatch_pass(
    scheduler: *mut finbox_scheduler,
    pass: *mut finbox_pass,
) -> finbox_status {
    guard(|| {
        outside()?;
        // SAFETY: handed on to the caller.
        let answer = unsafe { Answer::at(pass) }?;
        // SAFETY: handed on to the caller.
        let body = unsafe { at(scheduler) }?;
        let found = body.dispatch()?.pass(body);
        let handlers = found.handlers.each();
        answer.put(&finbox_pass {
            struct_size: size_of::<finbox_pass>(),
            deadline_ns: found.deadline_ns.unwrap_or(u64::MAX),
            progress: found.progress.into(),
            watching: found.watching.into(),
            handlers: handlers.fold(0, |bits, handler| bits | 1 << handler),
            polled: found.polled,
        });
        Ok(())
    })
}

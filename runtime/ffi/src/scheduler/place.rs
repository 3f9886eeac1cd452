//! A scheduler's life: placed on memory of the caller's, and destroyed.

use core::mem;
use core::ptr::NonNull;

use ::finbox_scheduler::{
    Assembly, Cond, Config, CoreId, HandlerCore, Memory, Port, Token, assemble,
};
use finbox_abi::{finbox_port, read};
use finbox_mailbox::TryLock;

use crate::edition::guard;
use crate::handle::{Handle, finbox_producer, finbox_scheduler};
use crate::problem::{Problem, Unusable};
use crate::producer::Sender;
use crate::scheduler::args::{finbox_scheduler_args, read_args};
use crate::scheduler::plan::{Carved, Plan};
use crate::scheduler::work::Told;
use crate::scheduler::{
    Counted, Dispatching, Handling, MachinePort, Note, Placed, Scheduling, Tenancy, Threads,
    Watcher, outside,
};
use crate::status::finbox_status;

/// What tasks of a scheduler bear: where it lives, and in which epoch.
fn owner_of(scheduler: *const finbox_scheduler, epoch: u32) -> u64 {
    let place = (scheduler.addr() as u64 >> 3).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    u64::from(epoch) << 32 | place
}

/// Leaves tokens and handlers where the run before left the cores.
fn take_over(
    port: &impl Port,
    cores: &mut [HandlerCore],
    tokens: &mut [Token],
) -> Result<(), Problem> {
    for (index, (core, token)) in (0..).zip(cores.iter_mut().zip(tokens)) {
        let cond = port.load_cond(CoreId(index));
        let found = HandlerCore::after(Cond(cond));
        let core_at_work = Problem::CoreAtWork { core: index, cond };
        (*core, *token) = found.ok_or(core_at_work)?;
    }
    Ok(())
}

/// The ports of all roles, in the notes' order.
///
/// # Safety
/// The functions of `table` do what `finbox_port` says for as long as the scheduler lives.
unsafe fn port_of(table: &finbox_port, note: &'static Note) -> Result<MachinePort, Problem> {
    // SAFETY: handed on to the caller.
    Ok(unsafe { MachinePort::new(table, Watcher::new(note)) }?)
}

/// Assembles a scheduler in what was carved.
///
/// # Safety
/// As [`port_of`].
unsafe fn build(
    carved: Carved,
    config: &Config,
    table: &finbox_port,
    (owner, patience_ns, tenancy): (u64, u64, Tenancy),
) -> Result<NonNull<Scheduling>, Problem> {
    let Carved {
        body,
        seats,
        notes,
        memory,
    } = carved;
    let (handlers, all) = (seats.len(), notes);
    // SAFETY: handed on to the caller.
    let report = unsafe { port_of(table, &all[handlers + 1]) }?;
    let Memory {
        handler_cores,
        tokens,
        ..
    } = memory;
    take_over(&report, handler_cores, tokens)?;
    let memory = Memory {
        handler_cores,
        tokens,
        ..memory
    };
    let mut assembly = assemble(config.chip, config.start, memory);
    for (seat, note) in seats.iter_mut().zip(all) {
        let handler = assembly.handler();
        // SAFETY: handed on to the caller.
        let port = unsafe { port_of(table, note) }?;
        *seat = Some(TryLock::new(Handling { handler, port }));
    }
    let Assembly {
        scheduler,
        submitter,
        dispatcher,
        ..
    } = assembly;
    // SAFETY: handed on to the caller.
    let port = unsafe { port_of(table, &all[handlers]) }?;
    Ok(NonNull::from(body.write(Scheduling {
        scheduler,
        owner,
        submitter: TryLock::new(submitter),
        dispatch: TryLock::new(Dispatching { dispatcher, port }),
        handlers: seats,
        report: TryLock::new(report),
        notes: all,
        threads: Threads::new(patience_ns),
        told: Told::default(),
        _tenancy: tenancy,
    })))
}

/// Places a scheduler on memory of the caller's, for the chip behind a port. Whatever stood in the
/// memory is forgotten; tokens go on from what each core's COND says, which is read once.
///
/// NOT_AT_REST if a core is at work for somebody else: wait, or reset the chip. TOO_SMALL,
/// MISALIGNED, INVALID_ARGUMENT with the field's name and range, NULL_ARGUMENT with the name of a
/// function that the port lacks. The memory is the library's until `scheduler` is destroyed.
///
/// # Safety
/// `args` and its port point to what their sizes say. The memory is readable and writable, and
/// nobody else's, until the scheduler is destroyed; so long the port's functions do what
/// `finbox_port` says. `scheduler` points to storage that lives as long.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_scheduler_place(
    args: *const finbox_scheduler_args,
    scheduler: *mut finbox_scheduler,
) -> finbox_status {
    guard(|| {
        outside()?;
        // SAFETY: handed on to the caller.
        let (args, config) = unsafe { read_args(args) }?;
        // SAFETY: handed on to the caller.
        let table = unsafe { read(args.port) }?;
        // SAFETY: handed on to the caller.
        let handle = unsafe { Handle::at(scheduler) }?;
        let reserved = handle.reserve()?;
        let plan = Plan::of(&config);
        let ground = plan.ground(args.memory.cast(), args.size_bytes)?;
        // SAFETY: large enough and aligned; the rest is the caller's word.
        let carved = unsafe { plan.carve(&ground) };
        let (owner, tenancy) = (owner_of(scheduler, config.start.epoch), Tenancy::on(&table));
        let about = (owner, args.patience_ns, tenancy);
        // SAFETY: handed on to the caller.
        let body = unsafe { build(carved, &config, &table, about) }?;
        reserved.fill(Placed {
            body,
            visits: Counted::default(),
        });
        Ok(())
    })
}

/// Ends a scheduler: what was not finished is lost, and its memory is the caller's again. The
/// storage serves again.
///
/// BUSY while a call is inside, a wait among them; STARTED while threads of the library run: stop
/// them first. OUTSTANDING, with its name, while a worker has neither left nor been lost. No other
/// call may begin any more, and producers of its mailbox must have left.
///
/// # Safety
/// `scheduler` points to storage that lives until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_scheduler_destroy(
    scheduler: *mut finbox_scheduler,
) -> finbox_status {
    guard(|| {
        outside()?;
        // SAFETY: handed on to the caller.
        let held = unsafe { Handle::at(scheduler) }?.lock()?;
        let at = held.body;
        // SAFETY: written when it was placed, and not dropped: the handle was not destroyed.
        let body = unsafe { at.as_ref() };
        let (rest, submitter) = (body.rest()?, body.submitter()?);
        if held.visits.any() {
            return Err(Unusable::Busy("scheduler").into());
        }
        body.check_workers()?;
        // A call that is late finds every role taken, for as long as the memory is there.
        mem::forget((rest, submitter));
        held.destroy();
        // SAFETY: every role is taken and the handle is gone, so nobody uses it.
        unsafe { at.drop_in_place() };
        Ok(())
    })
}

/// Makes a producer of the scheduler's own mailbox, without a name: for completions that come by
/// another way than a FIN. Wake the dispatch thread behind what was pushed. A message that fits no
/// deferred task of this run is counted as reported, and nothing else.
///
/// Any thread. It must leave before the scheduler is destroyed.
///
/// # Safety
/// `scheduler` and `producer` point to storage of theirs that lives until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_scheduler_open_producer(
    scheduler: *mut finbox_scheduler,
    producer: *mut finbox_producer,
) -> finbox_status {
    guard(|| {
        outside()?;
        // SAFETY: handed on to the caller.
        let producer = unsafe { Handle::at(producer) }?;
        let reserved = producer.reserve()?;
        // SAFETY: handed on to the caller.
        let body = unsafe { at(scheduler) }?;
        reserved.fill(Sender::new(body.scheduler.mailbox(), None)?);
        Ok(())
    })
}

/// Tells the library's dispatch thread that something was pushed or may have changed; nothing where
/// no thread of the library runs. Any thread.
///
/// # Safety
/// `scheduler` points to a scheduler's storage that lives until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_scheduler_wake(scheduler: *mut finbox_scheduler) -> finbox_status {
    guard(|| {
        // SAFETY: handed on to the caller.
        unsafe { at(scheduler) }?.threads.wake_dispatch();
        Ok(())
    })
}

/// The scheduler in a handle, for a call that may be one of several.
///
/// # Safety
/// `scheduler` is null, misaligned, or points to storage that lives until the call returns.
pub(super) unsafe fn at(scheduler: *mut finbox_scheduler) -> Result<&'static Scheduling, Problem> {
    // SAFETY: handed on to the caller.
    let handle = unsafe { Handle::at(scheduler) }?;
    // SAFETY: the reference is gone when this returns.
    let body = unsafe { handle.shared() }?.body;
    // SAFETY: written when it was placed, in memory that lives until the scheduler is destroyed,
    // which wants every role.
    Ok(unsafe { body.as_ref() })
}

//! A command ring's life, submission, notices of completions, and its thread.

use core::ffi::c_void;
use core::ptr::NonNull;
use std::time::Duration;

use finbox_abi::{Versioned, finbox_extension, not_null, only, read};
use finbox_mailbox::{Line, PlaceError, region_lines};
use finbox_runtime::DEFAULT_PATIENCE;
use finbox_runtime::command::{Packet, ServeError, SubmitError, WorkId};

use super::{
    Commanding, Notice, Place, commanding, finbox_command_ring, finbox_executor, finbox_packet,
    route_of,
};
use crate::edition::{guard, refuse_with};
use crate::given::all_at;
use crate::handle::Handle;
use crate::lent::Lent;
use crate::plan::{no_chain, no_such};
use crate::problem::Problem;
use crate::scheduler::outside;
use crate::status::finbox_status;
use crate::wire::FINBOX_LINE_BYTES;

/// What a command ring is to be.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct finbox_command_ring_args {
    /// `FINBOX_COMMAND_RING_ARGS_SIZE`.
    pub struct_size: usize,
    /// Null: no extension exists yet.
    pub next: *const finbox_extension,
    /// The memory, on a 64-byte boundary; it may hold anything. Null: the library allocates it.
    pub memory: *mut c_void,
    /// How large it is: at least what `finbox_command_ring_bytes` says.
    pub size_bytes: usize,
    /// What carries the packets out; copied.
    pub executor: *const finbox_executor,
    /// First position, 0 unless a test wants another.
    pub start: u64,
    /// Capacity in packets: a power of two of at least 2.
    pub slots: u32,
    /// Epoch of the run.
    pub epoch: u32,
    /// 0.
    pub flags: u64,
}

// SAFETY: integers and pointers, without padding.
unsafe impl Versioned for finbox_command_ring_args {
    const NAME: &'static str = "finbox_command_ring_args";
    const MINIMUM: usize = 5 * size_of::<usize>() + 24;
}

impl From<SubmitError> for Problem {
    fn from(error: SubmitError) -> Self {
        let status = match error {
            SubmitError::Full { .. } => finbox_status::Full,
            SubmitError::Halted => finbox_status::Halted,
        };
        refuse_with(status, &error)
    }
}

impl From<ServeError> for Problem {
    fn from(error: ServeError) -> Self {
        let status = match error {
            ServeError::Started => finbox_status::Started,
            ServeError::Spent => finbox_status::Stopped,
            ServeError::System(_) => finbox_status::System,
            ServeError::Inside { .. } => finbox_status::Stuck,
            ServeError::Panicked => finbox_status::Panic,
        };
        refuse_with(status, &error)
    }
}

fn lines_of(slots: u32) -> Result<usize, Problem> {
    if !slots.is_power_of_two() || slots < 2 {
        let why = format!("{slots} slots: a command ring needs a power of two of at least 2");
        return Err(refuse_with(finbox_status::InvalidArgument, &why));
    }
    Ok(region_lines(slots))
}

/// How many bytes a command ring of `slots` packets needs. Any thread. Not in firmware.
///
/// # Safety
/// `bytes` points to a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_command_ring_bytes(slots: u32, bytes: *mut usize) -> finbox_status {
    guard(|| {
        not_null(bytes, "bytes")?;
        let lines = lines_of(slots)?;
        // SAFETY: writable by the caller's word.
        unsafe { bytes.write(lines * FINBOX_LINE_BYTES) };
        Ok(())
    })
}

/// Makes a command ring, on memory of the caller's or of its own. Nobody carries packets out before
/// `finbox_command_ring_drain_until` or `finbox_command_ring_start`. Allocates.
///
/// # Safety
/// `args` points to what its size says, with an executor whose functions may be called with its
/// context, by one thread at a time, until the ring is destroyed. The memory, if there is one, is
/// the library's alone until then. `ring` points to storage that lives as long.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_command_ring_create(
    args: *const finbox_command_ring_args,
    ring: *mut finbox_command_ring,
) -> finbox_status {
    guard(|| {
        // SAFETY: handed on to the caller.
        let args = unsafe { read(args) }?;
        no_chain(args.next, finbox_command_ring_args::NAME)?;
        only(0, args.flags)?;
        // SAFETY: handed on to the caller.
        let executor = unsafe { read(args.executor) }?;
        no_chain(executor.next, finbox_executor::NAME)?;
        let needed = lines_of(args.slots)?;
        // SAFETY: handed on to the caller.
        let reserved = unsafe { Handle::at(ring) }?.reserve()?;
        let mut memory = Vec::new();
        let base = match NonNull::new(args.memory.cast::<Line>()) {
            Some(base) => {
                not_null(base.as_ptr(), "memory")?;
                let found = args.size_bytes / FINBOX_LINE_BYTES;
                if found < needed {
                    let slots = args.slots;
                    return Err(Problem::Place(PlaceError::TooSmall {
                        slots,
                        needed,
                        found,
                    }));
                }
                base
            }
            None => {
                memory = vec![Line([0; FINBOX_LINE_BYTES]); needed];
                NonNull::from(memory.as_mut_slice()).cast()
            }
        };
        let place = Place {
            base,
            slots: args.slots,
            start: args.start,
            epoch: args.epoch,
        };
        // SAFETY: large enough and aligned; the caller's word, or memory that the ring keeps.
        reserved.fill(unsafe { Commanding::new(&place, Lent::new(memory), executor) });
        Ok(())
    })
}

/// Ends a command ring: what was not passed is lost. STARTED while its thread runs. No other call
/// may be inside. The storage and the memory serve again.
///
/// # Safety
/// `ring` points to a command ring's storage that lives until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_command_ring_destroy(
    ring: *mut finbox_command_ring,
) -> finbox_status {
    guard(|| {
        outside()?;
        // SAFETY: handed on to the caller.
        let held = unsafe { Handle::at(ring) }?.lock()?;
        if held.served.is_running() {
            return Err(ServeError::Started.into());
        }
        held.destroy();
        Ok(())
    })
}

/// Submits the first of `count` packets, as many as fit, in order and in neighbouring positions:
/// `first` becomes the first's position, `accepted` how many. OK if that is at least one, or
/// `count` is 0. All are looked at before: MALFORMED_MESSAGE if one is no packet, and none is
/// submitted.
///
/// FULL and HALTED leave them yours. Never blocks and takes no lock; two exchanges, whatever the
/// count; the ring's thread is woken once. Any thread, also from inside the executor.
///
/// # Safety
/// `ring` points to a command ring's storage, `packets` to `count` packets that nobody writes,
/// `first` and `accepted` to numbers; all live until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_command_ring_submit(
    ring: *mut finbox_command_ring,
    packets: *const finbox_packet,
    count: u32,
    first: *mut u64,
    accepted: *mut u32,
) -> finbox_status {
    guard(|| {
        not_null(first, "first")?;
        not_null(accepted, "accepted")?;
        // SAFETY: handed on to the caller.
        let packets = unsafe { all_at(packets, count as usize, "packets") }?;
        // SAFETY: handed on to the caller.
        let ring = unsafe { commanding(ring) }?;
        let decode = |packet: &finbox_packet| Packet::decode(&packet.words(0), 0);
        for (index, packet) in packets.iter().enumerate() {
            decode(packet).map_err(|bad| {
                let why = format!("packet {index}: {bad}");
                refuse_with(finbox_status::MalformedMessage, &why)
            })?;
        }
        let decoded = packets.iter().map(|packet| match decode(packet) {
            Ok(packet) => packet,
            Err(bad) => unreachable!("it was looked at, and nobody writes it: {bad}"),
        });
        let submitted = ring.submitter.submit_each(decoded)?;
        // SAFETY: writable by the caller's word.
        unsafe { first.write(submitted.first) };
        // SAFETY: as above.
        unsafe { accepted.write(submitted.count) };
        Ok(())
    })
}

/// The position behind everything that was submitted before this: where a drain is to arrive that
/// waits for all of it. Any thread.
///
/// # Safety
/// `ring` points to a command ring's storage, `target` to a number; both live until the call
/// returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_command_ring_target(
    ring: *mut finbox_command_ring,
    target: *mut u64,
) -> finbox_status {
    guard(|| {
        not_null(target, "target")?;
        // SAFETY: handed on to the caller.
        let submitter = &unsafe { commanding(ring) }?.submitter;
        // SAFETY: writable by the caller's word.
        unsafe { target.write(submitter.target()) };
        Ok(())
    })
}

/// Says that `work`, which the executor began, has completed; `route` is a `finbox_route`. What is
/// told twice, here or by `look`, counts once. FULL if 256 notices wait for the processor: tell it
/// again. Never blocks and takes no lock. Any thread, also from inside the executor.
///
/// # Safety
/// `ring` points to a command ring's storage that lives until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_command_ring_notice(
    ring: *mut finbox_command_ring,
    route: u32,
    work: u64,
) -> finbox_status {
    guard(|| {
        let route = route_of(route).ok_or_else(|| no_such("route", route))?;
        let work = WorkId(work);
        // SAFETY: handed on to the caller.
        let ring = unsafe { commanding(ring) }?;
        ring.notices.push(&Notice { route, work })?;
        ring.submitter.ring_bell();
        Ok(())
    })
}

/// Starts a thread that carries packets out, and sleeps while there is nothing to do. STARTED if it
/// runs; STOPPED if one has run before: a ring has one in its life; SYSTEM. Not from inside the
/// executor.
///
/// # Safety
/// `ring` points to a command ring's storage that lives until the thread was stopped.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_command_ring_start(
    ring: *mut finbox_command_ring,
) -> finbox_status {
    guard(|| {
        outside()?;
        // SAFETY: handed on to the caller.
        unsafe { commanding(ring) }?.served.start()?;
        Ok(())
    })
}

/// Ends the thread, when it comes back from the turn that it is in; what it has not passed stays,
/// and may be drained. OK also if none runs. STUCK if it does not come back from the executor for
/// `patience_ns` (0: 10 s): the ring stays what it is, and this may be called again. Blocks for
/// that long at most. Not from inside the executor.
///
/// # Safety
/// `ring` points to a command ring's storage that lives until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_command_ring_stop(
    ring: *mut finbox_command_ring,
    patience_ns: u64,
) -> finbox_status {
    guard(|| {
        outside()?;
        let patience = match patience_ns {
            0 => DEFAULT_PATIENCE,
            ns => Duration::from_nanos(ns),
        };
        // SAFETY: handed on to the caller.
        unsafe { commanding(ring) }?.served.stop(patience)?;
        Ok(())
    })
}

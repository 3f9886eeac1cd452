//! A planner, its timelines and its buffers.

use finbox_abi::{finbox_extension, no_extension, not_null, only, read};
use finbox_runtime::plan::{Freed, Mode};
use finbox_runtime::{BufferId, UseError};

use super::types::no_such;
use super::{
    Planning, finbox_plan_mode, finbox_planner, finbox_planner_args, finbox_point,
    finbox_timeline_args, finbox_timeline_kind, office,
};
use crate::device::text_of;
use crate::edition::{guard, refuse_with};
use crate::given::Rows;
use crate::handle::Handle;
use crate::problem::Problem;
use crate::status::finbox_status;
use finbox_runtime::stream::TimelineId;

/// A buffer whose memory is free again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct finbox_freed {
    /// Which one.
    pub buffer: u64,
    /// Its size.
    pub size_bytes: u64,
}

impl From<&Freed> for finbox_freed {
    fn from(freed: &Freed) -> Self {
        Self {
            buffer: freed.buffer.to_bits(),
            size_bytes: freed.size_bytes,
        }
    }
}

/// The buffer with this number.
pub(super) fn buffer_of(argument: usize, buffer: u64) -> Result<BufferId, UseError> {
    BufferId::from_bits(buffer).ok_or(UseError::Unknown { argument })
}

/// Refuses a chain of extensions, of which none is known.
pub(crate) fn no_chain(next: *const finbox_extension, what: &'static str) -> Result<(), Problem> {
    Ok(no_extension(next.cast(), what)?)
}

/// Makes a planner without timelines and buffers. Allocates. Any thread. Not in firmware.
///
/// # Safety
/// `args` points to what its size says, `planner` to storage that lives until it is destroyed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_planner_create(
    args: *const finbox_planner_args,
    planner: *mut finbox_planner,
) -> finbox_status {
    guard(|| {
        // SAFETY: handed on to the caller.
        let args = unsafe { read(args) }?;
        no_chain(args.next, "finbox_planner_args")?;
        only(0, args.flags.into())?;
        let mode = match args.mode {
            mode if mode == finbox_plan_mode::Strict as u32 => Mode::Strict,
            mode if mode == finbox_plan_mode::Permissive as u32 => Mode::Permissive,
            mode => return Err(no_such("mode", mode)),
        };
        // SAFETY: handed on to the caller.
        let reserved = unsafe { Handle::at(planner) }?.reserve()?;
        reserved.fill(Planning::new(mode));
        Ok(())
    })
}

/// Ends a planner: who waits for its points learns no more. OUTSTANDING while a planned launch of
/// it is a handle: destroy that first. No other call may be inside.
///
/// # Safety
/// `planner` points to a planner's storage that lives until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_planner_destroy(planner: *mut finbox_planner) -> finbox_status {
    guard(|| {
        // SAFETY: handed on to the caller.
        let held = unsafe { Handle::at(planner) }?.lock()?;
        let planned = held.office().pool().planned;
        if planned > 0 {
            let why = format!("{planned} planned launches are handles still: destroy them first");
            return Err(refuse_with(finbox_status::Outstanding, &why));
        }
        held.destroy();
        Ok(())
    })
}

/// Opens a timeline at 0; `timeline` becomes its number, counted from 0. Allocates. Any thread.
///
/// # Safety
/// `planner` points to a planner's storage, `args` to what its size says with a text that lives,
/// `timeline` to a number; all until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_planner_timeline(
    planner: *mut finbox_planner,
    args: *const finbox_timeline_args,
    timeline: *mut u32,
) -> finbox_status {
    guard(|| {
        // SAFETY: handed on to the caller.
        let args = unsafe { read(args) }?;
        no_chain(args.next, "finbox_timeline_args")?;
        only(0, args.flags.into())?;
        not_null(timeline, "timeline")?;
        // SAFETY: handed on to the caller.
        let name = unsafe { text_of(args.name, "name") }?;
        // SAFETY: handed on to the caller.
        let planner = &unsafe { office(planner) }?.planner;
        let (now_ns, kind) = (args.now_ns, args.kind);
        let opened = match kind {
            kind if kind == finbox_timeline_kind::Stream as u32 => planner.stream(name, now_ns),
            kind if kind == finbox_timeline_kind::Untracked as u32 => {
                planner.untracked_stream(name, now_ns)
            }
            kind if kind == finbox_timeline_kind::Foreign as u32 => planner.foreign(name, now_ns),
            kind => return Err(no_such("kind", kind)),
        };
        // SAFETY: writable by the caller's word.
        unsafe { timeline.write(opened.number()) };
        Ok(())
    })
}

/// Declares a buffer of `size_bytes` bytes that nobody has touched; `buffer` becomes what launches
/// name it by, never 0. May allocate. Any thread.
///
/// # Safety
/// `planner` points to a planner's storage, `buffer` to a number; both live until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_planner_declare(
    planner: *mut finbox_planner,
    size_bytes: u64,
    buffer: *mut u64,
) -> finbox_status {
    guard(|| {
        not_null(buffer, "buffer")?;
        // SAFETY: handed on to the caller.
        let declared = unsafe { office(planner) }?.planner.declare(size_bytes);
        // SAFETY: writable by the caller's word.
        unsafe { buffer.write(declared.to_bits()) };
        Ok(())
    })
}

/// As `finbox_planner_declare`, of a buffer that exists from the next point of `stream`, which
/// counts as its first write: `point` becomes that, unless it is null. It is reached by itself.
///
/// # Safety
/// `planner` points to a planner's storage, `buffer` to a number, `point` to a point or it is null;
/// all live until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_planner_allocate(
    planner: *mut finbox_planner,
    stream: u32,
    size_bytes: u64,
    buffer: *mut u64,
    point: *mut finbox_point,
) -> finbox_status {
    guard(|| {
        not_null(buffer, "buffer")?;
        if !point.is_null() {
            not_null(point, "point")?;
        }
        // SAFETY: handed on to the caller.
        let planner = &unsafe { office(planner) }?.planner;
        let stream = TimelineId::from_number(stream);
        let (allocated, first) = planner.allocate(stream, size_bytes)?;
        // SAFETY: writable by the caller's word.
        unsafe { buffer.write(allocated.to_bits()) };
        if !point.is_null() {
            // SAFETY: as above.
            unsafe { point.write(first.into()) };
        }
        Ok(())
    })
}

/// Ends a buffer's life at once: launches that are planned from here on must not use it. Its
/// memory is free when its last uses are over, which `finbox_planner_take_freed` tells. BAD_USE if
/// it has ended already. Any thread.
///
/// # Safety
/// `planner` points to a planner's storage that lives until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_planner_free(
    planner: *mut finbox_planner,
    buffer: u64,
) -> finbox_status {
    guard(|| {
        // SAFETY: handed on to the caller.
        let planner = &unsafe { office(planner) }?.planner;
        planner.free(buffer_of(0, buffer)?)?;
        Ok(())
    })
}

/// Copies up to `capacity` buffers whose last uses are over to `freed`, each once, the earliest
/// first; `count` becomes how many there were: those that found no room come with the next call.
/// May allocate. Any thread.
///
/// # Safety
/// `planner` points to a planner's storage, `freed` to room for `capacity` rows, `count` to a
/// number; all live until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_planner_take_freed(
    planner: *mut finbox_planner,
    freed: *mut finbox_freed,
    capacity: usize,
    count: *mut usize,
) -> finbox_status {
    guard(|| {
        // SAFETY: handed on to the caller.
        let mut rows = unsafe { Rows::at(freed, capacity, count, "freed") }?;
        // SAFETY: handed on to the caller.
        let office = unsafe { office(planner) }?;
        let mut pool = office.pool();
        office.planner.take_freed(&mut pool.freed);
        let told = pool.freed.len().min(capacity);
        for one in pool.freed.drain(..told) {
            rows.put(finbox_freed::from(&one));
        }
        rows.end(pool.freed.len());
        Ok(())
    })
}

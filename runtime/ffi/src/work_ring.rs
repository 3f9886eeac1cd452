//! The work ring across the ABI: items in, workers that take them one at a time.
//!
//! Guarantees: what [`finbox_mailbox::work`] guarantees. The ring stands in the caller's memory and
//! allocates nothing; any thread pushes and asks, one at a time uses a worker. Refuses a second
//! process: the memory is this one's. Called by C programs with persistent workers, and by
//! firmware.

use core::ffi::c_void;
use core::mem::offset_of;
use core::num::NonZeroU32;
use core::ptr::NonNull;

use finbox_abi::{Versioned, no_extension, not_null, only, read};
use finbox_mailbox::work::{
    MAX_WORKERS, WorkCell, WorkFull, WorkItem, WorkRing, WorkRingError, WorkerLine, work_ring,
};
use finbox_mailbox::{Header, Line};
use static_assertions::const_assert_eq;

use crate::edition::guard;
use crate::given::all_at;
use crate::handle::{Handle, Storage};
use crate::problem::Problem;
use crate::status::finbox_status;
use crate::wire::FINBOX_LINE_BYTES;

/// Most workers of a work ring.
pub const FINBOX_MAX_WORKERS: u32 = 256;

/// Storage for a work ring. All zero before it is first used, and never copied or moved while it is
/// a handle.
#[derive(Debug)]
#[repr(C)]
pub struct finbox_work_ring {
    /// The library's.
    pub opaque: [u64; 12],
}

/// What a work ring is to be.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct finbox_work_ring_args {
    /// `FINBOX_WORK_RING_ARGS_SIZE`.
    pub struct_size: usize,
    /// Null: no extension exists yet.
    pub next: *const c_void,
    /// The memory, on a 64-byte boundary; it may hold anything.
    pub memory: *mut c_void,
    /// How large it is: at least what `finbox_work_ring_bytes` says.
    pub size_bytes: usize,
    /// Capacity in items: a power of two of at least 2.
    pub slots: u32,
    /// Most workers at once, up to `FINBOX_MAX_WORKERS`.
    pub workers: u32,
    /// 0.
    pub flags: u64,
}

// SAFETY: integers and pointers, without padding.
unsafe impl Versioned for finbox_work_ring_args {
    const NAME: &'static str = "finbox_work_ring_args";
    const MINIMUM: usize = 4 * size_of::<usize>() + 16;
}

/// One piece of work. A slot has it at byte 8, a worker's line at byte 16.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct finbox_work_item {
    /// Where the input begins, in bytes from the beginning of the input buffer.
    pub offset: u32,
    /// How long the input is, in bytes.
    pub length: u32,
    /// Which rule set it is judged by.
    pub rule_set: u32,
    /// What comes back with the completion; the producer's own number.
    pub correlation: u32,
}

const_assert_eq!(size_of::<finbox_work_item>(), size_of::<WorkItem>());
const_assert_eq!(size_of::<finbox_work_item>(), 16);
const_assert_eq!(align_of::<finbox_work_item>(), align_of::<WorkItem>());
const_assert_eq!(
    offset_of!(finbox_work_item, offset),
    offset_of!(WorkItem, offset)
);
const_assert_eq!(
    offset_of!(finbox_work_item, length),
    offset_of!(WorkItem, length)
);
const_assert_eq!(
    offset_of!(finbox_work_item, rule_set),
    offset_of!(WorkItem, rule_set)
);
const_assert_eq!(
    offset_of!(finbox_work_item, correlation),
    offset_of!(WorkItem, correlation)
);
const_assert_eq!(FINBOX_MAX_WORKERS, MAX_WORKERS);
const_assert_eq!(size_of::<Header>() % FINBOX_LINE_BYTES, 0);
const_assert_eq!(2 * size_of::<WorkCell>() % FINBOX_LINE_BYTES, 0);
const_assert_eq!(size_of::<WorkerLine>(), FINBOX_LINE_BYTES);

impl Storage for finbox_work_ring {
    type Body = WorkRing<'static>;
    const NAME: &'static str = "work ring";
    const KIND: u64 = u64::from_le_bytes(*b"\0FBwori\xA5");
}

const _: () = assert!(
    size_of::<Handle<finbox_work_ring>>() <= size_of::<finbox_work_ring>()
        && align_of::<Handle<finbox_work_ring>>() <= align_of::<finbox_work_ring>(),
    "a work ring's handle fits its storage"
);
impl From<finbox_work_item> for WorkItem {
    fn from(item: finbox_work_item) -> Self {
        Self {
            offset: item.offset,
            length: item.length,
            rule_set: item.rule_set,
            correlation: item.correlation,
        }
    }
}

/// Bytes of a ring: header, slots, a line a worker.
fn bytes_of(slots: u32, workers: u32) -> Result<usize, Problem> {
    let slots = slots as usize;
    if !slots.is_power_of_two() || slots < 2 {
        return Err(WorkRingError::Slots { slots }.into());
    }
    if workers > FINBOX_MAX_WORKERS {
        let lines = workers as usize;
        return Err(WorkRingError::Lines { lines }.into());
    }
    let lines = workers as usize * size_of::<WorkerLine>();
    Ok(size_of::<Header>() + slots * size_of::<WorkCell>() + lines)
}

/// How many bytes a work ring of `slots` items and so many workers needs. Any thread.
///
/// # Safety
/// `bytes` points to a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_work_ring_bytes(
    slots: u32,
    workers: u32,
    bytes: *mut usize,
) -> finbox_status {
    guard(|| {
        not_null(bytes, "bytes")?;
        let needed = bytes_of(slots, workers)?;
        // SAFETY: writable by the caller's word.
        unsafe { bytes.write(needed) };
        Ok(())
    })
}

/// Makes a work ring on memory of the caller's, which is the library's until `ring` is destroyed
/// and every worker has left.
///
/// # Safety
/// `args` points to what its size says. Its memory is readable and writable for as long as it is
/// the library's, and nobody but this library, in this process, reads or writes it. `ring` points
/// to storage that lives until it is destroyed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_work_ring_place(
    args: *const finbox_work_ring_args,
    ring: *mut finbox_work_ring,
) -> finbox_status {
    guard(|| {
        // SAFETY: handed on to the caller.
        let args = unsafe { read(args) }?;
        no_extension(args.next, finbox_work_ring_args::NAME)?;
        only(0, args.flags)?;
        let needed = bytes_of(args.slots, args.workers)?;
        let memory = args.memory.cast::<Line>();
        not_null(memory, "memory")?;
        let given = args.size_bytes;
        if given < needed {
            return Err(Problem::Memory { needed, given });
        }
        // SAFETY: handed on to the caller.
        let reserved = unsafe { Handle::at(ring) }?.reserve()?;
        let base = NonNull::new(memory).expect("seen above");
        let (slots, workers) = (args.slots as usize, args.workers as usize);
        // SAFETY: large enough and aligned; nobody else's, by the caller's word.
        let (header, cells, lines) = unsafe { parts(base, slots, workers) };
        reserved.fill(work_ring(header, cells, lines)?);
        Ok(())
    })
}

/// What a ring is made of: header, then slots, then lines.
type Parts = (
    &'static mut Header,
    &'static mut [WorkCell],
    &'static mut [WorkerLine],
);

/// # Safety
/// `base` points to as many bytes as `bytes_of` says, on a line's boundary, for as long as the ring
/// lives, and nobody else uses them.
unsafe fn parts(base: NonNull<Line>, slots: usize, workers: usize) -> Parts {
    // SAFETY: atomics, valid for any bytes, at the beginning.
    let header = unsafe { base.cast::<Header>().as_mut() };
    let lines_of = |bytes: usize| bytes / FINBOX_LINE_BYTES;
    // SAFETY: the slots stand behind the header, inside the memory.
    let behind = unsafe { base.add(lines_of(size_of::<Header>())) };
    let cells = NonNull::slice_from_raw_parts(behind.cast::<WorkCell>(), slots);
    // SAFETY: the lines stand behind the slots, inside the memory or at its end.
    let behind = unsafe { behind.add(lines_of(slots * size_of::<WorkCell>())) };
    let lines = NonNull::slice_from_raw_parts(behind.cast::<WorkerLine>(), workers);
    // SAFETY: an atomic and integers, valid for any bytes.
    let cells = unsafe { &mut *cells.as_ptr() };
    // SAFETY: atomics and integers, valid for any bytes.
    let lines = unsafe { &mut *lines.as_ptr() };
    (header, cells, lines)
}

/// The ring in a handle, for a call that may be one of several.
///
/// # Safety
/// `ring` is null, misaligned, or points to storage that lives, and is not destroyed, until the
/// call returns.
#[inline]
pub(crate) unsafe fn ring_at(ring: *mut finbox_work_ring) -> Result<WorkRing<'static>, Problem> {
    // SAFETY: handed on to the caller.
    let handle = unsafe { Handle::at(ring) }?;
    // SAFETY: handed on to the caller.
    Ok(*unsafe { handle.shared() }?)
}

/// Ends the ring's handle. Items and workers stay what they are until the workers have left. No
/// other call with this handle may be inside. The storage serves again.
///
/// # Safety
/// `ring` points to a work ring's storage that lives until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_work_ring_destroy(ring: *mut finbox_work_ring) -> finbox_status {
    guard(|| {
        // SAFETY: handed on to the caller.
        unsafe { Handle::at(ring) }?.lock()?.destroy();
        Ok(())
    })
}

/// Why `ring` took nothing.
fn refusal(ring: &WorkRing<'_>, full: WorkFull) -> Problem {
    match ring.is_closed() {
        true => Problem::WorkClosed,
        false => full.into(),
    }
}

/// Pushes one item; `position` becomes where it stands, by which `finbox_work_ring_is_done` knows
/// it. FULL, or CLOSED if the ring was closed, leaves it yours. Never blocks, takes no lock and
/// allocates nothing; any number of threads at once.
///
/// # Safety
/// `ring` points to a work ring's storage, `item` to an item, `position` to a number; all live
/// until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_work_ring_push(
    ring: *mut finbox_work_ring,
    item: *const finbox_work_item,
    position: *mut u64,
) -> finbox_status {
    guard(|| {
        not_null(item, "item")?;
        not_null(position, "position")?;
        // SAFETY: readable by the caller's word.
        let item = unsafe { item.read() };
        // SAFETY: handed on to the caller.
        let ring = unsafe { ring_at(ring) }?;
        let pushed = ring
            .push(item.into())
            .map_err(|full| refusal(&ring, full))?;
        // SAFETY: writable by the caller's word.
        unsafe { position.write(pushed) };
        Ok(())
    })
}

/// Pushes the first of `count` items, as many as fit, in order and in neighbouring positions:
/// `first` becomes the first's position, `accepted` how many. OK if that is at least one, or
/// `count` is 0. Otherwise as `finbox_work_ring_push`.
///
/// # Safety
/// `ring` points to a work ring's storage, `items` to `count` items that nobody writes, `first` and
/// `accepted` to numbers; all live until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_work_ring_push_batch(
    ring: *mut finbox_work_ring,
    items: *const finbox_work_item,
    count: u32,
    first: *mut u64,
    accepted: *mut u32,
) -> finbox_status {
    guard(|| {
        not_null(first, "first")?;
        not_null(accepted, "accepted")?;
        // SAFETY: handed on to the caller; the layouts are the same, as is asserted above.
        let items = unsafe { all_at(items.cast::<WorkItem>(), count as usize, "items") }?;
        // SAFETY: handed on to the caller.
        let ring = unsafe { ring_at(ring) }?;
        let positions = ring.push_batch(items);
        if positions.is_empty() && count > 0 {
            let slots = ring.slots();
            return Err(refusal(&ring, WorkFull { slots }));
        }
        // SAFETY: writable by the caller's word.
        unsafe { first.write(positions.start) };
        let pushed = positions.end - positions.start;
        // SAFETY: as above.
        unsafe { accepted.write(u32::try_from(pushed).expect("at most `count`")) };
        Ok(())
    })
}

/// Has every further push refused: workers get CLOSED when everything in the ring was taken, and
/// may go. Any thread; a push beside it is before it, or gets CLOSED.
///
/// # Safety
/// `ring` points to a work ring's storage that lives until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_work_ring_close(ring: *mut finbox_work_ring) -> finbox_status {
    guard(|| {
        // SAFETY: handed on to the caller.
        unsafe { ring_at(ring) }?.close();
        Ok(())
    })
}

/// Whether the item of `position` was finished: `is_done` becomes 1 or 0, and is right for ever,
/// also when its slot was used again. If 1, what its worker did before is visible. Any thread.
///
/// # Safety
/// `ring` points to a work ring's storage, `is_done` to a number; both live until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_work_ring_is_done(
    ring: *mut finbox_work_ring,
    position: u64,
    is_done: *mut u32,
) -> finbox_status {
    guard(|| {
        not_null(is_done, "is_done")?;
        // SAFETY: handed on to the caller.
        let found = unsafe { ring_at(ring) }?.is_done(position);
        // SAFETY: writable by the caller's word.
        unsafe { is_done.write(found.into()) };
        Ok(())
    })
}

/// Who has `position`: `holder` becomes the name of the worker that is taking it, or holds it, or
/// died with it; 0 if there is none. Any thread.
///
/// # Safety
/// `ring` points to a work ring's storage, `holder` to a number; both live until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_work_ring_holder(
    ring: *mut finbox_work_ring,
    position: u64,
    holder: *mut u32,
) -> finbox_status {
    guard(|| {
        not_null(holder, "holder")?;
        // SAFETY: handed on to the caller.
        let found = unsafe { ring_at(ring) }?.holder(position);
        // SAFETY: writable by the caller's word.
        unsafe { holder.write(found.map_or(0, NonZeroU32::get)) };
        Ok(())
    })
}

/// How many items were pushed and not finished: a statistic, right when nobody moves. Any thread.
///
/// # Safety
/// `ring` points to a work ring's storage, `in_flight` to a number; both live until the call
/// returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_work_ring_in_flight(
    ring: *mut finbox_work_ring,
    in_flight: *mut u64,
) -> finbox_status {
    guard(|| {
        not_null(in_flight, "in_flight")?;
        // SAFETY: handed on to the caller.
        let found = unsafe { ring_at(ring) }?.in_flight();
        // SAFETY: writable by the caller's word.
        unsafe { in_flight.write(found) };
        Ok(())
    })
}

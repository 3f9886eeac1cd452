//! The receiving end across the ABI: where it comes from, its life, and what it says of itself.
//! Taking messages is `drain.rs`.

use core::ffi::c_void;
use core::num::NonZeroU32;
use core::ptr::NonNull;

use finbox_abi::{Answer, Versioned, no_extension, not_null, only, read};
use finbox_mailbox::{
    Consumer, Line, Occupant, Occupied, PlaceError, Producer, Sharing, place_occupied, region_lines,
};

use crate::edition::guard;
use crate::handle::{Handle, finbox_consumer};
use crate::problem::Problem;
use crate::status::finbox_status;
use crate::wire::{FINBOX_LINE_BYTES, FINBOX_MAX_PRODUCERS};

/// Flag of `finbox_place_args`: no other process maps the memory, and producers are made with
/// `finbox_producer_open` alone. Messages then cost a little less.
pub const FINBOX_PLACE_OWN: u64 = 1;

/// What `finbox_mailbox_place` wants to know.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct finbox_place_args {
    /// `FINBOX_PLACE_ARGS_SIZE`.
    pub struct_size: usize,
    /// Null: no extension exists yet.
    pub next: *const c_void,
    /// The memory, on a 64-byte boundary; it may hold anything.
    pub memory: *mut c_void,
    /// How large it is: at least what `finbox_mailbox_bytes` says. What is beyond the slots
    /// serves as claim lines, up to 64.
    pub size_bytes: usize,
    /// First position, 0 unless a test wants another.
    pub start: u64,
    /// Capacity in messages: a power of two of at least 2.
    pub slots: u32,
    /// Epoch of the run: messages bear it, and another run's are told apart by it.
    pub epoch: u32,
    /// Name of the consumer, such as a process id: who places here next is refused with it. 0 is
    /// taken as all ones.
    pub name: u32,
    /// Name of the consumer that is replaced because it is known dead; 0 for none.
    pub instead_of: u32,
    /// A sum of `FINBOX_PLACE_*`.
    pub flags: u64,
}

// SAFETY: integers and pointers, 64 bytes without padding.
unsafe impl Versioned for finbox_place_args {
    const NAME: &'static str = "finbox_place_args";
    const MINIMUM: usize = 64;
}

/// Where delivery stands still, and who may have left it so.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct finbox_gap {
    /// `FINBOX_GAP_SIZE`, set by the caller.
    pub struct_size: usize,
    /// The position that is claimed and not published.
    pub position: u64,
    /// 1 if there is a gap, else 0 and all else is 0.
    pub is_gap: u32,
    /// Name of the producer that claimed it; 0 if it has none.
    pub claimer: u32,
    /// How many other producers announced the position as well and may be the ones.
    pub others: u32,
    /// 0.
    pub reserved: u32,
}

// SAFETY: integers, 32 bytes without padding.
unsafe impl Versioned for finbox_gap {
    const NAME: &'static str = "finbox_gap";
    const MINIMUM: usize = 32;
}

/// What a consumer has seen so far.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct finbox_stats {
    /// `FINBOX_STATS_SIZE`, set by the caller.
    pub struct_size: usize,
    /// Messages taken, the malformed ones among them.
    pub taken: u64,
    /// Messages that were no message of this run.
    pub malformed: u64,
    /// Positions that a recovery found missing.
    pub missing: u64,
    /// Capacity in messages.
    pub slots: u32,
    /// Epoch of the run.
    pub epoch: u32,
    /// Messages claimed and not yet taken; stale when it arrives.
    pub depth_hint: u32,
    /// 1 once condemned.
    pub is_condemned: u32,
}

// SAFETY: integers, 48 bytes without padding.
unsafe impl Versioned for finbox_stats {
    const NAME: &'static str = "finbox_stats";
    const MINIMUM: usize = 48;
}

/// What a consumer's storage holds.
pub(crate) struct Consuming {
    pub(crate) consumer: Consumer<'static>,
    /// What producers of this run are copies of.
    pub(crate) producer: Producer<'static>,
    pub(crate) taken: u64,
    pub(crate) malformed: u64,
    pub(crate) missing: u64,
    /// Last: the header says "gone" when all else is.
    _occupied: Occupied<'static>,
}

/// How many bytes a mailbox of `slots` messages needs, with claim lines for `producers` that have
/// names, 0 to 64. Any thread.
///
/// # Safety
/// `bytes` points to a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_mailbox_bytes(
    slots: u32,
    producers: u32,
    bytes: *mut usize,
) -> finbox_status {
    guard(|| {
        not_null(bytes, "bytes")?;
        if !slots.is_power_of_two() || slots < 2 {
            return Err(PlaceError::Slots { slots }.into());
        }
        if producers > FINBOX_MAX_PRODUCERS {
            return Err(Problem::Producers { producers });
        }
        let lines = region_lines(slots) + producers as usize;
        // SAFETY: writable by the caller's word.
        unsafe { bytes.write(lines * FINBOX_LINE_BYTES) };
        Ok(())
    })
}

/// Places a mailbox on memory of the caller's, and makes `consumer` its only receiving end.
///
/// OCCUPIED if a mailbox stands there whose consumer has neither been destroyed nor is the one that
/// is replaced; ATTACHED if it is condemned and has producers that have neither left nor been
/// buried. The memory is the library's until `consumer` is destroyed and every producer has left.
///
/// # Safety
/// `args` points to what its size says. Its memory is readable and writable for as long as it is
/// the library's, and nobody reads or writes it but through this library and by atomics.
/// `consumer` points to storage that lives until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_mailbox_place(
    args: *const finbox_place_args,
    consumer: *mut finbox_consumer,
) -> finbox_status {
    guard(|| {
        // SAFETY: handed on to the caller.
        let args = unsafe { read(args) }?;
        no_extension(args.next, finbox_place_args::NAME)?;
        only(FINBOX_PLACE_OWN, args.flags)?;
        let memory = args.memory.cast::<Line>();
        not_null(memory, "memory")?;
        // SAFETY: handed on to the caller.
        let consumer = unsafe { Handle::at(consumer) }?;
        let reserved = consumer.reserve()?;
        let base = NonNull::new(memory).expect("seen above");
        let lines = args.size_bytes / FINBOX_LINE_BYTES;
        let sharing = match args.flags & FINBOX_PLACE_OWN {
            0 => Sharing::Shared,
            _ => Sharing::Own,
        };
        let occupant = Occupant {
            name: NonZeroU32::new(args.name).unwrap_or(NonZeroU32::MAX),
            instead_of: NonZeroU32::new(args.instead_of),
        };
        let (start, slots) = ((args.start, args.epoch), args.slots);
        // SAFETY: live for as long as the handles, and nobody else's, by the caller's word.
        let placed = unsafe { place_occupied(base, lines, slots, sharing, start, occupant) };
        let (producer, consumer, occupied) = placed?;
        reserved.fill(Consuming {
            consumer,
            producer,
            taken: 0,
            malformed: 0,
            missing: 0,
            _occupied: occupied,
        });
        Ok(())
    })
}

/// Gives the mailbox up: what was not drained is lost, and another consumer may be placed on the
/// memory. The storage serves again.
///
/// Refused with BUSY while another thread uses `consumer`.
///
/// # Safety
/// `consumer` points to storage that lives until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_consumer_destroy(consumer: *mut finbox_consumer) -> finbox_status {
    guard(|| {
        // SAFETY: handed on to the caller.
        let consumer = unsafe { Handle::at(consumer) }?;
        consumer.lock()?.destroy();
        Ok(())
    })
}

/// Whether delivery stands still, where, and who may have left it so. For an instant that is
/// ordinary; a gap that lasts is a producer that died or hangs.
///
/// Refused with BUSY while another thread uses `consumer`.
///
/// # Safety
/// `consumer` points to a consumer's storage, `gap` to what its size says; both live until the call
/// returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_consumer_gap(
    consumer: *mut finbox_consumer,
    gap: *mut finbox_gap,
) -> finbox_status {
    guard(|| {
        // SAFETY: handed on to the caller.
        let answer = unsafe { Answer::at(gap) }?;
        // SAFETY: handed on to the caller.
        let consumer = unsafe { Handle::at(consumer) }?;
        let found = consumer.lock()?.consumer.gap();
        let claimers = found.map(|gap| gap.claimers).unwrap_or_default();
        answer.put(&finbox_gap {
            struct_size: size_of::<finbox_gap>(),
            position: found.map_or(0, |gap| gap.position),
            is_gap: found.is_some().into(),
            claimer: claimers.name.map_or(0, NonZeroU32::get),
            others: claimers.others,
            reserved: 0,
        });
        Ok(())
    })
}

/// Condemns the mailbox: every push was before this, or is refused for good. Then recover what is
/// in it, bury who died, wait until the others have left, destroy `consumer` and place anew.
///
/// Refused with BUSY while another thread uses `consumer`.
///
/// # Safety
/// `consumer` points to a consumer's storage that lives until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_consumer_condemn(consumer: *mut finbox_consumer) -> finbox_status {
    guard(|| {
        // SAFETY: handed on to the caller.
        let consumer = unsafe { Handle::at(consumer) }?;
        consumer.lock()?.consumer.condemn();
        Ok(())
    })
}

/// Gives back the claim lines of the producers called `name`, which are known dead; `buried`,
/// unless null, becomes how many there were.
///
/// Refused with BUSY while another thread uses `consumer`.
///
/// # Safety
/// `consumer` points to a consumer's storage that lives until the call returns; `buried` is null or
/// points to a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_consumer_bury(
    consumer: *mut finbox_consumer,
    name: u32,
    buried: *mut u32,
) -> finbox_status {
    guard(|| {
        let name = NonZeroU32::new(name).ok_or(Problem::Nameless)?;
        if !buried.is_null() {
            not_null(buried, "buried")?;
        }
        // SAFETY: handed on to the caller.
        let consumer = unsafe { Handle::at(consumer) }?;
        let count = consumer.lock()?.consumer.bury(name);
        if !buried.is_null() {
            // SAFETY: writable by the caller's word.
            unsafe { buried.write(count) };
        }
        Ok(())
    })
}

/// Ends a run: from here on messages bear `epoch`. Positions go on and nothing is zeroed.
///
/// Every producer must be at rest and be made anew afterwards: what an old one still pushes bears
/// the old epoch and arrives as malformed. UNDRAINED while there are messages. Refused with BUSY
/// while another thread uses `consumer`.
///
/// # Safety
/// `consumer` points to a consumer's storage that lives until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_consumer_reset(
    consumer: *mut finbox_consumer,
    epoch: u32,
) -> finbox_status {
    guard(|| {
        // SAFETY: handed on to the caller.
        let consumer = unsafe { Handle::at(consumer) }?;
        let mut held = consumer.lock()?;
        held.producer = held.consumer.reset(epoch)?;
        Ok(())
    })
}

/// What the consumer has seen so far.
///
/// Refused with BUSY while another thread uses `consumer`.
///
/// # Safety
/// `consumer` points to a consumer's storage, `stats` to what its size says; both live until the
/// call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_consumer_stats(
    consumer: *mut finbox_consumer,
    stats: *mut finbox_stats,
) -> finbox_status {
    guard(|| {
        // SAFETY: handed on to the caller.
        let answer = unsafe { Answer::at(stats) }?;
        // SAFETY: handed on to the caller.
        let consumer = unsafe { Handle::at(consumer) }?;
        let held = consumer.lock()?;
        answer.put(&finbox_stats {
            struct_size: size_of::<finbox_stats>(),
            taken: held.taken,
            malformed: held.malformed,
            missing: held.missing,
            slots: held.consumer.slots(),
            epoch: held.consumer.epoch(),
            depth_hint: held.consumer.depth_hint(),
            is_condemned: held.consumer.is_condemned().into(),
        });
        Ok(())
    })
}

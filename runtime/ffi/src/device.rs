//! Device libraries for C programs: a machine opened, its memory, its kernels, its ports.
//!
//! Guarantees: what the loader of the runtime guarantees: a library is refused in words before
//! anything of it is used, and one whose function panics or throws ends the process with its name.
//! Refuses ranks that are none. A scheduler is placed over a machine's port like over any other.
//! Not in firmware.

use core::ffi::c_void;
use core::slice;

use ::finbox_scheduler::{ConfigError, Target};
use finbox_abi::{
    Answer, Versioned, finbox_extension, finbox_op, finbox_port, finbox_text, not_null, read,
};
use finbox_runtime::Machine;
use finbox_runtime::plugin::{DeviceLibrary, OpenOptions, PluginMachine};

use crate::edition::{guard, refuse_with};
use crate::given::{all_at, countable};
use crate::handle::{Handle, Storage};
use crate::problem::Problem;
use crate::scheduler::outside;
use crate::status::finbox_status;
use crate::tenants::Landlord;
use crate::version::{FINBOX_TARGET_A2A3, FINBOX_TARGET_A5, target_of};

/// Storage for a machine behind a device library. All zero before it is first used, and never
/// copied or moved while it is a handle.
#[derive(Debug)]
#[repr(C)]
pub struct finbox_device {
    /// The library's.
    pub opaque: [u64; 8],
}

/// What a device's storage holds.
pub(crate) struct Opened {
    /// There until it is closed.
    machine: Option<Box<PluginMachine>>,
    /// How schedulers on its ports are known.
    landlord: Landlord,
}

impl Storage for finbox_device {
    type Body = Opened;
    const NAME: &'static str = "device";
    const KIND: u64 = u64::from_le_bytes(*b"\0FBdevi\xA5");
}

const _: () = assert!(
    size_of::<Handle<finbox_device>>() <= size_of::<finbox_device>()
        && align_of::<Handle<finbox_device>>() <= align_of::<finbox_device>(),
    "a device's handle fits its storage"
);

/// Which machine is wanted. 0: as its library likes.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct finbox_device_args {
    /// `FINBOX_DEVICE_ARGS_SIZE`.
    pub struct_size: usize,
    /// Null: no extension exists yet.
    pub next: *const finbox_extension,
    /// The device library: a path, or a name to be looked for as the guide says; empty: what the
    /// environment's `FINBOX_DEVICE` names. Read until the call returns.
    pub library: finbox_text,
    /// The library's own options, in its own words. Read until the call returns.
    pub options: finbox_text,
    /// Chip family: a `FINBOX_TARGET_*`.
    pub target: u32,
    /// Ranks, each a chip with memory of its own, 1 to 64.
    pub ranks: u32,
    /// Cores of a rank, cubes and vectors, at most the chip's.
    pub cores: u32,
    /// DMA queues of a rank, or more.
    pub dma_queues: u32,
    /// Bytes of memory of a rank, or more.
    pub memory_bytes: u64,
}

// SAFETY: integers and pointers, without padding.
unsafe impl Versioned for finbox_device_args {
    const NAME: &'static str = "finbox_device_args";
    const MINIMUM: usize = 6 * size_of::<usize>() + 24;
}

/// What an opened machine is. It never changes; its texts live until the device is closed.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct finbox_device_facts {
    /// `FINBOX_DEVICE_FACTS_SIZE`, set by the caller.
    pub struct_size: usize,
    /// The device library's name.
    pub name: finbox_text,
    /// The device library's own version.
    pub version: finbox_text,
    /// Chip family: a `FINBOX_TARGET_*`.
    pub target: u32,
    /// Ranks, counted from 0.
    pub ranks: u32,
    /// Cubes and vectors of a rank: `cores` of a scheduler on it.
    pub cores: u32,
    /// Host lanes of a rank: `host_lanes` of a scheduler on it.
    pub host_lanes: u32,
    /// DMA queues of a rank.
    pub dma_queues: u32,
    /// 1 if the control CPU sees without a refresh what cores and DMA wrote.
    pub is_coherent: u32,
    /// Bytes of memory of a rank that can be allocated.
    pub memory_bytes: u64,
    /// What its cores can do: bit `n` for the `finbox_op_kind` with the number `n`.
    pub operations: u64,
    /// Optional features of its library: a sum of `FINBOX_FEATURE_*`, and perhaps others.
    pub features: u64,
}

// SAFETY: integers and pointers, without padding.
unsafe impl Versioned for finbox_device_facts {
    const NAME: &'static str = "finbox_device_facts";
    const MINIMUM: usize = 5 * size_of::<usize>() + 40;
}

impl Opened {
    pub(crate) fn machine(&self) -> &PluginMachine {
        let machine = self.machine.as_deref();
        machine.expect("a handle that is in use is open")
    }

    /// Refuses a rank that is none.
    pub(crate) fn rank(&self, rank: u32) -> Result<u32, Problem> {
        let ranks = self.machine().facts().ranks;
        if rank < ranks {
            return Ok(rank);
        }
        Err(Problem::from(ConfigError::Range {
            what: "rank",
            value: rank.into(),
            least: 0,
            most: u64::from(ranks) - 1,
        }))
    }
}

/// The number of a chip family.
fn number_of(target: &Target) -> u32 {
    match target_of(FINBOX_TARGET_A2A3) {
        Ok(a2a3) if a2a3 == target => FINBOX_TARGET_A2A3,
        _ => FINBOX_TARGET_A5,
    }
}

/// What a device library or its machine said.
pub(crate) fn refused(why: impl core::fmt::Display) -> Problem {
    refuse_with(finbox_status::Device, &why)
}

/// A number of cores that there could be.
fn cores(cores: u32) -> Result<u16, Problem> {
    u16::try_from(cores).map_err(|_| {
        Problem::from(ConfigError::Range {
            what: "cores",
            value: cores.into(),
            least: 0,
            most: u16::MAX.into(),
        })
    })
}

/// The text that a caller gave.
///
/// # Safety
/// It is null, or `length` bytes that live, and stay as they are, for `'t`.
pub(crate) unsafe fn text_of<'t>(
    text: finbox_text,
    what: &'static str,
) -> Result<&'t str, Problem> {
    countable::<u8>(what, text.length)?;
    // SAFETY: handed on to the caller.
    let bytes = unsafe { text.bytes() };
    core::str::from_utf8(bytes).map_err(|error| {
        let why = format_args!("{what}: {error}");
        refuse_with(finbox_status::InvalidArgument, &why)
    })
}

/// Loads a device library and opens a machine with it. The library's code runs in this process:
/// whoever names it trusts it like the program itself.
///
/// DEVICE if there is no such library, it does not keep the contract of `finbox_device.h`, or it
/// opens no such machine: the last error says which, and what to do. UNSUPPORTED with an extension.
/// Blocks for as long as the library does. Any thread. Not in firmware.
///
/// # Safety
/// `args` points to what its size says with texts that live until the call returns, `device` to
/// storage that lives until it is closed. The library keeps its contract.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_device_open(
    args: *const finbox_device_args,
    device: *mut finbox_device,
) -> finbox_status {
    guard(|| {
        outside()?;
        // SAFETY: handed on to the caller.
        let args = unsafe { read(args) }?;
        finbox_abi::no_extension(args.next.cast(), finbox_device_args::NAME)?;
        // SAFETY: handed on to the caller.
        let handle = unsafe { Handle::at(device) }?;
        let reserved = handle.reserve()?;
        // SAFETY: handed on to the caller.
        let name = unsafe { text_of(args.library, "library") }?;
        let options = OpenOptions {
            target: match args.target {
                0 => None,
                number => Some(target_of(number)?),
            },
            ranks: args.ranks,
            cores: cores(args.cores)?,
            dma_queues: args.dma_queues,
            memory_bytes: args.memory_bytes,
            // SAFETY: handed on to the caller.
            options: unsafe { text_of(args.options, "options") }?.to_owned(),
        };
        let library = match name {
            "" => DeviceLibrary::from_env(),
            name => DeviceLibrary::load(name),
        };
        let library = library.map_err(refused)?;
        let machine = PluginMachine::open(&library, &options).map_err(refused)?;
        let ranks = 0..machine.facts().ranks;
        let landlord = Landlord::of(ranks.map(|rank| machine.table(rank)));
        let machine = Some(Box::new(machine));
        reserved.fill(Opened { machine, landlord });
        Ok(())
    })
}

/// Ends a machine; its library is unloaded with the last machine of it. BUSY, with the rank, while
/// a scheduler lives on one of its ports as `finbox_device_port` gave it: destroy that first, and
/// one on a port that wraps another yourself. No other call may be inside. The storage serves
/// again, also if this answers DEVICE: then the machine did not end well, and its library stays
/// loaded.
///
/// # Safety
/// `device` points to a device's storage that lives until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_device_close(device: *mut finbox_device) -> finbox_status {
    guard(|| {
        outside()?;
        // SAFETY: handed on to the caller.
        let mut held = unsafe { Handle::at(device) }?.lock()?;
        held.landlord.leave()?;
        let closed = held.machine.take().map(|machine| machine.close());
        held.destroy();
        closed.unwrap_or(Ok(())).map_err(refused)
    })
}

/// What a machine is. Any thread.
///
/// # Safety
/// `device` points to a device's storage, `facts` to what its size says; both live until the call
/// returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_device_describe(
    device: *mut finbox_device,
    facts: *mut finbox_device_facts,
) -> finbox_status {
    guard(|| {
        // SAFETY: handed on to the caller.
        let answer = unsafe { Answer::at(facts) }?;
        // SAFETY: handed on to the caller.
        let opened = unsafe { opened(device) }?;
        let (library, facts) = (
            opened.machine().library().describe(),
            opened.machine().facts(),
        );
        answer.put(&finbox_device_facts {
            struct_size: size_of::<finbox_device_facts>(),
            name: finbox_text::of(&library.name),
            version: finbox_text::of(&library.version),
            target: number_of(facts.target),
            ranks: facts.ranks,
            cores: facts.cores.into(),
            host_lanes: facts.host_lanes.into(),
            dma_queues: facts.dma_queues,
            is_coherent: facts.is_coherent.into(),
            memory_bytes: facts.memory_bytes,
            operations: facts.operations,
            features: library.features,
        });
        Ok(())
    })
}

/// The port of a rank, for `finbox_scheduler_place`: valid until the device is closed. A rank has
/// one scheduler at a time. INVALID_ARGUMENT if there is no such rank. Any thread.
///
/// # Safety
/// `device` points to a device's storage, `port` to what its size says; both live until the call
/// returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_device_port(
    device: *mut finbox_device,
    rank: u32,
    port: *mut finbox_port,
) -> finbox_status {
    guard(|| {
        // SAFETY: handed on to the caller.
        let answer = unsafe { Answer::at(port) }?;
        // SAFETY: handed on to the caller.
        let opened = unsafe { opened(device) }?;
        answer.put(opened.machine().table(opened.rank(rank)?));
        Ok(())
    })
}

/// Gives out zeroed memory of a rank, at a multiple of `align`, a power of two: readable by its
/// control CPU, its cores, and its peers' cores and DMA. `address` becomes its device address.
/// Any thread.
///
/// # Safety
/// `device` points to a device's storage, `address` to a number; both live until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_device_allocate(
    device: *mut finbox_device,
    rank: u32,
    size_bytes: u64,
    align: u64,
    address: *mut u64,
) -> finbox_status {
    guard(|| {
        outside()?;
        not_null(address, "address")?;
        if !align.is_power_of_two() {
            let why = format!("align: {align} is not a power of two");
            return Err(refuse_with(finbox_status::InvalidArgument, &why));
        }
        // SAFETY: handed on to the caller.
        let opened = unsafe { opened(device) }?;
        let rank = opened.rank(rank)?;
        let given = opened.machine().allocate(rank, size_bytes, align);
        // SAFETY: writable by the caller's word.
        unsafe { address.write(given.map_err(refused)?) };
        Ok(())
    })
}

/// Takes memory of a rank back, by the address that was given out. Any thread.
///
/// # Safety
/// `device` points to a device's storage that lives until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_device_release(
    device: *mut finbox_device,
    rank: u32,
    address: u64,
) -> finbox_status {
    guard(|| {
        outside()?;
        // SAFETY: handed on to the caller.
        let opened = unsafe { opened(device) }?;
        let rank = opened.rank(rank)?;
        opened.machine().release(rank, address).map_err(refused)
    })
}

/// Copies `size_bytes` at `from` to device memory that was given out; kernels that start afterwards
/// see them. Any thread.
///
/// # Safety
/// `device` points to a device's storage, `from` to so many bytes; both live until the call
/// returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_device_copy_in(
    device: *mut finbox_device,
    address: u64,
    from: *const c_void,
    size_bytes: usize,
) -> finbox_status {
    guard(|| {
        outside()?;
        not_null(from.cast::<u8>(), "from")?;
        countable::<u8>("size_bytes", size_bytes)?;
        // SAFETY: handed on to the caller.
        let opened = unsafe { opened(device) }?;
        // SAFETY: so many bytes, by the caller's word.
        let bytes = unsafe { slice::from_raw_parts(from.cast(), size_bytes) };
        opened.machine().copy_in(address, bytes).map_err(refused)
    })
}

/// Copies `size_bytes` of device memory that was given out to `to`: what kernels wrote before their
/// FIN is there. Any thread.
///
/// # Safety
/// `device` points to a device's storage, `to` to room for so many bytes; both live until the call
/// returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_device_copy_out(
    device: *mut finbox_device,
    to: *mut c_void,
    address: u64,
    size_bytes: usize,
) -> finbox_status {
    guard(|| {
        outside()?;
        not_null(to.cast::<u8>(), "to")?;
        countable::<u8>("size_bytes", size_bytes)?;
        // SAFETY: handed on to the caller.
        let opened = unsafe { opened(device) }?;
        // SAFETY: room for so many bytes, by the caller's word, and nobody else's meanwhile.
        let bytes = unsafe { slice::from_raw_parts_mut(to.cast(), size_bytes) };
        opened.machine().copy_out(bytes, address).map_err(refused)
    })
}

/// Makes a kernel of `count` operations for the cores of a rank; `kernel` becomes what tasks name
/// it by. One without operations, for which `ops` may be null, ends at once. Any thread.
///
/// # Safety
/// `device` points to a device's storage, `ops` to `count` operations, `kernel` to a number; all
/// live until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_device_load_kernel(
    device: *mut finbox_device,
    rank: u32,
    ops: *const finbox_op,
    count: usize,
    kernel: *mut u64,
) -> finbox_status {
    guard(|| {
        outside()?;
        // SAFETY: handed on to the caller.
        let list = unsafe { all_at(ops, count, "ops") }?;
        not_null(kernel, "kernel")?;
        // SAFETY: handed on to the caller.
        let opened = unsafe { opened(device) }?;
        let rank = opened.rank(rank)?;
        let loaded = opened.machine().load_kernel(rank, list).map_err(refused)?;
        // SAFETY: writable by the caller's word.
        unsafe { kernel.write(loaded) };
        Ok(())
    })
}

/// The machine in a handle, for a call that may be one of several.
///
/// # Safety
/// `device` is null, misaligned, or points to storage that lives, and is not closed, until the
/// reference is gone.
pub(crate) unsafe fn opened<'d>(device: *mut finbox_device) -> Result<&'d Opened, Problem> {
    // SAFETY: handed on to the caller.
    let handle = unsafe { Handle::at(device) }?;
    // SAFETY: handed on to the caller.
    unsafe { handle.shared() }
}

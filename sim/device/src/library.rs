//! The exported function, and the table behind it.
//!
//! Guarantees: arguments are looked at before anything is done; every function of the table is
//! guarded, so that a panic becomes a number. Called by whoever loads the library.

use std::ffi::c_void;
use std::slice;

use finbox_abi::{
    Answer, FINBOX_DEVICE_ABI_MAJOR, FINBOX_DEVICE_ABI_MINOR, finbox_device_host,
    finbox_device_library, finbox_machine, finbox_op, finbox_op_kind, finbox_open_args,
    finbox_port, finbox_text, not_null, read, read_newer,
};
use finbox_runtime::{Machine, MachineFacts};
use finbox_sim::machine::{SimMachine, Wanted};

use crate::machines;
use crate::refused::{Refused, guard, last};

/// Most bytes that somebody's options can have.
const MOST_OPTION_BYTES: usize = 1 << 16;

/// Most bytes that are copied at once: the memory of a rank.
const MOST_COPIED_BYTES: u64 = 1 << 28;

/// Why no table was given out. Both live for ever.
const NO_HOST: &str = "the program's finbox_device_host is null, misaligned or no such struct";
const OTHER_VERSION: &str = "this library was built with version 1 of the contract, and the \
                             program with another one: build both with the same";

const _: () = assert!(
    FINBOX_DEVICE_ABI_MAJOR == 1,
    "the refusal names the version"
);

static LIBRARY: finbox_device_library = finbox_device_library {
    struct_size: size_of::<finbox_device_library>(),
    abi_major: FINBOX_DEVICE_ABI_MAJOR,
    abi_minor: FINBOX_DEVICE_ABI_MINOR,
    name: finbox_text::of("finbox simulator"),
    version: finbox_text::of(env!("CARGO_PKG_VERSION")),
    operations: (1 << finbox_op_kind::ALL.len()) - 1,
    features: 0,
    extensions: std::ptr::null(),
    open: Some(open),
    close: Some(close),
    port: Some(port),
    allocate: Some(allocate),
    release: Some(release),
    copy_in: Some(copy_in),
    copy_out: Some(copy_out),
    load_kernel: Some(load_kernel),
    last_error: Some(last_error),
};

/// Returns the simulator's table, or null, and then why in `refusal`.
///
/// # Safety
/// `host` is null, misaligned, or points to as many bytes as the struct there says; `refusal` is
/// null, misaligned, or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn finbox_device_query(
    host: *const finbox_device_host,
    refusal: *mut finbox_text,
) -> *const finbox_device_library {
    // SAFETY: handed on to the caller.
    let why = match unsafe { read_newer(host) } {
        Ok(host) if host.abi_major == FINBOX_DEVICE_ABI_MAJOR => return &raw const LIBRARY,
        Ok(_) => OTHER_VERSION,
        Err(_) => NO_HOST,
    };
    if not_null(refusal, "refusal").is_ok() {
        // SAFETY: neither null nor misaligned, so it may be written by the caller's word.
        unsafe { refusal.write(finbox_text::of(why)) };
    }
    std::ptr::null()
}

unsafe extern "C-unwind" fn open(
    args: *const finbox_open_args,
    machine: *mut finbox_machine,
) -> i32 {
    guard(|| {
        // SAFETY: the contract's: null, misaligned, or as many bytes as it says.
        let args = unsafe { read(args) }?;
        // SAFETY: the contract's: null, misaligned, or as many bytes as it says.
        let answer = unsafe { Answer::at(machine) }?;
        let length = args.options.length;
        few("bytes of options", length as u64, MOST_OPTION_BYTES as u64)?;
        // SAFETY: the contract's: a text that lives until the call returns.
        let options = unsafe { args.options.bytes() };
        let options = str::from_utf8(options).map_err(|_| Refused::NoText("options"))?;
        let opened = SimMachine::open(&Wanted {
            target: args.target,
            ranks: args.ranks,
            cores: args.cores,
            dma_queues: args.dma_queues,
            memory_bytes: args.memory_bytes,
            options,
        })?;
        let facts = opened.facts();
        answer.put(&description(&facts, machines::enter(opened)));
        Ok(())
    })
}

/// What a machine is, for C.
fn description(facts: &MachineFacts, context: *mut c_void) -> finbox_machine {
    finbox_machine {
        struct_size: size_of::<finbox_machine>(),
        context,
        target: SimMachine::family(facts.target),
        ranks: facts.ranks,
        cores: facts.cores.into(),
        host_lanes: facts.host_lanes.into(),
        dma_queues: facts.dma_queues,
        is_coherent: facts.is_coherent.into(),
        memory_bytes: facts.memory_bytes,
    }
}

unsafe extern "C-unwind" fn close(context: *mut c_void) -> i32 {
    guard(|| machines::leave(context).map(drop))
}

unsafe extern "C-unwind" fn port(context: *mut c_void, rank: u32, port: *mut finbox_port) -> i32 {
    guard(|| {
        let opened = machines::of(context)?;
        // SAFETY: the contract's: null, misaligned, or as many bytes as it says.
        let answer = unsafe { Answer::at(port) }?;
        opened.machine.check_rank(rank)?;
        answer.put(&opened.ports[rank as usize].table());
        Ok(())
    })
}

unsafe extern "C-unwind" fn allocate(
    context: *mut c_void,
    rank: u32,
    size_bytes: u64,
    align: u64,
    address: *mut u64,
) -> i32 {
    guard(|| {
        let opened = machines::of(context)?;
        not_null(address, "address")?;
        let given = opened.machine.allocate(rank, size_bytes, align)?;
        // SAFETY: neither null nor misaligned, so it may be written by the contract.
        unsafe { address.write(given) };
        Ok(())
    })
}

unsafe extern "C-unwind" fn release(context: *mut c_void, rank: u32, address: u64) -> i32 {
    guard(|| Ok(machines::of(context)?.machine.release(rank, address)?))
}

unsafe extern "C-unwind" fn copy_in(
    context: *mut c_void,
    address: u64,
    from: *const c_void,
    size_bytes: u64,
) -> i32 {
    guard(|| {
        let opened = machines::of(context)?;
        let count = copied("from", from, size_bytes)?;
        if count == 0 {
            return Ok(opened.machine.copy_in(address, &[])?);
        }
        // SAFETY: not null, and so many bytes may be read, by the contract.
        let bytes = unsafe { slice::from_raw_parts(from.cast(), count) };
        Ok(opened.machine.copy_in(address, bytes)?)
    })
}

unsafe extern "C-unwind" fn copy_out(
    context: *mut c_void,
    to: *mut c_void,
    address: u64,
    size_bytes: u64,
) -> i32 {
    guard(|| {
        let opened = machines::of(context)?;
        let count = copied("to", to, size_bytes)?;
        // Bytes that nobody wrote yet are none that a slice may have.
        let mut bytes = vec![0_u8; count];
        opened.machine.copy_out(&mut bytes, address)?;
        if count > 0 {
            // SAFETY: so many bytes may be written there, by the contract; none is the vector's.
            unsafe { bytes.as_ptr().copy_to_nonoverlapping(to.cast(), count) };
        }
        Ok(())
    })
}

/// How many bytes are copied from or to `at`, which may be null if there are none.
fn copied(what: &'static str, at: *const c_void, size_bytes: u64) -> Result<usize, Refused> {
    few("bytes", size_bytes, MOST_COPIED_BYTES)?;
    if size_bytes > 0 {
        not_null(at, what)?;
    }
    Ok(usize::try_from(size_bytes).expect("no more than 256 MiB"))
}

const fn few(what: &'static str, count: u64, most: u64) -> Result<(), Refused> {
    if count <= most {
        return Ok(());
    }
    Err(Refused::TooMany { what, count, most })
}

unsafe extern "C-unwind" fn load_kernel(
    context: *mut c_void,
    rank: u32,
    ops: *const finbox_op,
    count: usize,
    kernel: *mut u64,
) -> i32 {
    guard(|| {
        let opened = machines::of(context)?;
        not_null(kernel, "kernel")?;
        few(
            "operations",
            count as u64,
            SimMachine::MOST_OPERATIONS as u64,
        )?;
        let mut given: &[finbox_op] = &[];
        if count > 0 {
            not_null(ops, "ops")?;
            // SAFETY: neither null nor misaligned, and so many, by the contract.
            given = unsafe { slice::from_raw_parts(ops, count) };
        }
        let number = opened.machine.load_kernel(rank, given)?;
        // SAFETY: neither null nor misaligned, so it may be written by the contract.
        unsafe { kernel.write(number) };
        Ok(())
    })
}

unsafe extern "C-unwind" fn last_error(text: *mut finbox_text) {
    if not_null(text, "text").is_ok() {
        // SAFETY: neither null nor misaligned, so it may be written by the contract.
        unsafe { text.write(last()) };
    }
}

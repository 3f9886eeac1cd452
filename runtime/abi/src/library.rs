//! A device library's table: what it is, its machine's memory, its kernels, its ports.
//!
//! The library exports one function, [`FINBOX_DEVICE_QUERY`], that returns this table. Called by
//! `runtime/src/plugin`, which checks what is checked in one place.

use core::ffi::{c_char, c_void};

use crate::op::finbox_op;
use crate::port::finbox_port;
use crate::sized::Versioned;

/// The contract's major version: another one is refused.
pub const FINBOX_DEVICE_ABI_MAJOR: u32 = 1;
/// The contract's minor version: fields and bits were appended since a smaller one.
pub const FINBOX_DEVICE_ABI_MINOR: u32 = 1;

/// Text of somebody else: UTF-8, not ended by 0.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct finbox_text {
    /// Its first byte; null if it is empty.
    pub bytes: *const c_char,
    /// How many bytes.
    pub length: usize,
}

/// How much a line of a log matters: values of `log`'s `level`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum finbox_log_level {
    /// Something failed.
    Error = 1,
    /// Something is wrong, and it goes on.
    Warn = 2,
    /// Something that people may want to know.
    Info = 3,
    /// For whoever writes the library.
    Debug = 4,
}

/// What the program that loads a library offers it. Lives as long as the program.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct finbox_device_host {
    /// `FINBOX_DEVICE_HOST_SIZE` of the program.
    pub struct_size: usize,
    /// The program's `FINBOX_DEVICE_ABI_MAJOR`.
    pub abi_major: u32,
    /// The program's `FINBOX_DEVICE_ABI_MINOR`.
    pub abi_minor: u32,
    /// Takes a line of the library's log; `level` is a `finbox_log_level`. Never null. Any thread.
    pub log: Option<unsafe extern "C-unwind" fn(level: u32, text: *const c_char, length: usize)>,
}

/// One link of a chain that later versions hang things on.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct finbox_extension {
    /// The size of the struct that begins with this one.
    pub struct_size: usize,
    /// The next one, or null.
    pub next: *const finbox_extension,
    /// What it is: a `FINBOX_EXTENSION_*`; what is not known is passed over.
    pub kind: u64,
}

/// What a machine is to be. 0: as the library likes.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct finbox_open_args {
    /// `FINBOX_OPEN_ARGS_SIZE`.
    pub struct_size: usize,
    /// A chain of extensions, or null.
    pub next: *const finbox_extension,
    /// The library's own options, as somebody typed them; it refuses what it does not know.
    pub options: finbox_text,
    /// Chip family: 1 a2a3, 2 a5.
    pub target: u32,
    /// Ranks, each a chip with memory of its own, 1 to 64.
    pub ranks: u32,
    /// Cores of a rank, cubes and vectors, at most the chip's.
    pub cores: u32,
    /// DMA queues of a rank.
    pub dma_queues: u32,
    /// Bytes of memory of a rank.
    pub memory_bytes: u64,
}

/// A machine that was opened: what it is.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct finbox_machine {
    /// `FINBOX_MACHINE_SIZE`, set by the program.
    pub struct_size: usize,
    /// The library's; handed to all its functions.
    pub context: *mut c_void,
    /// Chip family: 1 a2a3, 2 a5.
    pub target: u32,
    /// Ranks, 1 to 64.
    pub ranks: u32,
    /// Cubes and vectors of a rank. Core `n` of a cluster of three is a vector, a cube, a vector.
    pub cores: u32,
    /// Lanes for host tasks of a rank, behind its cores.
    pub host_lanes: u32,
    /// DMA queues of a rank.
    pub dma_queues: u32,
    /// Not 0 if the control CPU sees what cores and DMA wrote without a refresh. Where it is 0,
    /// the target must be one whose memory is not coherent.
    pub is_coherent: u32,
    /// Bytes of memory of a rank that can be allocated.
    pub memory_bytes: u64,
}

/// What a library offers. It lives as long as the library is loaded. Functions return 0, or a
/// number of the library's; then `last_error` says on the same thread what happened, and nothing
/// has changed. None may unwind. All may be called from any thread; those that say so not two at
/// once on one machine.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct finbox_device_library {
    /// The size of this table, as the library knows it.
    pub struct_size: usize,
    /// `FINBOX_DEVICE_ABI_MAJOR` of the header that the library was built with.
    pub abi_major: u32,
    /// `FINBOX_DEVICE_ABI_MINOR` of that header.
    pub abi_minor: u32,
    /// Its name.
    pub name: finbox_text,
    /// Its own version.
    pub version: finbox_text,
    /// What its cores can do: bit `n` for the `finbox_op_kind` with the number `n`.
    pub operations: u64,
    /// Optional features: a sum of `FINBOX_FEATURE_*`; bits that are not known are passed over.
    pub features: u64,
    /// A chain of extensions, or null.
    pub extensions: *const finbox_extension,
    /// Opens a machine and describes it. Not two at once.
    pub open: Option<
        unsafe extern "C-unwind" fn(
            args: *const finbox_open_args,
            machine: *mut finbox_machine,
        ) -> i32,
    >,
    /// Ends a machine: no other function is running, and none of its ports is used any more.
    pub close: Option<unsafe extern "C-unwind" fn(context: *mut c_void) -> i32>,
    /// Fills in the port of a rank; valid until the machine is closed.
    pub port: Option<
        unsafe extern "C-unwind" fn(context: *mut c_void, rank: u32, port: *mut finbox_port) -> i32,
    >,
    /// Gives out memory of a rank, at a multiple of `align`, a power of two: zeroed, readable by
    /// its control CPU, by its cores and by its peers' cores and DMA. `address` is not 0.
    pub allocate: Option<
        unsafe extern "C-unwind" fn(
            context: *mut c_void,
            rank: u32,
            size_bytes: u64,
            align: u64,
            address: *mut u64,
        ) -> i32,
    >,
    /// Takes memory of a rank back, by the address that was given out; refuses any other.
    pub release:
        Option<unsafe extern "C-unwind" fn(context: *mut c_void, rank: u32, address: u64) -> i32>,
    /// Copies bytes into memory that was given out; cores that are started afterwards see them, and
    /// the control CPU behind a `refresh`.
    pub copy_in: Option<
        unsafe extern "C-unwind" fn(
            context: *mut c_void,
            address: u64,
            from: *const c_void,
            size_bytes: u64,
        ) -> i32,
    >,
    /// Copies bytes out of memory that was given out: what cores wrote before their FIN is there.
    pub copy_out: Option<
        unsafe extern "C-unwind" fn(
            context: *mut c_void,
            to: *mut c_void,
            address: u64,
            size_bytes: u64,
        ) -> i32,
    >,
    /// Makes a kernel for the cores of a rank, under a number that no other kernel of the rank has;
    /// the operations are to be copied. One without operations ends at once. Refuses kinds that are
    /// none or not in `operations`, DMA queues that are not there, and operations that read or
    /// write where no memory is given out now.
    pub load_kernel: Option<
        unsafe extern "C-unwind" fn(
            context: *mut c_void,
            rank: u32,
            ops: *const finbox_op,
            count: usize,
            kernel: *mut u64,
        ) -> i32,
    >,
    /// What the library refused last on this thread; `text` lives until its next call here.
    pub last_error: Option<unsafe extern "C-unwind" fn(text: *mut finbox_text)>,
}

/// The type of the one function that a library exports, by the name `finbox_device_query`. It
/// returns the library's table, or null, and then why in `refusal`, which lives for ever. It may be
/// called many times, and changes nothing.
pub type finbox_device_query_fn = Option<
    unsafe extern "C-unwind" fn(
        host: *const finbox_device_host,
        refusal: *mut finbox_text,
    ) -> *const finbox_device_library,
>;

/// The name under which a library exports its [`finbox_device_query_fn`].
pub const FINBOX_DEVICE_QUERY: &str = "finbox_device_query";

impl finbox_text {
    /// No text.
    pub const EMPTY: Self = Self {
        bytes: core::ptr::null(),
        length: 0,
    };

    /// `text`, for as long as that lives.
    pub const fn of(text: &str) -> Self {
        Self {
            bytes: text.as_ptr().cast(),
            length: text.len(),
        }
    }

    /// Its bytes, which may be no UTF-8 if somebody broke the contract; none if it is null.
    ///
    /// # Safety
    /// The text is what the contract says and lives for `'t`.
    pub const unsafe fn bytes<'t>(self) -> &'t [u8] {
        if self.bytes.is_null() {
            return &[];
        }
        // SAFETY: by the caller's word.
        unsafe { core::slice::from_raw_parts(self.bytes.cast(), self.length) }
    }
}

// SAFETY: integers and pointers, without padding.
unsafe impl Versioned for finbox_device_host {
    const NAME: &'static str = "finbox_device_host";
    const MINIMUM: usize = 2 * size_of::<usize>() + 8;
}

// SAFETY: integers and pointers, without padding.
unsafe impl Versioned for finbox_open_args {
    const NAME: &'static str = "finbox_open_args";
    const MINIMUM: usize = 4 * size_of::<usize>() + 24;
}

// SAFETY: integers and pointers, without padding.
unsafe impl Versioned for finbox_machine {
    const NAME: &'static str = "finbox_machine";
    const MINIMUM: usize = 2 * size_of::<usize>() + 32;
}

// SAFETY: integers and pointers, without padding.
unsafe impl Versioned for finbox_device_library {
    const NAME: &'static str = "finbox_device_library";
    const MINIMUM: usize = 15 * size_of::<usize>() + 24;
}

// SAFETY: a table is only read, and its functions may be called from any thread.
unsafe impl Sync for finbox_device_library {}
// SAFETY: as above.
unsafe impl Send for finbox_device_library {}
// SAFETY: a host table is only read, and its function may be called from any thread.
unsafe impl Sync for finbox_device_host {}

//! The port of one rank's chip, as a table of C functions.
//!
//! The functions are those of [`Port`](finbox_scheduler::Port), with the same duties: whoever
//! fills the table in promises what is written at each field. Called through
//! [`TablePort`](crate::TablePort).

use core::ffi::c_void;
use core::mem::offset_of;

use finbox_scheduler::Launch;
use static_assertions::const_assert_eq;

use crate::sized::Versioned;

/// What stands in COND before a core took its first token, and after a reset.
pub const FINBOX_COND_RESET: u32 = 0x7FFF_FFFF;
/// The bit of COND that says FIN; without it the token below was taken (ACK).
pub const FINBOX_COND_FIN: u32 = 0x8000_0000;
/// The token that ends a core: it answers with ACK of it, and takes nothing more.
pub const FINBOX_TOKEN_EXIT: u32 = 0x7FFF_FFFE;
/// The largest token of a task. A core's first is 1, the next is one more, and behind this one
/// comes 0, so that the lowest bits alternate. They never start again while the machine is open.
pub const FINBOX_TOKEN_LAST: u32 = 0x7FFF_FFEF;

/// What a core needs to run one block of a task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct finbox_launch {
    /// The task's slot: ring 8 bits, index 24, generation 32. Only to be told.
    pub slot: u64,
    /// Task id: ring in bits 39..32, local number in bits 31..0. Only to be told.
    pub task: u64,
    /// The kernel, as the task's submitter named it. One that `load_kernel` of this rank did not
    /// give out runs nothing: the core leaves `FINBOX_SLAB_ERROR_FATAL` in its slab, and says FIN.
    pub kernel: u64,
    /// The kernel's arguments, as the task's submitter named them.
    pub args: u64,
    /// Which block of the task, from 0.
    pub block: u16,
    /// How many blocks the task has.
    pub blocks: u16,
    /// Which subtask of a mixed block: a `FINBOX_SUBTASK_*`; 0 for other shapes.
    pub subtask: u32,
}

const_assert_eq!(size_of::<finbox_launch>(), 40);
const_assert_eq!(offset_of!(finbox_launch, subtask), 36);

impl From<&Launch> for finbox_launch {
    fn from(launch: &Launch) -> Self {
        Self {
            slot: launch.slot.bits().0,
            task: launch.task.0,
            kernel: launch.kernel,
            args: launch.args,
            block: launch.block,
            blocks: launch.blocks,
            subtask: launch.subtask.bits().into(),
        }
    }
}

/// One rank's chip, as its control CPU sees it. All functions are called from several threads at
/// once, but for one core `load_cond` by one thread at a time, and `stage_payload`, `ring_doorbell`
/// and `store_u64` by one thread at a time. None may wait for another thread, call the library that
/// called it, or unwind. The table is copied; what `context` points to outlives every scheduler on
/// it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct finbox_port {
    /// `FINBOX_PORT_SIZE`.
    pub struct_size: usize,
    /// Handed to every function.
    pub context: *mut c_void,
    /// Reads a core's COND register: bit 31 FIN, bits 30..0 the token. Acquire: what the core wrote
    /// and flushed before it wrote this value can be read afterwards, behind a `refresh` where
    /// memory is not coherent.
    pub load_cond: Option<unsafe extern "C-unwind" fn(context: *mut c_void, core: u32) -> u32>,
    /// Writes a token to a core's dispatch register. Release: what was staged and stored before is
    /// there for a core that sees it.
    pub ring_doorbell:
        Option<unsafe extern "C-unwind" fn(context: *mut c_void, core: u32, token: u32)>,
    /// Leaves a launch where the core will look for `token`'s; it has two places, by the token's
    /// lowest bit. The launch is to be copied.
    pub stage_payload: Option<
        unsafe extern "C-unwind" fn(
            context: *mut c_void,
            core: u32,
            token: u32,
            launch: *const finbox_launch,
        ),
    >,
    /// Device address of the `finbox_slab` of a core for tokens with this lowest bit, a multiple of
    /// 64 and not 0. Always the same; its bytes are those of no other slab, on no rank, and of no
    /// memory that is given out.
    pub slab_address:
        Option<unsafe extern "C-unwind" fn(context: *mut c_void, core: u32, parity: u32) -> u64>,
    /// Makes the lines that cover these bytes current for the control CPU; nothing where memory is
    /// coherent.
    pub refresh:
        Option<unsafe extern "C-unwind" fn(context: *mut c_void, address: u64, size_bytes: u64)>,
    /// Makes what the control CPU stored in these lines visible to the cores; nothing where memory
    /// is coherent.
    pub clean:
        Option<unsafe extern "C-unwind" fn(context: *mut c_void, address: u64, size_bytes: u64)>,
    /// Not 0 if the control CPU may read these bytes. Asked before anything that a core left is
    /// followed.
    pub can_read: Option<
        unsafe extern "C-unwind" fn(context: *mut c_void, address: u64, size_bytes: u64) -> u32,
    >,
    /// Acquire load of the aligned word at an address that may be read.
    pub load_u32: Option<unsafe extern "C-unwind" fn(context: *mut c_void, address: u64) -> u32>,
    /// Acquire load of the aligned 64-bit word at an address that may be read.
    pub load_u64: Option<unsafe extern "C-unwind" fn(context: *mut c_void, address: u64) -> u64>,
    /// Stores the aligned 64-bit word at `address`, in a slab.
    pub store_u64:
        Option<unsafe extern "C-unwind" fn(context: *mut c_void, address: u64, value: u64)>,
    /// Nanoseconds from any start, never going back.
    pub now: Option<unsafe extern "C-unwind" fn(context: *mut c_void) -> u64>,
    /// How often the chip was reset since the table was filled in; counted up before any register
    /// shows the value it has after the reset. May be null: it never is.
    pub incarnation: Option<unsafe extern "C-unwind" fn(context: *mut c_void) -> u32>,
}

// SAFETY: pointers, without padding.
unsafe impl Versioned for finbox_port {
    const NAME: &'static str = "finbox_port";
    const MINIMUM: usize = 14 * size_of::<usize>();
}

//! What a kernel does, in terms that every device understands: a list of operations.
//!
//! A kernel is loaded as such a list and named by the number that came back. Where a device cannot
//! do an operation its library says so beforehand, in
//! [`finbox_device_library::operations`](crate::finbox_device_library).

use core::mem::offset_of;

use static_assertions::const_assert_eq;

/// A subtask that runs on its cluster's cube core.
pub const FINBOX_SUBTASK_AIC: u32 = 1;
/// A subtask that runs on its cluster's first vector core.
pub const FINBOX_SUBTASK_AIV0: u32 = 2;
/// A subtask that runs on its cluster's second vector core.
pub const FINBOX_SUBTASK_AIV1: u32 = 4;

/// Values of a `finbox_op`'s `kind`; bit `n` of a library's `operations` stands for the kind `n`.
/// Words are 32 bits, aligned; sums of integers wrap; `f32` operations round once a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum finbox_op_kind {
    /// Takes about `value` ns.
    Busy = 0,
    /// Copies `count` bytes from `from` to `to`, on any byte, in the memories of any ranks; they do
    /// not overlap.
    Copy = 1,
    /// Writes the word `value` to `count` words at `to`.
    FillU32 = 2,
    /// Writes `count` bytes of pattern `value` at `to`: 64-bit word `i`, in little endian, is
    /// `mix(value + mix(i))`, where `mix` is the finaliser of SplitMix64 behind its increment.
    FillPattern = 3,
    /// `to[i] = from[i] + value`, for `count` words.
    AddU32 = 4,
    /// `to[i] += from[i]`, for `count` words.
    AccumulateU32 = 5,
    /// `to[i] = from[i] + value`, for `count` values of `f32`; the low half of `value` is one.
    AddF32 = 6,
    /// `to[i] = from[i] * value`, as `AddF32`.
    ScaleF32 = 7,
    /// As `AddF32`, of what the counter at device address `value` says then: an unsigned number, as
    /// the nearest `f32`. No stride is added to that address.
    AddCounterF32 = 8,
    /// Adds `value` to the counter, a word, at `to`, on any rank: atomically, and after everything
    /// that stands before it in this kernel.
    Notify = 9,
    /// Registers a condition in the slab: the counter at `from`, on the core's own rank, has
    /// reached `value`, compared as `(int32_t)(counter - value) >= 0`. `count` becomes the
    /// condition's cookie; its engine is `Sdma`, its type `Counter`. One that does not fit any more
    /// sets the slab's error to `FINBOX_SLAB_ERROR_OVERFLOW`.
    Await = 10,
    /// Posts to DMA queue `queue` of the core's rank: copy `count` bytes from `from` to `to`, one
    /// of which is on that rank. It happens some time after. Those of a queue end one after
    /// another.
    Post = 11,
    /// Registers a condition in the slab: what this kernel posted last to DMA queue `queue` has
    /// ended. Nothing, if it posted nothing there. It watches the queue's `finbox_event_record`,
    /// its cookie is the transfer's number, its engine `Sdma`, its type `SdmaEventRecord`, and it
    /// expects 0.
    AwaitPost = 12,
    /// About `value` ns after the kernel's end adds 1 to the counter at `to`, on any rank.
    Later = 13,
}

/// cbindgen:ignore
impl finbox_op_kind {
    /// Every kind, by its number.
    pub const ALL: [Self; 14] = [
        Self::Busy,
        Self::Copy,
        Self::FillU32,
        Self::FillPattern,
        Self::AddU32,
        Self::AccumulateU32,
        Self::AddF32,
        Self::ScaleF32,
        Self::AddCounterF32,
        Self::Notify,
        Self::Await,
        Self::Post,
        Self::AwaitPost,
        Self::Later,
    ];

    /// What every device can do.
    pub const REQUIRED: u64 = Self::Busy.bit()
        | Self::Copy.bit()
        | Self::FillU32.bit()
        | Self::Notify.bit()
        | Self::Await.bit();

    /// The kind with this number.
    pub const fn of(number: u32) -> Option<Self> {
        if (number as usize) < Self::ALL.len() {
            Some(Self::ALL[number as usize])
        } else {
            None
        }
    }

    /// Its bit in a library's `operations`.
    pub const fn bit(self) -> u64 {
        1 << self as u32
    }

    /// Its name in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Copy => "copy",
            Self::FillU32 => "fill_u32",
            Self::FillPattern => "fill_pattern",
            Self::AddU32 => "add_u32",
            Self::AccumulateU32 => "accumulate_u32",
            Self::AddF32 => "add_f32",
            Self::ScaleF32 => "scale_f32",
            Self::AddCounterF32 => "add_counter_f32",
            Self::Notify => "notify",
            Self::Await => "await",
            Self::Post => "post",
            Self::AwaitPost => "await_post",
            Self::Later => "later",
        }
    }
}

/// One operation of a kernel. Fields that its kind does not name are 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct finbox_op {
    /// A `finbox_op_kind`.
    pub kind: u32,
    /// In a mixed block: the subtasks that do it, `FINBOX_SUBTASK_*`; 0: all of them. Ignored
    /// elsewhere.
    pub subtasks: u32,
    /// Device address of what is read.
    pub from: u64,
    /// Device address of what is written.
    pub to: u64,
    /// How much, in the kind's units.
    pub count: u64,
    /// A value, as the kind says.
    pub value: u64,
    /// How far apart two blocks are: block `b` adds `b * stride` to `from` and `to`.
    pub stride: u64,
    /// A DMA queue of the core's rank, from 0.
    pub queue: u32,
    /// 0.
    pub reserved: [u32; 3],
}

const_assert_eq!(size_of::<finbox_op>(), 64);
const_assert_eq!(offset_of!(finbox_op, queue), 48);

//! What cores and DMA leave in memory: slabs and event records.
//!
//! Little endian; every offset is asserted here and again in the header.

use core::mem::offset_of;

use finbox_mailbox::{CompletionType, Condition, Engine, Malformed, Message, SlotBits};
use finbox_scheduler::{
    ENTRIES_OFFSET, ENTRY_BYTES, ERROR_FATAL, ERROR_OVERFLOW, EVENT_RECORD_BYTES,
    EVENT_RECORD_FAILURES, SLAB_BYTES,
};
use static_assertions::const_assert_eq;

/// Most conditions of a task, entries of a slab.
pub const FINBOX_MAX_CONDITIONS: usize = 64;
/// What a core writes into its slab's error field when its kernel cannot go on.
pub const FINBOX_SLAB_ERROR_FATAL: i32 = 9;
/// What a core writes into its slab's error field when it has more conditions than fit.
pub const FINBOX_SLAB_ERROR_OVERFLOW: i32 = 102;

/// Values of `engine`: who will make a condition true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum finbox_engine {
    /// System DMA.
    Sdma = 0,
    /// RDMA over Ethernet.
    Roce = 1,
    /// Unified remote memory access (a5).
    Urma = 2,
    /// Collective communication unit.
    Ccu = 3,
}

/// Values of `completion_type`: how a condition is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum finbox_completion {
    /// `(int32_t)(counter - expected) >= 0` for the 32-bit counter at `addr`.
    Counter = 0,
    /// The 64-bit completed post id at `addr` is at least `cookie`.
    SdmaEventRecord = 1,
    /// The completion queue at `addr` was walked to the head in `cookie` (a5).
    UrmaEventHandle = 2,
}

/// One condition as a core registers it in its slab.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct finbox_slab_entry {
    /// Device address that the condition watches.
    pub addr: u64,
    /// The engine's own value (post id, queue handle).
    pub cookie: u64,
    /// Value to reach.
    pub expected: u32,
    /// A `finbox_engine`.
    pub engine: u32,
    /// A `finbox_completion`.
    pub completion_type: i32,
    /// 0.
    pub reserved: u32,
}

/// What a core leaves beside its FIN, on a 64-byte boundary. Zeroed by the control CPU before the
/// doorbell; the core writes the entries, then the count, cleans the lines, then writes COND.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct finbox_slab {
    /// How many entries there are, 0 to 64.
    pub count: u32,
    /// 0, a `FINBOX_SLAB_ERROR_*`, or a number of the device's own.
    pub error: i32,
    /// The conditions.
    pub entries: [finbox_slab_entry; FINBOX_MAX_CONDITIONS],
    /// Up to the end of the last line.
    pub reserved: [u8; 56],
}

/// Where a DMA queue says what has ended, on a 64-byte boundary. A failed transfer is entered
/// before it counts as ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct finbox_event_record {
    /// Number of the last transfer that has ended; they count from 1 and end in order.
    pub completed: u64,
    /// How many transfers have failed.
    pub failures: u64,
    /// The first six of them: number in bits 47..0, error code in bits 63..48.
    pub failed: [u64; 6],
}

impl finbox_slab_entry {
    /// The CONDITION that it registers for a task.
    ///
    /// # Errors
    /// [`Malformed`]: a number that no entry has.
    #[inline]
    pub fn condition(&self, task: u64, slot: u64) -> Result<Message, Malformed> {
        if self.reserved != 0 {
            return Err(Malformed::Reserved(self.reserved));
        }
        let engine = Engine::from_wire(self.engine).ok_or(Malformed::Engine(self.engine))?;
        let wire = self.completion_type;
        let completion = CompletionType::from_wire(wire).ok_or(Malformed::CompletionType(wire))?;
        Ok(Message::Condition(Condition {
            task,
            slot: SlotBits(slot),
            addr: self.addr,
            cookie: self.cookie,
            expected: self.expected,
            engine,
            completion,
        }))
    }
}

const_assert_eq!(FINBOX_SLAB_ERROR_FATAL, ERROR_FATAL);
const_assert_eq!(FINBOX_SLAB_ERROR_OVERFLOW, ERROR_OVERFLOW);
const_assert_eq!(finbox_engine::Sdma as u32, Engine::Sdma as u32);
const_assert_eq!(finbox_engine::Roce as u32, Engine::Roce as u32);
const_assert_eq!(finbox_engine::Urma as u32, Engine::Urma as u32);
const_assert_eq!(finbox_engine::Ccu as u32, Engine::Ccu as u32);
const_assert_eq!(
    finbox_completion::Counter as i32,
    CompletionType::Counter as i32
);
const_assert_eq!(
    finbox_completion::SdmaEventRecord as i32,
    CompletionType::SdmaEventRecord as i32
);
const_assert_eq!(
    finbox_completion::UrmaEventHandle as i32,
    CompletionType::UrmaEventHandle as i32
);

const_assert_eq!(size_of::<finbox_slab_entry>() as u64, ENTRY_BYTES);
const_assert_eq!(offset_of!(finbox_slab_entry, cookie), 8);
const_assert_eq!(offset_of!(finbox_slab_entry, expected), 16);
const_assert_eq!(offset_of!(finbox_slab_entry, engine), 20);
const_assert_eq!(offset_of!(finbox_slab_entry, completion_type), 24);
const_assert_eq!(size_of::<finbox_slab>() as u64, SLAB_BYTES);
const_assert_eq!(offset_of!(finbox_slab, entries) as u64, ENTRIES_OFFSET);
const_assert_eq!(offset_of!(finbox_slab, error), 4);

const_assert_eq!(size_of::<finbox_event_record>() as u64, EVENT_RECORD_BYTES);
const_assert_eq!(offset_of!(finbox_event_record, failed), 16);
const_assert_eq!(EVENT_RECORD_FAILURES, 6);

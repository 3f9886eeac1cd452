//! CONDITION, TASK_NORMAL_DONE, WORK_DONE and WORKER_LOST, and their wire form.
//!
//! A message is 64 bytes with the sequence at byte 0; here are the seven words behind it. Little
//! endian. Everything that arrives is validated by [`Message::decode`]; nothing is dereferenced.

use thiserror::Error;

use crate::cell::{Payload, WORDS, Words};

/// `kind` of a CONDITION message.
const KIND_CONDITION: u32 = 0;
/// `kind` of a TASK_NORMAL_DONE message.
const KIND_NORMAL_DONE: u32 = 1;
/// `kind` of a WORK_DONE message.
const KIND_WORK_DONE: u32 = 2;
/// `kind` of a WORKER_LOST message.
const KIND_WORKER_LOST: u32 = 3;
/// `kind` of what stands in a slot whose message could not be built.
const KIND_VOID: u32 = u32::MAX;

/// The words of a void message: unknown kind, invalid task, no slot.
const VOID: Words = {
    let mut words = [0; WORDS];
    words[0] = u64::MAX;
    words[4] = (KIND_VOID as u64) << 32;
    words[5] = u64::MAX;
    words
};

/// A task, or a slot, that a message does not name.
const NOTHING: u64 = u64::MAX;

/// Who will make a condition true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Engine {
    /// System DMA.
    Sdma = 0,
    /// RDMA over Ethernet.
    Roce = 1,
    /// Unified remote memory access (a5).
    Urma = 2,
    /// Collective communication unit.
    Ccu = 3,
}

impl Engine {
    /// The engine with this wire number.
    pub const fn from_wire(value: u32) -> Option<Self> {
        match value {
            0 => Some(Self::Sdma),
            1 => Some(Self::Roce),
            2 => Some(Self::Urma),
            3 => Some(Self::Ccu),
            _ => None,
        }
    }
}

/// How a condition is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum CompletionType {
    /// `(counter − expected) as i32 ≥ 0` for the `u32` at `addr`.
    Counter = 0,
    /// The `u64` completed post id at `addr` is ≥ `cookie`.
    SdmaEventRecord = 1,
    /// The completion queue at `addr` was walked to the head in `cookie` (a5).
    UrmaEventHandle = 2,
}

impl CompletionType {
    /// The completion type with this wire number.
    pub const fn from_wire(value: i32) -> Option<Self> {
        match value {
            0 => Some(Self::Counter),
            1 => Some(Self::SdmaEventRecord),
            2 => Some(Self::UrmaEventHandle),
            _ => None,
        }
    }
}

/// A task slot on the wire: ring 8 bits · index 24 · generation 32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SlotBits(pub u64);

/// CONDITION: one thing a deferred task waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Task id: ring in bits 39..32, local number in bits 31..0.
    pub task: u64,
    /// The task's slot.
    pub slot: SlotBits,
    /// Device address the condition watches.
    pub addr: u64,
    /// The engine's own value.
    pub cookie: u64,
    /// Value to reach.
    pub expected: u32,
    /// Who will make it true.
    pub engine: Engine,
    /// How it is read.
    pub completion: CompletionType,
}

/// TASK_NORMAL_DONE: the last subtask of a deferred task retired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    /// Task id.
    pub task: u64,
    /// The task's slot.
    pub slot: SlotBits,
    /// How many CONDITION messages belong to the task, 0 to 64; they may arrive later than this.
    pub expected: u32,
}

/// WORK_DONE: a persistent worker is through with an item of a work ring.
///
/// Position and correlation say which item: a worker knows neither task nor slot, and no position
/// is ever used again. On the wire: the position where a CONDITION has its address, the status
/// where it has what it expects, the correlation where it has its engine; `task` and `slot` are all
/// ones, which name nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkDone {
    /// Where the item stood in the work ring.
    pub position: u64,
    /// What the item bore; for the item of a task, the index of the task's slot.
    pub correlation: u32,
    /// 0: it was done. Anything else: it failed, and this is the worker's own code.
    pub status: u32,
}

/// WORKER_LOST: a persistent worker is gone, and may have left an item on its line.
///
/// Whoever saw it end says so, behind everything that it pushed itself. On the wire: the name where
/// a CONDITION has its address, and 1 where it has what it expects if the item may be done twice;
/// `task` and `slot` are all ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerLost {
    /// The name under which it registered, in the work ring of whoever drains this mailbox.
    pub name: u32,
    /// Its item may be done twice: it is pushed again. Otherwise its task fails.
    pub is_idempotent: bool,
}

/// What travels through a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// CONDITION.
    Condition(Condition),
    /// TASK_NORMAL_DONE.
    NormalDone(Done),
    /// WORK_DONE.
    WorkDone(WorkDone),
    /// WORKER_LOST.
    WorkerLost(WorkerLost),
}

/// Why the words of a slot are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Malformed {
    /// A kind that nobody knows.
    #[error(
        "message kind {0} is not one of CONDITION 0, TASK_NORMAL_DONE 1, WORK_DONE 2, WORKER_LOST 3"
    )]
    Kind(u32),
    /// A message about workers that names a task or a slot, which those do not know: another
    /// message, damaged.
    #[error("a message about workers names task {task:#x} and slot {slot:#x}: not all ones")]
    Named {
        /// The task it names.
        task: u64,
        /// The slot it names.
        slot: u64,
    },
    /// An engine number nobody has.
    #[error("engine {0} is not one of SDMA 0, ROCE 1, URMA 2, CCU 3")]
    Engine(u32),
    /// A completion type nobody knows.
    #[error(
        "completion type {0} is not one of COUNTER 0, SDMA_EVENT_RECORD 1, URMA_EVENT_HANDLE 2"
    )]
    CompletionType(i32),
    /// The reserved word, which must be 0: written by a newer version, or no message at all.
    #[error("the reserved word is {0:#x}, not 0: another version's message?")]
    Reserved(u32),
    /// Pushed by a producer of another run.
    #[error("message of run epoch {found}, this run is {current}")]
    Epoch {
        /// Epoch in the message.
        found: u32,
        /// Epoch of the run.
        current: u32,
    },
}

const fn pack(low: u32, high: u32) -> u64 {
    low as u64 | (high as u64) << 32
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the low half is what is wanted"
)]
const fn low(word: u64) -> u32 {
    word as u32
}

const fn high(word: u64) -> u32 {
    (word >> 32) as u32
}

impl Message {
    /// The seven words of this message in run `epoch`.
    #[inline]
    pub const fn encode(&self, epoch: u32) -> Words {
        let epoch = pack(epoch, 0);
        match *self {
            Self::Condition(Condition {
                task,
                slot,
                addr,
                cookie,
                expected,
                engine,
                completion,
            }) => {
                let kind = pack(completion as u32, KIND_CONDITION);
                [
                    task,
                    addr,
                    cookie,
                    pack(expected, engine as u32),
                    kind,
                    slot.0,
                    epoch,
                ]
            }
            Self::NormalDone(Done {
                task,
                slot,
                expected,
            }) => {
                let kind = pack(0, KIND_NORMAL_DONE);
                [task, 0, 0, pack(expected, 0), kind, slot.0, epoch]
            }
            Self::WorkDone(WorkDone {
                position,
                correlation,
                status,
            }) => {
                let kind = pack(0, KIND_WORK_DONE);
                let what = pack(status, correlation);
                [NOTHING, position, 0, what, kind, NOTHING, epoch]
            }
            Self::WorkerLost(WorkerLost {
                name,
                is_idempotent,
            }) => {
                let kind = pack(0, KIND_WORKER_LOST);
                let what = pack(is_idempotent as u32, 0);
                [NOTHING, pack(name, 0), 0, what, kind, NOTHING, epoch]
            }
        }
    }

    /// Reads a message of run `epoch` and validates every field with a closed range.
    ///
    /// # Errors
    /// [`Malformed`], naming the field and its value.
    #[inline]
    pub const fn decode(words: &Words, epoch: u32) -> Result<Self, Malformed> {
        let [task, addr, cookie, expected_engine, type_kind, slot, tail] = *words;
        let is_known = high(type_kind) <= KIND_WORKER_LOST;
        if is_known && low(tail) != epoch {
            return Err(Malformed::Epoch {
                found: low(tail),
                current: epoch,
            });
        }
        if is_known && high(tail) != 0 {
            return Err(Malformed::Reserved(high(tail)));
        }
        let (expected, slot) = (low(expected_engine), SlotBits(slot));
        match high(type_kind) {
            KIND_NORMAL_DONE => Ok(Self::NormalDone(Done {
                task,
                slot,
                expected,
            })),
            KIND_CONDITION => {
                let Some(engine) = Engine::from_wire(high(expected_engine)) else {
                    return Err(Malformed::Engine(high(expected_engine)));
                };
                let wire = low(type_kind) as i32;
                let Some(completion) = CompletionType::from_wire(wire) else {
                    return Err(Malformed::CompletionType(wire));
                };
                let condition = Condition {
                    task,
                    slot,
                    addr,
                    cookie,
                    expected,
                    engine,
                    completion,
                };
                Ok(Self::Condition(condition))
            }
            KIND_WORK_DONE | KIND_WORKER_LOST if task != NOTHING || slot.0 != NOTHING => {
                Err(Malformed::Named { task, slot: slot.0 })
            }
            KIND_WORK_DONE => Ok(Self::WorkDone(WorkDone {
                position: addr,
                correlation: high(expected_engine),
                status: expected,
            })),
            KIND_WORKER_LOST => Ok(Self::WorkerLost(WorkerLost {
                name: low(addr),
                is_idempotent: expected != 0,
            })),
            kind => Err(Malformed::Kind(kind)),
        }
    }
}

impl Payload for Message {
    const VOID: Words = VOID;

    #[inline]
    fn encode(&self, epoch: u32) -> Words {
        Self::encode(self, epoch)
    }
}

/// The slot field of words that may be no message: a hint for the fault record.
pub(crate) const fn slot_of(words: &Words) -> SlotBits {
    SlotBits(words[5])
}

impl SlotBits {
    /// The slot field of words that [`Message::decode`] refused: a hint for the fault record.
    pub const fn of_refused(words: &Words) -> Self {
        slot_of(words)
    }
}

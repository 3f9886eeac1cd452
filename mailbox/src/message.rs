//! CONDITION and TASK_NORMAL_DONE, and their wire form.
//!
//! A message is 64 bytes with the sequence at byte 0; here are the seven words behind it. Little
//! endian. What a FIN says shares slots as a [`Bundle`](crate::Bundle). Everything that arrives is
//! validated by [`Message::decode`]; nothing is dereferenced.

use thiserror::Error;

use crate::cell::{Payload, WORDS, Words};

/// `kind` of a CONDITION message.
pub(crate) const KIND_CONDITION: u32 = 0;
/// `kind` of a TASK_NORMAL_DONE message.
const KIND_NORMAL_DONE: u32 = 1;
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
    /// How many CONDITIONs belong to the task, 0 to 64; they may arrive later than this.
    pub expected: u32,
}

/// What travels through a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// CONDITION.
    Condition(Condition),
    /// TASK_NORMAL_DONE.
    NormalDone(Done),
}

/// Why the words of a slot are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Malformed {
    /// Neither CONDITION nor TASK_NORMAL_DONE.
    #[error("message kind {0} is neither CONDITION (0) nor TASK_NORMAL_DONE (1)")]
    Kind(u32),
    /// A bundle that does not say what it carries: bytes 42 and 43, and its engines.
    #[error("a bundle carries {0:#x} of engines {1:#x}: another version's, or no bundle at all")]
    Bundle(u32, u32),
    /// A message of workers that names a task or a slot, which those do not know: another message,
    /// damaged.
    #[error("a message of workers names task {task:#x} and slot {slot:#x}: not all ones")]
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

pub(crate) const fn pack(low: u32, high: u32) -> u64 {
    low as u64 | (high as u64) << 32
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the low half is what is wanted"
)]
pub(crate) const fn low(word: u64) -> u32 {
    word as u32
}

pub(crate) const fn high(word: u64) -> u32 {
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
        }
    }

    /// Reads a message of run `epoch` and validates every field with a closed range.
    ///
    /// # Errors
    /// [`Malformed`], naming the field and its value.
    #[inline]
    pub const fn decode(words: &Words, epoch: u32) -> Result<Self, Malformed> {
        let [task, addr, cookie, expected_engine, type_kind, slot, tail] = *words;
        let is_known = high(type_kind) <= KIND_NORMAL_DONE;
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

//! Faults: terminal errors with stable numbers. The first one wins.

use finbox_mailbox::sync::AtomicU64;

use crate::edge;
use crate::id::TaskId;

/// A fault's stable number. Numbers are never reused; 108 to 199 are finbox's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum FaultCode {
    /// Out of dependency nodes.
    DepPoolOverflow = 4,
    /// A task is malformed.
    InvalidArgs = 5,
    /// No progress; carries the stall class.
    SchedulerTimeout = 100,
    /// A bad condition, or an engine reported failure.
    AsyncCompletionInvalid = 101,
    /// More than 64 conditions in one task.
    AsyncWaitOverflow = 102,
    /// Malformed slab or message.
    AsyncRegistrationFailed = 103,
    /// Every holder of condition room is waiting.
    ConditionRoomExhausted = 106,
}

impl FaultCode {
    const ALL: [Self; 7] = [
        Self::DepPoolOverflow,
        Self::InvalidArgs,
        Self::SchedulerTimeout,
        Self::AsyncCompletionInvalid,
        Self::AsyncWaitOverflow,
        Self::AsyncRegistrationFailed,
        Self::ConditionRoomExhausted,
    ];

    /// The number shown to people.
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// The name shown to people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DepPoolOverflow => "DEP_POOL_OVERFLOW",
            Self::InvalidArgs => "INVALID_ARGS",
            Self::SchedulerTimeout => "SCHEDULER_TIMEOUT",
            Self::AsyncCompletionInvalid => "ASYNC_COMPLETION_INVALID",
            Self::AsyncWaitOverflow => "ASYNC_WAIT_OVERFLOW",
            Self::AsyncRegistrationFailed => "ASYNC_REGISTRATION_FAILED",
            Self::ConditionRoomExhausted => "CONDITION_ROOM_EXHAUSTED",
        }
    }

    /// What to do next, in a sentence.
    pub const fn hint(self) -> &'static str {
        match self {
            Self::DepPoolOverflow => {
                "Raise the number of edge nodes, or give the task fewer producers."
            }
            Self::InvalidArgs => {
                "Look at the task's declaration; the message names what is out of range."
            }
            Self::SchedulerTimeout => "Look at the stuck tasks: each names what it waits for.",
            Self::AsyncCompletionInvalid => "Look at the address and type the task registered.",
            Self::AsyncWaitOverflow => {
                "Split the task: 64 conditions are the most one task may register."
            }
            Self::AsyncRegistrationFailed => {
                "The core wrote a slab that cannot be read; check the kernel."
            }
            Self::ConditionRoomExhausted => "Raise the condition room, or declare smaller bounds.",
        }
    }
}

/// The first fault of a scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What kind.
    pub code: FaultCode,
    /// Which task, or [`TaskId::INVALID`].
    pub task: TaskId,
}

const TASK_MASK: u64 = (1 << 40) - 1;

/// Where the first fault is kept: one word, decided by one exchange.
#[derive(Debug)]
pub struct FirstFault(AtomicU64);

impl Default for FirstFault {
    fn default() -> Self {
        Self(AtomicU64::new(0))
    }
}

impl FirstFault {
    /// Records `fault` unless another one came first. Returns whether this was the first.
    pub fn raise(&self, fault: Fault) -> bool {
        let word = u64::from(fault.code.number()) << 48 | fault.task.0 & TASK_MASK;
        // RELAXED: the word is the whole record.
        self.0
            .compare_exchange(0, word, edge::FAULT, edge::FAULT)
            .is_ok()
    }

    /// The first fault, if any.
    pub fn get(&self) -> Option<Fault> {
        // RELAXED: the word is the whole record.
        let word = self.0.load(edge::FAULT);
        let code = FaultCode::ALL
            .into_iter()
            .find(|code| u64::from(code.number()) == word >> 48)?;
        let task = match word & TASK_MASK {
            TASK_MASK => TaskId::INVALID,
            task => TaskId(task),
        };
        Some(Fault { code, task })
    }
}

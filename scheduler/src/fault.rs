//! Faults: terminal errors with stable numbers. The first one wins.

use finbox_mailbox::sync::AtomicU64;

use crate::edge;
use crate::id::TaskId;

/// A fault's stable number. Numbers are never reused; 108 to 199 are finbox's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum FaultCode {
    /// One scope needs more task slots than its ring has.
    ScopeDeadlock = 1,
    /// Output bytes can never be reserved.
    HeapRingDeadlock = 2,
    /// A ring is full of tasks that enclosing scopes hold.
    FlowControlDeadlock = 3,
    /// Out of dependency nodes.
    DepPoolOverflow = 4,
    /// A task is malformed.
    InvalidArgs = 5,
    /// A cohort needs more cores at once than the chip has.
    RequireSyncStartInvalid = 7,
    /// A buffer was not ready within the time its reader gave it.
    TensorWaitTimeout = 8,
    /// A kernel said that it cannot go on.
    ExplicitFatal = 9,
    /// Nothing moves any more.
    SchedulerTimeout = 100,
    /// A bad condition, or an engine reported failure.
    AsyncCompletionInvalid = 101,
    /// A task registered more conditions than it may.
    AsyncWaitOverflow = 102,
    /// A slab or a message cannot be read.
    AsyncRegistrationFailed = 103,
    /// Reserved: finbox's ready stacks cannot overflow.
    ReadyQueueOverflow = 104,
    /// A deferred task missed its wait budget.
    AsyncWaitTimeout = 105,
    /// Every holder of condition room is waiting.
    ConditionRoomExhausted = 106,
    /// A claimed mailbox slot was not published within its deadline.
    MailboxGap = 107,
    /// A token did not finish within its task's run budget.
    TaskTimeout = 108,
    /// A task's token stood behind another on a core that hangs.
    CoreLost = 109,
    /// Every core of the shape a task needs is out of the pool.
    NoCoreLeft = 110,
    /// The device was reset while a token was in flight.
    DeviceReset = 111,
    /// A condition waits for a peer that was declared dead.
    PeerDead = 112,
    /// A core answered with a word that no token explains.
    ProtocolError = 113,
    /// The worker that held a task's item died.
    WorkerLost = 114,
    /// The work ring was closed before a task's item was pushed.
    NoWorkerLeft = 115,
    /// A condition waits for a timeline that has ended.
    TimelineEnded = 116,
}

impl FaultCode {
    /// Every code, by number.
    pub const ALL: [Self; 25] = [
        Self::ScopeDeadlock,
        Self::HeapRingDeadlock,
        Self::FlowControlDeadlock,
        Self::DepPoolOverflow,
        Self::InvalidArgs,
        Self::RequireSyncStartInvalid,
        Self::TensorWaitTimeout,
        Self::ExplicitFatal,
        Self::SchedulerTimeout,
        Self::AsyncCompletionInvalid,
        Self::AsyncWaitOverflow,
        Self::AsyncRegistrationFailed,
        Self::ReadyQueueOverflow,
        Self::AsyncWaitTimeout,
        Self::ConditionRoomExhausted,
        Self::MailboxGap,
        Self::TaskTimeout,
        Self::CoreLost,
        Self::NoCoreLeft,
        Self::DeviceReset,
        Self::PeerDead,
        Self::ProtocolError,
        Self::WorkerLost,
        Self::NoWorkerLeft,
        Self::TimelineEnded,
    ];

    /// The number shown to people.
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// The name shown to people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ScopeDeadlock => "SCOPE_DEADLOCK",
            Self::HeapRingDeadlock => "HEAP_RING_DEADLOCK",
            Self::FlowControlDeadlock => "FLOW_CONTROL_DEADLOCK",
            Self::DepPoolOverflow => "DEP_POOL_OVERFLOW",
            Self::InvalidArgs => "INVALID_ARGS",
            Self::RequireSyncStartInvalid => "REQUIRE_SYNC_START_INVALID",
            Self::TensorWaitTimeout => "TENSOR_WAIT_TIMEOUT",
            Self::ExplicitFatal => "EXPLICIT_FATAL",
            Self::SchedulerTimeout => "SCHEDULER_TIMEOUT",
            Self::AsyncCompletionInvalid => "ASYNC_COMPLETION_INVALID",
            Self::AsyncWaitOverflow => "ASYNC_WAIT_OVERFLOW",
            Self::AsyncRegistrationFailed => "ASYNC_REGISTRATION_FAILED",
            Self::ReadyQueueOverflow => "READY_QUEUE_OVERFLOW",
            Self::AsyncWaitTimeout => "ASYNC_WAIT_TIMEOUT",
            Self::ConditionRoomExhausted => "CONDITION_ROOM_EXHAUSTED",
            Self::MailboxGap => "MAILBOX_GAP",
            Self::TaskTimeout => "TASK_TIMEOUT",
            Self::CoreLost => "CORE_LOST",
            Self::NoCoreLeft => "NO_CORE_LEFT",
            Self::DeviceReset => "DEVICE_RESET",
            Self::PeerDead => "PEER_DEAD",
            Self::ProtocolError => "PROTOCOL_ERROR",
            Self::WorkerLost => "WORKER_LOST",
            Self::NoWorkerLeft => "NO_WORKER_LEFT",
            Self::TimelineEnded => "TIMELINE_ENDED",
        }
    }

    /// What happened, in a sentence.
    pub const fn what(self) -> &'static str {
        match self {
            Self::ScopeDeadlock => "One scope needs more task slots than its ring has.",
            Self::HeapRingDeadlock => "Output bytes can never be reserved.",
            Self::FlowControlDeadlock => "A ring is full of tasks that enclosing scopes hold.",
            Self::DepPoolOverflow => "Out of dependency nodes.",
            Self::InvalidArgs => "A task is malformed.",
            Self::RequireSyncStartInvalid => "A cohort needs more cores at once than the chip has.",
            Self::TensorWaitTimeout => "A buffer was not ready within the time its reader gave it.",
            Self::ExplicitFatal => "A kernel said that it cannot go on.",
            Self::SchedulerTimeout => "Nothing moves any more.",
            Self::AsyncCompletionInvalid => "A bad condition, or an engine reported failure.",
            Self::AsyncWaitOverflow => "A task registered more conditions than it may.",
            Self::AsyncRegistrationFailed => "A slab or a message cannot be read.",
            Self::ReadyQueueOverflow => "Reserved: finbox's ready stacks cannot overflow.",
            Self::AsyncWaitTimeout => "A deferred task missed its wait budget.",
            Self::ConditionRoomExhausted => "Every holder of condition room is waiting.",
            Self::MailboxGap => "A claimed mailbox slot was not published within its deadline.",
            Self::TaskTimeout => "A core or a worker did not finish a task within its run budget.",
            Self::CoreLost => "A task's token stood behind another on a core that hangs.",
            Self::NoCoreLeft => "Every core of the shape a task needs is out of the pool.",
            Self::DeviceReset => "The device was reset while a token was in flight.",
            Self::PeerDead => "A condition waits for a peer that was declared dead.",
            Self::ProtocolError => "A core answered with a word that no token explains.",
            Self::WorkerLost => "The worker that held a task's item died.",
            Self::NoWorkerLeft => {
                "The work ring was closed before a task's item was pushed, or lost its last worker \
                 then."
            }
            Self::TimelineEnded => "A gate waits for a timeline that ended before its value.",
        }
    }

    /// What was lost.
    pub const fn lost(self) -> &'static str {
        match self {
            Self::ScopeDeadlock => "the scope's later tasks",
            Self::HeapRingDeadlock => "the task that asked for them and what depends on it",
            Self::FlowControlDeadlock => "the tasks not yet submitted",
            Self::DepPoolOverflow => "the task that asked for them and what depends on it",
            Self::InvalidArgs => "that task; nothing of it was submitted",
            Self::RequireSyncStartInvalid => "that task and what depends on it",
            Self::TensorWaitTimeout => "nothing: the tasks go on",
            Self::ExplicitFatal => "that task and what depends on it",
            Self::SchedulerTimeout => "the tasks that are unfinished",
            Self::AsyncCompletionInvalid => "that task and what depends on it",
            Self::AsyncWaitOverflow => "that task and what depends on it",
            Self::AsyncRegistrationFailed => "that task and what depends on it",
            Self::ReadyQueueOverflow => "nothing",
            Self::AsyncWaitTimeout => "that task and what depends on it",
            Self::ConditionRoomExhausted => "the tasks that found no room",
            Self::MailboxGap => {
                "the messages at the missing positions, and the tasks that wait for them"
            }
            Self::TaskTimeout => {
                "that task and what depends on it; a core that had it is out of the pool"
            }
            Self::CoreLost => "that task and what depends on it",
            Self::NoCoreLeft => "that task and what depends on it",
            Self::DeviceReset => "the tasks in flight and what depends on them",
            Self::PeerDead => "that task and what depends on it",
            Self::ProtocolError => "nothing yet: the core is out of the pool until it is reset",
            Self::WorkerLost => "that task and what depends on it",
            Self::NoWorkerLeft => "that task and what depends on it",
            Self::TimelineEnded => "that gate and the launch behind it",
        }
    }

    /// What to do next, in a sentence.
    pub const fn hint(self) -> &'static str {
        match self {
            Self::ScopeDeadlock => {
                "Close the scope earlier, split it, or raise the number of task slots."
            }
            Self::HeapRingDeadlock => "Raise the ring's heap, or make the outputs smaller.",
            Self::FlowControlDeadlock => {
                "Close outer scopes earlier, nest less deeply, or raise the number of task slots."
            }
            Self::DepPoolOverflow => {
                "Raise the number of edge nodes, or give the task fewer producers."
            }
            Self::InvalidArgs => {
                "Look at the task's declaration; the message names what is out of range."
            }
            Self::RequireSyncStartInvalid => {
                "Give the task fewer blocks, or let its blocks start apart."
            }
            Self::TensorWaitTimeout => "Wait longer, or look at the task that writes the buffer.",
            Self::ExplicitFatal => "Look at the kernel: it reported the error itself.",
            Self::SchedulerTimeout => "Look at the stuck tasks: each names what it waits for.",
            Self::AsyncCompletionInvalid => {
                "Look at the address and type the task registered, and at the engine's status."
            }
            Self::AsyncWaitOverflow => {
                "Split the task: 64 conditions are the most one task may register."
            }
            Self::AsyncRegistrationFailed => {
                "The core wrote a slab that cannot be read; check the kernel."
            }
            Self::ReadyQueueOverflow => "Nothing to do: this number is never raised.",
            Self::AsyncWaitTimeout => {
                "Look at who should have made the condition true, or raise the wait budget."
            }
            Self::ConditionRoomExhausted => "Raise the condition room, or declare smaller bounds.",
            Self::MailboxGap => "Look at the thread that claimed the position: it died or hangs.",
            Self::TaskTimeout => {
                "Look at the kernel on the named core, or for an item at the work ring's workers, \
                 or raise the run budget."
            }
            Self::CoreLost => {
                "Look at the core's running token; reset the device to use the core again."
            }
            Self::NoCoreLeft => {
                "Reset the device; look at why its cores were taken out of the pool."
            }
            Self::DeviceReset => "Submit them again.",
            Self::PeerDead => "Restart the peer with a new epoch, and submit the work again.",
            Self::ProtocolError => "Look at the core's firmware; the word is in the event log.",
            Self::WorkerLost => {
                "Look at the named worker; items that may be done twice can be pushed again."
            }
            Self::NoWorkerLeft => "Close the group when all its tasks have finished, not before.",
            Self::TimelineEnded => "Look at what ended the timeline: the failure names it.",
        }
    }
}

/// The first fault of a scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

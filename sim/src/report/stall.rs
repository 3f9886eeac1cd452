//! Which tasks a stalled run was waiting for, and what each of them waited on.
//!
//! Guarantees: the number of stuck tasks is exact; the list is bounded, so a stall of a million
//! tasks is still a report that can be read; a class has one name and one fault. Refuses: to
//! classify a stall. Called by the run.

use super::explain::ExplainReport;
use finbox_scheduler::FaultCode;
use serde::{Serialize, Serializer};

use super::command::CommandStall;
use super::hex::Address;

/// The most stuck tasks that a report holds.
pub const MOST_STALLED_IN_JSON: usize = 1_000;

/// Why nothing moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StallClass {
    /// A task waits for conditions that nobody makes true.
    WaitingOnAsync,
    /// A core does not end a task.
    Running,
    /// No core takes a task that could start.
    Ready,
    /// A task waits for others, and none of them is stuck.
    Blocked,
    /// Every holder of condition room waits.
    RoomExhausted,
    /// Somebody else holds the wait list, so nobody takes messages or looks at conditions.
    ListHeld,
    /// The same, and there is no room for another message.
    MailboxFull,
    /// A claimed position of a mailbox is not published, or was not in time.
    MailboxGap,
    /// What is waited for was to be done by a task for which no core is left.
    NoCoreLeft,
    /// What is waited for was to be done by a task that waited for a dead rank.
    PeerDead,
    /// Tasks cannot be submitted, and none that was is stuck.
    SubmissionBlocked,
    /// The command ring's processor stands before a packet that nobody publishes.
    CommandStarved,
    /// The command ring's processor goes in circles.
    CommandLivelock,
    /// Nothing is stuck.
    Nothing,
}

impl StallClass {
    /// Its name in text and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WaitingOnAsync => "waiting on async",
            Self::Running => "running",
            Self::Ready => "ready",
            Self::Blocked => "blocked",
            Self::RoomExhausted => "condition room exhausted",
            Self::ListHeld => "wait list held",
            Self::MailboxFull => "mailbox full",
            Self::MailboxGap => "mailbox gap",
            Self::NoCoreLeft => "no core left",
            Self::PeerDead => "peer dead",
            Self::SubmissionBlocked => "submission blocked",
            Self::CommandStarved => "command ring starved",
            Self::CommandLivelock => "command ring in a livelock",
            Self::Nothing => "nothing is stuck",
        }
    }

    /// Whether it is the command ring's.
    pub const fn is_of_command(self) -> bool {
        matches!(self, Self::CommandStarved | Self::CommandLivelock)
    }

    /// The fault that the run ends with.
    pub const fn code(self) -> FaultCode {
        match self {
            Self::RoomExhausted => FaultCode::ConditionRoomExhausted,
            Self::MailboxGap => FaultCode::MailboxGap,
            Self::NoCoreLeft => FaultCode::NoCoreLeft,
            Self::PeerDead => FaultCode::PeerDead,
            _ => FaultCode::SchedulerTimeout,
        }
    }
}

impl Serialize for StallClass {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A stall: its class and the tasks that cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StallReport {
    class: StallClass,
    tasks: Vec<StalledTask>,
    count: u64,
    root: Option<RootBlocker>,
    unsubmitted: u64,
    halts: Vec<HaltReport>,
    command: Option<CommandStall>,
}

/// A rank whose messages are not delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HaltReport {
    /// Which.
    pub rank: u16,
    /// The class of a stall that this explains.
    pub class: StallClass,
    /// What the messages stand behind, in one sentence.
    pub message: String,
}

/// The task to look at first: it waits for no other stuck task, and most others wait for it; or one
/// that failed, and would have done what they wait for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RootBlocker {
    /// The rank it belongs to.
    pub rank: u16,
    /// The task id.
    pub task: u64,
    /// The task's name.
    pub name: String,
    /// How many stuck tasks wait for it, directly or not.
    pub blocks: u64,
    /// What it waits for, in one sentence that names rank and task.
    pub message: String,
}

/// One task that cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StalledTask {
    /// The task id: ring in bits 39..32, local number in bits 31..0.
    pub task: u64,
    /// The task's name.
    pub name: String,
    /// The state it is in.
    pub state: String,
    /// The rank it belongs to.
    pub rank: u16,
    /// What it waits on; empty where it waits on no condition.
    pub conditions: Vec<ConditionReport>,
    /// How long it has been in its state, in nanoseconds.
    pub age_ns: u64,
    /// Whether it waits for no other stuck task.
    pub is_root: bool,
    /// How many stuck tasks wait for it, directly or not; counted for roots.
    pub blocks: u64,
    /// Who its time point is waiting for, in one sentence, if it is a launch on a stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub point: Option<String>,
}

/// One condition that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConditionReport {
    /// The engine that should make it hold.
    pub engine: String,
    /// The completion type, such as `COUNTER`.
    #[serde(rename = "type")]
    pub completion_type: String,
    /// The address it watches.
    pub address: Address,
    /// The value to reach.
    pub expected: u64,
    /// The value last seen.
    pub observed: u64,
    /// How long it has been waited for, in nanoseconds.
    pub age_ns: u64,
    /// What stands at the address, such as `counter 0 of rank 1`; empty where nobody knows.
    pub what: String,
    /// The last step backwards that the value took, from and to; `None` where it took none.
    pub went_back: Option<[u32; 2]>,
}

impl StallReport {
    /// A stall of this class, with no tasks yet.
    pub fn new(class: StallClass) -> Self {
        Self {
            class,
            tasks: Vec::new(),
            count: 0,
            root: None,
            unsubmitted: 0,
            halts: Vec::new(),
            command: None,
        }
    }

    /// The same, with the task to look at first.
    #[must_use]
    pub fn with_root(self, root: Option<RootBlocker>) -> Self {
        Self { root, ..self }
    }

    /// The same, saying of each launch who its time point is waiting for.
    #[must_use]
    pub fn explaining(mut self, points: &[ExplainReport]) -> Self {
        for task in &mut self.tasks {
            let mut points = points.iter();
            let is_its = |one: &&ExplainReport| (one.rank, one.task) == (task.rank, task.task);
            task.point = points.find(is_its).map(|one| one.message.clone());
        }
        self
    }

    /// The same, with so many tasks not submitted yet.
    #[must_use]
    pub fn with_unsubmitted(self, unsubmitted: u64) -> Self {
        Self {
            unsubmitted,
            ..self
        }
    }

    /// The same, with the ranks whose messages are not delivered.
    #[must_use]
    pub fn with_halts(self, halts: Vec<HaltReport>) -> Self {
        Self { halts, ..self }
    }

    /// The same, with where the processor of the command ring stands, if there is one: its class,
    /// if that explains the stall.
    #[must_use]
    pub fn with_command(self, command: Option<CommandStall>) -> Self {
        let class = command.as_ref().and_then(CommandStall::class);
        Self {
            class: class.unwrap_or(self.class),
            command,
            ..self
        }
    }

    /// Counts a stuck task, and keeps it while there is room.
    pub fn push(&mut self, task: StalledTask) {
        self.count += 1;
        if self.tasks.len() < MOST_STALLED_IN_JSON {
            self.tasks.push(task);
        }
    }

    /// The stall class.
    pub fn class(&self) -> StallClass {
        self.class
    }

    /// The task to look at first; `None` where no task is stuck.
    pub fn root(&self) -> Option<&RootBlocker> {
        self.root.as_ref()
    }

    /// Where the processor of the command ring stands, if there is one.
    pub fn command(&self) -> Option<&CommandStall> {
        self.command.as_ref()
    }

    /// The ranks whose messages are not delivered.
    pub fn halts(&self) -> &[HaltReport] {
        &self.halts
    }

    /// How many tasks were not submitted yet.
    pub fn unsubmitted(&self) -> u64 {
        self.unsubmitted
    }

    /// The tasks that were kept, first pushed first.
    pub fn tasks(&self) -> &[StalledTask] {
        &self.tasks
    }

    /// How many tasks are stuck, kept or not.
    pub fn count(&self) -> u64 {
        self.count
    }
}

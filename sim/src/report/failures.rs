//! What failed, because of what, and who was cancelled behind it.
//!
//! Guarantees: counts are exact; the list is bounded, root failures first, in the order in which
//! they were raised. Refuses: to find causes; the recorder does that. Called by the run's end.

use serde::Serialize;

use super::words::{duration, printable, task_id};

/// The most failures that a report holds.
pub const MOST_FAILURES: usize = 1_000;

/// The most names of one cause chain, or of victims behind one failure.
pub const MOST_NAMES: usize = 16;

/// All failures of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct FailureReport {
    /// How many there are, listed or not.
    pub count: u64,
    /// Those that are listed.
    pub list: Vec<Failure>,
}

/// What a failure did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FailureKind {
    /// The task failed.
    Failed,
    /// The task never ran, or not to its end, because another one failed.
    Cancelled,
    /// Nothing yet, or the task had failed before: it is only told.
    Raised,
}

/// One failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The rank it happened on.
    pub rank: u16,
    /// The task; `None` where no task is to blame.
    pub task: Option<u64>,
    /// The task's name.
    pub name: String,
    /// What it did.
    pub outcome: FailureKind,
    /// The number of the fault; for a cancelled task that of its root.
    pub code: Option<u32>,
    /// The name of the fault.
    pub code_name: Option<String>,
    /// The core that is to blame, where one is.
    pub core: Option<u16>,
    /// The block of the task that was late, where one was.
    pub block: Option<u16>,
    /// The part of a mixed block that was late, such as `AIV0`.
    pub subtask: Option<String>,
    /// By how many ns it came too late, where it came at all before the run ended.
    pub late_ns: Option<u64>,
    /// The engine whose work failed, where one did.
    pub engine: Option<String>,
    /// What that engine said: an error code or a status.
    pub engine_code: Option<u32>,
    /// The dead rank that was waited for, where one was.
    pub peer: Option<u32>,
    /// The mailbox position that was not published in time, where one was.
    pub position: Option<u64>,
    /// Who had claimed that position, where it was announced: a FIN handler, counted from 1.
    pub claimer: Option<u32>,
    /// Why the timeline ended that was waited for, where one was: its cause, and that one's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// Names from the task that cancelled this one up to the root; the last is the root.
    pub causes: Vec<String>,
    /// How many tasks were cancelled because of this one, directly or not.
    pub victims: u64,
    /// The names of the first of them.
    pub victim_names: Vec<String>,
}

impl Failure {
    /// Where it happened: rank, task, block and core, as far as there are such.
    pub fn place(&self) -> String {
        let mut text = format!("rank {}", self.rank);
        if let Some(task) = self.task {
            text += &format!(", {} {}", task_id(task), printable(&self.name));
        }
        if let Some(block) = self.block {
            text += &format!(", block {block}");
        }
        if let Some(subtask) = &self.subtask {
            text += &format!(" {}", printable(subtask));
        }
        if let Some(core) = self.core {
            text += &format!(", core {core}");
        }
        text
    }

    /// What else is known of it; begins with a space or is empty.
    pub fn details(&self) -> String {
        let mut text = String::new();
        if let (Some(engine), Some(code)) = (&self.engine, self.engine_code) {
            text += &format!(" ({} said {code})", printable(engine));
        }
        if let Some(peer) = self.peer {
            text += &format!(" (it waits for rank {peer}, which is dead)");
        }
        if let Some(because) = &self.because {
            text += &format!(" ({})", printable(because));
        }
        if let Some(late_ns) = self.late_ns {
            text += &format!(" (its FIN came {} late)", duration(late_ns));
        }
        if let Some(position) = self.position {
            text += &format!(" at mailbox position {position}");
            if let Some(claimer) = self.claimer {
                text += &format!(", claimed by FIN handler {claimer}");
            }
        }
        text
    }
}

impl FailureReport {
    /// Counts a failure, and keeps it while there is room; else it is not even made.
    pub fn push(&mut self, make: impl FnOnce() -> Failure) {
        self.count += 1;
        if self.list.len() < MOST_FAILURES {
            self.list.push(make());
        }
    }
}

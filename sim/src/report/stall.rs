//! Which tasks a stalled run was waiting for, and what each of them waited on.
//!
//! Guarantees: the number of stuck tasks is exact; the list is bounded, so a stall of a million
//! tasks is still a report that can be read. Refuses: to classify a stall. Called by the run.

use serde::Serialize;

use super::hex::Address;

/// The most stuck tasks that a report holds.
pub const MOST_STALLED_IN_JSON: usize = 1_000;

/// A stall: its class and the tasks that cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StallReport {
    class: String,
    tasks: Vec<StalledTask>,
    count: u64,
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
}

impl StallReport {
    /// A stall of this class, with no tasks yet.
    pub fn new(class: impl Into<String>) -> Self {
        Self {
            class: class.into(),
            tasks: Vec::new(),
            count: 0,
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
    pub fn class(&self) -> &str {
        &self.class
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

//! Who a time point, or a task, is waiting for: one entry for each that did not come.
//!
//! The same words serve launches on streams and other tasks: what is wanted and where it is, since
//! when it has not moved, and what it hangs on in the end. Called by the run, which fills it.

use serde::Serialize;

use super::stall::{ConditionReport, StallReport, StalledTask};

/// Something that is wanted, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WantedReport {
    /// A stream, or a counter.
    pub what: String,
    /// The value that is wanted.
    pub wanted: u64,
    /// The value that it has.
    pub current: u64,
    /// Since when it has not moved, in ns.
    pub age_ns: u64,
}

/// What is known about the coming of one point, or the start or end of one task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainReport {
    /// The rank.
    pub rank: u16,
    /// The task, by its number.
    pub task: u64,
    /// Its name.
    pub name: String,
    /// The point of its stream; none, if it is on no stream.
    pub point: Option<WantedReport>,
    /// What it waits for and has not got.
    pub waits: Vec<WantedReport>,
    /// What that hangs on in the end, in a word or two.
    pub root: String,
    /// All of it in one sentence.
    pub message: String,
}

impl ExplainReport {
    /// Those of the tasks of a stall that are on no stream: what they wait for, and its root.
    pub fn of_stall(stall: &StallReport) -> Vec<Self> {
        let root = stall.root().map_or("", |root| &root.message);
        let tasks = stall.tasks().iter().filter(|task| task.point.is_none());
        tasks.map(|task| Self::of_task(task, root)).collect()
    }

    fn of_task(task: &StalledTask, root: &str) -> Self {
        let wanted = |one: &ConditionReport| WantedReport {
            what: match &*one.what {
                "" => format!("{} at {}", one.completion_type, one.address),
                what => what.to_owned(),
            },
            wanted: one.expected,
            current: one.observed,
            age_ns: one.age_ns,
        };
        let waits: Vec<WantedReport> = task.conditions.iter().map(wanted).collect();
        let mut message = format!("task {} is {}", task.name, task.state);
        for (nth, one) in waits.iter().enumerate() {
            let word = if nth == 0 { " for" } else { " and" };
            message += &format!("{word} {} {}", one.what, one.wanted);
            message += &format!(" (it is at {}, for {} ns)", one.current, one.age_ns);
        }
        Self {
            rank: task.rank,
            task: task.task,
            name: task.name.clone(),
            point: None,
            waits,
            root: root.to_owned(),
            message: format!("{message}; in the end: {root}"),
        }
    }
}

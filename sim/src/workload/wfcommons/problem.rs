//! What may be wrong in a workflow that is JSON with the right fields.

use crate::cli::near;
use crate::file::Problem;

use super::VERSIONS;

/// Most characters of an id that is shown, and most ids that one is compared with.
const MOST_CHARS: usize = 80;
const MOST_IDS: usize = 10_000;

/// What is wrong.
#[derive(Debug, thiserror::Error)]
pub(super) enum WfProblem {
    #[error("this is WfFormat \"{found}\", and {} are read", VERSIONS.join(" and "))]
    Version { found: String },
    #[error("the workflow has no tasks")]
    NoTasks,
    #[error("the workflow was not executed, so nothing says how long its tasks run")]
    NoExecution,
    #[error("task \"{id}\" was not executed, so nothing says how long it runs")]
    NotExecuted { id: String },
    #[error("there is no {what} \"{id}\"")]
    Unknown {
        what: &'static str,
        id: String,
        near: Option<String>,
    },
    #[error("there are two {what}s \"{id}\"")]
    Same { what: &'static str, id: String },
    #[error("\"{task}\" names \"{other}\" as a {what}, and is not named back")]
    Disagree {
        what: &'static str,
        task: String,
        other: String,
    },
    #[error("{field} is {value}, which no machine has measured")]
    Impossible { field: &'static str, value: f64 },
    #[error("{runtime_s} s are more than a thousand hours of virtual time")]
    TooLong { runtime_s: f64 },
    #[error("tasks wait for each other: {members}")]
    Cycle { members: String },
}

impl Problem for WfProblem {
    fn hint(&self) -> String {
        match self {
            Self::Version { .. } => {
                "bring it to 1.5 or 1.6 with the migration tool of WfFormat".to_owned()
            }
            Self::NoExecution | Self::NotExecuted { .. } => {
                "take an instance with execution data, or add runtimeInSeconds".to_owned()
            }
            Self::Unknown {
                near: Some(near), ..
            } => format!("did you mean \"{near}\"?"),
            Self::Disagree { .. } => "parents and children say the same: correct one".to_owned(),
            Self::TooLong { .. } => "take a smaller --time-scale".to_owned(),
            Self::Cycle { .. } => "remove one of these dependencies".to_owned(),
            _ => "correct the file at this place".to_owned(),
        }
    }
}

impl WfProblem {
    /// Two of the same id.
    pub(super) fn same(what: &'static str, id: &str) -> Self {
        let id = short(id);
        Self::Same { what, id }
    }

    /// Nothing says how long it runs.
    pub(super) fn not_executed(id: &str) -> Self {
        Self::NotExecuted { id: short(id) }
    }

    /// `task` names `other`, which does not name it.
    pub(super) fn disagree(what: &'static str, task: &str, other: &str) -> Self {
        let (task, other) = (short(task), short(other));
        Self::Disagree { what, task, other }
    }

    /// There is nothing of that id; `ids` are those that there are.
    pub(super) fn unknown<'i>(
        what: &'static str,
        id: &str,
        ids: impl Iterator<Item = &'i str>,
    ) -> Self {
        Self::Unknown {
            what,
            id: short(id),
            near: near(id, ids.take(MOST_IDS)).first().map(|&it| short(it)),
        }
    }
}

fn short(id: &str) -> String {
    id.chars().take(MOST_CHARS).collect()
}

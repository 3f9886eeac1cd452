//! What may be wrong in a graph file that is JSON with the right fields.

use crate::cli::near;
use crate::file::{Problem, Step};
use crate::workload::PlanError;

use super::SCHEMA;

/// What is wrong.
#[derive(Debug, thiserror::Error)]
pub(super) enum GraphProblem {
    #[error("this is no {SCHEMA} file: its \"schema\" is \"{found}\"")]
    Schema { found: String },
    #[error("a graph has 1 to {most} ranks, this one has {count}")]
    Ranks { count: usize, most: usize },
    #[error("there are two ranks {rank}")]
    SameRank { rank: u32 },
    #[error("there is no rank {rank}")]
    NoRank { rank: u32 },
    #[error("there is no {what} \"{name}\" in rank {rank}")]
    Unknown {
        what: &'static str,
        name: String,
        rank: u32,
        near: Option<String>,
    },
    #[error("rank {rank} has several {what}s \"{name}\"")]
    Ambiguous {
        what: &'static str,
        name: String,
        rank: u32,
    },
    #[error("there is no {what} {number} in rank {rank}, which has {count}")]
    Beyond {
        what: &'static str,
        number: u64,
        rank: u32,
        count: usize,
    },
    #[error("{field} is {value}: it must be {range}")]
    Range {
        field: &'static str,
        value: u64,
        range: &'static str,
    },
    #[error("a task on mixed cores says which: its \"subtasks\" are empty")]
    NoSubtasks,
    #[error(
        "an engine takes its time from \"ns\" or from \"bytes\", perhaps in \"rounds\": one of them"
    )]
    EngineTime,
    #[error("tasks of rank {rank} wait for each other: {members}")]
    Cycle { rank: u32, members: String },
    #[error("a place further than 2⁶⁴ bytes")]
    TooFar,
    #[error("{0}")]
    Plan(PlanError),
}

impl Problem for GraphProblem {
    fn hint(&self) -> String {
        match self {
            Self::Schema { .. } => format!("this finbox reads {SCHEMA}; correct \"schema\""),
            Self::Unknown {
                near: Some(near), ..
            } => format!("did you mean \"{near}\"?"),
            Self::Ambiguous { what, .. } => format!("give the {what}'s number instead, from 0"),
            Self::Plan(PlanError::Order { .. }) => {
                "list tasks behind those they come after, or give an \"order\"".to_owned()
            }
            Self::Plan(PlanError::Waits { .. }) => {
                "leave \"defers\" out, and it is counted".to_owned()
            }
            Self::Cycle { .. } => "remove one of these \"after\"".to_owned(),
            Self::NoSubtasks => "give \"subtasks\": some of \"aic\", \"aiv0\", \"aiv1\"".to_owned(),
            _ => "correct the file at this place".to_owned(),
        }
    }
}

impl GraphProblem {
    /// There is nothing of that name; `names` are those that there are.
    pub(super) fn unknown<'n>(
        what: &'static str,
        name: &str,
        rank: u32,
        names: impl Iterator<Item = &'n str>,
    ) -> Self {
        Self::Unknown {
            what,
            name: name.chars().take(MOST_CHARS).collect(),
            rank,
            near: near(name, names.take(MOST_NAMES))
                .first()
                .map(|&it| it.to_owned()),
        }
    }
}

/// Most characters of a name that is shown, and most names that one is compared with.
const MOST_CHARS: usize = 80;
const MOST_NAMES: usize = 10_000;

/// A problem and where it is.
#[derive(Debug)]
pub(super) struct Located {
    pub(super) steps: Vec<Step<'static>>,
    pub(super) problem: GraphProblem,
}

/// Says of a problem where it is.
pub(super) fn at(steps: &[Step<'static>]) -> impl FnOnce(GraphProblem) -> Located + use<> {
    let steps = steps.to_vec();
    move |problem| Located { steps, problem }
}

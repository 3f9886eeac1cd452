//! The options of plans: what happens to memory that nobody tracks, and a use that is left out.
//!
//! Guarantees: a use is left out of `streams` only. Called by the parser.

use clap::{Args, ValueEnum};
use thiserror::Error;

use super::options::What;
use super::usage::UsageError;
use crate::demo::Omitted;

/// The scenario whose uses can be left out.
const STREAMS: &str = "streams";

/// What happens to memory that launches use and nobody tracks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Plan {
    /// It is refused before the run
    #[default]
    Strict,
    /// It passes, in no order with anything, and is listed
    Permissive,
}

/// How launches are planned.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct PlanOptions {
    /// Memory that launches use and nobody tracks: strict (refused) or permissive (listed)
    #[arg(long, value_name = "HOW", value_enum, default_value_t = Plan::Strict)]
    #[arg(hide_possible_values = true)]
    pub plan: Plan,

    /// Leave a declared use of streams out, as join:keys: nothing orders it then
    #[arg(long, value_name = "TASK:BUFFER", value_parser = omitted)]
    pub omit_use: Option<Omitted>,
}

#[derive(Debug, Error)]
#[error("it must be a task and a buffer, as join:keys")]
struct NotAUse;

fn omitted(text: &str) -> Result<Omitted, NotAUse> {
    let (task, buffer) = text.split_once(':').ok_or(NotAUse)?;
    let (task, buffer) = (task.to_owned(), buffer.to_owned());
    Ok(Omitted { task, buffer })
}

impl PlanOptions {
    /// Refuses a use that is left out of anything else.
    pub(super) fn check(&self, what: &What) -> Result<(), UsageError> {
        let is_streams = matches!(what, What::Scenario(name) if name == STREAMS);
        match self.omit_use.is_some() && !is_streams {
            true => Err(UsageError::StreamsOnly { what: what.label() }),
            false => Ok(()),
        }
    }
}

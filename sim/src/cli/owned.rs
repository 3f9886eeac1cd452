//! Options that belong to files of one kind: scenarios have none of them.
//!
//! Guarantees: whoever gives one in vain is told what it is for. Refuses to look into files: what a
//! file has its loader knows, which refuses the others. Called by the parser.

use super::args::RunArgs;
use super::options::What;
use super::scenario::find_scenario;
use super::usage::UsageError;

/// Refuses what only workflows or traces have, if `what` is a scenario.
pub(super) fn check_owned(what: &What, run: &RunArgs) -> Result<(), UsageError> {
    let What::Scenario(name) = what else {
        return Ok(());
    };
    if run.time_scale.is_some() {
        return Err(UsageError::NoTimeScale { what: name.clone() });
    }
    let given = [
        ("--deps", run.deps.is_some()),
        ("--collectives", run.collectives.is_some()),
    ];
    match given.into_iter().find(|(_, is_given)| *is_given) {
        Some((option, _)) => Err(UsageError::TraceOnly {
            option,
            what: name.clone(),
        }),
        None => Ok(()),
    }
}

/// Refuses a number of tasks, if `what` has a fixed one.
pub(super) fn check_tasks(what: &What, tasks: Option<u32>) -> Result<(), UsageError> {
    let scales = match what {
        What::Scenario(name) => find_scenario(name).is_some_and(|it| it.default_tasks.is_some()),
        What::Path(_) => false,
    };
    match tasks {
        Some(asked) if !scales => Err(UsageError::TasksFixed {
            what: what.label(),
            asked,
        }),
        _ => Ok(()),
    }
}

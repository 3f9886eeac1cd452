//! The command line: from arguments to a [`Command`], from an outcome to stdout, stderr, exit code.
//!
//! Guarantees: [`parse`] is pure (no file, no terminal, no environment), so every rule of the
//! command line is testable without a process. Every refusal names what was given, what is allowed
//! and what to do next. Options that are not delivered are unknown and absent from help.
//!
//! Refuses: to run anything, to open a file, and to know the scheduler: the facts of the targets
//! come in as [`TargetFacts`].
//!
//! Called by `main` only.

mod args;
mod bench;
mod compare;
mod convert;
mod device;
mod list;
mod near;
mod options;
pub mod output;
mod owned;
mod persistent;
mod plan;
mod scenario;
mod scripts;
mod target;
mod trace;
mod usage;
mod values;

use std::ffi::{OsStr, OsString};

pub use bench::{BenchOptions, MetgOptions};
pub use compare::CompareOptions;
pub use convert::ConvertOptions;
pub use device::{BoardOptions, DeviceOptions};
pub use list::{list_json, list_text};
pub(crate) use near::near;
pub use options::{CheckOptions, Collectives, Completion, Deps, Mode, RunOptions, What};
pub use persistent::Persistent;
pub use plan::{Plan, PlanOptions};
pub use scenario::{SCENARIOS, Scenario, find_scenario, near_scenarios};
pub use target::{TargetFacts, TargetName};
pub use trace::TraceOptions;
pub use usage::UsageError;

/// What the arguments asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Run a scenario or a workload file.
    Run(Box<RunOptions>),
    /// Run it under many seeds and faults.
    Check(Box<CheckOptions>),
    /// Show a device, run its self-test and the demos.
    Device(DeviceOptions),
    /// Write what can be run as a graph file.
    Convert(Box<ConvertOptions>),
    /// Measure the minimum effective task granularity.
    Metg(Box<MetgOptions>),
    /// Print what can be run and on what.
    List {
        /// One JSON document instead of text.
        json: bool,
    },
    /// Show what differs between two documents.
    Compare(CompareOptions),
    /// Print this completion script or manual page on stdout and exit 0.
    Text(String),
    /// Print the costs of this target, as a file that `--cost-model` takes.
    CostModel(TargetName),
    /// Print this help text on stdout and exit 0.
    Help(String),
    /// Print this version line on stdout and exit 0.
    Version(String),
}

/// Turns the arguments, program name first, into a command.
///
/// `targets` are the targets of this build; they bound `--cores` and `--target`.
///
/// # Errors
///
/// Everything that exits with 2; see [`UsageError`].
pub fn parse<I, A>(args: I, targets: &[TargetFacts]) -> Result<Command, UsageError>
where
    I: IntoIterator<Item = A>,
    A: Into<OsString> + Clone,
{
    args::parse(args, targets)
}

/// Whether `--json` stands anywhere in the arguments, before a lone `--`.
///
/// Needed before [`parse`] succeeds, so that an argument error can be a JSON document as well.
pub fn wants_json<A: AsRef<OsStr>>(args: &[A]) -> bool {
    args.iter()
        .skip(1)
        .map(|arg| arg.as_ref().as_encoded_bytes())
        .take_while(|arg| *arg != b"--")
        .any(|arg| arg == b"--json" || arg.starts_with(b"--json="))
}

#[cfg(test)]
mod check_tests;
#[cfg(test)]
mod help_tests;
#[cfg(test)]
mod tests;

//! The grammar of the command line, and its checks.
//!
//! Guarantees: what is declared here is what help shows; the rules that need two options at once
//! (ranks and scenario, cores and target) are checked after the grammar. Refuses: to print or to
//! exit; help and version come back as values. Called by [`super::parse`].

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::builder::TypedValueParser as _;
use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};

use super::options::{Deps, Mode, RunOptions, What};
use super::scenario::{find_scenario, near_scenarios};
use super::target::{TargetFacts, TargetName};
use super::usage::UsageError;
use super::{Command, values};

const AFTER_HELP: &str = "\
Exit codes: 0 pass · 1 wrong result · 2 usage · 3 invalid or unreadable input file ·
4 stuck (stall or deadline) · 5 fault";

const AFTER_RUN_HELP: &str = "\
An argument with a dot or a slash is a path (write ./NAME for a file without a dot);
any other is a scenario: `finbox list` shows them.

Example: finbox run deferred_notify_demo --target a5 --ranks 8 --json";

/// Runs task graphs on a simulated accelerator and accounts for every completion
#[derive(Debug, Parser)]
#[command(name = "finbox", bin_name = "finbox", version, after_help = AFTER_HELP)]
#[command(subcommand_required = true, arg_required_else_help = true)]
struct Top {
    #[command(subcommand)]
    command: Sub,
}

#[derive(Debug, Subcommand)]
enum Sub {
    /// Run a demo, a built-in workload or a workload file
    Run(RunArgs),
    /// Show the scenarios, the targets and where traces go
    List(ListArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Print one JSON document instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = AFTER_RUN_HELP)]
struct RunArgs {
    /// A scenario's name, or a path (it has a dot or a slash)
    #[arg(value_name = "SCENARIO|FILE")]
    what: OsString,

    /// The chip to simulate
    #[arg(long, value_name = "TARGET", value_enum, default_value_t = TargetName::A2a3)]
    #[arg(hide_possible_values = true, help = "The chip to simulate: a2a3 or a5")]
    target: TargetName,

    /// Ranks, 1 to 64 and inside the scenario's range [default: the scenario's]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = |text: &str| values::whole::<u16>(text, values::RANKS))]
    ranks: Option<u16>,

    /// lockstep (virtual time) or parallel (real threads)
    #[arg(long, value_name = "MODE", value_enum, default_value_t = Mode::Lockstep)]
    #[arg(hide_possible_values = true)]
    mode: Mode,

    /// The seed of every choice the simulator makes
    #[arg(
        long,
        value_name = "S",
        default_value = "0",
        allow_negative_numbers = true
    )]
    #[arg(value_parser = |text: &str| values::whole::<u64>(text, 0..=u64::MAX))]
    seed: u64,

    /// FIN handlers a rank, 1 to 8 [default: the target's]
    #[arg(long = "threads", value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = |text: &str| values::whole::<u8>(text, values::HANDLERS))]
    handlers: Option<u8>,

    /// Cores a rank, 1 to the target's [default: all of them]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = clap::builder::StringValueParser::new().map(Asked))]
    cores: Option<Asked>,

    /// Mailbox slots, a power of two from 2 to 16777216 [default: 4096]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = values::mailbox_slots)]
    mailbox_slots: Option<u32>,

    /// Give up after this many milliseconds (virtual in lockstep), at least 1
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = |text: &str| values::whole::<u64>(text, values::DEADLINE_MS))]
    deadline_ms: Option<u64>,

    /// Dependencies of a trace to keep: data, ctrl or both
    #[arg(long, value_name = "KIND", value_enum, default_value_t = Deps::Data)]
    #[arg(hide_possible_values = true)]
    deps: Deps,

    /// Print one JSON document instead of text
    #[arg(long)]
    json: bool,

    /// Draw no progress line
    #[arg(long)]
    quiet: bool,
}

/// A value as it was written, kept until the option that bounds it is known.
#[derive(Debug, Clone)]
struct Asked(String);

pub(super) fn parse<I, A>(args: I, targets: &[TargetFacts]) -> Result<Command, UsageError>
where
    I: IntoIterator<Item = A>,
    A: Into<OsString> + Clone,
{
    match Top::try_parse_from(args) {
        Ok(Top {
            command: Sub::Run(run),
        }) => checked(run, targets).map(Command::Run),
        Ok(Top {
            command: Sub::List(list),
        }) => Ok(Command::List { json: list.json }),
        Err(answer) => match answer.kind() {
            ErrorKind::DisplayHelp => Ok(Command::Help(answer.render().to_string())),
            ErrorKind::DisplayVersion => Ok(Command::Version(answer.render().to_string())),
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => Err(UsageError::NoCommand {
                help: answer.render().to_string(),
            }),
            _ => Err(UsageError::from_grammar(&answer)),
        },
    }
}

fn checked(run: RunArgs, targets: &[TargetFacts]) -> Result<RunOptions, UsageError> {
    let what = what(&run.what)?;
    let target = target(run.target, targets)?;
    check_ranks(&what, run.ranks)?;
    let cores = run.cores.map(|asked| cores(&asked.0, target)).transpose()?;
    Ok(RunOptions {
        what,
        target: run.target,
        ranks: run.ranks,
        mode: run.mode,
        seed: run.seed,
        handlers: run.handlers,
        cores,
        mailbox_slots: run.mailbox_slots,
        deadline_ms: run.deadline_ms,
        deps: run.deps,
        json: run.json,
        quiet: run.quiet,
    })
}

/// A dot or a slash makes a path; everything else has to be a scenario.
fn what(argument: &OsStr) -> Result<What, UsageError> {
    if argument
        .as_encoded_bytes()
        .iter()
        .any(|byte| matches!(byte, b'.' | b'/'))
    {
        return Ok(What::Path(PathBuf::from(argument)));
    }
    let name = argument.to_string_lossy();
    match find_scenario(&name) {
        Some(scenario) => Ok(What::Scenario(scenario.name.to_owned())),
        None => Err(UsageError::UnknownScenario {
            near: near_scenarios(&name),
            name: name.into_owned(),
        }),
    }
}

fn target(name: TargetName, targets: &[TargetFacts]) -> Result<&TargetFacts, UsageError> {
    targets
        .iter()
        .find(|facts| facts.name == name)
        .ok_or_else(|| UsageError::TargetNotBuilt {
            asked: name,
            built: targets.iter().map(|facts| facts.name).collect(),
        })
}

fn check_ranks(what: &What, ranks: Option<u16>) -> Result<(), UsageError> {
    let (What::Scenario(name), Some(asked)) = (what, ranks) else {
        return Ok(());
    };
    match find_scenario(name) {
        Some(scenario) if !scenario.ranks.contains(&asked) => {
            Err(UsageError::RanksOutsideScenario {
                scenario: scenario.name,
                asked,
            })
        }
        _ => Ok(()),
    }
}

fn cores(asked: &str, target: &TargetFacts) -> Result<u16, UsageError> {
    values::whole(asked, 1..=u64::from(target.cores)).map_err(|_| UsageError::CoresOutsideTarget {
        asked: asked.to_owned(),
        target: target.name,
        most: target.cores,
    })
}

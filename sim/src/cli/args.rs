//! The grammar of the command line, and its checks.
//!
//! Guarantees: what is declared here is what help shows; the rules that need two options at once
//! (ranks and scenario, cores and target) are checked after the grammar. Refuses: to print or to
//! exit; help and version come back as values. Called by [`super::parse`].

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::builder::TypedValueParser as _;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand};

use super::bench::{BenchOptions, MetgArgs, metg};
use super::convert::{ConvertArgs, convert};
use super::device::{BoardOptions, DeviceArgs, device};
use super::options::{CheckOptions, Collectives, Completion, Deps, Mode, RunOptions, What};
use super::owned::{check_owned, check_tasks};
use super::persistent::Persistent;
use super::plan::PlanOptions;
use super::scenario::{find_scenario, near_scenarios};
use super::target::{TargetFacts, TargetName};
use super::usage::UsageError;
use super::{Command, CompareOptions, TraceOptions, scripts, values};
use crate::fault::Faults;
use crate::world::Submit;

const AFTER_HELP: &str = "\
Exit codes: 0 pass · 1 wrong result · 2 usage · 3 invalid or unreadable input file ·
4 stuck (stall or deadline) · 5 fault · 130 interrupted";

const AFTER_RUN_HELP: &str = "\
An argument with a dot or a slash is a path (write ./NAME for a file without a dot);
any other is a scenario: `finbox list` shows them.

Example: finbox run deferred_notify_demo --target a5 --ranks 8 --json";

const AFTER_CHECK_HELP: &str = "\
Each seed turns some of the faults on, runs, and is judged: no rule broken, the ledger adds up,
right bytes, and whatever failed is explained by a fault that struck. A seed that goes wrong
prints the command that runs it again.

Example: finbox check random --seeds 20000 --faults all";

/// Runs task graphs on a simulated accelerator and accounts for every completion
#[derive(Debug, Parser)]
#[command(name = "finbox", bin_name = "finbox", version, after_help = AFTER_HELP)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(super) struct Top {
    #[command(subcommand)]
    command: Sub,
}

#[derive(Debug, Subcommand)]
enum Sub {
    /// Run a demo, a built-in workload or a workload file
    Run(TracedArgs),
    /// Run it under many seeds, schedules and faults, and judge every one
    Check(CheckArgs),
    /// Show the scenarios, the targets, the kinds of fault and where traces go
    List(ListArgs),
    /// Load a device library, run its self-test and the demos it supports
    Device(DeviceArgs),
    /// Write what can be run as a graph file that people can read and change
    Convert(ConvertArgs),
    /// Measure the minimum effective task granularity of a pattern of Task Bench
    Metg(MetgArgs),
    /// Show what differs between two documents of `run --json`
    Compare(CompareOptions),
    /// Print the completion script of a shell
    Completions(scripts::ShellArgs),
    /// Print the manual page, or that of one command, for `man -l -`
    Man(scripts::ManArgs),
}

#[derive(Debug, Args)]
#[command(after_help = AFTER_RUN_HELP)]
struct TracedArgs {
    #[command(flatten)]
    run: RunArgs,

    #[command(flatten)]
    trace: TraceOptions,

    #[command(flatten)]
    board: BoardOptions,
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Print the costs of a2a3 or a5 as a file for --cost-model, and nothing else
    #[arg(long, value_name = "TARGET", value_enum, hide_possible_values = true)]
    cost_model: Option<TargetName>,

    /// Print one JSON document instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// A scenario's name, or a path (it has a dot or a slash)
    #[arg(value_name = "SCENARIO|FILE", value_hint = clap::ValueHint::AnyPath)]
    pub(super) what: OsString,

    /// The chip to simulate
    #[arg(long, value_name = "TARGET", value_enum, hide_possible_values = true)]
    #[arg(help = "The chip to simulate: a2a3 or a5 [default: a2a3; check takes both in turn]")]
    pub(super) target: Option<TargetName>,

    /// Ranks, 1 to 64 and inside the scenario's range [default: the scenario's]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = clap::builder::StringValueParser::new().map(Asked))]
    pub(super) ranks: Option<Asked>,

    /// Tasks of a scenario of any size, 1 to 10000000 [default: the scenario's]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = |text: &str| values::whole::<u32>(text, values::TASKS))]
    pub(super) tasks: Option<u32>,

    #[command(flatten)]
    pub(super) bench: BenchOptions,

    #[command(flatten)]
    pub(super) plan: PlanOptions,

    /// lockstep (virtual time) or parallel (real threads)
    #[arg(long, value_name = "MODE", value_enum, default_value_t = Mode::Lockstep)]
    #[arg(hide_possible_values = true)]
    pub(super) mode: Mode,

    /// The seed of every choice the simulator makes
    #[arg(
        long,
        value_name = "S",
        default_value = "0",
        allow_negative_numbers = true
    )]
    #[arg(value_parser = |text: &str| values::whole::<u64>(text, 0..=u64::MAX))]
    pub(super) seed: u64,

    /// FIN handlers a rank, 1 to 8 [default: the target's]
    #[arg(long = "threads", value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = |text: &str| values::whole::<u8>(text, values::HANDLERS))]
    pub(super) handlers: Option<u8>,

    /// Cores a rank, 1 to the target's [default: all of them]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = asked_cores())]
    pub(super) cores: Option<Asked>,

    /// Mailbox slots, a power of two from 2 to 16777216 [default: 4096]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = values::mailbox_slots)]
    pub(super) mailbox_slots: Option<u32>,

    /// Give up after this many milliseconds (virtual in lockstep), at least 1
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = |text: &str| values::whole::<u64>(text, values::DEADLINE_MS))]
    pub(super) deadline_ms: Option<u64>,

    /// Fail a task whose core does not answer after this many milliseconds [default: never]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = |text: &str| values::whole::<u64>(text, values::DEADLINE_MS))]
    pub(super) task_budget_ms: Option<u64>,

    /// Fail a task whose condition does not hold after this many milliseconds [default: never]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = |text: &str| values::whole::<u64>(text, values::DEADLINE_MS))]
    pub(super) wait_budget_ms: Option<u64>,

    /// mailbox, or locked: a lock for each FIN, kept for comparison
    #[arg(long, value_name = "HOW", value_enum, default_value_t = Completion::Mailbox)]
    #[arg(hide_possible_values = true)]
    pub(super) completion: Completion,

    /// auto, force or disable: persistent workers for persistent_scan [default: auto]
    #[arg(long, value_name = "HOW", value_enum, hide_possible_values = true)]
    pub(super) persistent: Option<Persistent>,

    /// direct, ring or ring-threaded: tasks as packets of a command ring
    #[arg(long, value_name = "HOW", value_enum, default_value_t = Submit::Direct)]
    #[arg(hide_possible_values = true)]
    pub(super) submit: Submit,

    /// Command ring slots, a power of two from 2 to 16777216 [default: 1024]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = values::mailbox_slots)]
    pub(super) command_slots: Option<u32>,

    /// What goes wrong, and that it strikes one occasion in N; may be repeated
    #[arg(long = "fault", value_name = "KIND[:N],…", allow_hyphen_values = true)]
    pub(super) faults: Vec<String>,

    /// What things cost in virtual time, from a file [default: the target's; see `finbox list`]
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(super) cost_model: Option<PathBuf>,

    /// How long a second of a WfCommons workflow takes, in virtual seconds [default: 0.001]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    #[arg(value_parser = values::time_scale)]
    pub(super) time_scale: Option<u64>,

    /// Dependencies of a trace to keep: data, ctrl or both [default: data]
    #[arg(long, value_name = "KIND", value_enum, hide_possible_values = true)]
    pub(super) deps: Option<Deps>,

    /// Collectives of a trace: ring, direct or model [default: direct up to 64 KiB, then ring]
    #[arg(long, value_name = "HOW", value_enum, hide_possible_values = true)]
    pub(super) collectives: Option<Collectives>,

    /// Record the run, and say what held it up; check ignores it
    #[arg(long)]
    pub(super) explain: bool,

    /// Record the run, and write what it did for a browser; check ignores it
    #[arg(long, value_name = "FILE.html")]
    pub(super) report: Option<PathBuf>,

    /// Compare the bytes that tasks touch with those that they declare
    #[arg(long)]
    pub(super) shadow: bool,

    /// Print one JSON document instead of text
    #[arg(long)]
    pub(super) json: bool,

    /// Draw no progress line
    #[arg(long)]
    pub(super) quiet: bool,
}

impl RunArgs {
    /// Every default.
    pub(super) fn of(what: OsString) -> Self {
        Self {
            what,
            target: None,
            ranks: None,
            tasks: None,
            bench: BenchOptions::default(),
            plan: PlanOptions::default(),
            mode: Mode::Lockstep,
            seed: 0,
            handlers: None,
            cores: None,
            mailbox_slots: None,
            deadline_ms: None,
            task_budget_ms: None,
            wait_budget_ms: None,
            completion: Completion::Mailbox,
            persistent: None,
            submit: Submit::Direct,
            command_slots: None,
            faults: Vec::new(),
            cost_model: None,
            time_scale: None,
            deps: None,
            collectives: None,
            explain: false,
            report: None,
            shadow: false,
            json: false,
            quiet: false,
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = AFTER_CHECK_HELP)]
struct CheckArgs {
    #[command(flatten)]
    run: RunArgs,

    /// How many seeds, from --seed on
    #[arg(
        long,
        value_name = "N",
        default_value = "1000",
        allow_negative_numbers = true
    )]
    #[arg(value_parser = |text: &str| values::whole::<u64>(text, 1..=u64::MAX))]
    seeds: u64,

    /// Stop after so many seconds
    #[arg(long = "for", value_name = "SECONDS", allow_negative_numbers = true)]
    #[arg(value_parser = |text: &str| values::whole::<u64>(text, 1..=u64::MAX / 1_000_000_000))]
    for_seconds: Option<u64>,

    /// Faults to choose from: each seed turns some of them on
    #[arg(
        long = "faults",
        value_name = "all|none|KIND,…",
        default_value = "none"
    )]
    wanted: String,
}

/// A value as it was written, kept until the option that bounds it is known.
#[derive(Debug, Clone)]
pub(super) struct Asked(pub(super) String);

/// Keeps the value as it is written.
pub(super) fn asked_cores() -> impl clap::builder::TypedValueParser<Value = Asked> {
    clap::builder::StringValueParser::new().map(Asked)
}

pub(super) fn parse<I, A>(args: I, targets: &[TargetFacts]) -> Result<Command, UsageError>
where
    I: IntoIterator<Item = A>,
    A: Into<OsString> + Clone,
{
    match Top::try_parse_from(args) {
        Ok(Top {
            command: Sub::Run(args),
        }) => checked_run(args, targets).map(Box::new).map(Command::Run),
        Ok(Top {
            command: Sub::Device(args),
        }) => device(args).map(Command::Device),
        Ok(Top {
            command: Sub::Check(check),
        }) => checked_check(check, targets)
            .map(Box::new)
            .map(Command::Check),
        Ok(Top {
            command: Sub::Convert(args),
        }) => convert(args, targets).map(Box::new).map(Command::Convert),
        Ok(Top {
            command: Sub::Metg(args),
        }) => metg(args, targets).map(Box::new).map(Command::Metg),
        Ok(Top {
            command: Sub::List(list),
        }) => Ok(match list.cost_model {
            Some(target) => Command::CostModel(target),
            None => Command::List { json: list.json },
        }),
        Ok(Top {
            command: Sub::Compare(compare),
        }) => Ok(Command::Compare(compare)),
        Ok(Top {
            command: Sub::Completions(wanted),
        }) => Ok(Command::Text(scripts::completions(Top::command(), &wanted))),
        Ok(Top {
            command: Sub::Man(wanted),
        }) => scripts::manual(Top::command(), &wanted).map(Command::Text),
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

fn checked_run(args: TracedArgs, targets: &[TargetFacts]) -> Result<RunOptions, UsageError> {
    let any_target = args.run.target.is_none();
    Ok(RunOptions {
        trace: args.trace,
        board: BoardOptions {
            any_target,
            ..args.board
        },
        ..checked(args.run, targets)?
    })
}

fn checked_check(check: CheckArgs, targets: &[TargetFacts]) -> Result<CheckOptions, UsageError> {
    let one_target = check.run.target.is_some();
    let faults = match check.wanted.as_str() {
        "none" => Faults::NONE,
        "all" => Faults::all(),
        kinds => Faults::NONE.parse(kinds)?,
    };
    Ok(CheckOptions {
        run: checked(check.run, targets)?,
        one_target,
        seeds: check.seeds,
        for_seconds: check.for_seconds,
        faults,
    })
}

pub(super) fn checked(run: RunArgs, targets: &[TargetFacts]) -> Result<RunOptions, UsageError> {
    let what = what(&run.what)?;
    check_owned(&what, &run)?;
    let name = run.target.unwrap_or(TargetName::A2a3);
    let target = target(name, targets)?;
    let mut faults = run.faults.iter();
    let faults = faults.try_fold(Faults::NONE, |faults, text| faults.parse(text))?;
    let ranks = run.ranks.map(|asked| ranks(&what, asked.0)).transpose()?;
    check_tasks(&what, run.tasks)?;
    run.bench.check(&what)?;
    Persistent::check(run.persistent, &what)?;
    run.plan.check(&what)?;
    if run.cost_model.is_some() && run.mode == Mode::Parallel {
        return Err(UsageError::CostsInParallel);
    }
    let cores = run.cores.map(|asked| cores(&asked.0, target)).transpose()?;
    Ok(RunOptions {
        what,
        target: name,
        faults,
        ranks,
        tasks: run.tasks,
        bench: run.bench,
        plan: run.plan,
        mode: run.mode,
        completion: run.completion,
        persistent: run.persistent,
        submit: run.submit,
        command_slots: run.command_slots,
        seed: run.seed,
        handlers: run.handlers,
        cores,
        mailbox_slots: run.mailbox_slots,
        deadline_ms: run.deadline_ms,
        task_budget_ms: run.task_budget_ms,
        wait_budget_ms: run.wait_budget_ms,
        cost_model: run.cost_model,
        time_scale: run.time_scale,
        deps: run.deps,
        collectives: run.collectives,
        explain: run.explain,
        report: run.report,
        shadow: run.shadow,
        trace: TraceOptions::NONE,
        board: BoardOptions::default(),
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

fn ranks(what: &What, asked: String) -> Result<u16, UsageError> {
    let scenario = match what {
        What::Scenario(name) => find_scenario(name),
        What::Path(_) => None,
    };
    let range = scenario.map_or(values::TRACE_RANKS, |_| values::RANKS);
    let most = *range.end();
    let Ok(ranks) = values::whole(&asked, range) else {
        return Err(UsageError::RanksOutsideRange { asked, most });
    };
    match scenario {
        Some(scenario) if !scenario.ranks.contains(&ranks) => {
            Err(UsageError::RanksOutsideScenario {
                scenario: scenario.name,
                asked: ranks,
            })
        }
        _ => Ok(ranks),
    }
}

fn cores(asked: &str, target: &TargetFacts) -> Result<u16, UsageError> {
    values::whole(asked, 1..=u64::from(target.cores)).map_err(|_| UsageError::CoresOutsideTarget {
        asked: asked.to_owned(),
        target: target.name,
        most: target.cores,
    })
}

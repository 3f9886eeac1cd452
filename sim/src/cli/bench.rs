//! The options of `task_bench_*` scenarios, and the grammar of `finbox metg`.
//!
//! Guarantees: they are refused for every other scenario and for files. Called by the parser.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::args::{Asked, RunArgs, asked_cores, checked};
use super::options::{Completion, RunOptions, What};
use super::scenario::find_scenario;
use super::target::{TargetFacts, TargetName};
use super::usage::UsageError;
use super::values;

/// What the scenarios of Task Bench are called, before the pattern.
const PREFIX: &str = "task_bench_";

/// The size of a graph of Task Bench.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Args)]
pub struct BenchOptions {
    /// Points of a step of task_bench_*, 1 to 4096 [default: the vector cores in use]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = |text: &str| values::whole::<u32>(text, 1..=4_096))]
    pub width: Option<u32>,

    /// Steps of task_bench_*, 1 to 100000 [default: 20]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = |text: &str| values::whole::<u32>(text, 1..=100_000))]
    pub steps: Option<u32>,

    /// How long a kernel of task_bench_* runs, 0 to 1000000000 [default: 10000]
    #[arg(long, value_name = "NS", allow_negative_numbers = true)]
    #[arg(value_parser = |text: &str| values::whole::<u64>(text, 0..=1_000_000_000))]
    pub task_ns: Option<u64>,
}

impl BenchOptions {
    /// Refuses them for what is no graph of Task Bench.
    pub(super) fn check(&self, what: &What) -> Result<(), UsageError> {
        let is_bench = matches!(what, What::Scenario(name) if name.starts_with(PREFIX));
        let given = [
            ("--width", self.width.is_some()),
            ("--steps", self.steps.is_some()),
            ("--task-ns", self.task_ns.is_some()),
        ];
        match given.into_iter().find(|(_, is_given)| *is_given) {
            Some((option, _)) if !is_bench => Err(UsageError::BenchOnly {
                option,
                what: what.label(),
            }),
            _ => Ok(()),
        }
    }
}

const AFTER_HELP: &str = "\
Runs the pattern with kernels of many lengths. Efficiency is the time of all kernels on the vector
cores in use, over the time it took without the start of the run; granularity is that time, times
these cores, by tasks. METG is the least granularity at which the efficiency reaches the goal.

Example: finbox metg stencil --target a5 --cores 36";

/// What to measure.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct MetgArgs {
    /// The pattern: stencil, or task_bench_stencil; `finbox list` shows all
    #[arg(value_name = "PATTERN")]
    pattern: OsString,

    /// The efficiency to reach, in percent, 1 to 99
    #[arg(
        long,
        value_name = "PERCENT",
        default_value = "50",
        allow_negative_numbers = true
    )]
    #[arg(value_parser = |text: &str| values::whole::<u8>(text, 1..=99))]
    goal: u8,

    /// The chip to simulate: a2a3 or a5 [default: a2a3]
    #[arg(long, value_name = "TARGET", value_enum, hide_possible_values = true)]
    target: Option<TargetName>,

    /// Points of a step, 1 to 4096 [default: the vector cores in use]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = |text: &str| values::whole::<u32>(text, 1..=4_096))]
    width: Option<u32>,

    /// Steps, 1 to 100000 [default: 20]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = |text: &str| values::whole::<u32>(text, 1..=100_000))]
    steps: Option<u32>,

    /// The seed of every choice the simulator makes
    #[arg(
        long,
        value_name = "S",
        default_value = "0",
        allow_negative_numbers = true
    )]
    #[arg(value_parser = |text: &str| values::whole::<u64>(text, 0..=u64::MAX))]
    seed: u64,

    /// FIN handlers, 1 to 8 [default: the target's]
    #[arg(long = "threads", value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = |text: &str| values::whole::<u8>(text, values::HANDLERS))]
    handlers: Option<u8>,

    /// Cores, 1 to the target's [default: all of them]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = asked_cores())]
    cores: Option<Asked>,

    /// Mailbox slots, a power of two from 2 to 16777216 [default: 4096]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = values::mailbox_slots)]
    mailbox_slots: Option<u32>,

    /// mailbox, or locked: a lock for each FIN, kept for comparison
    #[arg(long, value_name = "HOW", value_enum, default_value_t = Completion::Mailbox)]
    #[arg(hide_possible_values = true)]
    completion: Completion,

    /// What things cost in virtual time, from a file [default: the target's]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    cost_model: Option<PathBuf>,

    /// Print one JSON document instead of text
    #[arg(long)]
    json: bool,
}

/// What to measure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetgOptions {
    /// How each run is; its kernels' time is what is searched.
    pub run: RunOptions,
    /// The efficiency to reach, in percent, 1 to 99.
    pub goal_percent: u8,
}

pub(super) fn metg(args: MetgArgs, targets: &[TargetFacts]) -> Result<MetgOptions, UsageError> {
    let pattern = args.pattern.to_string_lossy();
    let short = pattern.strip_prefix(PREFIX).unwrap_or(&pattern);
    let name = format!("{PREFIX}{short}");
    if find_scenario(&name).is_none() {
        return Err(UsageError::unknown_pattern(&pattern, &name));
    }
    let run = RunArgs {
        target: args.target,
        seed: args.seed,
        handlers: args.handlers,
        cores: args.cores,
        mailbox_slots: args.mailbox_slots,
        completion: args.completion,
        cost_model: args.cost_model,
        bench: BenchOptions {
            width: args.width,
            steps: args.steps,
            task_ns: None,
        },
        json: args.json,
        ..RunArgs::of(name.into())
    };
    Ok(MetgOptions {
        run: checked(run, targets)?,
        goal_percent: args.goal,
    })
}

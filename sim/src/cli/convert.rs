//! The grammar of `finbox convert`: what is loaded, and where its graph goes.
//!
//! Guarantees: it takes the options that decide what is loaded, as `run` does, and no others.
//! Called by the parser.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::TypedValueParser as _;
use clap::{Args, ValueHint};

use super::args::{Asked, RunArgs, checked};
use super::bench::BenchOptions;
use super::options::{Collectives, Deps, RunOptions};
use super::target::{TargetFacts, TargetName};
use super::usage::UsageError;
use super::values;

const AFTER_HELP: &str = "\
The graph runs with the same digests as what it was made from: finbox run OUT.

Example: finbox convert deferred_notify_demo --ranks 4 -o demo.json";

/// What to load, and where to write it.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct ConvertArgs {
    /// A scenario's name, or a path (it has a dot or a slash)
    #[arg(value_name = "SCENARIO|FILE", value_hint = ValueHint::AnyPath)]
    what: OsString,

    /// The file to write, replaced if it exists; - for stdout
    #[arg(short, long, value_name = "OUT", value_hint = ValueHint::FilePath)]
    output: PathBuf,

    /// The chip it is for: a2a3 or a5 [default: a2a3]
    #[arg(long, value_name = "TARGET", value_enum, hide_possible_values = true)]
    target: Option<TargetName>,

    /// Ranks, 1 to 64 and inside the scenario's range [default: the scenario's]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = clap::builder::StringValueParser::new().map(Asked))]
    ranks: Option<Asked>,

    /// Tasks of a scenario of any size, 1 to 10000000 [default: the scenario's]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = |text: &str| values::whole::<u32>(text, values::TASKS))]
    tasks: Option<u32>,

    #[command(flatten)]
    bench: BenchOptions,

    /// The seed of a random graph
    #[arg(
        long,
        value_name = "S",
        default_value = "0",
        allow_negative_numbers = true
    )]
    #[arg(value_parser = |text: &str| values::whole::<u64>(text, 0..=u64::MAX))]
    seed: u64,

    /// The roofline of a trace's unknown durations, from a cost model
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    cost_model: Option<PathBuf>,

    /// How long a second of a WfCommons workflow takes, in virtual seconds [default: 0.001]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    #[arg(value_parser = values::time_scale)]
    time_scale: Option<u64>,

    /// Dependencies of a trace to keep: data, ctrl or both [default: data]
    #[arg(long, value_name = "KIND", value_enum, hide_possible_values = true)]
    deps: Option<Deps>,

    /// Collectives of a trace: ring, direct or model [default: direct up to 64 KiB, then ring]
    #[arg(long, value_name = "HOW", value_enum, hide_possible_values = true)]
    collectives: Option<Collectives>,
}

/// What to load and where its graph goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConvertOptions {
    /// What to load, as for a run of it.
    pub run: RunOptions,
    /// The file to write; `-`: stdout.
    pub output: PathBuf,
}

pub(super) fn convert(
    args: ConvertArgs,
    targets: &[TargetFacts],
) -> Result<ConvertOptions, UsageError> {
    let run = RunArgs {
        target: args.target,
        ranks: args.ranks,
        tasks: args.tasks,
        bench: args.bench,
        seed: args.seed,
        cost_model: args.cost_model,
        time_scale: args.time_scale,
        deps: args.deps,
        collectives: args.collectives,
        ..RunArgs::of(args.what)
    };
    Ok(ConvertOptions {
        run: checked(run, targets)?,
        output: args.output,
    })
}

//! The arguments of `finbox compare`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// The two documents to compare.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = AFTER_HELP)]
pub struct CompareOptions {
    /// The document to compare with: what `finbox run --json` printed
    #[arg(value_name = "A.json", value_hint = ValueHint::FilePath)]
    pub before: PathBuf,

    /// The document that is compared
    #[arg(value_name = "B.json", value_hint = ValueHint::FilePath)]
    pub after: PathBuf,

    /// Print one JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

const AFTER_HELP: &str = "\
Differences are B less A, ratios B by A. A difference is no failure: exit code 0.

Example: finbox run grid --json >a.json; finbox run grid --completion locked --json >b.json;
         finbox compare a.json b.json";

//! Where a run's trace goes, and how much of it.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::perfetto::Window;

/// `--trace` and what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct TraceOptions {
    /// Write what happened when, for the Perfetto viewer; as JSON if FILE ends in .json
    #[arg(long = "trace", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,

    /// Only from FROM to TO, in µs of the run's time; one may be left out: 100.. or ..250
    #[arg(id = "trace-window", long, value_name = "FROM..TO", requires = "file")]
    pub window: Option<Window>,
}

impl TraceOptions {
    /// No trace.
    pub const NONE: Self = Self {
        file: None,
        window: None,
    };
}

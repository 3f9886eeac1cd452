//! What `run` was asked to do, checked and typed.
//!
//! Guarantees: a [`RunOptions`] from the parser is inside every range of the contract, and its
//! scenario exists. `None` means the default of the scenario or of the target. Refuses: to decide
//! those defaults, except the ranks of a scenario. Called by `main` and the run.

use std::fmt;
use std::path::PathBuf;

use clap::ValueEnum;

use super::bench::BenchOptions;
use super::device::BoardOptions;
use super::persistent::Persistent;
use super::plan::PlanOptions;
use super::scenario::find_scenario;
use super::target::TargetName;
use super::trace::TraceOptions;
use crate::fault::Faults;
use crate::world::Submit;

/// What to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A scenario that exists, by name.
    Scenario(String),
    /// A file, a folder or a prefix; nobody has looked yet whether it exists.
    Path(PathBuf),
}

impl What {
    /// How the report calls it.
    pub fn label(&self) -> String {
        match self {
            Self::Scenario(name) => name.clone(),
            Self::Path(path) => path.display().to_string(),
        }
    }
}

/// How simulated time and threads go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// One thread and virtual time: the same seed gives the same events
    Lockstep,
    /// Real threads and real time
    Parallel,
}

impl Mode {
    /// The name as it is written on the command line and in the report.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lockstep => "lockstep",
            Self::Parallel => "parallel",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

/// How completions reach the dispatch thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Completion {
    /// As messages through the lock-free mailbox
    Mailbox,
    /// Each FIN takes the wait list's lock: the baseline, kept for comparison
    Locked,
}

impl Completion {
    /// The name as it is written on the command line and in the report.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mailbox => "mailbox",
            Self::Locked => "locked",
        }
    }
}

impl fmt::Display for Completion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

/// Which dependencies of a trace are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Deps {
    /// The data dependencies
    Data,
    /// The control dependencies
    Ctrl,
    /// Both
    Both,
}

impl Deps {
    /// The name as it is written on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Ctrl => "ctrl",
            Self::Both => "both",
        }
    }
}

impl fmt::Display for Deps {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

/// How collectives among several ranks run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Collectives {
    /// In rounds, each rank sending to its neighbour
    Ring,
    /// Each rank sending to all that are concerned
    Direct,
    /// As one engine operation a rank, once all have arrived; no bytes are moved
    Model,
}

impl Collectives {
    /// The name as it is written on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ring => "ring",
            Self::Direct => "direct",
            Self::Model => "model",
        }
    }
}

/// The options of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunOptions {
    /// What to run.
    pub what: What,
    /// The chip to simulate.
    pub target: TargetName,
    /// Ranks, 1 to 64 and inside the scenario's range, or 1 to 1024 of a trace.
    pub ranks: Option<u16>,
    /// Tasks of a scenario of any size, 1 to 10 000 000.
    pub tasks: Option<u32>,
    /// The size of a graph of Task Bench.
    pub bench: BenchOptions,
    /// How launches are planned.
    pub plan: PlanOptions,
    /// Lockstep or parallel.
    pub mode: Mode,
    /// How completions reach the dispatch thread.
    pub completion: Completion,
    /// Whether items go to persistent workers; `None`: as it was measured.
    pub persistent: Option<Persistent>,
    /// How tasks are submitted.
    pub submit: Submit,
    /// Slots of the command ring, a power of two from 2 to 2^24.
    pub command_slots: Option<u32>,
    /// The seed of every choice the simulator makes.
    pub seed: u64,
    /// FIN handlers a rank, 1 to 8.
    pub handlers: Option<u8>,
    /// Cores a rank, 1 to the target's.
    pub cores: Option<u16>,
    /// Mailbox slots, a power of two from 2 to 2^24.
    pub mailbox_slots: Option<u32>,
    /// Deadline of the whole run in milliseconds (virtual in lockstep), at least 1 and small
    /// enough that it can be told in nanoseconds.
    pub deadline_ms: Option<u64>,
    /// Longest time in milliseconds that a core may take for its part of a task, where the task
    /// does not say; as above.
    pub task_budget_ms: Option<u64>,
    /// Longest time in milliseconds until a condition holds, where a task does not say; as above.
    pub wait_budget_ms: Option<u64>,
    /// What goes wrong with the machine.
    pub faults: Faults,
    /// A file that says what things cost in virtual time.
    pub cost_model: Option<PathBuf>,
    /// Virtual ns for a second of a workflow.
    pub time_scale: Option<u64>,
    /// Which dependencies of a trace are kept; `None`: the data dependencies.
    pub deps: Option<Deps>,
    /// How collectives of a trace run; `None`: by their size.
    pub collectives: Option<Collectives>,
    /// Record the run and say what held it up.
    pub explain: bool,
    /// Write a report for a browser here.
    pub report: Option<PathBuf>,
    /// Compare the bytes that tasks touch with those that they declare.
    pub shadow: bool,
    /// Where a trace goes, if anywhere; of a check, nowhere.
    pub trace: TraceOptions,
    /// The device to run on, if it is not the simulator.
    pub board: BoardOptions,
    /// One JSON document on stdout instead of text.
    pub json: bool,
    /// No progress line.
    pub quiet: bool,
}

/// The options of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckOptions {
    /// How each seed runs; its seed is the first one.
    pub run: RunOptions,
    /// Whether one target was asked for: otherwise seeds take both in turn.
    pub one_target: bool,
    /// How many seeds.
    pub seeds: u64,
    /// After how many seconds no further seed begins.
    pub for_seconds: Option<u64>,
    /// The faults that each seed chooses from.
    pub faults: Faults,
}

impl RunOptions {
    /// The ranks asked for, else the scenario's own; `None` for a file that decides itself.
    pub fn ranks_or_default(&self) -> Option<u16> {
        let own = match &self.what {
            What::Scenario(name) => find_scenario(name).map(|scenario| scenario.default_ranks),
            What::Path(_) => None,
        };
        self.ranks.or(own)
    }

    /// The tasks asked for, else the scenario's own; `None` where their number is fixed.
    pub fn tasks_or_default(&self) -> Option<u32> {
        let own = match &self.what {
            What::Scenario(name) => find_scenario(name)?.default_tasks,
            What::Path(_) => None,
        };
        self.tasks.or(own)
    }
}

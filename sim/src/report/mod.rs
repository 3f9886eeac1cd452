//! What a run reports: one value, printed as text for people or as one JSON document.
//!
//! Guarantees: the JSON field names and their order are a contract (`finbox.run/1`): fields may be
//! added, never renamed. Both forms come from the same [`RunReport`], and the text never claims
//! that a ledger adds up when it does not.
//!
//! Refuses: to measure, to judge a run, and to write anywhere (except the progress line).
//!
//! Called by the run, which fills the report, and by `cli::output`, which prints it.

mod command;
mod device;
mod error;
mod explain;
mod failures;
mod hex;
pub mod html;
mod latency;
mod ledger;
mod persistent;
pub mod progress;
mod run;
mod shadow;
mod stall;
mod text;
mod trace;
mod verdict;
mod words;

pub use command::{CommandReport, CommandStall, HaltedReport};
pub use device::{BoardReport, CheckReport, DemoReport, DeviceReport, MachineReport, Tried};
pub use error::{Code, ErrorReport};
pub use explain::{ExplainReport, WantedReport};
pub use failures::{Failure, FailureKind, FailureReport, MOST_FAILURES, MOST_NAMES};
pub use hex::{Address, Digest};
pub use latency::{Durations, LatencyReport, Percentiles};
pub use ledger::Equation;
pub use persistent::{MeasuredReport, PersistentReport};
pub use run::{
    FaultCount, FinCounts, GapReport, ImportCounts, ItemCounts, MailboxCounts, RunReport, Schema,
    TaskCounts, TimeReport, WaitListCounts,
};
pub use shadow::{MOST_IN_SHADOW, ShadowReport, Touching, Undeclared, Unordered, Unused, Why};
pub use stall::{
    ConditionReport, HaltReport, MOST_STALLED_IN_JSON, RootBlocker, StallClass, StallReport,
    StalledTask,
};
pub use text::to_text;
pub use trace::{TraceReport, WindowReport};
pub use verdict::{Invalid, Verdict};
pub use words::{count, duration, printable, rate, size};

/// The report as one JSON document: pretty, in the order of the contract, with a final newline.
pub fn to_json(report: &RunReport) -> String {
    let mut text = serde_json::to_string_pretty(report)
        .expect("a report has only text keys and finite numbers, which JSON can always hold");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests;

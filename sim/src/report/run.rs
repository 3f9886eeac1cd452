//! The report of one run, field by field.
//!
//! Guarantees: serialises as `finbox.run/1`, contract fields first and in the contract's order.
//! Counts add over ranks, high waters are maxima. Refuses: to hide a result that is not a number:
//! it is written as the largest finite number, never as null. Called by the run, which fills it.

use serde::{Serialize, Serializer};

use super::command::CommandReport;
use super::device::DeviceReport;
use super::error::ErrorReport;
use super::explain::ExplainReport;
use super::failures::FailureReport;
use super::hex::Digest;
use super::latency::LatencyReport;
use super::persistent::PersistentReport;
use super::shadow::ShadowReport;
use super::stall::StallReport;
use super::trace::TraceReport;
use super::verdict::{Invalid, Verdict};
use crate::analysis::Analysis;

/// The name and version of the JSON form; it has one value, so no report can carry another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Schema;

impl Serialize for Schema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("finbox.run/1")
    }
}

/// The whole report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunReport {
    /// Always `finbox.run/1`.
    pub schema: Schema,
    /// The scenario's name, or the path of the workload.
    pub scenario: String,
    /// The target's name.
    pub target: String,
    /// `lockstep`, `parallel` or `device`.
    pub mode: String,
    /// How completions travelled, such as `mailbox`.
    pub completion: String,
    /// The seed.
    pub seed: u64,
    /// The number of ranks.
    pub ranks: u16,
    /// How it ended.
    pub verdict: Verdict,
    /// The largest distance from the golden result; `None` where there is none.
    #[serde(serialize_with = "finite")]
    pub max_diff: Option<f64>,
    /// Tasks.
    pub tasks: TaskCounts,
    /// FINs.
    pub fins: FinCounts,
    /// Mailboxes.
    pub mailbox: MailboxCounts,
    /// Wait lists.
    pub wait_list: WaitListCounts,
    /// Durations.
    pub time: TimeReport,
    /// Digest over the ordered event log; `None` (null) where the order is one of many.
    pub digest: Option<Digest>,
    /// Digest over the sorted set of results.
    pub result_digest: Digest,
    /// The stall, where the run is stuck.
    pub stall: Option<StallReport>,
    /// The error, where there is one.
    pub error: Option<ErrorReport>,
    /// What could not be tracked or was lost on the way.
    pub gaps: Vec<GapReport>,
    /// Cores that were out of the pool at the end.
    pub cores_quarantined: u64,
    /// FIN handlers of one rank.
    pub handlers: u8,
    /// Cores of one rank.
    pub cores: u16,
    /// What the import of a workload file kept and dropped; `None` for a scenario.
    pub import: Option<ImportCounts>,
    /// How long things took.
    pub latency: LatencyReport,
    /// What failed, and who was cancelled behind it.
    pub failures: FailureReport,
    /// The faults that were asked for.
    pub faults: Vec<FaultCount>,
    /// Who each point and task that did not come is waiting for, if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explain: Option<Vec<ExplainReport>>,
    /// What held the run up, if it was recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub analysis: Option<Box<Analysis>>,
    /// How items went, where there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persistent: Option<Box<PersistentReport>>,
    /// The trace that was written; `None` if none was.
    pub trace: Option<TraceReport>,
    /// What tasks declared beside what they touched; `None` (null) if it was not compared.
    pub shadow: Option<ShadowReport>,
    /// What went through the command ring; `None` if tasks were submitted directly.
    pub command: Option<CommandReport>,
    /// The device that it ran on, if it is not the simulator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceReport>,
}

/// A kind of fault that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FaultCount {
    /// Its name on the command line.
    pub name: String,
    /// How often it struck.
    pub strikes: u64,
}

/// What became of the tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct TaskCounts {
    /// Tasks submitted.
    pub submitted: u64,
    /// Tasks that completed.
    pub completed: u64,
    /// Tasks that failed.
    pub failed: u64,
    /// Tasks cancelled because another one failed.
    pub cancelled: u64,
    /// Tasks whose resources are kept back until their core has answered.
    pub quarantined: u64,
    /// Tasks completed at their FIN.
    pub inline: u64,
    /// Tasks that completed after their conditions held.
    pub deferred: u64,
    /// Tasks still alive at the end.
    pub live: u64,
    /// Tasks that retired without running, because their predicate was false.
    pub skipped: u64,
    /// Tasks completed by a persistent worker.
    pub worked: u64,
    /// What became of their items.
    pub items: ItemCounts,
}

/// What became of items for persistent workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct ItemCounts {
    /// Items pushed into work rings.
    pub offered: u64,
    /// Items pushed once more, because their worker died.
    pub again: u64,
    /// Items of dead workers whose task failed for it, or had its outcome before.
    pub lost: u64,
    /// Messages of workers that decided the outcome of a task.
    pub told: u64,
    /// The same of tasks that had failed before.
    pub told_late: u64,
    /// Messages about an item that another one was about before.
    pub told_twice: u64,
    /// Messages about an item of an earlier life of a slot, or of an earlier push.
    pub told_stale: u64,
    /// Messages about nothing that is an item.
    pub told_unknown: u64,
    /// Items in work rings or in the hands of workers at the end.
    pub out: u64,
}

/// What became of the FINs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct FinCounts {
    /// FINs seen.
    pub received: u64,
    /// FINs acted on.
    pub applied: u64,
    /// FINs seen before.
    pub duplicate: u64,
    /// FINs of an older generation.
    pub stale: u64,
    /// FINs of nobody.
    pub unknown: u64,
}

/// What went through the mailboxes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct MailboxCounts {
    /// Slots of one mailbox.
    pub slots: u32,
    /// Messages accepted; one may carry several conditions.
    pub accepted: u64,
    /// Messages delivered.
    pub delivered: u64,
    /// CONDITIONs delivered, counted one by one, those that share a message too.
    pub conditions: u64,
    /// TASK_NORMAL_DONEs delivered, those that share a message too.
    pub normal_done: u64,
    /// Times a mailbox was full.
    pub full: u64,
    /// The most messages in one mailbox at once.
    pub high_water: u64,
    /// Messages accepted and not delivered, each one reported.
    pub reported: u64,
    /// Messages still in a mailbox when the run was cut short.
    pub undelivered: u64,
}

/// What went through the wait lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct WaitListCounts {
    /// The most tasks waiting on one list at once.
    pub high_water: u64,
    /// Tasks still waiting at the end.
    pub left: u64,
    /// Times a condition was looked at.
    pub polls: u64,
    /// Counters that stood beyond the value waited for when the wait ended.
    pub overshoots: u64,
    /// Times a counter stood lower than before.
    pub went_back: u64,
}

/// How long it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct TimeReport {
    /// Simulated time in nanoseconds; 0 where there is none.
    pub virtual_ns: u64,
    /// Real time in nanoseconds.
    pub wall_ns: u64,
}

/// Something that could not be tracked or was lost on the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GapReport {
    /// What kind of gap.
    pub kind: String,
    /// The rank it was seen on.
    pub rank: u16,
    /// Where and what, in one sentence.
    pub message: String,
}

/// What the import of a workload file kept and dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct ImportCounts {
    /// Nodes read; each became a task, or several where it is a collective among several ranks.
    pub nodes: u64,
    /// Messages read.
    pub messages: u64,
    /// Collectives read, each counted once over its ranks.
    pub collectives: u64,
    /// Process groups that have one.
    pub groups: u64,
    /// Edges from a node to itself, dropped.
    pub dropped_self_edges: u64,
    /// Edges given more than once, dropped.
    pub dropped_repeated_edges: u64,
}

impl RunReport {
    /// A report with this verdict and every other field neutral: empty, zero or none.
    pub fn neutral(verdict: Verdict) -> Self {
        Self {
            schema: Schema,
            scenario: String::new(),
            target: String::new(),
            mode: String::new(),
            completion: String::new(),
            seed: 0,
            ranks: 0,
            verdict,
            max_diff: None,
            tasks: TaskCounts::default(),
            fins: FinCounts::default(),
            mailbox: MailboxCounts::default(),
            wait_list: WaitListCounts::default(),
            time: TimeReport::default(),
            digest: None,
            result_digest: Digest::default(),
            stall: None,
            error: None,
            gaps: Vec::new(),
            cores_quarantined: 0,
            handlers: 0,
            cores: 0,
            import: None,
            latency: LatencyReport::default(),
            failures: FailureReport::default(),
            faults: Vec::new(),
            explain: None,
            analysis: None,
            persistent: None,
            trace: None,
            shadow: None,
            command: None,
            device: None,
        }
    }

    /// The report of a run that never began.
    pub fn refused(cause: Invalid, error: ErrorReport) -> Self {
        Self {
            error: Some(error),
            ..Self::neutral(Verdict::Invalid(cause))
        }
    }
}

/// Null means "no golden result", so what is not finite becomes the largest finite number.
fn finite<S: Serializer>(max_diff: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match max_diff {
        Some(number) if number.is_finite() => serializer.serialize_some(number),
        Some(_) => serializer.serialize_some(&f64::MAX),
        None => serializer.serialize_none(),
    }
}

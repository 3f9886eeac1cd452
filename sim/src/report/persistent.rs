//! How items went, by launches or through the work ring, and what that was decided by.
//!
//! Guarantees: no number stands here that was not measured; all are virtual ns, by the cost model
//! of the run. Refuses to decide. Filled by the app.

use finbox_runtime::persistent::{Because, Policy, Way};
use serde::Serialize;

use super::words::{count, duration};
use crate::persistent::Chosen;

/// How items went, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PersistentReport {
    /// What was asked for: `auto`, `force` or `disable`.
    pub policy: &'static str,
    /// What was taken: `ring` or `launch`.
    pub chosen: &'static str,
    /// Why: `policy`, `measured`, `unmeasured`, or what is missing.
    pub because: String,
    /// Cores that served, 0 where none did.
    pub workers: u16,
    /// Bytes of an item.
    pub item_bytes: u32,
    /// Virtual ns an item, each launched; None: not measured.
    pub launch_ns: Option<u64>,
    /// Virtual ns an item, through the ring; None: not measured.
    pub ring_ns: Option<u64>,
    /// The smallest size measured from which on launches are as good; None: none was found.
    pub crossover_bytes: Option<u32>,
    /// The same in words.
    pub crossover: String,
    /// All sizes that were measured.
    pub measured: Vec<MeasuredReport>,
    /// Whose numbers these are.
    pub source: &'static str,
}

/// What items of one size took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct MeasuredReport {
    /// Bytes of an item.
    pub bytes: u32,
    /// Virtual ns an item, each launched.
    pub launch_ns: u64,
    /// Virtual ns an item, through the ring.
    pub ring_ns: u64,
}

/// Where all numbers come from.
const SOURCE: &str = "warm-up items in virtual time: the cost model's numbers";

impl PersistentReport {
    /// Of what was chosen.
    pub fn of(chosen: &Chosen) -> Self {
        let here = match chosen.choice.because {
            Because::Measured(found) => Some(found),
            _ => chosen.measured.of(chosen.item_bytes),
        };
        let crossover = chosen.measured.crossover();
        let all = chosen.measured.all().map(|found| MeasuredReport {
            bytes: found.bytes,
            launch_ns: found.launch_ns,
            ring_ns: found.ring_ns,
        });
        Self {
            policy: match chosen.policy {
                Policy::Auto => "auto",
                Policy::Force => "force",
                Policy::Disable => "disable",
            },
            chosen: match chosen.choice.way {
                Way::Launch => "launch",
                Way::Ring => "ring",
            },
            because: match chosen.choice.because {
                Because::Policy => "policy".to_owned(),
                Because::Measured(_) => "measured".to_owned(),
                Because::Unmeasured => "unmeasured".to_owned(),
                Because::Unable(why) => why.to_string(),
            },
            workers: chosen.serving(),
            item_bytes: chosen.item_bytes,
            launch_ns: here.map(|found| found.launch_ns),
            ring_ns: here.map(|found| found.ring_ns),
            crossover_bytes: crossover.bytes(),
            crossover: crossover.to_string(),
            measured: all.collect(),
            source: SOURCE,
        }
    }

    /// For people, a line each.
    pub fn to_text(&self) -> Vec<String> {
        let how = match self.workers {
            0 => "a launch an item".to_owned(),
            workers => format!("a work ring and {}", count(workers.into(), "worker")),
        };
        let why = match (self.launch_ns, self.ring_ns) {
            (Some(launch), Some(ring)) => format!(
                "at {} bytes {} an item by launches, {} through the ring ({})",
                self.item_bytes,
                duration(launch),
                duration(ring),
                self.source
            ),
            _ if self.because == "policy" => "nothing was measured".to_owned(),
            _ => self.because.clone(),
        };
        let mut lines = vec![format!("{}: {how}; {why}", self.policy)];
        if !self.measured.is_empty() {
            lines.push(self.crossover.clone());
        }
        lines
    }
}

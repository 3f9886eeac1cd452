//! Sums over all seeds of a check.

use std::collections::BTreeMap;

use finbox_scheduler::{FaultCode, Ledger};

use super::judge::Ended;
use super::replay;
use crate::cli::RunOptions;
use crate::fault::{FaultKind, Faults, TABLE};
use crate::report::Verdict;
use crate::world::Outcome;

/// A seed that went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// What went wrong.
    pub what: String,
    /// The command that runs it again.
    pub replay: String,
}

impl Failure {
    /// Two lines for stderr.
    pub fn to_text(&self) -> String {
        let Self { seed, what, replay } = self;
        format!("error: seed {seed}: {what}\nreplay: {replay}\n")
    }
}

/// How often a kind was on and struck.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OfKind {
    /// Seeds that turned it on.
    pub seeds: u64,
    /// Strikes in all.
    pub strikes: u64,
}

/// What came of all seeds so far.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Seeds that ran and were right.
    pub seeds: u64,
    /// Those of them in which everything completed.
    pub passed: u64,
    /// Those in which something failed, explained by a fault.
    pub failed: u64,
    /// Those that could not go on, explained by a fault.
    pub stuck: u64,
    /// What was counted; high waters are maxima.
    pub ledger: Ledger,
    /// Tasks unfinished at the end of stuck runs.
    pub live: u64,
    /// First faults, by number.
    pub codes: BTreeMap<u16, (FaultCode, u64)>,
    kinds: BTreeMap<FaultKind, OfKind>,
    /// Seeds whose workload lacks the link that is to be slow.
    pub without_link: u64,
    /// Seeds that went wrong, at most ten.
    pub failures: Vec<Failure>,
    /// A signal came before the check had ended.
    pub interrupted: bool,
}

impl Tally {
    pub(super) fn count(&mut self, faults: &Faults, outcome: &Outcome, ended: Ended) {
        self.seeds += 1;
        match ended {
            Ended::Passed => self.passed += 1,
            Ended::Failed => self.failed += 1,
            Ended::Stuck => self.stuck += 1,
        }
        self.ledger.merge(&outcome.ledger);
        self.live += outcome.live;
        if let Some(fault) = &outcome.fault {
            let (_, count) = self
                .codes
                .entry(fault.code.number())
                .or_insert((fault.code, 0));
            *count += 1;
        }
        for kind in faults.kinds() {
            let of_kind = self.kinds.entry(kind).or_default();
            of_kind.seeds += 1;
            of_kind.strikes += outcome.injected.of(kind);
        }
    }

    pub(super) fn fail(&mut self, run: &RunOptions, what: String) {
        let (seed, replay) = (run.seed, replay(run));
        self.failures.push(Failure { seed, what, replay });
    }

    /// How the check ended. A seed that went wrong weighs more than a signal.
    pub const fn verdict(&self) -> Verdict {
        if !self.failures.is_empty() {
            Verdict::Wrong
        } else if self.interrupted {
            Verdict::Interrupted
        } else {
            Verdict::Pass
        }
    }

    /// Every kind that was on, in the order of the table.
    pub fn kinds(&self) -> impl Iterator<Item = (FaultKind, OfKind)> {
        let of_kind = |row: &crate::fault::FaultInfo| {
            let of_kind = self.kinds.get(&row.kind)?;
            Some((row.kind, *of_kind))
        };
        TABLE.iter().filter_map(of_kind)
    }
}

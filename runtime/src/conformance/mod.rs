//! The conformance suite: what every [`Machine`] must do, check by check.
//!
//! One suite for all: the tests' model, the simulator, device libraries. It is also the self-test
//! that whoever writes a device library runs after each function: checks come in the order in which
//! one would write these, and a failure is a sentence that names the function, what was expected
//! and what was observed.
//!
//! Guarantees: it ends, whatever the machine does, unless one of its functions does not return:
//! each check has a deadline and says what it waited for. Tokens of a core are consecutive over all
//! checks; what a check allocates it gives back; a core that did not answer is left alone, and the
//! checks that need it are skipped. Refuses a machine whose cores ran something before: open a new
//! one, before and after it. Called by `finbox device` and by tests.

mod basics;
mod checks;
mod defer;
mod events;
mod kernels;
mod launch;
mod memory;
mod ops;
mod order;
mod post;
mod rig;
mod sight;
mod tokens;
mod whole;

use std::fmt;
use std::time::Duration;

use crate::machine::Machine;
use rig::{Judged, Rig, Stop};

/// One thing that every machine does.
#[derive(Debug)]
pub struct Check {
    /// Its name; it never changes.
    pub name: &'static str,
    /// What holds if it passes.
    pub proves: &'static str,
    /// Functions of `finbox_device_library` and `finbox_port` that it calls and judges.
    pub exercises: &'static [&'static str],
    judge: fn(&mut Rig<'_>) -> Judged,
}

/// How a check ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    Pass,
    /// It does not: which function, what was expected, what was observed.
    Fail(String),
    /// It could not be asked, and why.
    Skipped(String),
}

/// What became of a check.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Which one.
    pub check: &'static Check,
    /// How it ended.
    pub verdict: Verdict,
}

impl Finding {
    /// Whether the machine is wrong.
    pub const fn is_failure(&self) -> bool {
        matches!(self.verdict, Verdict::Fail(_))
    }
}

/// How far the suite goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest time of a check.
    pub deadline: Duration,
    /// How often a check repeats what only fails sometimes; it stops earlier when half of its time
    /// is over.
    pub rounds: u32,
    /// Whether cores are ended at last: they run nothing afterwards.
    pub end_cores: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(5),
            rounds: 100,
            end_cores: false,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.check.name;
        match &self.verdict {
            Verdict::Pass => write!(f, "pass    {name}"),
            Verdict::Fail(sentence) => write!(f, "FAIL    {name}: {sentence}"),
            Verdict::Skipped(reason) => write!(f, "skipped {name}: {reason}"),
        }
    }
}

/// Every check, in the order in which they run.
pub fn checks() -> &'static [Check] {
    checks::CHECKS
}

/// Runs all checks on `machine`, which nobody used before or uses meanwhile. Afterwards it is used:
/// open a new one.
pub fn run(machine: &impl Machine, limits: &Limits) -> Vec<Finding> {
    run_telling(machine, limits, |_| {})
}

/// As [`run`], and calls `tell` with each finding as soon as it is there.
pub fn run_telling(
    machine: &impl Machine,
    limits: &Limits,
    mut tell: impl FnMut(&Finding),
) -> Vec<Finding> {
    let mut rig = Rig::new(machine, *limits);
    let mut findings = Vec::new();
    for check in checks() {
        let verdict = match rig.judge(check) {
            Ok(()) => Verdict::Pass,
            Err(Stop::Fail(sentence)) => Verdict::Fail(sentence),
            Err(Stop::Skip(reason)) => Verdict::Skipped(reason),
        };
        let finding = Finding { check, verdict };
        tell(&finding);
        findings.push(finding);
    }
    findings
}

//! What may follow from the faults that struck, and what may not.

use finbox_scheduler::FaultCode;

use crate::fault::{FaultKind, Faults};
use crate::workload::Workload;
use crate::world::Outcome;

/// How a run that is right has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Everything completed.
    Passed,
    /// Something failed, as a fault that struck explains.
    Failed,
    /// It cannot go on, as a fault that struck explains.
    Stuck,
}

/// Judges a run of `workload`.
///
/// # Errors
/// What is wrong, in one sentence.
pub fn judge(workload: &Workload, faults: &Faults, outcome: &Outcome) -> Result<Ended, String> {
    safety(outcome)?;
    let struck = faults
        .kinds()
        .filter(|&kind| outcome.injected.of(kind) > 0)
        .collect::<Vec<FaultKind>>();
    let ended = liveness(&struck, outcome)?;
    let is_whole = ended == Ended::Passed && outcome.injected.of(FaultKind::Crowd) == 0;
    if is_whole && outcome.ledger.completed != workload.order.len() as u64 {
        return Err("the run passed, and not every task completed".to_owned());
    }
    Ok(ended)
}

/// Nothing is broken, lost, counted twice or wrong.
fn safety(outcome: &Outcome) -> Result<(), String> {
    if let Some(rule) = outcome.broken.first() {
        return Err(rule.clone());
    }
    if !outcome.adds_up {
        return Err(format!("the ledger does not add up: {:?}", outcome.ledger));
    }
    let is_whole = outcome.stall.is_none() && outcome.fault.is_none();
    let wrong = match is_whole {
        true => outcome
            .verified
            .first
            .as_ref()
            .or(outcome.parts.first.as_ref()),
        false => outcome.parts.first.as_ref(),
    };
    match wrong {
        None => Ok(()),
        Some(wrong) => Err(format!(
            "rank {}, {}: byte {} is {} instead of {}",
            wrong.rank, wrong.name, wrong.offset, wrong.observed, wrong.expected
        )),
    }
}

/// The run ended as the faults that struck allow.
fn liveness(struck: &[FaultKind], outcome: &Outcome) -> Result<Ended, String> {
    if let Some(stall) = &outcome.stall {
        return match struck.iter().any(|kind| kind.info().may_stall) {
            true => Ok(Ended::Stuck),
            false => Err(format!("stuck ({}) after {}", stall.class(), names(struck))),
        };
    }
    let ledger = &outcome.ledger;
    match (&outcome.fault, ledger.failed + ledger.cancelled) {
        (None, 0) => Ok(Ended::Passed),
        (None, lost) => Err(format!(
            "{lost} tasks failed or were cancelled without a fault"
        )),
        (Some(fault), _) if explains(struck, fault.code) => Ok(Ended::Failed),
        (Some(fault), _) => Err(format!(
            "rank {}, task {}: {} is not explained by {}",
            fault.rank,
            fault.task,
            fault.code.name(),
            names(struck)
        )),
    }
}

fn explains(struck: &[FaultKind], code: FaultCode) -> bool {
    struck.iter().any(|kind| kind.info().codes.contains(&code))
}

fn names(struck: &[FaultKind]) -> String {
    if struck.is_empty() {
        return "no fault".to_owned();
    }
    let names: Vec<&str> = struck.iter().map(|kind| kind.info().name).collect();
    names.join(", ")
}

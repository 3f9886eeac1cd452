//! What may follow from the faults that struck, and what may not.
//!
//! Every failure of a run is judged, not only the first: by a fault that struck, or by another
//! failure that has one. Called by a check, once a seed.

use finbox_scheduler::{FaultCode, Outcome as TaskEnd};

use crate::fault::{FaultKind, Faults};
use crate::report::{Failure, FailureKind, HaltedReport, ShadowReport, StallClass, StallReport};
use crate::workload::{Op, Points, RankPlan, Shape, TaskPlan, Workload};
use crate::world::{MAILBOX_GAP, Outcome, notified};

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
    let run = Run {
        workload,
        outcome,
        struck,
    };
    run.failures()?;
    let ended = run.liveness()?;
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
    let mut shadow = outcome.shadow.iter().flat_map(ShadowReport::findings);
    if let Some(finding) = shadow.next() {
        return Err(finding);
    }
    let has_ended = outcome.stall.is_none() && halt(outcome).is_none();
    let is_whole = has_ended && outcome.fault.is_none();
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

/// Why the command ring's processor stopped for good, if it did.
fn halt(outcome: &Outcome) -> Option<&HaltedReport> {
    outcome.command.as_ref()?.halt.as_ref()
}

/// A run and what struck in it.
struct Run<'a> {
    workload: &'a Workload,
    outcome: &'a Outcome,
    struck: Vec<FaultKind>,
}

impl Run<'_> {
    /// The run ended as the faults that struck allow.
    fn liveness(&self) -> Result<Ended, String> {
        if let Some(stall) = &self.outcome.stall {
            return self.stall(stall);
        }
        if let Some(halt) = halt(self.outcome) {
            let may_halt = self.struck.iter().any(|kind| kind.info().may_halt);
            return match may_halt {
                true => Ok(Ended::Failed),
                false => Err(format!("{} after {}", halt.message(), self.names())),
            };
        }
        // A run may end before a gap has lasted too long: then what it holds back is still there.
        let died = self.outcome.injected.of(FaultKind::ProducerDies) > 0;
        if died && self.outcome.in_mailbox == 0 && !self.tells_of_gap() {
            return Err("a producer died in the gap, and nobody tells where".to_owned());
        }
        let ledger = &self.outcome.ledger;
        match (&self.outcome.fault, ledger.failed + ledger.cancelled) {
            (None, 0) => Ok(Ended::Passed),
            (None, lost) => Err(format!(
                "{lost} tasks failed or were cancelled without a fault"
            )),
            (Some(_), _) => Ok(Ended::Failed),
        }
    }

    /// Only ranks whose wait list is held for ever may be stuck, and the report says so; and
    /// whoever wants what a core keeps that never came back.
    fn stall(&self, stall: &StallReport) -> Result<Ended, String> {
        let class = stall.class();
        let of_command = match class {
            StallClass::CommandStarved => Some(FaultKind::PacketTorn),
            StallClass::CommandLivelock => Some(FaultKind::PacketLoop),
            _ => None,
        };
        if of_command.is_some_and(|kind| self.struck.contains(&kind)) {
            return Ok(Ended::Stuck);
        }
        // What a core may still write, memory that a stream freed among it, is not used again.
        if class == StallClass::SubmissionBlocked && self.outcome.quarantined.0 > 0 {
            return Ok(Ended::Stuck);
        }
        let may_stall = self.struck.iter().any(|kind| kind.info().may_stall);
        let is_told = matches!(class, StallClass::MailboxFull | StallClass::ListHeld);
        if !may_stall || !is_told {
            let after = self.names();
            return Err(format!("stuck ({}) after {after}", class.name()));
        }
        let is_held = |rank: u16| {
            let halts = stall.halts().iter();
            halts
                .filter(|halt| halt.class != StallClass::MailboxGap)
                .any(|halt| halt.rank == rank)
        };
        match stall.tasks().iter().find(|task| !is_held(task.rank)) {
            None => Ok(Ended::Stuck),
            Some(task) => Err(format!(
                "rank {}, {}: {}, and its wait list is free",
                task.rank, task.name, task.state
            )),
        }
    }

    /// Whether the gap was told with position and claimer, and its messages were listed.
    fn tells_of_gap(&self) -> bool {
        let mut failures = self.outcome.failures.list.iter();
        let is_told = failures.any(|failure| {
            let of_gap = has_code(failure, FaultCode::MailboxGap);
            of_gap && failure.position.is_some() && failure.claimer.is_some()
        });
        let gaps = self.outcome.gaps.iter();
        let missing = gaps.filter(|gap| gap.kind == MAILBOX_GAP).count() as u64;
        is_told && (1..=self.outcome.ledger.messages_reported).contains(&missing)
    }

    /// Every failure that is listed has a reason.
    fn failures(&self) -> Result<(), String> {
        let failures = &self.outcome.failures;
        let failed = failures.list.iter();
        let failed = failed
            .filter(|failure| failure.outcome == FailureKind::Failed)
            .count();
        let is_whole = failures.count == failures.list.len() as u64;
        if is_whole && self.outcome.ledger.failed != failed as u64 {
            let counted = self.outcome.ledger.failed;
            return Err(format!(
                "{counted} tasks failed, and {failed} failures are told"
            ));
        }
        match failures
            .list
            .iter()
            .find(|failure| !self.is_explained(failure))
        {
            None => Ok(()),
            Some(failure) => Err(format!(
                "{}: {} is not explained by {}",
                failure.place(),
                failure.code_name.as_deref().unwrap_or("a failure"),
                self.names()
            )),
        }
    }

    fn is_explained(&self, failure: &Failure) -> bool {
        let Some(code) = code_of(failure) else {
            return false;
        };
        if failure.outcome == FailureKind::Cancelled {
            return !failure.causes.is_empty();
        }
        let by_fault = self
            .struck
            .iter()
            .any(|kind| kind.info().codes.contains(&code));
        match code {
            FaultCode::TaskTimeout | FaultCode::WorkerLost | FaultCode::NoWorkerLeft
                if self.lacks_workers(failure) =>
            {
                true
            }
            FaultCode::AsyncWaitTimeout => {
                by_fault || self.waits_in_vain(failure) || self.is_gate_in_vain(failure)
            }
            FaultCode::TimelineEnded => self.is_gate_in_vain(failure),
            FaultCode::CoreLost | FaultCode::NoCoreLeft | FaultCode::RequireSyncStartInvalid => {
                by_fault && self.has_lost_core(failure.rank)
            }
            _ => by_fault,
        }
    }

    /// Whether this is an item, and a launch of its rank's workers did not complete.
    fn lacks_workers(&self, failure: &Failure) -> bool {
        let ranks = self.workload.ranks.iter().zip(&self.outcome.ends);
        let mut ranks = ranks.filter(|(plan, _)| plan.rank == u32::from(failure.rank));
        let Some((plan, ends)) = ranks.next() else {
            return false;
        };
        let task = failure.task.and_then(|task| usize::try_from(task).ok());
        let task = task.and_then(|task| plan.tasks.get(task));
        let is_item = task.is_some_and(|task| task.shape == Shape::Work);
        let mut launches = plan.tasks.iter().zip(ends);
        is_item
            && launches
                .any(|(task, end)| task.service().is_some() && *end != Some(TaskEnd::Completed))
    }

    /// Whether a core of this rank is out of the pool: it was late, or answered nonsense.
    fn has_lost_core(&self, rank: u16) -> bool {
        let mut failures = self.outcome.failures.list.iter();
        failures.any(|failure| {
            let is_late = has_code(failure, FaultCode::TaskTimeout);
            (is_late || has_code(failure, FaultCode::ProtocolError)) && failure.rank == rank
        })
    }

    /// Whether a task that would notify what this one waits for did not complete.
    fn waits_in_vain(&self, failure: &Failure) -> bool {
        let ranks = &self.workload.ranks;
        let rank = ranks
            .iter()
            .position(|plan| plan.rank == u32::from(failure.rank));
        let Some((rank, task)) = rank.zip(failure.task) else {
            return false;
        };
        let task = usize::try_from(task).ok();
        let Some(task) = task.and_then(|task| ranks[rank].tasks.get(task)) else {
            return false;
        };
        let ends = ranks.iter().zip(&self.outcome.ends);
        let mut open = ends
            .flat_map(|(plan, ends)| plan.tasks.iter().zip(ends))
            .filter(|(_, end)| **end != Some(TaskEnd::Completed));
        open.any(|(other, _)| {
            let mut counters = other.program.iter().filter_map(notified);
            counters.any(|(peer, counter)| peer as usize == rank && awaits(task, counter))
        })
    }

    /// Whether it is a gate, and the launch that it waits for did not complete.
    fn is_gate_in_vain(&self, failure: &Failure) -> bool {
        let (ranks, points) = (&self.workload.ranks, Points::of(self.workload));
        let of_rank = |plan: &&RankPlan| plan.rank == u32::from(failure.rank);
        let waits = ranks.iter().filter(of_rank).flat_map(|plan| &plan.tasks);
        let mut waits = waits.flat_map(|task| &task.waits);
        let gate = waits.find(|wait| wait.gate.map(u64::from) == failure.task);
        let launch = gate.and_then(|wait| points.task(wait.rank, wait.stream, wait.value));
        launch.is_some_and(|at| {
            let ends = &self.outcome.ends[at.rank as usize];
            ends[at.task as usize] != Some(TaskEnd::Completed)
        })
    }

    fn names(&self) -> String {
        if self.struck.is_empty() {
            return "no fault".to_owned();
        }
        let names: Vec<&str> = self.struck.iter().map(|kind| kind.info().name).collect();
        names.join(", ")
    }
}

fn awaits(task: &TaskPlan, wanted: u32) -> bool {
    let is_it = |op: &Op| matches!(op, Op::Await { counter, .. } if *counter == wanted);
    task.program.iter().any(|op| match op {
        Op::PerBlock { op, .. } => is_it(op),
        op => is_it(op),
    })
}

fn code_of(failure: &Failure) -> Option<FaultCode> {
    let is_its = |code: &FaultCode| failure.code == Some(u32::from(code.number()));
    FaultCode::ALL.into_iter().find(is_its)
}

fn has_code(failure: &Failure, code: FaultCode) -> bool {
    failure.code == Some(u32::from(code.number()))
}

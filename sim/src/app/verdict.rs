//! Outcome → report: the verdict, its error, and what was counted.
//!
//! A rule that does not hold is never a pass. Called by `app`.

use finbox_runtime::plan::PlanError as LaunchError;
use finbox_scheduler::{FaultCode, Ledger};

use crate::fault::{FaultKind, Injected};
use crate::report::{
    Code, Digest, ErrorReport, ExplainReport, FaultCount, FinCounts, Invalid, ItemCounts,
    MailboxCounts, RunReport, ShadowReport, StallClass, StallReport, TaskCounts, TimeReport,
    Verdict, WaitListCounts,
};
use crate::workload::{PlanError, Workload};
use crate::world::{Clock, LaunchProblem, Outcome, RunError, Settings};

/// A run that did not begin, or whose workload was refused on the way.
pub(super) fn refused(error: &RunError) -> RunReport {
    let (code, hint) = match error {
        RunError::NoUrma { .. } => {
            let hint = "run it with --target a5";
            let error = ErrorReport::new(Code::USAGE, error.to_string(), hint);
            return RunReport::refused(Invalid::Usage, error);
        }
        RunError::NoLink { .. } => {
            let hint = "name two ranks of the run in --fault link-slow:FROM-TO:N";
            let error = ErrorReport::new(Code::USAGE, error.to_string(), hint);
            return RunReport::refused(Invalid::Usage, error);
        }
        RunError::Config(_) | RunError::MailboxMemory { .. } => {
            return RunReport::refused(Invalid::Usage, usage(error));
        }
        RunError::Plan(problem) => {
            let hint = match problem {
                PlanError::TooMuch { .. } => "correct its bytes",
                PlanError::TooLong { .. } => {
                    "correct its duration, or the speeds of --cost-model if it was estimated"
                }
                _ => "this workload cannot be run as it is",
            };
            let error = ErrorReport::new(Code::INPUT_INVALID, error.to_string(), hint);
            return RunReport::refused(Invalid::InputFile, error);
        }
        RunError::Launch {
            error: LaunchProblem::Plan(problem),
            ..
        } => {
            let (cause, code, hint) = match problem {
                LaunchError::Untracked { .. } | LaunchError::External { .. } => {
                    let hint = "declare it, or let it pass with --plan permissive";
                    (Invalid::Usage, Code::USAGE, hint)
                }
                _ => {
                    let hint = "this workload cannot be run as it is";
                    (Invalid::InputFile, Code::INPUT_INVALID, hint)
                }
            };
            let error = ErrorReport::new(code, error.to_string(), hint);
            return RunReport::refused(cause, error);
        }
        RunError::Launch { .. } => in_table(FaultCode::InvalidArgs),
        RunError::Device(_) => (Code::DEVICE, Code::DEVICE.hint),
        RunError::Thread(_) => (Code::THREAD, Code::THREAD.hint),
        RunError::Wiring { error, .. } => in_table(error.code().unwrap_or(FaultCode::InvalidArgs)),
        RunError::Scope { .. } => in_table(FaultCode::InvalidArgs),
    };
    let report = ErrorReport::new(code, error.to_string(), hint);
    RunReport {
        error: Some(report),
        ..RunReport::neutral(Verdict::Fault)
    }
}

fn usage(error: &RunError) -> ErrorReport {
    ErrorReport::new(Code::USAGE, error.to_string(), "see `finbox run --help`")
}

fn in_table(code: FaultCode) -> (Code, &'static str) {
    (code_of(code), code.hint())
}

fn code_of(code: FaultCode) -> Code {
    Code {
        number: u32::from(code.number()),
        name: code.name(),
        what: code.what(),
        lost: code.lost(),
        hint: code.hint(),
    }
}

/// What to do about a value that is not what a file says.
const STATED_HINT: &str =
    "the graph is wrong, or what its \"checks\" and \"parts\" expect: correct it";

/// What to do about a value that nothing kept from being wrong.
const UNTRACKED_HINT: &str = "launches use memory that nobody tracks, in no order: see the gaps";

/// What to do where more conditions wait at once than there is room for.
const ROOM_HINT: &str = "take fewer --tasks, or a graph file whose \"limits\" have more \
                         \"condition_room\", or declare smaller bounds";

/// What to do about a command ring that stands or goes in circles.
const KEPT_HINT: &str = "slots or memory are kept back: by cores that never gave a failed task \
                         back (quarantined), or by tasks that nobody ends; look at the failures";
const PACKET_HINT: &str = "look at the packet that the command ring stands before: who was to \
                           publish it, or which jump leads back to it";

/// The verdict: stuck before fault before wrong, and pass only if every rule held.
fn judge(
    workload: &Workload,
    outcome: &Outcome,
    deadline_ns: Option<u64>,
) -> (Verdict, Option<ErrorReport>) {
    let halt = outcome
        .command
        .as_ref()
        .and_then(|command| command.halt.as_ref());
    if let Some(halt) = halt {
        let code = Code::COMMAND_HALTED;
        let error = ErrorReport::new(code, halt.message(), code.hint);
        return (Verdict::Fault, Some(error));
    }
    if let Some(stall) = &outcome.stall {
        return (Verdict::Stuck, Some(stuck(stall, deadline_ns)));
    }
    if outcome.interrupted && outcome.adds_up {
        let tasks = counted(outcome.live, "task");
        let message = format!("a signal ended the run with {tasks} unfinished");
        let error = ErrorReport::new(Code::INTERRUPTED, message, Code::INTERRUPTED.hint);
        return (Verdict::Interrupted, Some(error));
    }
    if let Some(fault) = &outcome.fault {
        let what = fault.code.what().trim_end_matches('.');
        let at = match outcome.failures.list.first() {
            Some(first) => format!("{}{}", first.place(), first.details()),
            None => format!("rank {}, task {}", fault.rank, fault.task),
        };
        let message = format!("{what}: {at}");
        let error = ErrorReport::new(code_of(fault.code), message, fault.code.hint());
        return (Verdict::Fault, Some(error));
    }
    let error = match wrong(workload, outcome) {
        Some((message, hint)) => Some(ErrorReport::new(Code::WRONG_RESULT, message, hint)),
        None => outcome.shadow.as_ref().and_then(undeclared),
    };
    match error {
        Some(error) => (Verdict::Wrong, Some(error)),
        None => (Verdict::Pass, None),
    }
}

/// What was touched and neither declared nor ordered.
fn undeclared(shadow: &ShadowReport) -> Option<ErrorReport> {
    let first = shadow.findings().next()?;
    let others = shadow.undeclared_count + shadow.unordered_count - 1;
    let more = match others {
        0 => String::new(),
        _ => format!("; and {others} more"),
    };
    let code = Code::UNDECLARED_USE;
    Some(ErrorReport::new(code, format!("{first}{more}"), code.hint))
}

/// What is wrong though the run ended well, and what to do next.
fn wrong(workload: &Workload, outcome: &Outcome) -> Option<(String, &'static str)> {
    let usual = Code::WRONG_RESULT.hint;
    if let Some(rule) = outcome.broken.first() {
        return Some((rule.clone(), usual));
    }
    if !outcome.adds_up {
        return Some(("the ledger does not add up".to_owned(), usual));
    }
    let first = outcome.verified.first.as_ref()?;
    let values = counted(outcome.verified.wrong, "wrong value");
    let message = format!(
        "{values}; the first: rank {}, {}, byte {}: {} instead of {}",
        first.rank, first.name, first.offset, first.observed, first.expected
    );
    let hint = if !outcome.untracked.is_empty() {
        UNTRACKED_HINT
    } else if workload.is_stated {
        STATED_HINT
    } else {
        usual
    };
    Some((message, hint))
}

/// `deadline_ns`: the deadline, if it was what ended the run.
fn stuck(stall: &StallReport, deadline_ns: Option<u64>) -> ErrorReport {
    let (code, class) = (stall.class().code(), stall.class().name());
    let command = stall.command().filter(|_| stall.class().is_of_command());
    let root = stall.root().map_or("", |root| &root.message);
    let root = command.map_or(root, |command| &command.message);
    let why = if root.is_empty() {
        class.to_owned()
    } else {
        format!("{class}; {root}")
    };
    let hint = match (code, deadline_ns) {
        (FaultCode::ConditionRoomExhausted, _) => ROOM_HINT,
        _ if command.is_some() => PACKET_HINT,
        _ if stall.class() == StallClass::SubmissionBlocked => KEPT_HINT,
        (_, Some(_)) => "give more time with --deadline-ms, or look at what the tasks wait for",
        (_, None) => code.hint(),
    };
    let what = match deadline_ns.map(|ns| ns / 1_000_000) {
        Some(ms) => format!("the deadline of {ms} ms passed"),
        None if command.is_none() => "nothing moves,".to_owned(),
        None if stall.class() == StallClass::CommandLivelock => "packets go in circles,".to_owned(),
        None => "no packet passes any more,".to_owned(),
    };
    let message = format!("{what} with {}: {why}", unfinished(stall));
    ErrorReport::new(code_of(code), message, hint)
}

/// The tasks that are stuck; where it is others that wait, those that were not submitted as well.
fn unfinished(stall: &StallReport) -> String {
    let here = format!("{} unfinished", counted(stall.count(), "task"));
    let is_outside = stall.class() == StallClass::SubmissionBlocked;
    if !is_outside && !stall.class().is_of_command() {
        return here;
    }
    let outside = format!("{} not submitted", counted(stall.unsubmitted(), "task"));
    match stall.count() {
        0 => outside,
        _ => format!("{outside} and {here}"),
    }
}

/// So many of something, in words.
pub(super) fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// The deadline, if the run took that long.
fn deadline_passed(settings: &Settings, outcome: &Outcome, wall_ns: u64) -> Option<u64> {
    let took_ns = match settings.clock {
        Clock::Lockstep => outcome.virtual_ns,
        Clock::Parallel => wall_ns,
    };
    settings.deadline_ns.filter(|&end| took_ns >= end)
}

/// The faults that were asked for, and how often each struck.
fn struck(settings: &Settings, injected: &Injected) -> Vec<FaultCount> {
    let count = |kind: FaultKind| FaultCount {
        name: kind.info().name.to_owned(),
        strikes: injected.of(kind),
    };
    settings.faults.kinds().map(count).collect()
}

/// Who each point that was not reached, and each task that is stuck, is waiting for.
pub(super) fn explained(outcome: &Outcome) -> Vec<ExplainReport> {
    let mut all = outcome.explain.clone();
    all.extend(outcome.stall.iter().flat_map(ExplainReport::of_stall));
    all
}

/// What is reported of a run that ended.
pub(super) fn report(
    workload: &Workload,
    settings: &Settings,
    outcome: Outcome,
    wall_ns: u64,
) -> RunReport {
    let passed = deadline_passed(settings, &outcome, wall_ns);
    let (verdict, error) = judge(workload, &outcome, passed);
    let (ledger, verified, stall) = (outcome.ledger, outcome.verified, outcome.stall);
    RunReport {
        max_diff: verified.max_diff.filter(|_| workload.golden),
        tasks: tasks(
            &ledger,
            outcome.quarantined.0,
            (outcome.live, outcome.items_out),
        ),
        fins: FinCounts {
            received: ledger.fins_received,
            applied: ledger.fins_applied,
            duplicate: ledger.fins_duplicate,
            stale: ledger.fins_stale,
            unknown: ledger.fins_unknown,
        },
        mailbox: MailboxCounts {
            slots: settings.mailbox_slots,
            accepted: ledger.messages_accepted,
            delivered: ledger.messages_delivered,
            conditions: ledger.conditions,
            normal_done: ledger.normal_done,
            full: ledger.full,
            high_water: ledger.mailbox_high_water,
            reported: ledger.messages_reported,
            undelivered: outcome.in_mailbox,
        },
        wait_list: WaitListCounts {
            high_water: ledger.waiting_high_water,
            left: outcome.waiting,
            polls: ledger.polls,
            overshoots: ledger.overshoots,
            went_back: ledger.went_back,
        },
        time: TimeReport {
            virtual_ns: outcome.virtual_ns,
            wall_ns,
        },
        digest: outcome.digest.map(Digest),
        result_digest: Digest(outcome.result_digest),
        latency: outcome.latency,
        failures: outcome.failures,
        command: outcome.command,
        gaps: [outcome.gaps, outcome.untracked].concat(),
        shadow: outcome.shadow,
        faults: struck(settings, &outcome.injected),
        stall,
        error,
        cores_quarantined: outcome.quarantined.1,
        handlers: settings.handlers,
        cores: settings.cores,
        ..RunReport::neutral(verdict)
    }
}

/// What became of tasks, of which so many still keep their slot, or are unfinished; and of items,
/// of which so many are out.
const fn tasks(ledger: &Ledger, quarantined: u64, (live, items_out): (u64, u64)) -> TaskCounts {
    TaskCounts {
        submitted: ledger.submitted,
        completed: ledger.completed,
        failed: ledger.failed,
        cancelled: ledger.cancelled,
        quarantined,
        inline: ledger.inline,
        deferred: ledger.deferred,
        live,
        skipped: ledger.skipped,
        worked: ledger.worked,
        items: items(ledger, items_out),
    }
}

const fn items(ledger: &Ledger, out: u64) -> ItemCounts {
    ItemCounts {
        out,
        offered: ledger.work_offered,
        again: ledger.work_again,
        lost: ledger.work_left,
        told: ledger.work_done,
        told_late: ledger.work_late,
        told_twice: ledger.work_duplicate,
        told_stale: ledger.work_stale,
        told_unknown: ledger.work_unknown,
    }
}

#[cfg(test)]
mod tests;

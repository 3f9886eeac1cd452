//! What `finbox run` does: options → workload → world → report.
//!
//! Everything that can be refused is refused before a task runs, with the exit code of its kind.

mod limits;

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use finbox_scheduler::{
    A2A3, A5, CORES_PER_CLUSTER, Completion, Engines, FaultCode, Limits, Target,
};

use crate::cli::{self, Deps, Mode, RunOptions, TargetFacts, TargetName, What, output};
use crate::demo;
use crate::fault::{FaultKind, Injected};
use crate::memory::LastWords;
use crate::report::progress::Progress;
use crate::report::{
    Code, Digest, ErrorReport, FaultCount, FinCounts, ImportCounts, Invalid, MailboxCounts,
    RunReport, StallReport, TaskCounts, TimeReport, Verdict, WaitListCounts,
};
use crate::signal;
use crate::workload::{self, Workload, chakra, lower, random};
use crate::world::{self, Clock, Outcome, RunError, Settings};

/// The targets of this build, as the command line prints and checks them.
pub fn target_facts() -> [TargetFacts; 2] {
    [TargetName::A2a3, TargetName::A5].map(|name| {
        let target = target(name);
        TargetFacts {
            name,
            clusters: target.clusters,
            aic: target.clusters,
            aiv: target.clusters * (CORES_PER_CLUSTER - 1),
            cores: target.cores(),
            engines: engine_names(target.engines),
            is_coherent: target.coherent_dma,
        }
    })
}

const fn target(name: TargetName) -> &'static Target {
    match name {
        TargetName::A2a3 => &A2A3,
        TargetName::A5 => &A5,
    }
}

const fn engine_names(engines: Engines) -> &'static [&'static str] {
    if engines.contains(Engines::URMA) {
        &["counter", "SDMA", "URMA"]
    } else {
        &["counter", "SDMA"]
    }
}

/// Runs what `options` say and prints the report; the exit code says how it ended.
pub fn run(options: &RunOptions) -> ExitCode {
    words(Verdict::Invalid(Invalid::InputFile), "loading", options).prepare();
    let stop = signal::stop_flag();
    tracing::debug!(target: "finbox", "loading {}", options.what.label());
    let loaded = match workload(options) {
        Ok(found) => found,
        Err(report) => return output::refuse(&named(*report, options), options.json),
    };
    let settings = Settings {
        stop,
        ..settings(options, loaded.limits.as_ref())
    };
    let Loaded {
        workload, import, ..
    } = loaded;
    let began = Instant::now();
    let mut line = Progress::on_stderr(options.quiet);
    let mut running = Some(words(Verdict::Fault, "running", options));
    let ended = world::run(&workload, &settings, &mut |done, all| {
        running.take().into_iter().for_each(LastWords::prepare);
        line.update(done, all, "tasks")
    });
    line.clear();
    let wall_ns = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
    let ranks = u16::try_from(workload.ranks.len()).unwrap_or(u16::MAX);
    let report = match ended {
        Ok(outcome) => report(&workload, &settings, outcome, wall_ns),
        Err(error) => refused(&error),
    };
    let report = RunReport {
        ranks,
        import,
        ..named(report, options)
    };
    if let Some(error) = &report.error {
        output::say(&error.to_text());
    }
    output::finish(&report, options.json)
}

/// What is said if memory ends while `doing` what the options say.
pub fn words(verdict: Verdict, doing: &str, options: &RunOptions) -> LastWords {
    let report = named(RunReport::neutral(verdict), options);
    let message = format!("out of memory while {doing} {}", report.scenario);
    LastWords::new(report, message, options.json)
}

/// The report with what the command line alone decides.
fn named(report: RunReport, options: &RunOptions) -> RunReport {
    RunReport {
        scenario: options.what.label(),
        target: options.target.to_string(),
        mode: options.mode.to_string(),
        completion: options.completion.to_string(),
        seed: options.seed,
        ..report
    }
}

/// Why what `options` name cannot be run at all, as a report.
pub fn refusal(options: &RunOptions) -> Option<RunReport> {
    let refused = workload(options).err();
    refused.map(|report| named(*report, options))
}

/// The workload that `options` name, and how it is to run.
///
/// # Errors
/// Why there is none, in one sentence.
pub fn prepare(options: &RunOptions) -> Result<(Workload, Settings), String> {
    let refused = |report: Box<RunReport>| match report.error {
        Some(error) => error.message,
        None => "the workload was refused".to_owned(),
    };
    let loaded = workload(options).map_err(refused)?;
    let settings = Settings {
        bounded_waits: true,
        ..settings(options, loaded.limits.as_ref())
    };
    Ok((loaded.workload, settings))
}

/// `limits`: those that the workload brings along.
fn settings(options: &RunOptions, limits: Option<&workload::Limits>) -> Settings {
    let usual = limits::limited(
        Settings::of(target(options.target)),
        limits,
        &options.faults,
    );
    Settings {
        clock: match options.mode {
            Mode::Lockstep => Clock::Lockstep,
            Mode::Parallel => Clock::Parallel,
        },
        seed: options.seed,
        faults: options.faults,
        handlers: options.handlers.unwrap_or(usual.handlers),
        cores: options.cores.unwrap_or(usual.cores),
        mailbox_slots: options.mailbox_slots.unwrap_or(usual.mailbox_slots),
        deadline_ns: options.deadline_ms.map(in_ns),
        completion: match options.completion {
            cli::Completion::Mailbox => Completion::Mailbox,
            cli::Completion::Locked => Completion::Locked,
        },
        limits: Limits {
            run_ns: options.task_budget_ms.map(in_ns),
            wait_ns: options.wait_budget_ms.map(in_ns),
            ..usual.limits
        },
        ..usual
    }
}

const fn in_ns(ms: u64) -> u64 {
    ms.saturating_mul(1_000_000)
}

/// What there is to run.
struct Loaded {
    workload: Workload,
    import: Option<ImportCounts>,
    limits: Option<workload::Limits>,
}

fn workload(options: &RunOptions) -> Result<Loaded, Box<RunReport>> {
    match &options.what {
        What::Scenario(name) => {
            let ranks = u32::from(options.ranks_or_default().unwrap_or(1));
            if name == "random" {
                let has_urma = target(options.target).engines.contains(Engines::URMA);
                let ranks = options.ranks.map(u32::from);
                let (workload, limits) = random(options.seed, ranks, has_urma);
                return Ok(Loaded {
                    workload,
                    import: None,
                    limits: Some(limits),
                });
            }
            let workload = match name.as_str() {
                "grid" => demo::grid(options.tasks_or_default().unwrap_or(1)),
                "crowd" => demo::crowd(options.tasks_or_default().unwrap_or(1)),
                "fan" => demo::fan(options.tasks_or_default().unwrap_or(1)),
                "dummy_task" => demo::dummy_task(ranks),
                "async_notify" => demo::async_notify(ranks),
                "sdma_async" => demo::sdma_async(ranks),
                "urma_deferred" => demo::urma_deferred(ranks),
                "mixed_spmd" => demo::mixed_spmd(ranks),
                "prefetch_async" => demo::prefetch_async(ranks),
                "deferred_notify_demo" => demo::deferred_notify(ranks),
                other => unreachable!("the command line knows no scenario {other}"),
            };
            let target = target(options.target);
            world::check_target(&workload, target).map_err(|error| Box::new(refused(&error)))?;
            Ok(Loaded {
                workload,
                import: None,
                limits: None,
            })
        }
        What::Path(path) => import(path, options),
    }
}

fn import(path: &Path, options: &RunOptions) -> Result<Loaded, Box<RunReport>> {
    let deps = match options.deps {
        Deps::Data => chakra::Deps::Data,
        Deps::Ctrl => chakra::Deps::Ctrl,
        Deps::Both => chakra::Deps::Both,
    };
    let import = chakra::Options {
        deps,
        ..chakra::Options::default()
    };
    let trace = chakra::load(path, &import)
        .map_err(|error| Box::new(RunReport::refused(Invalid::InputFile, unusable(&error))))?;
    let counts = ImportCounts {
        nodes: trace.ranks.iter().map(|rank| rank.nodes.len() as u64).sum(),
        messages: trace.messages.len() as u64,
        dropped_self_edges: trace.dropped_self_edges,
        dropped_repeated_edges: trace.dropped_repeated_edges,
    };
    if let Some(asked) = options
        .ranks
        .filter(|&asked| usize::from(asked) != trace.ranks.len())
    {
        let message = format!(
            "--ranks {asked}: this trace has {}",
            counted(trace.ranks.len() as u64, "rank")
        );
        let error = ErrorReport::new(Code::USAGE, message, "leave --ranks out for traces");
        return Err(Box::new(RunReport::refused(Invalid::Usage, error)));
    }
    Ok(Loaded {
        workload: lower::lower(&trace),
        import: Some(counts),
        limits: None,
    })
}

/// Why a trace cannot be run.
fn unusable(error: &chakra::ImportError) -> ErrorReport {
    let code = match error {
        chakra::ImportError::Unreadable { .. } => Code::INPUT_UNREADABLE,
        _ => Code::INPUT_INVALID,
    };
    ErrorReport::new(code, error.to_string(), error.hint())
}

/// A run that did not begin, or whose workload was refused on the way.
fn refused(error: &RunError) -> RunReport {
    let (code, hint) = match error {
        RunError::NoUrma { .. } => {
            let hint = "run it with --target a5";
            let error = ErrorReport::new(Code::USAGE, error.to_string(), hint);
            return RunReport::refused(Invalid::Usage, error);
        }
        RunError::Config(_) | RunError::MailboxMemory { .. } => {
            return RunReport::refused(Invalid::Usage, usage(error));
        }
        RunError::Plan(_) => {
            let hint = "this workload cannot be run as it is";
            let error = ErrorReport::new(Code::INPUT_INVALID, error.to_string(), hint);
            return RunReport::refused(Invalid::InputFile, error);
        }
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

/// The verdict: stuck before fault before wrong, and pass only if every rule held.
fn judge(outcome: &Outcome, deadline_ns: Option<u64>) -> (Verdict, Option<ErrorReport>) {
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
    let wrong = if let Some(rule) = outcome.broken.first() {
        Some(rule.clone())
    } else if !outcome.adds_up {
        Some("the ledger does not add up".to_owned())
    } else {
        outcome.verified.first.as_ref().map(|first| {
            let (wrong, name) = (outcome.verified.wrong, &first.name);
            format!(
                "{wrong} wrong values; the first: rank {}, {name}, byte {}: {} instead of {}",
                first.rank, first.offset, first.observed, first.expected
            )
        })
    };
    match wrong {
        Some(message) => {
            let error = ErrorReport::new(Code::WRONG_RESULT, message, Code::WRONG_RESULT.hint);
            (Verdict::Wrong, Some(error))
        }
        None => (Verdict::Pass, None),
    }
}

/// `deadline_ns`: the deadline, if it was what ended the run.
fn stuck(stall: &StallReport, deadline_ns: Option<u64>) -> ErrorReport {
    let code = stall.class().code();
    let (tasks, class) = (counted(stall.count(), "task"), stall.class().name());
    let root = stall.root().map_or("", |root| &root.message);
    let why = if root.is_empty() {
        class.to_owned()
    } else {
        format!("{class}; {root}")
    };
    match deadline_ns {
        Some(deadline_ns) => {
            let ms = deadline_ns / 1_000_000;
            let message = format!("the deadline of {ms} ms passed with {tasks} unfinished: {why}");
            let hint = "give more time with --deadline-ms, or look at what the tasks wait for";
            ErrorReport::new(code_of(code), message, hint)
        }
        None => {
            let message = format!("nothing moves, with {tasks} unfinished: {why}");
            ErrorReport::new(code_of(code), message, code.hint())
        }
    }
}

fn counted(count: u64, what: &str) -> String {
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

fn report(workload: &Workload, settings: &Settings, outcome: Outcome, wall_ns: u64) -> RunReport {
    let (verdict, error) = judge(&outcome, deadline_passed(settings, &outcome, wall_ns));
    let Outcome {
        ledger,
        verified,
        stall,
        ..
    } = outcome;
    RunReport {
        max_diff: if workload.golden {
            verified.max_diff
        } else {
            None
        },
        tasks: TaskCounts {
            submitted: ledger.submitted,
            completed: ledger.completed,
            failed: ledger.failed,
            cancelled: ledger.cancelled,
            quarantined: outcome.quarantined.0,
            inline: ledger.inline,
            deferred: ledger.deferred,
            live: outcome.live,
            skipped: ledger.skipped,
        },
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
        gaps: outcome.gaps,
        faults: struck(settings, &outcome.injected),
        stall,
        error,
        cores_quarantined: outcome.quarantined.1,
        handlers: settings.handlers,
        cores: settings.cores,
        ..RunReport::neutral(verdict)
    }
}

#[cfg(test)]
mod tests;

//! What `finbox run` does: options → workload → world → report.
//!
//! Everything that can be refused is refused before a task runs, with the exit code of its kind.

mod convert;
mod device;
mod files;
mod limits;
mod load;
mod output_file;
mod page;
mod trace;
mod verdict;

use std::process::ExitCode;
use std::time::Instant;

use finbox_runtime::plan;
use finbox_scheduler::{A2A3, A5, CORES_PER_CLUSTER, Completion, Engines, Limits, Target};

pub use self::convert::convert;
pub use self::device::device;
use self::load::workload;
use self::output_file::OutputFile;
use self::trace::TraceFile;
use self::verdict::{explained, refused, report};
use crate::analysis::analyse;
use crate::cli::{self, Mode, RunOptions, TargetFacts, TargetName, output};
use crate::cost_file;
use crate::device::CostModel;
use crate::fault::FaultKind;
use crate::memory::LastWords;
use crate::report::progress::Progress;
use crate::report::{ErrorReport, Invalid, PersistentReport, RunReport, Verdict};
use crate::signal;
use crate::workload::{self, Workload};
use crate::world::{self, Clock, Settings};

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

/// The costs of a target, as a file.
pub fn cost_model(name: TargetName) -> String {
    cost_file::defaults(target(name))
}

/// Runs what `options` say and prints the report; the exit code says how it ended.
pub fn run(options: &RunOptions) -> ExitCode {
    if let Some(library) = &options.board.library {
        return device::run(options, library);
    }
    words(Verdict::Invalid(Invalid::InputFile), "loading", options).prepare();
    let stop = signal::stop_flag();
    tracing::debug!(target: "finbox", "loading {}", options.what.label());
    let loaded = match workload(options) {
        Ok(found) => found,
        Err(report) => return output::refuse(&named(*report, options), options.json),
    };
    let (trace, page) = match outputs(options) {
        Ok(files) => files,
        Err(report) => return output::refuse(&named(*report, options), options.json),
    };
    let is_explained = options.explain || page.is_some();
    let settings = Settings {
        stop,
        record: is_explained || trace.is_some(),
        ..settings(options, loaded.limits.as_ref(), loaded.costs.model)
    };
    let (workload, import, persistent) = (loaded.workload, loaded.import, loaded.persistent);
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
    let (report, timeline) = match ended {
        Ok(mut outcome) => {
            let timeline = outcome.timeline.take();
            let explain = options.explain.then(|| explained(&outcome));
            let report = report(&workload, &settings, outcome, wall_ns);
            (RunReport { explain, ..report }, timeline)
        }
        Err(error) => (refused(&error), None),
    };
    let recorded = timeline.as_ref().filter(|_| is_explained);
    let mut report = RunReport {
        ranks,
        import,
        persistent: persistent.map(|chosen| Box::new(PersistentReport::of(&chosen))),
        analysis: recorded.map(analyse).map(Box::new),
        ..named(report, options)
    };
    if let Some(trace) = trace {
        match trace.write(&workload, timeline.as_ref()) {
            Ok(trace) => report.trace = trace,
            Err(error) => unwritten(&mut report, error),
        }
    }
    match (page, &timeline) {
        (Some(page), Some(timeline)) => {
            let bytes = page::page(&report, timeline, &workload).into_bytes();
            let written = page.write(&bytes);
            written.unwrap_or_else(|error| unwritten(&mut report, error));
        }
        (Some(page), None) => page.give_up(),
        (None, _) => {}
    }
    if let Some(error) = &report.error {
        output::say(&error.to_text());
    }
    output::finish(&report, options.json)
}

/// The files that the run leaves, opened.
fn outputs(
    options: &RunOptions,
) -> Result<(Option<TraceFile>, Option<OutputFile>), Box<RunReport>> {
    let trace = TraceFile::open(&options.trace, &options.what)?;
    let open = |path| OutputFile::open("report", path, &options.what);
    match options.report.as_deref().map(open).transpose() {
        Ok(page) => Ok((trace, page)),
        Err(report) => {
            trace.iter().for_each(TraceFile::give_up);
            Err(report)
        }
    }
}

/// A run of which a file was lost is no pass; another error of the run goes first.
fn unwritten(report: &mut RunReport, error: ErrorReport) {
    match &report.error {
        Some(_) => output::say(&error.to_text()),
        None => (report.verdict, report.error) = (Verdict::Fault, Some(error)),
    }
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

/// Why what `options` name cannot be run at all, or never has `link`, as a report: all that a run
/// refuses before a task runs. Random workloads have as many ranks as their seed says, if nobody
/// else does.
pub fn refusal(options: &RunOptions, link: Option<(u16, u16)>) -> Option<RunReport> {
    let is_random = matches!(&options.what, cli::What::Scenario(name) if name == "random");
    let link = link.filter(|_| !is_random || options.ranks.is_some());
    let refused = match workload(options) {
        Ok(loaded) => {
            let (workload, limits) = (&loaded.workload, loaded.limits.as_ref());
            let settings = Settings {
                faults: options.faults.without(FaultKind::LinkSlow),
                ..settings(options, limits, loaded.costs.model)
            };
            let possible = world::check(workload, &settings);
            let why = possible.and_then(|()| world::check_link(link, workload.ranks.len()));
            refused(&why.err()?)
        }
        Err(report) => *report,
    };
    Some(named(refused, options))
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
        ..settings(options, loaded.limits.as_ref(), loaded.costs.model)
    };
    Ok((loaded.workload, settings))
}

fn settings(options: &RunOptions, limited: Option<&workload::Limits>, cost: CostModel) -> Settings {
    let usual = Settings::of(target(options.target));
    let usual = limits::limited(usual, limited, &options.faults);
    Settings {
        clock: match options.mode {
            Mode::Lockstep => Clock::Lockstep,
            Mode::Parallel => Clock::Parallel,
        },
        cost,
        shadow: options.shadow,
        seed: options.seed,
        faults: options.faults,
        plan: match options.plan.plan {
            cli::Plan::Strict => plan::Mode::Strict,
            cli::Plan::Permissive => plan::Mode::Permissive,
        },
        handlers: options.handlers.unwrap_or(usual.handlers),
        cores: options.cores.unwrap_or(usual.cores),
        mailbox_slots: options.mailbox_slots.unwrap_or(usual.mailbox_slots),
        deadline_ns: options.deadline_ms.map(in_ns),
        completion: match options.completion {
            cli::Completion::Mailbox => Completion::Mailbox,
            cli::Completion::Locked => Completion::Locked,
        },
        submit: options.submit,
        command_slots: options.command_slots.unwrap_or(usual.command_slots),
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

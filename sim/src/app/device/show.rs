//! `finbox device`: what a device is, its self-test check by check, and the demos on it.

use std::process::ExitCode;
use std::sync::Arc;

use finbox_abi::finbox_op_kind;
use finbox_runtime::conformance::{self, Limits, Verdict as Judged};
use finbox_runtime::plugin::{Description, DeviceLibrary, OpenOptions};
use finbox_runtime::{Machine, MachineFacts, WiringError};
use finbox_scheduler::SubmitError;

use super::guard::{Guard, Watched, blocked};
use super::library::{self, Refusal, cores_together, enough};
use crate::app::target;
use crate::app::verdict::{counted, refused, report};
use crate::cli::{DeviceOptions, find_scenario, output};
use crate::demo;
use crate::report::progress::Progress;
use crate::report::{
    BoardReport, CheckReport, Code, DemoReport, ErrorReport, MachineReport, RunReport, Tried,
    Verdict,
};
use crate::shared::Shared;
use crate::signal;
use crate::workload::Workload;
use crate::world::{Abandoned, Board, DeviceRefusal, RunError, Settings, check_target, run_on};

/// A demo's name, and what makes it for so many ranks.
type Demo = (&'static str, fn(u32) -> Workload);

/// The demos: what each kind of completion does, each in a few tasks.
const DEMOS: [Demo; 7] = [
    ("deferred_notify_demo", demo::deferred_notify),
    ("dummy_task", demo::dummy_task),
    ("async_notify", demo::async_notify),
    ("sdma_async", demo::sdma_async),
    ("urma_deferred", demo::urma_deferred),
    ("prefetch_async", demo::prefetch_async),
    ("mixed_spmd", demo::mixed_spmd),
];

/// What is known so far: also for whoever ends the process.
type Known = Arc<Shared<BoardReport>>;

/// Loads the library that `options` name, tries it, and prints what it is and does.
pub fn device(options: &DeviceOptions) -> ExitCode {
    let library = options.library.to_string_lossy().into_owned();
    let known: Known = Arc::new(Shared::new(BoardReport::neutral(library)));
    if let Err((verdict, error)) = tried(options, &known) {
        let mut report = known.lock();
        (report.verdict, report.error) = (verdict, Some(error));
    }
    let report = known.lock();
    finish(&report, options.json)
}

/// Prints the report. One of a library that was not loaded is an error and no result.
fn finish(report: &BoardReport, json: bool) -> ExitCode {
    if let Some(error) = &report.error {
        output::say(&error.to_text());
    }
    let text = match (json, &report.device) {
        (true, _) => report.to_json(),
        (false, Some(_)) => report.to_text(),
        (false, None) => String::new(),
    };
    output::print_with(&text, report.verdict.exit_code())
}

fn tried(options: &DeviceOptions, known: &Known) -> Result<(), Refusal> {
    let library = library::load(&options.library)?;
    describe(library.describe(), &mut known.lock());
    let (for_guard, json) = (Arc::clone(known), options.json);
    let tell = move |error| tell(&for_guard, error, json);
    let guard = Guard::over(&library, tell).map_err(|error| {
        let error = RunError::Thread(error.kind()).to_string();
        let error = ErrorReport::new(Code::THREAD, error, Code::THREAD.hint);
        (Verdict::Fault, error)
    })?;
    let facts = self_test(options, &library, known)?;
    for (name, make) in DEMOS {
        let demo = try_demo(options, (&library, &facts), (name, make), known);
        known.lock().demos.extend(demo);
    }
    drop(guard);
    sum_up(&known.lock())
}

/// Says what is known with `error`, just before the process ends.
fn tell(known: &Known, error: ErrorReport, json: bool) {
    let mut report = known.lock();
    (report.verdict, report.error) = (Verdict::Stuck, Some(error));
    let _ = finish(&report, json);
}

fn describe(library: &Description, report: &mut BoardReport) {
    report.device = Some(library::named(library));
    report.abi = Some(library.abi.into());
    let names = |has: bool| {
        let kinds = finbox_op_kind::ALL.into_iter();
        let kinds = kinds.filter(move |kind| (library.operations & kind.bit() != 0) == has);
        kinds.map(finbox_op_kind::name).collect()
    };
    (report.operations, report.lacks) = (names(true), names(false));
    let is_set = |bit: &u32| library.features >> bit & 1 == 1;
    report.features = (0..u64::BITS).filter(is_set).collect();
}

/// Runs the conformance suite on a machine; what that machine was.
fn self_test(
    options: &DeviceOptions,
    library: &DeviceLibrary,
    known: &Known,
) -> Result<MachineFacts, Refusal> {
    let machine = library::open(library, &wanted(options, OpenOptions::default()))?;
    let facts = machine.facts();
    known.lock().machine = Some(described(&facts));
    let limits = Limits {
        end_cores: true,
        ..Limits::default()
    };
    let all = conformance::checks().len() as u64;
    let mut line = Progress::on_stderr(options.quiet);
    conformance::run_telling(&machine, &limits, |finding| {
        let (verdict, message) = match &finding.verdict {
            Judged::Pass => (Tried::Pass, String::new()),
            Judged::Fail(sentence) => (Tried::Fail, sentence.clone()),
            Judged::Skipped(reason) => (Tried::Skipped, reason.clone()),
        };
        let mut report = known.lock();
        report.checks.push(CheckReport {
            name: finding.check.name,
            proves: finding.check.proves,
            verdict,
            message,
        });
        line.update(report.checks.len() as u64, all, "checks");
    });
    line.clear();
    library::close(machine)?;
    Ok(facts)
}

fn described(facts: &MachineFacts) -> MachineReport {
    MachineReport {
        target: facts.target.name,
        ranks: facts.ranks,
        cores: facts.cores,
        host_lanes: facts.host_lanes,
        dma_queues: facts.dma_queues,
        memory_bytes: facts.memory_bytes,
        is_coherent: facts.is_coherent,
    }
}

/// `least`, and what the options say.
fn wanted(options: &DeviceOptions, least: OpenOptions) -> OpenOptions {
    OpenOptions {
        target: options.target.map(target),
        ranks: options.ranks.map_or(least.ranks, u32::from),
        options: options.options.clone(),
        ..least
    }
}

/// Runs a demo on a machine of its own. None: it is not defined for the ranks that were asked for.
fn try_demo(
    options: &DeviceOptions,
    (library, facts): (&DeviceLibrary, &MachineFacts),
    (name, make): Demo,
    known: &Known,
) -> Option<DemoReport> {
    let scenario = find_scenario(name).expect("every demo is a scenario");
    let ranks = options.ranks.unwrap_or(scenario.default_ranks);
    let demo = |verdict, message| DemoReport {
        name,
        ranks,
        verdict,
        max_diff: None,
        result_digest: None,
        message,
    };
    let skipped = |reason| Some(demo(Tried::Skipped, reason));
    if !scenario.ranks.contains(&ranks) {
        let least = scenario.ranks.start();
        return skipped(format!("it has {least} ranks at least"));
    }
    let workload = make(ranks.into());
    if let Err(error) = check_target(&workload, facts.target) {
        return skipped(error.to_string());
    }
    let least = enough(&workload);
    let is_usual = least.ranks <= facts.ranks
        && least.dma_queues <= facts.dma_queues
        && cores_together(&workload) <= facts.cores;
    let machine = match library::open_for(library, &wanted(options, least), &workload) {
        Ok(machine) => machine,
        // What another machine of the library had is no news to it.
        Err((_, error)) if is_usual => return Some(demo(Tried::Fail, error.message)),
        Err((_, error)) => return skipped(error.message),
    };
    let settings = Settings {
        stop: signal::stop_flag(),
        ..Settings::of(facts.target)
    };
    let lost = |run: &Abandoned| {
        let demo = demo(Tried::Fail, run.call.clone());
        known.lock().demos.push(demo);
        let message = format!("{name}: {}", run.call);
        tell(known, blocked(message), options.json);
    };
    let board = Board {
        machine: &machine,
        calls: &Watched::new(library, &lost),
    };
    let ended = run_on(&workload, &settings, &board, &mut |_, _| {});
    let outcome = match ended {
        Ok(outcome) => report(&workload, &settings, outcome, 0),
        Err(RunError::Device(
            error @ (DeviceRefusal::Operations(_)
            | DeviceRefusal::Lane { .. }
            | DeviceRefusal::Scan { .. }
            | DeviceRefusal::Workers { .. }
            | DeviceRefusal::Few { .. }),
        )) => return skipped(error.to_string()),
        Err(error) if is_too_large(&error) => return skipped(error.to_string()),
        Err(error) => refused(&error),
    };
    let closed = library::close(machine).map_err(|(_, error)| error.message);
    Some(judged(demo(Tried::Pass, String::new()), &outcome, closed))
}

/// Whether a demo wants more cores than the machine has.
const fn is_too_large(error: &RunError) -> bool {
    matches!(
        error,
        RunError::Wiring {
            error: WiringError::Submit(SubmitError::Cohort { .. }),
            ..
        }
    )
}

/// `demo` with how its run ended.
fn judged(demo: DemoReport, ran: &RunReport, closed: Result<(), String>) -> DemoReport {
    let error = ran.error.as_ref().map(|error| error.message.clone());
    let error = error.or(closed.err());
    DemoReport {
        verdict: if error.is_none() {
            Tried::Pass
        } else {
            Tried::Fail
        },
        max_diff: ran.max_diff.filter(|diff| diff.is_finite()),
        result_digest: error.is_none().then_some(ran.result_digest),
        message: error.unwrap_or_default(),
        ..demo
    }
}

/// The verdict over all that was tried.
fn sum_up(report: &BoardReport) -> Result<(), Refusal> {
    let failed = |verdict: &Tried| *verdict == Tried::Fail;
    let checks = report.checks.iter().map(|check| check.verdict);
    let checks = checks.filter(failed).count() as u64;
    let demos = report.demos.iter().map(|demo| demo.verdict);
    let demos = demos.filter(failed).count() as u64;
    if checks + demos == 0 {
        return Ok(());
    }
    let message = format!(
        "{} and {} failed",
        counted(checks, "check"),
        counted(demos, "demo")
    );
    let hint = "begin with the first that failed: later ones build on it";
    let error = ErrorReport::new(Code::DEVICE, message, hint);
    Err((Verdict::Fault, error))
}

#[cfg(test)]
mod tests;

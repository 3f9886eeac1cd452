//! `finbox run --device`: a scenario on a machine. Called by `app::run`.

use std::ffi::OsStr;
use std::process::ExitCode;
use std::time::Instant;

use finbox_runtime::Machine;
use finbox_runtime::plugin::{DeviceLibrary, OpenOptions, PluginMachine};
use finbox_scheduler::Outcome as TaskEnd;

use super::guard::{Guard, Watched, blocked};
use super::library::{self, Refusal, enough};
use crate::app::load::{Loaded, workload};
use crate::app::verdict::{counted, refused, report};
use crate::app::{named, settings, target, words};
use crate::cli::{RunOptions, TargetName, output};
use crate::memory::LastWords;
use crate::report::progress::Progress;
use crate::report::{Code, DeviceReport, ErrorReport, Invalid, RunReport, TaskCounts, Verdict};
use crate::signal;
use crate::world::{Abandoned, Board, RunError, Settings, run_on};

/// Runs what `options` say on the device that they name, and prints the report.
pub(in crate::app) fn run(options: &RunOptions, name: &OsStr) -> ExitCode {
    match prepared(options, name) {
        Ok(prepared) => {
            let report = prepared.run();
            if let Some(error) = &report.error {
                output::say(&error.to_text());
            }
            output::finish(&report, options.json)
        }
        Err(refusal) => output::refuse(&on_device(*refusal, options, None), options.json),
    }
}

/// A workload and the machine that it is to run on.
struct Prepared {
    /// What was asked for, with the machine's target.
    options: RunOptions,
    loaded: Loaded,
    /// Before the library: it is given up first.
    machine: PluginMachine,
    library: DeviceLibrary,
    _guard: Guard,
}

/// Loads what is to run and the library, and opens a machine.
fn prepared(options: &RunOptions, name: &OsStr) -> Result<Prepared, Box<RunReport>> {
    let what = Verdict::Invalid(Invalid::InputFile);
    words(what, "loading", options).prepare();
    let mut loaded = workload(options)?;
    let library = library::load(name).map_err(as_report)?;
    let device = library::named(library.describe());
    let of_blocked = (options.clone(), device);
    let tell = move |error| {
        let (options, device) = &of_blocked;
        let report = RunReport {
            error: Some(error),
            ..RunReport::neutral(Verdict::Stuck)
        };
        tell(&on_device(report, options, Some(device)), options.json);
    };
    let guard = Guard::over(&library, tell)
        .map_err(|error| Box::new(refused(&RunError::Thread(error.kind()))))?;
    let machine = library::open_for(&library, &wanted(options, &loaded), &loaded.workload)
        .map_err(as_report)?;
    let found = name_of(machine.facts().target.name);
    let mut options = options.clone();
    if found != options.target {
        // Nobody asked for a target, and this is not the one that simulators usually have.
        options.target = found;
        loaded = reloaded(&options, loaded.workload.ranks.len())?;
    }
    Ok(Prepared {
        options,
        loaded,
        machine,
        library,
        _guard: guard,
    })
}

/// What is to run, as it is on the machine's target; the machine has `ranks` ranks.
fn reloaded(options: &RunOptions, ranks: usize) -> Result<Loaded, Box<RunReport>> {
    let loaded = workload(options)?;
    if loaded.workload.ranks.len() == ranks {
        return Ok(loaded);
    }
    let target = options.target;
    let message = format!("the workload has other ranks on {target} than elsewhere");
    let error = ErrorReport::new(Code::USAGE, message, format!("say --target {target}"));
    Err(Box::new(RunReport::refused(Invalid::Usage, error)))
}

/// The machine that a run needs.
fn wanted(options: &RunOptions, loaded: &Loaded) -> OpenOptions {
    let board = &options.board;
    let limited = loaded.limits.as_ref().map(|limits| limits.cores);
    OpenOptions {
        target: (!board.any_target).then(|| target(options.target)),
        cores: options.cores.or(limited).unwrap_or(0),
        options: board.options.clone(),
        ..enough(&loaded.workload)
    }
}

fn name_of(found: &str) -> TargetName {
    let all = [TargetName::A2a3, TargetName::A5];
    let named = all.into_iter().find(|name| name.as_str() == found);
    named.expect("a machine has a target of this build")
}

fn as_report((verdict, error): Refusal) -> Box<RunReport> {
    Box::new(RunReport {
        error: Some(error),
        ..RunReport::neutral(verdict)
    })
}

/// The report with what the command line and the device alone decide.
fn on_device(report: RunReport, options: &RunOptions, device: Option<&DeviceReport>) -> RunReport {
    RunReport {
        mode: "device".to_owned(),
        device: device.cloned(),
        ..named(report, options)
    }
}

/// Says everything at once, before the process ends.
fn tell(report: &RunReport, json: bool) {
    if let Some(error) = &report.error {
        output::say(&error.to_text());
    }
    // The process ends with the report's exit code in any case.
    let _ = output::finish(report, json);
}

impl Prepared {
    fn run(self) -> RunReport {
        let Self {
            options,
            loaded,
            machine,
            library,
            _guard,
        } = self;
        let facts = machine.facts();
        let settings = Settings {
            stop: signal::stop_flag(),
            target: facts.target,
            cores: facts.cores,
            ..settings(&options, loaded.limits.as_ref(), loaded.costs.model)
        };
        let Loaded {
            workload, import, ..
        } = loaded;
        let device = library::named(library.describe());
        let complete = |report| RunReport {
            ranks: u16::try_from(workload.ranks.len()).unwrap_or(u16::MAX),
            import,
            ..on_device(report, &options, Some(&device))
        };
        let lost = |run: &Abandoned| {
            let report = complete(abandoned(run, &settings));
            tell(&report, options.json);
        };
        let board = Board {
            machine: &machine,
            calls: &Watched::new(&library, &lost),
        };
        let (began, mut line) = (Instant::now(), Progress::on_stderr(options.quiet));
        let mut running = Some(words(Verdict::Fault, "running", &options));
        let ended = run_on(&workload, &settings, &board, &mut |done, all| {
            running.take().into_iter().for_each(LastWords::prepare);
            line.update(done, all, "tasks");
        });
        line.clear();
        let wall_ns = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let mut report = complete(match ended {
            Ok(outcome) => report(&workload, &settings, outcome, wall_ns),
            Err(error) => refused(&error),
        });
        if let (Err((verdict, error)), None) = (library::close(machine), &report.error) {
            (report.verdict, report.error) = (verdict, Some(error));
        }
        report
    }
}

/// What is reported of a run of which a thread is lost in a call.
fn abandoned(run: &Abandoned, settings: &Settings) -> RunReport {
    let ends = || run.ends.iter().flatten().flatten();
    let count = |end: TaskEnd| ends().filter(|&&one| one == end).count() as u64;
    let live = run.submitted.saturating_sub(ends().count() as u64);
    let unfinished = counted(live, "task");
    RunReport {
        tasks: TaskCounts {
            submitted: run.submitted,
            completed: count(TaskEnd::Completed),
            failed: count(TaskEnd::Failed),
            cancelled: count(TaskEnd::Cancelled),
            live,
            ..TaskCounts::default()
        },
        stall: Some(run.stall.clone()),
        error: Some(blocked(format!("{}; {unfinished} unfinished", run.call))),
        handlers: settings.handlers,
        cores: settings.cores,
        ..RunReport::neutral(Verdict::Stuck)
    }
}

#[cfg(test)]
mod tests;

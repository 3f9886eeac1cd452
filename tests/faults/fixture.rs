//! Runs with faults, judged as `finbox check` judges them.

use finbox_sim::check::{self, Ended};
use finbox_sim::cli::{Command, RunOptions, parse};
use finbox_sim::fault::{FaultKind, Faults};
use finbox_sim::world::Outcome;
use finbox_sim::{app, cli};

/// The options of a command line.
pub(crate) fn options(line: &str) -> RunOptions {
    let words = ["finbox", "run"].into_iter().chain(line.split_whitespace());
    match parse(words, &app::target_facts()) {
        Ok(Command::Run(options)) => *options,
        other => panic!("{line}: {other:?}"),
    }
}

/// Random workloads on one clock, with so much going wrong.
pub(crate) fn random(mode: cli::Mode, seed: u64, faults: Faults) -> RunOptions {
    let target = match seed % 2 {
        0 => cli::TargetName::A2a3,
        _ => cli::TargetName::A5,
    };
    RunOptions {
        mode,
        seed,
        target,
        faults,
        ..options("random")
    }
}

/// Runs and judges; whatever is wrong fails the test with the command that shows it again.
pub(crate) fn judged(run: &RunOptions) -> (Outcome, Ended) {
    check::one(run).unwrap_or_else(|what| panic!("{what}\nreplay: {}", check::replay(run)))
}

/// The kinds that may only delay.
pub(crate) fn harmless() -> Faults {
    let all = Faults::all();
    let harmless = all.kinds().filter(|kind| kind.info().is_harmless());
    harmless.fold(Faults::NONE, |faults, kind: FaultKind| {
        faults.with(kind, kind.info().usually)
    })
}

//! `finbox check`: one workload, or a random one each, under many seeds, schedules and faults.
//!
//! Each seed turns some of the wanted faults on (a swarm), runs, and is judged twice. *Safety*: no
//! oracle was broken, the ledger adds up, what completed has the right bytes, and whatever failed
//! is explained by a fault that struck. *Liveness*: the run ended; where only faults struck that
//! delay, everything completed. The oracles stand outside the scheduler.
//!
//! | file | concept |
//! | --- | --- |
//! | `judge` | what may follow from the faults that struck |
//! | `tally` | sums over all seeds |
//! | `report` | the tally as text and as JSON |

mod judge;
mod report;
mod tally;

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

pub use self::judge::{Ended, judge};
pub use self::tally::{Failure, Tally};

use crate::app;
use crate::cli::{
    CheckOptions, Completion, Mode, Persistent, Plan, RunOptions, TargetName, output,
};
use crate::demo::Omitted;
use crate::fault::{FaultKind, Faults};
use crate::memory;
use crate::report::Verdict;
use crate::report::progress::Progress;
use crate::signal;
use crate::world::{self, Submit};

/// Failures after which a check gives up.
const MOST_FAILURES: usize = 10;

/// One seed in so many runs twice, and must do the same both times: its own number says which,
/// so that a replay does too.
const TWICE: u64 = 64;

/// Seeds that run at once on real threads, where they mostly wait for budgets to pass.
const AT_ONCE: usize = 16;

/// Patience on real threads: more than twice the longest budget there, in which nothing moves.
const PARALLEL_PATIENCE_NS: u64 = 5_000_000_000;

/// Checks what `options` say and prints what came of it; exit code 1 if any seed failed. A signal
/// ends it behind the seeds that are running.
pub fn run(options: &CheckOptions) -> ExitCode {
    app::words(Verdict::Fault, "checking", &options.run).prepare();
    let stop = signal::stop_flag();
    // The first seed of each target: what cannot be run is no seed that went wrong.
    let mut firsts = (0..options.seeds.min(2)).map(|nth| of_seed(options, nth));
    let link = options
        .run
        .faults
        .slow_link()
        .or(options.faults.slow_link());
    if let Some(report) = firsts.find_map(|run| app::refusal(&run, link)) {
        return output::refuse(&report, options.run.json);
    }
    let began = Instant::now();
    let limit = options.for_seconds.map(Duration::from_secs);
    let end = limit.and_then(|limit| began.checked_add(limit));
    let mut line = Progress::on_stderr(options.run.quiet).ending_at(end);
    let mut tally = Tally::default();
    sweep(options, |judged| {
        match judged.ended {
            Ok((outcome, ended)) => {
                let ranks = outcome.ends.len();
                let faults = there(judged.run.faults, ranks);
                tally.without_link += u64::from(faults != judged.run.faults);
                tally.count(&faults, &outcome, ended);
            }
            Err(what) => tally.fail(&judged.run, what),
        }
        line.update(tally.seeds, options.seeds, "seeds");
        let is_over = limit.is_some_and(|limit| began.elapsed() >= limit);
        tally.interrupted = stop.is_some_and(|stop| stop.load(Ordering::Relaxed));
        !is_over && !tally.interrupted && tally.failures.len() < MOST_FAILURES
    });
    tally.failures.sort_unstable_by_key(|failure| failure.seed);
    line.clear();
    for failure in &tally.failures {
        output::say(&failure.to_text());
    }
    if tally.interrupted {
        let seeds = tally.seeds;
        output::say(&format!(
            "error: a signal ended the check, {seeds} seeds were right\n"
        ));
    }
    let text = if options.run.json {
        report::to_json(options, &tally, began.elapsed())
    } else {
        report::to_text(options, &tally, began.elapsed())
    };
    output::print_with(&text, tally.verdict().exit_code())
}

/// A seed that ran.
struct Judged {
    run: RunOptions,
    ended: Result<(world::Outcome, Ended), String>,
}

/// Runs every seed and lends each to `take`, which says whether to go on. On real threads some run
/// at once, and those that run when it says no are lent all the same.
fn sweep(options: &CheckOptions, mut take: impl FnMut(Judged) -> bool) {
    if options.run.mode == Mode::Lockstep {
        let mut all = (0..options.seeds).map(|nth| judged(options, nth));
        while all.next().is_some_and(&mut take) {}
        return;
    }
    memory::expect_room(AT_ONCE);
    let (next, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let (done, all) = sync_channel(AT_ONCE);
        for _ in 0..AT_ONCE {
            let (done, next, is_over) = (done.clone(), &next, &is_over);
            scope.spawn(move || work(options, &done, (next, is_over)));
        }
        drop(done);
        for one in all {
            if !take(one) {
                is_over.store(true, Ordering::Relaxed);
            }
        }
    });
}

/// Runs seeds, each the next that nobody has taken, until there is none or all is over.
fn work(
    options: &CheckOptions,
    done: &SyncSender<Judged>,
    (next, is_over): (&AtomicU64, &AtomicBool),
) {
    loop {
        let nth = next.fetch_add(1, Ordering::Relaxed);
        let is_last = nth >= options.seeds || is_over.load(Ordering::Relaxed);
        if is_last || done.send(judged(options, nth)).is_err() {
            return;
        }
    }
}

fn judged(options: &CheckOptions, nth: u64) -> Judged {
    let run = of_seed(options, nth);
    let ended = one(&run);
    Judged { run, ended }
}

/// The run of the `nth` seed: its target, and the faults it turns on.
pub fn of_seed(options: &CheckOptions, nth: u64) -> RunOptions {
    let seed = options.run.seed.wrapping_add(nth);
    let target = match (options.one_target, seed % 2) {
        (true, _) => options.run.target,
        (false, 0) => TargetName::A2a3,
        (false, _) => TargetName::A5,
    };
    let faults = match options.run.faults.is_none() {
        true => options.faults.some(seed),
        false => options.run.faults,
    };
    let persistent = match options.run.persistent {
        None | Some(Persistent::Auto) if options.run.what.has_items() => {
            Some(Persistent::in_turn(seed))
        }
        asked => asked,
    };
    RunOptions {
        seed,
        target,
        faults,
        persistent,
        ..options.run.clone()
    }
}

/// Runs one seed and judges it.
///
/// # Errors
/// What is wrong, in one sentence.
pub fn one(run: &RunOptions) -> Result<(world::Outcome, Ended), String> {
    let (workload, mut settings) = app::prepare(run)?;
    settings.faults = there(settings.faults, workload.ranks.len());
    if run.mode == Mode::Parallel {
        settings.patience_ns = PARALLEL_PATIENCE_NS;
    }
    let again = || world::run(&workload, &settings, &mut |_, _| {});
    let outcome = again().map_err(|error| error.to_string())?;
    let ended = judge(&workload, &settings.faults, &outcome)?;
    if run.seed % TWICE == TWICE - 1 && run.mode == Mode::Lockstep {
        let second = again().map_err(|error| error.to_string())?;
        if (second.digest, second.result_digest) != (outcome.digest, outcome.result_digest) {
            return Err("the same seed did something else the second time".to_owned());
        }
    }
    Ok((outcome, ended))
}

/// What of `faults` a run of so many ranks can have: random workloads are of many sizes, and a link
/// that one of them lacks is not slow there. The report counts these seeds.
fn there(faults: Faults, ranks: usize) -> Faults {
    match faults.slow_link() {
        Some((from, to)) if usize::from(from.max(to)) >= ranks => {
            faults.without(FaultKind::LinkSlow)
        }
        _ => faults,
    }
}

/// The command that runs one seed again, for a shell.
pub fn replay(run: &RunOptions) -> String {
    let mut command = format!(
        "finbox check {} --seeds 1 --seed {} --target {} --mode {}",
        quoted(&run.what.label()),
        run.seed,
        run.target,
        run.mode
    );
    if run.shadow {
        command.push_str(" --shadow");
    }
    if run.completion != Completion::Mailbox {
        command.push_str(&format!(" --completion {}", run.completion));
    }
    if let Some(how) = run.persistent {
        command.push_str(&format!(" --persistent {how}"));
    }
    if run.submit != Submit::Direct {
        command.push_str(&format!(" --submit {}", run.submit));
    }
    if let Some(deps) = run.deps {
        command.push_str(&format!(" --deps {deps}"));
    }
    if let Some(how) = run.collectives {
        command.push_str(&format!(" --collectives {}", how.as_str()));
    }
    if run.plan.plan == Plan::Permissive {
        command.push_str(" --plan permissive");
    }
    let named = |omitted: &Omitted| quoted(&format!("{}:{}", omitted.task, omitted.buffer));
    if let Some(omitted) = run.plan.omit_use.as_ref().map(named) {
        command.push_str(&format!(" --omit-use {omitted}"));
    }
    if let Some(path) = &run.cost_model {
        let path = quoted(&path.display().to_string());
        command.push_str(&format!(" --cost-model {path}"));
    }
    if let Some(ns) = run.time_scale {
        let (whole, part) = (ns / 1_000_000_000, ns % 1_000_000_000);
        command.push_str(&format!(" --time-scale {whole}.{part:09}"));
    }
    command.push_str(&numbers(run));
    if run.faults != Faults::NONE {
        command.push_str(&format!(" --fault {}", run.faults));
    }
    command
}

/// The options that are a number, as they were given.
fn numbers(run: &RunOptions) -> String {
    let options = [
        ("ranks", run.ranks.map(u64::from)),
        ("tasks", run.tasks.map(u64::from)),
        ("width", run.bench.width.map(u64::from)),
        ("steps", run.bench.steps.map(u64::from)),
        ("task-ns", run.bench.task_ns),
        ("threads", run.handlers.map(u64::from)),
        ("cores", run.cores.map(u64::from)),
        ("mailbox-slots", run.mailbox_slots.map(u64::from)),
        ("command-slots", run.command_slots.map(u64::from)),
        ("deadline-ms", run.deadline_ms),
        ("task-budget-ms", run.task_budget_ms),
        ("wait-budget-ms", run.wait_budget_ms),
    ];
    let given = |(name, value): (&str, Option<u64>)| Some(format!(" --{name} {}", value?));
    options.into_iter().filter_map(given).collect()
}

/// One word for a shell.
fn quoted(text: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "_-./".contains(letter);
    if text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::{of_seed, quoted, replay};
    use crate::app;
    use crate::cli::{CheckOptions, Command, parse};

    fn options(line: &str) -> CheckOptions {
        of(line.split_whitespace())
    }

    fn of<A: Into<OsString> + Clone>(words: impl IntoIterator<Item = A>) -> CheckOptions {
        match parse(words, &app::target_facts()) {
            Ok(Command::Check(options)) => *options,
            other => panic!("{other:?}"),
        }
    }

    /// The words that a shell makes of a command.
    fn shell(command: &str) -> Vec<String> {
        let (mut words, mut is_quoted, mut is_taken) = (vec![String::new()], false, false);
        for letter in command.chars() {
            let word = words.last_mut().expect("there is one");
            match letter {
                '\'' if !is_taken => is_quoted = !is_quoted,
                '\\' if !is_quoted && !is_taken => is_taken = true,
                ' ' if !is_quoted => words.push(String::new()),
                _ => {
                    word.push(letter);
                    is_taken = false;
                }
            }
        }
        words
    }

    #[test]
    fn the_command_of_a_seed_has_all_that_its_run_had() {
        for more in [
            "",
            "--fault notify-lost:3 --completion locked",
            "--faults all --task-budget-ms 3 --wait-budget-ms 4 --deadline-ms 5",
            "--faults all --submit ring-threaded --command-slots 4 --completion locked",
            "--faults all --ranks 2 --threads 4 --cores 6 --mailbox-slots 8 --mode parallel",
            "--shadow",
        ] {
            let all = options(&format!("finbox check random --seed 7 {more}"));
            for nth in 0..20 {
                let run = of_seed(&all, nth);
                let again = of_seed(&options(&replay(&run)), 0);
                assert_eq!(again, run, "{more}");
            }
        }
    }

    /// What the options of a check are given in, and an argument of each that is not its default;
    /// None: it is no part of a seed.
    const GIVEN: [(&str, &str, Option<&str>); 34] = [
        ("target", "random", Some("a2a3")),
        ("ranks", "random", Some("3")),
        ("tasks", "grid", Some("7")),
        ("width", "task_bench_stencil", Some("5")),
        ("steps", "task_bench_stencil", Some("6")),
        ("task-ns", "task_bench_stencil", Some("0")),
        ("plan", "streams", Some("permissive")),
        ("omit-use", "streams", Some("join:it's")),
        ("mode", "random", Some("parallel")),
        ("seed", "random", Some("9")),
        ("threads", "random", Some("1")),
        ("cores", "random", Some("6")),
        ("mailbox-slots", "random", Some("8")),
        ("deadline-ms", "random", Some("5")),
        ("task-budget-ms", "random", Some("3")),
        ("wait-budget-ms", "random", Some("4")),
        ("completion", "random", Some("locked")),
        ("persistent", "persistent_scan", Some("disable")),
        ("submit", "random", Some("ring")),
        ("command-slots", "random", Some("16")),
        ("fault", "random", Some("notify-lost:3,core-slow")),
        ("faults", "random", Some("all")),
        ("cost-model", "random", Some("./a cost's.json")),
        ("time-scale", "./a.json", Some("0.012345678")),
        ("deps", "./x.et", Some("both")),
        ("collectives", "./x.et", Some("model")),
        ("shadow", "random", Some("")),
        ("seeds", "", None),
        ("for", "", None),
        ("explain", "", None),
        ("report", "", None),
        ("json", "", None),
        ("quiet", "", None),
        ("help", "", None),
    ];

    #[test]
    fn the_command_of_a_seed_has_every_option_of_a_check() {
        let help = match parse(["finbox", "check", "--help"], &app::target_facts()) {
            Ok(Command::Help(text)) => text,
            other => panic!("{other:?}"),
        };
        let options = help.lines().filter_map(|line| {
            let (_, option) = line.split_once("--").filter(|(left, _)| left.len() < 8)?;
            option.split(&[' ', '=', '.'][..]).next()
        });
        let options: Vec<&str> = options.collect();
        assert!(options.len() > 30, "{options:?}");
        for option in options {
            let row = GIVEN.iter().find(|(name, ..)| *name == option);
            let &(_, what, argument) = row.unwrap_or_else(|| panic!("--{option} is not here"));
            let Some(argument) = argument else { continue };
            let name = format!("--{option}");
            let mut words = vec!["finbox", "check", what, &name];
            words.extend((!argument.is_empty()).then_some(argument));
            let plain = of_seed(&of(["finbox", "check", what]), 1);
            let run = of_seed(&of(words), 1);
            assert_ne!(run, plain, "{option}: it was left at its default");
            let again = of_seed(&of(shell(&replay(&run))), 0);
            assert_eq!(again, run, "{option}: {}", replay(&run));
        }
    }

    #[test]
    fn a_path_is_one_word_of_the_command() {
        assert_eq!(quoted("./a_b-c.0.et"), "./a_b-c.0.et");
        assert_eq!(quoted("./it's here"), r"'./it'\''s here'");
    }
}

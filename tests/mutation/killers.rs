//! The tests that kill: what each of them reaches, and whether one fails with a mutant.

use std::collections::HashSet;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Beginnings of tests that kill nothing here: their threads meet differently every time, so that
/// what only they notice they do not always notice; or they are long, and notice nothing else.
const LEFT_OUT: &[&str] = &[
    "threads::",
    "threads_crowd::",
    "races::",
    "crowd::five_thousand_",
    "batch::no_message_of_another_producer_",
    "capacity::racing_producers_",
    "guard::a_sleeping_consumer_",
    "guard::holders_are_alone_",
    "order::each_producer_is_heard_",
    "region::threads_through_shared_memory_",
    "work::w1_no_item_is_lost_",
    "work::w2_no_item_is_finished_for_another_by_late_calls_",
    "work::w5_in_flight_",
    "command::tests::drains::c2_a_producer_that_never_pauses_",
    "command::tests::drains::c6_what_many_submitters_send_",
    "command::tests::fences::c5_a_thread_tells_",
    "command::tests::fences::c5_behind_each_of_100_000_answers_of_a_thread_",
    "command::tests::served::",
    "crew::",
    "hazards::l9_threads_",
    "plugin::",
    "wait::",
];

/// Address space of a test, in KiB: what a mutant may fill.
const MEMORY_KIB: u32 = 4 << 20;

/// One test of one binary.
#[derive(Debug)]
pub(crate) struct Test {
    pub(crate) binary: PathBuf,
    pub(crate) name: String,
    pub(crate) took: Duration,
    /// Mutants whose place it comes by.
    pub(crate) reached: HashSet<usize>,
}

impl Test {
    /// Whether it tests mailbox or scheduler.
    pub(crate) fn is_of_core(&self) -> bool {
        let around = ["/finbox_runtime-", "/plans-", "/persistent-"];
        let binary = self.binary.to_string_lossy();
        !around.iter().any(|name| binary.contains(name))
    }
}

/// How a run of tests ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Passed,
    Failed,
    /// It took several times as long as ever.
    TimedOut,
}

/// Runs every test of `binaries` alone, without a mutant.
///
/// # Panics
/// If one fails.
pub(crate) fn survey(binaries: &[PathBuf], work: &Path) -> Vec<Test> {
    let mut tests = Vec::new();
    for binary in binaries {
        let list = Command::new(binary)
            .args(["--list", "--format", "terse"])
            .output();
        let list = list.expect("a test binary that was built");
        let list = String::from_utf8(list.stdout).expect("names in ASCII");
        let names = list.lines().filter_map(|line| line.strip_suffix(": test"));
        for name in names.filter(|name| !LEFT_OUT.iter().any(|left| name.starts_with(left))) {
            tests.push(survey_one(binary, name, work));
        }
    }
    tests
}

fn survey_one(binary: &Path, name: &str, work: &Path) -> Test {
    let reached = work.join("reached");
    let _ = fs::remove_file(&reached);
    let before = Instant::now();
    let live = [
        ("FINBOX_MUTANT", "reached"),
        ("FINBOX_REACHED", &reached.to_string_lossy()),
    ];
    let end = run(binary, &[name], &live, Duration::from_secs(60));
    assert_eq!(end, End::Passed, "{name} fails without a mutant");
    let took = before.elapsed();
    let bytes = fs::read(&reached).unwrap_or_default();
    let (numbers, _) = bytes.as_chunks::<4>();
    Test {
        binary: binary.into(),
        name: name.into(),
        took,
        reached: numbers
            .iter()
            .map(|&four| u32::from_le_bytes(four) as usize)
            .collect(),
    }
}

/// Runs `tests`, which are of one binary, with mutant `number` live.
pub(crate) fn try_on(tests: &[&Test], number: usize) -> End {
    let names: Vec<&str> = tests.iter().map(|test| test.name.as_str()).collect();
    let took: Duration = tests.iter().map(|test| test.took).sum();
    let limit = took * 5 + Duration::from_secs(2);
    let live = [("FINBOX_MUTANT", number.to_string())];
    let live = live.each_ref().map(|(name, value)| (*name, value.as_str()));
    run(&tests[0].binary, &names, &live, limit)
}

fn run(binary: &Path, names: &[&str], live: &[(&str, &str)], limit: Duration) -> End {
    let script = format!("ulimit -v {MEMORY_KIB}; exec timeout -s KILL \"$@\"");
    let status = Command::new("sh")
        .args(["-c", &script, "sh", &limit.as_secs_f64().to_string()])
        .arg(binary)
        .args(["--quiet", "--test-threads", "1", "--exact"])
        .args(names)
        .envs(live.iter().copied())
        .env("RUST_BACKTRACE", "0")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("a shell that starts");
    const KILL: i32 = 9;
    match (status.success(), status.signal()) {
        (true, _) => End::Passed,
        (false, Some(KILL)) => End::TimedOut,
        (false, _) => End::Failed,
    }
}

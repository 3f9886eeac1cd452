//! SIGINT and SIGTERM, sent to real processes: the first ends the run with its report, the second
//! ends the process.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};

use crate::{Ended, command};

/// A run that is at work: it has said so on stderr.
struct AtWork {
    child: Child,
    stderr: JoinHandle<String>,
}

/// Starts a run and waits until it tells of its first task on stderr.
fn at_work(args: &[&str]) -> AtWork {
    started(args, "Submitted")
}

/// Starts `finbox` and waits until it says `what` on stderr.
fn started(args: &[&str], what: &str) -> AtWork {
    let mut child = command(args)
        .env("RUST_LOG", "finbox=trace")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the executable starts");
    let mut stderr = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut first = String::new();
    while !first.contains(what) {
        first.clear();
        let count = stderr.read_line(&mut first).unwrap();
        assert!(count > 0, "{args:?} never says {what}");
    }
    // The log is read on, so that the run never waits for a full pipe.
    let stderr = thread::spawn(move || {
        let mut last = String::new();
        for line in stderr.lines().map_while(Result::ok) {
            if line.starts_with("error: ") || line.contains("panicked") {
                last += &line;
            }
        }
        last
    });
    AtWork { child, stderr }
}

impl AtWork {
    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status();
        assert!(sent.expect("kill is everywhere").success());
    }

    fn end(mut self) -> Ended {
        let mut stdout = String::new();
        let mut pipe = self.child.stdout.take().expect("a pipe");
        pipe.read_to_string(&mut stdout).unwrap();
        Ended {
            code: self.child.wait().unwrap().code(),
            stdout,
            stderr: self.stderr.join().unwrap(),
        }
    }
}

/// Interrupts a run that would take minutes; its report must add up.
fn interrupted(mode: &str, signal: &str) {
    let args = [
        "run", "grid", "--tasks", "1000000", "--json", "--mode", mode,
    ];
    let run = at_work(&args);
    run.signal(signal);
    let ended = run.end();
    assert_eq!(ended.code, Some(130), "{mode}: {}", ended.stderr);
    let document = ended.document();
    assert_eq!(document["verdict"], "interrupted", "{mode}");
    assert_eq!(document["error"]["code"], 195);
    let tasks = |field: &str| document["tasks"][field].as_u64().unwrap();
    assert!(tasks("submitted") > 0, "{mode}: it was at work");
    assert!(tasks("completed") < 1_000_000, "{mode}: it was cut short");
    assert_eq!(tasks("submitted"), tasks("completed") + tasks("live"));
    let mailbox = |field: &str| document["mailbox"][field].as_u64().unwrap();
    assert_eq!(
        mailbox("accepted"),
        mailbox("delivered") + mailbox("undelivered")
    );
    assert!(
        ended.stderr.contains("a signal ended the run"),
        "{}",
        ended.stderr
    );
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
}

#[test]
fn f46_sigint_and_sigterm_end_a_lockstep_run_with_its_ledger_and_130() {
    interrupted("lockstep", "-INT");
    interrupted("lockstep", "-TERM");
}

#[test]
fn f46_sigint_and_sigterm_end_a_parallel_run_with_its_ledger_and_130() {
    interrupted("parallel", "-INT");
    interrupted("parallel", "-TERM");
}

#[test]
fn f46_a_second_signal_ends_the_process_at_once() {
    // 9000 tasks with 64 conditions find no room for all, so none ends: the grace is used up.
    let run = at_work(&["run", "crowd", "--tasks", "9000", "--mode", "parallel"]);
    run.signal("-INT");
    run.signal("-TERM");
    let ended = run.end();
    assert_eq!(
        (ended.code, &*ended.stdout),
        (Some(130), ""),
        "{}",
        ended.stderr
    );
}

#[test]
fn f46_a_signal_while_the_workload_is_made_ends_the_run_as_well() {
    for signal in ["-INT", "-TERM"] {
        let args = ["run", "grid", "--tasks", "1000000", "--json"];
        let run = started(&args, "loading");
        run.signal(signal);
        let ended = run.end();
        assert_eq!(ended.code, Some(130), "{signal}: {}", ended.stderr);
        assert_eq!(ended.document()["verdict"], "interrupted", "{signal}");
    }
}

#[test]
fn f46_a_signal_ends_a_check_with_what_it_found_and_130() {
    for mode in ["lockstep", "parallel"] {
        let args = ["check", "random", "--seeds", "1000000", "--faults", "all"];
        let run = at_work(&[&args[..], &["--json", "--mode", mode]].concat());
        run.signal("-INT");
        let ended = run.end();
        assert_eq!(ended.code, Some(130), "{mode}: {}", ended.stderr);
        let document = ended.document();
        assert_eq!(document["verdict"], "interrupted", "{mode}");
        let seeds = document["seeds"].as_u64().unwrap();
        assert!((1..1_000_000).contains(&seeds), "{mode}: {seeds}");
    }
}

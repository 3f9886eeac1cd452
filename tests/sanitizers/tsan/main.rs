//! ThreadSanitizer drivers, without a test harness: threads, joins, `Arc` and finbox's atomics.
//!
//! usage: tsan               every driver, which must end without a report
//!        tsan DRIVER        that one; `race` races on purpose and must be reported
//!        tsan hunt          every weakened edge, each in a process of its own
//!
//! Built by tests/sanitizers/run.sh, which says how to run it alone. In an ordinary build the
//! drivers run as well, and show nothing but that they end.

mod fin_path;
mod mailbox;
mod plain;
mod words;
mod work;

use std::env;
use std::process::{Command, exit};
use std::time::Instant;

use finbox_tests::mutants::{TABLES, UNSEEN_BY_TSAN, VARIABLE, Verdict, check_name, hunt, mutants};

use self::plain::{Plain, both};

/// Exit status of a process in which ThreadSanitizer reported something.
const REPORTED: i32 = 66;

/// A name, how often it runs, and what runs.
type Driver = (&'static str, u32, fn());

const DRIVERS: &[Driver] = &[
    ("publish", 50, mailbox::publish),
    ("reuse", 50, mailbox::reuse),
    ("claim_order", 50, mailbox::claim_order),
    ("condemned", 50, mailbox::condemned),
    ("condemn_after_claim", 50, mailbox::condemn_after_claim),
    ("claim_line", 50, mailbox::claim_line),
    ("attach", 50, mailbox::attach),
    ("deserted", 50, mailbox::deserted),
    ("seat", 50, mailbox::seat),
    ("try_lock", 100, mailbox::try_lock),
    ("ring", 50, mailbox::ring),
    ("park", 50, mailbox::park),
    ("install", 50, words::install),
    ("free_record", 50, words::free_record),
    ("retire", 100, words::retire),
    ("retire_late", 50, words::retire_late),
    ("finish", 50, words::finish),
    ("conclude", 50, words::conclude),
    ("open_slot", 50, words::open_slot),
    ("release", 50, words::release),
    ("orphans", 50, words::orphans),
    ("edge_push", 50, words::edge_push),
    ("edge_close", 50, words::edge_close),
    ("ready", 50, words::ready),
    ("opening", 50, fin_path::opening),
    ("place", 50, fin_path::place),
    ("fan_in", 50, fin_path::fan_in),
    ("work_publish", 50, work::publish),
    ("work_reuse", 50, work::reuse),
    ("work_claim_order", 50, work::claim_order),
    ("work_done", 50, work::done),
    ("work_held_next", 50, work::held_next),
    ("work_recover", 50, work::recover),
    ("work_two_by_two", 10, work::two_by_two),
    ("two_producers", 20, mailbox::two_producers),
    ("graph", 5, fin_path::graph),
];

/// A race on purpose: a sanitizer that does not report it is blind.
fn race() {
    let shared = std::sync::Arc::new(Plain::<u64>::default());
    let other = std::sync::Arc::clone(&shared);
    both(move || other.set(1), || shared.set(2));
}

fn drive(drivers: &[Driver]) {
    for &(name, rounds, driver) in drivers {
        eprintln!("driver {name}");
        let began = Instant::now();
        (0..rounds).for_each(|_| driver());
        println!(
            "{name}: {rounds} rounds, {:.2} s",
            began.elapsed().as_secs_f64()
        );
    }
}

/// How often a mutant is tried that must be caught. Only the edges of the tail's copy need more
/// than one: their window is a few instructions wide, and two threads must run at once to meet in
/// it.
const TRIES: u32 = 8;

/// Runs every driver in a process of its own, under `mutant`, until one reports.
fn run(mutant: &str) -> Verdict {
    let is_weakened = mutants_of_all().any(|weakened| weakened == mutant);
    let is_unseen = UNSEEN_BY_TSAN.iter().any(|known| known.mutant == mutant);
    let tries = if is_weakened && !is_unseen { TRIES } else { 1 };
    let mut verdicts = (0..tries).map(|_| run_once(mutant));
    let killed = verdicts.find(|verdict| *verdict != Verdict::Survived);
    killed.unwrap_or(Verdict::Survived)
}

fn run_once(mutant: &str) -> Verdict {
    let output = Command::new(env::current_exe().expect("a running program has a path"))
        .arg("mutant")
        .env(VARIABLE, mutant)
        .env(
            "TSAN_OPTIONS",
            format!("halt_on_error=1 exitcode={REPORTED}"),
        )
        .output()
        .expect("a program can be started again");
    let text = String::from_utf8_lossy(&output.stderr);
    let mut last = text.lines().filter_map(|line| line.strip_prefix("driver "));
    match output.status.code() {
        Some(0) => Verdict::Survived,
        Some(REPORTED) => Verdict::Killed(last.next_back().unwrap_or("?").into()),
        code => panic!("{mutant}: ended with {code:?}\n{text}"),
    }
}

fn mutants_of_all() -> impl Iterator<Item = String> {
    TABLES.iter().flat_map(|table| mutants(table))
}

fn hunt_all() {
    for table in TABLES {
        hunt(table, UNSEEN_BY_TSAN, 2, run);
    }
}

fn main() {
    let mutant = check_name();
    // The mutant is read once per process: here, before there is a second thread.
    let _ = TABLES[0][0].order();
    let wanted = env::args().nth(1);
    match wanted.as_deref() {
        None => drive(DRIVERS),
        Some("mutant") => {
            assert!(mutant.is_some(), "{VARIABLE} is not set");
            drive(DRIVERS);
        }
        Some("hunt") => hunt_all(),
        Some("race") => race(),
        Some(name) => {
            let Some(driver) = DRIVERS.iter().find(|driver| driver.0 == name) else {
                eprintln!("there is no driver {name}");
                exit(2);
            };
            drive(&[*driver]);
        }
    }
}

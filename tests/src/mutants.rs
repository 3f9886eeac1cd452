//! Weakens one memory order at a time and expects a model, or ThreadSanitizer, to notice.
//!
//! A mutant is `NAME=Order`, handed to this very binary in `FINBOX_WEAKEN`. In such a process the
//! first failing model ends it with [`KILLED`]; a name that no table has ends it with
//! [`MISSPELT`], so a typing error can pass neither for a survivor nor for a kill.
//!
//! Every mutant is killed by a model or by ThreadSanitizer, and whatever one of the two cannot see
//! stands in its list with the reason: a survivor that is not listed fails, and so does a listed
//! one that is killed after all.

use std::env;
use std::panic;
use std::process::{self, Command};
use std::sync::OnceLock;
use std::thread;

use finbox_mailbox::edge::{Edge, Ordering};

/// Exit status of a process in which a model noticed the mutant.
pub const KILLED: i32 = 77;
/// Exit status of a process whose mutant names no row of any table.
pub const MISSPELT: i32 = 78;

/// The variable that hands a mutant to a process.
pub const VARIABLE: &str = "FINBOX_WEAKEN";

/// Every table whose edges a mutant may name.
pub const TABLES: &[&[Edge]] = &[finbox_mailbox::edge::TABLE, finbox_scheduler::edge::TABLE];

/// A mutant that one of the two cannot tell from the original, and why.
#[derive(Clone, Copy, Debug)]
pub struct Survivor {
    /// `NAME=Order`.
    pub mutant: &'static str,
    /// Why it cannot be told.
    pub reason: &'static str,
}

/// What no model notices.
pub const UNSEEN_BY_LOOM: &[Survivor] = &[];

/// What ThreadSanitizer does not notice.
pub const UNSEEN_BY_TSAN: &[Survivor] = &[
    Survivor {
        mutant: "ANNOUNCE=Relaxed",
        reason: LINES,
    },
    Survivor {
        mutant: "LINE_CLEAR=Relaxed",
        reason: LINES,
    },
    Survivor {
        mutant: "LINE_LOOK=Relaxed",
        reason: LINES,
    },
    Survivor {
        mutant: "WORK_STATE=Relaxed",
        reason: LINES,
    },
    Survivor {
        mutant: "SOURCE_END=Relaxed",
        reason: LINES,
    },
    Survivor {
        mutant: "SOURCE_ENDED=Relaxed",
        reason: LINES,
    },
    Survivor {
        mutant: "WORK_HOLD=Relaxed",
        reason: "for ThreadSanitizer a relaxed store leaves on its word what an earlier release \
                 by the same thread carried there",
    },
];

const LINES: &str = "it keeps a later look at an atomic from being stale, and no memory is \
                     reached over it: only a checker that returns stale values can tell";

/// What became of a mutant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Something failed; its name.
    Killed(String),
    /// Everything passed.
    Survived,
}

/// Called before a model runs: in a process with a mutant, checks its name and ends the process
/// at the first panic. Whether it has one.
pub fn enter_process() -> bool {
    static HAS_MUTANT: OnceLock<bool> = OnceLock::new();
    *HAS_MUTANT.get_or_init(|| {
        let has_mutant = check_name().is_some();
        if has_mutant {
            panic::set_hook(Box::new(|_| {
                eprintln!("killed by {}", thread::current().name().unwrap_or("main"));
                process::exit(KILLED);
            }));
        }
        has_mutant
    })
}

/// The mutant of this process, if it has one. Ends the process if it names no row.
pub fn check_name() -> Option<String> {
    let mutant = env::var(VARIABLE).ok()?;
    if !TABLES.iter().any(|table| names_a_row(table, &mutant)) {
        eprintln!("{VARIABLE}={mutant} names no row of an edge table");
        process::exit(MISSPELT);
    }
    Some(mutant)
}

fn names_a_row(table: &[Edge], mutant: &str) -> bool {
    let name = mutant.split_once('=').map(|(name, _)| name);
    table.iter().any(|edge| Some(edge.name()) == name)
}

/// The orders one step weaker than `order`.
pub fn weaker(order: Ordering) -> &'static [&'static str] {
    match order {
        Ordering::Relaxed => &[],
        Ordering::Acquire | Ordering::Release => &["Relaxed"],
        Ordering::AcqRel => &["Acquire", "Release"],
        other => panic!("no edge may be {other:?}: see the style rules"),
    }
}

/// Every mutant of a table.
pub fn mutants(table: &[Edge]) -> Vec<String> {
    let of = |edge: &Edge| {
        let name = edge.name();
        weaker(edge.table_order())
            .iter()
            .map(move |order| format!("{name}={order}"))
    };
    table.iter().flat_map(of).collect()
}

/// A mutant that gives an edge of `table` the order it has.
fn unchanged(table: &[Edge]) -> String {
    let simple = |edge: &&Edge| edge.table_order() != Ordering::AcqRel;
    let edge = table
        .iter()
        .find(simple)
        .expect("a table has a row that is not AcqRel");
    format!("{}={:?}", edge.name(), edge.table_order())
}

/// Runs all models of this binary under `mutant`.
///
/// # Panics
/// If the process ended otherwise than by a kill or by passing.
pub fn run(mutant: &str) -> Verdict {
    let (code, text) = run_raw(mutant);
    match code {
        Some(0) => Verdict::Survived,
        Some(KILLED) => {
            let by = text
                .lines()
                .find_map(|line| line.strip_prefix("killed by "));
            Verdict::Killed(by.unwrap_or("?").into())
        }
        _ => panic!("{mutant}: ended with {code:?}\n{text}"),
    }
}

/// Exit status and error output of this binary's models under `mutant`.
///
/// # Panics
/// If the binary cannot be started.
pub fn run_raw(mutant: &str) -> (Option<i32>, String) {
    let output = Command::new(env::current_exe().expect("a running test has a path"))
        // Planted bugs are copies without edges, and some of them are found by a panic.
        .args(["--skip", "mutants::", "--skip", "planted::"])
        // It is long, and kills nothing that others do not.
        .args(["--skip", "cross::"])
        .args(["--quiet", "--nocapture"])
        .env(VARIABLE, mutant)
        .output()
        .expect("a test binary can be started again");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), text)
}

/// Runs every mutant of `table`, `workers` at a time.
///
/// # Panics
/// If one survives that `survivors` does not list, if a listed one was killed, or if something
/// fails without a mutant.
pub fn hunt(
    table: &[Edge],
    survivors: &[Survivor],
    workers: usize,
    run: impl Fn(&str) -> Verdict + Sync,
) {
    let control = unchanged(table);
    assert_eq!(
        run(&control),
        Verdict::Survived,
        "{control} changes nothing: kills prove nothing"
    );
    let all = mutants(table);
    assert!(
        !all.is_empty(),
        "a table without a strong edge needs no hunt"
    );
    let known = |mutant: &str| survivors.iter().find(|known| known.mutant == mutant);
    let mut wrong = Vec::new();
    let (mut killed, mut survived) = (0, 0);
    for (mutant, verdict) in all.iter().zip(verdicts(&all, workers, run)) {
        match (verdict, known(mutant)) {
            (Verdict::Killed(by), None) => {
                killed += 1;
                println!("    {mutant}: killed by {by}");
            }
            (Verdict::Survived, Some(known)) => {
                survived += 1;
                println!("    {mutant}: unseen, {}", known.reason);
            }
            (verdict, _) => wrong.push(format!("{mutant}: {verdict:?}")),
        }
    }
    println!(
        "{killed} of {} killed, {survived} unseen as listed",
        all.len()
    );
    assert!(
        wrong.is_empty(),
        "mutants that did not end as listed: {wrong:#?}"
    );
}

/// What becomes of each of `mutants`, in their order.
fn verdicts(
    mutants: &[String],
    workers: usize,
    run: impl Fn(&str) -> Verdict + Sync,
) -> Vec<Verdict> {
    // Nothing is shared: a race detector does not see how the standard library waits for a lock.
    let work = |worker| mutants.iter().skip(worker).step_by(workers);
    let run = &run;
    thread::scope(|scope| {
        let spawn = |worker| {
            let own = work(worker);
            scope.spawn(move || own.map(|mutant| run(mutant)).collect::<Vec<_>>())
        };
        let threads: Vec<_> = (0..workers).map(spawn).collect();
        // By name: a race detector does not see what a scope's end waits for.
        let ended = threads.into_iter().map(|thread| thread.join());
        let found = ended.map(|found| found.expect("a mutant ended as none may"));
        let mut found: Vec<_> = found.map(Vec::into_iter).collect();
        let in_turn = (0..mutants.len()).map(|index| found[index % workers].next());
        in_turn.map(|one| one.expect("one each")).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::{Survivor, TABLES, UNSEEN_BY_LOOM, UNSEEN_BY_TSAN, mutants};

    fn is_listed(list: &[Survivor], mutant: &str) -> bool {
        list.iter().any(|known| known.mutant == mutant)
    }

    #[test]
    fn every_mutant_is_seen_by_a_model_or_by_thread_sanitizer() {
        let all: Vec<String> = TABLES.iter().flat_map(|table| mutants(table)).collect();
        let unseen = |mutant: &&String| {
            is_listed(UNSEEN_BY_LOOM, mutant) && is_listed(UNSEEN_BY_TSAN, mutant)
        };
        let unseen: Vec<&String> = all.iter().filter(unseen).collect();
        assert!(unseen.is_empty(), "without a killer: {unseen:?}");
        for known in UNSEEN_BY_LOOM.iter().chain(UNSEEN_BY_TSAN) {
            let exists = all.iter().any(|mutant| mutant == known.mutant);
            assert!(exists, "{}: no such row", known.mutant);
            assert!(!known.reason.is_empty(), "{}: no reason", known.mutant);
        }
    }
}

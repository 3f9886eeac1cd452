//! Weakens one memory order at a time and expects some model to notice.
//!
//! A mutant is `NAME=Order`, handed to this very binary in `FINBOX_WEAKEN`. In such a process the
//! first failing model ends it with [`KILLED`]; a name that no table has ends it with
//! [`MISSPELT`], so a typing error can pass neither for a survivor nor for a kill.

use std::env;
use std::panic;
use std::process::{self, Command};
use std::sync::Once;
use std::thread;

use finbox_mailbox::edge::{Edge, Ordering};

/// Exit status of a process in which a model noticed the mutant.
pub const KILLED: i32 = 77;
/// Exit status of a process whose mutant names no row of any table.
pub const MISSPELT: i32 = 78;

const VARIABLE: &str = "FINBOX_WEAKEN";

/// Every table whose edges a mutant may name.
pub const TABLES: &[&[Edge]] = &[finbox_mailbox::edge::TABLE, finbox_scheduler::edge::TABLE];

/// A mutant that changes nothing anybody could observe, and why.
#[derive(Clone, Copy, Debug)]
pub struct Equivalent {
    /// `NAME=Order`.
    pub mutant: &'static str,
    /// Why no model can tell it from the original.
    pub reason: &'static str,
}

/// What became of a mutant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A model failed; its name.
    Killed(String),
    /// Every model passed.
    Survived,
}

/// Called before a model runs: in a process with a mutant, checks its name and ends the process
/// at the first panic.
pub fn enter_process() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let Ok(mutant) = env::var(VARIABLE) else {
            return;
        };
        if !TABLES.iter().any(|table| names_a_row(table, &mutant)) {
            eprintln!("{VARIABLE}={mutant} names no row of an edge table");
            process::exit(MISSPELT);
        }
        panic::set_hook(Box::new(|_| {
            eprintln!("killed by {}", thread::current().name().unwrap_or("main"));
            process::exit(KILLED);
        }));
    });
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
        .args(["--quiet", "--nocapture"])
        .env(VARIABLE, mutant)
        .output()
        .expect("a test binary can be started again");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), text)
}

/// Runs every mutant of `table`.
///
/// # Panics
/// If one survives that is no listed equivalent, if the models fail without a mutant, or if the
/// list names a mutant that does not exist or was killed.
pub fn hunt(table: &[Edge], equivalents: &[Equivalent]) {
    let all = mutants(table);
    for equivalent in equivalents {
        assert!(
            all.iter().any(|mutant| mutant == equivalent.mutant),
            "{equivalent:?}: no such row"
        );
    }
    let control = unchanged(table);
    assert_eq!(
        run(&control),
        Verdict::Survived,
        "{control} changes nothing: kills prove nothing"
    );
    let mut wrong = Vec::new();
    let mut killed = 0;
    for mutant in &all {
        let listed = equivalents.iter().find(|known| known.mutant == *mutant);
        match (run(mutant), listed) {
            (Verdict::Killed(by), None) => {
                killed += 1;
                println!("    {mutant}: killed by {by}");
            }
            (Verdict::Survived, Some(known)) => println!("    {mutant}: same, {}", known.reason),
            (verdict, _) => wrong.push(format!("{mutant}: {verdict:?}")),
        }
    }
    let expected = all.len() - equivalents.len();
    println!(
        "{killed} of {expected} killed, {} equivalent",
        equivalents.len()
    );
    assert!(
        wrong.is_empty(),
        "mutants that did not end as listed: {wrong:#?}"
    );
    assert!(expected > 0, "a table without a strong edge needs no hunt");
}

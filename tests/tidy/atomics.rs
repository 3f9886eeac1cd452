//! Atomics outside the tables: the simulated machine's registers and memory, and whoever watches a
//! run from outside. Each file is listed with how often it names an order, so that another access
//! is a decision and no accident.

use crate::source::{Source, hold, lines_of};

/// Crates that have no table, and all that stands in for one.
const WITHOUT_TABLE: &[&str] = &["sim/src/"];

const ORDERS: [&str; 5] = ["Relaxed", "Acquire", "Release", "AcqRel", "SeqCst"];

/// File, how often it names an order, and what for.
const LISTED: &[(&str, usize, &str)] = &[
    ("sim/src/check/mod.rs", 4, "which seed is next"),
    ("sim/src/device/cache.rs", 10, "lines of a cache"),
    ("sim/src/device/dram.rs", 9, "device memory, word by word"),
    ("sim/src/device/meter.rs", 7, "clocks and counts of a port"),
    ("sim/src/device/mod.rs", 2, "the device's count of resets"),
    (
        "sim/src/device/register.rs",
        6,
        "DMB, COND, staged payloads",
    ),
    (
        "sim/src/fault/injector.rs",
        1,
        "occasions, counted by all threads",
    ),
    (
        "sim/src/fault/ranks.rs",
        4,
        "what struck: dead ranks, held wait lists",
    ),
    ("sim/src/signal.rs", 0, "signal-hook sets a bool of std"),
    ("sim/src/world/costs.rs", 8, "lockstep: one thread"),
    ("sim/src/world/event_log.rs", 3, "lockstep: one thread"),
    ("sim/src/world/latency.rs", 24, "times, for the report"),
    ("sim/src/world/lock_clock.rs", 4, "lockstep: one thread"),
    ("sim/src/world/mod.rs", 1, "the bool that a signal sets"),
    (
        "sim/src/world/parallel/workers.rs",
        6,
        "what workers have told",
    ),
    (
        "sim/src/world/parallel/strikes.rs",
        3,
        "wait lists that are to be held",
    ),
    ("sim/src/world/recorder.rs", 14, "outcomes, for the judge"),
    (
        "sim/src/world/recorder/probe.rs",
        1,
        "which task a slot is of",
    ),
];

fn strangers(source: &Source, listed: &[(&str, usize, &str)]) -> Vec<String> {
    if !source.is_under(WITHOUT_TABLE) {
        return Vec::new();
    }
    let row = source.shipped_tokens();
    let count: usize = ORDERS
        .iter()
        .map(|order| lines_of(&row, &["Ordering", ":", ":", order]).len())
        .sum();
    let names = !lines_of(&row, &["sync", ":", ":", "atomic"]).is_empty();
    match listed.iter().find(|(path, ..)| *path == source.path) {
        None if names || count > 0 => vec![format!("{}: atomics without a table", source.path)],
        Some(&(path, known, _)) if known != count => {
            vec![format!("{path}: {count} orders, {known} are known")]
        }
        _ => Vec::new(),
    }
}

#[test]
fn every_atomic_without_a_table_is_known() {
    hold(|source| strangers(source, LISTED));
}

#[test]
fn every_listed_file_has_atomics_and_a_reason() {
    for (path, _, what) in LISTED {
        let sources = crate::source::sources();
        let source = sources.iter().find(|source| source.path == *path);
        let text = &source.unwrap_or_else(|| panic!("there is no {path}")).text;
        assert!(text.contains("sync::atomic") && !what.is_empty(), "{path}");
    }
}

#[test]
fn an_unknown_access_is_found() {
    let listed = &[("sim/src/known.rs", 1, "a register")];
    let found = |path: &str, text: &str| strangers(&Source::new(path, text), listed).len();
    let one = "use std::sync::atomic::AtomicU8;\nfn f() { a.load(Ordering::Acquire); }";
    assert_eq!(found("sim/src/known.rs", one), 0);
    assert_eq!(found("sim/src/new.rs", one), 1);
    let two = "fn f() { a.load(Ordering::Acquire); a.load(Ordering::Relaxed); }";
    assert_eq!(found("sim/src/known.rs", two), 1);
    assert_eq!(found("sim/src/new.rs", "use std::sync::atomic;"), 1);
    assert_eq!(
        found("sim/src/new.rs", "fn f() { a.cmp(b) == Ordering::Less }"),
        0
    );
}

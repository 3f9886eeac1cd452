//! Doors: where `unsafe`, `std` and atomics may be named, and words that may stand nowhere.

use crate::source::{Source, hold, lines_of};

/// Files that may contain `unsafe`; the list of STYLE.md. A trailing `/` means the folder.
const UNSAFE: &[&str] = &[
    "mailbox/src/cell.rs",
    "mailbox/src/handle.rs",
    "mailbox/src/producer.rs",
    "mailbox/src/region.rs",
    "mailbox/src/ring.rs",
    "mailbox/src/sync/",
    "mailbox/src/try_lock.rs",
    // In pieces: whole, it would read like a path of one machine.
    concat!("mailbox/src/", "work/"),
    "runtime/abi/src/",
    "runtime/ffi/src/",
    "runtime/ffi/tests/abi/",
    "runtime/src/plugin/",
    "sim/device/src/",
    "sim/src/memory.rs",
    "tests/exhausted/main.rs",
    "tests/faults/mapping.rs",
    "tests/fuzz/raw.rs",
    "tests/loom/",
    "tests/mailbox/region.rs",
    "benches/boundary/main.rs",
    "benches/race/plain.rs",
    "tests/no_alloc/main.rs",
    "tests/sanitizers/planted.rs",
    "tests/sanitizers/tsan/mailbox.rs",
    "tests/sanitizers/tsan/plain.rs",
    "tests/scheduler/bundles.rs",
    "tests/scheduler/hostile.rs",
    "tests/src/arena.rs",
];

/// `no_std` crates, and their files that exist in model builds alone, where `std` is present.
const NO_STD: &[&str] = &["mailbox/src/", "scheduler/src/"];
const MODEL_BUILDS: &[&str] = &[
    "mailbox/src/sync/loom.rs",
    "mailbox/src/sync/shuttle.rs",
    "mailbox/src/sync/weaken.rs",
    "mailbox/src/sync/weakened.rs",
];

/// Crates whose atomics come through the one door, and the door.
const ORDERED: &[&str] = &[
    "mailbox/src/",
    "scheduler/src/",
    "runtime/src/",
    "runtime/ffi/src/",
];
const DOOR: &[&str] = &[
    "mailbox/src/sync/",
    "mailbox/src/edge.rs",
    "scheduler/src/edge.rs",
    "runtime/src/edge.rs",
];

const ORDERS: [&str; 5] = ["Relaxed", "Acquire", "Release", "AcqRel", "SeqCst"];

fn unsafety(source: &Source) -> Vec<String> {
    if source.is_under(UNSAFE) {
        return Vec::new();
    }
    let lines = lines_of(&source.tokens(), &["unsafe"]);
    let what = "`unsafe` outside the files that may contain it";
    lines
        .into_iter()
        .map(|line| source.finding(line, what))
        .collect()
}

fn standard_library(source: &Source) -> Vec<String> {
    if !source.is_under(NO_STD) || source.is_under(MODEL_BUILDS) {
        return Vec::new();
    }
    let row = source.shipped_tokens();
    let mut findings = Vec::new();
    for name in ["std", "alloc"] {
        let paths = lines_of(&row, &[name, ":", ":"]);
        let crates = lines_of(&row, &["extern", "crate", name]);
        for line in paths.into_iter().chain(crates) {
            findings.push(source.finding(line, &format!("`{name}` in a crate without it")));
        }
    }
    findings
}

fn orders(source: &Source) -> Vec<String> {
    if !source.is_under(ORDERED) || source.is_under(DOOR) {
        return Vec::new();
    }
    let row = source.shipped_tokens();
    let mut lines = lines_of(&row, &["sync", ":", ":", "atomic"]);
    for order in ORDERS {
        lines.extend(lines_of(&row, &["Ordering", ":", ":", order]));
    }
    let what = "atomics and orders come through `finbox_mailbox::sync` and a table of edges";
    lines
        .into_iter()
        .map(|line| source.finding(line, what))
        .collect()
}

fn unfinished(source: &Source) -> Vec<String> {
    let row = source.tokens();
    let mut findings = Vec::new();
    for words in [
        ["todo", "!"].as_slice(),
        &["unimplemented", "!"],
        &["dbg", "!"],
        &["#", "[", "ignore"],
    ] {
        for line in lines_of(&row, words) {
            findings.push(source.finding(line, &format!("`{}`", words.concat())));
        }
    }
    findings
}

/// Tests wait for events, not for time; but what an idle process costs shows only over time.
fn sleeps(source: &Source) -> Vec<String> {
    if !source.path.starts_with("tests/") || source.path.starts_with("tests/idle/") {
        return Vec::new();
    }
    let lines = lines_of(&source.tokens(), &["sleep", "("]);
    lines
        .into_iter()
        .map(|line| source.finding(line, "a sleep in a test"))
        .collect()
}

#[test]
fn unsafe_stands_in_the_listed_files_only() {
    hold(unsafety);
}

#[test]
fn mailbox_and_scheduler_name_no_std_and_no_alloc() {
    hold(standard_library);
}

#[test]
fn every_atomic_comes_through_the_door_with_an_order_of_a_table() {
    hold(orders);
}

#[test]
fn nothing_is_left_unfinished_or_ignored() {
    hold(unfinished);
}

#[test]
fn no_test_sleeps() {
    hold(sleeps);
}

#[test]
fn each_of_these_rules_can_fail() {
    let scheduler = |text: &str| Source::new("scheduler/src/slot.rs", text);
    assert_eq!(unsafety(&scheduler("fn f() {\n unsafe { g() } }")).len(), 1);
    assert_eq!(unsafety(&scheduler("unsafe impl Sync for S {}")).len(), 1);
    assert_eq!(
        unsafety(&scheduler("// unsafe\n#![deny(unsafe_code)]")),
        [""; 0]
    );
    assert_eq!(standard_library(&scheduler("use std::vec;")).len(), 1);
    assert_eq!(standard_library(&scheduler("extern crate alloc;")).len(), 1);
    assert_eq!(
        standard_library(&scheduler("fn f() { alloc::g() }")).len(),
        1
    );
    let in_test = "#[cfg(test)] mod tests { use std::vec; }";
    assert_eq!(standard_library(&scheduler(in_test)), [""; 0]);
    assert_eq!(
        orders(&scheduler("use core::sync::atomic::AtomicU32;")).len(),
        1
    );
    assert_eq!(orders(&scheduler("a.load(Ordering::SeqCst);")).len(), 1);
    assert_eq!(orders(&scheduler("a.cmp(&b) == Ordering::Less;")), [""; 0]);
    for bad in [
        "todo!()",
        "unimplemented!()",
        "dbg!(a)",
        "#[ignore] fn f() {}",
    ] {
        assert_eq!(unfinished(&scheduler(bad)).len(), 1, "{bad}");
    }
    assert_eq!(
        sleeps(&Source::new("tests/x.rs", "thread::sleep(d)")).len(),
        1
    );
}

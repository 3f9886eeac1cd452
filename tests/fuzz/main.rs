//! Fuzz targets: plain functions of bytes, each with a model that says what must come out.
//!
//! Under libFuzzer (`run.sh`) they are fed mutated bytes; an ordinary `cargo test` replays the
//! committed corpus, so that what fuzzing once reached is reached by everybody. A crash becomes a
//! file of the corpus.
#![cfg(not(any(loom, shuttle, finbox_weaken)))]
#![cfg_attr(fuzzing, no_main)]
#![expect(
    clippy::unwrap_used,
    reason = "in a test, helpers included, a panic is a failure"
)]

mod bytes;
mod command_line;
mod fin;
#[path = "../scheduler/fixture.rs"]
#[expect(dead_code, reason = "made for more tests than these")]
mod fixture;
#[cfg(fuzzing)]
mod libfuzzer;
mod message;
mod ranks;
mod raw;
mod region;
mod ring;
mod slab;
mod trace;

use std::fs;
use std::path::{Path, PathBuf};

/// A target; it panics when something does not hold.
type Target = fn(&[u8]);

/// Every target and its name, which is that of its corpus.
const TARGETS: &[(&str, Target)] = &[
    ("trace", trace::target),
    ("ranks", ranks::target),
    ("command_line", command_line::target),
    ("slab", slab::target),
    ("message", message::target),
    ("region", region::target),
    ("fin", fin::target),
    ("ring", ring::target),
];

/// The target of this name.
fn find(name: &str) -> Option<Target> {
    let mut all = TARGETS.iter();
    all.find(|(other, _)| *other == name)
        .map(|(_, target)| *target)
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus")
}

/// Feeds every file of a corpus to its target. The last name printed is that of the culprit.
fn replay(name: &str) {
    let target = find(name).expect("a target of the table");
    let files = fs::read_dir(corpus().join(name)).expect("a corpus");
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 20, "a corpus that covers little");
    for file in files {
        println!("{}", file.display());
        target(&fs::read(file).unwrap());
    }
}

#[test]
fn trace_files_are_taken_or_refused() {
    replay("trace");
}

#[test]
fn folders_of_traces_are_taken_or_refused() {
    replay("ranks");
}

#[test]
fn command_lines_are_taken_or_refused() {
    replay("command_line");
}

#[test]
fn whatever_stands_in_a_slab_its_task_ends_once() {
    replay("slab");
}

#[test]
fn whatever_stands_in_a_message_slot_every_task_ends_once() {
    replay("message");
}

#[test]
fn whatever_stands_in_a_shared_region_the_ends_stay_in_it() {
    replay("region");
}

#[test]
fn words_of_no_token_in_flight_finish_nothing() {
    replay("fin");
}

#[test]
fn rows_of_ring_operations_do_what_a_queue_does() {
    replay("ring");
}

#[test]
fn every_target_has_a_corpus_and_every_corpus_a_target() {
    let folders = fs::read_dir(corpus()).expect("corpora");
    let mut folders: Vec<_> = folders.map(|folder| folder.unwrap().file_name()).collect();
    let mut targets: Vec<_> = TARGETS.iter().map(|(name, _)| *name).collect();
    folders.sort();
    targets.sort_unstable();
    assert_eq!(folders, targets);
}

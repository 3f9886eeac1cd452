//! One build of all mutants.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::operators::{Mutant, mutate};

const SWITCH: &str = include_str!("switch.rs");

/// The tests of a tree of mutants.
pub(crate) struct Built {
    /// Mutant `number` stands at `number - 1`.
    pub(crate) mutants: Vec<Mutant>,
    /// Changes that do not compile: there is no such mutant.
    pub(crate) barred: HashSet<Mutant>,
    pub(crate) binaries: Vec<PathBuf>,
}

/// Makes the `wanted` mutants of `files` of `tree` and builds its tests. What does not compile is
/// left out.
///
/// # Panics
/// If it does not compile for another reason.
pub(crate) fn build(tree: &Path, files: &[&str], wanted: impl Fn(&Mutant) -> bool) -> Built {
    let read = |file: &str| fs::read_to_string(tree.join(file)).expect("a source in the tree");
    let originals: Vec<(&str, String)> = files.iter().map(|file| (*file, read(file))).collect();
    add_switch(tree);
    let mut barred = HashSet::new();
    loop {
        let mut mutants: Vec<Mutant> = Vec::new();
        for (file, text) in &originals {
            let is = match file.starts_with("mailbox/") {
                true => "crate::mutant::is",
                false => "finbox_mailbox::mutant::is",
            };
            let wanted = |mutant: &Mutant| wanted(mutant) && !barred.contains(mutant);
            let mutated = mutate((file, text), is, mutants.len() + 1, &wanted);
            fs::write(tree.join(file), &mutated.text).expect("a tree that can be written");
            mutants.extend(mutated.mutants);
        }
        let output = Command::new("cargo")
            .args(["test", "--no-run", "--message-format", "short", "--lib"])
            .args("--test mailbox --test scheduler --test plans --test persistent".split(' '))
            .args(["-p", "finbox-mailbox", "-p", "finbox-scheduler"])
            .args(["-p", "finbox-runtime", "-p", "finbox-tests"])
            .current_dir(tree)
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTFLAGS", "--cap-lints allow")
            .env("CARGO_TARGET_DIR", "../build")
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .output()
            .expect("cargo starts");
        let told = String::from_utf8_lossy(&output.stderr);
        if output.status.success() {
            let binaries = told.lines().filter_map(|line| binary(tree, line)).collect();
            return Built {
                mutants,
                barred,
                binaries,
            };
        }
        let wrong = told.lines().filter_map(|line| culprit(tree, line));
        let known = barred.len();
        barred.extend(wrong.map(|number| mutants[number - 1].clone()));
        assert!(barred.len() > known, "the tree does not compile: {told}");
    }
}

/// Gives both crates the switch, and what it needs of the compiler.
fn add_switch(tree: &Path) {
    fs::write(tree.join("mailbox/src/mutant.rs"), SWITCH).expect("a tree that can be written");
    let path = tree.join("mailbox/src/lib.rs");
    let text = fs::read_to_string(&path).expect("a crate has a root");
    let features = "#![feature(const_eval_select, core_intrinsics)]\n#![allow(internal_features)]";
    fs::write(path, format!("{features}\n{text}\npub mod mutant;\n")).expect("as above");
}

/// The test binary that a line of cargo's names: `Executable … (path)`.
fn binary(tree: &Path, line: &str) -> Option<PathBuf> {
    let line = line.trim().strip_prefix("Executable ")?;
    let (_, path) = line.strip_suffix(')')?.rsplit_once('(')?;
    let is_ours = [
        "/finbox_mailbox-",
        "/finbox_scheduler-",
        "/finbox_runtime-",
        "/mailbox-",
        "/scheduler-",
        "/plans-",
        "/persistent-",
    ]
    .iter()
    .any(|name| path.contains(name));
    is_ours.then(|| tree.join(path))
}

/// The number of the mutant in which the error of `file:line:column: error…` stands.
fn culprit(tree: &Path, line: &str) -> Option<usize> {
    let mut parts = line.splitn(4, ':');
    let file = parts.next()?;
    let row: usize = parts.next()?.parse().ok()?;
    let column: usize = parts.next()?.parse().ok()?;
    if !parts.next()?.trim_start().starts_with("error") {
        return None;
    }
    let text = fs::read_to_string(tree.join(file)).ok()?;
    let before: usize = text.split_inclusive('\n').take(row - 1).map(str::len).sum();
    let inside = text
        .lines()
        .nth(row - 1)?
        .chars()
        .take(column - 1)
        .map(char::len_utf8)
        .sum::<usize>();
    let (_, behind) = text[..before + inside].rsplit_once("mutant::is(")?;
    behind.split(')').next()?.parse().ok()
}

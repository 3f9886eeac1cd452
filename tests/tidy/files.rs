//! Files that must exist, how they begin, and what no file may name.

use std::fs;

use crate::source::{Source, hold, root, sources};

/// What a reader and a packager look for.
const REQUIRED: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "STYLE.md",
    "CHANGELOG.md",
    "VERIFICATION.md",
    "LICENSE-MIT",
    "LICENSE-APACHE",
    "Cargo.lock",
    "clippy.toml",
    "rustfmt.toml",
    "rust-toolchain.toml",
    ".ci/run",
];

const CI_LINES: usize = 200;

/// Beginnings of paths that exist on one machine only. Written in pieces, or this file had one.
const MACHINES: [&str; 3] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
];

fn header(source: &Source) -> Vec<String> {
    let begins = source.text.starts_with("//! ");
    let what = "a file begins with what it is: `//! …`";
    (!begins)
        .then(|| source.finding(1, what))
        .into_iter()
        .collect()
}

/// Whether a path of `line` begins so; a folder below another may have any name.
fn begins_there(line: &str, path: &str) -> bool {
    let mut found = line.match_indices(path);
    found.any(|(at, _)| !line[..at].ends_with(|before: char| before.is_alphanumeric()))
}

fn machine_paths(source: &Source) -> Vec<String> {
    let mut findings = Vec::new();
    for (at, line) in source.text.lines().enumerate() {
        if MACHINES.iter().any(|path| begins_there(line, path)) {
            findings.push(source.finding(at + 1, "a path of one machine"));
        }
    }
    findings
}

#[test]
fn every_file_that_a_reader_looks_for_is_there() {
    let missing = |path: &&&str| !root().join(path).is_file();
    let missing: Vec<&&str> = REQUIRED.iter().filter(missing).collect();
    assert!(missing.is_empty(), "missing: {missing:?}");
}

#[test]
fn the_ci_file_stays_short() {
    let text = fs::read_to_string(root().join(".ci/run")).unwrap();
    assert!(text.lines().count() <= CI_LINES);
}

#[test]
fn every_source_begins_with_a_module_header() {
    hold(header);
}

#[test]
fn no_source_names_a_path_of_one_machine() {
    hold(machine_paths);
}

#[test]
fn every_file_that_holds_unsafe_is_in_the_style_rules() {
    let style = fs::read_to_string(root().join("STYLE.md")).unwrap();
    for source in sources() {
        let folder = source
            .path
            .rsplit_once('/')
            .map_or("", |(folder, _)| folder);
        let listed = style.contains(&source.path) || style.contains(&format!("{folder}/`"));
        let holds = source.tokens().iter().any(|token| token.text == "unsafe");
        assert!(listed || !holds, "{}", source.path);
    }
}

#[test]
fn a_file_without_header_and_one_with_a_machine_path_are_found() {
    assert_eq!(header(&Source::new("x.rs", "use a;")).len(), 1);
    assert_eq!(
        header(&Source::new("x.rs", "//! What it is.\nuse a;")).len(),
        0
    );
    let path = format!("const A: &str = \"{}x\";", MACHINES[0]);
    assert_eq!(machine_paths(&Source::new("x.rs", &path)).len(), 1);
    let relative = format!("const A: &str = \"src{}x\";", MACHINES[0]);
    assert_eq!(machine_paths(&Source::new("x.rs", &relative)), [""; 0]);
}

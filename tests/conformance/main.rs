//! The conformance suite on the tests' model: it passes on a right machine, and each check fails on
//! one with the bug that it is there for.
#![cfg(not(any(loom, shuttle)))]

mod bug;
mod interpreter;
mod machine;

use std::collections::BTreeSet;
use std::time::Duration;

use finbox_abi::finbox_op_kind;
use finbox_runtime::conformance::{Finding, Limits, Verdict, checks, run, run_telling};
use finbox_scheduler::{A2A3, A5, Target};

use bug::{Bug, PLANTED};
use machine::ModelMachine;

const LIMITS: Limits = Limits {
    deadline: Duration::from_secs(60),
    rounds: 50,
    end_cores: true,
};

fn failures(findings: &[Finding]) -> Vec<String> {
    let failed = |one: &&Finding| one.verdict != Verdict::Pass;
    findings
        .iter()
        .filter(failed)
        .map(ToString::to_string)
        .collect()
}

fn passes(target: &'static Target, ranks: u32, cores: u16) {
    let findings = run(&ModelMachine::new(target, ranks, cores), &LIMITS);
    assert_eq!(findings.len(), checks().len());
    assert_eq!(
        failures(&findings),
        [""; 0],
        "{} with {ranks} ranks",
        target.name
    );
}

#[test]
fn the_model_passes_where_lines_are_stale() {
    passes(&A2A3, 2, 6);
}

#[test]
fn the_model_passes_where_memory_is_coherent() {
    passes(&A5, 2, 6);
}

#[test]
fn one_rank_of_one_core_passes() {
    passes(&A2A3, 1, 1);
}

#[test]
fn many_ranks_and_a_whole_chip_pass() {
    passes(&A5, 5, 3);
    passes(&A2A3, 1, A2A3.cores());
}

/// Two ranks, stale lines, one cluster, and little patience.
fn with(bug: Bug) -> Vec<Finding> {
    let limits = Limits {
        deadline: Duration::from_secs(2),
        rounds: 4,
        ..LIMITS
    };
    run(&ModelMachine::new(&A2A3, 2, 3).with(bug), &limits)
}

fn verdict<'f>(findings: &'f [Finding], name: &str) -> &'f Verdict {
    let mut named = findings.iter().filter(|one| one.check.name == name);
    let finding = named.next();
    &finding
        .unwrap_or_else(|| panic!("no check is called `{name}`"))
        .verdict
}

/// The rows of the table that `mine` takes.
fn caught(mine: impl Fn(usize) -> bool) {
    let rows = PLANTED.iter().enumerate().filter(|&(row, _)| mine(row));
    let mut uncaught = Vec::new();
    for (_, &(bug, check)) in rows {
        let findings = with(bug);
        match verdict(&findings, check) {
            Verdict::Fail(sentence) => println!("{bug:?}\n    {check}: {sentence}"),
            other => uncaught.push(format!("{bug:?}: {check} said {other:?}")),
        }
    }
    assert_eq!(uncaught, [""; 0]);
}

#[test]
fn each_planted_bug_is_caught_by_its_check_even_rows() {
    caught(|row| row % 2 == 0);
}

#[test]
fn each_planted_bug_is_caught_by_its_check_odd_rows() {
    caught(|row| row % 2 == 1);
}

#[test]
fn every_check_has_a_bug_that_it_catches() {
    let caught: BTreeSet<&str> = PLANTED.iter().map(|&(_, check)| check).collect();
    let named: BTreeSet<&str> = checks().iter().map(|check| check.name).collect();
    assert_eq!(named.difference(&caught).collect::<Vec<_>>(), [&""; 0]);
    assert_eq!(named.len(), checks().len(), "names differ");
}

//! The conformance suite on the tests' model: it passes on a right machine, and each check fails on
//! one with the bug that it is there for.
#![cfg(not(any(loom, shuttle)))]

mod bug;
mod events;
mod interpreter;
mod machine;

use std::collections::BTreeSet;
use std::time::Duration;

use finbox_abi::finbox_op_kind as Kind;
use finbox_runtime::MachineFacts;
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

/// Devices do not wait for anybody's turn: here a thread steps the model, and `turn` does nothing.
#[test]
fn a_machine_that_moves_by_itself_passes() {
    for target in [&A2A3, &A5] {
        let machine = ModelMachine::new(target, 2, 3).by_itself();
        let findings = machine.while_it_moves(|| run(&machine, &LIMITS));
        assert_eq!(failures(&findings), [""; 0], "{}", target.name);
    }
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
        deadline: Duration::from_secs(1),
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

fn reason(findings: &[Finding], name: &str) -> String {
    match verdict(findings, name) {
        Verdict::Skipped(reason) => reason.clone(),
        other => panic!("`{name}`: {other:?}"),
    }
}

#[test]
fn what_a_machine_does_not_announce_is_skipped_and_told() {
    let machine = ModelMachine::new(&A5, 1, 2);
    let machine = machine.claiming(|facts| facts.operations = Kind::REQUIRED);
    let findings = run(
        &machine,
        &Limits {
            end_cores: false,
            ..LIMITS
        },
    );
    let skipped = [
        (
            "op-fill-pattern",
            "its `operations` do not name `fill_pattern`",
        ),
        ("op-add-f32", "its `operations` do not name `add_f32`"),
        ("op-post", "its `operations` do not name `post`"),
        ("op-later", "its `operations` do not name `later`"),
        ("exit", "cores run nothing afterwards; nobody asked for it"),
    ];
    for (name, expected) in skipped {
        assert_eq!(reason(&findings, name), expected);
    }
    let failed = |one: &&Finding| matches!(one.verdict, Verdict::Fail(_));
    assert_eq!(findings.iter().find(failed).map(ToString::to_string), None);
    let machine = ModelMachine::new(&A5, 1, 2).claiming(|facts| facts.dma_queues = 0);
    assert_eq!(
        reason(&run(&machine, &LIMITS), "op-post"),
        "it has no DMA queue"
    );
}

#[test]
fn wrong_facts_are_named_and_everything_else_is_skipped() {
    type Claim = fn(&mut MachineFacts);
    let wrong: [(Claim, &str); 7] = [
        (|facts| facts.ranks = 0, "ranks = 0"),
        (|facts| facts.ranks = 65, "ranks = 65"),
        (|facts| facts.cores = 73, "cores = 73"),
        (|facts| facts.host_lanes = 126, "cores + host_lanes = 129"),
        (|facts| facts.memory_bytes = 0, "memory_bytes = 0"),
        (|facts| facts.operations |= 1 << 40, "bits 0x10000000000"),
        (
            |facts| facts.operations &= !Kind::Post.bit(),
            "neither is of use without the other",
        ),
    ];
    for (claim, expected) in wrong {
        let findings = run(&ModelMachine::new(&A2A3, 1, 3).claiming(claim), &LIMITS);
        let Verdict::Fail(sentence) = verdict(&findings, "facts") else {
            panic!("{expected} was taken")
        };
        assert!(sentence.contains(expected), "{sentence}");
        for one in &findings[1..] {
            let reason = reason(&findings, one.check.name);
            assert_eq!(reason, "the machine's facts are wrong: see `facts`");
        }
    }
    let machine = ModelMachine::new(&A5, 1, 3).claiming(|facts| facts.is_coherent = false);
    assert!(matches!(
        verdict(&run(&machine, &LIMITS), "facts"),
        Verdict::Fail(_)
    ));
}

#[test]
fn a_core_that_does_not_answer_is_named_once_and_left_alone() {
    let findings = with(Bug::Hangs);
    let Verdict::Fail(sentence) = verdict(&findings, "empty-kernel") else {
        panic!("it passed")
    };
    let expected = "waited in vain for core 1 of rank 0 to say 0x80000001 (FIN of token 1) in COND";
    assert!(sentence.starts_with(expected), "{sentence}");
    let expected = "core 1 of rank 0 went astray in check `empty-kernel`";
    for name in [
        "two-tokens",
        "cores-together",
        "scheduler-passes",
        "scheduler-threads",
    ] {
        assert_eq!(reason(&findings, name), expected);
    }
    assert_eq!(
        verdict(&findings, "op-copy"),
        &Verdict::Pass,
        "another core does it"
    );
}

#[test]
fn a_machine_that_was_used_is_refused_in_words() {
    let machine = ModelMachine::new(&A2A3, 1, 3);
    let limits = Limits {
        end_cores: false,
        ..LIMITS
    };
    assert_eq!(
        failures(&run(&machine, &limits)).len(),
        1,
        "the exit is skipped"
    );
    let limits = Limits {
        deadline: Duration::from_millis(50),
        ..limits
    };
    let again = run(&machine, &limits);
    let Verdict::Fail(sentence) = verdict(&again, "cond-reset") else {
        panic!("it passed")
    };
    assert!(
        sentence.contains("before the first token it is 0x7fffffff (reset)"),
        "{sentence}"
    );
}

#[test]
fn findings_are_told_as_they_come_in_the_order_of_the_table() {
    let mut told = Vec::new();
    let machine = ModelMachine::new(&A5, 1, 1);
    let findings = run_telling(&machine, &LIMITS, |one| told.push(one.to_string()));
    let lines: Vec<String> = checks()
        .iter()
        .map(|one| format!("pass    {}", one.name))
        .collect();
    assert_eq!((told.len(), &told), (findings.len(), &lines));
}

//! Documents against each other, and files that are none.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::document::parse;
use super::*;
use crate::report::{RunReport, to_json};

/// A document with figures, and whatever `change` makes of it.
fn document(change: impl FnOnce(&mut Value)) -> String {
    let mut report = RunReport::neutral(Verdict::Pass);
    report.scenario = "grid".to_owned();
    report.completion = "mailbox".to_owned();
    report.tasks.submitted = 100;
    report.mailbox.accepted = 40;
    report.time.virtual_ns = 31_840;
    for phase in [
        &mut report.latency.wait,
        &mut report.latency.fin_to_consumer,
    ] {
        (phase.count, phase.p50_ns, phase.p99_ns) = (10, 1_000, 2_000);
    }
    let mut value: Value = serde_json::from_str(&to_json(&report)).unwrap();
    change(&mut value);
    value.to_string()
}

fn compared(a: &str, b: &str) -> Comparison {
    let differences =
        Differences::between(&parse(a.as_bytes()).unwrap(), &parse(b.as_bytes()).unwrap());
    Comparison {
        a: "a.json".to_owned(),
        b: "b.json".to_owned(),
        causes: Causes::of(&differences),
        differences,
    }
}

fn line<'a>(text: &'a str, begin: &str) -> Vec<&'a str> {
    let line = text
        .lines()
        .find(|line| line.trim_start().starts_with(begin));
    let line = line.unwrap_or_else(|| panic!("{begin}: {text}"));
    line.split_whitespace().collect()
}

#[test]
fn a_document_does_not_differ_from_itself_and_the_wall_does_not_count() {
    let one = document(|_| {});
    let text = text::to_text(&compared(&one, &one));
    assert!(text.starts_with("no difference\n"), "{text}");
    assert!(!text.contains('→') && !text.contains('×'), "{text}");
    let later = document(|value| value["time"]["wall_ns"] = json!(77));
    let comparison = compared(&one, &later);
    let text = text::to_text(&comparison);
    assert!(
        text.starts_with("no difference but in the wall's time\n"),
        "{text}"
    );
    let value: Value = serde_json::from_str(&comparison.to_json()).unwrap();
    assert_eq!(
        (&value["schema"], &value["same"]),
        (&json!(SCHEMA), &json!(true))
    );
}

/// A document with several differences from `document(|_| {})`.
fn other() -> String {
    document(|value| {
        value["completion"] = json!("locked");
        value["seed"] = json!(7);
        value["mailbox"]["accepted"] = json!(0);
        value["mailbox"]["full"] = json!(3);
        value["tasks"]["submitted"] = json!(150);
        value["latency"]["wait"]["p50_ns"] = json!(1_500);
        value["latency"]["fin_to_consumer"]["p50_ns"] = json!(4_000);
        value["time"]["virtual_ns"] = json!(20_000);
    })
}

#[test]
fn every_figure_has_its_difference_and_ratio_and_configuration_stands_apart() {
    let comparison = compared(&document(|_| {}), &other());
    let text = text::to_text(&comparison);
    assert_eq!(
        line(&text, "configuration")[1..],
        ["completion:", "mailbox", "→", "locked"]
    );
    assert_eq!(line(&text, "seed:"), ["seed:", "0", "→", "7"]);
    assert_eq!(
        line(&text, "tasks.submitted "),
        ["tasks.submitted", "100", "150", "+50", "×1.500"]
    );
    assert_eq!(
        line(&text, "mailbox.accepted "),
        ["mailbox.accepted", "40", "0", "-40", "×0.000"]
    );
    assert_eq!(
        line(&text, "mailbox.full "),
        ["mailbox.full", "0", "3", "+3"]
    );
    assert_eq!(
        line(&text, "time.virtual_ns "),
        [
            "time.virtual_ns",
            "31.8",
            "µs",
            "20.0",
            "µs",
            "-11.8",
            "µs",
            "×0.628"
        ]
    );
    assert_eq!(line(&text, "phases")[1..4], ["FIN", "to", "consumer:"]);
    let counters: Vec<&str> = comparison
        .causes
        .counters
        .iter()
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!(
        counters,
        ["mailbox.accepted", "mailbox.full", "tasks.submitted"]
    );
}

#[test]
fn the_json_has_the_same_with_numbers() {
    let comparison = compared(&document(|_| {}), &other());
    let value: Value = serde_json::from_str(&comparison.to_json()).unwrap();
    assert_eq!(value["same"], json!(false));
    let phases = &value["causes"]["phases"];
    assert_eq!(phases[0]["name"], json!("latency.fin_to_consumer"));
    assert_eq!(phases[0]["p50"]["difference"], json!(3_000));
    assert_eq!(phases[1]["p50"]["ratio"], json!(1.5));
    let figures = value["figures"].as_array().unwrap();
    let full = figures
        .iter()
        .find(|it| it["name"] == "mailbox.full")
        .unwrap();
    assert_eq!(
        *full,
        json!({"name": "mailbox.full", "a": 0, "b": 3, "difference": 3, "ratio": null})
    );
}

#[test]
fn unknown_fields_are_compared_and_missing_ones_are_told() {
    let a = document(|value| {
        value.as_object_mut().unwrap().remove("latency");
        value["analysis"] = json!({"critical_path": {"idle_ns": 500}, "cores": [1, 2, 3],
            "sentence": "the link", "share": 0.25});
        value["faults"] = json!([{"name": "fin-lost", "strikes": 2}]);
    });
    let b = document(|value| {
        value["analysis"] = json!({"critical_path": {"idle_ns": 900}, "cores": [1],
            "sentence": "a core", "share": 0.24999});
        value["cost_model"] = json!("slow");
        value["trace"] = json!({"file": "b.pftrace", "bytes": 9});
    });
    let comparison = compared(&a, &b);
    let text = text::to_text(&comparison);
    assert_eq!(
        line(&text, "analysis.critical_path.idle_ns "),
        [
            "analysis.critical_path.idle_ns",
            "500",
            "ns",
            "900",
            "ns",
            "+400",
            "ns",
            "×1.800"
        ]
    );
    assert_eq!(
        line(&text, "analysis.cores.length ")[1..],
        ["3", "1", "-2", "×0.333"]
    );
    assert_eq!(
        line(&text, "faults.fin-lost.strikes ")[1..],
        ["2", "-", "only", "in", "A"]
    );
    assert_eq!(
        line(&text, "latency.wait.count ")[1..],
        ["-", "10", "only", "in", "B"]
    );
    assert_eq!(
        line(&text, "analysis.share ")[1..],
        ["0.2500", "0.2500", "-1.00e-5", "×1.000"]
    );
    let outcome = &comparison.differences.outcome;
    assert_eq!(outcome[0].name, "analysis.sentence");
    assert_eq!(
        line(&text, "cost_model:"),
        ["cost_model:", "-", "→", "slow"]
    );
    assert!(
        !text.contains("trace"),
        "where output went is no difference: {text}"
    );
    let analysis = &comparison.causes.analysis;
    assert_eq!(analysis[0].name, "analysis.critical_path.idle_ns");
}

#[test]
fn what_is_no_document_of_a_run_is_refused_with_the_place_and_what_to_do() {
    let whole = document(|_| {});
    let cut = &whole[..whole.len() / 2];
    let two_lines = "{\n  \"schema\": oops";
    for (bytes, expected) in [
        ("", "it is empty"),
        (" \n", "it is empty"),
        (
            cut,
            &format!(
                "it ends in the middle, at byte {}, line 1: it was cut off",
                cut.len()
            ),
        ),
        (two_lines, "no JSON at byte 15, line 2: expected value"),
        (
            "[]",
            "no document of a run: there is no \"schema\": \"finbox.run/1\"",
        ),
        (
            "{\"schema\": \"finbox.run/2\"}",
            "it is finbox.run/2, and finbox.run/1 is read here",
        ),
        (
            "{\"schema\": \"finbox.check/1\"}",
            "it is finbox.check/1, not a run (finbox.run/1)",
        ),
        (
            "{\"schema\": \"finbox.run/1\"}",
            "there is no text called \"scenario\"",
        ),
    ] {
        let (what, hint) = parse(bytes.as_bytes()).unwrap_err();
        assert_eq!(what, expected);
        assert!(!hint.is_empty());
    }
    let no_tasks = document(|value| value["tasks"] = json!(7));
    let (what, _) = parse(no_tasks.as_bytes()).unwrap_err();
    assert_eq!(what, "there is no object called \"tasks\"");
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(
        parse(deep.as_bytes())
            .unwrap_err()
            .0
            .contains("recursion limit")
    );
}

#[test]
fn a_refusal_names_the_file_and_has_the_number_of_its_kind() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("good.json"), document(|_| {})).unwrap();
    fs::write(path("bad.json"), "{").unwrap();
    let error = |before: PathBuf, after: PathBuf| {
        let options = CompareOptions {
            before,
            after,
            json: true,
        };
        match comparison(&options) {
            Ok(_) => None,
            Err(error) => Some((error.code, error.message)),
        }
    };
    assert_eq!(error(path("good.json"), path("good.json")), None);
    let begins = |path: &Path, text: &str| path.display().to_string() + text;
    for (bad, code, text) in [
        (
            "bad.json",
            192,
            ": it ends in the middle, at byte 1, line 1",
        ),
        ("none.json", 191, " cannot be read: "),
        (".", 191, " cannot be read: "),
    ] {
        let (number, message) = error(path("good.json"), path(bad)).unwrap();
        assert_eq!(number, code, "{message}");
        assert!(message.starts_with(&begins(&path(bad), text)), "{message}");
    }
}

//! Cost models: printed, edited, read again, and refused.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::{arg, data, finbox, refused};

/// What `finbox list --cost-model` prints, in a file.
fn printed(folder: &TempDir, target: &str) -> String {
    let ended = finbox(&["list", "--cost-model", target]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let path = folder.path().join(format!("{target}.json"));
    fs::write(&path, ended.stdout).unwrap();
    arg(&path).to_owned()
}

fn run(args: &[&str]) -> Value {
    let ended = finbox(&[&["run", "--json"], args].concat());
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    ended.document()
}

#[test]
fn printed_defaults_read_again_give_the_same_digests() {
    let folder = TempDir::new().unwrap();
    let trace = data("mlcommons");
    for target in ["a2a3", "a5"] {
        let file = printed(&folder, target);
        for what in ["deferred_notify_demo", "sdma_async", arg(&trace)] {
            let usual = run(&[what, "--target", target, "--seed", "3"]);
            let costs = ["--cost-model", &file];
            let same = run(&[&[what, "--target", target, "--seed", "3"], &costs[..]].concat());
            assert!(usual["digest"].is_string());
            assert_eq!(usual["digest"], same["digest"], "{what}");
            assert_eq!(usual["result_digest"], same["result_digest"], "{what}");
        }
    }
}

#[test]
fn a_cost_that_is_changed_changes_the_time_and_not_the_result() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("slow.json");
    fs::write(
        &path,
        "{\"schema\": \"finbox.cost/1\", \"costs\": {\"submit_ns\": 87400}}",
    )
    .unwrap();
    let usual = run(&["dummy_task"]);
    let slow = run(&["dummy_task", "--cost-model", arg(&path)]);
    let ns = |document: &Value| document["time"]["virtual_ns"].as_u64().unwrap();
    assert!(ns(&slow) > 10 * ns(&usual));
    assert_eq!(usual["result_digest"], slow["result_digest"]);
    let check = [
        "check",
        "dummy_task",
        "--seeds",
        "4",
        "--cost-model",
        arg(&path),
    ];
    assert_eq!(finbox(&check).code, Some(0));
}

#[test]
fn a_roofline_that_is_changed_changes_what_a_trace_without_durations_takes() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("slow.json");
    let slow = "{\"schema\": \"finbox.cost/1\", \"roofline\": {\"peak_flops\": 1e6, \
                \"bandwidth_bytes_per_s\": 1e6}}";
    fs::write(&path, slow).unwrap();
    let trace = data("micro/ALL_REDUCE.0.et");
    let ns = |costs: &[&str]| {
        let document = run(&[&[arg(&trace)], costs].concat());
        document["time"]["virtual_ns"].as_u64().unwrap()
    };
    assert!(ns(&["--cost-model", arg(&path)]) > ns(&[]));
}

#[test]
fn a_world_in_which_nothing_costs_anything_ends_too() {
    let folder = TempDir::new().unwrap();
    let file = printed(&folder, "a2a3");
    let mut free: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    for (name, cost) in free["costs"].as_object_mut().unwrap() {
        if cost.is_object() {
            cost["latency_ns"] = 0.into();
        } else if name != "put_bytes_per_us" {
            *cost = 0.into();
        }
    }
    fs::write(&file, free.to_string()).unwrap();
    for what in ["deferred_notify_demo", "prefetch_async"] {
        run(&[what, "--cost-model", &file]);
    }
}

#[test]
fn a_file_that_is_no_good_is_refused_with_line_and_field() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("bad.json");
    let file = arg(&path);
    for (text, what) in [
        (
            "{\n\"schema\": \"finbox.cost/1\",\n\"costs\": {\"submit_ns\": -1}}",
            &[
                "bad.json, line 3, column 24",
                "costs.submit_ns is -1",
                "from 0 to",
            ][..],
        ),
        (
            "{\"schema\": \"finbox.cost/1\",",
            &["line 1", "the file ends inside a value"],
        ),
        (
            "{\"schema\": \"finbox.graph/1\"}",
            &["no finbox.cost/1 file"],
        ),
    ] {
        fs::write(&path, text).unwrap();
        for command in ["run", "check"] {
            let error = refused(&[command, "dummy_task", "--cost-model", file], 3, what);
            assert_eq!(error["name"], "INPUT_INVALID");
        }
    }
    let missing = ["run", "dummy_task", "--cost-model", "./missing.json"];
    assert_eq!(
        refused(&missing, 3, &["missing.json"])["name"],
        "INPUT_UNREADABLE"
    );
    let parallel = [
        "run",
        "dummy_task",
        "--mode",
        "parallel",
        "--cost-model",
        file,
    ];
    refused(&parallel, 2, &["--cost-model", "--mode parallel"]);
    refused(&["list", "--cost-model", "a7"], 2, &["a7"]);
}

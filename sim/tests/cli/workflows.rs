//! Workflows of WfCommons: run, scaled, converted, and refused.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{arg, finbox, refused};

/// Eight tasks in a row of two, in this version.
fn ladder(version: &str) -> Value {
    let name = |step: i32, side: i32| format!("t{step}-{side}");
    let both = |step: i32| -> Vec<String> {
        let is_there = (0..4).contains(&step);
        (0..2)
            .filter(|_| is_there)
            .map(|side| name(step, side))
            .collect()
    };
    let all = (0..4).flat_map(|step| [(step, 0), (step, 1)]);
    let task = |(step, side): (i32, i32)| {
        let (parents, children) = (both(step - 1), both(step + 1));
        let id = name(step, side);
        json!({"name": id, "id": id, "parents": parents, "children": children,
               "inputFiles": ["f"]})
    };
    let executed = |(step, side)| json!({"id": name(step, side), "runtimeInSeconds": 2.0});
    json!({
        "name": "ladder", "schemaVersion": version,
        "workflow": {
            "specification": {
                "tasks": all.clone().map(task).collect::<Vec<_>>(),
                "files": [{"id": "f", "sizeInBytes": 1000}],
            },
            "execution": {"tasks": all.map(executed).collect::<Vec<_>>()},
        },
    })
}

fn written(folder: &TempDir, instance: &Value) -> String {
    let path = folder.path().join("ladder.json");
    fs::write(&path, instance.to_string()).unwrap();
    arg(&path).to_owned()
}

fn run(args: &[&str]) -> Value {
    let ended = finbox(&[&["run", "--json"], args].concat());
    assert_eq!(ended.code, Some(0), "{args:?}: {}", ended.stderr);
    ended.document()
}

fn ns(document: &Value) -> u64 {
    document["time"]["virtual_ns"].as_u64().unwrap()
}

#[test]
fn a_workflow_of_either_version_takes_its_critical_path_in_scaled_time() {
    let folder = TempDir::new().unwrap();
    for version in ["1.5", "1.6"] {
        let file = written(&folder, &ladder(version));
        for target in ["a2a3", "a5"] {
            let usual = run(&[&file, "--target", target]);
            assert_eq!(usual["tasks"]["completed"], 8);
            assert_eq!(usual["tasks"]["deferred"], 8);
            // Four steps of 2 s, a millisecond each second, and what the control CPU costs.
            assert!(
                (8_000_000..8_300_000).contains(&ns(&usual)),
                "{}",
                ns(&usual)
            );
        }
        let long = run(&[&file, "--time-scale", "1"]);
        assert!(
            (8_000_000_000..8_010_000_000).contains(&ns(&long)),
            "{}",
            ns(&long)
        );
    }
    let file = written(&folder, &ladder("1.5"));
    assert_eq!(finbox(&["check", &file, "--seeds", "4"]).code, Some(0));
}

#[test]
fn a_workflow_that_is_converted_runs_with_the_same_digests() {
    let folder = TempDir::new().unwrap();
    let file = written(&folder, &ladder("1.6"));
    let path = folder.path().join("graph.json");
    let scale = ["--time-scale", "0.25"];
    let ended = finbox(&[&["convert", &file, "-o", arg(&path)], &scale[..]].concat());
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let (expected, found) = (
        run(&[&[&file[..]], &scale[..]].concat()),
        run(&[arg(&path)]),
    );
    for field in ["digest", "result_digest"] {
        assert_eq!(expected[field], found[field]);
    }
    refused(
        &["run", arg(&path), "--time-scale", "1"],
        3,
        &["--time-scale is for workflows"],
    );
}

#[test]
fn what_is_no_workflow_is_refused_with_its_line() {
    let folder = TempDir::new().unwrap();
    let mut lost = ladder("1.5");
    lost["workflow"]["specification"]["tasks"][0]["children"] = json!([]);
    let file = written(&folder, &lost);
    refused(
        &["run", &file],
        3,
        &["ladder.json, line 1, column", "is not named back"],
    );
    let file = written(&folder, &ladder("1.4"));
    refused(&["run", &file], 3, &["WfFormat \"1.4\"", "1.5 and 1.6"]);
    refused(
        &["run", "dummy_task", "--time-scale", "1"],
        2,
        &["--time-scale", "'dummy_task'"],
    );
    refused(
        &["run", &file, "--time-scale", "0"],
        2,
        &["--time-scale", "1000"],
    );
}

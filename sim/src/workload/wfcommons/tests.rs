//! Tiny workflows of our own: what they become, and why others are refused.

use std::path::Path;

use serde_json::{Value, json};

use super::{NS_PER_SECOND, read};
use crate::demo::by_hand::run_in;
use crate::file::{FileError, TextFile};
use crate::workload::{EngineTime, Op, Workload};
use finbox_scheduler::A2A3;

/// A diamond: split, left and right, join; the join reads and writes files.
fn diamond(version: &str) -> Value {
    let task = |id: &str, parents: &[&str], children: &[&str]| {
        let (parents, children) = (json!(parents), json!(children));
        json!({"name": id, "id": id, "parents": parents, "children": children})
    };
    let mut join = task("join", &["left", "right"], &[]);
    join["inputFiles"] = json!(["a", "b"]);
    join["outputFiles"] = json!(["c"]);
    let executed = |id: &str, runtime: f64| json!({"id": id, "runtimeInSeconds": runtime});
    json!({
        "name": "diamond", "schemaVersion": version, "createdAt": "2026-01-01T00:00:00Z",
        "workflow": {
            "specification": {
                "tasks": [
                    join,
                    task("right", &["split"], &["join"]),
                    task("left", &["split"], &["join"]),
                    task("split", &[], &["left", "right"]),
                ],
                "files": [
                    {"id": "a", "sizeInBytes": 100}, {"id": "b", "sizeInBytes": 0},
                    {"id": "c", "sizeInBytes": 50_000},
                ],
            },
            "execution": {
                "makespanInSeconds": 4, "executedAt": "2026-01-01T00:00:00Z",
                "tasks": [
                    executed("split", 1.0), executed("left", 0.25),
                    executed("right", 2.5), executed("join", 0.0),
                ],
            },
        },
    })
}

fn parsed(instance: &Value) -> Result<Workload, FileError> {
    let text = serde_json::to_string_pretty(instance).unwrap();
    read(&TextFile::new(Path::new("w.json"), text), NS_PER_SECOND)
}

fn refused(change: impl FnOnce(&mut Value)) -> (String, String) {
    let mut instance = diamond("1.5");
    change(&mut instance["workflow"]);
    let error = parsed(&instance).unwrap_err();
    (error.to_string(), error.hint().to_owned())
}

#[test]
fn a_workflow_keeps_its_parents_runtimes_and_bytes() {
    let workload = parsed(&diamond("1.5")).unwrap();
    assert_eq!(workload.check(), Ok(()));
    let tasks = &workload.ranks[0].tasks;
    let found: Vec<_> = tasks
        .iter()
        .map(|task| (&*task.name, task.duration_ns, &task.after[..], task.defers))
        .collect();
    let expected = [
        ("join", 0, &[1, 2][..], 1),
        ("right", 2_500_000, &[3], 0),
        ("left", 250_000, &[3], 0),
        ("split", 1_000_000, &[], 0),
    ];
    assert_eq!(found, expected);
    let time = EngineTime::Bytes(50_100);
    assert!(tasks[0].program.contains(&Op::Engine { counter: 0, time }));
    let order: Vec<u32> = workload.order.iter().map(|at| at.task).collect();
    assert_eq!(order, [3, 1, 2, 0]);
    let devices = run_in(&workload, A2A3, &workload.order);
    assert!(workload.verify(&devices).is_right());
    let devices = run_in(
        &workload,
        A2A3,
        &[0, 1, 2, 3].map(|at| workload.order[at ^ 3]),
    );
    assert_eq!(workload.verify(&devices).wrong, 3);
}

#[test]
fn version_1_6_is_1_5_with_metrics() {
    let mut newer = diamond("1.6");
    newer["workflow"]["specification"]["metrics"] = json!({"taskCount": 4, "depth": 3});
    newer["workflow"]["execution"]["metrics"] = json!({"totalWorkInSeconds": 3.75});
    assert_eq!(parsed(&newer).unwrap(), parsed(&diamond("1.5")).unwrap());
}

#[test]
fn other_versions_are_refused_and_those_that_are_read_are_named() {
    for version in ["1.4", "1.7", ""] {
        let error = parsed(&diamond(version)).unwrap_err();
        let said = error.to_string();
        assert!(said.contains(&format!("WfFormat \"{version}\"")), "{said}");
        assert!(said.contains("1.5 and 1.6"), "{said}");
    }
}

#[test]
fn a_scale_of_time_stretches_every_task() {
    let text = diamond("1.5").to_string();
    let workload = read(&TextFile::new(Path::new("w.json"), text), 1_000).unwrap();
    let times: Vec<u64> = workload.ranks[0]
        .tasks
        .iter()
        .map(|task| task.duration_ns)
        .collect();
    assert_eq!(times, [0, 2_500, 250, 1_000]);
}

#[test]
fn dependencies_that_do_not_fit_are_refused() {
    let (said, hint) = refused(|it| it["specification"]["tasks"][1]["parents"] = json!(["splt"]));
    assert!(
        said.contains("there is no task \"splt\"") && said.contains(", line "),
        "{said}"
    );
    assert_eq!(hint, "did you mean \"split\"?");
    let (said, _) = refused(|it| it["specification"]["tasks"][1]["parents"] = json!([]));
    assert!(
        said.contains("\"split\" names \"right\" as a child"),
        "{said}"
    );
    let (said, _) = refused(|it| it["specification"]["tasks"][3]["children"] = json!(["left"]));
    assert!(
        said.contains("\"right\" names \"split\" as a parent"),
        "{said}"
    );
    let (said, _) = refused(|it| it["specification"]["tasks"][1]["id"] = json!("left"));
    assert!(said.contains("two tasks \"left\""), "{said}");
    let (said, hint) = refused(|it| {
        it["specification"]["tasks"][3]["parents"] = json!(["join"]);
        it["specification"]["tasks"][0]["children"] = json!(["split"]);
    });
    assert!(said.contains("wait for each other: "), "{said}");
    assert!(
        ["join", "split", "right"]
            .iter()
            .all(|id| said.contains(id)),
        "{said}"
    );
    assert!(hint.contains("remove one"));
}

#[test]
fn what_was_not_measured_is_refused() {
    let (said, hint) = refused(|it| it["execution"] = Value::Null);
    assert!(
        said.contains("was not executed") && hint.contains("runtimeInSeconds"),
        "{said}"
    );
    let (said, _) = refused(|it| {
        it["execution"]["tasks"].as_array_mut().unwrap().pop();
    });
    assert!(said.contains("task \"join\" was not executed"), "{said}");
    let (said, _) = refused(|it| it["execution"]["tasks"][0]["id"] = json!("join"));
    assert!(said.contains("two executed tasks \"join\""), "{said}");
    let (said, _) = refused(|it| it["execution"]["tasks"][0]["id"] = json!("x"));
    assert!(said.contains("no task \"x\""), "{said}");
    let (said, _) = refused(|it| it["execution"]["tasks"][0]["runtimeInSeconds"] = json!(-1));
    assert!(said.contains("runtimeInSeconds is -1"), "{said}");
    let (said, hint) = refused(|it| it["execution"]["tasks"][0]["runtimeInSeconds"] = json!(1e300));
    assert!(
        said.contains("thousand hours") && hint.contains("--time-scale"),
        "{said}"
    );
    let (said, _) = refused(|it| it["specification"]["files"] = json!([]));
    assert!(said.contains("there is no file \"a\""), "{said}");
    let (said, _) = refused(|it| it["specification"]["files"][0]["id"] = json!("b"));
    assert!(said.contains("two files \"b\""), "{said}");
    let (said, _) = refused(|it| it["specification"]["tasks"] = json!([]));
    assert!(said.contains("no tasks"), "{said}");
}

#[test]
fn every_beginning_is_refused_and_no_byte_panics() {
    let text = diamond("1.5").to_string();
    let read = |text: &str| read(&TextFile::new(Path::new("w.json"), text), NS_PER_SECOND);
    for end in 0..text.len() {
        assert!(read(&text[..end]).is_err(), "{end}");
    }
    for at in 0..text.len() {
        for byte in ["0", "\"", "}", "-"] {
            let changed = [&text[..at], byte, &text[at + 1..]].concat();
            let _may_be_either = read(&changed);
        }
    }
}

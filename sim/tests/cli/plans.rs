//! Launches on streams through the executable: plan modes, gaps, and who waits for whom.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{arg, finbox, refused};

fn run(args: &[&str]) -> (Option<i32>, Value) {
    let ended = finbox(&[&["run", "streams"], args, &["--json"]].concat());
    (ended.code, ended.document())
}

#[test]
fn streams_pass_on_both_clocks_with_one_result_and_nothing_to_explain() {
    let [lockstep, parallel] = ["lockstep", "parallel"].map(|mode| {
        let (code, document) = run(&["--mode", mode, "--explain", "--tasks", "4"]);
        assert_eq!((code, &document["max_diff"]), (Some(0), &0.0.into()));
        assert_eq!(document["explain"], Value::Array(Vec::new()));
        assert_eq!(document["gaps"], Value::Array(Vec::new()));
        document["result_digest"].clone()
    });
    assert_eq!(lockstep, parallel);
    let text = finbox(&["run", "streams", "--tasks", "1", "--explain"]).stdout;
    assert!(text.contains("every point was reached"), "{text}");
}

#[test]
fn a_use_that_is_left_out_is_refused_or_listed_as_the_plan_says() {
    let omit = ["--omit-use", "join:keys"];
    let words = ["launch `join 0`", "argument 2 `keys`", "--plan permissive"];
    let ended = finbox(&[&["run", "streams"][..], &omit].concat());
    assert_eq!(ended.code, Some(2));
    let is_said = |word: &&str| ended.stderr.contains(word);
    assert!(words.iter().all(is_said), "{}", ended.stderr);
    let (code, document) = run(&[&omit[..], &["--plan", "permissive"]].concat());
    assert_eq!((code, &document["verdict"]), (Some(1), &"wrong".into()));
    let gaps = document["gaps"].as_array().expect("a list");
    assert_eq!((gaps.len(), &gaps[0]["kind"]), (16, &"external".into()));
    let unknown = ["run", "streams", "--omit-use", "join:nothing"];
    refused(&unknown, 2, &["join:nothing", "join:keys"]);
    refused(&["run", "streams", "--omit-use", "join"], 2, &["join:keys"]);
    let other = ["run", "dummy_task", "--omit-use", "join:keys"];
    refused(&other, 2, &["--omit-use", "dummy_task"]);
}

#[test]
fn a_gap_is_of_the_rank_whose_launch_it_is() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("graph.json");
    let ended = finbox(&["convert", "streams", "-o", arg(&path)]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let graph: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    for ranks in [&[1][..], &[0, 1]] {
        let mut graph = graph.clone();
        for &rank in ranks {
            let mut tasks = graph["ranks"][rank]["tasks"]
                .as_array_mut()
                .unwrap()
                .iter_mut();
            let launch = tasks.find(|task| task["name"] == "load 0").unwrap();
            launch["externals"] = json!([{"label": "table", "at": 0}]);
        }
        fs::write(&path, graph.to_string()).unwrap();
        let ended = finbox(&["run", arg(&path), "--plan", "permissive", "--json"]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let document = ended.document();
        let gaps = document["gaps"].as_array().unwrap().iter();
        let found: Vec<usize> = gaps
            .map(|gap| usize::try_from(gap["rank"].as_u64().unwrap()).unwrap())
            .collect();
        assert_eq!(found, ranks, "{}", document["gaps"]);
    }
}

#[test]
fn more_rounds_than_a_run_has_tasks_for_are_refused() {
    for (ranks, rounds) in [("1", "4000000"), ("64", "6251")] {
        let line = ["run", "streams", "--ranks", ranks, "--tasks", rounds];
        refused(&line, 2, &["at most 4000000", "fewer --tasks"]);
    }
    let line = ["run", "grid", "--tasks", "10000001"];
    refused(&line, 2, &["10000001", "from 1 to 10000000"]);
}

#[test]
fn a_run_that_is_stuck_says_of_each_point_who_it_is_waiting_for() {
    let fault = ["--fault", "all-cores-hang:0", "--tasks", "2", "--explain"];
    let (code, document) = run(&[&fault[..], &["--deadline-ms", "5"]].concat());
    assert_eq!(code, Some(4), "{document}");
    let explain = document["explain"].as_array().expect("a list");
    let first = |name: &str| explain.iter().find(|one| one["name"] == name);
    let late = first("mark 1").expect("it did not come");
    assert!(late["point"]["wanted"].as_u64() > late["point"]["current"].as_u64());
    let root = late["root"].as_str().expect("a sentence");
    assert!(root.starts_with("running, task "), "{root}");
    let tasks = document["stall"]["tasks"].as_array().expect("a list");
    let point = tasks.iter().find_map(|task| task["point"].as_str());
    assert!(point.expect("launches are stuck").contains("in the end: "));
    let other = [
        "run",
        "deferred_notify_demo",
        "--fault",
        "notify-lost",
        "--explain",
    ];
    let ended = finbox(&[&other[..], &["--json"]].concat());
    let document = ended.document();
    let explain = &document["explain"][0];
    assert_eq!(explain["point"], Value::Null);
    let message = explain["message"].as_str().expect("a sentence");
    assert!(
        message.contains("counter") && message.contains("in the end: "),
        "{message}"
    );
}

/// Late cores among them: the memory of an ended stream comes back when the last one is through.
#[test]
fn streams_end_under_all_faults_as_those_explain() {
    let ended = finbox(&[
        "check", "streams", "--seeds", "60", "--faults", "all", "--quiet",
    ]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

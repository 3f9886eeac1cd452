//! Task Bench: its patterns as scenarios, and what is measured of them.

use serde_json::Value;

use crate::{finbox, refused};

fn document(args: &[&str]) -> Value {
    let ended = finbox(args);
    assert_eq!(ended.code, Some(0), "{args:?}: {}", ended.stderr);
    ended.document()
}

/// The scenarios of Task Bench.
fn patterns() -> Vec<String> {
    let list = document(&["list", "--json"]);
    let names = list["scenarios"].as_array().unwrap().iter();
    let names = names.map(|scenario| scenario["name"].as_str().unwrap().to_owned());
    names
        .filter(|name| name.starts_with("task_bench_"))
        .collect()
}

#[test]
fn every_pattern_passes_on_both_targets_and_both_clocks() {
    assert_eq!(patterns().len(), 8);
    for pattern in patterns() {
        for args in [
            &["--target", "a2a3", "--width", "9", "--steps", "7"][..],
            &[
                "--target",
                "a5",
                "--width",
                "200",
                "--steps",
                "3",
                "--task-ns",
                "0",
            ],
            &["--mode", "parallel", "--width", "5", "--steps", "30"],
        ] {
            let found = document(&[&["run", &pattern, "--json"], args].concat());
            assert_eq!(found["verdict"], "pass", "{pattern} {args:?}");
        }
    }
    let check = [
        "check",
        "task_bench_random",
        "--seeds",
        "6",
        "--faults",
        "all",
        "--width",
        "6",
    ];
    assert_eq!(finbox(&check).code, Some(0));
}

#[test]
fn a_graph_is_as_wide_as_the_chip_and_as_long_as_it_is_told() {
    let tasks = |args: &[&str]| {
        let args = [&["run", "task_bench_trivial", "--json"], args].concat();
        document(&args)["tasks"]["completed"].as_u64().unwrap()
    };
    assert_eq!(tasks(&[]), 48 * 20);
    assert_eq!(tasks(&["--target", "a5", "--steps", "2"]), 72 * 2);
    assert_eq!(tasks(&["--cores", "3", "--steps", "5"]), 2 * 5);
}

#[test]
fn the_options_of_task_bench_are_for_nothing_else() {
    for option in ["--width", "--steps", "--task-ns"] {
        refused(
            &["run", "grid", option, "5"],
            2,
            &[option, "'grid'", "task_bench"],
        );
        refused(&["run", "./x.json", option, "5"], 2, &[option]);
        let beyond = ["run", "task_bench_fft", option, "99999999999"];
        refused(&beyond, 2, &[option]);
    }
    let many = [
        "run",
        "task_bench_trivial",
        "--width",
        "4096",
        "--steps",
        "100000",
    ];
    refused(&many, 2, &["409600000 tasks", "4000000"]);
    let edges = [
        "run",
        "task_bench_all_to_all",
        "--width",
        "4096",
        "--steps",
        "2",
    ];
    refused(&edges, 2, &["edges", "8000000"]);
}

#[test]
fn half_of_the_time_is_in_kernels_at_the_metg() {
    let args = ["metg", "stencil", "--width", "8", "--steps", "6", "--json"];
    let found = document(&args);
    assert_eq!(found["schema"], "finbox.metg/1");
    assert_eq!(found["pattern"], "task_bench_stencil");
    assert_eq!((&found["tasks"], &found["cores"]), (&48.into(), &8.into()));
    let number = |value: &Value| value.as_f64().unwrap();
    let samples = found["samples"].as_array().unwrap();
    for sample in samples {
        let efficiency = number(&sample["efficiency"]);
        let spent = number(&sample["makespan_ns"]) * 8.0;
        assert!((0.0..=1.0).contains(&efficiency));
        assert!((number(&sample["task_ns"]) * 48.0 / spent - efficiency).abs() < 1e-9);
        assert!((spent / 48.0 - number(&sample["granularity_ns"])).abs() < 1e-6);
    }
    let reach = |sample: &&Value| number(&sample["efficiency"]) >= 0.5;
    let (metg, shortest) = (&found["metg_task_ns"], samples.iter().find(reach).unwrap());
    assert_eq!(*metg, shortest["task_ns"]);
    assert_eq!(found["metg_ns"], shortest["granularity_ns"]);
    // Next to it is one that is not enough: the search has ended where the goal is crossed.
    let under = samples
        .iter()
        .rev()
        .find(|sample| number(&sample["efficiency"]) < 0.5)
        .unwrap();
    assert!(number(metg) - number(&under["task_ns"]) <= (number(metg) / 100.0).max(1.0));
    assert_eq!(document(&args), found);
}

#[test]
fn a_higher_goal_and_a_dearer_machine_need_longer_kernels() {
    let metg = |args: &[&str]| {
        let common = [
            "metg",
            "task_bench_nearest",
            "--width",
            "6",
            "--steps",
            "4",
            "--json",
        ];
        document(&[&common, args].concat())["metg_task_ns"]
            .as_u64()
            .unwrap()
    };
    let usual = metg(&[]);
    assert!(metg(&["--goal", "90"]) > 2 * usual);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dear.json");
    let dear = "{\"schema\": \"finbox.cost/1\", \"costs\": {\"dispatch_ns\": 30000}}";
    std::fs::write(&path, dear).unwrap();
    assert!(metg(&["--cost-model", crate::arg(&path)]) > 2 * usual);
}

#[test]
fn a_measure_is_told_in_words_and_an_unknown_pattern_is_refused() {
    let ended = finbox(&[
        "metg", "tree", "--width", "4", "--steps", "3", "--cores", "6",
    ]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(
        ended.stdout.starts_with("METG(50 %) of task_bench_tree: "),
        "{}",
        ended.stdout
    );
    assert!(ended.stdout.contains("4 vector cores") && ended.stdout.contains("12 tasks"));
    refused(&["metg", "stencl"], 2, &["stencl", "task_bench_stencil"]);
    refused(&["metg", "grid"], 2, &["grid"]);
    refused(&["metg", "fft", "--goal", "100"], 2, &["--goal", "99"]);
}

//! Graph files: what is converted runs as what it was made from, and what is wrong is refused.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::{arg, data, finbox, refused};

/// The example graphs.
fn examples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/graphs");
    let files = fs::read_dir(folder).unwrap();
    files.map(|file| file.unwrap().path()).collect()
}

fn run(what: &[&str], target: &str) -> Value {
    let ended = finbox(&[&["run", "--json", "--target", target], what].concat());
    assert_eq!(ended.code, Some(0), "{what:?}: {}", ended.stderr);
    ended.document()
}

fn convert(what: &[&str], target: &str, to: &str) {
    let ended = finbox(&[&["convert", "-o", to, "--target", target], what].concat());
    assert_eq!(ended.code, Some(0), "{what:?}: {}", ended.stderr);
    assert!(ended.stdout.starts_with(to), "{}", ended.stdout);
}

/// `what` on `target`, and the same converted and read again.
fn same(what: &[&str], target: &str) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("graph.json");
    convert(what, target, arg(&path));
    let seeds = what.contains(&"--seed");
    let seed = what.last().filter(|_| seeds).copied().unwrap_or("0");
    let (expected, found) = (
        run(what, target),
        run(&[arg(&path), "--seed", seed], target),
    );
    assert!(expected["digest"].is_string());
    for field in [
        "digest",
        "result_digest",
        "ranks",
        "max_diff",
        "tasks",
        "cores",
    ] {
        assert_eq!(
            expected[field], found[field],
            "{what:?} on {target}: {field}"
        );
    }
}

#[test]
fn every_scenario_that_is_converted_runs_with_the_same_digests() {
    let list = finbox(&["list", "--json"]).document();
    let scenarios = list["scenarios"].as_array().unwrap();
    assert!(scenarios.len() >= 11);
    for scenario in scenarios {
        let name = scenario["name"].as_str().unwrap();
        let tasks: &[&str] = match scenario["default_tasks"].is_null() {
            true => &[],
            false => &["--tasks", "500"],
        };
        for target in scenario["targets"].as_array().unwrap() {
            same(&[&[name], tasks].concat(), target.as_str().unwrap());
        }
    }
}

#[test]
fn random_graphs_and_traces_that_are_converted_run_with_the_same_digests() {
    for seed in ["1", "5", "77"] {
        same(&["random", "--seed", seed], "a5");
    }
    for trace in ["ring-allreduce-8", "micro/one_comp_node.0.et"] {
        same(&[arg(&data(trace))], "a2a3");
    }
}

#[test]
fn examples_pass_and_are_what_convert_writes() {
    let files = examples();
    assert!(files.len() >= 3);
    for file in &files {
        for target in ["a2a3", "a5"] {
            assert_eq!(run(&[arg(file)], target)["verdict"], "pass", "{file:?}");
        }
        assert_eq!(finbox(&["check", arg(file), "--seeds", "4"]).code, Some(0));
    }
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("graph.json");
    convert(&["deferred_notify_demo"], "a2a3", arg(&path));
    let written = fs::read_to_string(&path).unwrap();
    let example = files
        .iter()
        .find(|file| file.ends_with("deferred_notify_demo.json"));
    assert_eq!(fs::read_to_string(example.unwrap()).unwrap(), written);
}

#[test]
fn a_graph_is_known_by_how_it_begins_and_a_trace_by_its_name() {
    let folder = TempDir::new().unwrap();
    let text = fs::read_to_string(&examples()[0]).unwrap();
    let path = folder.path().join("graph.txt");
    fs::write(&path, format!(" \n{text}")).unwrap();
    assert_eq!(run(&[arg(&path)], "a2a3")["verdict"], "pass");
    let trace = folder.path().join("graph.0.et");
    fs::write(&trace, text).unwrap();
    let error = refused(&["run", arg(&trace)], 3, &["graph.0.et"]);
    assert!(!error["message"].as_str().unwrap().contains("line "));
}

#[test]
fn a_graph_with_a_wrong_result_is_wrong() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("graph.json");
    let graph = "{\"schema\": \"finbox.graph/1\", \"ranks\": [{
        \"buffers\": [{\"name\": \"b\", \"bytes\": 4}],
        \"tasks\": [{\"name\": \"t\", \"program\": [{\"store\": {\"at\": \"b\", \"value\": 7}}]}]}],
        \"checks\": [{\"rank\": 0, \"name\": \"b\", \"at\": \"b\", \"expect\": {\"u32s\": [8]}}]}";
    fs::write(&path, graph).unwrap();
    let wrong = finbox(&["run", arg(&path)]);
    assert_eq!(wrong.code, Some(1));
    assert!(
        wrong.stderr.contains("the graph is wrong, or what its"),
        "{}",
        wrong.stderr
    );
    for unsaid in ["bug in finbox", "no golden result"] {
        assert!(!wrong.stderr.contains(unsaid) && !wrong.stdout.contains(unsaid));
    }
    fs::write(&path, graph.replace("[8]", "[7]")).unwrap();
    assert_eq!(finbox(&["run", arg(&path)]).code, Some(0));
    refused(
        &["run", arg(&path), "--ranks", "2"],
        2,
        &["this file has 1 rank"],
    );
}

#[test]
fn what_is_no_graph_is_refused_with_its_place() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("graph.json");
    for (text, what) in [
        (
            "{\"schema\": \"finbox.graph/1\",\n \"rank\": []}",
            &["line 2, column 7", "`ranks`"][..],
        ),
        (
            "{\"schema\": \"finbox.graph/9\"}",
            &["line 1, column 12", "finbox.graph/1"],
        ),
        ("{\"nodes\": []}", &["no workload", "finbox list"]),
        ("{", &["line 1, column 1", "ends too early"]),
        ("", &["graph.json, line 1, column 1: the file is empty"]),
    ] {
        fs::write(&path, text).unwrap();
        let error = refused(&["run", arg(&path)], 3, what);
        assert_eq!(error["name"], "INPUT_INVALID");
        assert_eq!(finbox(&["convert", arg(&path), "-o", "-"]).code, Some(3));
    }
    let lost = folder.path().join("no/such/folder.json");
    let ended = finbox(&["convert", "dummy_task", "-o", arg(&lost)]);
    assert_eq!(ended.code, Some(5));
    assert!(ended.stderr.contains("cannot write"), "{}", ended.stderr);
    assert_eq!(finbox(&["convert", "dummy_task"]).code, Some(2));
}

#[test]
fn options_of_other_files_are_refused_with_what_they_are_for() {
    let graph = examples().remove(0);
    let trace = data("ring-allreduce-8");
    for (path, option, value, which) in [
        (&graph, "--deps", "data", "traces of Chakra"),
        (&graph, "--collectives", "ring", "traces of Chakra"),
        (&trace, "--time-scale", "1", "workflows of WfCommons"),
    ] {
        let said = format!("{option} is for {which}, and {} is none", path.display());
        refused(&["run", arg(path), option, value], 2, &[&said]);
    }
}

#[test]
fn the_time_of_too_many_bytes_is_refused_with_its_place() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("graph.json");
    let write = |bytes: u64| {
        let op = format!("{{\"engine\": {{\"counter\": \"c\", \"bytes\": {bytes}}}}}");
        let task = format!("{{\"name\": \"t\", \"program\": [{op}]}}");
        let rank = format!("{{\"counters\": [{{\"name\": \"c\"}}],\n\"tasks\": [{task}]}}");
        let head = "\"schema\": \"finbox.graph/1\"";
        fs::write(&path, format!("{{{head}, \"ranks\": [{rank}]}}")).unwrap();
    };
    write(1 << 50);
    assert_eq!(finbox(&["run", arg(&path)]).code, Some(0));
    for bytes in [(1 << 50) + 1, u64::MAX] {
        write(bytes);
        let said = format!("the time of {bytes} bytes, and 1125899906842624 are the most");
        let error = refused(&["run", arg(&path)], 3, &["line 2, column", &said]);
        assert_eq!(error["code"], 192);
    }
}

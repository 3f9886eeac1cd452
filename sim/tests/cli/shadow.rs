//! `--shadow` as a process: what is undeclared is wrong, and everything that comes along is clean.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{arg, data, finbox};

/// `deferred_notify_demo` as a graph; `change` does something to the uses of its first consumer.
fn changed(folder: &TempDir, change: impl FnOnce(&mut Vec<Value>)) -> String {
    let path = folder.path().join("graph.json");
    let ended = finbox(&["convert", "deferred_notify_demo", "-o", arg(&path)]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let mut graph: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let tasks = graph["ranks"][0]["tasks"].as_array_mut().unwrap();
    let mut named = tasks.iter_mut();
    let consumer = named.find(|task| task["name"] == "consumer").unwrap();
    change(consumer["uses"].as_array_mut().unwrap());
    fs::write(&path, graph.to_string()).unwrap();
    arg(&path).to_owned()
}

#[test]
fn a_use_that_is_left_out_is_wrong_and_named_in_text_document_and_page() {
    let folder = TempDir::new().unwrap();
    let path = changed(&folder, |uses| {
        uses.retain(|used| used["buffer"] != "mailbox");
    });
    let without = finbox(&["run", &path, "--json"]);
    assert_eq!(without.code, Some(0), "{}", without.stderr);
    assert!(without.document()["shadow"].is_null());
    for mode in ["lockstep", "parallel"] {
        let ended = finbox(&["run", &path, "--shadow", "--mode", mode, "--json"]);
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        let document = ended.document();
        assert_eq!(document["verdict"], "wrong");
        let error = &document["error"];
        assert_eq!(
            (&error["code"], &error["name"]),
            (&json!(200), &json!("UNDECLARED_USE"))
        );
        let shadow = &document["shadow"];
        assert_eq!(
            (&shadow["checked"], &shadow["silent"]),
            (&json!(6), &json!(0))
        );
        let [one] = &shadow["undeclared"].as_array().unwrap()[..] else {
            panic!("{shadow}");
        };
        let expected = [
            ("rank", json!(0)),
            ("task", json!(2)),
            ("name", json!("consumer")),
            ("operation", json!("copy")),
            ("access", json!("read")),
            ("memory", json!(0)),
            ("buffer", json!("mailbox")),
            ("at", json!(0)),
            ("bytes", json!(65_536)),
            ("ranges", json!(1)),
            ("all_bytes", json!(65_536)),
            ("why", json!("undeclared")),
        ];
        for (field, value) in expected {
            assert_eq!(one[field], value, "{field}: {one}");
        }
        assert_eq!(one["against"]["name"], "producer");
    }
    let page = folder.path().join("page.html");
    let ended = finbox(&["run", &path, "--shadow", "--report", arg(&page)]);
    let line =
        "rank 0, task 2 consumer (copy) reads bytes 0..65536 of mailbox, which it does not declare";
    for text in [ended.stdout, fs::read_to_string(&page).unwrap()] {
        assert!(text.contains(line), "{text}");
        assert!(text.contains("1 undeclared use"), "{text}");
    }
    let check = finbox(&["check", &path, "--shadow", "--seeds", "2"]);
    assert_eq!(check.code, Some(1), "{}", check.stdout);
    assert!(check.stderr.contains(line) && check.stderr.contains(" --shadow"));
}

/// Tasks that touch nothing, or nothing that is compared: a worker does not know which task the
/// item is that it does.
const SILENT: [&str; 3] = ["crowd", "persistent_scan", "mlcommons"];

#[test]
fn items_that_are_launched_are_compared() {
    let line = [
        "run",
        "persistent_scan",
        "--persistent",
        "disable",
        "--shadow",
    ];
    let ended = finbox(&[&line[..], &["--tasks", "50", "--json"]].concat());
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let shadow = &ended.document()["shadow"];
    assert_eq!(
        (&shadow["checked"], &shadow["silent"]),
        (&json!(0), &json!(50))
    );
}

#[test]
fn all_that_comes_along_declares_what_it_touches_and_runs_as_without_a_shadow() {
    let list = finbox(&["list", "--json"]).document();
    let names = list["scenarios"].as_array().unwrap().iter();
    let names: Vec<String> = names
        .map(|one| one["name"].as_str().unwrap().to_owned())
        .collect();
    assert!(names.len() > 15, "{names:?}");
    let traces = ["ring-allreduce-8", "llama-dp2-tp2-pp2", "mlcommons"].map(data);
    let traces = traces.iter().map(|path| arg(path).to_owned());
    for what in names.into_iter().chain(traces) {
        let run = |more: &[&str]| {
            let args = [&["run", &what, "--target", "a5", "--json", "--quiet"], more].concat();
            let ended = finbox(&args);
            assert_eq!(ended.code, Some(0), "{what}: {}", ended.stderr);
            ended.document()
        };
        let (alone, shadow) = (run(&[]), run(&["--shadow"]));
        for field in ["digest", "result_digest", "tasks", "wait_list"] {
            assert_eq!(alone[field], shadow[field], "{what}: {field}");
        }
        assert_eq!(alone["time"]["virtual_ns"], shadow["time"]["virtual_ns"]);
        assert_eq!(shadow["shadow"]["unchecked_pairs"], 0, "{what}");
        let looked_at = ["checked", "silent"].map(|kind| shadow["shadow"][kind].as_u64().unwrap());
        let touches = !SILENT.iter().any(|name| what.ends_with(name));
        assert_eq!(looked_at.iter().sum::<u64>() > 0, touches, "{what}");
        run(&["--shadow", "--mode", "parallel"]);
    }
}

#[test]
fn a_use_that_streams_leave_out_is_named() {
    let omit = ["--omit-use", "join:keys", "--plan", "permissive"];
    for mode in ["lockstep", "parallel"] {
        let line = [
            "run", "streams", "--tasks", "2", "--shadow", "--mode", mode, "--json",
        ];
        let ended = finbox(&[&line[..], &omit].concat());
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        let document = ended.document();
        let undeclared = document["shadow"]["undeclared"].as_array().unwrap();
        let is_it = |one: &&Value| one["name"] == "join 1" && one["rank"] == 1;
        let one = undeclared
            .iter()
            .find(is_it)
            .unwrap_or_else(|| panic!("{document}"));
        for (field, value) in [
            ("operation", "join_u32"),
            ("access", "read"),
            ("buffer", "keys"),
        ] {
            assert_eq!(one[field], value, "{field}: {one}");
        }
        assert_eq!(one["why"], "undeclared", "{one}");
        assert!(
            undeclared.iter().all(|one| one["buffer"] == "keys"),
            "{undeclared:?}"
        );
    }
}

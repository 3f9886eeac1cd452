//! Files that a run leaves, and commands that print what others made: traces, comparisons, scripts.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::{arg, finbox};

/// The options that name a file which a run leaves.
const OUTPUTS: [&str; 2] = ["--trace", "--report"];

fn run_with(output: &str, file: &Path, more: &[&str]) -> crate::Ended {
    let args = ["run", "deferred_notify_demo", "--json", output, arg(file)];
    finbox(&[&args[..], more].concat())
}

fn run_with_trace(file: &Path, more: &[&str]) -> crate::Ended {
    run_with("--trace", file, more)
}

#[test]
fn a_trace_is_written_and_the_document_says_what_is_in_it() {
    let folder = TempDir::new().unwrap();
    let (native, chrome) = (
        folder.path().join("a.pftrace"),
        folder.path().join("a.json"),
    );
    for (file, begins) in [(&native, &[0x0a][..]), (&chrome, &b"{"[..])] {
        fs::write(file, "older and longer ".repeat(10_000)).unwrap();
        let ended = run_with_trace(file, &["--trace-window", "0..100000"]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let written = fs::read(file).unwrap();
        assert!(written.starts_with(begins));
        let trace = &ended.document()["trace"];
        assert_eq!(trace["file"], arg(file));
        assert_eq!(trace["bytes"], written.len() as u64);
        assert!(trace["events"].as_u64() > Some(50) && trace["arrows"].as_u64() > Some(5));
        assert_eq!(trace["window"]["to_us"], 100_000);
        assert_eq!(
            (&trace["detail"], &trace["sampled"]),
            (&"all".into(), &1.into())
        );
    }
    let plain = finbox(&["run", "deferred_notify_demo", "--json"]);
    assert!(plain.document()["trace"].is_null());
    let text = finbox(&["run", "dummy_task", "--trace", arg(&native)]).stdout;
    assert!(text.contains("\n  trace      "), "{text}");
}

#[test]
fn a_file_that_cannot_be_written_is_refused_before_the_run() {
    let folder = TempDir::new().unwrap();
    let files = [
        folder.path().to_owned(),
        folder.path().join("no/such/folder/t"),
    ];
    for (output, file) in OUTPUTS
        .into_iter()
        .flat_map(|it| files.iter().map(move |file| (it, file)))
    {
        let ended = run_with(output, file, &[]);
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        let document = ended.document();
        assert_eq!(document["verdict"], "invalid");
        assert_eq!(document["error"]["code"], 197);
        assert_eq!(document["error"]["name"], "OUTPUT_UNWRITABLE");
        assert_eq!(document["tasks"]["submitted"], 0);
        assert!(ended.stderr.contains(arg(file)), "{}", ended.stderr);
    }
}

#[test]
fn the_file_that_a_run_is_read_from_is_not_written_over() {
    let folder = TempDir::new().unwrap();
    let (graph, link) = (folder.path().join("g.json"), folder.path().join("link"));
    let converted = finbox(&["convert", "dummy_task", "-o", arg(&graph)]);
    assert_eq!(converted.code, Some(0), "{}", converted.stderr);
    fs::hard_link(&graph, &link).unwrap();
    let before = fs::read(&graph).unwrap();
    for output in OUTPUTS {
        for file in [&graph, &link] {
            let ended = finbox(&["run", arg(&graph), output, arg(file)]);
            assert_eq!(ended.code, Some(2), "{}", ended.stdout);
            assert!(ended.stderr.contains("is read from it"), "{}", ended.stderr);
        }
    }
    assert_eq!(fs::read(&graph).unwrap(), before);
}

#[test]
fn a_disk_that_is_full_is_no_pass() {
    for output in OUTPUTS {
        let ended = run_with(output, Path::new("/dev/full"), &[]);
        assert_eq!(ended.code, Some(5), "{}", ended.stderr);
        let document = ended.document();
        assert_eq!(document["verdict"], "fault");
        assert_eq!(document["error"]["name"], "OUTPUT_UNWRITABLE");
        assert_eq!(document["tasks"]["completed"], 6);
        assert!(ended.stderr.contains("/dev/full"), "{}", ended.stderr);
    }
}

#[test]
fn a_run_that_is_refused_leaves_no_file_and_keeps_an_older_one() {
    let folder = TempDir::new().unwrap();
    let (new, old) = (folder.path().join("new"), folder.path().join("old"));
    fs::write(&old, "kept").unwrap();
    for (output, file) in OUTPUTS.into_iter().flat_map(|it| [(it, &new), (it, &old)]) {
        for refused in ["./no.such.file", "urma_deferred"] {
            let ended = finbox(&["run", refused, output, arg(file)]);
            assert_ne!(ended.code, Some(0));
        }
        // More mailbox memory than there may be: refused by the world itself.
        let ended = run_with(
            output,
            file,
            &["--ranks", "64", "--mailbox-slots", "16777216"],
        );
        assert_eq!(ended.code, Some(2), "{}", ended.stdout);
        // One of two files cannot be written.
        let ended = run_with("--trace", file, &["--report", arg(folder.path())]);
        assert_eq!(ended.code, Some(2), "{}", ended.stdout);
    }
    assert!(!new.exists());
    assert_eq!(fs::read_to_string(&old).unwrap(), "kept");
}

#[test]
fn a_window_needs_a_trace_and_both_are_for_runs_only() {
    for args in [
        &["run", "dummy_task", "--trace-window", "1..2"][..],
        &[
            "run",
            "dummy_task",
            "--trace",
            "t",
            "--trace-window",
            "2..1",
        ],
        &["check", "dummy_task", "--trace", "t"],
    ] {
        let ended = finbox(args);
        assert_eq!(ended.code, Some(2), "{args:?}");
        assert!(ended.stderr.contains("--trace"), "{}", ended.stderr);
    }
}

#[test]
fn documents_are_compared_and_what_is_none_exits_3() {
    let folder = TempDir::new().unwrap();
    let file = |name: &str, args: &[&str]| {
        let path = folder.path().join(name);
        let args = [&["run", "deferred_notify_demo", "--json"][..], args].concat();
        fs::write(&path, finbox(&args).stdout).unwrap();
        path
    };
    let (mailbox, locked) = (file("a", &[]), file("b", &["--completion", "locked"]));
    let same = finbox(&["compare", arg(&mailbox), arg(&mailbox)]);
    assert_eq!(same.code, Some(0));
    assert!(
        same.stdout.starts_with("no difference\n"),
        "{}",
        same.stdout
    );
    let differ = finbox(&["compare", arg(&mailbox), arg(&locked), "--json"]);
    assert_eq!((differ.code, differ.stderr.as_str()), (Some(0), ""));
    let document = differ.document();
    assert_eq!(document["schema"], "finbox.compare/1");
    assert_eq!(document["configuration"][0]["name"], "completion");
    fs::write(&locked, "{\"schema\":").unwrap();
    let cut = finbox(&["compare", arg(&mailbox), arg(&locked), "--json"]);
    assert_eq!(cut.code, Some(3));
    assert_eq!(cut.document()["error"]["name"], "INPUT_INVALID");
    assert!(cut.stderr.contains("byte 10, line 1"), "{}", cut.stderr);
    let none = finbox(&["compare", "./nowhere.json", arg(&mailbox)]);
    assert_eq!((none.code, none.stdout.as_str()), (Some(3), ""));
    assert!(
        none.stderr
            .starts_with("error: ./nowhere.json cannot be read")
    );
}

#[test]
fn scripts_and_manual_pages_go_to_stdout() {
    for args in [&["completions", "bash"][..], &["man"], &["man", "compare"]] {
        let ended = finbox(args);
        assert_eq!(
            (ended.code, ended.stderr.as_str()),
            (Some(0), ""),
            "{args:?}"
        );
        assert!(ended.stdout.contains("compare"));
    }
    assert_eq!(finbox(&["completions", "tcsh"]).code, Some(2));
}

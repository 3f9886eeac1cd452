//! Where words go: the result to stdout, all else to stderr, and streams that go away.

use crate::{Ended, command, finbox};

#[test]
fn a_pass_exits_0_with_its_result_on_stdout_and_a_silent_stderr() {
    for args in [
        &["run", "dummy_task"][..],
        &["run", "dummy_task", "--quiet"],
    ] {
        let ended = finbox(args);
        assert_eq!(ended.code, Some(0));
        assert!(ended.stdout.starts_with("PASS  dummy_task\n"));
        assert_eq!(ended.stderr, "");
    }
}

#[test]
fn with_json_a_refusal_is_text_on_stderr_and_one_document_on_stdout() {
    for args in [
        &["run", "--json", "nonsense"][..],
        &["--json"],
        &["bogus", "--json"],
        &["run", "dummy_task", "--seed", "--json"],
        &["run", "dummy_task", "--json", "--json=yes"],
    ] {
        let ended = finbox(args);
        assert_eq!(ended.code, Some(2), "{args:?}");
        let document = ended.document();
        assert_eq!(document["verdict"], "invalid");
        assert_eq!(document["error"]["name"], "USAGE");
        assert!(!document["error"]["hint"].as_str().unwrap().is_empty());
        assert!(
            ended.stderr.starts_with("error: "),
            "{args:?}: {}",
            ended.stderr
        );
    }
}

#[test]
fn no_arguments_show_help_on_stderr_and_exit_2() {
    let ended = finbox(&[]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
    assert!(ended.stderr.contains("Usage: finbox"));
}

#[test]
fn help_and_version_exit_0_on_stdout() {
    for args in [
        &["--help"][..],
        &["help"],
        &["help", "run"],
        &["run", "--help"],
        &["--version"],
    ] {
        let ended = finbox(args);
        assert_eq!(ended.code, Some(0), "{args:?}");
        assert!(
            !ended.stdout.is_empty() && ended.stderr.is_empty(),
            "{args:?}"
        );
    }
}

#[test]
fn logs_go_to_stderr_and_leave_the_document_alone() {
    let args = ["run", "deferred_notify_demo", "--json", "--quiet"];
    let without_wall = |ended: &Ended| {
        let mut document = ended.document();
        document["time"]["wall_ns"] = 0.into();
        document
    };
    let silent = finbox(&args);
    assert_eq!(silent.stderr, "");
    for wish in ["finbox=debug", "debug", "trace"] {
        let logged = Ended::of(command(&args).env("RUST_LOG", wish).output().unwrap());
        assert!(
            logged.stderr.contains("DEBUG finbox"),
            "{wish}: {}",
            logged.stderr
        );
        assert_eq!(without_wall(&logged), without_wall(&silent));
    }
    let other = Ended::of(
        command(&args)
            .env("RUST_LOG", "somebody=trace")
            .output()
            .unwrap(),
    );
    assert_eq!(other.stderr, "");
}

#[test]
fn a_wish_for_logs_that_cannot_be_understood_is_a_warning() {
    let args = ["run", "dummy_task"];
    let ended = Ended::of(
        command(&args)
            .env("RUST_LOG", "finbox=loud")
            .output()
            .unwrap(),
    );
    assert_eq!(ended.code, Some(0));
    assert!(
        ended.stderr.starts_with("warning: RUST_LOG"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_reader_that_goes_away_is_told_on_stderr_and_is_no_pass() {
    for args in [&["list"][..], &["run", "dummy_task", "--json"], &["--help"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ended = Ended::of(command(args).stdout(writer).output().unwrap());
        let said = ended.stderr;
        assert_eq!(ended.code, Some(5), "{args:?}");
        let told = "error: the result could not be written to stdout: ";
        assert!(said.starts_with(told), "{args:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{args:?}: {said}");
    }
}

#[test]
fn a_result_that_cannot_be_written_is_said_and_is_no_pass() {
    if !std::path::Path::new("/dev/full").exists() {
        println!("skipped: there is no /dev/full here");
        return;
    }
    let full = || {
        std::fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap()
    };
    for args in [
        &["run", "dummy_task"][..],
        &["run", "dummy_task", "--json"],
        &["list"],
    ] {
        let ended = Ended::of(command(args).stdout(full()).output().unwrap());
        assert_eq!(ended.code, Some(5), "{args:?}");
        assert!(
            ended.stderr.contains("could not be written to stdout"),
            "{}",
            ended.stderr
        );
    }
    let refused = command(&["run", "zzzz", "--json"])
        .stdout(full())
        .output()
        .unwrap();
    assert_eq!(Ended::of(refused).code, Some(2), "a refusal stays one");
    let deaf = command(&["run", "zzzz"]).stderr(full()).output().unwrap();
    assert_eq!(Ended::of(deaf).code, Some(2), "nobody is left to tell");
}

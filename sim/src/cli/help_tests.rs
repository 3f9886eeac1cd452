//! What help and version say, and that they say nothing of what is not there.

use super::tests::{message, parsed};
use super::*;

#[test]
fn what_is_not_delivered_is_unknown_and_absent_from_help() {
    let options = ["--submit"];
    let Ok(Command::Help(run_help)) = parsed("run --help") else {
        panic!("no help")
    };
    for option in options {
        let message = message(&format!("run dummy_task {option} x"));
        assert_eq!(message, format!("unexpected argument '{option}' found"));
        assert!(!run_help.contains(option), "{option}");
    }
}

#[test]
fn help_shows_every_delivered_option_and_the_exit_codes() {
    let Ok(Command::Help(help)) = parsed("help run") else {
        panic!("no help")
    };
    for option in [
        "--target",
        "--ranks",
        "--mode",
        "--seed",
        "--threads",
        "--cores",
        "--mailbox-slots",
        "--deadline-ms",
        "--completion",
        "--task-budget-ms",
        "--wait-budget-ms",
        "--deps",
        "--collectives",
        "--trace",
        "--trace-window",
        "--device",
        "--device-options",
        "--json",
        "--quiet",
    ] {
        assert!(help.contains(option), "{option}");
    }
    let Ok(Command::Help(help)) = parsed("help") else {
        panic!("no help")
    };
    assert!(help.contains("5 fault") && help.contains("run") && help.contains("list"));
    assert!(help.contains("device"));
}

#[test]
fn the_version_is_one_line() {
    let Ok(Command::Version(text)) = parsed("--version") else {
        panic!("no version")
    };
    assert_eq!(text, concat!("finbox ", env!("CARGO_PKG_VERSION"), "\n"));
}

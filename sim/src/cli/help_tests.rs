//! What help, version and refusals say.

use super::tests::parsed;
use super::*;
use crate::report::Verdict;

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
        "--submit",
        "--command-slots",
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

#[test]
fn a_refusal_is_a_whole_neutral_report() {
    let report = parsed("run dummy_task --ranks 0").unwrap_err().to_report();
    assert_eq!(report.verdict.name(), "invalid");
    assert_ne!(report.verdict, Verdict::Pass);
    let text = crate::report::to_json(&report);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["error"]["name"], "USAGE");
    let message = value["error"]["message"].as_str().unwrap();
    assert!(message.contains("from 1 to 64"));
    assert_eq!(value["tasks"]["submitted"], 0);
    assert_eq!(value["scenario"], "");
}

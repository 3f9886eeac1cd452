//! What help and version say.

use super::tests::parsed;
use super::*;

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

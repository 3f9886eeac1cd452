//! Memory that is not there while a trace is loaded.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use crate::{Ended, arg};

/// Address space in KiB: enough to start with, and far too little for what the lengths claim.
const LIMIT_KIB: u32 = 256 * 1024;

#[test]
fn f45_out_of_memory_while_loading_is_an_error_not_an_abort_when_a_length_claims_it() {
    let folder = TempDir::new().unwrap();
    // A node of 2 GiB less one byte, a message of as much inside a node, and a whole of 2^63.
    for (name, claim) in [
        ("node.0.et", &[0, 0xFF, 0xFF, 0xFF, 0xFF, 0x07][..]),
        (
            "name.0.et",
            &[0, 8, 0x08, 1, 0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0x07],
        ),
        (
            "huge.0.et",
            &[
                0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01,
            ],
        ),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, claim).unwrap();
        let script = format!("ulimit -v {LIMIT_KIB} && exec \"$0\" run \"$1\"");
        let mut command = Command::new("sh");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_finbox"), arg(&path)]);
        let ended = Ended::of(command.env_remove("RUST_LOG").output().unwrap());
        assert_eq!(ended.code, Some(3), "{name}: {}", ended.stderr);
        assert!(ended.stderr.starts_with("error: "), "{}", ended.stderr);
        assert!(
            !ended.stderr.contains("memory allocation"),
            "{}",
            ended.stderr
        );
    }
}

//! Memory that is not there: an error with a number, never a signal.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::{Ended, arg};

/// Runs the executable on `path` with so much address space.
fn limited(kib: u32, path: &Path, options: &[&str]) -> Ended {
    let script = format!("ulimit -v {kib} && exec \"$0\" run \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_finbox"), arg(path)]);
    Ended::of(
        command
            .args(options)
            .env_remove("RUST_LOG")
            .output()
            .unwrap(),
    )
}

/// A valid trace of so many nodes, each behind up to three before it.
fn trace(nodes: u32) -> Vec<u8> {
    let mut bytes = vec![0];
    for id in 0..nodes {
        let name = format!("node number {id}");
        let mut node = vec![0x08];
        varint(id, &mut node);
        node.extend([0x12, u8::try_from(name.len()).unwrap()]);
        node.extend(name.bytes());
        node.extend([0x18, 4, 0x38, 1]);
        for parent in [1, 2, 7]
            .into_iter()
            .filter_map(|back| id.checked_sub(back))
        {
            node.push(0x28);
            varint(parent, &mut node);
        }
        varint(u32::try_from(node.len()).unwrap(), &mut bytes);
        bytes.extend(node);
    }
    bytes
}

fn varint(mut number: u32, out: &mut Vec<u8>) {
    while number > 0x7F {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// Runs with every limit of `limits` in KiB: each run passes, or is refused in the words for it.
/// Returns how often either happened. A run needs a little more than its input: between both limits
/// memory ends while it runs.
fn swept(limits: impl Iterator<Item = u32>, path: &Path, options: &[&str]) -> (u32, u32) {
    let (mut passed, mut refused) = (0, 0);
    for kib in limits {
        let ended = limited(kib, path, options);
        let what = format!("{kib} KiB: {:?}: {}", ended.code, ended.stderr);
        let document = ended.document();
        match ended.code {
            Some(0) => passed += 1,
            Some(code @ (3 | 5)) => {
                let (doing, verdict) = match code {
                    3 => ("loading", "invalid"),
                    _ => ("running", "fault"),
                };
                let words = format!("error: out of memory while {doing}");
                assert!(ended.stderr.starts_with(&words), "{what}");
                assert!(ended.stderr.contains(arg(path)), "{what}");
                assert!(ended.stderr.contains("\n hint: "), "{what}");
                assert_eq!(document["verdict"], verdict, "{what}");
                assert_eq!(document["error"]["code"], 196, "{what}");
                refused += 1;
            }
            _ => panic!("{what}"),
        }
    }
    (passed, refused)
}

#[test]
fn f45_out_of_memory_while_loading_is_an_error_not_an_abort() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("large.0.et");
    let bytes = trace(60_000);
    assert!(bytes.len() > 2_000_000);
    fs::write(&path, bytes).unwrap();
    let (passed, refused) = swept(
        (12..=68).step_by(4).map(|mib| mib * 1024),
        &path,
        &["--json"],
    );
    assert!(
        passed > 3 && refused > 3,
        "{passed} passed, {refused} refused"
    );
}

#[test]
fn f45_out_of_memory_for_threads_is_an_error_not_an_abort() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("small.0.et");
    fs::write(&path, trace(50)).unwrap();
    let options = [
        "--json",
        "--mode",
        "parallel",
        "--cores",
        "3",
        "--mailbox-slots",
        "64",
    ];
    let (passed, refused) = swept((12..=34).map(|mib| mib * 1024 + 77 * mib), &path, &options);
    assert!(
        passed > 3 && refused > 3,
        "{passed} passed, {refused} refused"
    );
}

#[test]
fn f45_a_length_that_claims_more_than_there_is_takes_no_memory() {
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
        let ended = limited(256 * 1024, &path, &[]);
        assert_eq!(ended.code, Some(3), "{name}: {}", ended.stderr);
        assert!(ended.stderr.starts_with("error: "), "{}", ended.stderr);
        assert!(!ended.stderr.contains("memory"), "{}", ended.stderr);
    }
}

//! `finbox` as a process: streams, exit codes, documents, and inputs that are no good.

#![expect(clippy::unwrap_used, reason = "helpers of tests may, as tests may")]

mod bench;
mod catalogue;
mod check;
mod command;
mod costs;
mod devices;
mod graphs;
mod input;
mod memory;
mod outputs;
mod plans;
mod random;
mod readme;
mod runs;
mod shadow;
mod signals;
mod streams;
mod workflows;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// The executable, with a silent log.
fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_finbox"));
    command.args(args).env_remove("RUST_LOG");
    command
}

/// What a run of the executable left behind.
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Ended {
    fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("finbox prints UTF-8");
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        for text in [&stdout, &stderr] {
            assert!(
                !text.contains("panicked") && !text.contains("RUST_BACKTRACE"),
                "{text}"
            );
        }
        Self {
            code: output.status.code(),
            stdout,
            stderr,
        }
    }

    /// The one document on stdout.
    fn document(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| {
            panic!(
                "exactly one document: {error}\n{}\n{}",
                self.stdout, self.stderr
            )
        })
    }
}

fn finbox(args: &[&str]) -> Ended {
    Ended::of(command(args).output().expect("the executable starts"))
}

/// A file or folder of the sample traces.
fn data(name: &str) -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent()
        .expect("a workspace")
        .join("tests/data/chakra")
        .join(name)
}

fn arg(path: &Path) -> &str {
    path.to_str().expect("sample paths are UTF-8")
}

/// Runs twice, as text and as JSON; both must refuse with `code` before anything ran, on the right
/// streams, and name each of `what`. Returns the document's error.
fn refused(args: &[&str], code: i32, what: &[&str]) -> Value {
    let ended = finbox(args);
    assert_eq!(ended.code, Some(code), "{args:?}: {}", ended.stderr);
    assert_eq!(
        ended.stdout, "",
        "{args:?}: nothing was done, so there is no result"
    );
    assert!(
        ended.stderr.starts_with("error: "),
        "{args:?}: {}",
        ended.stderr
    );
    assert!(
        ended.stderr.contains("\n hint: "),
        "{args:?}: {}",
        ended.stderr
    );
    for part in what {
        assert!(
            ended.stderr.contains(part),
            "{args:?}: {part} in {}",
            ended.stderr
        );
    }
    let json = [args, &["--json"]].concat();
    let ended = finbox(&json);
    assert_eq!(ended.code, Some(code), "{json:?}");
    let document = ended.document();
    assert_eq!(document["schema"], "finbox.run/1");
    assert_eq!(document["verdict"], "invalid", "{json:?}");
    assert_eq!(document["tasks"]["submitted"], 0, "{json:?}");
    let error = &document["error"];
    for field in ["name", "message", "hint"] {
        assert!(
            !error[field].as_str().unwrap().is_empty(),
            "{json:?}: {error}"
        );
    }
    error.clone()
}

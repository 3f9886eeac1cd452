//! Tests that want a process of their own, with an environment of their own: this test binary,
//! asked for one test.

use std::env;
use std::ffi::OsStr;
use std::process::Command;

const VARIABLE: &str = "FINBOX_TEST_ALONE";

/// Whether this is the process of its own.
pub(crate) fn is_alone() -> bool {
    env::var_os(VARIABLE).is_some()
}

/// Runs the test `name` once more in a process with these variables and without the named ones;
/// it must pass there.
pub(crate) fn run(name: &str, set: &[(&str, &OsStr)], unset: &[&str]) {
    let mut command = Command::new(env::current_exe().expect("a running test has a path"));
    command.args(["--exact", name, "--nocapture"]);
    for variable in unset {
        command.env_remove(variable);
    }
    let output = command
        .envs(set.iter().copied())
        .env(VARIABLE, "1")
        .output();
    let output = output.expect("a test binary can be started again");
    let said =
        [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
    let said = said.concat();
    assert!(said.contains("1 passed"), "{said}");
}

//! Arrows between crates, read from the manifests.

use std::fs;

use toml::Table;

use crate::source::root;

/// Which members a member may depend on. `tests` and `benches` may use all of them.
const ARROWS: &[(&str, &[&str])] = &[
    ("mailbox", &[]),
    ("scheduler", &["mailbox"]),
    ("runtime/abi", &["mailbox", "scheduler"]),
    ("runtime", &["mailbox", "scheduler", "abi"]),
    ("runtime/ffi", &["mailbox", "scheduler", "abi", "runtime"]),
    ("sim", &["mailbox", "scheduler", "abi", "runtime"]),
    (
        "sim/device",
        &["mailbox", "scheduler", "abi", "runtime", "sim"],
    ),
    ("tests", &["mailbox", "scheduler", "abi", "runtime", "sim"]),
    (
        "benches",
        &["mailbox", "scheduler", "runtime", "ffi", "sim"],
    ),
];

/// What the crates that link into firmware may take from outside.
const FIRMWARE: &[&str] = &[
    "bitflags",
    "crossbeam-utils",
    "static_assertions",
    "thiserror",
];

/// Names of what a table of dependencies lists.
fn names(table: Option<&toml::Value>) -> Vec<String> {
    let table = table.and_then(toml::Value::as_table);
    table
        .map(|table| table.keys().cloned().collect())
        .unwrap_or_default()
}

/// Dependencies of every kind but those under `target`.
fn plain(manifest: &Table) -> Vec<String> {
    let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
    kinds
        .into_iter()
        .flat_map(|kind| names(manifest.get(kind)))
        .collect()
}

/// (cfg, dependency) of every dependency under `target`.
fn targeted(manifest: &Table) -> Vec<(String, String)> {
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let mut found = Vec::new();
    for (cfg, kinds) in targets.into_iter().flatten() {
        let kinds = kinds.as_table().expect("a target has tables");
        for name in kinds.values().flat_map(|kind| names(Some(kind))) {
            found.push((cfg.clone(), name));
        }
    }
    found
}

fn check(member: &str, manifest: &str) -> Vec<String> {
    let manifest: Table = manifest.parse().expect("a readable manifest");
    let (_, allowed) = ARROWS
        .iter()
        .find(|(name, _)| *name == member)
        .unwrap_or_else(|| panic!("{member} is no room of this house"));
    let mut findings = Vec::new();
    let linked = names(manifest.get("dependencies"));
    let conditional = targeted(&manifest);
    let everything = plain(&manifest)
        .into_iter()
        .map(|name| (String::new(), name));
    for (cfg, name) in everything.chain(conditional) {
        let internal = name.strip_prefix("finbox-");
        let model = matches!(name.as_str(), "loom" | "shuttle");
        let firmware = cfg.is_empty()
            && (matches!(member, "mailbox" | "scheduler" | "runtime/abi")
                || member == "runtime/ffi" && linked.contains(&name));
        let wrong = match internal {
            Some(to) => !allowed.contains(&to),
            None if model => cfg != format!("cfg({name})"),
            None if name == "tracing" => !matches!(member, "runtime" | "sim"),
            None => firmware && !FIRMWARE.contains(&name.as_str()),
        };
        if wrong {
            findings.push(format!(
                "{member} may not depend on {name} (target: {cfg:?})"
            ));
        }
    }
    findings
}

#[test]
fn arrows_run_from_mailbox_to_sim_and_never_back() {
    let workspace = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let workspace: Table = workspace.parse().unwrap();
    let members = workspace["workspace"]["members"].as_array().unwrap();
    assert!(members.len() >= 2, "the members were not found");
    let mut findings = Vec::new();
    for member in members {
        let member = member.as_str().unwrap();
        let manifest = fs::read_to_string(root().join(member).join("Cargo.toml")).unwrap();
        findings.extend(check(member, &manifest));
    }
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[test]
fn the_firmware_crates_are_no_std() {
    for member in ["mailbox", "scheduler"] {
        let lib = fs::read_to_string(root().join(member).join("src/lib.rs")).unwrap();
        assert!(lib.lines().any(|line| line == "#![no_std]"), "{member}");
    }
}

#[test]
fn an_arrow_that_runs_back_is_found() {
    for (member, bad) in [
        (
            "mailbox",
            "[dependencies]\nfinbox-scheduler.workspace = true",
        ),
        (
            "scheduler",
            "[dev-dependencies]\nfinbox-runtime = { path = \"x\" }",
        ),
        (
            "runtime",
            "[target.'cfg(unix)'.dependencies]\nfinbox-sim = \"1\"",
        ),
        ("scheduler", "[dependencies]\ntracing = \"1\""),
        ("scheduler", "[dependencies]\nserde = \"1\""),
        ("runtime/ffi", "[dependencies]\nserde = \"1\""),
        ("runtime/ffi", "[dependencies]\nfinbox-sim = \"1\""),
        ("tests", "[dependencies]\ntracing = \"1\""),
        ("mailbox", "[dependencies]\nloom = \"1\""),
        ("tests", "[dev-dependencies]\nshuttle = \"1\""),
        (
            "tests",
            "[target.'cfg(not(shuttle))'.dependencies]\nloom = \"1\"",
        ),
    ] {
        assert_eq!(check(member, bad).len(), 1, "{member}: {bad}");
    }
    let good =
        "[dependencies]\nfinbox-mailbox = \"1\"\n[target.'cfg(loom)'.dependencies]\nloom = \"1\"";
    assert_eq!(check("runtime", good), [""; 0]);
}

//! Digests of a few runs, as constants: every build and every profile must find the same.

use finbox_scheduler::Target;
use finbox_scheduler::target::{A2A3, A5};

use crate::fixture::{lockstep, pass, small_workloads};

/// (workload, target, seed, digest, result digest). A change that moves an event or a cost renews
/// them: run `cargo test -p finbox-tests --test sim pinned` and copy the table that it prints.
#[rustfmt::skip]
const PINNED: &[(&str, &str, u64, u64, u64)] = &[
    ("deferred_notify_demo", "a2a3", 0, 0xb6635e03a57273b1, 0x23475b7d96c05780),
    ("deferred_notify_demo", "a2a3", 7, 0x460534fee37b4d8e, 0x23475b7d96c05780),
    ("deferred_notify_demo", "a5", 0, 0x5be55ab3ce7d8c66, 0x23475b7d96c05780),
    ("deferred_notify_demo", "a5", 7, 0xaf9f2311b2c230d8, 0x23475b7d96c05780),
    ("dummy_task", "a2a3", 0, 0x22343d3cff02c047, 0x842e91971877d75f),
    ("dummy_task", "a2a3", 7, 0xa71dddb677d97a39, 0x842e91971877d75f),
    ("dummy_task", "a5", 0, 0x22343d3cff02c047, 0x842e91971877d75f),
    ("dummy_task", "a5", 7, 0xa71dddb677d97a39, 0x842e91971877d75f),
    ("custom_allreduce", "a2a3", 0, 0xaaa7a6ecd3148c0f, 0xa5627eb3801f8357),
    ("custom_allreduce", "a2a3", 7, 0x91db4f457384539f, 0xa5627eb3801f8357),
    ("custom_allreduce", "a5", 0, 0x47d3ad013be9c976, 0xa5627eb3801f8357),
    ("custom_allreduce", "a5", 7, 0xb96b555d3379a54e, 0xa5627eb3801f8357),
];

fn found() -> Vec<(String, &'static str, u64, u64, u64)> {
    let mut found = Vec::new();
    for workload in small_workloads() {
        for target in [&A2A3, &A5] as [&'static Target; 2] {
            for seed in [0, 7] {
                let outcome = pass(&workload, &lockstep(target, seed));
                let digest = outcome.digest.expect("lockstep has an ordered log");
                let digests = (digest, outcome.result_digest);
                let name = workload.name.clone();
                found.push((name, target.name, seed, digests.0, digests.1));
            }
        }
    }
    found
}

#[test]
fn digests_are_those_of_every_other_build() {
    let found = found();
    let table: String = found
        .iter()
        .map(|(name, target, seed, digest, result)| {
            format!("    ({name:?}, {target:?}, {seed}, {digest:#018x}, {result:#018x}),\n")
        })
        .collect();
    let pinned = PINNED.iter().map(|&(name, target, seed, digest, result)| {
        (name.to_owned(), target, seed, digest, result)
    });
    assert!(pinned.eq(found), "found:\n{table}");
}

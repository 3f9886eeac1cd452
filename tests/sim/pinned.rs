//! Digests of a few runs, as constants: every build and every profile must find the same.

use finbox_scheduler::Target;
use finbox_scheduler::target::{A2A3, A5};

use crate::fixture::{lockstep, pass, small_workloads};

/// (workload, target, seed, digest, result digest). A change that moves an event or a cost renews
/// them: run `cargo test -p finbox-tests --test sim pinned` and copy the table that it prints.
#[rustfmt::skip]
const PINNED: &[(&str, &str, u64, u64, u64)] = &[
    ("deferred_notify_demo", "a2a3", 0, 0x97ef4c35b98418cb, 0x23475b7d96c05780),
    ("deferred_notify_demo", "a2a3", 7, 0x5a2256aef9bcf437, 0x23475b7d96c05780),
    ("deferred_notify_demo", "a5", 0, 0xfc85c9069c2fbb5d, 0x23475b7d96c05780),
    ("deferred_notify_demo", "a5", 7, 0xbe697b3e07d52188, 0x23475b7d96c05780),
    ("dummy_task", "a2a3", 0, 0xbc9c04b8e8f2be98, 0x842e91971877d75f),
    ("dummy_task", "a2a3", 7, 0x334e5cd92b820979, 0x842e91971877d75f),
    ("dummy_task", "a5", 0, 0xbc9c04b8e8f2be98, 0x842e91971877d75f),
    ("dummy_task", "a5", 7, 0xf474aa0fd38e74f1, 0x842e91971877d75f),
    ("custom_allreduce", "a2a3", 0, 0x8a169eb47f69b85f, 0xa5627eb3801f8357),
    ("custom_allreduce", "a2a3", 7, 0x0ff69986cd5a9c38, 0xa5627eb3801f8357),
    ("custom_allreduce", "a5", 0, 0xbe690521baa1b55c, 0xa5627eb3801f8357),
    ("custom_allreduce", "a5", 7, 0x9e01b5c7d7b57cab, 0xa5627eb3801f8357),
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

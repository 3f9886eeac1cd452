//! Digests of a few runs, as constants: every build and every profile must find the same.

use finbox_scheduler::Target;
use finbox_scheduler::target::{A2A3, A5};

use crate::fixture::{lockstep, pass, small_workloads};

/// (workload, target, seed, digest, result digest). A change that moves an event or a cost renews
/// them: run `cargo test -p finbox-tests --test sim pinned` and copy the table that it prints.
#[rustfmt::skip]
const PINNED: &[(&str, &str, u64, u64, u64)] = &[
    ("deferred_notify_demo", "a2a3", 0, 0x42acbce325bcf353, 0x23475b7d96c05780),
    ("deferred_notify_demo", "a2a3", 7, 0x8efb9470a2312278, 0x23475b7d96c05780),
    ("deferred_notify_demo", "a5", 0, 0x6560269121a83299, 0x23475b7d96c05780),
    ("deferred_notify_demo", "a5", 7, 0x288e22f9956e61d0, 0x23475b7d96c05780),
    ("dummy_task", "a2a3", 0, 0x7684c6f4e4848f2b, 0x842e91971877d75f),
    ("dummy_task", "a2a3", 7, 0x76fe8cf09f49fa97, 0x842e91971877d75f),
    ("dummy_task", "a5", 0, 0x7684c6f4e4848f2b, 0x842e91971877d75f),
    ("dummy_task", "a5", 7, 0x1d5140a4c942a4cf, 0x842e91971877d75f),
    ("custom_allreduce", "a2a3", 0, 0x87c632235479fba7, 0xa5627eb3801f8357),
    ("custom_allreduce", "a2a3", 7, 0x558ee9051cc07ffe, 0xa5627eb3801f8357),
    ("custom_allreduce", "a5", 0, 0x8b15bf7a3e90a113, 0xa5627eb3801f8357),
    ("custom_allreduce", "a5", 7, 0x0e31d1b95690d343, 0xa5627eb3801f8357),
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

//! The Chakra importer from outside: sample traces, hostile files, and every refusal.

#![cfg(not(any(loom, shuttle)))]
#![expect(clippy::unwrap_used, reason = "helpers of tests may, as tests may")]

mod collectives;
mod edges;
mod encode;
mod framing;
mod messages;
mod paths;
mod samples;

use std::path::{Path, PathBuf};

use finbox_sim::workload::chakra;

/// A file or folder of the sample data.
fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("data/chakra")
        .join(name)
}

/// Loads with the default options.
fn load(path: &Path) -> Result<chakra::Workload, chakra::ImportError> {
    chakra::load(path, &chakra::Options::default())
}

/// Loads what must be refused, and checks what every refusal promises.
fn refusal(path: &Path) -> (chakra::ImportError, String) {
    checked(load(path).expect_err("this must be refused"))
}

fn checked(error: chakra::ImportError) -> (chakra::ImportError, String) {
    let (what, hint) = (error.to_string(), error.hint());
    assert!(!hint.is_empty() && !what.contains(&hint), "{what}");
    let text = format!("{what}; {hint}");
    assert!(
        !text.contains('\n') && text.chars().count() < 2000,
        "{text}"
    );
    (error, text)
}

/// Checks what `Workload` promises, for any input.
fn assert_promises(workload: &chakra::Workload) {
    let total: usize = workload.ranks.iter().map(|rank| rank.nodes.len()).sum();
    assert_eq!(workload.order.len(), total);
    let place: std::collections::HashMap<_, _> = workload
        .order
        .iter()
        .enumerate()
        .map(|(place, at)| (*at, place))
        .collect();
    assert_eq!(place.len(), total, "every node once");
    for (rank_index, rank) in (0..).zip(&workload.ranks) {
        for (node, found) in (0..).zip(&rank.nodes) {
            let mut parents = found.deps.clone();
            for &parent in &parents {
                let parent = chakra::NodeRef {
                    rank_index,
                    node: parent,
                };
                assert!(place[&parent] < place[&chakra::NodeRef { rank_index, node }]);
            }
            parents.sort_unstable();
            parents.dedup();
            assert_eq!(parents.len(), found.deps.len(), "no repeats");
        }
    }
    for (index, collective) in (0..).zip(&workload.collectives) {
        let first = place[&collective.members[0]];
        for (place_in_group, at) in collective.members.iter().enumerate() {
            assert_eq!(place[at], first + place_in_group, "side by side");
            let op = workload.ranks[at.rank_index as usize].nodes[at.node as usize].op;
            assert_eq!(op, chakra::Op::Joint { collective: index });
        }
    }
    for (index, message) in (0..).zip(&workload.messages) {
        assert!(place[&message.send] < place[&message.receive]);
        let op =
            |at: chakra::NodeRef| workload.ranks[at.rank_index as usize].nodes[at.node as usize].op;
        assert_eq!(op(message.send), chakra::Op::Send { message: index });
        assert_eq!(op(message.receive), chakra::Op::Receive { message: index });
    }
}

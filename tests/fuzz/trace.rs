//! Any bytes as a trace file: a workload that keeps its promises, or a refusal with a hint.

use std::fs;
use std::path::Path;

use finbox_sim::workload::chakra::{Deps, ImportError, NodeRef, Options, Workload, load};
use finbox_sim::workload::lower::{self, Collectives};
use tempfile::TempDir;

/// The whole input is the file of rank 0. As the first byte is a length, its low bits also choose
/// the edges.
pub(crate) fn target(data: &[u8]) {
    let folder = TempDir::new().expect("a folder for temporary files");
    let file = folder.path().join("a.0.et");
    fs::write(&file, data).expect("a file in it");
    import(&file, data.first().copied().unwrap_or_default());
}

/// Loads what stands at `path`, and holds the result to what it promises.
pub(crate) fn import(path: &Path, choice: u8) {
    let options = Options {
        deps: [Deps::Data, Deps::Ctrl, Deps::Both][usize::from(choice) % 3],
        ..Options::default()
    };
    match load(path, &options) {
        Ok(trace) => {
            assert_ordered(&trace);
            let tasks = lower::lower(&trace, Collectives::default());
            let tasks = tasks.expect("one rank has no collective with others");
            if let Err(wrong) = tasks.check() {
                panic!("the tasks of a trace that was taken are refused: {wrong}");
            }
        }
        Err(error) => assert_readable(&error),
    }
}

/// Every node once, behind what it depends on.
fn assert_ordered(trace: &Workload) {
    let total: usize = trace.ranks.iter().map(|rank| rank.nodes.len()).sum();
    assert_eq!(trace.order.len(), total);
    let mut came = trace.ranks.iter().map(|rank| vec![false; rank.nodes.len()]);
    let mut came: Vec<Vec<bool>> = came.by_ref().collect();
    for &NodeRef { rank_index, node } in &trace.order {
        let (rank, node) = (rank_index as usize, node as usize);
        let deps = &trace.ranks[rank].nodes[node].deps;
        assert!(deps.iter().all(|&before| came[rank][before as usize]));
        assert!(!came[rank][node], "a node that comes twice");
        came[rank][node] = true;
    }
}

/// One line that says what, and one that says what to do.
fn assert_readable(error: &ImportError) {
    let (what, hint) = (error.to_string(), error.hint());
    assert!(!what.is_empty() && !hint.is_empty());
    let text = format!("{what}; {hint}");
    assert!(!text.contains('\n') && text.len() < 8000, "{text}");
}

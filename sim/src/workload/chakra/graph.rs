//! One rank's edges: from ids to indices.
//!
//! Guarantees: every edge of the result leads to a node of the same file. Refuses edges
//! from ids that do not occur. Forward references are ordinary. Called by `load`.

use super::error::ImportError;
use super::read::RankDraft;

/// The parents of every node, as indices, in file order.
pub(super) fn resolve(rank: &RankDraft) -> Result<Vec<Vec<u32>>, ImportError> {
    let mut edges = Vec::with_capacity(rank.nodes.len());
    let mut first_dangling = None;
    let mut dangling = 0;
    for draft in &rank.nodes {
        let mut parents = Vec::with_capacity(draft.parents.len());
        for parent in &draft.parents {
            if let Some(index) = rank.ids.find(*parent) {
                parents.push(index);
            } else {
                dangling += 1;
                first_dangling.get_or_insert((draft, *parent));
            }
        }
        edges.push(parents);
    }
    let Some((draft, missing)) = first_dangling else {
        return Ok(edges);
    };
    let (node, self_edges) = (rank.place(draft), rank.dropped.self_edges);
    Err(ImportError::Dangling {
        node,
        missing,
        dangling,
        self_edges,
    })
}

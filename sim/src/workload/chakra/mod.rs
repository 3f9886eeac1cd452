//! Chakra execution traces (MLCommons): read, checked and joined into one workload.
//!
//! [`load`] is the one entry. It guarantees what [`Workload`] says: closed, acyclic graphs,
//! every send with its receive, every collective with those of its group, one order over all
//! ranks. It refuses, with an [`ImportError`]
//! that names file, byte offset and node, whatever it cannot make sense of; it panics on no
//! input, and its memory is a small multiple of the decompressed trace. Nothing of a trace is
//! guessed but durations that it does not have (see [`Roofline`]).
//!
//! | file | concept |
//! | --- | --- |
//! | `discover` | path → one file a rank |
//! | `frame`, `proto`, `attr` | bytes → messages → values |
//! | `read`, `node` | one file → drafts of nodes |
//! | `graph`, `ids` | ids → indices |
//! | `groups`, `side_file`, `disagreement` | collectives of all ranks, joined |
//! | `matching`, `unmatched` | sends and receives → messages |
//! | `order` | one topological order, or a cycle |
//! | `model`, `options`, `error`, `place` | what goes out, what comes in, what is refused |

mod attr;
mod disagreement;
mod discover;
mod error;
mod frame;
mod graph;
mod groups;
mod hint;
mod ids;
mod matching;
mod model;
mod node;
mod options;
mod order;
mod place;
mod proto;
mod read;
mod side_file;
mod unmatched;

use std::path::Path;

pub use self::disagreement::{Call, Disagreement, Odd};
pub use self::discover::MAX_RANKS;
pub use self::error::ImportError;
pub use self::model::{
    Collective, CollectiveKind, Message, Node, NodeRef, Op, RankGraph, Workload,
};
pub use self::options::{Deps, Options, Roofline};
pub use self::order::Cycle;
pub use self::place::NodePlace;
pub use self::unmatched::{PeerState, Side, Unmatched};

use self::groups::Joined;
use self::matching::Matched;
use self::node::{Draft, Work};
use self::read::RankDraft;

/// Loads the trace files that `path` stands for.
///
/// `path` is a folder (every `PREFIX.<rank>.et` in it, of one PREFIX), a file (that rank
/// alone; rank 0 unless its name ends in `.<rank>.et`) or a `PREFIX` (every
/// `PREFIX.<rank>.et`). Files may be gzip, whatever their names.
///
/// With one rank loaded every collective is that rank's own; with several, it is among the ranks
/// of its process group, by `PREFIX.json`.
///
/// # Errors
/// One [`ImportError`], the first by rank and file order of the first kind of check that
/// fails: reading, edges, collectives, messages, order.
pub fn load(path: &Path, options: &Options) -> Result<Workload, ImportError> {
    options.roofline.check()?;
    let found = discover::find(path)?;
    let mut drafts = Vec::with_capacity(found.traces.len());
    let mut edges = Vec::with_capacity(found.traces.len());
    let mut room = u32::MAX;
    for trace in found.traces {
        let draft = read::read(trace, options, room)?;
        room -= u32::try_from(draft.nodes.len()).expect("no more than there was room");
        edges.push(graph::resolve(&draft)?);
        drafts.push(draft);
    }
    if drafts.iter().all(|rank| rank.nodes.is_empty()) {
        return Err(ImportError::NoNodes {
            path: path.to_owned(),
        });
    }
    let joined = groups::join(&drafts, &found.side_file)?;
    let matched = matching::pair(&drafts)?;
    let dropped_self_edges = drafts.iter().map(|rank| rank.dropped.self_edges).sum();
    let dropped_repeated_edges = drafts.iter().map(|rank| rank.dropped.repeated_edges).sum();
    let ranks: Vec<RankGraph> = (0_u32..)
        .zip(drafts.into_iter().zip(edges))
        .map(|(rank_index, (rank, edges))| {
            finish_rank(rank, edges, rank_index, (&matched, &joined))
        })
        .collect();
    let order = order::order(&ranks, &matched.messages, &joined.collectives)?;
    Ok(Workload {
        name: found.name,
        ranks,
        messages: matched.messages,
        collectives: joined.collectives,
        groups: joined.groups,
        order,
        dropped_self_edges,
        dropped_repeated_edges,
    })
}

fn finish_rank(
    rank: RankDraft,
    edges: Vec<Vec<u32>>,
    rank_index: u32,
    found: (&Matched, &Joined),
) -> RankGraph {
    let RankDraft {
        rank, file, nodes, ..
    } = rank;
    let nodes = (0_u32..)
        .zip(nodes.into_iter().zip(edges))
        .map(|(node, (draft, deps))| finish_node(draft, deps, NodeRef { rank_index, node }, found));
    RankGraph {
        rank,
        file,
        nodes: nodes.collect(),
    }
}

fn finish_node(
    draft: Draft,
    deps: Vec<u32>,
    at: NodeRef,
    (matched, joined): (&Matched, &Joined),
) -> Node {
    let Draft {
        id,
        name,
        offset,
        work,
        ..
    } = draft;
    let op = match work {
        Work::Op(op) => op,
        Work::Message(Side::Send, _) => Op::Send {
            message: matched.message_of[&at],
        },
        Work::Message(Side::Receive, _) => Op::Receive {
            message: matched.message_of[&at],
        },
        Work::Collective(called) => match joined.collective_of.get(&at) {
            Some(&collective) => Op::Joint { collective },
            None => Op::Collective {
                kind: called.call.kind,
                bytes: called.call.bytes,
                duration_ns: called.duration_ns,
            },
        },
    };
    Node {
        id,
        name,
        offset,
        op,
        deps,
    }
}

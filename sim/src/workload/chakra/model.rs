//! What an import yields: the graphs of all ranks, their messages and one order over them.
//!
//! Guarantees, for every value that `load` returns: every index is in range; `deps` hold
//! neither the node itself nor a parent twice; every send and receive belongs to exactly one
//! message, every collective among several ranks to one of each of its group's members, which
//! agree; `order` holds every node once, each after its parents, each receive after its send, and
//! the nodes of a collective side by side. Nothing here is checked again by those who use it.

use std::path::PathBuf;

/// The traces of all ranks, joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// The traces' prefix; for one file its name without `.et`.
    pub name: String,
    /// One graph a rank, sorted by rank number; the numbers may have gaps.
    pub ranks: Vec<RankGraph>,
    /// Matched send and receive pairs, in the order of their sends (rank, then file order).
    pub messages: Vec<Message>,
    /// Collectives among several ranks: group after group as collectives first name them, each
    /// group's in file order.
    pub collectives: Vec<Collective>,
    /// How many process groups have a collective, those of one rank included.
    pub groups: u64,
    /// One topological order over all ranks: enforced edges, each receive after its send, and the
    /// nodes of one collective side by side, behind the parents of all of them. As close to file
    /// order as those allow, ranks taken in turn.
    pub order: Vec<NodeRef>,
    /// Enforced edges from a node to itself that were left out, over all ranks.
    pub dropped_self_edges: u64,
    /// Enforced edges beyond the first between the same two nodes, over all ranks.
    pub dropped_repeated_edges: u64,
}

/// The graph of one rank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RankGraph {
    /// The rank's number, from the file's name.
    pub rank: u32,
    /// The file it was read from.
    pub file: PathBuf,
    /// The nodes in file order.
    pub nodes: Vec<Node>,
}

/// One node of a rank's graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The id in the trace, unique within the rank.
    pub id: u64,
    /// The name in the trace; may be empty, need not be unique.
    pub name: Box<str>,
    /// Where the node's length prefix is, in bytes from the start of the decompressed stream.
    pub offset: u64,
    /// What the node does.
    pub op: Op,
    /// Parents, as indices into the same rank's nodes: no self, no repeats, any order of index.
    pub deps: Vec<u32>,
}

/// What a node does, and on which lane.
///
/// A node that the trace calls a CPU operation (`is_cpu_op`) and that computes, moves memory
/// or takes part in a collective is `Host`: it is the host's call, and the device's own node
/// follows in the trace. A send or receive is a message on either lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// Does nothing and takes no time; orders what depends on it.
    Metadata,
    /// Runs on the host.
    Host {
        /// How long it takes.
        duration_ns: u64,
    },
    /// Runs on a core.
    Compute {
        /// How long it takes.
        duration_ns: u64,
    },
    /// Runs on a DMA engine.
    Memory {
        /// True for a store, false for a load.
        store: bool,
        /// How much is moved.
        bytes: u64,
        /// How long it takes.
        duration_ns: u64,
    },
    /// Sends a message.
    Send {
        /// Index into [`Workload::messages`].
        message: u32,
    },
    /// Receives a message.
    Receive {
        /// Index into [`Workload::messages`].
        message: u32,
    },
    /// A collective of one rank.
    Collective {
        /// Which collective.
        kind: CollectiveKind,
        /// How much each rank gives.
        bytes: u64,
        /// How long it takes.
        duration_ns: u64,
    },
    /// A collective among several ranks. What its nodes say of durations is not taken: a recorded
    /// one has the wait for the others in it.
    Joint {
        /// Index into [`Workload::collectives`].
        collective: u32,
    },
}

/// A collective among several ranks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collective {
    /// Which collective.
    pub kind: CollectiveKind,
    /// How much each rank gives: of an all-gather or gather its own block, of a scatter what the
    /// root gives, otherwise the whole vector.
    pub bytes: u64,
    /// The process group's name.
    pub group: Box<str>,
    /// Which of the group's collectives, from 0.
    pub nth: usize,
    /// The root of those that have one, as an index into `members`.
    pub root: u32,
    /// One node of each member, two or more, sorted by rank.
    pub members: Vec<NodeRef>,
}

/// The collectives of the trace format, in its numbering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names are the established ones")]
pub enum CollectiveKind {
    AllReduce = 0,
    Reduce = 1,
    AllGather = 2,
    Gather = 3,
    Scatter = 4,
    Broadcast = 5,
    AllToAll = 6,
    ReduceScatter = 7,
    ReduceScatterBlock = 8,
    Barrier = 9,
}

impl CollectiveKind {
    /// Every kind, at the index of its number in the format.
    pub const ALL: [Self; 10] = [
        Self::AllReduce,
        Self::Reduce,
        Self::AllGather,
        Self::Gather,
        Self::Scatter,
        Self::Broadcast,
        Self::AllToAll,
        Self::ReduceScatter,
        Self::ReduceScatterBlock,
        Self::Barrier,
    ];

    /// The name in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AllReduce => "all-reduce",
            Self::Reduce => "reduce",
            Self::AllGather => "all-gather",
            Self::Gather => "gather",
            Self::Scatter => "scatter",
            Self::Broadcast => "broadcast",
            Self::AllToAll => "all-to-all",
            Self::ReduceScatter => "reduce-scatter",
            Self::ReduceScatterBlock => "reduce-scatter-block",
            Self::Barrier => "barrier",
        }
    }

    /// Whether one of its ranks gives or gets what the others do not.
    pub const fn is_rooted(self) -> bool {
        matches!(
            self,
            Self::Reduce | Self::Gather | Self::Scatter | Self::Broadcast
        )
    }
}

/// A send and the receive it was matched with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message {
    /// The sending rank's number.
    pub source: u32,
    /// The receiving rank's number.
    pub destination: u32,
    /// The tag both sides gave; producers use negative ones too.
    pub tag: i64,
    /// The size both sides gave.
    pub bytes: u64,
    /// The sending node.
    pub send: NodeRef,
    /// The receiving node.
    pub receive: NodeRef,
}

/// One node among all ranks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeRef {
    /// Index into [`Workload::ranks`]; not the rank's number.
    pub rank_index: u32,
    /// Index into [`RankGraph::nodes`].
    pub node: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_collective_stands_at_the_index_of_its_number() {
        for (index, kind) in CollectiveKind::ALL.into_iter().enumerate() {
            assert_eq!(index, kind as usize);
        }
    }
}

//! One topological order over all ranks, or a cycle that forbids it.
//!
//! Guarantees: parents come before children and sends before their receives; the nodes of a
//! collective stand side by side, behind the parents of all, as it ends only when all have begun;
//! among nodes that are free, the earliest in its file comes first, ranks taken in turn, so the
//! order is the same on every run and stays close to file order. Called by `load`.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::fmt;

use super::error::ImportError;
use super::model::{Collective, Message, NodeRef, Op, RankGraph};
use super::node::Site;
use super::place::NodePlace;

/// Nodes of a cycle that are spelled out.
const SHOWN: usize = 8;

/// Nodes that wait for each other: each for the one before it, the first for the last. A member of
/// a collective waits for the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle {
    /// The nodes, from the earliest in its file on; at most 8.
    pub nodes: Vec<NodePlace>,
    /// How many nodes the cycle has.
    pub length: usize,
    /// True where a receive that waits for its send is part of it: the trace deadlocks.
    pub over_messages: bool,
    /// True where a collective that waits for another of its members is part of it: as above.
    pub over_collectives: bool,
}

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            nodes,
            length,
            over_messages,
            over_collectives,
        } = self;
        let what = match (over_messages, over_collectives) {
            (false, false) => "cycle",
            (true, false) => "deadlock over send and receive",
            (false, true) => "deadlock over collectives",
            (true, true) => "deadlock over send and receive and collectives",
        };
        write!(f, "{what}: {length} nodes wait for each other: ")?;
        for node in nodes {
            write!(f, "{node} -> ")?;
        }
        match (nodes.first(), length.saturating_sub(nodes.len())) {
            (Some(first), 0) => write!(f, "node {} again", first.id)?,
            (_, more) => write!(f, "{more} more")?,
        }
        Ok(())
    }
}

impl Cycle {
    /// What to do next.
    pub fn hint(&self) -> &'static str {
        if self.over_messages || self.over_collectives {
            "correct the order of its messages and collectives, or enforce other edges"
        } else {
            "correct its edges, or enforce other edges"
        }
    }
}

/// Orders all nodes.
pub(super) fn order(
    ranks: &[RankGraph],
    messages: &[Message],
    collectives: &[Collective],
) -> Result<Vec<NodeRef>, ImportError> {
    let mut graph = Graph::new(ranks, messages, collectives);
    let order = graph.sort();
    if order.len() == graph.nodes.len() {
        return Ok(order);
    }
    Err(ImportError::Cycle(graph.cycle()))
}

/// All nodes under one numbering: rank by rank, each in file order. What is ordered are units: a
/// node, or all nodes of a collective, under the number of its first.
struct Graph<'a> {
    ranks: &'a [RankGraph],
    messages: &'a [Message],
    collectives: &'a [Collective],
    nodes: Vec<NodeRef>,
    /// The unit of each node; empty where every node is one.
    units: Vec<usize>,
    /// Where each rank's nodes begin.
    starts: Vec<usize>,
    /// Children of unit `i` over edges, as `children[children_start[i]..children_start[i + 1]]`.
    children: Vec<usize>,
    children_start: Vec<usize>,
    /// Parents of each unit not yet in the order.
    waiting: Vec<usize>,
}

impl<'a> Graph<'a> {
    fn new(ranks: &'a [RankGraph], messages: &'a [Message], collectives: &'a [Collective]) -> Self {
        let (mut nodes, mut starts) = (Vec::new(), Vec::with_capacity(ranks.len()));
        for (rank_index, rank) in (0_u32..).zip(ranks) {
            starts.push(nodes.len());
            nodes.extend(
                (0_u32..)
                    .zip(&rank.nodes)
                    .map(|(node, _)| NodeRef { rank_index, node }),
            );
        }
        let mut graph = Self {
            ranks,
            messages,
            collectives,
            starts,
            units: Vec::new(),
            children: Vec::new(),
            children_start: vec![0; nodes.len() + 1],
            waiting: vec![0; nodes.len()],
            nodes,
        };
        if !collectives.is_empty() {
            let unit = |node| graph.number(graph.together(node)[0]);
            graph.units = (0..graph.nodes.len()).map(unit).collect();
        }
        graph.link();
        graph
    }

    /// Fills the children of every unit: counts, sums up, places.
    fn link(&mut self) {
        for child in 0..self.nodes.len() {
            let unit = self.unit(child);
            for parent in self.parents(child) {
                let parent = self.unit(parent);
                self.children_start[parent] += 1;
                self.waiting[unit] += 1;
            }
        }
        let mut total = 0;
        for start in &mut self.children_start {
            total += *start;
            *start = total;
        }
        self.children = vec![0; total];
        for child in 0..self.nodes.len() {
            let unit = self.unit(child);
            for parent in self.parents(child) {
                let parent = self.unit(parent);
                self.children_start[parent] -= 1;
                self.children[self.children_start[parent]] = unit;
            }
        }
    }

    fn number(&self, at: NodeRef) -> usize {
        self.starts[at.rank_index as usize] + at.node as usize
    }

    fn op(&self, at: NodeRef) -> Op {
        self.ranks[at.rank_index as usize].nodes[at.node as usize].op
    }

    /// The nodes that a node is ordered with, itself among them.
    fn together(&self, node: usize) -> &[NodeRef] {
        match self.op(self.nodes[node]) {
            Op::Joint { collective } => &self.collectives[collective as usize].members,
            _ => &self.nodes[node..=node],
        }
    }

    fn unit(&self, node: usize) -> usize {
        match self.units.is_empty() {
            true => node,
            false => self.units[node],
        }
    }

    /// What a node waits for: its parents, and its send if it is a receive.
    fn parents(&self, node: usize) -> impl Iterator<Item = usize> + use<'a> {
        let at = self.nodes[node];
        let start = self.starts[at.rank_index as usize];
        let node = &self.ranks[at.rank_index as usize].nodes[at.node as usize];
        let send = match node.op {
            Op::Receive { message } => Some(self.number(self.messages[message as usize].send)),
            _ => None,
        };
        node.deps
            .iter()
            .map(move |&parent| start + parent as usize)
            .chain(send)
    }

    fn sort(&mut self) -> Vec<NodeRef> {
        let mut order = Vec::with_capacity(self.nodes.len());
        let turn = |at: NodeRef| Reverse((at.node, at.rank_index));
        let mut free: BinaryHeap<_> = (0..self.nodes.len())
            .filter(|&node| self.waiting[node] == 0 && self.unit(node) == node)
            .map(|node| turn(self.nodes[node]))
            .collect();
        while let Some(Reverse((node, rank_index))) = free.pop() {
            let unit = self.number(NodeRef { rank_index, node });
            order.extend_from_slice(self.together(unit));
            for place in self.children_start[unit]..self.children_start[unit + 1] {
                let child = self.children[place];
                self.waiting[child] -= 1;
                if self.waiting[child] == 0 {
                    free.push(turn(self.nodes[child]));
                }
            }
        }
        order
    }

    /// Whether a node is not in the order.
    fn waits(&self, node: usize) -> bool {
        self.waiting[self.unit(node)] > 0
    }

    /// Finds a cycle among the nodes that still wait; there must be one after `sort`.
    fn cycle(&self) -> Cycle {
        let first = self.waiting.iter().position(|&waiting| waiting > 0);
        let mut unit = first.expect("nodes that are not in the order wait for a parent");
        let (mut path, mut place_on_path) = (Vec::new(), HashMap::new());
        let start = loop {
            if let Some(&start) = place_on_path.get(&unit) {
                break start;
            }
            place_on_path.insert(unit, path.len());
            let members = self.together(unit).iter().map(|&at| self.number(at));
            let mut waits = members.filter_map(|node| {
                let parent = self.parents(node).find(|&parent| self.waits(parent))?;
                Some((node, parent))
            });
            let (node, parent) = waits.next().expect("what waits has a parent that waits");
            path.push((node, parent));
            unit = self.unit(parent);
        };
        self.describe(&nodes_on(&path[start..]))
    }

    /// Turns a path from each node to one of its parents into a cycle in running order.
    fn describe(&self, path: &[usize]) -> Cycle {
        let mut nodes: Vec<NodeRef> = path.iter().rev().map(|&node| self.nodes[node]).collect();
        let earliest = (0..nodes.len()).min_by_key(|&place| (nodes[place].node, nodes[place]));
        nodes.rotate_left(earliest.unwrap_or(0));
        let pairs = (0..nodes.len()).map(|place| {
            let before = nodes[(place + nodes.len() - 1) % nodes.len()];
            (before, nodes[place])
        });
        let (mut over_messages, mut over_collectives) = (false, false);
        for (before, at) in pairs.filter(|&(before, at)| !self.is_edge(before, at)) {
            let is_joint = before != at && self.together(self.number(at)).contains(&before);
            over_collectives |= is_joint;
            over_messages |= !is_joint;
        }
        let shown = nodes.iter().take(SHOWN).map(|&at| self.place(at)).collect();
        Cycle {
            nodes: shown,
            length: nodes.len(),
            over_messages,
            over_collectives,
        }
    }

    /// Whether an edge of a file leads from one node to the other.
    fn is_edge(&self, from: NodeRef, to: NodeRef) -> bool {
        let to_node = &self.ranks[to.rank_index as usize].nodes[to.node as usize];
        from.rank_index == to.rank_index && to_node.deps.contains(&from.node)
    }

    fn place(&self, at: NodeRef) -> NodePlace {
        let rank = &self.ranks[at.rank_index as usize];
        let node = &rank.nodes[at.node as usize];
        Site {
            file: &rank.file,
            rank: rank.rank,
            offset: node.offset,
        }
        .place(node.id, &node.name)
    }
}

/// The nodes of a cycle of units, each given by a node that waits and the parent for which it
/// does: that parent and the node of its unit that waits in turn may differ.
fn nodes_on(cycle: &[(usize, usize)]) -> Vec<usize> {
    let next = cycle.iter().cycle().skip(1);
    let nodes = cycle
        .iter()
        .zip(next)
        .flat_map(|(&(node, parent), &(next, _))| [Some(node), (parent != next).then_some(parent)]);
    nodes.flatten().collect()
}

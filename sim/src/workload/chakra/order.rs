//! One topological order over all ranks, or a cycle that forbids it.
//!
//! Guarantees: parents come before children and sends before their receives; among nodes
//! that are free, the earliest in its file comes first, ranks taken in turn, so the order is
//! the same on every run and stays close to file order. Called by `load`.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::fmt;

use super::error::ImportError;
use super::model::{Message, NodeRef, Op, RankGraph};
use super::node::Site;
use super::place::NodePlace;

/// Nodes of a cycle that are spelled out.
const SHOWN: usize = 8;

/// Nodes that wait for each other: each for the one before it, the first for the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle {
    /// The nodes, from the earliest in its file on; at most 8.
    pub nodes: Vec<NodePlace>,
    /// How many nodes the cycle has.
    pub length: usize,
    /// True where a receive that waits for its send is part of it: the trace deadlocks.
    pub over_messages: bool,
}

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            nodes,
            length,
            over_messages,
        } = self;
        let what = if *over_messages {
            "deadlock over send and receive"
        } else {
            "cycle"
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
        if self.over_messages {
            "correct the order of its messages, or enforce other edges"
        } else {
            "correct its edges, or enforce other edges"
        }
    }
}

/// Orders all nodes.
pub(super) fn order(
    ranks: &[RankGraph],
    messages: &[Message],
) -> Result<Vec<NodeRef>, ImportError> {
    let mut graph = Graph::new(ranks, messages);
    let order = graph.sort();
    if order.len() == graph.nodes.len() {
        return Ok(order);
    }
    Err(ImportError::Cycle(graph.cycle()))
}

/// All nodes under one numbering: rank by rank, each in file order.
struct Graph<'a> {
    ranks: &'a [RankGraph],
    messages: &'a [Message],
    nodes: Vec<NodeRef>,
    /// Where each rank's nodes begin.
    starts: Vec<usize>,
    /// Children of node `i` over edges, as `children[children_start[i]..children_start[i + 1]]`.
    children: Vec<usize>,
    children_start: Vec<usize>,
    /// Parents not yet in the order.
    waiting: Vec<usize>,
}

impl<'a> Graph<'a> {
    fn new(ranks: &'a [RankGraph], messages: &'a [Message]) -> Self {
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
            starts,
            children: Vec::new(),
            children_start: vec![0; nodes.len() + 1],
            waiting: vec![0; nodes.len()],
            nodes,
        };
        graph.link();
        graph
    }

    /// Fills the children of every node: counts, sums up, places.
    fn link(&mut self) {
        for child in 0..self.nodes.len() {
            for parent in self.parents(child) {
                self.children_start[parent] += 1;
                self.waiting[child] += 1;
            }
        }
        let mut total = 0;
        for start in &mut self.children_start {
            total += *start;
            *start = total;
        }
        self.children = vec![0; total];
        for child in 0..self.nodes.len() {
            for parent in self.parents(child) {
                self.children_start[parent] -= 1;
                self.children[self.children_start[parent]] = child;
            }
        }
    }

    fn number(&self, at: NodeRef) -> usize {
        self.starts[at.rank_index as usize] + at.node as usize
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
            .filter(|&node| self.waiting[node] == 0)
            .map(|node| turn(self.nodes[node]))
            .collect();
        while let Some(Reverse((node, rank_index))) = free.pop() {
            let at = NodeRef { rank_index, node };
            order.push(at);
            let number = self.number(at);
            for place in self.children_start[number]..self.children_start[number + 1] {
                let child = self.children[place];
                self.waiting[child] -= 1;
                if self.waiting[child] == 0 {
                    free.push(turn(self.nodes[child]));
                }
            }
        }
        order
    }

    /// Finds a cycle among the nodes that still wait; there must be one after `sort`.
    fn cycle(&self) -> Cycle {
        let first = self.waiting.iter().position(|&waiting| waiting > 0);
        let mut node = first.expect("nodes that are not in the order wait for a parent");
        let (mut path, mut place_on_path) = (Vec::new(), HashMap::new());
        let start = loop {
            if let Some(&start) = place_on_path.get(&node) {
                break start;
            }
            place_on_path.insert(node, path.len());
            path.push(node);
            let parent = self.parents(node).find(|&parent| self.waiting[parent] > 0);
            node = parent.expect("a node that waits has a parent that waits");
        };
        self.describe(&path[start..])
    }

    /// Turns a path from each node to one of its parents into a cycle in running order.
    fn describe(&self, path: &[usize]) -> Cycle {
        let mut nodes: Vec<NodeRef> = path.iter().rev().map(|&node| self.nodes[node]).collect();
        let earliest = (0..nodes.len()).min_by_key(|&place| (nodes[place].node, nodes[place]));
        nodes.rotate_left(earliest.unwrap_or(0));
        let over_messages = nodes.iter().any(|at| at.rank_index != nodes[0].rank_index)
            || nodes.iter().enumerate().any(|(place, at)| {
                let before = nodes[(place + nodes.len() - 1) % nodes.len()];
                !self.ranks[at.rank_index as usize].nodes[at.node as usize]
                    .deps
                    .contains(&before.node)
            });
        let shown = nodes.iter().take(SHOWN).map(|&at| self.place(at)).collect();
        Cycle {
            nodes: shown,
            length: nodes.len(),
            over_messages,
        }
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

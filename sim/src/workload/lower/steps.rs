//! Where the tasks of collectives stand: between those of the nodes, and in the global order.
//!
//! Guarantees: a rank's tasks stand in the order of its nodes, those of one node side by side and
//! behind each other; the last stands for the node. In the global order the tasks of a collective
//! stand side by side, where the trace has its nodes. Called by `lower`.

use crate::workload::chakra::{self, CollectiveKind, Node, Op};
use crate::workload::plan::{RankPlan, TaskPlan, TaskRef, index};
use crate::workload::verify::Check;

use super::collective::{build, part_cap};
use super::rounds::Built;
use super::{Collectives, TooManySteps, name_of};

/// Characters of a node's name that its steps carry.
const SHOWN: usize = 60;

/// The tasks of all collectives, and where each node's begin.
pub(super) struct Steps<'a> {
    trace: &'a chakra::Workload,
    built: Vec<Built>,
    /// The first task of each rank's nodes, and how many there are.
    firsts: Vec<Vec<u32>>,
}

impl<'a> Steps<'a> {
    /// Plans the collectives of `trace`, which may become `most` tasks.
    ///
    /// # Errors
    /// [`TooManySteps`].
    pub(super) fn plan(
        trace: &'a chakra::Workload,
        (how, most): (Collectives, usize),
        ranks: &mut [RankPlan],
        checks: &mut Vec<Check>,
    ) -> Result<Self, TooManySteps> {
        let cap = part_cap(&trace.collectives);
        let (mut built, mut steps) = (Vec::with_capacity(trace.collectives.len()), 0);
        for (nth, collective) in trace.collectives.iter().enumerate() {
            let one = build(ranks, (nth, collective), how.of(collective), cap, checks);
            steps += one.order.len();
            if steps > most {
                return Err(TooManySteps);
            }
            built.push(one);
        }
        let mut steps = Self {
            trace,
            built,
            firsts: Vec::new(),
        };
        steps.firsts = (0..trace.ranks.len())
            .map(|rank| steps.firsts_of(rank))
            .collect();
        Ok(steps)
    }

    fn firsts_of(&self, rank: usize) -> Vec<u32> {
        let nodes = &self.trace.ranks[rank].nodes;
        let (mut firsts, mut next) = (Vec::with_capacity(nodes.len() + 1), 0);
        for node in nodes {
            firsts.push(next);
            next += match node.op {
                Op::Joint { collective } => {
                    let (collective, member) = self.of(collective, rank);
                    index(self.built[collective].tasks[member].len())
                }
                _ => 1,
            };
        }
        firsts.push(next);
        firsts
    }

    /// A collective, and which member `rank` is.
    fn of(&self, collective: u32, rank: usize) -> (usize, usize) {
        let collective = collective as usize;
        let members = &self.trace.collectives[collective].members;
        let found = members.binary_search_by_key(&index(rank), |at| at.rank_index);
        (collective, found.expect("a joint node is of a member"))
    }

    /// How many tasks a rank has.
    pub(super) fn count(&self, rank: usize) -> usize {
        self.firsts[rank].last().map_or(0, |&count| count as usize)
    }

    /// The tasks that stand for these nodes of a rank.
    pub(super) fn last_of(&self, rank: usize, nodes: &[u32]) -> Vec<u32> {
        let last = |&node: &u32| self.firsts[rank][node as usize + 1] - 1;
        nodes.iter().map(last).collect()
    }

    /// The global order, from that of the nodes.
    pub(super) fn order(&self) -> Vec<TaskRef> {
        let tasks = (0..self.firsts.len()).map(|rank| self.count(rank)).sum();
        let mut order = Vec::with_capacity(tasks);
        for at in &self.trace.order {
            let first =
                |at: &chakra::NodeRef| self.firsts[at.rank_index as usize][at.node as usize];
            match self.trace.ranks[at.rank_index as usize].nodes[at.node as usize].op {
                Op::Joint { collective } => {
                    let members = &self.trace.collectives[collective as usize].members;
                    if members[0] != *at {
                        continue;
                    }
                    let steps = self.built[collective as usize].order.iter();
                    order.extend(steps.map(|&(member, step)| {
                        let at = &members[member as usize];
                        let (rank, task) = (at.rank_index, first(at) + step);
                        TaskRef { rank, task }
                    }));
                }
                _ => order.push(TaskRef {
                    rank: at.rank_index,
                    task: first(at),
                }),
            }
        }
        order
    }

    /// Adds the tasks of a rank's node of a collective, the first of them behind `after`.
    pub(super) fn add(
        &mut self,
        plan: &mut RankPlan,
        (rank, node): (usize, &Node),
        collective: u32,
        mut after: Vec<u32>,
    ) {
        let (collective, member) = self.of(collective, rank);
        let kind = self.trace.collectives[collective].kind;
        let tasks = std::mem::take(&mut self.built[collective].tasks[member]);
        let all = tasks.len();
        for (step, task) in (1..).zip(tasks) {
            let name = step_name((kind, node), step, all);
            let added = plan.add_task(TaskPlan {
                name: name.into(),
                after: after.into(),
                ..task
            });
            after = vec![added];
        }
    }
}

/// As `all-reduce step 3 of 14 (NODE)`.
fn step_name((kind, node): (CollectiveKind, &Node), step: usize, all: usize) -> String {
    let (kind, name) = (kind.name(), name_of(node));
    let (name, more) = match name.char_indices().nth(SHOWN) {
        Some((end, _)) => (&name[..end], "…"),
        None => (&*name, ""),
    };
    match all {
        1 => format!("{kind} ({name}{more})"),
        _ => format!("{kind} step {step} of {all} ({name}{more})"),
    }
}

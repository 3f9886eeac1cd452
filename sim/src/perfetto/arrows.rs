//! Which arrows a trace has, and what is at their ends.
//!
//! A dependency goes from the bar of the producer (its wait, if it was deferred; else its block
//! whose FIN came last; else the instant at which it was finished) to the consumer's first block,
//! or to its instant. An operation goes from the block that caused it, and to the condition it
//! made true. An arrow is drawn only if both ends are and the first does not begin after the
//! second: then it has both its ends in the trace. Called by `all`.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use fnv::FnvHasher;

use super::waits::Wait;
use super::window::Window;
use crate::timeline::{NEVER, OperationRef, RankTimeline, Timeline};

/// What stands for a task at one end of an arrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spot {
    /// Nothing that is seen.
    Nowhere,
    /// A block, by index.
    Block(u32),
    /// Its wait.
    Wait,
    /// The instant at which it was finished.
    Instant,
}

/// The arrows of one bar or instant, by number: those that go out, and those that come in.
#[derive(Debug, Default)]
pub(super) struct Ends {
    pub(super) out: Vec<u64>,
    pub(super) into: Vec<u64>,
}

/// Ends, by where they are.
type At<K> = HashMap<K, Ends, BuildHasherDefault<FnvHasher>>;

/// All arrows, by what is at their ends.
#[derive(Debug, Default)]
pub(super) struct Arrows {
    /// By rank and block.
    pub(super) blocks: At<(usize, u32)>,
    /// By rank and task.
    pub(super) waits: At<(usize, u32)>,
    pub(super) instants: At<(usize, u32)>,
    /// By rank and condition.
    pub(super) conditions: At<(usize, u32)>,
    pub(super) operations: At<OperationRef>,
    /// How many there are.
    pub(super) count: u64,
}

/// Where arrows from and to a task end, and when what is there begins.
struct Spots {
    from: Vec<(Spot, u64)>,
    to: Vec<(Spot, u64)>,
}

impl Spots {
    fn of(rank: &RankTimeline, waits: &[Wait], window: Window) -> Self {
        let nowhere = (Spot::Nowhere, 0);
        let mut from = vec![nowhere; rank.tasks.len()];
        let mut last = vec![0; rank.tasks.len()];
        let mut to = from.clone();
        for (index, block) in (0..).zip(&rank.blocks) {
            let task = block.task as usize;
            let is_seen = window.sees(block.dispatched_ns, block.observed_ns);
            if !is_seen || task >= to.len() {
                continue;
            }
            let here = (Spot::Block(index), block.dispatched_ns);
            if to[task].0 == Spot::Nowhere {
                to[task] = here;
            }
            if block.observed_ns >= last[task] {
                (from[task], last[task]) = (here, block.observed_ns);
            }
        }
        for wait in waits {
            from[wait.task as usize] = (Spot::Wait, wait.begin_ns);
        }
        for task in instants(rank, window) {
            let here = (Spot::Instant, rank.tasks[task as usize].finished_ns);
            (from[task as usize], to[task as usize]) = (here, here);
        }
        Self { from, to }
    }
}

/// Tasks that were finished though none of their blocks ever ran.
pub(super) fn instants(rank: &RankTimeline, window: Window) -> Vec<u32> {
    let mut has_run = vec![false; rank.tasks.len()];
    for block in &rank.blocks {
        if let Some(has_run) = has_run.get_mut(block.task as usize) {
            *has_run = true;
        }
    }
    let tasks = (0..).zip(rank.tasks.iter().zip(has_run));
    let at = |ns| ns != NEVER && window.sees(ns, ns);
    tasks
        .filter(|(_, (task, has_run))| !has_run && at(task.finished_ns))
        .map(|(index, _)| index)
        .collect()
}

impl Arrows {
    /// Those of `timeline`, of whose ranks `waits` are drawn.
    pub(super) fn of(timeline: &Timeline, waits: &[Vec<Wait>], window: Window) -> Self {
        let mut arrows = Self::default();
        for (rank, (recorded, waits)) in timeline.ranks.iter().zip(waits).enumerate() {
            let spots = Spots::of(recorded, waits, window);
            arrows.dependencies((rank, recorded), &spots);
            arrows.causes((rank, recorded), &spots, window);
            for wait in waits {
                arrows.effects((rank, wait), timeline, window);
            }
        }
        arrows
    }

    fn next(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    fn at(&mut self, rank: usize, task: u32, spot: Spot) -> Option<&mut Ends> {
        match spot {
            Spot::Nowhere => None,
            Spot::Block(block) => Some(self.blocks.entry((rank, block)).or_default()),
            Spot::Wait => Some(self.waits.entry((rank, task)).or_default()),
            Spot::Instant => Some(self.instants.entry((rank, task)).or_default()),
        }
    }

    fn dependencies(&mut self, (rank, recorded): (usize, &RankTimeline), spots: &Spots) {
        for (task, &(to, to_ns)) in (0..).zip(&spots.to) {
            for &before in recorded.befores.of(task) {
                let Some(&(from, from_ns)) = spots.from.get(before as usize) else {
                    continue;
                };
                if from == Spot::Nowhere || to == Spot::Nowhere || from_ns > to_ns {
                    continue;
                }
                let id = self.next();
                if let Some(ends) = self.at(rank, before, from) {
                    ends.out.push(id);
                }
                if let Some(ends) = self.at(rank, task, to) {
                    ends.into.push(id);
                }
            }
        }
    }

    /// From a task of one block to what it set going.
    fn causes(&mut self, (rank, recorded): (usize, &RankTimeline), spots: &Spots, window: Window) {
        for (index, operation) in (0..).zip(&recorded.operations) {
            let task = recorded.tasks.get(operation.task as usize);
            let Some(&(Spot::Block(block), from_ns)) = spots.to.get(operation.task as usize) else {
                continue;
            };
            let is_seen = window.sees(operation.began_ns, operation.ended_ns);
            let is_one = task.is_some_and(|task| task.blocks == 1);
            if !is_seen || !is_one || from_ns > operation.began_ns {
                continue;
            }
            let id = self.next();
            let from = self.blocks.entry((rank, block)).or_default();
            from.out.push(id);
            let here = OperationRef {
                rank: u32::try_from(rank).unwrap_or(u32::MAX),
                index,
            };
            self.operations.entry(here).or_default().into.push(id);
        }
    }

    /// From what made a condition true to that condition.
    fn effects(&mut self, (rank, wait): (usize, &Wait), timeline: &Timeline, window: Window) {
        for &index in &wait.conditions {
            let condition = &timeline.ranks[rank].conditions[index as usize];
            let Some(by) = condition.by.filter(|_| condition.met_ns != NEVER) else {
                continue;
            };
            let other = timeline.ranks.get(by.rank as usize);
            let operation = other.and_then(|it| it.operations.get(by.index as usize));
            let is_drawn = operation.is_some_and(|it| {
                window.sees(it.began_ns, it.ended_ns)
                    && it.began_ns <= wait.inside(condition.met_ns)
            });
            if is_drawn {
                let id = self.next();
                self.operations.entry(by).or_default().out.push(id);
                let into = self.conditions.entry((rank, index)).or_default();
                into.into.push(id);
            }
        }
    }
}

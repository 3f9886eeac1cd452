//! One rank of a random workload while it is planned: its regions, and what its tasks may compare
//! and wait for by themselves.

use super::draw::Draw;
use super::gate::Known;
use super::region::Region;
use super::scopes::Scopes;
use crate::device::CounterPlace;
use crate::workload::plan::{PredicatePlan, RankPlan, TaskPlan};
use crate::workload::{EngineTime, Op};

/// A counter and a value that it reaches.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reached {
    pub(super) counter: u32,
    pub(super) least: u32,
}

#[derive(Debug, Default)]
pub(super) struct Rank {
    pub(super) plan: RankPlan,
    pub(super) regions: Vec<Region>,
    /// Conditions that tasks which wait for peers may register together.
    pub(super) peer_bound: u32,
    /// The most that a task which waits for own engines may register.
    pub(super) own_bound: u32,
    pub(super) scopes: Scopes,
    /// A counter that nobody writes, which predicates compare.
    gate: Option<u32>,
    /// What counters have reached when these tasks have completed.
    reached: Vec<(u32, Reached)>,
}

impl Rank {
    pub(super) fn new(plan: RankPlan, scopes: Scopes) -> Self {
        Self {
            plan,
            scopes,
            ..Self::default()
        }
    }

    pub(super) fn new_region(&mut self, words: usize) -> usize {
        self.regions.push(Region::new(self.plan.data_bytes, words));
        self.plan.data_bytes += words as u64 * 4;
        self.regions.len() - 1
    }

    /// When `task` has completed these counters have been reached.
    pub(super) fn reaches(&mut self, task: u32, reached: &[Reached]) {
        self.reached
            .extend(reached.iter().map(|&reached| (task, reached)));
    }

    /// Now and then: a predicate; returns whether the task runs. It compares a counter that nobody
    /// writes, one that a task before waited for, or a word of `regions`, which the task uses.
    pub(super) fn gate(&mut self, task: &mut TaskPlan, regions: &[usize], draw: &mut Draw) -> bool {
        if !draw.one_in(5) {
            return true;
        }
        let reached = self.reached_before(task, regions);
        let (counter, known) = match draw.below(3) {
            0 if !regions.is_empty() => self.word(draw.pick(regions), draw),
            1 if !reached.is_empty() => {
                let Reached { counter, least } = draw.pick(&reached);
                (counter, Known::AtLeast(least))
            }
            _ => {
                let Self { gate, plan, .. } = self;
                let add = || plan.add_counter(CounterPlace::Packed);
                (*gate.get_or_insert_with(add), Known::Exactly(0))
            }
        };
        let (comparison, value, holds) = known.compared(draw);
        task.predicate = Some(PredicatePlan {
            counter,
            comparison,
            value,
        });
        holds
    }

    /// The counters that tasks of this rank waited for which `task` comes behind.
    fn reached_before(&self, task: &TaskPlan, regions: &[usize]) -> Vec<Reached> {
        let wrote = |at: u32, region: usize| {
            let mut writers = self.regions[region].writers.iter();
            writers.any(|writer| (writer.rank, writer.task) == (self.plan.rank, at))
        };
        let is_before =
            |at| task.after.contains(&at) || regions.iter().any(|&region| wrote(at, region));
        let found = self.reached.iter().filter(|&&(at, _)| is_before(at));
        found.map(|&(_, reached)| reached).collect()
    }

    /// A counter that is a word of `region`, and what it holds.
    fn word(&mut self, region: usize, draw: &mut Draw) -> (u32, Known) {
        let Region { at, values, .. } = &self.regions[region];
        let word = draw.index(values.len());
        let place = CounterPlace::Data(at + 4 * word as u64);
        (self.plan.add_counter(place), Known::Exactly(values[word]))
    }

    /// Now and then: each of `parts` parts of the task starts engines, and waits for some or all of
    /// them. Returns what their counters will have reached.
    pub(super) fn defer(
        &mut self,
        task: &mut TaskPlan,
        parts: u64,
        draw: &mut Draw,
    ) -> Vec<Reached> {
        let mut reached = Vec::new();
        if draw.one_in(3) {
            let count = match draw.below(16) {
                0 => draw.between(9, 64),
                _ => draw.between(1, 3),
            };
            let posts = u64::from(task.defers);
            let count = count.min((64 - posts) / parts);
            for _ in 0..count {
                let counter = self.plan.add_counter(CounterPlace::Packed);
                let ns = draw.pick(&[0, 100, 3_000, 30_000]);
                let least = u32::try_from(draw.between(1, parts)).unwrap_or(1);
                let (time, expected) = (EngineTime::Ns(ns), least);
                task.program.push(Op::Engine { counter, time });
                task.program.push(Op::Await { counter, expected });
                reached.push(Reached { counter, least });
            }
            let bound = posts + count * parts + draw.below(3);
            task.defers = u8::try_from(bound.min(64)).unwrap_or(64);
        }
        self.own_bound = self.own_bound.max(u32::from(task.defers));
        reached
    }
}

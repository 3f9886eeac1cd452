//! Building one random workload, task by task, in its global order.

use super::Limits;
use super::draw::Draw;
use super::graph::Graph;
use super::region::Region;
use super::scopes::{Held, Scopes};
use super::split::Split;
use crate::device::CounterPlace;
use crate::workload::plan::{
    BufferPlan, PredicatePlan, RankPlan, TaskPlan, TaskRef, Workload, index,
};
use crate::workload::{Access, Comparison, EngineTime, Op, Priority, Shape};

/// Most words of a region.
const MOST_WORDS: usize = 8;

/// A planned task, as later ones see it.
#[derive(Clone, Copy, Debug)]
struct Planned {
    at: TaskRef,
    /// The region it wrote; None: it only orders.
    region: Option<usize>,
    /// Whether its program runs exactly once, so that it may notify.
    runs_once: bool,
}

#[derive(Debug, Default)]
struct Rank {
    plan: RankPlan,
    regions: Vec<Region>,
    /// Conditions that tasks which wait for peers may register together.
    peer_bound: u32,
    /// The most that a task which waits for own engines may register.
    own_bound: u32,
    /// A counter that nobody writes, which predicates compare.
    gate: Option<u32>,
    scopes: Scopes,
}

/// What a task depends on, found for its own rank.
#[derive(Debug, Default)]
struct Before {
    regions: Vec<usize>,
    after: Vec<u32>,
}

pub(super) struct Builder {
    draw: Draw,
    cores: u16,
    graph: Graph,
    ranks: Vec<Rank>,
    order: Vec<TaskRef>,
    planned: Vec<Planned>,
}

impl Builder {
    pub(super) fn new(mut draw: Draw, ranks: u32, cores: u16) -> Self {
        let graph = Graph::draw(&mut draw);
        let rank = |rank| Rank {
            plan: RankPlan::new(rank),
            scopes: Scopes::draw(&mut draw),
            ..Rank::default()
        };
        let ranks = (0..ranks).map(rank).collect();
        Self {
            draw,
            cores,
            graph,
            ranks,
            order: Vec::new(),
            planned: Vec::new(),
        }
    }

    /// Plans `count` tasks, and those that wait for peers between them.
    pub(super) fn build(&mut self, count: usize) {
        for index in 0..count {
            let rank = self.draw.index(self.ranks.len());
            let before = self.graph.before(index, count, &mut self.draw);
            let before = self.bring(rank, &before);
            let planned = match self.draw.below(8) {
                0 => self.plan_dummy(rank, before),
                1 if !self.ranks[rank].regions.is_empty() => self.plan_update(rank, before),
                _ => self.plan_compute(rank, before),
            };
            self.planned.push(planned);
        }
    }

    /// Makes everything a task depends on a matter of its own rank: what a peer computed is put
    /// here, and a task of this rank waits until it has arrived.
    fn bring(&mut self, rank: usize, before: &[usize]) -> Before {
        let mut found = Before::default();
        for &earlier in before {
            let Planned { at, region, .. } = self.planned[earlier];
            if at.rank as usize != rank {
                self.link(rank, earlier, &mut found);
                continue;
            }
            match region {
                Some(region) if !self.draw.one_in(4) => found.regions.push(region),
                _ => found.after.push(at.task),
            }
        }
        found.regions.sort_unstable();
        found.regions.dedup();
        found.after.sort_unstable();
        found.after.dedup();
        found
    }

    /// Lets a peer's task put what it wrote and notify, and plans the task that waits for it.
    fn link(&mut self, rank: usize, earlier: usize, found: &mut Before) {
        let Planned {
            at: from,
            region,
            runs_once,
        } = self.planned[earlier];
        let from = match region {
            _ if runs_once => from,
            Some(region) => self.relay(from.rank as usize, region),
            None => return,
        };
        let peer = index(rank);
        let counter = self.ranks[rank].plan.add_counter(CounterPlace::Packed);
        let source = region.map(|region| self.ranks[from.rank as usize].regions[region].clone());
        let mut ops = Vec::new();
        let landing = source
            .filter(|source| !runs_once || source.writers == [from])
            .map(|source| {
                let landing = self.new_region(rank, source.values.len());
                let region = &mut self.ranks[rank].regions[landing];
                region.values.clone_from(&source.values);
                region.writers.push(from);
                ops.push(Op::Put {
                    peer,
                    from: source.at,
                    to: region.at,
                    bytes: source.count() * 4,
                });
                landing
            });
        let add = 1;
        ops.push(Op::Notify { peer, counter, add });
        let source = &mut self.ranks[from.rank as usize].plan.tasks[from.task as usize];
        source.program.extend(ops);
        let waiter = self.wait_for(rank, from.rank, counter);
        if let Some(landing) = landing {
            // What a dead peer sends may be ignored: it is there if it was waited for.
            self.ranks[rank].regions[landing].writers.push(waiter);
        }
        found.after.push(waiter.task);
        found.regions.extend(landing);
    }

    /// A task that waits until `peer` has notified `counter`.
    fn wait_for(&mut self, rank: usize, peer: u32, counter: u32) -> TaskRef {
        let expected = 1;
        let waiter = TaskPlan {
            program: vec![Op::Await { counter, expected }],
            defers: 1,
            ..TaskPlan::new(format!("wait for rank {peer}"), Shape::Aiv, 300)
        };
        self.ranks[rank].peer_bound += 1;
        self.add(rank, waiter)
    }

    /// A task that can notify once what the parts of another one wrote, or what it did not write.
    fn relay(&mut self, rank: usize, region: usize) -> TaskRef {
        let uses = vec![self.ranks[rank].regions[region].used(Access::In)];
        let relay = TaskPlan::new("relay", Shape::Aiv, 300);
        self.add(rank, TaskPlan { uses, ..relay })
    }

    fn new_region(&mut self, rank: usize, words: usize) -> usize {
        let rank = &mut self.ranks[rank];
        rank.regions.push(Region::new(rank.plan.data_bytes, words));
        rank.plan.data_bytes += words as u64 * 4;
        rank.regions.len() - 1
    }

    fn add(&mut self, rank: usize, mut task: TaskPlan) -> TaskRef {
        if self.draw.one_in(4) {
            task.priority = Priority::High;
        }
        if self.draw.one_in(4) {
            task.output_bytes = self.draw.pick(&[1, 64, 100, 4_096]);
        }
        self.ranks[rank].scopes.place(&mut task, &mut self.draw);
        let task = self.ranks[rank].plan.add_task(task);
        let rank = index(rank);
        let at = TaskRef { rank, task };
        self.order.push(at);
        at
    }

    /// A task that only orders others.
    fn plan_dummy(&mut self, rank: usize, before: Before) -> Planned {
        let writers = before.regions.iter().filter_map(|&region| {
            let writers = &self.ranks[rank].regions[region].writers;
            writers.iter().rev().find(|at| at.rank as usize == rank)
        });
        let mut after: Vec<u32> = writers.map(|at| at.task).chain(before.after).collect();
        after.sort_unstable();
        after.dedup();
        let at = self.add(
            rank,
            TaskPlan {
                after,
                ..TaskPlan::new("dummy", Shape::Dummy, 0)
            },
        );
        Planned {
            at,
            region: None,
            runs_once: false,
        }
    }

    /// A task that changes in place what another task of its rank wrote.
    fn plan_update(&mut self, rank: usize, before: Before) -> Planned {
        let chosen = self.draw.index(self.ranks[rank].regions.len());
        let region = &self.ranks[rank].regions[chosen];
        if region.writers.iter().any(|at| at.rank as usize != rank) {
            // What a peer puts is ordered by a notify, and is not declared by its writer.
            return self.plan_compute(rank, before);
        }
        let split = Split::draw(&mut self.draw, self.cores).of_words(region.values.len());
        let mut task = self.task("update", split);
        task.after = before.after;
        let kept = self.ranks[rank].regions[chosen].values.clone();
        self.read(rank, (&mut task, split), &before.regions, chosen);
        let add = u32::try_from(self.draw.below(1 << 20)).unwrap_or(1);
        let region = &mut self.ranks[rank].regions[chosen];
        task.uses.push(region.used(Access::InOut));
        let ops = split.divide(region.add(add), region.count());
        task.program.extend(ops);
        self.finish_task(rank, (task, split), (chosen, kept))
    }

    /// A task that writes words of its own from those it reads.
    fn plan_compute(&mut self, rank: usize, before: Before) -> Planned {
        let split = Split::draw(&mut self.draw, self.cores);
        let each = ((self.draw.index(MOST_WORDS) + 1) / split.parts()).max(1);
        let region = self.new_region(rank, each * split.parts());
        let mut task = self.task("compute", split);
        task.after = before.after;
        let value = u32::try_from(self.draw.below(1 << 30)).unwrap_or(1);
        let own = &mut self.ranks[rank].regions[region];
        let kept = own.values.clone();
        task.uses.push(own.used(Access::Out));
        let ops = split.divide(own.fill(value), own.count());
        task.program.extend(ops);
        self.read(rank, (&mut task, split), &before.regions, region);
        self.finish_task(rank, (task, split), (region, kept))
    }

    /// `kept`: what the region holds if the task is not to run.
    fn finish_task(
        &mut self,
        rank: usize,
        (mut task, split): (TaskPlan, Split),
        (region, kept): (usize, Vec<u32>),
    ) -> Planned {
        let runs = self.gate(rank, &mut task);
        if runs {
            self.defer(rank, &mut task, split);
        } else {
            self.ranks[rank].regions[region].values = kept;
        }
        task.output = Some(self.ranks[rank].regions[region].span());
        let at = self.add(rank, task);
        self.ranks[rank].regions[region].writers.push(at);
        Planned {
            at,
            region: Some(region),
            runs_once: runs && split.parts() == 1,
        }
    }

    /// Now and then: a predicate; returns whether the task runs.
    fn gate(&mut self, rank: usize, task: &mut TaskPlan) -> bool {
        if !self.draw.one_in(5) {
            return true;
        }
        let Rank { gate, plan, .. } = &mut self.ranks[rank];
        let counter = *gate.get_or_insert_with(|| plan.add_counter(CounterPlace::Packed));
        let comparison = self.draw.pick(&[
            Comparison::Equal,
            Comparison::NotEqual,
            Comparison::Less,
            Comparison::LessOrEqual,
            Comparison::Greater,
            Comparison::GreaterOrEqual,
        ]);
        let value = self.draw.pick(&[0, 0, 1, u32::MAX]);
        task.predicate = Some(PredicatePlan {
            counter,
            comparison,
            value,
        });
        comparison.holds(0, value)
    }

    /// Adds what the regions hold to the words of region `to`; parts of a task only what has
    /// words for each of them.
    fn read(
        &mut self,
        rank: usize,
        (task, split): (&mut TaskPlan, Split),
        regions: &[usize],
        to: usize,
    ) {
        for &from in regions.iter().filter(|&&from| from != to) {
            let other = self.ranks[rank].regions[from].clone();
            task.uses.push(other.used(Access::In));
            let own = &mut self.ranks[rank].regions[to];
            if split.parts() == 1 || other.count() >= own.count() {
                let op = own.accumulate(&other);
                task.program.extend(split.divide(op, own.count()));
            }
        }
    }

    fn task(&mut self, name: &str, split: Split) -> TaskPlan {
        let duration_ns = self.draw.pick(&[0, 200, 1_000, 5_000, 20_000]);
        let mut task = TaskPlan::new(name, Shape::Aiv, duration_ns);
        split.apply(&mut task);
        task
    }

    /// Now and then: each part of the task starts engines, and waits for some or all of them.
    fn defer(&mut self, rank: usize, task: &mut TaskPlan, split: Split) {
        if !self.draw.one_in(3) {
            return;
        }
        let count = match self.draw.below(16) {
            0 => self.draw.between(9, 64),
            _ => self.draw.between(1, 3),
        };
        let parts = split.parts() as u64;
        let count = count.min(64 / parts);
        for _ in 0..count {
            let counter = self.ranks[rank].plan.add_counter(CounterPlace::Packed);
            let ns = self.draw.pick(&[0, 100, 3_000, 30_000]);
            let expected = u32::try_from(self.draw.between(1, parts)).unwrap_or(1);
            let time = EngineTime::Ns(ns);
            task.program.push(Op::Engine { counter, time });
            task.program.push(Op::Await { counter, expected });
        }
        let slack = self.draw.below(3);
        task.defers = u8::try_from((count * parts + slack).min(64)).unwrap_or(64);
        let ours = &mut self.ranks[rank];
        ours.own_bound = ours.own_bound.max(u32::from(task.defers));
    }

    pub(super) fn finish(mut self) -> (Workload, Limits) {
        for ours in &mut self.ranks {
            ours.scopes.close(&mut ours.plan.tasks);
        }
        let limits = self.limits();
        for ours in &mut self.ranks {
            let bytes = ours.plan.data_bytes.max(4);
            ours.plan.data_bytes = bytes;
            ours.plan.buffers.push(BufferPlan {
                name: "data".into(),
                offset: 0,
                bytes,
            });
            ours.plan.parts = ours.regions.iter().map(Region::part).collect();
        }
        let workload = Workload {
            name: "random".into(),
            ranks: self.ranks.into_iter().map(|rank| rank.plan).collect(),
            order: self.order,
            ..Workload::default()
        };
        (workload, limits)
    }

    fn limits(&mut self) -> Limits {
        let draw = &mut self.draw;
        let most = |of: fn(&Rank) -> u32| self.ranks.iter().map(of).max().unwrap_or(0);
        let held = self.ranks.iter().map(|rank| Held::most_of(&rank.plan));
        let held = held.fold(Held::default(), Held::max);
        let room = most(|rank| rank.peer_bound) + most(|rank| rank.own_bound).max(64);
        Limits {
            cores: self.cores,
            handlers: draw.pick(&[1, 1, 2, 3]),
            mailbox_slots: draw.pick(&[2, 2, 4, 8, 16]),
            task_slots: held.tasks.max(draw.pick(&[1, 2, 3, 5, 8, 16, 64])),
            edge_nodes: held.nodes + draw.pick(&[0, 1, 2, 4, 8]),
            condition_room: room,
            heap_bytes: held.bytes + draw.pick(&[0, 64, 4_096]),
        }
    }
}

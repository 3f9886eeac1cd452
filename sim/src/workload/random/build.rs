//! Building one random workload, task by task, in its global order.

use super::Limits;
use super::draw::Draw;
use super::graph::Graph;
use super::rank::{Rank, Reached};
use super::region::Region;
use super::scopes::{Held, Scopes};
use super::split::Split;
use crate::device::{CounterPlace, EngineMemory, QueuePlan};
use crate::engine::{Lane, Transfer};
use crate::workload::plan::{BufferPlan, RankPlan, TaskPlan, TaskRef, Workload, index};
use crate::workload::{Access, Op, Priority, Shape};

/// Most words of a region.
const MOST_WORDS: usize = 8;

/// SDMA streams of a rank.
const STREAMS: u16 = 2;

/// Completion queues of a rank: few credits, and positions that wrap.
const QUEUES: [QueuePlan; 2] = [
    QueuePlan {
        entries: 2,
        first: 0,
    },
    QueuePlan {
        entries: 4,
        first: u32::MAX - 2,
    },
];

/// A planned task, as later ones see it.
#[derive(Clone, Copy, Debug)]
struct Planned {
    at: TaskRef,
    /// The region it wrote; None: it only orders.
    region: Option<usize>,
    /// Whether its program runs exactly once, so that it may notify.
    runs_once: bool,
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
    has_urma: bool,
    graph: Graph,
    ranks: Vec<Rank>,
    order: Vec<TaskRef>,
    planned: Vec<Planned>,
}

impl Builder {
    pub(super) fn new(mut draw: Draw, ranks: u32, (cores, has_urma): (u16, bool)) -> Self {
        let graph = Graph::draw(&mut draw);
        let engines = EngineMemory {
            sdma_streams: STREAMS,
            completion_queues: if has_urma {
                QUEUES.to_vec()
            } else {
                Vec::new()
            },
        };
        let rank = |rank| {
            let plan = RankPlan {
                engines: engines.clone(),
                ..RankPlan::new(rank)
            };
            Rank::new(plan, Scopes::draw(&mut draw))
        };
        let ranks = (0..ranks).map(rank).collect();
        Self {
            draw,
            cores,
            has_urma,
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
                2 if !before.regions.is_empty() => {
                    let source = before.regions[self.draw.index(before.regions.len())];
                    self.plan_fetch(rank, (rank, source), before)
                }
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
        let source = source.filter(|source| !runs_once || source.writers == [from]);
        let fetched = source.is_some() && self.draw.one_in(3);
        let landing = source.filter(|_| !fetched).map(|source| {
            let landing = self.ranks[rank].new_region(source.values.len());
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
        if let (true, Some(region)) = (fetched, region) {
            self.ranks[from.rank as usize].regions[region].is_fetched = true;
            let after = Before {
                after: vec![waiter.task],
                ..Before::default()
            };
            let fetch = self.plan_fetch(rank, (from.rank as usize, region), after);
            found.regions.extend(fetch.region);
        }
        found.after.push(waiter.task);
        found.regions.extend(landing);
    }

    /// A task that waits until `peer` has notified `counter`.
    fn wait_for(&mut self, rank: usize, peer: u32, counter: u32) -> TaskRef {
        let expected = 1;
        let waiter = TaskPlan {
            program: vec![Op::Await { counter, expected }].into(),
            defers: 1,
            ..TaskPlan::new(format!("wait for rank {peer}"), Shape::Aiv, 300)
        };
        self.ranks[rank].peer_bound += 1;
        let waiter = self.add(rank, waiter);
        let reached = Reached {
            counter,
            least: expected,
        };
        self.ranks[rank].reaches(waiter.task, &[reached]);
        waiter
    }

    /// A task that can notify once what the parts of another one wrote, or what it did not write.
    fn relay(&mut self, rank: usize, region: usize) -> TaskRef {
        let uses = [self.ranks[rank].regions[region].used(Access::In)];
        let uses = uses.into_iter().collect();
        let relay = TaskPlan::new("relay", Shape::Aiv, 300);
        self.add(rank, TaskPlan { uses, ..relay })
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
                after: after.into(),
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
        if region.is_fetched || region.writers.iter().any(|at| at.rank as usize != rank) {
            // What a peer puts or gets is ordered by a notify, and is not declared by the peer.
            return self.plan_compute(rank, before);
        }
        let split = Split::draw(&mut self.draw, self.cores).of_words(region.values.len());
        let mut task = self.task("update", split);
        task.after = before.after.into();
        let kept = self.ranks[rank].regions[chosen].values.clone();
        self.read(rank, (&mut task, split), &before.regions, chosen);
        let add = u32::try_from(self.draw.below(1 << 20)).unwrap_or(1);
        let region = &mut self.ranks[rank].regions[chosen];
        task.uses.push(region.used(Access::InOut));
        let ops = split.divide(region.add(add), region.count());
        task.program.extend(ops);
        self.finish_task(rank, (task, split), (chosen, kept), &before.regions)
    }

    /// A task that writes words of its own from those it reads.
    fn plan_compute(&mut self, rank: usize, before: Before) -> Planned {
        let split = Split::draw(&mut self.draw, self.cores);
        let each = ((self.draw.index(MOST_WORDS) + 1) / split.parts()).max(1);
        let region = self.ranks[rank].new_region(each * split.parts());
        let mut task = self.task("compute", split);
        task.after = before.after.into();
        let value = u32::try_from(self.draw.below(1 << 30)).unwrap_or(1);
        let own = &mut self.ranks[rank].regions[region];
        let kept = own.values.clone();
        task.uses.push(own.used(Access::Out));
        let ops = split.divide(own.fill(value), own.count());
        task.program.extend(ops);
        self.read(rank, (&mut task, split), &before.regions, region);
        self.finish_task(rank, (task, split), (region, kept), &before.regions)
    }

    /// A task whose engines bring it what a region of its own rank or of a peer holds, some of it
    /// more than once.
    fn plan_fetch(
        &mut self,
        rank: usize,
        (peer, source): (usize, usize),
        before: Before,
    ) -> Planned {
        let source = self.ranks[peer].regions[source].clone();
        let region = self.ranks[rank].new_region(source.values.len());
        let split = Split::draw(&mut self.draw, self.cores).of_words(source.values.len());
        let mut task = self.task("fetch", split);
        task.after = before.after.into();
        let regions = &mut self.ranks[rank].regions;
        let used = before.regions.iter();
        task.uses = used.map(|&one| regions[one].used(Access::In)).collect();
        let own = &mut regions[region];
        let (kept, to) = (own.values.clone(), own.at);
        task.uses.push(own.used(Access::Out));
        own.values.clone_from(&source.values);
        let (bytes, posts) = (source.count() * 4, self.draw.between(1, 3));
        for _ in 0..posts {
            let lane = self.lane();
            let timed_bytes = self.draw.pick(&[bytes, bytes, 100_000]);
            let transfer = Transfer::get(index(peer), source.at, to, bytes).timed(timed_bytes);
            let post = Op::Post { lane, transfer };
            task.program.extend(split.divide(post, source.count()));
            task.program.push(Op::AwaitPost { lane });
        }
        task.defers = u8::try_from(posts * split.parts() as u64).unwrap_or(64);
        let planned = self.finish_task(rank, (task, split), (region, kept), &before.regions);
        // Its bytes come after its program: whoever notifies of them must stand behind it.
        Planned {
            runs_once: false,
            ..planned
        }
    }

    fn lane(&mut self) -> Lane {
        let queue = u16::from(self.draw.one_in(2));
        match self.draw.one_in(2) && self.has_urma {
            true => Lane::Urma { queue },
            false => Lane::Sdma { stream: queue },
        }
    }

    /// `kept`: what the region holds if the task is not to run; `before`: regions that are used.
    fn finish_task(
        &mut self,
        rank: usize,
        (mut task, split): (TaskPlan, Split),
        (region, kept): (usize, Vec<u32>),
        before: &[usize],
    ) -> Planned {
        let others = before.iter().copied().filter(|&one| one != region);
        let ours = &mut self.ranks[rank];
        let runs = ours.gate(&mut task, &others.collect::<Vec<_>>(), &mut self.draw);
        let mut reached = Vec::new();
        if runs {
            reached = ours.defer(&mut task, split.parts() as u64, &mut self.draw);
        } else {
            ours.regions[region].values = kept;
            // The plan is what is registered in a run without faults.
            let is_kept = |op: &Op| !matches!(op, Op::AwaitPost { .. });
            task.program.retain(is_kept);
        }
        task.output = Some(ours.regions[region].span());
        let at = self.add(rank, task);
        let ours = &mut self.ranks[rank];
        ours.regions[region].writers.push(at);
        ours.reaches(at.task, &reached);
        Planned {
            at,
            region: Some(region),
            runs_once: runs && split.parts() == 1,
        }
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

    fn task(&mut self, name: &'static str, split: Split) -> TaskPlan {
        let duration_ns = self.draw.pick(&[0, 200, 1_000, 5_000, 20_000]);
        let mut task = TaskPlan::new(name, Shape::Aiv, duration_ns);
        split.apply(&mut task);
        task
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
                takes: None,
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

//! The realised path: walked back from the end of the run through whatever came last.
//!
//! Every instant of the run belongs to exactly one part. A task that had to wait for a core, all
//! of its kind being busy, is followed by what that core ran before it; one that had to wait for a
//! message, by the kernel that sent it; any other, by the task that released it.

use serde::Serialize;

use super::share;
use crate::timeline::{Block, Condition, NEVER, NOBODY, Operation, RankTimeline, Timeline};
use crate::workload::Shape;

/// What a part of the path was spent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PartKind {
    /// A kernel ran.
    Work,
    /// Bytes or a notification went from one rank to another, or an engine moved bytes.
    Message {
        /// From this rank, as an index.
        from: u32,
        /// To this one.
        to: u32,
    },
    /// A transfer waited in a queue of its engine.
    Queue,
    /// The task was ready and had no core.
    Dispatch,
    /// From the dispatch, or from the block before it on the core, until the core began.
    PickUp,
    /// From the end of a kernel until a handler saw its FIN.
    Fin,
    /// From the last FIN or the last condition to the release of consumers.
    Finish,
    /// From when a condition held until somebody saw it.
    Poll,
    /// Until the task was submitted.
    Submit,
    /// Nothing that is known went on: the run was stuck, or ended.
    Nothing,
}

/// Why the part behind this one could not begin earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// It came to this point by itself.
    Next,
    /// A task depended on it.
    Dependency,
    /// It occupied the core.
    Core,
    /// A message was sent by it.
    Message,
}

/// A part of the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// What it was spent on.
    pub kind: PartKind,
    /// From when.
    pub began_ns: u64,
    /// Until when.
    pub ended_ns: u64,
    /// Which rank, as an index.
    pub rank: u32,
    /// Which of its tasks; [`NOBODY`]: none.
    pub task: u32,
    /// Why what follows waited for it.
    pub because: Because,
}

/// How the path divides.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PathSums {
    /// Kernels.
    pub work_ns: u64,
    /// Messages and transfers.
    pub message_ns: u64,
    /// Transfers that waited for others of their queue.
    pub queue_ns: u64,
    /// Everything the scheduler did, or left undone: the sum of the following.
    pub scheduler_ns: u64,
    /// Ready tasks without a core.
    pub dispatch_ns: u64,
    /// Cores on the way to their next block.
    pub pick_up_ns: u64,
    /// FINs not yet seen.
    pub fin_ns: u64,
    /// Tasks between their last FIN or condition and the release of their consumers.
    pub finish_ns: u64,
    /// Conditions that held and were not yet seen to.
    pub poll_ns: u64,
    /// Tasks not yet submitted.
    pub submit_ns: u64,
    /// Nothing known.
    pub nothing_ns: u64,
    /// The part of each link, largest first.
    pub links: Vec<LinkShare>,
    /// Tasks on the path.
    pub tasks: u64,
}

/// How much of the path a link takes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LinkShare {
    /// From this rank, as an index; the same as `to` for a rank's own engines.
    pub from: u32,
    /// To this one.
    pub to: u32,
    /// How long.
    pub ns: u64,
    /// As a part of the makespan.
    pub share: f64,
}

/// Where the walk is: what came before `until_ns`.
#[derive(Clone, Copy)]
enum At {
    Finished(u32, u32),
    Ran(u32, u32),
    Ready(u32, u32),
    Begin,
}

struct Walk<'t> {
    ranks: &'t [RankTimeline],
    /// The last block of each task, and the block before each on its core.
    last: Vec<Vec<u32>>,
    before: Vec<Vec<u32>>,
    /// The condition of each task that was met last.
    met: Vec<Vec<u32>>,
    /// Starts and FINs of the blocks of each kind, sorted.
    busy: Vec<[(Vec<u64>, Vec<u64>); 3]>,
    parts: Vec<Part>,
    until_ns: u64,
}

/// The realised path of `timeline`, from the beginning of the run to its end.
pub fn realised_path(timeline: &Timeline) -> Vec<Part> {
    let ranks = &timeline.ranks[..];
    let mut walk = Walk {
        ranks,
        last: ranks.iter().map(last_blocks).collect(),
        before: ranks.iter().map(blocks_before).collect(),
        met: ranks.iter().map(last_met).collect(),
        busy: ranks.iter().map(busy_times).collect(),
        parts: Vec::new(),
        until_ns: timeline.end_ns,
    };
    let mut at = walk.last_finished();
    let blocks: usize = ranks.iter().map(|rank| rank.blocks.len()).sum();
    let tasks: usize = ranks.iter().map(|rank| rank.tasks.len()).sum();
    // Each task is passed at most three times and each block once, if times are in order.
    for _ in 0..3 * tasks + blocks + 3 {
        at = match at {
            At::Finished(rank, task) => walk.finished(rank, task),
            At::Ran(rank, block) => walk.ran(rank, block),
            At::Ready(rank, task) => walk.ready(rank, task),
            At::Begin => break,
        };
    }
    walk.part(PartKind::Nothing, 0, (0, NOBODY));
    walk.parts.reverse();
    walk.parts
}

impl Walk<'_> {
    /// What came before, from `began_ns` on, was this.
    fn part(&mut self, kind: PartKind, began_ns: u64, (rank, task): (u32, u32)) {
        self.because(Because::Next, kind, began_ns, (rank, task));
    }

    fn because(&mut self, because: Because, kind: PartKind, began: u64, at: (u32, u32)) {
        if began < self.until_ns {
            self.parts.push(Part {
                kind,
                began_ns: began,
                ended_ns: self.until_ns,
                rank: at.0,
                task: at.1,
                because,
            });
            self.until_ns = began;
        }
    }

    fn last_finished(&mut self) -> At {
        let ranks = (0..).zip(self.ranks);
        let tasks = ranks.flat_map(|(rank, own)| {
            let tasks = (0..).zip(&own.tasks);
            tasks.map(move |(index, task): (u32, _)| (task.finished_ns, rank, index))
        });
        let last = tasks.filter(|&(at, ..)| at <= self.until_ns).max();
        let Some((at, rank, task)) = last else {
            return At::Begin;
        };
        let is_whole = self.ranks.iter().flat_map(|rank| &rank.tasks);
        let is_whole = is_whole.clone().all(|task| task.finished_ns != NEVER);
        match is_whole {
            true => self.part(PartKind::Finish, at, (rank, task)),
            false => self.part(PartKind::Nothing, at, (0, NOBODY)),
        }
        At::Finished(rank, task)
    }

    fn block(&self, rank: u32, block: u32) -> Option<&Block> {
        self.ranks[rank as usize].blocks.get(block as usize)
    }

    fn finished(&mut self, rank: u32, task: u32) -> At {
        let own = &self.ranks[rank as usize];
        let last = self.last[rank as usize][task as usize];
        let fin_ns = self.block(rank, last).map(|block| block.observed_ns);
        let met = self.met[rank as usize][task as usize];
        let met = own.conditions.get(met as usize).copied();
        match (met, fin_ns) {
            (Some(met), fin_ns) if fin_ns.is_none_or(|fin_ns| met.met_ns >= fin_ns) => {
                self.part(PartKind::Finish, met.met_ns, (rank, task));
                self.met(rank, &met)
            }
            (_, Some(fin_ns)) => {
                self.part(PartKind::Finish, fin_ns, (rank, task));
                At::Ran(rank, last)
            }
            (_, None) => {
                let ready_ns = own.tasks[task as usize].ready_ns;
                self.part(PartKind::Finish, ready_ns, (rank, task));
                At::Ready(rank, task)
            }
        }
    }

    /// A condition of a task of `rank` was seen to hold.
    fn met(&mut self, rank: u32, met: &Condition) -> At {
        let by = met.by.map(|by| (by.rank, by.index));
        let cause = by.and_then(|(rank, index)| {
            let operations = &self.ranks[rank as usize].operations;
            Some((rank, *operations.get(index as usize)?))
        });
        let Some((sender, cause)) = cause.filter(|(_, one)| one.ended_ns > met.registered_ns)
        else {
            self.part(PartKind::Poll, met.registered_ns, (rank, met.task));
            return self.ran_until(rank, met.task, met.registered_ns);
        };
        self.part(PartKind::Poll, cause.ended_ns, (rank, met.task));
        let Operation { from, to, .. } = cause;
        let at = (sender, cause.task);
        let began_ns = match cause.engine() {
            Some(_) => cause.began_ns,
            None => cause.issued_ns,
        };
        self.because(
            Because::Message,
            PartKind::Message { from, to },
            began_ns,
            at,
        );
        self.part(PartKind::Queue, cause.issued_ns, at);
        self.ran_until(sender, cause.task, cause.issued_ns)
    }

    /// The block of a task that ended at a time.
    fn ran_until(&self, rank: u32, task: u32, at_ns: u64) -> At {
        let mut block = self.last[rank as usize][task as usize];
        let own = &self.ranks[rank as usize];
        if own.tasks[task as usize].blocks > 1 || own.tasks[task as usize].shape == Shape::Mix {
            let mut blocks = (0..).zip(&own.blocks);
            let is_it = |(_, one): &(u32, &Block)| one.task == task && one.ended_ns == at_ns;
            block = blocks.find(is_it).map_or(block, |(index, _)| index);
        }
        At::Ran(rank, block)
    }

    fn ran(&mut self, rank: u32, index: u32) -> At {
        let Some(&block) = self.block(rank, index) else {
            return At::Begin;
        };
        let at = (rank, block.task);
        self.part(PartKind::Fin, block.ended_ns, at);
        self.part(PartKind::Work, block.started_ns, at);
        let before = self.before[rank as usize][index as usize];
        let ready_ns = self.ranks[rank as usize].tasks[block.task as usize].ready_ns;
        let Some(&previous) = self.block(rank, before) else {
            self.part(PartKind::PickUp, block.dispatched_ns, at);
            self.part(PartKind::Dispatch, ready_ns, at);
            return At::Ready(rank, block.task);
        };
        if previous.ended_ns > block.dispatched_ns {
            self.because(Because::Core, PartKind::PickUp, previous.ended_ns, at);
            return At::Ran(rank, before);
        }
        self.part(PartKind::PickUp, block.dispatched_ns, at);
        let free_ns = previous.observed_ns;
        if free_ns > ready_ns && !self.is_any_idle(rank, block.core, free_ns - 1) {
            self.because(Because::Core, PartKind::Dispatch, free_ns, at);
            return At::Ran(rank, before);
        }
        self.part(PartKind::Dispatch, ready_ns, at);
        At::Ready(rank, block.task)
    }

    /// Whether a core of the same kind had nothing to do at `at_ns`.
    fn is_any_idle(&self, rank: u32, core: u16, at_ns: u64) -> bool {
        let own = &self.ranks[rank as usize];
        let shape = own.lanes[usize::from(core)].shape;
        let (starts, fins) = &self.busy[rank as usize][place(shape)];
        let begun = starts.partition_point(|&start| start <= at_ns);
        let done = fins.partition_point(|&fin| fin <= at_ns);
        let lanes = own.lanes.iter().filter(|lane| lane.shape == shape);
        begun.saturating_sub(done) < lanes.count()
    }

    fn ready(&mut self, rank: u32, task: u32) -> At {
        let own = &self.ranks[rank as usize];
        let befores = own.befores.of(task).iter();
        let released = befores.map(|&before| (own.tasks[before as usize].released_ns, before));
        let last = released.max();
        match last.filter(|&(at, _)| at >= own.tasks[task as usize].submitted_ns) {
            Some((_, before)) => {
                let finished_ns = own.tasks[before as usize].finished_ns;
                self.because(
                    Because::Dependency,
                    PartKind::Finish,
                    finished_ns,
                    (rank, before),
                );
                At::Finished(rank, before)
            }
            None => {
                self.part(PartKind::Submit, 0, (rank, task));
                At::Begin
            }
        }
    }
}

/// The place of a core's kind.
pub(super) const fn place(shape: Shape) -> usize {
    match shape {
        Shape::Aic => 0,
        Shape::Host => 2,
        _ => 1,
    }
}

fn last_blocks(rank: &RankTimeline) -> Vec<u32> {
    let mut last = vec![NOBODY; rank.tasks.len()];
    let observed = |index: u32| rank.blocks[index as usize].observed_ns;
    for (index, block) in (0..).zip(&rank.blocks) {
        let place = &mut last[block.task as usize];
        let is_later = *place == NOBODY || observed(*place) <= block.observed_ns;
        if block.observed_ns != NEVER && is_later {
            *place = index;
        }
    }
    last
}

fn blocks_before(rank: &RankTimeline) -> Vec<u32> {
    let mut of_core = vec![NOBODY; rank.lanes.len()];
    let blocks = (0..).zip(&rank.blocks);
    let before = |(index, block): (u32, &Block)| {
        std::mem::replace(&mut of_core[usize::from(block.core)], index)
    };
    blocks.map(before).collect()
}

fn last_met(rank: &RankTimeline) -> Vec<u32> {
    let mut last: Vec<u32> = vec![NOBODY; rank.tasks.len()];
    let met = |index: u32| rank.conditions[index as usize].met_ns;
    for (index, one) in (0..).zip(&rank.conditions) {
        let place = &mut last[one.task as usize];
        if one.met_ns != NEVER && (*place == NOBODY || met(*place) <= one.met_ns) {
            *place = index;
        }
    }
    last
}

fn busy_times(rank: &RankTimeline) -> [(Vec<u64>, Vec<u64>); 3] {
    let mut times: [(Vec<u64>, Vec<u64>); 3] = Default::default();
    for block in &rank.blocks {
        let (starts, fins) = &mut times[place(rank.lanes[usize::from(block.core)].shape)];
        starts.push(block.started_ns);
        fins.push(block.observed_ns);
    }
    for (starts, fins) in &mut times {
        starts.sort_unstable();
        fins.sort_unstable();
    }
    times
}

/// How `path` divides.
pub fn sums(path: &[Part]) -> PathSums {
    let (mut sums, mut all) = (PathSums::default(), 0);
    for part in path {
        let ns = part.ended_ns - part.began_ns;
        all += ns;
        let own = match part.kind {
            PartKind::Work => {
                sums.tasks += 1;
                &mut sums.work_ns
            }
            PartKind::Message { from, to } => {
                let of_link = sums.links.iter_mut();
                let mut of_link = of_link.filter(|link| (link.from, link.to) == (from, to));
                match of_link.next() {
                    Some(link) => link.ns += ns,
                    None => sums.links.push(LinkShare {
                        from,
                        to,
                        ns,
                        share: 0.0,
                    }),
                }
                &mut sums.message_ns
            }
            PartKind::Queue => &mut sums.queue_ns,
            PartKind::Dispatch => &mut sums.dispatch_ns,
            PartKind::PickUp => &mut sums.pick_up_ns,
            PartKind::Fin => &mut sums.fin_ns,
            PartKind::Finish => &mut sums.finish_ns,
            PartKind::Poll => &mut sums.poll_ns,
            PartKind::Submit => &mut sums.submit_ns,
            PartKind::Nothing => &mut sums.nothing_ns,
        };
        *own += ns;
    }
    sums.scheduler_ns = sums.dispatch_ns
        + sums.pick_up_ns
        + sums.fin_ns
        + sums.finish_ns
        + sums.poll_ns
        + sums.submit_ns;
    for link in &mut sums.links {
        link.share = share(link.ns, all);
    }
    sums.links.sort_by_key(|link| std::cmp::Reverse(link.ns));
    sums
}

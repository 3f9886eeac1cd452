//! Whether a plan orders two touches, found from the plan alone.
//!
//! A task has a moment at which its kernel runs and one at which it is complete. A kernel runs
//! when all that the task waits for are complete; a task is complete when its kernel ran and its
//! conditions hold. Guarantees: leaves out rather than accuses wrongly. So whoever adds to a
//! counter is before whoever waits for it, unless those who add do so one after another: then only
//! as many of them as the wait needs. A put is before everything behind a notify of its task,
//! wherever in the program that stands. Refuses to guess: a search that would take too long is
//! given up, and its caller counts it.

use std::collections::{HashMap, VecDeque};

use super::counters::{Adder, Counter, read};
use super::touch::Act;
use crate::engine::Lane;
use crate::workload::{Points, TaskRef, Workload};
use crate::world::order::Dependencies;

/// Steps of all searches together.
const MOST_STEPS: u64 = 1 << 27;

/// By which edges a path may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum By {
    /// `after`, streams and their points, and notifications that are waited for.
    Explicit,
    /// These, and what declared uses order.
    Any,
}

/// A touch's place: a task, and what touches on its behalf.
pub(super) type At = (u32, Act);

/// What some value of a counter stands for.
#[derive(Debug)]
struct Reached {
    /// A smaller value of the counter.
    less: Option<u32>,
    /// Who adds what is between.
    adders: Vec<(u32, Adder)>,
}

/// The order of a plan. Tasks have numbers over all ranks, and so have moments: kernels first, then
/// completions, then values of counters.
#[derive(Debug)]
pub(super) struct Paths<'a> {
    workload: &'a Workload,
    tasks: Vec<TaskRef>,
    /// The number of each rank's first task.
    firsts: Vec<u32>,
    before: Vec<Dependencies>,
    /// The launches of streams.
    points: Points,
    /// The values that each task waits for.
    awaits: Vec<Vec<u32>>,
    reached: Vec<Reached>,
    /// The queues of which each task waits for what it posted there.
    lanes: Vec<Vec<Lane>>,
    /// Where each moment stands in an order of all.
    positions: Vec<u32>,
    /// Some moments come before themselves, so positions say nothing.
    has_cycle: bool,
    seen: Vec<u32>,
    searches: u32,
    steps: u64,
}

impl<'a> Paths<'a> {
    /// Of `workload`.
    pub(super) fn of(workload: &'a Workload) -> Self {
        let (mut tasks, mut firsts) = (Vec::new(), Vec::new());
        for (rank, plan) in (0..).zip(&workload.ranks) {
            firsts.push(number(tasks.len()));
            let own = (0..).zip(&plan.tasks);
            tasks.extend(own.map(|(task, _)| TaskRef { rank, task }));
        }
        let (counters, lanes) = read(workload, &tasks);
        let mut paths = Self {
            workload,
            before: workload.ranks.iter().map(Dependencies::of).collect(),
            points: Points::of(workload),
            awaits: vec![Vec::new(); tasks.len()],
            tasks,
            firsts,
            reached: Vec::new(),
            lanes,
            positions: Vec::new(),
            has_cycle: false,
            seen: Vec::new(),
            searches: 0,
            steps: 0,
        };
        paths.find_positions();
        let reached = counters.iter().map(|counter| paths.of_counter(counter));
        let reached: Vec<_> = reached.collect();
        for (counter, one_by_one) in counters.iter().zip(reached) {
            paths.add_counter(counter, one_by_one);
        }
        paths.find_positions();
        paths
    }

    /// The number of a task.
    pub(super) fn number(&self, at: TaskRef) -> u32 {
        self.firsts[at.rank as usize] + at.task
    }

    /// Where the kernel of a task stands in an order that all paths follow.
    pub(super) fn position(&self, task: u32) -> u32 {
        self.positions[task as usize]
    }

    fn task(&self, number: u32) -> TaskRef {
        self.tasks[number as usize]
    }

    /// Who adds to a counter one after another, by what the counters have no part in, and how much
    /// each; None: they do not, or every wait needs all of them.
    fn of_counter(&mut self, counter: &Counter) -> Option<Vec<(u32, u64)>> {
        let all: u64 = counter.adds.iter().map(|&(_, _, add)| add).sum();
        if counter.waits.iter().all(|&(_, expected)| expected >= all) {
            return None;
        }
        let mut adders: Vec<(u32, u64)> = Vec::new();
        for &(task, _, add) in &counter.adds {
            match adders.last_mut() {
                Some(last) if last.0 == task => last.1 += add,
                _ => adders.push((task, add)),
            }
        }
        adders.sort_by_key(|&(task, _)| self.position(task));
        let kernel = Act::Kernel("");
        let are_in_turn = adders.windows(2).all(|pair| {
            let [(first, _), (last, _)] = [pair[0], pair[1]];
            self.leads((first, kernel), last, By::Any) == Some(true)
        });
        are_in_turn.then_some(adders)
    }

    /// Lets whoever waits for a counter come behind whoever adds to it.
    fn add_counter(&mut self, counter: &Counter, one_by_one: Option<Vec<(u32, u64)>>) {
        let begin = self.reached.len();
        let adders = counter.adds.iter().map(|&(task, adder, _)| (task, adder));
        let Some(one_by_one) = one_by_one else {
            let (less, adders) = (None, adders.collect());
            self.reached.push(Reached { less, adders });
            for &(task, _) in &counter.waits {
                self.awaits[task as usize].push(number(begin));
            }
            return;
        };
        let mut ways: HashMap<u32, Vec<(u32, Adder)>> = HashMap::new();
        adders.for_each(|adder| ways.entry(adder.0).or_default().push(adder));
        let (mut sum, mut sums, mut less) = (0, Vec::new(), None);
        for (task, add) in one_by_one {
            sum += add;
            sums.push(sum);
            let adders = ways.remove(&task).unwrap_or_default();
            self.reached.push(Reached { less, adders });
            less = Some(number(self.reached.len() - 1));
        }
        for &(task, expected) in &counter.waits {
            let needed = sums.partition_point(|&sum| sum < expected);
            let needed = needed.min(sums.len() - 1);
            self.awaits[task as usize].push(number(begin + needed));
        }
    }

    /// Puts all moments in an order: each behind those that come before it, unless they go round.
    fn find_positions(&mut self) {
        let count = 2 * self.tasks.len() + self.reached.len();
        let mut positions = vec![UNSEEN; count];
        let (mut next, mut stack, mut before) = (0, Vec::new(), Vec::new());
        self.has_cycle = false;
        for first in 0..count {
            stack.push((number(first), false));
            while let Some((node, is_left)) = stack.pop() {
                let position = &mut positions[node as usize];
                if is_left {
                    *position = next;
                    next += 1;
                    continue;
                }
                if *position != UNSEEN {
                    continue;
                }
                *position = ENTERED;
                stack.push((node, true));
                self.before(node, By::Any, &mut before);
                self.has_cycle |= before
                    .iter()
                    .any(|&node| positions[node as usize] == ENTERED);
                before.retain(|&node| positions[node as usize] == UNSEEN);
                stack.extend(before.drain(..).map(|node| (node, false)));
            }
        }
        self.positions = positions;
        self.seen = vec![0; count];
        self.searches = 0;
    }

    /// The moments right before `node`.
    fn before(&self, node: u32, by: By, into: &mut Vec<u32>) {
        let tasks = number(self.tasks.len());
        if let Some(value) = node.checked_sub(2 * tasks) {
            let Reached { less, adders } = &self.reached[value as usize];
            into.extend(adders.iter().map(|&(task, _)| task));
            into.extend(less.map(|value| 2 * tasks + value));
        } else if let Some(task) = node.checked_sub(tasks) {
            into.push(task);
            let awaits = self.awaits[task as usize].iter();
            into.extend(awaits.map(|value| 2 * tasks + value));
        } else {
            let TaskRef { rank, task } = self.task(node);
            let before = match by {
                By::Any => self.before[rank as usize].before(task),
                By::Explicit => &self.workload.ranks[rank as usize].tasks[task as usize].after,
            };
            let first = tasks + self.firsts[rank as usize];
            into.extend(before.iter().map(|before| first + before));
            let launches = self.launches_before(TaskRef { rank, task });
            into.extend(launches.map(|before| tasks + before));
        }
    }

    /// The launches that a launch stands behind, whatever it uses: the one before it on its stream,
    /// and those whose points it waits for.
    fn launches_before(&self, at: TaskRef) -> impl Iterator<Item = u32> {
        let task = self.workload.task(at);
        let own = task.stream.and_then(|stream| {
            let value = self.points.value(at, stream)?;
            self.points.task(at.rank, stream, value - 1)
        });
        let waits = task.waits.iter();
        let awaited = waits.filter_map(|one| self.points.task(one.rank, one.stream, one.value));
        own.into_iter().chain(awaited).map(|at| self.number(at))
    }

    /// Whether the plan orders two touches of two tasks, whichever is first; None: it would take
    /// too long to know.
    pub(super) fn orders(&mut self, one: At, other: At, by: By) -> Option<bool> {
        let (first, last) = match self.position(one.0) <= self.position(other.0) {
            true => (one, other),
            false => (other, one),
        };
        if self.leads(first, last.0, by)? {
            return Some(true);
        }
        match self.has_cycle {
            true => self.leads(last, first.0, by),
            false => Some(false),
        }
    }

    /// Whether a touch is over when the kernel of `last` runs.
    fn leads(&mut self, first: At, last: u32, by: By) -> Option<bool> {
        let earliest = match self.has_cycle {
            true => 0,
            false => self.position(first.0),
        };
        self.searches += 1;
        let (mut queue, mut before) = (VecDeque::from([last]), Vec::new());
        while let Some(node) = queue.pop_front() {
            self.before(node, by, &mut before);
            for node in before.drain(..) {
                let seen = &mut self.seen[node as usize];
                if *seen == self.searches || self.positions[node as usize] < earliest {
                    continue;
                }
                *seen = self.searches;
                self.steps += 1;
                if self.steps > MOST_STEPS {
                    return None;
                }
                if self.is_over(first, node) {
                    return Some(true);
                }
                queue.push_back(node);
            }
        }
        Some(false)
    }

    /// Whether a touch is over at a moment for what that moment stands for itself. A queue is in
    /// order, so its transfers are over when any task of its rank is complete that waited for one
    /// of them: for a later one, or the answer is too kind.
    fn is_over(&self, (task, act): At, moment: u32) -> bool {
        let tasks = number(self.tasks.len());
        if let Some(value) = moment.checked_sub(2 * tasks) {
            let mut adders = self.reached[value as usize].adders.iter();
            return adders.any(|&(by, adder)| by == task && ends_by(act, adder));
        }
        let Some(complete) = moment.checked_sub(tasks) else {
            return false;
        };
        match act {
            Act::Kernel(_) => complete == task,
            Act::Arrival(_) => false,
            Act::Transfer(lane, _) => {
                let is_here = self.task(complete).rank == self.task(task).rank;
                is_here && self.lanes[complete as usize].contains(&lane)
            }
        }
    }
}

const UNSEEN: u32 = u32::MAX;
const ENTERED: u32 = u32::MAX - 1;

/// Whether what `act` touches is over when its task has added to a counter by this.
fn ends_by(act: Act, adder: Adder) -> bool {
    match act {
        Act::Kernel(_) => true,
        Act::Arrival(_) => adder == Adder::Notify,
        Act::Transfer(lane, _) => adder == Adder::Transfer(lane),
    }
}

/// A number of a task or of a moment.
fn number(count: usize) -> u32 {
    u32::try_from(count).expect("a plan has less than 2³² of anything")
}

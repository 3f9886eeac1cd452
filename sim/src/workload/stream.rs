//! Launches on streams: waits for points, and the gates that are put in front of them.
//!
//! The nth task on a stream, in the order of its rank's tasks, is the launch whose value is n. A
//! wait for a launch that comes earlier on the same rank is an edge; every other wait has a *gate*:
//! a host task that waits for a counter, which whoever submits keeps at the stream's value.
//!
//! Guarantees: gates are tasks like others, so that recorder, faults and reports know them; they
//! come right in front of their launches. Plain data, checked by
//! [`Workload::check`](super::Workload::check). Called by whoever makes a workload, and by worlds.

use finbox_scheduler::Shape;
use finbox_scheduler::limits::{MAX_PEERS, MAX_TIMELINES};

use super::check::OfTask;
use super::op::Op;
use super::plan::{RankPlan, TaskPlan, TaskRef, Workload, index};
use super::plan_error::PlanError;
use crate::device::CounterPlace;

/// How long a gate's kernel runs, in ns. A choice: it registers one condition.
const GATE_NS: u64 = 100;

/// A stream of one rank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamPlan {
    /// Its name in messages.
    pub name: Box<str>,
    /// Whether its device tracks uses; otherwise nothing orders what its launches touch.
    pub tracks: bool,
}

/// A wait for a launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PointWait {
    /// The rank of the stream.
    pub rank: u32,
    /// The stream, an index into [`RankPlan::streams`].
    pub stream: u32,
    /// Which launch of it, from 1.
    pub value: u64,
    /// Longest time in ns from the planning of the launch that waits; 0: no limit.
    pub budget_ns: u64,
    /// The task of the own rank that waits in front of the launch; none: an edge does.
    pub gate: Option<u32>,
}

impl PointWait {
    /// A wait for launch `value` of a stream, without a limit.
    pub const fn new(rank: u32, stream: u32, value: u64) -> Self {
        Self {
            rank,
            stream,
            value,
            budget_ns: 0,
            gate: None,
        }
    }
}

/// An argument of a launch that nobody declared: nothing orders what is done to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct External {
    /// Its name in messages.
    pub label: Box<str>,
    /// Where it begins in the rank's data.
    pub at: u64,
}

/// The tasks of all launches: by rank, stream and value.
#[derive(Clone, Debug, Default)]
pub struct Points(Vec<Vec<Vec<u32>>>);

impl Points {
    /// Those of `workload`.
    pub fn of(workload: &Workload) -> Self {
        Self(workload.ranks.iter().map(launches).collect())
    }

    /// The task that is launch `value` of a stream.
    pub fn task(&self, rank: u32, stream: u32, value: u64) -> Option<TaskRef> {
        let stream = self.0.get(rank as usize)?.get(stream as usize)?;
        let place = usize::try_from(value.checked_sub(1)?).ok()?;
        let task = *stream.get(place)?;
        Some(TaskRef { rank, task })
    }

    /// Which launch of its stream a task is.
    pub fn value(&self, at: TaskRef, stream: u32) -> Option<u64> {
        let stream = self.0.get(at.rank as usize)?.get(stream as usize)?;
        // The tasks of a stream rise.
        let place = stream.binary_search(&at.task).ok()?;
        Some(place as u64 + 1)
    }

    /// How many launches a stream has.
    pub fn count(&self, rank: u32, stream: u32) -> u64 {
        let streams = self.0.get(rank as usize);
        let stream = streams.and_then(|all| all.get(stream as usize));
        stream.map_or(0, |tasks| tasks.len() as u64)
    }
}

/// The counter that a gate waits for.
pub fn awaited(gate: &TaskPlan) -> Option<u32> {
    gate.program.iter().find_map(|op| match op {
        Op::Await { counter, .. } => Some(*counter),
        _ => None,
    })
}

/// The tasks of each stream of a rank, in order.
fn launches(plan: &RankPlan) -> Vec<Vec<u32>> {
    let mut streams = vec![Vec::new(); plan.streams.len()];
    for (task, planned) in (0..).zip(&plan.tasks) {
        let stream = planned.stream.map(|stream| stream as usize);
        if let Some(tasks) = stream.and_then(|stream| streams.get_mut(stream)) {
            tasks.push(task);
        }
    }
    streams
}

impl Workload {
    /// Whether any rank has streams.
    pub fn has_streams(&self) -> bool {
        self.ranks.iter().any(|plan| !plan.streams.is_empty())
    }

    /// The number of a stream among those of all ranks.
    pub fn stream_number(&self, rank: u32, stream: u32) -> u32 {
        let before = self.ranks.iter().take(rank as usize);
        let before: usize = before.map(|plan| plan.streams.len()).sum();
        index(before) + stream
    }

    /// Puts a gate in front of every wait that needs one and has none, right before its launch.
    /// What does not exist is left for [`check`](Self::check).
    pub fn add_gates(&mut self) {
        let count = |plan: &RankPlan| vec![0_u64; plan.streams.len()];
        let mut launched: Vec<Vec<u64>> = self.ranks.iter().map(count).collect();
        let mut counters: Vec<Vec<(u32, u32, u32)>> = vec![Vec::new(); self.ranks.len()];
        for at in std::mem::take(&mut self.order) {
            let own = at.rank as usize;
            for nth in 0..self.task(at).waits.len() {
                let wait = self.task(at).waits[nth];
                let there = launched.get(wait.rank as usize);
                let there = there.and_then(|rank| rank.get(wait.stream as usize));
                let is_edge = wait.rank == at.rank && there.is_some_and(|&last| wait.value <= last);
                if is_edge || there.is_none() || wait.gate.is_some() {
                    continue;
                }
                let known = counters[own]
                    .iter()
                    .find(|known| (known.0, known.1) == (wait.rank, wait.stream));
                let counter = known.map(|known| known.2);
                let counter = counter.unwrap_or_else(|| {
                    let counter = self.ranks[own].add_counter(CounterPlace::Packed);
                    counters[own].push((wait.rank, wait.stream, counter));
                    counter
                });
                let gate = self.gate(at.rank, &wait, counter);
                let task = self.ranks[own].add_task(gate);
                let rank = at.rank;
                self.order.push(TaskRef { rank, task });
                let launch = &mut self.ranks[own].tasks[at.task as usize];
                launch.waits[nth].gate = Some(task);
            }
            self.order.push(at);
            if let Some(stream) = self.task(at).stream
                && let Some(last) = launched[own].get_mut(stream as usize)
            {
                *last += 1;
            }
        }
        self.name_words();
    }

    /// Lets conditions of gates name the timelines that they wait for.
    fn name_words(&mut self) {
        for own in 0..self.ranks.len() {
            let plan = &self.ranks[own];
            let waits = plan.tasks.iter().flat_map(|task| &task.waits);
            let words: Vec<(u32, u32)> = waits
                .filter_map(|wait| {
                    let gate = plan.tasks.get(wait.gate? as usize)?;
                    let counter = awaited(gate)?;
                    let number = self.stream_number(wait.rank, wait.stream);
                    Some((counter, MAX_PEERS + number))
                })
                .collect();
            let sources = &mut self.ranks[own].sources;
            for (counter, source) in words {
                let counter = counter as usize;
                sources.resize(sources.len().max(counter + 1), None);
                sources[counter] = Some(source);
            }
        }
    }

    fn gate(&self, own: u32, wait: &PointWait, counter: u32) -> TaskPlan {
        let plan = &self.ranks[wait.rank as usize];
        let stream = &plan.streams[wait.stream as usize].name;
        let mut name = format!("gate: stream {stream} reaches {}", wait.value);
        if wait.rank != own {
            name += &format!(" on rank {}", plan.rank);
        }
        TaskPlan {
            defers: 1,
            wait_budget_ns: wait.budget_ns,
            program: vec![Op::Await {
                counter,
                expected: u32::try_from(wait.value).unwrap_or(u32::MAX),
            }]
            .into(),
            ..TaskPlan::new(name, Shape::Host, GATE_NS)
        }
    }

    /// Whether conditions can name every stream, and those of a rank are launched on in the order
    /// of its tasks.
    pub(super) fn check_streams(&self) -> Result<(), PlanError> {
        let streams: usize = self.ranks.iter().map(|plan| plan.streams.len()).sum();
        if streams > MAX_TIMELINES as usize {
            let most = MAX_TIMELINES;
            return Err(PlanError::TooManyStreams { streams, most });
        }
        let count = |plan: &RankPlan| vec![0_u64; plan.streams.len()];
        let mut launched: Vec<Vec<u64>> = self.ranks.iter().map(count).collect();
        let mut last = vec![None; self.ranks.len()];
        let none_free = |plan: &RankPlan| vec![false; plan.buffers.len()];
        let mut is_free: Vec<Vec<bool>> = self.ranks.iter().map(none_free).collect();
        for &at in &self.order {
            let (task, own) = (self.task(at), at.rank as usize);
            for one in &task.uses {
                let buffer = &self.ranks[own].buffers[one.buffer as usize];
                let is_there = |before: u32| is_free[own].get(before as usize) == Some(&true);
                if buffer.takes.is_some_and(|before| !is_there(before)) {
                    let (place, buffer) = (self.place(at), buffer.name.clone());
                    return Err(PlanError::NotFree { place, buffer });
                }
            }
            let frees = task.frees.iter();
            frees.for_each(|&buffer| is_free[own][buffer as usize] = true);
            for wait in &task.waits {
                let there = launched[wait.rank as usize][wait.stream as usize];
                let is_edge = wait.rank == at.rank && wait.value <= there;
                if !is_edge && wait.gate.is_none() {
                    let place = self.place(at);
                    return Err(PlanError::NoGate { place });
                }
            }
            let Some(stream) = task.stream else { continue };
            launched[own][stream as usize] += 1;
            if last[own].replace(at.task) > Some(at.task) {
                let place = self.place(at);
                return Err(PlanError::Order { place });
            }
        }
        Ok(())
    }
}

impl OfTask<'_> {
    /// Its stream, waits, gates and undeclared arguments exist.
    pub(super) fn streams(&self, points: &Points) -> Result<(), PlanError> {
        if let Some(stream) = self.task.stream {
            self.exists("stream", stream, self.plan.streams.len())?;
        }
        let is_plain = self.task.waits.is_empty() && self.task.externals.is_empty();
        let has_lives = !self.task.frees.is_empty() && self.plan.streams.is_empty();
        if self.task.stream.is_none() && !is_plain || has_lives {
            let place = self.place();
            return Err(PlanError::NoStream { place });
        }
        for external in &self.task.externals {
            self.own(external.at, 1)?;
        }
        for &freed in &self.task.frees {
            self.exists("buffer", freed, self.plan.buffers.len())?;
        }
        for wait in &self.task.waits {
            let ranks = &self.workload.ranks;
            self.exists("rank", wait.rank, ranks.len())?;
            self.exists(
                "stream",
                wait.stream,
                ranks[wait.rank as usize].streams.len(),
            )?;
            let launches = points.count(wait.rank, wait.stream);
            if wait.value == 0 || wait.value > launches {
                let stream = &ranks[wait.rank as usize].streams[wait.stream as usize];
                return Err(PlanError::NoLaunch {
                    place: self.place(),
                    stream: stream.name.clone(),
                    value: wait.value,
                    launches,
                });
            }
            if let Some(gate) = wait.gate {
                self.exists("task", gate, self.plan.tasks.len())?;
            }
        }
        Ok(())
    }
}

//! Feeding a workload: its tasks, in their global order, into the ranks' schedulers.
//!
//! Dependencies come from declared buffers, from streams and from explicit lists, through the
//! runtime's one mechanism. A full ring is back-pressure: the same task is offered again later.

use finbox_runtime::{BufferId, BufferUse, Wiring};
use finbox_scheduler::{
    Dependency, Fate, Ledger, Predicate, Probe, Scheduler, ScopeError, Shape, SlotId, Submitter,
    TaskId, TaskSpec,
};

use super::RunError;
use super::launches::{Launches, Planning, Store, buffer_use};
use super::places::Places;
use super::planned::Planned;
use crate::workload::{Service, TaskPlan, TaskRef, Workload};

/// The slot of a task that was not wired in: a ring has none like it, there are few rings.
pub(super) const UNWIRED: SlotId = SlotId::new(u8::MAX, SlotId::MAX_INDEX, u32::MAX);

/// What offering the next task came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fed {
    /// It was wired in, on this rank.
    Task(usize),
    /// This rank has no room now.
    Blocked(usize),
    /// There are no more.
    All,
}

/// The submitters of all ranks and how far they are.
pub(super) struct Feed<'a, 'm> {
    workload: &'a Workload,
    planning: &'a Planning<'a>,
    /// Addresses of each rank's counters.
    counters: Vec<Box<[u64]>>,
    /// The kernels of each rank's tasks; None: a task's index is its kernel.
    kernels: Option<&'a [Box<[u64]>]>,
    position: usize,
    ranks: Vec<RankFeed<'a, 'm>>,
    has_streams: bool,
    /// What the next task is wired in with, once it was offered.
    uses: Vec<BufferUse>,
    after: Vec<Dependency>,
    is_prepared: bool,
}

/// How the tasks of a rank are wired in.
enum Road<'a, 'm> {
    /// Each for itself, over buffers of the rank's own.
    Tasks(Box<Wiring<'m>>, Vec<BufferId>),
    /// On streams, or at least beside them.
    Launches(Box<Launches<'a, 'm>>),
}

impl<'m> Road<'_, 'm> {
    const fn submitter(&self) -> &Submitter<'m> {
        match self {
            Self::Tasks(wiring, _) => wiring.submitter(),
            Self::Launches(launches) => launches.launcher.submitter(),
        }
    }

    fn open_scope(&mut self) -> Result<(), ScopeError> {
        match self {
            Self::Tasks(wiring, _) => wiring.open_scope(),
            Self::Launches(launches) => launches.launcher.submitter_mut().open_scope(),
        }
    }

    fn close_scope(&mut self) -> Result<(), ScopeError> {
        match self {
            Self::Tasks(wiring, _) => wiring.close_scope().map(drop),
            Self::Launches(launches) => launches.launcher.submitter_mut().close_scope().map(drop),
        }
    }
}

struct RankFeed<'a, 'm> {
    /// What the rank's workers serve, once an item was offered to them.
    service: Option<Service>,
    road: Road<'a, 'm>,
    /// Where each task was wired in, as soon as it was.
    slots: Vec<SlotId>,
    /// The scopes that the next task opens are open.
    has_opened: bool,
}

/// What a look at streams came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Turned {
    /// Whether a stream moved or ended.
    pub(super) moved: bool,
    /// The ranks whose gates were told; perhaps more than once.
    pub(super) told: Vec<usize>,
}

impl RankFeed<'_, '_> {
    /// Opens the scopes that `task`, the next one, opens: once, however often it is offered.
    fn open(&mut self, task: &TaskPlan) -> Result<(), ScopeError> {
        if !std::mem::replace(&mut self.has_opened, true) {
            (0..task.opens).try_for_each(|_| self.road.open_scope())?;
        }
        Ok(())
    }

    /// `task` was wired in: closes the scopes that it closes.
    fn close(&mut self, task: &TaskPlan) -> Result<(), ScopeError> {
        self.has_opened = false;
        (0..task.closes).try_for_each(|_| self.road.close_scope())
    }
}

impl<'a, 'm> Feed<'a, 'm> {
    /// `store` and `base` reach the words of timelines: what is stored there, and what they began
    /// with.
    pub(super) fn new(
        planning: &'a Planning<'a>,
        workload: &'a Workload,
        (places, store, base): (&[Places], Store<'a>, &dyn Fn(usize, u64) -> u32),
        submitters: impl IntoIterator<Item = Submitter<'m>>,
    ) -> Self {
        let ranks = workload.ranks.iter().zip(submitters).enumerate();
        let ranks = ranks.map(|(rank, (plan, submitter))| RankFeed {
            service: None,
            road: match plan.streams.is_empty() {
                true => {
                    let mut wiring = Wiring::new(submitter);
                    let buffers = plan.buffers.iter();
                    let buffers = buffers.map(|buffer| wiring.declare(buffer.bytes));
                    let buffers = buffers.collect();
                    Road::Tasks(Box::new(wiring), buffers)
                }
                false => {
                    let words = (&places[rank], store, base);
                    Road::Launches(Box::new(Launches::new(planning, rank, submitter, words)))
                }
            },
            slots: vec![UNWIRED; plan.tasks.len()],
            has_opened: false,
        });
        let ranks = ranks.collect();
        Self {
            workload,
            planning,
            counters: places.iter().map(|rank| rank.counters.clone()).collect(),
            kernels: None,
            position: 0,
            ranks,
            has_streams: workload.has_streams(),
            uses: Vec::new(),
            after: Vec::new(),
            is_prepared: false,
        }
    }

    /// The same, tasks naming these kernels, by rank and index.
    #[must_use]
    pub(super) fn with_kernels(mut self, kernels: &'a [Box<[u64]>]) -> Self {
        self.kernels = Some(kernels);
        self
    }

    /// What the submitters counted.
    pub(super) fn ledgers(&self) -> impl Iterator<Item = &Ledger> {
        self.ranks.iter().map(|rank| rank.road.submitter().ledger())
    }

    /// What is fed.
    pub(super) const fn workload(&self) -> &'a Workload {
        self.workload
    }

    /// How many tasks were wired in, in the global order.
    pub(super) const fn position(&self) -> usize {
        self.position
    }

    /// Whether the fate of a task that was wired in is decided.
    pub(super) fn is_decided(&self, at: TaskRef, schedulers: &[&Scheduler<'_>]) -> bool {
        let (rank, task) = (at.rank as usize, at.task as usize);
        let feed = &self.ranks[rank];
        let fate = |slot| feed.road.submitter().fate(schedulers[rank], slot);
        let slot = feed.slots[task];
        slot != UNWIRED && fate(slot) != Fate::Unfinished
    }

    /// Whether there are streams to look at, also when all tasks are submitted.
    pub(super) const fn has_streams(&self) -> bool {
        self.has_streams
    }

    /// Looks at the streams of all ranks, until none moves.
    #[inline]
    pub(super) fn turn(&mut self, schedulers: &[&Scheduler<'_>], now_ns: u64) -> Turned {
        match self.has_streams {
            true => self.turn_streams(schedulers, now_ns),
            false => Turned::default(),
        }
    }

    fn turn_streams(&mut self, schedulers: &[&Scheduler<'_>], now_ns: u64) -> Turned {
        let mut all = Turned::default();
        let mut is_moving = true;
        while is_moving {
            is_moving = false;
            for (rank, feed) in self.ranks.iter_mut().enumerate() {
                let Road::Launches(launches) = &mut feed.road else {
                    continue;
                };
                let (moved, told) = launches.turn(schedulers[rank], now_ns);
                is_moving |= moved;
                all.moved |= moved || told;
                if told {
                    all.told.push(rank);
                }
            }
        }
        all
    }

    /// What plans have to say when the run is over.
    pub(super) fn planned(&mut self, schedulers: &[&Scheduler<'_>], now_ns: u64) -> Planned {
        let _moved = self.turn(schedulers, now_ns);
        self.planning.planned(now_ns)
    }

    /// Offers the next task, at `now_ns`.
    ///
    /// # Errors
    /// [`RunError::Wiring`] or [`RunError::Launch`] if the task can never be wired in.
    pub(super) fn next(
        &mut self,
        schedulers: &[&Scheduler<'_>],
        probes: &[impl Probe],
        now_ns: u64,
    ) -> Result<Fed, RunError> {
        let Some(&at) = self.workload.order.get(self.position) else {
            return Ok(Fed::All);
        };
        let (rank, task) = (at.rank as usize, at.task);
        let plan = &self.workload.ranks[rank];
        let planned = &plan.tasks[task as usize];
        if !std::mem::replace(&mut self.is_prepared, true) {
            self.prepare(planned, rank);
        }
        let kernel = self
            .kernels
            .map_or(task.into(), |all| all[rank][task as usize]);
        let spec = spec_of(planned, (task, kernel), &self.counters[rank]);
        let feed = &mut self.ranks[rank];
        let spec = match planned.shape {
            Shape::Work => {
                feed.service = feed.service.or_else(|| plan.service());
                item_spec(spec, planned, feed.service)
            }
            _ => spec,
        };
        let (scheduler, probe) = (schedulers[rank], &probes[rank]);
        let scope = |error| RunError::Scope {
            rank: plan.rank,
            task: planned.name.to_string(),
            error,
        };
        feed.open(planned).map_err(scope)?;
        let wired = match &mut feed.road {
            Road::Launches(launches) => {
                let gates = launches.gates(planned, &feed.slots);
                let task = (at, planned);
                let spec = (&spec, &self.after[..]);
                launches.offer((scheduler, probe), task, spec, &gates, now_ns)?
            }
            Road::Tasks(wiring, _) => {
                let wired = wiring.submit(scheduler, probe, &spec, &self.after, &self.uses);
                match wired {
                    Ok(slot) => Some(slot),
                    Err(error) if error.is_temporary() => None,
                    Err(error) => {
                        let (rank, task) = (plan.rank, planned.name.to_string());
                        return Err(RunError::Wiring { rank, task, error });
                    }
                }
            }
        };
        let Some(slot) = wired else {
            return Ok(Fed::Blocked(rank));
        };
        feed.slots[task as usize] = slot;
        feed.close(planned).map_err(scope)?;
        self.position += 1;
        self.is_prepared = false;
        Ok(Fed::Task(rank))
    }

    fn prepare(&mut self, task: &TaskPlan, rank: usize) {
        let feed = &self.ranks[rank];
        let slot_of = |&index: &u32| {
            let slot = feed.slots[index as usize];
            let is_there = slot != UNWIRED;
            assert!(is_there, "the order puts a task behind what it waits for");
            Dependency::wait(slot)
        };
        self.after.clear();
        self.after.extend(task.after.iter().map(slot_of));
        let gates = task.waits.iter().filter_map(|wait| wait.gate.as_ref());
        self.after.extend(gates.map(slot_of));
        self.uses.clear();
        if let Road::Tasks(_, buffers) = &feed.road {
            let uses = task.uses.iter().map(|one| buffer_use(buffers, one));
            self.uses.extend(uses);
        }
    }
}

/// `spec` of an item: what its worker is told in place of kernel and arguments.
fn item_spec(spec: TaskSpec, planned: &TaskPlan, service: Option<Service>) -> TaskSpec {
    let item = service.and_then(|service| service.item(&planned.program));
    let item = item.expect("a task for workers is an item of what its rank's workers serve");
    TaskSpec {
        kernel: item.rule_set.into(),
        args: u64::from(item.length) << 32 | u64::from(item.offset),
        ..spec
    }
}

/// `counters`: the addresses of the rank's counters.
fn spec_of(planned: &TaskPlan, (task, kernel): (u32, u64), counters: &[u64]) -> TaskSpec {
    let predicate = planned.predicate.map(|predicate| Predicate {
        addr: counters[predicate.counter as usize],
        comparison: predicate.comparison,
        value: predicate.value,
    });
    TaskSpec {
        subtasks: planned.subtasks,
        blocks: planned.blocks,
        sync_start: planned.sync_start,
        priority: planned.priority,
        may_defer: planned.defers,
        predicate,
        run_budget_ns: planned.run_budget_ns,
        wait_budget_ns: planned.wait_budget_ns,
        output_bytes: planned.output_bytes,
        kernel,
        ..TaskSpec::new(TaskId::new(0, task), planned.shape)
    }
}

//! Streams of a run: one planner for all ranks, a launcher a rank, and the words of timelines.
//!
//! Guarantees: what a launch waits for is decided by the runtime's planner and launcher alone, and
//! gates are the workload's own tasks. A stream that ended takes no launch any more: what the
//! workload still has for it is submitted behind the last task there, and so is cancelled. Refuses,
//! before a task runs, a launch that cannot be planned. Called by whoever feeds a workload.

use finbox_runtime::launch::{Committed, Gate, LaunchError, Launcher, Offered, Words};
use finbox_runtime::plan::{Freed, Mode, PlanError, Planner, Recorder};
use finbox_runtime::stream::{ReserveError, TimePoint, TimelineId, Wait};
use finbox_runtime::{BufferId, BufferUse};
use finbox_scheduler::{Dependency, Probe, Scheduler, SlotId, Submitter, TaskSpec};

use super::RunError;
use super::feed::UNWIRED;
use super::places::Places;
use crate::device::Device;
use crate::shared::Shared;
use crate::workload::{Points, RankPlan, TaskPlan, TaskRef, Workload, awaited};

/// The timelines and buffers of all ranks that have streams.
pub(super) struct Planning<'a> {
    pub(super) workload: &'a Workload,
    pub(super) planner: Planner,
    pub(super) points: Points,
    /// By rank and stream.
    pub(super) timelines: Vec<Vec<TimelineId>>,
    /// Buffers of all ranks whose memory is free again.
    freed: Shared<Vec<Freed>>,
}

impl<'a> Planning<'a> {
    pub(super) fn of(workload: &'a Workload, mode: Mode) -> Self {
        let planner = Planner::new(mode);
        let timelines = workload.ranks.iter().map(|plan| {
            let open = |stream: &crate::workload::StreamPlan| {
                let name = match workload.ranks.len() {
                    1 => stream.name.to_string(),
                    _ => format!("{} of rank {}", stream.name, plan.rank),
                };
                match stream.tracks {
                    true => planner.stream(&name, 0),
                    false => planner.untracked_stream(&name, 0),
                }
            };
            plan.streams.iter().map(open).collect()
        });
        let timelines = timelines.collect();
        let points = match workload.has_streams() {
            true => Points::of(workload),
            false => Points::default(),
        };
        Self {
            workload,
            planner,
            points,
            timelines,
            freed: Shared::default(),
        }
    }

    /// Whether the memory of `buffer`, whose life is over, is free again. Told once.
    fn take_freed(&self, buffer: BufferId) -> bool {
        let mut freed = self.freed.lock();
        self.planner.take_freed(&mut freed);
        let place = freed.iter().position(|one| one.buffer == buffer);
        place.map(|place| freed.swap_remove(place)).is_some()
    }

    /// Whether every launch of the workload can be planned, in its order.
    ///
    /// # Errors
    /// [`RunError::Launch`], the first.
    pub(super) fn check(workload: &Workload, mode: Mode) -> Result<(), RunError> {
        if !workload.has_streams() {
            return Ok(());
        }
        let all = Planning::of(workload, mode);
        let mut recorder = all.planner.recorder();
        let mut kept = Committed::default();
        let ranks = workload.ranks.iter().map(|plan| Lives::new(&all, plan));
        let mut lives: Vec<Lives> = ranks.collect();
        for &at in &workload.order {
            let (task, lives) = (workload.task(at), &mut lives[at.rank as usize]);
            lives.begin(task, |_| true);
            let planned = match task.stream {
                Some(_) => all.plan((&mut recorder, &mut kept), at, lives, 0),
                None => Ok(()),
            };
            let ended = planned.and_then(|()| lives.end(&all, task));
            ended.map_err(|error| all.refused(at, error.into()))?;
        }
        Ok(())
    }

    fn refused(&self, at: TaskRef, error: LaunchProblem) -> RunError {
        RunError::Launch {
            rank: self.workload.ranks[at.rank as usize].rank,
            task: self.workload.task(at).name.to_string(),
            error,
        }
    }

    /// Plans and commits a launch, and keeps what it is to be launched behind.
    fn plan(
        &self,
        (recorder, kept): (&mut Recorder<'_>, &mut Committed),
        at: TaskRef,
        lives: &Lives,
        now_ns: u64,
    ) -> Result<(), PlanError> {
        let (own, task) = (at.rank as usize, self.workload.task(at));
        let plan = &self.workload.ranks[own];
        let stream = task.stream.expect("only launches are planned");
        let stream = self.timelines[own][stream as usize];
        let mut recording = recorder.record(stream, &task.name);
        for one in &task.uses {
            let label = &plan.buffers[one.buffer as usize].name;
            recording = recording.uses(label, buffer_use(&lives.buffers, one));
        }
        for external in &task.externals {
            recording = recording.external(&external.label, external.at);
        }
        for wait in &task.waits {
            let timeline = self.timelines[wait.rank as usize][wait.stream as usize];
            let point = TimePoint::new(timeline, wait.value);
            recording = recording.waits(match wait.budget_ns {
                0 => Wait::forever(point),
                budget_ns => Wait::until(point, now_ns.saturating_add(budget_ns)),
            });
        }
        kept.keep(&recording.plan()?.commit());
        Ok(())
    }

    /// The task that is the launch of `point`.
    pub(super) fn task_of(&self, point: TimePoint) -> Option<TaskRef> {
        let at = |rank: u32, stream: u32| self.points.task(rank, stream, point.value);
        let mut ranks = (0..).zip(&self.timelines);
        ranks.find_map(|(rank, streams)| {
            let stream = streams.iter().position(|&one| one == point.timeline)?;
            at(rank, u32::try_from(stream).ok()?)
        })
    }
}

/// The buffers of one rank, each in the life it is in, or was in last.
#[derive(Debug)]
struct Lives {
    buffers: Vec<BufferId>,
    /// Those that wait for the memory of another one.
    takes: Vec<Option<u32>>,
}

impl Lives {
    fn new(planning: &Planning<'_>, plan: &RankPlan) -> Self {
        let buffers = plan.buffers.iter().filter(|_| !plan.streams.is_empty());
        Self {
            takes: plan.buffers.iter().map(|buffer| buffer.takes).collect(),
            buffers: buffers
                .map(|buffer| planning.planner.declare(buffer.bytes))
                .collect(),
        }
    }

    /// Begins the lives of what `task` is the first to use, as far as `is_free` says that their
    /// memory is. Whether all of them live.
    fn begin(&mut self, task: &TaskPlan, is_free: impl Fn(BufferId) -> bool) -> bool {
        for one in &task.uses {
            let buffer = one.buffer as usize;
            let Some(before) = self.takes.get(buffer).copied().flatten() else {
                continue;
            };
            if !is_free(self.buffers[before as usize]) {
                return false;
            }
            self.takes[buffer] = None;
        }
        true
    }

    /// Ends the lives that end with `task`.
    fn end(&self, planning: &Planning<'_>, task: &TaskPlan) -> Result<(), PlanError> {
        for &buffer in &task.frees {
            let freed = planning.planner.free(self.buffers[buffer as usize]);
            freed.map_err(|error| PlanError::Use {
                launch: task.name.to_string(),
                label: "a buffer that it frees".to_owned(),
                error,
            })?;
        }
        Ok(())
    }
}

/// Why a launch was refused for good.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LaunchProblem {
    /// It cannot be planned.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// It was planned, and its task cannot be submitted.
    #[error(transparent)]
    Launch(#[from] LaunchError),
}

/// A use as the runtime knows it.
pub(super) fn buffer_use(buffers: &[BufferId], one: &crate::workload::BufferUse) -> BufferUse {
    BufferUse {
        buffer: buffers[one.buffer as usize],
        range: one.span.at..one.span.at + one.span.bytes,
        access: one.access,
    }
}

/// Where a gate's counter is, and what it began with.
#[derive(Clone, Copy, Debug)]
struct Word {
    timeline: TimelineId,
    address: u64,
    base: u32,
}

/// Stores 32 bits at an address of a rank.
pub(super) type Store<'a> = &'a (dyn Fn(usize, u64, u32) + Sync);

/// Stores words straight into simulated devices.
pub(super) fn into_devices(devices: &[Device]) -> impl Fn(usize, u64, u32) {
    |rank, address, value| devices[rank].dram().store_u32(address, value)
}

/// What a word of a simulated device begins with.
pub(super) fn base_in(devices: &[Device]) -> impl Fn(usize, u64) -> u32 {
    |rank, address| devices[rank].dram().load_u32(address)
}

/// The launches of one rank.
pub(super) struct Launches<'a, 'm> {
    planning: &'a Planning<'a>,
    rank: usize,
    pub(super) launcher: Launcher<'a, 'm>,
    recorder: Recorder<'a>,
    kept: Committed,
    /// The last task that was submitted on each stream.
    last: Vec<Option<SlotId>>,
    lives: Lives,
    words: Vec<Word>,
    store: Store<'a>,
    has_planned: bool,
}

/// The rank's words, and the gates of the launch that is offered.
struct RankWords<'x, 'a> {
    planning: &'x Planning<'a>,
    rank: usize,
    words: &'x [Word],
    store: Store<'x>,
    gates: &'x [(TimePoint, SlotId)],
}

impl Words for RankWords<'_, '_> {
    fn signal(&mut self, timeline: TimelineId, value: u64) {
        let low = u32::try_from(value & u64::from(u32::MAX)).expect("32 bits are kept");
        for word in self.words.iter().filter(|word| word.timeline == timeline) {
            (self.store)(self.rank, word.address, word.base.wrapping_add(low));
        }
    }

    fn gate(&mut self, wait: &Wait) -> Gate {
        let known = self.gates.iter().find(|gate| gate.0 == wait.point);
        let gate = known.expect("the plan puts a gate in front of what is no edge");
        Gate::Slot(gate.1)
    }

    fn cause(&mut self, launch: TimePoint, _: SlotId) -> String {
        match self.planning.task_of(launch) {
            Some(at) => format!("task {} failed", self.planning.workload.task(at).name),
            None => "its task failed".to_owned(),
        }
    }
}

impl<'a, 'm> Launches<'a, 'm> {
    /// `base` is what the counter with this index and address begins with.
    pub(super) fn new(
        planning: &'a Planning<'a>,
        rank: usize,
        submitter: Submitter<'m>,
        (places, store, base): (&Places, Store<'a>, &dyn Fn(usize, u64) -> u32),
    ) -> Self {
        let mut launcher = Launcher::new(&planning.planner, submitter);
        let own = &planning.timelines[rank];
        for &stream in own {
            launcher
                .own(stream)
                .expect("each rank has streams of its own");
        }
        let plan = &planning.workload.ranks[rank];
        let waits = plan.tasks.iter().flat_map(|task| &task.waits);
        let mut words: Vec<Word> = Vec::new();
        for wait in waits {
            let Some(counter) = wait
                .gate
                .and_then(|gate| awaited(plan.tasks.get(gate as usize)?))
            else {
                continue;
            };
            let address = places.counters[counter as usize];
            if words.iter().all(|word| word.address != address) {
                words.push(Word {
                    timeline: planning.timelines[wait.rank as usize][wait.stream as usize],
                    address,
                    base: base(rank, address),
                });
            }
        }
        Self {
            planning,
            rank,
            recorder: planning.planner.recorder(),
            launcher,
            kept: Committed::default(),
            last: vec![None; own.len()],
            lives: Lives::new(planning, plan),
            words,
            store,
            has_planned: false,
        }
    }

    /// Offers the next task of the rank. `None`: there is no room now.
    pub(super) fn offer(
        &mut self,
        (scheduler, probe): (&Scheduler<'_>, &impl Probe),
        (at, planned): (TaskRef, &TaskPlan),
        (spec, after): (&TaskSpec, &[Dependency]),
        gates: &[(TimePoint, SlotId)],
        now_ns: u64,
    ) -> Result<Option<SlotId>, RunError> {
        let planning = self.planning;
        let is_free = |buffer| planning.take_freed(buffer);
        if !self.lives.begin(planned, is_free) {
            return Ok(None);
        }
        let Some(stream) = planned.stream else {
            return self.submit((scheduler, probe), (at, planned), (spec, after));
        };
        if !self.has_planned {
            let keep = (&mut self.recorder, &mut self.kept);
            match planning.plan(keep, at, &self.lives, now_ns) {
                Ok(()) => {
                    let launched = self.launcher.launch(&mut self.kept, spec, after);
                    launched.map_err(|error| self.planning.refused(at, error.into()))?;
                    self.has_planned = true;
                }
                Err(PlanError::Reserve {
                    error: ReserveError::Poisoned { .. },
                    ..
                }) => {
                    let mut after = after.to_vec();
                    let last = self.last[stream as usize];
                    after.extend(last.map(Dependency::wait));
                    let task = (spec, &after[..]);
                    let slot = self.submit((scheduler, probe), (at, planned), task)?;
                    self.last[stream as usize] = slot.or(last);
                    return Ok(slot);
                }
                Err(error) => return Err(self.planning.refused(at, error.into())),
            }
        }
        let mut words = RankWords {
            planning: self.planning,
            rank: self.rank,
            words: &self.words,
            store: self.store,
            gates,
        };
        match self.launcher.offer(scheduler, probe, &mut words, now_ns) {
            Ok(Offered::Launch { slot, .. }) => {
                self.has_planned = false;
                self.last[stream as usize] = Some(slot);
                self.ended(at, planned)?;
                Ok(Some(slot))
            }
            Ok(Offered::Full | Offered::Gate(_) | Offered::Nothing) => Ok(None),
            Err(error) => Err(self.planning.refused(at, error.into())),
        }
    }

    /// A task on no stream, or one whose stream has ended.
    fn submit(
        &mut self,
        (scheduler, probe): (&Scheduler<'_>, &impl Probe),
        (at, planned): (TaskRef, &TaskPlan),
        (spec, after): (&TaskSpec, &[Dependency]),
    ) -> Result<Option<SlotId>, RunError> {
        let buffers = &self.lives.buffers;
        let uses = planned.uses.iter().map(|one| buffer_use(buffers, one));
        let uses: Vec<BufferUse> = uses.collect();
        let mut words = RankWords {
            planning: self.planning,
            rank: self.rank,
            words: &self.words,
            store: self.store,
            gates: &[],
        };
        let world = (scheduler, probe, &mut words);
        match self.launcher.submit(world, spec, after, &uses) {
            Ok(slot) => {
                self.ended(at, planned)?;
                Ok(Some(slot))
            }
            Err(error) if error.is_temporary() => Ok(None),
            Err(error) => Err(RunError::Wiring {
                rank: self.planning.workload.ranks[self.rank].rank,
                task: self.planning.workload.task(at).name.to_string(),
                error,
            }),
        }
    }

    /// `planned` was submitted: ends the lives of buffers that end with it.
    fn ended(&self, at: TaskRef, planned: &TaskPlan) -> Result<(), RunError> {
        let ended = self.lives.end(self.planning, planned);
        ended.map_err(|error| self.planning.refused(at, error.into()))
    }

    /// Looks at what has finished. Whether anything moved, and whether gates were told.
    pub(super) fn turn(&mut self, scheduler: &Scheduler<'_>, now_ns: u64) -> (bool, bool) {
        let mut words = RankWords {
            planning: self.planning,
            rank: self.rank,
            words: &self.words,
            store: self.store,
            gates: &[],
        };
        let turned = self.launcher.turn(scheduler, &mut words, now_ns);
        (turned.moved > 0, turned.told > 0)
    }

    /// The points that `task` waits for, with the slots of the gates in front of it.
    pub(super) fn gates(&self, task: &TaskPlan, slots: &[SlotId]) -> Vec<(TimePoint, SlotId)> {
        let gate = |wait: &crate::workload::PointWait| {
            let slot = slots[wait.gate? as usize];
            let timeline = self.planning.timelines[wait.rank as usize][wait.stream as usize];
            (slot != UNWIRED).then(|| (TimePoint::new(timeline, wait.value), slot))
        };
        task.waits.iter().filter_map(gate).collect()
    }
}

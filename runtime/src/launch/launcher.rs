//! The launcher: launches that are owed, their edges and gates, and tasks on no stream.

use std::collections::VecDeque;

use finbox_scheduler::limits::MAX_TIMELINES;
use finbox_scheduler::{
    Dependency, Fate, Probe, Scheduler, Shape, SlotId, Submitter, TaskId, TaskSpec, timeline_cookie,
};

use super::streams::{Found, Streams};
use super::{Committed, Gate, LaunchError, Offered, OwnError, Turned, Words, is_temporary};
use crate::buffer::BufferUse;
use crate::plan::{Desk, Planner};
use crate::stream::{TimePoint, TimelineId, Wait};
use crate::user::Party;
use crate::wiring::{WiringError, merge};

/// A launch that is not submitted yet.
#[derive(Debug)]
struct Owed {
    point: TimePoint,
    spec: TaskSpec,
    waits: Vec<Wait>,
    /// How many of `waits` are among `after`, or need not be.
    resolved: usize,
    after: Vec<Dependency>,
}

/// What a wait comes to.
enum Need {
    Nothing,
    Edge(SlotId),
    Gate,
}

/// Launches on streams of one scheduler. One thread at a time may use it.
#[derive(Debug)]
pub struct Launcher<'p, 'm> {
    planner: &'p Planner,
    submitter: Submitter<'m>,
    number: u32,
    streams: Streams,
    owed: VecDeque<Owed>,
    /// Memory of launches that were submitted.
    spare: Vec<Owed>,
    /// Gates of the task on no stream that is being submitted.
    gates: Vec<(TimePoint, SlotId)>,
    found: Vec<Party>,
    after: Vec<Dependency>,
    /// The points that the task on no stream comes behind which is being submitted.
    behind: Vec<TimePoint>,
    /// By task slot, the last launch that was submitted in it.
    launches: Vec<Option<(SlotId, TimePoint)>>,
    /// Of each timeline, what was told: its value, and whether it has ended.
    told: Vec<(u64, bool)>,
    news: Vec<TimePoint>,
    ended: Vec<u32>,
}

impl<'p, 'm> Launcher<'p, 'm> {
    /// Launches what `planner` plans through `submitter`.
    pub fn new(planner: &'p Planner, submitter: Submitter<'m>) -> Self {
        Self {
            planner,
            submitter,
            number: planner.desk().next_launcher(),
            streams: Streams::default(),
            owed: VecDeque::new(),
            spare: Vec::new(),
            gates: Vec::new(),
            found: Vec::new(),
            after: Vec::new(),
            behind: Vec::new(),
            launches: Vec::new(),
            told: Vec::new(),
            news: Vec::new(),
            ended: Vec::new(),
        }
    }

    /// What it launches is planned here.
    pub const fn planner(&self) -> &'p Planner {
        self.planner
    }

    /// The submitter.
    pub const fn submitter(&self) -> &Submitter<'m> {
        &self.submitter
    }

    /// The submitter, for scopes.
    pub const fn submitter_mut(&mut self) -> &mut Submitter<'m> {
        &mut self.submitter
    }

    /// Launches on `stream`, on which nothing was planned yet, are this launcher's.
    ///
    /// # Errors
    /// [`OwnError`]; nothing was changed.
    pub fn own(&mut self, stream: TimelineId) -> Result<(), OwnError> {
        self.planner.desk().own(stream, self.number)?;
        self.streams.open(stream);
        Ok(())
    }

    /// Launches that were handed in and not submitted yet.
    pub fn owed(&self) -> usize {
        self.owed.len()
    }

    /// The last launch on `stream` that was submitted and whose point is not reached.
    pub fn last(&self, stream: TimelineId) -> Option<SlotId> {
        self.streams.last(stream)
    }

    /// A gate as most are: a host task that may register one condition, with what is left of the
    /// wait's deadline at `now_ns` as its wait budget. Its kernel registers COUNTER: the word of
    /// the timeline, the low 32 bits of the value, [`cookie`](Self::cookie).
    pub fn gate(task: TaskId, wait: &Wait, now_ns: u64) -> TaskSpec {
        let left_ns = wait.deadline_ns.map(|at_ns| at_ns.saturating_sub(now_ns));
        TaskSpec {
            may_defer: 1,
            // 0 would be no budget.
            wait_budget_ns: left_ns.map_or(0, |left_ns| left_ns.max(1)),
            ..TaskSpec::new(task, Shape::Host)
        }
    }

    /// The cookie of conditions on a word of `timeline`; `None` if no condition can name it.
    pub fn cookie(timeline: TimelineId) -> Option<u64> {
        let number = u32::try_from(timeline.index()).ok()?;
        (number < MAX_TIMELINES).then(|| timeline_cookie(number))
    }

    /// Hands in a committed launch: `spec` is its task, which comes behind `after` too. The planner
    /// knows nothing of `after`: a circle that it closes is not seen.
    ///
    /// # Errors
    /// [`LaunchError::Foreign`] or [`LaunchError::Empty`]; nothing was changed.
    pub fn launch(
        &mut self,
        launch: &mut Committed,
        spec: &TaskSpec,
        after: &[Dependency],
    ) -> Result<(), LaunchError> {
        let point = launch.point.ok_or(LaunchError::Empty)?;
        if !self.streams.has(point.timeline) {
            return Err(LaunchError::Foreign(point));
        }
        launch.point = None;
        let mut owed = self.spare.pop().unwrap_or_else(|| Owed {
            point,
            spec: *spec,
            waits: Vec::new(),
            resolved: 0,
            after: Vec::new(),
        });
        (owed.point, owed.spec, owed.resolved) = (point, *spec, 0);
        owed.waits.clear();
        owed.waits.extend_from_slice(&launch.waits);
        if self.streams.has_ended(point.timeline) {
            // Its memory may be in other hands: it is never to run.
            owed.waits.push(Wait::forever(point));
        }
        owed.after.clear();
        owed.after.extend_from_slice(after);
        let tasks = launch.tasks.iter().map(|&slot| Dependency::wait(slot));
        owed.after.extend(tasks);
        self.owed.push_back(owed);
        Ok(())
    }

    /// Submits one task of the oldest launch that is owed: a gate, or the launch itself.
    ///
    /// # Errors
    /// [`LaunchError::Refused`]: it never will be. It is owed no more, and its stream ends when it
    /// comes to it.
    pub fn offer(
        &mut self,
        scheduler: &Scheduler<'_>,
        probe: &impl Probe,
        words: &mut impl Words,
        now_ns: u64,
    ) -> Result<Offered, LaunchError> {
        let Some(owed) = self.owed.front_mut() else {
            return Ok(Offered::Nothing);
        };
        let (submitter, planner) = (&mut self.submitter, self.planner);
        let mut task = owed.spec.task;
        let error = loop {
            let Some(wait) = owed.waits.get(owed.resolved) else {
                merge(&mut owed.after);
                let wired = submitter.submit_with(scheduler, probe, &owed.spec, &owed.after);
                match wired {
                    Ok(slot) => return Ok(self.launched(slot)),
                    Err(error) if is_temporary(&error) => return Ok(Offered::Full),
                    Err(error) => break error.into(),
                }
            };
            let fate = || planner.desk().timelines.fate(wait.point);
            match need(&self.streams, wait.point, fate) {
                Need::Nothing => {}
                Need::Edge(slot) => owed.after.push(Dependency::wait(slot)),
                Need::Gate => match words.gate(wait) {
                    Gate::Slot(slot) => owed.after.push(Dependency::wait(slot)),
                    Gate::Task(spec) => {
                        if let Err(error) = check_name(wait.point) {
                            break error;
                        }
                        match submitter.submit(scheduler, probe, &spec, &[]) {
                            Ok(slot) => {
                                owed.after.push(Dependency::wait(slot));
                                owed.resolved += 1;
                                return Ok(Offered::Gate(slot));
                            }
                            Err(error) if is_temporary(&error) => return Ok(Offered::Full),
                            Err(error) => {
                                task = spec.task;
                                break error.into();
                            }
                        }
                    }
                },
            }
            owed.resolved += 1;
        };
        Err(self.refused(task, error, now_ns))
    }

    /// The oldest launch that was owed is `slot`.
    fn launched(&mut self, slot: SlotId) -> Offered {
        let owed = self.owed.pop_front().expect("it was offered");
        let point = owed.point;
        self.streams.submitted(point, slot);
        let index = slot.index();
        self.launches
            .resize(self.launches.len().max(index + 1), None);
        self.launches[index] = Some((slot, point));
        self.spare.push(owed);
        Offered::Launch { point, slot }
    }

    /// The oldest launch that was owed never becomes a task.
    fn refused(&mut self, task: TaskId, error: WiringError, now_ns: u64) -> LaunchError {
        let owed = self.owed.pop_front().expect("it was offered");
        let point = owed.point;
        self.spare.push(owed);
        let mut desk = self.planner.desk();
        desk.timelines.lose(point, &error.to_string(), now_ns);
        LaunchError::Refused { point, task, error }
    }

    /// Wires a task in that is on no stream, behind `after` and behind whatever its `uses` conflict
    /// with, launches included. Launches that are planned later wait for it, where they conflict.
    ///
    /// # Errors
    /// [`WiringError`]; no use was recorded. Temporary ones may be tried again: one is that a
    /// launch in front of it is owed here, which needs the room first.
    pub fn submit(
        &mut self,
        (scheduler, probe, words): (&Scheduler<'_>, &impl Probe, &mut impl Words),
        spec: &TaskSpec,
        after: &[Dependency],
        uses: &[BufferUse],
    ) -> Result<SlotId, WiringError> {
        let mut desk = self.planner.desk();
        self.found.clear();
        desk.buffers.plan(uses, &mut self.found)?;
        self.after.clear();
        self.after.extend_from_slice(after);
        self.check_found(&mut desk, uses)?;
        for at in 0..self.found.len() {
            let slot = match self.found[at] {
                Party::Task { launcher, slot } => (launcher == self.number).then_some(slot),
                Party::Launch { timeline, value } => {
                    let point = TimePoint::new(timeline, value);
                    self.behind(&desk, (scheduler, probe, &mut *words), point)?
                }
            };
            self.after.extend(slot.map(Dependency::wait));
        }
        self.collect(&desk);
        merge(&mut self.after);
        let submitter = &mut self.submitter;
        let slot = submitter.submit_with(scheduler, probe, spec, &self.after)?;
        self.gates.clear();
        let submitter = &self.submitter;
        let fate = |slot| submitter.fate(scheduler, slot);
        desk.record_task((self.number, slot), uses, &self.behind, fate);
        Ok(slot)
    }

    /// Whether a task with these uses, which conflict with `found`, can be submitted now.
    fn check_found(&self, desk: &mut Desk, uses: &[BufferUse]) -> Result<(), WiringError> {
        for &user in &self.found {
            match user {
                Party::Task { launcher, slot } => {
                    if launcher != self.number && !desk.task(launcher, slot).0 {
                        let argument = desk.argument_of(uses, user);
                        return Err(WiringError::Elsewhere { argument });
                    }
                }
                Party::Launch { timeline, value } => {
                    let is_owed =
                        |owed: &Owed| owed.point.timeline == timeline && owed.point.value <= value;
                    if self.owed.iter().any(is_owed) {
                        return Err(WiringError::Owed(TimePoint::new(timeline, value)));
                    }
                }
            }
        }
        Ok(())
    }

    /// Which points the task on no stream comes behind that is being submitted: of each timeline
    /// the last, also behind other tasks.
    fn collect(&mut self, desk: &Desk) {
        let Self {
            found,
            after,
            behind,
            launches,
            number,
            ..
        } = self;
        behind.clear();
        let mut add = |point: TimePoint| {
            if desk.timelines.fate(point) == Fate::Completed {
                return;
            }
            let mut known = behind.iter_mut();
            match known.find(|known| known.timeline == point.timeline) {
                Some(known) => *known = (*known).max(point),
                None => behind.push(point),
            }
        };
        for user in found.iter() {
            if let &Party::Launch { timeline, value } = user {
                add(TimePoint::new(timeline, value));
            }
        }
        for slot in after.iter().map(|one| one.slot) {
            let launch = launches.get(slot.index()).copied().flatten();
            if let Some((_, point)) = launch.filter(|launch| launch.0 == slot) {
                add(point);
            }
            desk.task(*number, slot)
                .1
                .iter()
                .copied()
                .for_each(&mut add);
        }
    }

    /// What a task on no stream comes behind because of `point`.
    fn behind(
        &mut self,
        desk: &Desk,
        (scheduler, probe, words): (&Scheduler<'_>, &impl Probe, &mut impl Words),
        point: TimePoint,
    ) -> Result<Option<SlotId>, WiringError> {
        match need(&self.streams, point, || desk.timelines.fate(point)) {
            Need::Nothing => return Ok(None),
            Need::Edge(slot) => return Ok(Some(slot)),
            Need::Gate => {}
        }
        // Submitted when the task was offered before, and did not fit.
        if let Some(&(_, slot)) = self.gates.iter().find(|gate| gate.0 == point) {
            return Ok(Some(slot));
        }
        match words.gate(&Wait::forever(point)) {
            Gate::Slot(slot) => Ok(Some(slot)),
            Gate::Task(spec) => {
                check_name(point)?;
                let slot = self.submitter.submit(scheduler, probe, &spec, &[])?;
                self.gates.push((point, slot));
                Ok(Some(slot))
            }
        }
    }

    /// Looks at the first unfinished launch of each stream, and tells the planner what has
    /// finished, and gates what was reached or has ended. Call it in the loop that submits.
    pub fn turn(
        &mut self,
        scheduler: &Scheduler<'_>,
        words: &mut impl Words,
        now_ns: u64,
    ) -> Turned {
        let (submitter, mut turned) = (&self.submitter, Turned::default());
        let fate = |slot| submitter.fate(scheduler, slot);
        let is_at_rest = |slot| submitter.is_at_rest(scheduler, slot);
        let over = |slot| match fate(slot) {
            Fate::Unfinished => None,
            // A core may be late with it.
            Fate::Failed => is_at_rest(slot).then_some(Fate::Failed),
            Fate::Completed => Some(Fate::Completed),
        };
        let mut desk = self.planner.desk();
        turned.moved = desk.look(self.number, over, now_ns);
        let cause = |launch, task| words.cause(launch, task);
        turned.moved += self.streams.advance(&mut desk, now_ns, fate, cause);
        desk.timelines.expire(now_ns);
        let is_owed = |stream| self.owed.iter().any(|owed| owed.point.timeline == stream);
        turned.moved += self.streams.rest(&mut desk, is_owed, is_at_rest);
        self.told.resize(desk.timelines.count(), (0, false));
        for (index, (value, has_ended)) in self.told.iter_mut().enumerate() {
            let Some((point, ended)) = desk.timelines.standing(index) else {
                continue;
            };
            if std::mem::replace(value, point.value) != point.value {
                self.news.push(point);
            }
            if ended && !std::mem::replace(has_ended, true) {
                let number = u32::try_from(index).ok();
                self.ended
                    .extend(number.filter(|&number| number < MAX_TIMELINES));
            }
        }
        drop(desk);
        turned.told = self.news.len() + self.ended.len();
        for TimePoint { timeline, value } in self.news.drain(..) {
            words.signal(timeline, value);
        }
        // Behind their last words: what was reached before counts.
        for number in self.ended.drain(..) {
            scheduler.timeline_ended(number);
        }
        turned
    }
}

/// What a wait for `point` comes to; `fate` asks the planner what became of it.
fn need(streams: &Streams, point: TimePoint, fate: impl FnOnce() -> Fate) -> Need {
    match streams.find(point) {
        Found::Reached => Need::Nothing,
        Found::Task(slot) => Need::Edge(slot),
        Found::Elsewhere if fate() == Fate::Completed => Need::Nothing,
        Found::Elsewhere => Need::Gate,
    }
}

/// Whether the condition of a gate can name the timeline.
fn check_name(point: TimePoint) -> Result<(), WiringError> {
    let (timeline, most) = (point.timeline.index(), MAX_TIMELINES);
    match timeline < most as usize {
        true => Ok(()),
        false => Err(WiringError::Unnamed { timeline, most }),
    }
}

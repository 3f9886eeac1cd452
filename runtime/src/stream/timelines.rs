//! All timelines of one planner. Plain state: whoever holds the planning lock moves it.

use std::collections::VecDeque;

use finbox_scheduler::Fate;

use super::cycle::Search;
use super::error::{AdvanceError, Cause, ReserveError};
use super::point::{MOST_AWAY, TimePoint, TimelineId, Wait};

/// How far a launch has come that has a point, and has not finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Planned; its owner may commit or drop it.
    Planned,
    /// Committed: its owner tells when it has finished.
    Submitted,
    /// It does nothing: it has finished when its waits are met.
    Empty,
}

/// A launch between its planning and its point.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) stage: Stage,
    /// Whether its point will never be reached, and its timeline has not come to it.
    pub(super) is_doomed: bool,
    pub(super) waits: Vec<Wait>,
}

#[derive(Debug)]
pub(super) struct Timeline {
    pub(super) name: String,
    pub(super) is_foreign: bool,
    /// Launches have been planned up to here. Of a foreign one: 0.
    pub(super) reserved: u64,
    pub(super) reached: u64,
    /// The highest value that somebody waits for explicitly.
    pub(super) awaited: u64,
    pub(super) progressed_ns: u64,
    pub(super) poison: Option<Cause>,
    /// The first value whose launch will never be a task, and why.
    pub(super) lost: Option<(u64, String)>,
    /// The launches `reached + 1 ..= reserved`.
    pub(super) pending: VecDeque<Pending>,
}

impl Timeline {
    pub(super) fn next(&self, id: TimelineId) -> TimePoint {
        TimePoint::new(id, self.reached.saturating_add(1))
    }

    /// The launch with this value, while it has not finished.
    pub(super) fn launch(&self, value: u64) -> Option<&Pending> {
        let place = value.checked_sub(self.reached.checked_add(1)?)?;
        self.pending.get(usize::try_from(place).ok()?)
    }
}

/// All timelines of one planner.
#[derive(Debug, Default)]
pub(crate) struct Timelines {
    pub(super) lines: Vec<Timeline>,
    /// Memory of launches that have finished.
    spare: Vec<Vec<Wait>>,
    /// Launches that do nothing and have not finished.
    empties: usize,
    /// Launches that are doomed.
    pub(super) doomed: usize,
    /// Timelines that ended.
    pub(super) poisoned: usize,
    duplicates: u64,
    /// The latest time that was told.
    pub(super) now_ns: u64,
    search: Search,
}

impl Timelines {
    /// A new timeline at 0. A foreign one is moved by somebody else, in steps of any size.
    ///
    /// # Panics
    /// With 2³² of them.
    pub(crate) fn open(&mut self, name: &str, is_foreign: bool, now_ns: u64) -> TimelineId {
        self.now_ns = self.now_ns.max(now_ns);
        let id = u32::try_from(self.lines.len()).expect("fewer than 2^32 timelines");
        self.lines.push(Timeline {
            name: name.to_owned(),
            is_foreign,
            reserved: 0,
            reached: 0,
            awaited: 0,
            progressed_ns: now_ns,
            poison: None,
            lost: None,
            pending: VecDeque::new(),
        });
        TimelineId(id)
    }

    pub(super) fn line(&self, id: TimelineId) -> Option<&Timeline> {
        self.lines.get(id.index())
    }

    pub(crate) fn name(&self, id: TimelineId) -> String {
        self.line(id)
            .map_or_else(String::new, |line| line.name.clone())
    }

    /// Whether somebody else moves the timeline.
    pub(crate) fn is_foreign(&self, id: TimelineId) -> bool {
        self.line(id).is_some_and(|line| line.is_foreign)
    }

    /// Whether `point` is on a timeline that was opened here.
    pub(crate) fn check(&self, point: TimePoint) -> Result<(), AdvanceError> {
        let unknown = AdvanceError::Unknown(point.timeline);
        self.line(point.timeline).map(|_| ()).ok_or(unknown)
    }

    /// How many were opened.
    pub(crate) const fn count(&self) -> usize {
        self.lines.len()
    }

    /// The timeline that was opened as number `index`, how far it came, and whether it has ended.
    pub(crate) fn standing(&self, index: usize) -> Option<(TimePoint, bool)> {
        let line = self.lines.get(index)?;
        let id = TimelineId(u32::try_from(index).ok()?);
        Some((TimePoint::new(id, line.reached), line.poison.is_some()))
    }

    /// Whether `point` is the next of its stream, committed, and its waits are met.
    pub(crate) fn is_due(&self, point: TimePoint) -> bool {
        let Some(line) = self.line(point.timeline) else {
            return false;
        };
        let is_next = line.poison.is_none() && point.value == line.reached + 1;
        let launch = line.pending.front().filter(|_| is_next);
        launch.is_some_and(|launch| {
            launch.stage == Stage::Submitted && self.unmet(&launch.waits).next().is_none()
        })
    }

    pub(crate) const fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Whether `point` was reached, is still to come, or never will.
    ///
    /// # Panics
    /// If no such timeline was opened.
    #[inline]
    pub(crate) fn fate(&self, point: TimePoint) -> Fate {
        let line = &self.lines[point.timeline.index()];
        match (line.reached >= point.value, &line.poison) {
            (true, _) => Fate::Completed,
            (false, Some(_)) => Fate::Failed,
            (false, None) => Fate::Unfinished,
        }
    }

    /// The last launch that was planned on each stream.
    pub(crate) fn ends(&self) -> impl Iterator<Item = TimePoint> {
        let end = |(id, line): (u32, &Timeline)| TimePoint::new(TimelineId(id), line.reserved);
        (0..).zip(&self.lines).map(end)
    }

    /// Whether a launch may be planned on `stream`.
    #[inline]
    pub(crate) fn check_stream(&self, stream: TimelineId) -> Result<(), ReserveError> {
        match self.line(stream) {
            Some(line) if !line.is_foreign && line.poison.is_none() => Ok(()),
            line => Err(self.refusal(stream, line)),
        }
    }

    #[cold]
    fn refusal(&self, stream: TimelineId, line: Option<&Timeline>) -> ReserveError {
        let Some(line) = line else {
            return ReserveError::Unknown(stream);
        };
        let name = line.name.clone();
        if line.is_foreign {
            return ReserveError::Foreign { name };
        }
        ReserveError::Poisoned {
            name,
            chain: self.chain(line.next(stream)),
        }
    }

    /// Whether a launch may wait so.
    pub(crate) fn check_wait(&self, wait: &Wait) -> Result<(), ReserveError> {
        let TimePoint { timeline, value } = wait.point;
        let line = self.line(timeline).ok_or(ReserveError::Unknown(timeline))?;
        if line.is_foreign && wait.deadline_ns.is_none() {
            let name = line.name.clone();
            return Err(ReserveError::NoDeadline { name, value });
        }
        let away = value.saturating_sub(line.reached);
        if away > MOST_AWAY {
            return Err(ReserveError::TooFar {
                name: line.name.clone(),
                value,
                away,
                most: MOST_AWAY,
            });
        }
        Ok(())
    }

    /// Gives a launch on `stream` the next point. Stream and waits were checked.
    ///
    /// # Errors
    /// [`ReserveError::Cycle`]; nothing was changed.
    pub(crate) fn reserve(
        &mut self,
        stream: TimelineId,
        waits: &[Wait],
        stage: Stage,
    ) -> Result<TimePoint, ReserveError> {
        let point = TimePoint::new(stream, self.lines[stream.index()].reserved + 1);
        let Self { lines, search, .. } = self;
        if let Some(circle) = search.circle(lines, point, waits) {
            return Err(ReserveError::Cycle(circle));
        }
        for Wait { point, .. } in waits {
            let line = &mut self.lines[point.timeline.index()];
            line.awaited = line.awaited.max(point.value);
        }
        let mut kept = self.spare.pop().unwrap_or_default();
        kept.extend_from_slice(waits);
        let is_doomed = self.poisoned > 0 && self.lost_wait(waits).is_some();
        self.doomed += usize::from(is_doomed);
        let line = &mut self.lines[stream.index()];
        line.reserved = point.value;
        line.pending.push_back(Pending {
            stage,
            is_doomed,
            waits: kept,
        });
        self.empties += usize::from(stage == Stage::Empty);
        Ok(point)
    }

    /// A planned launch was committed, or dropped: then it is [`Stage::Empty`].
    pub(crate) fn decide(&mut self, point: TimePoint, stage: Stage) {
        let line = &mut self.lines[point.timeline.index()];
        let place = point.value.checked_sub(line.reached + 1);
        let place = place.and_then(|place| usize::try_from(place).ok());
        // None if its stream ended meanwhile.
        if let Some(launch) = place.and_then(|place| line.pending.get_mut(place)) {
            launch.stage = stage;
            self.empties += usize::from(stage == Stage::Empty);
        }
        self.settle();
    }

    /// Says that `point` was reached, at `now_ns`.
    ///
    /// # Errors
    /// [`AdvanceError`]; nothing was changed, but duplicates are counted.
    pub(crate) fn advance(&mut self, point: TimePoint, now_ns: u64) -> Result<(), AdvanceError> {
        self.check_advance(point).inspect_err(|error| {
            self.duplicates += u64::from(matches!(error, AdvanceError::Duplicate { .. }));
        })?;
        self.now_ns = self.now_ns.max(now_ns);
        let index = point.timeline.index();
        if self.lines[index].is_foreign {
            let line = &mut self.lines[index];
            (line.reached, line.progressed_ns) = (point.value, now_ns);
        } else {
            self.pop(index);
        }
        self.settle();
        Ok(())
    }

    fn check_advance(&mut self, point: TimePoint) -> Result<(), AdvanceError> {
        let TimePoint { timeline, value } = point;
        let line = self.line(timeline).ok_or(AdvanceError::Unknown(timeline))?;
        let (name, reached) = (|| line.name.clone(), line.reached);
        if value <= reached {
            return Err(AdvanceError::Duplicate {
                name: name(),
                value,
                reached,
            });
        }
        if line.poison.is_some() {
            return Err(AdvanceError::Poisoned {
                name: name(),
                chain: self.chain(point),
            });
        }
        if line.is_foreign {
            // Nobody who waits may take the word for one that is behind him.
            return match line.awaited > reached && value - reached > MOST_AWAY {
                false => Ok(()),
                true => Err(AdvanceError::TooFar {
                    name: name(),
                    value,
                    reached,
                }),
            };
        }
        if value > reached + 1 {
            return Err(AdvanceError::OutOfOrder {
                name: name(),
                value,
                reached,
            });
        }
        let launch = line.pending.front();
        let Some(launch) = launch.filter(|launch| launch.stage == Stage::Submitted) else {
            return Err(AdvanceError::NotCommitted {
                name: name(),
                value,
            });
        };
        match self.unmet(&launch.waits).next() {
            None => Ok(()),
            Some(wait) => Err(AdvanceError::TooEarly {
                name: name(),
                value,
                on: wait.point,
            }),
        }
    }

    /// Those of `waits` whose points are not reached.
    pub(super) fn unmet<'w>(&self, waits: &'w [Wait]) -> impl Iterator<Item = &'w Wait> {
        waits
            .iter()
            .filter(|wait| self.fate(wait.point) != Fate::Completed)
    }

    /// The first of `waits` whose point will not be reached.
    fn lost_wait(&self, waits: &[Wait]) -> Option<TimePoint> {
        let mut points = waits.iter().map(|wait| wait.point);
        points.find(|&point| self.fate(point) == Fate::Failed)
    }

    /// The first launch of a stream has finished.
    fn pop(&mut self, index: usize) {
        let line = &mut self.lines[index];
        line.reached += 1;
        line.progressed_ns = self.now_ns;
        let done = line.pending.pop_front();
        self.recycle(done);
    }

    pub(super) fn recycle(&mut self, launch: Option<Pending>) {
        if let Some(Pending {
            stage,
            is_doomed,
            mut waits,
        }) = launch
        {
            self.empties -= usize::from(stage == Stage::Empty);
            self.doomed -= usize::from(is_doomed);
            waits.clear();
            self.spare.push(waits);
        }
    }

    /// Ends every stream whose next launch waits past its deadline.
    pub(crate) fn expire(&mut self, now_ns: u64) {
        self.now_ns = self.now_ns.max(now_ns);
        for index in 0..self.lines.len() {
            let Some(front) = self.lines[index].pending.front() else {
                continue;
            };
            let is_late = |wait: &&Wait| wait.deadline_ns.is_some_and(|at| at <= now_ns);
            let late = self.unmet(&front.waits).find(is_late);
            if let Some(&Wait { point, deadline_ns }) = late {
                let cause = Cause::Missed {
                    on: point,
                    deadline_ns: deadline_ns.unwrap_or(now_ns),
                    now_ns,
                };
                self.end(index, cause);
            }
        }
        self.settle();
    }

    /// Lets empty launches finish and poison travel, until neither moves.
    pub(super) fn settle(&mut self) {
        if self.empties == 0 && self.doomed == 0 {
            return;
        }
        let mut is_moving = true;
        while is_moving {
            is_moving = false;
            for index in 0..self.lines.len() {
                while self.step(index) {
                    is_moving = true;
                }
            }
        }
    }

    /// Looks at the next launch of one stream. Whether the stream moved.
    fn step(&mut self, index: usize) -> bool {
        let Some(front) = self.lines[index].pending.front() else {
            return false;
        };
        if front.is_doomed {
            let line = &self.lines[index];
            let is_next = |lost: &&(u64, String)| lost.0 == line.reached + 1;
            let failed = line.lost.as_ref().filter(is_next);
            let cause = match (failed, self.lost_wait(&front.waits)) {
                (Some((_, cause)), _) => Cause::Failed(cause.clone()),
                (None, Some(point)) => Cause::Waited(point),
                (None, None) => unreachable!("a launch is doomed by itself or by a wait"),
            };
            self.end(index, cause);
            return true;
        }
        let is_done = front.stage == Stage::Empty && self.unmet(&front.waits).next().is_none();
        if is_done {
            self.pop(index);
        }
        is_done
    }
}

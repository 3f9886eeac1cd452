//! What a planner promises, as definitions: every pair of launches and every wait is looked at.
//!
//! Nothing here remembers who wrote last or who has read since; two launches conflict when their
//! uses do, and one is behind the other when a chain of streams and waits says so.

use std::ops::Range;

use finbox_runtime::stream::{TimePoint, TimelineId, Wait};
use finbox_runtime::{Access, BufferId, BufferUse};
use finbox_scheduler::Fate;

/// How far a launch has come, as its owner knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Planned,
    Submitted,
    /// Dropped, or an allocation.
    Empty,
}

#[derive(Debug)]
pub(super) struct Launch {
    pub(super) point: TimePoint,
    /// Merged: no two overlap.
    pub(super) uses: Vec<BufferUse>,
    /// As the planner gave them.
    pub(super) waits: Vec<Wait>,
    pub(super) stage: Stage,
}

#[derive(Debug)]
pub(super) struct Line {
    pub(super) id: TimelineId,
    pub(super) is_foreign: bool,
    pub(super) reserved: u64,
    pub(super) reached: u64,
    pub(super) is_over: bool,
}

#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) lines: Vec<Line>,
    /// In the order planned.
    pub(super) launches: Vec<Launch>,
}

/// Uses of the same bytes become one that covers them all, again and again.
pub(super) fn merged(uses: &[BufferUse]) -> Vec<BufferUse> {
    let mut merged = uses.to_vec();
    let meeting = |merged: &[BufferUse]| {
        let pairs = (0..merged.len()).flat_map(|a| (0..a).map(move |b| (b, a)));
        pairs
            .into_iter()
            .find(|&(b, a)| overlap(&merged[b], &merged[a]))
    };
    while let Some((into, from)) = meeting(&merged) {
        let other = merged.remove(from);
        let one = &mut merged[into];
        let Range { start, end } = other.range;
        one.range = one.range.start.min(start)..one.range.end.max(end);
        if one.access != other.access {
            one.access = Access::InOut;
        }
    }
    merged
}

fn overlap(a: &BufferUse, b: &BufferUse) -> bool {
    a.buffer == b.buffer && a.range.start < b.range.end && b.range.start < a.range.end
}

/// Whether one of the two writes what the other touches.
fn conflict(a: &[BufferUse], b: &[BufferUse]) -> bool {
    let meets = |a: &BufferUse, b: &BufferUse| {
        overlap(a, b) && (a.access != Access::In || b.access != Access::In)
    };
    a.iter().any(|a| b.iter().any(|b| meets(a, b)))
}

impl Model {
    pub(super) fn open(&mut self, id: TimelineId, is_foreign: bool) {
        self.lines.push(Line {
            id,
            is_foreign,
            reserved: 0,
            reached: 0,
            is_over: false,
        });
    }

    pub(super) fn line(&self, id: TimelineId) -> &Line {
        let line = self.lines.iter().find(|line| line.id == id);
        line.expect("it was opened here")
    }

    pub(super) fn line_mut(&mut self, id: TimelineId) -> &mut Line {
        let line = self.lines.iter_mut().find(|line| line.id == id);
        line.expect("it was opened here")
    }

    pub(super) fn fate(&self, point: TimePoint) -> Fate {
        let line = self.line(point.timeline);
        match (line.reached >= point.value, line.is_over) {
            (true, _) => Fate::Completed,
            (false, true) => Fate::Failed,
            (false, false) => Fate::Unfinished,
        }
    }

    pub(super) fn launch(&self, point: TimePoint) -> Option<&Launch> {
        self.launches.iter().find(|launch| launch.point == point)
    }

    fn unmet<'a>(&'a self, waits: &'a [Wait]) -> impl Iterator<Item = &'a Wait> {
        let is_unmet = |wait: &&Wait| self.fate(wait.point) != Fate::Completed;
        waits.iter().filter(is_unmet)
    }

    /// The launch that comes next on a stream.
    pub(super) fn front(&self, line: &Line) -> Option<&Launch> {
        if line.is_foreign {
            return None;
        }
        self.launch(TimePoint::new(line.id, line.reached + 1))
    }

    /// Whether its owner may say that `launch` has finished.
    pub(super) fn may_finish(&self, launch: &Launch) -> bool {
        let line = self.line(launch.point.timeline);
        let is_next = !line.is_over && launch.point.value == line.reached + 1;
        is_next && launch.stage == Stage::Submitted && self.unmet(&launch.waits).count() == 0
    }

    /// Who conflicts with a launch of these uses on `stream` and was not reached.
    pub(super) fn hazards(&self, stream: TimelineId, uses: &[BufferUse]) -> Vec<TimePoint> {
        let conflicting = self.launches.iter().filter(|launch| {
            let is_waited_for =
                launch.point.timeline != stream && self.fate(launch.point) != Fate::Completed;
            is_waited_for && conflict(&launch.uses, uses)
        });
        conflicting.map(|launch| launch.point).collect()
    }

    /// Every point not reached that a launch at `point` with these waits comes behind; its own
    /// and later ones are among them if it would wait for itself.
    fn behind(&self, point: TimePoint, waits: &[Wait]) -> Vec<TimePoint> {
        let own = (1..point.value).map(|value| TimePoint::new(point.timeline, value));
        let mut next: Vec<_> = own.chain(waits.iter().map(|wait| wait.point)).collect();
        let mut found = Vec::new();
        while let Some(point) = next.pop() {
            if self.fate(point) == Fate::Completed || found.contains(&point) {
                continue;
            }
            found.push(point);
            if point.value > 1 && !self.line(point.timeline).is_foreign {
                next.push(TimePoint::new(point.timeline, point.value - 1));
            }
            // One that failed waits for nothing any more.
            let waits = self.launch(point).map(|launch| &launch.waits);
            let waits = waits.filter(|_| self.fate(point) == Fate::Unfinished);
            next.extend(waits.into_iter().flatten().map(|wait| wait.point));
        }
        found
    }

    /// Whether a launch at `point` would wait for itself, in the end.
    pub(super) fn closes_circle(&self, point: TimePoint, waits: &[Wait]) -> bool {
        let is_own = |one: &TimePoint| one.timeline == point.timeline && one.value >= point.value;
        self.behind(point, waits).iter().any(is_own)
    }

    /// Whether a launch at `point` comes behind one that failed: then it never runs.
    pub(super) fn never_runs(&self, point: TimePoint, waits: &[Wait]) -> bool {
        let behind = self.behind(point, waits);
        behind.iter().any(|&one| self.fate(one) == Fate::Failed)
    }

    /// Takes a launch in as it was planned, and checks its waits against everybody before it.
    /// Nothing moves before it is decided upon.
    ///
    /// # Panics
    /// If it could run beside an earlier launch that it conflicts with.
    pub(super) fn plan(&mut self, launch: Launch) {
        let Launch {
            point, uses, waits, ..
        } = &launch;
        let behind = self.behind(*point, waits);
        let never_runs = self.never_runs(*point, waits);
        for earlier in &self.launches {
            let is_over = self.fate(earlier.point) == Fate::Completed;
            let is_ordered = is_over || never_runs || behind.contains(&earlier.point);
            assert!(
                is_ordered || !conflict(&earlier.uses, uses),
                "{point} {uses:?} behind {waits:?} is in no order with {} {:?}",
                earlier.point,
                earlier.uses
            );
        }
        self.line_mut(point.timeline).reserved = point.value;
        self.launches.push(launch);
    }

    /// A planned launch was committed, or dropped.
    pub(super) fn decide(&mut self, point: TimePoint, stage: Stage) {
        let launch = self.launches.iter_mut().find(|one| one.point == point);
        launch.expect("it was planned").stage = stage;
        self.settle();
    }

    /// The launch of `point` has finished, or a foreign timeline has come so far.
    pub(super) fn advance(&mut self, point: TimePoint) {
        self.line_mut(point.timeline).reached = point.value;
        self.settle();
    }

    pub(super) fn poison(&mut self, id: TimelineId) {
        self.line_mut(id).is_over = true;
        self.settle();
    }

    /// Ends every stream whose next launch waits past its deadline.
    pub(super) fn expire(&mut self, now_ns: u64) {
        let is_late = |line: &&Line| {
            let front = self.front(line).filter(|_| !line.is_over);
            let waits = front.map_or(&[][..], |launch| &launch.waits);
            let is_late = |wait: &Wait| wait.deadline_ns.is_some_and(|at| at <= now_ns);
            self.unmet(waits).any(is_late)
        };
        let late = self.lines.iter().filter(is_late).map(|line| line.id);
        for id in late.collect::<Vec<_>>() {
            self.line_mut(id).is_over = true;
        }
        self.settle();
    }

    /// Launches that do nothing finish, and streams that wait for what never comes end.
    fn settle(&mut self) {
        while let Some((id, is_lost)) = self.unsettled() {
            let line = self.line_mut(id);
            line.is_over = is_lost;
            line.reached += u64::from(!is_lost);
        }
    }

    /// A stream whose next launch does nothing and may finish, or never will.
    fn unsettled(&self) -> Option<(TimelineId, bool)> {
        self.lines.iter().find_map(|line| {
            let front = self.front(line).filter(|_| !line.is_over)?;
            let fates = || front.waits.iter().map(|wait| self.fate(wait.point));
            let is_lost = fates().any(|fate| fate == Fate::Failed);
            let is_met = fates().all(|fate| fate == Fate::Completed);
            let moves = is_lost || (front.stage == Stage::Empty && is_met);
            moves.then_some((line.id, is_lost))
        })
    }

    /// Whether somebody who uses `buffer` has neither finished nor failed.
    pub(super) fn is_in_use(&self, buffer: BufferId) -> bool {
        self.launches.iter().any(|launch| {
            let uses = launch.uses.iter().any(|one| one.buffer == buffer);
            uses && self.fate(launch.point) == Fate::Unfinished
        })
    }
}

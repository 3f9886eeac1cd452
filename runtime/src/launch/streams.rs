//! The streams of one launcher: which task each point is.

use std::collections::VecDeque;

use finbox_scheduler::{Fate, SlotId};

use crate::plan::Desk;
use crate::stream::{TimePoint, TimelineId};

/// What there is of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// It was reached.
    Reached,
    /// Its task, which was submitted here.
    Task(SlotId),
    /// No task here: not submitted yet, dropped, or of somebody else.
    Elsewhere,
}

#[derive(Debug)]
struct Stream {
    timeline: TimelineId,
    reached: u64,
    /// The tasks of the points behind `reached`, as far as they were submitted.
    tasks: VecDeque<Option<SlotId>>,
    has_ended: bool,
    /// It has ended, and that none of its launches runs was told.
    rests: bool,
}

impl Stream {
    const fn next(&self) -> TimePoint {
        TimePoint::new(self.timeline, self.reached + 1)
    }

    fn place(&self, value: u64) -> Option<usize> {
        usize::try_from(value.checked_sub(self.reached + 1)?).ok()
    }
}

/// What the first unfinished launch of a stream is found to be.
enum Front {
    /// It moved on.
    Moved,
    /// It failed, or was cancelled, and is not the first to be blamed as long as it waits.
    Failed { task: SlotId, waits: bool },
    /// There is nothing to do.
    Waits,
}

/// All streams of one launcher.
#[derive(Debug, Default)]
pub(super) struct Streams {
    all: Vec<Stream>,
    /// Of each timeline of the planner, which stream it is here.
    index: Vec<Option<u32>>,
}

impl Streams {
    pub(super) fn open(&mut self, timeline: TimelineId) {
        let at = timeline.index();
        self.index.resize(self.index.len().max(at + 1), None);
        self.index[at] = u32::try_from(self.all.len()).ok();
        self.all.push(Stream {
            timeline,
            reached: 0,
            tasks: VecDeque::new(),
            has_ended: false,
            rests: false,
        });
    }

    fn of(&self, timeline: TimelineId) -> Option<usize> {
        let stream = self.index.get(timeline.index()).copied().flatten()?;
        Some(stream as usize)
    }

    pub(super) fn has(&self, timeline: TimelineId) -> bool {
        self.of(timeline).is_some()
    }

    /// Whether the stream was seen to have ended.
    pub(super) fn has_ended(&self, timeline: TimelineId) -> bool {
        let stream = self.of(timeline);
        stream.is_some_and(|stream| self.all[stream].has_ended)
    }

    /// Tells the planner which streams have ended and rest: none of their launches `is_owed`, and
    /// those that were submitted are at rest. Returns how many do now and did not before.
    pub(super) fn rest(
        &mut self,
        desk: &mut Desk,
        is_owed: impl Fn(TimelineId) -> bool,
        is_at_rest: impl Fn(SlotId) -> bool,
    ) -> u32 {
        let mut came = 0;
        for stream in &mut self.all {
            if !stream.has_ended || stream.rests || is_owed(stream.timeline) {
                continue;
            }
            stream.rests = stream.tasks.iter().flatten().all(|&task| is_at_rest(task));
            if stream.rests {
                desk.rests(stream.timeline);
                came += 1;
            }
        }
        came
    }

    pub(super) fn find(&self, point: TimePoint) -> Found {
        let Some(stream) = self.of(point.timeline) else {
            return Found::Elsewhere;
        };
        let stream = &self.all[stream];
        let Some(place) = stream.place(point.value) else {
            return Found::Reached;
        };
        match stream.tasks.get(place).copied().flatten() {
            Some(task) => Found::Task(task),
            None => Found::Elsewhere,
        }
    }

    /// `task` is the launch of `point`, on a stream of this launcher.
    pub(super) fn submitted(&mut self, point: TimePoint, task: SlotId) {
        let Some(stream) = self.of(point.timeline) else {
            return;
        };
        let stream = &mut self.all[stream];
        // None if an empty launch in its place was reached already: then it is one.
        if let Some(place) = stream.place(point.value) {
            let length = stream.tasks.len().max(place + 1);
            stream.tasks.resize(length, None);
            stream.tasks[place] = Some(task);
        }
    }

    /// The last task that was submitted on `timeline` and whose point was not reached.
    pub(super) fn last(&self, timeline: TimelineId) -> Option<SlotId> {
        let stream = &self.all[self.of(timeline)?];
        stream.tasks.iter().rev().copied().flatten().next()
    }

    /// Tells the planner which launches have finished, in the order of their streams. Returns how
    /// many points were reached and streams ended.
    pub(super) fn advance(
        &mut self,
        desk: &mut Desk,
        now_ns: u64,
        fate: impl Fn(SlotId) -> Fate,
        mut cause: impl FnMut(TimePoint, SlotId) -> String,
    ) -> u32 {
        let mut moved = 0;
        loop {
            let before = moved;
            // Whoever failed while it waited for another timeline did so because of that one: it
            // is blamed only when nothing else moves.
            let mut last_to_blame = None;
            for stream in &mut self.all {
                let failed = loop {
                    match front(stream, desk, now_ns, &fate) {
                        Front::Moved => moved += 1,
                        Front::Failed { task, waits } => break Some((stream.next(), task, waits)),
                        Front::Waits => break None,
                    }
                };
                match failed {
                    Some((point, task, true)) => last_to_blame = Some((point, task)),
                    Some((point, task, false)) => {
                        moved += poison(desk, point, &cause(point, task), now_ns);
                    }
                    None => {}
                }
            }
            if let Some((point, task)) = last_to_blame.filter(|_| moved == before) {
                moved += poison(desk, point, &cause(point, task), now_ns);
            }
            if moved == before {
                return moved;
            }
        }
    }
}

/// Ends the stream of `point`. How many ended: none, if it had.
fn poison(desk: &mut Desk, point: TimePoint, cause: &str, now_ns: u64) -> u32 {
    let ended = desk.timelines.poison(point.timeline, cause, now_ns);
    u32::from(ended.is_ok())
}

/// Looks at the first unfinished launch of `stream`.
fn front(
    stream: &mut Stream,
    desk: &mut Desk,
    now_ns: u64,
    fate: &impl Fn(SlotId) -> Fate,
) -> Front {
    if stream.has_ended {
        return Front::Waits;
    }
    let point = stream.next();
    match desk.timelines.fate(point) {
        // A launch that does nothing.
        Fate::Completed => {
            stream.reached = point.value;
            stream.tasks.pop_front();
            return Front::Moved;
        }
        Fate::Failed => {
            stream.has_ended = true;
            return Front::Waits;
        }
        Fate::Unfinished => {}
    }
    let Some(task) = stream.tasks.front().copied().flatten() else {
        return Front::Waits;
    };
    let is_due = desk.timelines.is_due(point);
    match fate(task) {
        Fate::Completed if is_due && desk.timelines.advance(point, now_ns).is_ok() => {
            stream.reached = point.value;
            stream.tasks.pop_front();
            Front::Moved
        }
        Fate::Failed => Front::Failed {
            task,
            waits: !is_due,
        },
        Fate::Completed | Fate::Unfinished => Front::Waits,
    }
}

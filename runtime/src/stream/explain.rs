//! Who a time point is waiting for.

use std::fmt;

use finbox_scheduler::Fate;

use super::error::{AdvanceError, PoisonChain};
use super::point::{TimePoint, Wait};
use super::timelines::{Stage, Timelines};

/// A point that is wanted, and where its timeline is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The timeline's name.
    pub name: String,
    /// The point; its value is what is wanted.
    pub point: TimePoint,
    /// Where the timeline is.
    pub current: u64,
    /// Since when it has not moved, in ns.
    pub age_ns: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, wanted) = (&self.name, self.point.value);
        let (current, age_ns) = (self.current, self.age_ns);
        write!(f, "`{name}` {wanted} (it is at {current}, for {age_ns} ns)")
    }
}

/// What a point's coming hangs on in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Root {
    /// It was reached.
    Reached,
    /// A committed launch all of whose waits are met: it runs, or is about to.
    Running(Place),
    /// A launch that was planned and neither committed nor dropped.
    Uncommitted(Place),
    /// A value that nobody has planned a launch for.
    Unreserved(Place),
    /// Somebody else's timeline.
    Foreign(Place),
    /// A timeline that ended.
    Poisoned(PoisonChain),
}

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reached => f.write_str("it was reached"),
            Self::Running(place) => write!(f, "{place} runs"),
            Self::Uncommitted(place) => write!(f, "{place} is planned and not committed"),
            Self::Unreserved(place) => write!(f, "{place} is planned by nobody yet"),
            Self::Foreign(place) => write!(f, "{place} is told by somebody else"),
            Self::Poisoned(chain) => chain.fmt(f),
        }
    }
}

/// What is known about the coming of a point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The point.
    pub place: Place,
    /// What its launch waits for and has not got. Empty if there is no such launch.
    pub waits: Vec<Place>,
    /// What that hangs on in the end.
    pub root: Root,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place.fmt(f)?;
        for (index, place) in self.waits.iter().enumerate() {
            let word = if index == 0 { " waits for " } else { " and " };
            write!(f, "{word}{place}")?;
        }
        write!(f, "; in the end: {}", self.root)
    }
}

impl Timelines {
    /// Who `point` is waiting for, at `now_ns`.
    ///
    /// # Errors
    /// [`AdvanceError::Unknown`].
    pub(crate) fn explain(
        &self,
        point: TimePoint,
        now_ns: u64,
    ) -> Result<Explanation, AdvanceError> {
        let timeline = point.timeline;
        let line = self.line(timeline).ok_or(AdvanceError::Unknown(timeline))?;
        let launch = line.launch(point.value);
        let waits = launch.map_or(&[][..], |launch| &launch.waits);
        let unmet = self.unmet(waits);
        Ok(Explanation {
            place: self.place(point, now_ns),
            waits: unmet.map(|wait| self.place(wait.point, now_ns)).collect(),
            root: self.root(point, now_ns),
        })
    }

    fn place(&self, point: TimePoint, now_ns: u64) -> Place {
        let line = &self.lines[point.timeline.index()];
        Place {
            name: line.name.clone(),
            point,
            current: line.reached,
            age_ns: now_ns.saturating_sub(line.progressed_ns),
        }
    }

    /// Follows the first unmet wait of the next launch of each timeline. That comes to an end: a
    /// launch that would close a circle of waits was never given a point.
    fn root(&self, mut wanted: TimePoint, now_ns: u64) -> Root {
        loop {
            match self.fate(wanted) {
                Fate::Completed => return Root::Reached,
                Fate::Failed => return Root::Poisoned(self.chain(wanted)),
                Fate::Unfinished => {}
            }
            let line = &self.lines[wanted.timeline.index()];
            if line.is_foreign {
                return Root::Foreign(self.place(wanted, now_ns));
            }
            let front = TimePoint::new(wanted.timeline, line.reached + 1);
            let Some(launch) = line.pending.front() else {
                return Root::Unreserved(self.place(wanted, now_ns));
            };
            let next = self.unmet(&launch.waits).next();
            match (next, launch.stage) {
                (Some(&Wait { point, .. }), _) => wanted = point,
                (None, Stage::Planned) => return Root::Uncommitted(self.place(front, now_ns)),
                (None, _) => return Root::Running(self.place(front, now_ns)),
            }
        }
    }
}

//! Points on timelines, and waits for them.

use std::fmt;

/// A timeline of one planner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimelineId(pub(crate) u32);

impl TimelineId {
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A value on a timeline: known when work is planned, reached when it has finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimePoint {
    /// Which timeline.
    pub timeline: TimelineId,
    /// Its value, from 1; every timeline begins at 0.
    pub value: u64,
}

impl TimePoint {
    /// The point of `timeline` with this value, which need not be reserved yet.
    pub const fn new(timeline: TimelineId, value: u64) -> Self {
        Self { timeline, value }
    }
}

impl fmt::Display for TimePoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "timeline {} value {}", self.timeline.0, self.value)
    }
}

/// How far away a point may be that is waited for, in values: words of timelines have 32 bits, and
/// what is ahead is told from what is behind by half of them.
pub(crate) const MOST_AWAY: u64 = (1 << 31) - 1;

/// A wait for a time point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// What for: a value less than 2³¹ behind where its timeline is when the wait is planned.
    pub point: TimePoint,
    /// When to give up, on the clock that the planner is told. A foreign timeline's must have one.
    pub deadline_ns: Option<u64>,
}

impl Wait {
    /// Waits as long as it takes.
    pub const fn forever(point: TimePoint) -> Self {
        let deadline_ns = None;
        Self { point, deadline_ns }
    }

    /// Waits until `deadline_ns` at most.
    pub const fn until(point: TimePoint, deadline_ns: u64) -> Self {
        let deadline_ns = Some(deadline_ns);
        Self { point, deadline_ns }
    }
}

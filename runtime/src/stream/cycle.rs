//! Circles of explicit waits, found before they close.
//!
//! A wait for a value that is reserved points to an earlier plan, so such waits form no circle.
//! One can close only when a launch takes a value that somebody waits for already: only then this
//! looks. Its memory serves again.

use super::error::Circle;
use super::point::{TimePoint, Wait};
use super::timelines::Timeline;

/// A launch that was come by, and from which one.
#[derive(Debug)]
struct Step {
    launch: TimePoint,
    from: Option<usize>,
}

/// Memory of the search.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// Of each timeline, up to which value its launches were looked at.
    seen: Vec<u64>,
    steps: Vec<Step>,
}

impl Search {
    /// The circle that `waits` of a launch would close, which would be `point`.
    pub(super) fn circle(
        &mut self,
        lines: &[Timeline],
        point: TimePoint,
        waits: &[Wait],
    ) -> Option<Circle> {
        let is_own = |wait: &Wait| wait.point.timeline == point.timeline;
        let is_future = |wait: &Wait| is_own(wait) && wait.point.value >= point.value;
        if lines[point.timeline.index()].awaited < point.value && !waits.iter().any(is_future) {
            return None;
        }
        self.seen.clear();
        self.seen.extend(lines.iter().map(|line| line.reached));
        self.steps.clear();
        let start = Step {
            launch: point,
            from: None,
        };
        self.steps.push(start);
        let mut next = 0;
        while let Some(&Step { launch, .. }) = self.steps.get(next) {
            let pending = lines[launch.timeline.index()].launch(launch.value);
            let own = if next == 0 {
                waits
            } else {
                pending.map_or(&[][..], |launch| &launch.waits)
            };
            for wait in own {
                if is_future(wait) {
                    return Some(self.members(lines, next));
                }
                self.reach(lines, wait.point, next);
            }
            next += 1;
        }
        None
    }

    /// All launches that are in front of `point`, or are it, and were not looked at.
    fn reach(&mut self, lines: &[Timeline], point: TimePoint, from: usize) {
        let index = point.timeline.index();
        let last = point.value.min(lines[index].reserved);
        for value in self.seen[index] + 1..=last {
            let launch = TimePoint::new(point.timeline, value);
            let from = Some(from);
            self.steps.push(Step { launch, from });
        }
        self.seen[index] = self.seen[index].max(last);
    }

    fn members(&self, lines: &[Timeline], last: usize) -> Circle {
        let (mut members, mut next) = (Vec::new(), Some(last));
        while let Some(place) = next {
            let Step { launch, from } = self.steps[place];
            let name = lines[launch.timeline.index()].name.clone();
            members.push((name, launch));
            next = from;
        }
        members.reverse();
        Circle(members)
    }
}

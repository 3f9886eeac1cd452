//! How timelines end: at once, or when they come to a launch that is lost; and why.

use super::error::{AdvanceError, Cause, Poison, PoisonChain};
use super::point::{TimePoint, TimelineId, Wait};
use super::timelines::Timelines;

impl Timelines {
    /// Ends a timeline: nothing of it is reached any more, nor what waits for it.
    ///
    /// # Errors
    /// [`AdvanceError`] if it has ended, or was never opened.
    pub(crate) fn poison(
        &mut self,
        timeline: TimelineId,
        cause: &str,
        now_ns: u64,
    ) -> Result<(), AdvanceError> {
        let line = self.line(timeline).ok_or(AdvanceError::Unknown(timeline))?;
        if line.poison.is_some() {
            return Err(AdvanceError::Poisoned {
                name: line.name.clone(),
                chain: self.chain(line.next(timeline)),
            });
        }
        self.now_ns = self.now_ns.max(now_ns);
        self.end(timeline.index(), Cause::Failed(cause.to_owned()));
        self.settle();
        Ok(())
    }

    /// The launch of `point` will never be a task: its stream ends because of `cause` when it comes
    /// to it. Launches in front of it go on. No effect if the stream has ended.
    pub(crate) fn lose(&mut self, point: TimePoint, cause: &str, now_ns: u64) {
        self.now_ns = self.now_ns.max(now_ns);
        let line = &mut self.lines[point.timeline.index()];
        let place = point.value.checked_sub(line.reached + 1);
        let place = place.and_then(|place| usize::try_from(place).ok());
        let Some(launch) = place.and_then(|place| line.pending.get_mut(place)) else {
            return;
        };
        self.doomed += usize::from(!std::mem::replace(&mut launch.is_doomed, true));
        if line.lost.as_ref().is_none_or(|first| point.value < first.0) {
            line.lost = Some((point.value, cause.to_owned()));
        }
        self.settle();
    }

    pub(super) fn end(&mut self, index: usize, cause: Cause) {
        let line = &mut self.lines[index];
        (line.poison, line.progressed_ns) = (Some(cause), self.now_ns);
        self.poisoned += 1;
        while let Some(launch) = self.lines[index].pending.pop_front() {
            self.recycle(Some(launch));
        }
        self.doom(index);
    }

    /// Marks the launches that wait for more of a timeline that has ended.
    fn doom(&mut self, ended: usize) {
        let reached = self.lines[ended].reached;
        let is_lost = |wait: &Wait| {
            let TimePoint { timeline, value } = wait.point;
            timeline.index() == ended && value > reached
        };
        for launch in self.lines.iter_mut().flat_map(|line| &mut line.pending) {
            if !launch.is_doomed && launch.waits.iter().any(is_lost) {
                launch.is_doomed = true;
                self.doomed += 1;
            }
        }
    }

    /// Why `point` is not reached: its timeline's end, and what that came from.
    pub(crate) fn chain(&self, point: TimePoint) -> PoisonChain {
        let (mut links, mut next) = (Vec::new(), Some(point.timeline));
        while let Some(timeline) = next.take() {
            let line = &self.lines[timeline.index()];
            let Some(cause) = line.poison.clone() else {
                break;
            };
            // A timeline ends behind the one it waited for, so this comes to an end.
            next = match cause {
                Cause::Waited(on) => Some(on.timeline),
                Cause::Failed(_) | Cause::Missed { .. } => None,
            };
            links.push(Poison {
                point: line.next(timeline),
                name: line.name.clone(),
                cause,
            });
        }
        PoisonChain(links)
    }
}

//! What plans have to say when a run is over: uses that nothing orders, and who each point that did
//! not come is waiting for.
//!
//! Guarantees: looks at the planner as it is, and moves nothing. Called when a run is summed up.

use finbox_runtime::plan::GapKind;
use finbox_runtime::stream::{self, Explanation, Root, TimePoint};
use finbox_scheduler::{Fate, FaultCode};

use super::failures::label as label_of;
use super::launches::Planning;
use crate::report::{ExplainReport, FailureReport, GapReport, WantedReport};
use crate::workload::{TaskRef, Workload};

/// What plans have to say when a run is over.
#[derive(Debug, Default)]
pub(super) struct Planned {
    /// Uses that nothing orders.
    pub(super) untracked: Vec<GapReport>,
    /// Who each launch whose point was not reached is waiting for.
    pub(super) explain: Vec<ExplainReport>,
    /// The gates that wait for what never comes, and why it does not.
    lost: Vec<(TaskRef, String)>,
}

impl Planned {
    /// The failures, saying of each gate why its timeline ended.
    pub(super) fn explaining(
        &self,
        workload: &Workload,
        mut failures: FailureReport,
    ) -> FailureReport {
        let code = u32::from(FaultCode::TimelineEnded.number());
        for failure in &mut failures.list {
            let is_its = |gate: &TaskRef| {
                let rank = label_of(workload, gate.rank);
                rank == failure.rank && failure.task == Some(gate.task.into())
            };
            let mut lost = self.lost.iter().filter(|_| failure.code == Some(code));
            let found = lost.find(|(gate, _)| is_its(gate));
            failure.because = found.map(|(_, why)| why.clone());
        }
        failures
    }
}

impl Planning<'_> {
    /// What there is to say at `now_ns`, when streams were looked at for the last time.
    pub(super) fn planned(&self, now_ns: u64) -> Planned {
        if !self.workload.has_streams() {
            return Planned::default();
        }
        let (mut explain, mut reached) = (Vec::new(), 0);
        for at in &self.workload.order {
            let Some(point) = self.point_of(*at) else {
                continue;
            };
            if self.planner.fate(point) == Ok(Fate::Completed) {
                reached += 1;
            } else if let Ok(found) = self.planner.explain(point, now_ns) {
                explain.push(self.explained(*at, &found));
            }
        }
        tracing::debug!(target: "finbox", "{reached} points were reached");
        let untracked = self.planner.gaps().into_iter().map(|gap| {
            let (what, kind) = match gap.kind {
                GapKind::Untracked => ("its device does not track uses", "untracked"),
                GapKind::External { .. } => ("nobody declared it", "external"),
            };
            let mut ranks = (0..).zip(&self.timelines);
            let rank = ranks.find(|(_, streams)| streams.contains(&gap.timeline));
            let (rank, _) = rank.expect("every launch is on a stream of a rank");
            let (launch, argument, label) = (gap.launch, gap.argument, gap.label);
            GapReport {
                kind: kind.to_owned(),
                rank: label_of(self.workload, rank),
                message: format!(
                    "launch {launch}, argument {argument} `{label}`: {what}, so that nothing \
                     orders it; {} times",
                    gap.count
                ),
            }
        });
        Planned {
            untracked: untracked.collect(),
            explain,
            lost: self.lost(now_ns),
        }
    }

    /// The gates in front of launches that wait for a point which never comes.
    fn lost(&self, now_ns: u64) -> Vec<(TaskRef, String)> {
        let mut lost = Vec::new();
        for &TaskRef { rank, task } in &self.workload.order {
            for wait in &self.workload.task(TaskRef { rank, task }).waits {
                let Some(gate) = wait.gate else { continue };
                let timeline = self.timelines[wait.rank as usize][wait.stream as usize];
                let point = TimePoint::new(timeline, wait.value);
                let found = self.planner.explain(point, now_ns);
                if let Ok(Root::Poisoned(chain)) = found.map(|found| found.root) {
                    lost.push((TaskRef { rank, task: gate }, chain.to_string()));
                }
            }
        }
        lost
    }

    fn point_of(&self, at: TaskRef) -> Option<TimePoint> {
        let stream = self.workload.task(at).stream?;
        let value = self.points.value(at, stream)?;
        let timeline = self.timelines[at.rank as usize][stream as usize];
        Some(TimePoint::new(timeline, value))
    }

    fn explained(&self, at: TaskRef, found: &Explanation) -> ExplainReport {
        let wanted = |place: &stream::Place| WantedReport {
            what: place.name.clone(),
            wanted: place.point.value,
            current: place.current,
            age_ns: place.age_ns,
        };
        let task = |point| {
            let at = self.task_of(point);
            at.map_or_else(String::new, |at| {
                format!(", task {}", self.workload.task(at).name)
            })
        };
        let root = match &found.root {
            Root::Reached => "reached".to_owned(),
            Root::Running(place) => format!("running{}", task(place.point)),
            Root::Uncommitted(place) => format!("uncommitted{}", task(place.point)),
            Root::Unreserved(place) => format!("unreserved{}", task(place.point)),
            Root::Foreign(place) => format!("foreign, {}", place.name),
            Root::Poisoned(_) => "poisoned".to_owned(),
        };
        ExplainReport {
            rank: label_of(self.workload, at.rank),
            task: at.task.into(),
            name: self.workload.task(at).name.to_string(),
            point: Some(wanted(&found.place)),
            waits: found.waits.iter().map(wanted).collect(),
            message: format!("{found} ({root})"),
            root,
        }
    }
}

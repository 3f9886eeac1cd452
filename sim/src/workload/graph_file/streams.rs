//! Streams of a graph file: launches, what they wait for, and lives of buffers.
//!
//! Guarantees: what is written is read as it was, gates included; a wait that needs a gate and has
//! none is given one when the graph is read. Called by `read` and `write`.

use serde::{Deserialize, Serialize};

use super::model::{RankFile, TaskFile, is_default};
use super::problem::GraphProblem;
use super::read::All as Read;
use super::scalar::NameOr;
use super::write::All as Written;
use crate::workload::plan::{RankPlan, TaskPlan};
use crate::workload::{External, PointWait, StreamPlan};

/// A stream.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StreamFile {
    pub(super) name: Box<str>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) untracked: bool,
}

/// A wait for a launch: the rank's number, the stream, and which of its launches, from 1.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WaitFile {
    pub(super) rank: u32,
    pub(super) stream: NameOr,
    pub(super) value: u64,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) budget_ns: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) gate: Option<NameOr>,
}

/// An argument that nobody declared.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExternalFile {
    pub(super) label: Box<str>,
    pub(super) at: NameOr,
}

/// The streams of a rank.
pub(super) fn streams(file: &RankFile) -> Vec<StreamPlan> {
    let plan = |stream: &StreamFile| StreamPlan {
        name: stream.name.clone(),
        tracks: !stream.untracked,
    };
    file.streams.iter().map(plan).collect()
}

impl Read<'_> {
    /// What `file` says of its stream, into `task`.
    pub(super) fn launched(
        &self,
        file: &TaskFile,
        task: &mut TaskPlan,
    ) -> Result<(), GraphProblem> {
        let own = self.own();
        let stream = file.stream.as_ref().map(|stream| own.stream(stream));
        task.stream = stream.transpose()?;
        for wait in &file.waits {
            let (rank, names) = self.peer(wait.rank)?;
            let gate = wait.gate.as_ref().map(|gate| own.task(gate)).transpose()?;
            task.waits.push(PointWait {
                budget_ns: wait.budget_ns,
                gate,
                ..PointWait::new(rank, names.stream(&wait.stream)?, wait.value)
            });
        }
        for freed in &file.frees {
            task.frees.push(own.buffer(freed)?);
        }
        for external in &file.externals {
            task.externals.push(External {
                label: external.label.clone(),
                at: own.place(&external.at)?,
            });
        }
        Ok(())
    }

    /// Lets buffers take the memory of others, as `file` says. Where not: which buffer it is.
    pub(super) fn takes(
        &self,
        file: &RankFile,
        plan: &mut RankPlan,
    ) -> Result<(), (usize, GraphProblem)> {
        for (nth, buffer) in file.buffers.iter().enumerate() {
            if let Some(before) = &buffer.takes {
                let before = self.own().buffer(before);
                plan.buffers[nth].takes = Some(before.map_err(|problem| (nth, problem))?);
            }
        }
        Ok(())
    }
}

/// The streams of a rank, as they are written.
pub(super) fn stream_files(plan: &RankPlan) -> Vec<StreamFile> {
    let file = |stream: &StreamPlan| StreamFile {
        name: stream.name.clone(),
        untracked: !stream.tracks,
    };
    plan.streams.iter().map(file).collect()
}

impl Written<'_> {
    /// What there is to say of a task's stream, into `file`.
    pub(super) fn launch(&self, own: u32, task: &TaskPlan, file: &mut TaskFile) {
        let names = &self.names[own as usize];
        file.stream = task.stream.map(|stream| names.stream_called(stream));
        let wait = |wait: &PointWait| {
            let (rank, peer) = self.peer(wait.rank);
            WaitFile {
                rank,
                stream: peer.stream_called(wait.stream),
                value: wait.value,
                budget_ns: wait.budget_ns,
                gate: wait.gate.map(|gate| names.task_called(gate)),
            }
        };
        file.waits = task.waits.iter().map(wait).collect();
        let frees = task.frees.iter();
        file.frees = frees.map(|&freed| names.buffer_called(freed)).collect();
        let external = |external: &External| ExternalFile {
            label: external.label.clone(),
            at: names.place_called(external.at),
        };
        file.externals = task.externals.iter().map(external).collect();
    }
}

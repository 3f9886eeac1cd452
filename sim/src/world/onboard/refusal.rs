//! Why a machine cannot run a workload, before it does or while it is set up.

use std::fmt;

use finbox_abi::finbox_op_kind;
use finbox_runtime::MachineError;
use thiserror::Error;

use crate::engine::Lane;

/// A task, as people know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskName {
    /// The rank's label.
    pub rank: u32,
    /// The task's name.
    pub task: String,
}

impl fmt::Display for TaskName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rank {}, task {}", self.rank, self.task)
    }
}

/// A kind of operation that a device lacks, and who needs it first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LackedOperation {
    /// Which.
    pub kind: finbox_op_kind,
    /// Who needs it.
    pub first: TaskName,
}

/// Why a machine does not run a workload.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DeviceRefusal {
    /// Operations that its cores cannot do.
    #[error("the device lacks {}", listed(.0))]
    Operations(Vec<LackedOperation>),
    /// Engines that the contract with devices does not know.
    #[error("{first} uses {lane}, and devices have counters and DMA queues only")]
    Lane {
        /// The queue.
        lane: Lane,
        /// Who uses it.
        first: TaskName,
    },
    /// An operation that the contract with devices does not know.
    #[error("{first} looks for patterns in bytes, and devices have no operation for that")]
    Scan {
        /// Who does.
        first: TaskName,
    },
    /// Persistent workers, which the contract with devices does not know.
    #[error("{first} serves a work ring, and devices have no persistent workers")]
    Workers {
        /// Who does.
        first: TaskName,
    },
    /// Sorts and joins, which the contract with devices does not know.
    #[error("{first} sorts or joins, which kernels of devices cannot be told to")]
    Simulated {
        /// Who.
        first: TaskName,
    },
    /// Operations of engines that are to fail.
    #[error("the workload wants operations of engines to fail, which no device can be told")]
    EngineFaults,
    /// It has less than the workload needs.
    #[error("the workload needs {needed} {what}, and the device has {has}")]
    Few {
        /// Of what.
        what: &'static str,
        /// How many are needed.
        needed: u64,
        /// How many there are.
        has: u64,
    },
    /// The machine refused something.
    #[error("the device refused {what}: {error}")]
    Refused {
        /// What.
        what: String,
        /// In its words.
        error: MachineError,
    },
}

fn listed(lacked: &[LackedOperation]) -> String {
    let one = |one: &LackedOperation| format!("{} (for {})", one.kind.name(), one.first);
    let all: Vec<String> = lacked.iter().map(one).collect();
    let plural = if all.len() == 1 { "" } else { "s" };
    format!("the operation{plural} {}", all.join(", "))
}

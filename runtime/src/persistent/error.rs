//! Why there are no persistent workers.

use thiserror::Error;

/// What a scheduler or its machine lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum Unable {
    /// No work ring: its configuration has no work slots.
    #[error("the scheduler was made without a work ring; give it work slots and workers")]
    NoWorkRing,
    /// No worker line.
    #[error("the work ring has no line for a worker; give it workers")]
    NoWorkerLine,
    /// Workers are recovered by name, so each needs its own.
    #[error(
        "a worker of this name is in the group, or left an item: take that back, or choose another"
    )]
    NameTaken,
    /// The machine has no core to run a worker.
    #[error("no core of this machine can run a worker")]
    NoCore,
    /// The device library does not say that its cores can poll a work ring.
    #[error("this device does not say that its cores can poll a work ring")]
    Device,
}

/// Workers were demanded, and cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("persistent workers are demanded, and cannot be had: {why}; do not demand them")]
pub struct PolicyError {
    /// What is missing.
    pub why: Unable,
}

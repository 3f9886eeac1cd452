//! Tasks as data: what every rank has, submits and computes, down to the bytes.
//!
//! A [`Workload`] comes from a demo or from a file; a world builds its devices
//! ([`Workload::make_devices`]), submits its tasks in [`Workload::order`], runs each task's
//! program when its core finishes it ([`Programs`]), and at the end asks whether memory holds
//! what it must ([`Workload::verify`]).
//!
//! | file | concept |
//! | --- | --- |
//! | `chakra`, `lower` | traces from files, and the tasks they become |
//! | `wfcommons` | workflows from files, and the tasks they become |
//! | `graph_file` | any workload as a file of finbox's own |
//! | `plan`, `list` | ranks, buffers, tasks, and their lists |
//! | `op` | what a kernel does, and in which part of a task |
//! | `check`, `check_op`, `plan_error` | a plan names only what exists |
//! | `parents` | an order behind what comes first, or a cycle |
//! | `program` | running one task's operations on a device |
//! | `kernels` | programs as what cores run |
//! | `stream` | launches on streams, and the gates in front of them |
//! | `rules` | byte patterns, and where they stand in bytes |
//! | `service`, `workers` | what persistent workers serve, and a core that is one |
//! | `verify`, `golden`, `pattern` | what memory must hold, and the digest of what it holds |
//! | `random` | workloads from a seed, with tiny limits |

pub mod chakra;
mod check;
mod check_op;
mod golden;
pub mod graph_file;
mod kernels;
mod list;
pub mod lower;
mod op;
mod parents;
mod pattern;
mod plan;
mod plan_error;
mod program;
mod random;
mod rules;
mod service;
mod stream;
mod verify;
pub mod wfcommons;
mod workers;

pub use finbox_runtime::Access;
pub use finbox_scheduler::{Comparison, Priority, Shape, Subtasks};

pub use self::golden::Golden;
pub use self::kernels::{Issued, Programs};
pub use self::list::{After, Common, Seldom};
pub use self::op::{EngineTime, Op, Part};
pub use self::pattern::{mix, pattern, pattern_seed};
pub use self::plan::{
    BufferPlan, BufferUse, Init, MOST_TASK_NS, MOST_TIMED_BYTES, PredicatePlan, RankPlan, Span,
    TaskPlan, TaskRef, Workload,
};
pub use self::plan_error::{Place, PlanError};
pub use self::program::{Ran, Reach, Running, engine_work, run};
pub use self::random::{Limits, random};
pub use self::rules::{MOST_PATTERN_BYTES, MOST_PATTERNS, RuleError, RuleSet, Scanned};
pub use self::service::Service;
pub use self::stream::{External, PointWait, Points, StreamPlan, awaited};
pub use self::verify::{Check, Expect, Unmet, Verified, Wrong, fnv1a};
pub use self::workers::{Note, Noted, Workers};

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
//! | `plan` | ranks, buffers, tasks, operations |
//! | `check`, `plan_error` | a plan names only what exists |
//! | `program` | running one task's operations on a device |
//! | `kernels` | programs as what cores run |
//! | `verify`, `pattern` | what memory must hold, and the digest of what it holds |

pub mod chakra;
mod check;
mod kernels;
pub mod lower;
mod pattern;
mod plan;
mod plan_error;
mod program;
mod verify;

pub use finbox_runtime::Access;
pub use finbox_scheduler::Shape;

pub use self::kernels::{Issued, Programs};
pub use self::pattern::{mix, pattern, pattern_seed};
pub use self::plan::{
    BufferPlan, BufferUse, EngineTime, Init, Op, RankPlan, Span, TaskPlan, TaskRef, Workload,
};
pub use self::plan_error::{Place, PlanError};
pub use self::program::{Ran, run};
pub use self::verify::{Check, Expect, Unmet, Verified, Wrong, fnv1a};

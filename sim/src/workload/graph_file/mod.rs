//! finbox's own graph files: any workload, as JSON that people can read and write.
//!
//! A file has ranks; a rank has named buffers and counters, values to begin with, and tasks with
//! what they use, what they come after and what their kernels do. Whatever refers to something
//! names it, or gives its number where names are not unique. `schema.json` beside this file is
//! the format as a JSON Schema.
//!
//! Guarantees: [`write()`] and [`read`] are inverse: the workload that is read runs with the same
//! digests as the one that was written. Refuses, with line and column, whatever is not in the
//! schema or names what does not exist; it panics on no input, and its memory is a small multiple
//! of the file. A rank's data is only declared: a run allocates it. Called by the app.
//!
//! | file | concept |
//! | --- | --- |
//! | `model`, `op`, `scalar` | the fields as they are written |
//! | `names` | names ↔ numbers |
//! | `read`, `read_op` | file → workload |
//! | `write`, `write_op` | workload → file |
//! | `problem` | what may be wrong |

mod model;
mod names;
mod op;
mod problem;
mod read;
mod read_op;
mod scalar;
#[cfg(test)]
mod schema_tests;
mod streams;
#[cfg(test)]
mod tests;
mod write;
mod write_op;

use super::plan::Workload;
use super::random::Limits;

pub use self::read::read;
pub use self::write::write;

/// The name and version of the format.
pub const SCHEMA: &str = "finbox.graph/1";

/// A workload, and the limits it brings along.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    /// The workload; it has passed [`Workload::check`].
    pub workload: Workload,
    /// What its ranks may use at once, where the file says.
    pub limits: Option<Limits>,
}

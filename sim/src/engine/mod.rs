//! What moves bytes after a kernel ended, and how it says that it has.
//!
//! Two kinds. A core puts into a peer's window and notifies its counter: an [`Effect`]. And a rank
//! has [`Engines`]: devices with bounded queues that move one transfer after another, at the
//! latency and the bandwidth of the cost model, and write what they completed where the control
//! CPU looks for it:
//!
//! | engine | queues | says that it is done by | and that it failed by |
//! | --- | --- | --- | --- |
//! | SDMA | streams | the completed post in an event record | the record's failures |
//! | URMA (a5) | completion queues with credits | an entry of its queue | the entry's status |
//! | RoCE, CCU | one each | adding 1 to a counter | nothing: the counter stays behind |
//!
//! Guarantees: the bytes of a transfer are there before anything says so; a full queue delays what
//! is posted and drops nothing; which operations fail is said beforehand ([`EngineFault`]).
//!
//! | file | concept |
//! | --- | --- |
//! | `notify` | puts and notifies of cores |
//! | `lane` | which queue, and what is moved |
//! | `serial` | one transfer after another, and what waits for room |
//! | `note` | what they do, told one by one |
//! | `sdma`, `urma` | event records and completion queues, as the device writes them |
//! | `engines` | all engines of a rank |

mod engines;
mod lane;
mod note;
mod notify;
mod sdma;
mod serial;
#[cfg(test)]
mod tests;
mod urma;

pub use self::engines::{EngineFault, Engines, Lateness, Posted};
pub use self::lane::{Direction, Lane, Transfer};
pub use self::note::{EngineNote, What};
pub use self::notify::{Effect, EffectKind};
pub use self::sdma::EventRecord;
pub use self::urma::{CompletionQueue, QUEUE_ENTRY_BYTES, QUEUE_HEADER_BYTES};

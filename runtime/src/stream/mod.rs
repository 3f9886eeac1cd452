//! Timelines: what is planned has a time point, before it is launched, and is reached in order.
//!
//! A stream is a timeline whose launches take its values one behind the other; a foreign timeline
//! is moved by somebody else, in steps of any size. A wait may name a value that is not reached,
//! or that nobody has planned a launch for; it may be less than 2³¹ values away.
//!
//! Guarantees: a stream is reached one value behind the other, and none before the waits of its
//! launch are met. What ends a timeline travels to those that wait for it, when their turn comes,
//! with its cause; others go on. A circle of waits is refused when the launch that would close it
//! is planned. [`Explanation`] follows whom a point waits for to the one that it hangs on.
//!
//! Refuses: a wait for a foreign timeline without a deadline; to read a clock: time is told.
//!
//! Called by [`Planner`](crate::plan::Planner), under its lock.

mod cycle;
mod ends;
mod error;
mod explain;
mod point;
mod timelines;

pub use error::{AdvanceError, Cause, Circle, Poison, PoisonChain, ReserveError};
pub use explain::{Explanation, Place, Root};
pub use point::{TimePoint, TimelineId, Wait};
pub(crate) use timelines::{Stage, Timelines};

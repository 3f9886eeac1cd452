//! The scheduler: its words one by one, and its routes through a model of the machine.
#![expect(
    clippy::unwrap_used,
    reason = "in a test, helpers included, a panic is a failure"
)]

mod fixture;

mod cores;
mod crowd;
mod faults;
mod hostile;
mod pipeline;
mod retire;
mod room;
mod routes;
mod submission;
mod threads;
mod words;

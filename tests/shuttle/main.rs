//! Shuttle models: whole passes on 8 to 10 threads. See tests/shuttle/README.md for how to run
//! them.
#![cfg(all(shuttle, not(loom)))]
#![expect(
    clippy::unwrap_used,
    reason = "in a test, helpers included, a panic is a failure"
)]

mod bounded;
mod cancel;
mod crew;
mod cross;
mod explore;
mod faults;
mod mailbox;
mod passes;
mod plans;
mod planted;
mod schedule;
mod shutdown;
mod work;
mod workers;

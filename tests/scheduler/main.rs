//! The scheduler: its words one by one, and its routes through a model of the machine.
#![expect(
    clippy::unwrap_used,
    reason = "in a test, helpers included, a panic is a failure"
)]

mod fixture;

mod book;
mod buffers;
mod bundles;
mod cohorts;
mod conditions;
mod cores;
mod crowd;
mod dead_claimer;
mod deadlines;
mod faults;
mod heap;
mod hostile;
mod launches;
mod locked;
#[cfg(not(finbox_weaken))]
mod numbers;
mod passed_over;
mod pipeline;
mod polling;
mod predicates;
mod priority;
mod quarantine;
mod quiet;
mod races;
mod reset;
mod retain;
mod retire;
mod room;
mod routes;
mod scopes;
mod sdma;
mod shapes;
mod steps;
mod submission;
mod threads;
mod threads_crowd;
mod urma;
mod wait_budget;
mod words;
mod work;
mod work_lost;

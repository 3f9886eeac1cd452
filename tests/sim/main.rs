//! Whole runs: a workload, the scheduler that ships, and both worlds, through the library.
#![cfg(not(any(loom, shuttle)))]

mod fixture;

mod classes;
mod collectives;
mod command;
mod engines;
mod failures;
mod golden;
mod latency;
mod locked;
mod lockstep;
mod matrix;
mod order;
mod perfetto;
mod persistent;
mod pinned;
mod pressure;
mod roots;
mod scale;
mod scopes;
mod shapes;
mod streams;
mod stuck;
mod timeline;
mod traces;
mod waits;

//! Whole runs: a workload, the scheduler that ships, and both worlds, through the library.
#![cfg(not(any(loom, shuttle)))]

mod fixture;

mod lockstep;
mod matrix;
mod order;
mod pinned;
mod pressure;
mod stuck;
mod traces;

//! Faults: one test for each row of the fault model that a whole run or a process shows, named
//! after the row, and random workloads under all kinds at once.
#![cfg(not(any(loom, shuttle)))]

mod command;
mod fixture;
mod mailbox;
mod mapping;
mod planted;
mod processes;
mod rows;
mod stuck;
mod swarm;
mod workloads;

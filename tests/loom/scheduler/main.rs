//! Loom models of the scheduler crate. See tests/loom/README.md for how to run them.
#![cfg(loom)]

mod chip;
mod cross;
mod deadline;
mod deferred;
mod ended;
mod fault;
mod mutants;
mod orphans;
mod pair;
mod retire;
mod wiring;
mod work;

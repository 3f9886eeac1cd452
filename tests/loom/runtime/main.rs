//! Loom models of the runtime crate. See tests/loom/README.md for how to run them.
#![cfg(loom)]

mod command;
mod mutants;

//! Loom models of the mailbox crate. See tests/loom/README.md for how to run them.
#![cfg(loom)]

mod claim;
mod gap;
mod guard;
mod mutants;
mod place;
mod planted;
mod publish;
mod room;
mod shutdown;
mod wake;
mod work;

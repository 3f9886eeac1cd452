//! Helpers shared by the tests of finbox.

pub mod arena;
pub mod house;
pub mod model_port;
pub mod mutants;
#[cfg(loom)]
pub mod outcomes;

//! Helpers shared by the tests of finbox.

pub mod arena;
#[cfg(any(loom, shuttle))]
pub mod cross;
pub mod house;
pub mod model_port;
pub mod mutants;
#[cfg(loom)]
pub mod outcomes;
pub mod wire;

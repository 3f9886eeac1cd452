//! Helpers shared by the tests of finbox.

pub mod arena;
#[cfg(not(loom))]
pub mod house;
#[cfg(not(loom))]
pub mod model_port;
#[cfg(loom)]
pub mod mutants;
#[cfg(loom)]
pub mod outcomes;

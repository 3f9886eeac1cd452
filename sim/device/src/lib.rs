//! The simulator as a device library, libfinbox_sim_device.so.
//!
//! Guarantees: it exports `finbox_device_query` and nothing else; no panic leaves it; null,
//! misaligned and wrong-size arguments and machines that were closed are refused, and `last_error`
//! says why on the thread that was refused. Ports answer 0 where their caller asks for what is not
//! there. Refuses to believe a version but its own major one. Called by whoever loads it; what its
//! machines are is [`SimMachine`](finbox_sim::machine::SimMachine)'s to say.
//!
//! | file | concept |
//! | --- | --- |
//! | `library` | the exported function, and the table behind it |
//! | `machines` | machines that are open, by the contexts that callers hold |
//! | `port` | a rank's port as C functions |
//! | `refused` | what a call says when it refuses, and the text that stays behind |

mod library;
mod machines;
mod port;
mod refused;
#[cfg(test)]
mod tests;

pub use library::finbox_device_query;

//! Machines whose driver is somebody else's shared library.
//!
//! Guarantees: a library is refused in words before anything of it is used, and what it says of
//! itself and of its machine is checked; no function of it is called that is null; one that blocks
//! can be named ([`Watchdog`]), one that panics or throws ends the process with its name.
//!
//! Refuses to guard against a library that breaks memory: it runs in this process, and whoever
//! names it trusts it like the program itself.
//!
//! Called by whoever runs tasks on a device. Start at [`DeviceLibrary::load`], then
//! [`PluginMachine::open`]; the contract is in [`finbox_abi`].

mod calls;
mod error;
mod events;
mod family;
mod library;
mod log;
mod machine;
mod port;
mod search;
mod seats;
mod text;

pub use calls::{CallLine, CallTable, Late, Stay, Watchdog};
pub use error::{LibraryError, Tried, WrongMachine};
pub use library::{Description, DeviceLibrary};
pub use machine::{OpenOptions, PluginMachine};
pub use port::PluginPort;
pub use search::{DEVICE_PATH_VARIABLE, DEVICE_VARIABLE};

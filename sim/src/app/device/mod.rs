//! What `finbox run --device` and `finbox device` do: library → machine → world → report.
//!
//! | file | concept |
//! | --- | --- |
//! | `library` | a library is loaded, a machine opened, or why not |
//! | `guard` | a function that does not come back ends the process, by name |
//! | `run` | a scenario on a machine |
//! | `show` | what a device is, its self-test, the demos |
//!
//! Called by `app` and by the executable.

mod guard;
mod library;
mod run;
mod show;

pub(super) use self::run::run;
pub use self::show::device;

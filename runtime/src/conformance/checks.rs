//! The table of all checks, in the order in which an author writes the functions.

use super::{Check, basics};

/// The check that all others rest upon.
pub(super) const FIRST: &str = "facts";

pub(super) static CHECKS: &[Check] = &[
    Check {
        name: FIRST,
        proves: "what the machine is lies in range, and stays so",
        exercises: &["finbox_device_query", "open", "port"],
        judge: basics::facts,
    },
    Check {
        name: "time",
        proves: "time moves, and never goes back",
        exercises: &["now"],
        judge: basics::time,
    },
];

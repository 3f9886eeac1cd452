//! The port of a rank of a machine that a device library opened.
//!
//! Guarantees: none of its functions is null; it cannot be used after its machine was closed.

use finbox_abi::{Missing, TablePort, finbox_port};

use super::calls::CallTable;

/// A rank's chip behind a device library. It lives no longer than its machine.
pub type PluginPort<'m> = TablePort<&'m CallTable>;

/// A port over what a device library filled in.
///
/// # Errors
/// [`Missing`]: a function is null.
///
/// # Safety
/// The table is that of a machine that stays open for `'m`, of a library that keeps its contract.
pub(super) unsafe fn over<'m>(
    table: &finbox_port,
    calls: &'m CallTable,
) -> Result<PluginPort<'m>, Missing> {
    // SAFETY: handed on to the caller.
    unsafe { TablePort::new(table, calls) }
}

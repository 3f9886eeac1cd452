//! Loom builds only: placing and attaching on a header and cells that loom made.
//!
//! A region is raw memory, and loom's atomics cannot stand in raw memory; what [`crate::region`]
//! does once the memory has types is reached here. Called by the models alone.

use crate::Cell;
use crate::error::AttachError;
use crate::handle::{Consumer, Producer};
use crate::region::{inspect, join, open, region_lines};
use crate::ring::{Header, Ring, Sharing};

/// As [`crate::place_shared`], behind its checks of the memory.
pub fn place<'m>(
    header: &'m Header,
    cells: &'m [Cell],
    start: u64,
    epoch: u32,
) -> (Producer<'m>, Consumer<'m>) {
    open(Ring::new(header, cells, Sharing::Shared), start, epoch)
}

/// As [`crate::attach_shared`], behind its checks of the memory.
///
/// # Errors
/// [`AttachError`] naming what does not fit.
pub fn attach<'m>(header: &'m Header, cells: &'m [Cell]) -> Result<Producer<'m>, AttachError> {
    let slots = u32::try_from(cells.len()).expect("models have few cells");
    inspect(header, region_lines(slots))?;
    Ok(join(Ring::new(header, cells, Sharing::Shared)))
}

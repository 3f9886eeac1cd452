//! Loom builds only: placing and attaching on a header and cells that loom made.
//!
//! A region is raw memory, and loom's atomics cannot stand in raw memory; what [`crate::region`]
//! does once the memory has types is reached here. Called by the models alone.

use crate::Cell;
use crate::claimer::ClaimLine;
use crate::error::{AttachError, PlaceError};
use crate::handle::Consumer;
use crate::producer::Producer;
use crate::region::{Occupant, Occupied, deserted, inspect, join, occupy, open, region_lines};
use crate::ring::{Header, Ring, Sharing};

/// As [`crate::place_shared`], behind its checks of the memory.
pub fn place<'m>(
    header: &'m Header,
    cells: &'m [Cell],
    lines: &'m [ClaimLine],
    start: u64,
    epoch: u32,
) -> (Producer<'m>, Consumer<'m>) {
    let ring = Ring::new(header, cells, lines, Sharing::Shared);
    open(ring, start, epoch)
}

/// As [`place`], on memory where a mailbox stands, which must be deserted if it is condemned.
///
/// # Errors
/// [`PlaceError`] naming who is still attached.
pub fn place_again<'m>(
    header: &'m Header,
    cells: &'m [Cell],
    lines: &'m [ClaimLine],
    start: u64,
    epoch: u32,
) -> Result<(Producer<'m>, Consumer<'m>), PlaceError> {
    deserted(Ring::new(header, cells, lines, Sharing::Shared))?;
    Ok(place(header, cells, lines, start, epoch))
}

/// The seat that [`crate::place_occupied`] takes before it places anything.
///
/// # Errors
/// [`PlaceError`] naming who sits there.
pub fn sit_down(header: &Header, occupant: Occupant) -> Result<Occupied<'_>, PlaceError> {
    occupy(header, occupant)
}

/// As [`crate::attach_shared`], behind its checks of the memory.
///
/// # Errors
/// [`AttachError`] naming what does not fit.
pub fn attach<'m>(header: &'m Header, cells: &'m [Cell]) -> Result<Producer<'m>, AttachError> {
    let slots = u32::try_from(cells.len()).expect("models have few cells");
    inspect(header, region_lines(slots))?;
    join(Ring::new(header, cells, &[], Sharing::Shared))
}

//! A mailbox in memory that we did not allocate: device-visible, shared, dirty.
//!
//! [`place`] takes exclusive lines of this process. [`place_shared`] and [`attach_shared`] take
//! raw memory that another process maps too; there payloads are copied word by word, and nothing
//! read from it is believed before it was checked. Placement stamps one sequence per slot and
//! never zeroes payloads. Lines that the memory has behind the slots are claim lines, up to 64, for
//! producers that [register](crate::Producer::register). Between runs
//! [`Consumer::reset`](crate::Consumer::reset) costs O(1).
//!
//! In Rust the consumer is one value. Where that says nothing, across the C ABI and between
//! processes, [`place_occupied`] says in the header who consumes, and refuses the next one.

use core::num::NonZeroU32;
use core::ptr::NonNull;

use static_assertions::const_assert_eq;

use crate::cell::Cell;
use crate::claimer::{ClaimLine, MAX_CLAIMERS};
use crate::edge;
use crate::error::{AttachError, PlaceError};
use crate::handle::{Consumer, handles};
use crate::producer::Producer;
use crate::ring::{Header, MAGIC, Ring, Sharing, VERSION};

/// 64 bytes on a 64-byte boundary: the unit mailbox memory is measured in.
#[repr(C, align(64))]
#[derive(Clone, Copy, Debug)]
pub struct Line(pub [u8; 64]);

const HEADER_LINES: usize = size_of::<Header>().div_ceil(size_of::<Line>());

const_assert_eq!(size_of::<Line>(), 64);

/// Lines that a mailbox of `slots` messages needs: two for the header, one a slot. Whatever is
/// lent beyond them serves as claim lines, up to [`MAX_CLAIMERS`].
pub const fn region_lines(slots: u32) -> usize {
    HEADER_LINES + slots as usize
}

/// Places a mailbox on memory of this process, whatever it holds.
///
/// # Errors
/// [`PlaceError`] with the numbers; nothing was written.
pub fn place(
    memory: &mut [Line],
    slots: u32,
    start: u64,
    epoch: u32,
) -> Result<(Producer<'_>, Consumer<'_>), PlaceError> {
    let lines = memory.len();
    let base = NonNull::from(memory).cast::<Line>();
    // SAFETY: the slice is exclusive for the handles' lifetime, aligned, and `lines` long.
    let placed = unsafe { place_at(base, lines, slots, Sharing::Own, (start, epoch), None) };
    placed.map(|(producer, consumer, _)| (producer, consumer))
}

/// Places a mailbox on memory that other processes map as well.
///
/// # Errors
/// [`PlaceError`] with the numbers; nothing was written.
///
/// # Safety
/// `base` points to `lines` lines, live and mapped for `'m`; no Rust reference to them exists, and
/// no other consumer was made on them for this run. What other processes write cannot break this
/// process's memory, only this mailbox's content.
pub unsafe fn place_shared<'m>(
    base: NonNull<Line>,
    lines: usize,
    slots: u32,
    start: u64,
    epoch: u32,
) -> Result<(Producer<'m>, Consumer<'m>), PlaceError> {
    // SAFETY: handed on to the caller.
    let placed = unsafe { place_at(base, lines, slots, Sharing::Shared, (start, epoch), None) };
    placed.map(|(producer, consumer, _)| (producer, consumer))
}

/// Who is going to consume, and whom it replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occupant {
    /// The name that the next one is refused with: a process id, a thread's number.
    pub name: NonZeroU32,
    /// The consumer, known dead, whose mailbox may be taken over.
    pub instead_of: Option<NonZeroU32>,
}

/// Stands as long as its consumer does; dropped, it says in the header that the consumer is gone.
#[derive(Debug)]
pub struct Occupied<'m> {
    header: &'m Header,
    name: NonZeroU32,
}

impl Drop for Occupied<'_> {
    fn drop(&mut self) {
        let (word, name) = (&self.header.consumer, self.name.get());
        // EDGE SEAT_LEAVE -> SEAT_TAKE. Everything this consumer did. RELAXED failure: whoever
        // replaced it has written another name (SEAT_BUSY).
        let _ = word.compare_exchange(name, 0, edge::SEAT_LEAVE, edge::SEAT_BUSY);
    }
}

/// As [`place`] or [`place_shared`], unless the header says that somebody consumes here already.
///
/// # Errors
/// [`PlaceError`] with the numbers; nothing but the consumer's name was written. While another
/// process is placing a mailbox here, it may not be seen.
///
/// # Safety
/// As for [`place_shared`]; with [`Sharing::Own`] no other process maps the memory.
pub unsafe fn place_occupied<'m>(
    base: NonNull<Line>,
    lines: usize,
    slots: u32,
    sharing: Sharing,
    (start, epoch): (u64, u32),
    occupant: Occupant,
) -> Result<(Producer<'m>, Consumer<'m>, Occupied<'m>), PlaceError> {
    let occupant = Some(occupant);
    // SAFETY: handed on to the caller.
    let placed = unsafe { place_at(base, lines, slots, sharing, (start, epoch), occupant) };
    let (producer, consumer, occupied) = placed?;
    let occupied = occupied.expect("there is an occupant");
    Ok((producer, consumer, occupied))
}

/// Writes the occupant's name into the header.
pub(crate) fn occupy(header: &Header, occupant: Occupant) -> Result<Occupied<'_>, PlaceError> {
    let is_mailbox = recognise(header).is_ok();
    let enter = |found| {
        let other = NonZeroU32::new(found).filter(|_| is_mailbox);
        (other.is_none() || other == occupant.instead_of).then_some(occupant.name.get())
    };
    // EDGE SEAT_TAKE <- SEAT_LEAVE. Everything the consumer before did. RELAXED for whoever is
    // refused, who touches nothing (SEAT_BUSY).
    let entered = header
        .consumer
        .try_update(edge::SEAT_TAKE, edge::SEAT_BUSY, enter);
    entered.map_err(|name| PlaceError::Occupied { name })?;
    let name = occupant.name;
    Ok(Occupied { header, name })
}

/// # Safety
/// `base` points to `lines` lines that live for `'m` and that nobody else consumes.
unsafe fn place_at<'m>(
    base: NonNull<Line>,
    lines: usize,
    slots: u32,
    sharing: Sharing,
    (start, epoch): (u64, u32),
    occupant: Option<Occupant>,
) -> Result<(Producer<'m>, Consumer<'m>, Option<Occupied<'m>>), PlaceError> {
    if !slots.is_power_of_two() || slots < 2 {
        return Err(PlaceError::Slots { slots });
    }
    if !base.is_aligned() {
        return Err(PlaceError::Unaligned {
            address: base.addr().get(),
        });
    }
    let needed = region_lines(slots);
    if lines < needed {
        return Err(PlaceError::TooSmall {
            slots,
            needed,
            found: lines,
        });
    }
    // SAFETY: a header is atomics only, valid for every bit pattern, inside the lines.
    let header: &'m Header = unsafe { base.cast::<Header>().as_ref() };
    let occupied = occupant.map(|occupant| occupy(header, occupant));
    let occupied = occupied.transpose()?;
    if sharing == Sharing::Shared {
        // SAFETY: aligned and `lines` long, live for 'm by the caller's word.
        unsafe { check_deserted(base, lines) }?;
    }
    if occupied.is_none() {
        // RELAXED: PLACE carries it, as all that is stamped.
        header.consumer.store(0, edge::STAMP);
    }
    let claimers = (lines - needed).min(MAX_CLAIMERS as usize);
    // SAFETY: aligned and large enough, checked above; live for 'm by the caller's word.
    let (header, cells, claim_lines) = unsafe { parts(base, slots as usize, claimers) };
    let ring = Ring::new(header, cells, claim_lines, sharing);
    let (producer, consumer) = open(ring, start, epoch);
    Ok((producer, consumer, occupied))
}

/// Refuses memory of a condemned mailbox whose registered producers have not all left.
///
/// # Safety
/// `base` is aligned and points to `lines` lines, enough for a header, that live on.
unsafe fn check_deserted(base: NonNull<Line>, lines: usize) -> Result<(), PlaceError> {
    // SAFETY: a header is atomics only, valid for every bit pattern, inside the lines.
    let header = unsafe { base.cast::<Header>().as_ref() };
    let Ok((slots, claimers)) = inspect(header, lines) else {
        return Ok(());
    };
    // SAFETY: `inspect` saw that so many slots and claim lines fit.
    let (header, cells, claim_lines) = unsafe { parts(base, slots as usize, claimers as usize) };
    deserted(Ring::new(header, cells, claim_lines, Sharing::Shared))
}

/// Refuses a condemned ring with an owner on any claim line.
pub(crate) fn deserted(ring: Ring<'_>) -> Result<(), PlaceError> {
    if !ring.is_condemned() {
        return Ok(());
    }
    match ring.lines().iter().find_map(ClaimLine::owner) {
        Some(name) => Err(PlaceError::Attached { name: name.get() }),
        None => Ok(()),
    }
}

/// Stamps a ring, and only then says that it is one.
pub(crate) fn open(ring: Ring<'_>, start: u64, epoch: u32) -> (Producer<'_>, Consumer<'_>) {
    let header = ring.header();
    // RELAXED: memory of an old run stops calling itself a mailbox while it is stamped. Whoever
    // wants to attach meanwhile must be told when to: an old magic may still be in his cache.
    header.magic.store(0, edge::STAMP);
    ring.stamp(start, epoch);
    // EDGE PLACE -> ATTACH. Carries header and sequences; written last.
    header.magic.store(MAGIC, edge::PLACE);
    handles(ring, start, epoch)
}

/// Attaches a producer to a mailbox that another process placed.
///
/// # Errors
/// [`AttachError`] naming what does not fit; nothing was written.
///
/// # Safety
/// As for [`place_shared`], without the consumer's part.
pub unsafe fn attach_shared<'m>(
    base: NonNull<Line>,
    lines: usize,
) -> Result<Producer<'m>, AttachError> {
    if !base.is_aligned() || lines < HEADER_LINES {
        return Err(AttachError::Memory {
            address: base.addr().get(),
            lines,
        });
    }
    // SAFETY: aligned and large enough for a header; live for 'm by the caller's word.
    let header: &'m Header = unsafe { base.cast::<Header>().as_ref() };
    let (slots, claimers) = inspect(header, lines)?;
    // SAFETY: aligned and large enough, checked above; live for 'm by the caller's word.
    let (header, cells, claim_lines) = unsafe { parts(base, slots as usize, claimers as usize) };
    join(Ring::new(header, cells, claim_lines, Sharing::Shared))
}

/// A producer of a ring that [`inspect`] recognised, unless it is condemned.
pub(crate) fn join(ring: Ring<'_>) -> Result<Producer<'_>, AttachError> {
    if ring.is_condemned() {
        return Err(AttachError::Condemned);
    }
    // RELAXED: read after ATTACH; changes only while producers are quiesced.
    Ok(Producer::new(ring, ring.header().epoch.load(edge::EPOCH)))
}

/// Whether a header is one of this library's layout.
fn recognise(header: &Header) -> Result<(), AttachError> {
    // EDGE ATTACH <- PLACE. What follows was written before the magic.
    let found = header.magic.load(edge::ATTACH);
    if found != MAGIC {
        return Err(AttachError::Magic { found });
    }
    // RELAXED: read after ATTACH, and constant from PLACE on.
    let version = header.version.load(edge::HEADER);
    if version != VERSION {
        return Err(AttachError::Version {
            found: version,
            known: VERSION,
        });
    }
    Ok(())
}

/// The counts of slots and claim lines of a header, believed only if `lines` lines hold them.
pub(crate) fn inspect(header: &Header, lines: usize) -> Result<(u32, u32), AttachError> {
    recognise(header)?;
    // RELAXED: read after ATTACH, and constant from PLACE on.
    let slots = header.slots.load(edge::HEADER);
    if !slots.is_power_of_two() || slots < 2 || lines < region_lines(slots) {
        return Err(AttachError::Slots { slots, lines });
    }
    // RELAXED: as above.
    let claimers = header.claimers.load(edge::HEADER);
    let room = lines - region_lines(slots);
    if claimers > MAX_CLAIMERS || claimers as usize > room {
        return Err(AttachError::Claimers {
            claimers,
            slots,
            lines,
        });
    }
    Ok((slots, claimers))
}

/// # Safety
/// `base` is aligned and points to `region_lines(slots) + claimers` lines that live for `'m`.
unsafe fn parts<'m>(
    base: NonNull<Line>,
    slots: usize,
    claimers: usize,
) -> (&'m Header, &'m [Cell], &'m [ClaimLine]) {
    // SAFETY: a header is atomics only, valid for every bit pattern, inside the lines.
    let header = unsafe { base.cast::<Header>().as_ref() };
    // SAFETY: the cells start behind the header's lines, inside the region.
    let first = unsafe { base.add(HEADER_LINES) }.cast::<Cell>();
    // SAFETY: a cell is an atomic and an UnsafeCell of integers, valid for every bit pattern.
    let cells = unsafe { core::slice::from_raw_parts(first.as_ptr(), slots) };
    // SAFETY: the claim lines start behind the cells, inside the region or at its end.
    let first = unsafe { base.add(HEADER_LINES + slots) }.cast::<ClaimLine>();
    // SAFETY: a claim line is atomics only, valid for every bit pattern.
    let claim_lines = unsafe { core::slice::from_raw_parts(first.as_ptr(), claimers) };
    (header, cells, claim_lines)
}

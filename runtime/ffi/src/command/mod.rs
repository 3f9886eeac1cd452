//! The command ring across the ABI: packets in, a table of functions that carries them out.
//!
//! Guarantees: what [`command_ring`] guarantees. Packets are checked before the first is claimed;
//! completions are told by any thread, and counted once; any thread may drain, or one of the
//! library's carries packets out. A function of the executor that panics or throws ends the process
//! with its name.
//!
//! Refuses to end a ring while its thread runs. Called by C programs that submit command streams,
//! or that are the device. Not in firmware.

mod drain;
mod executor;
mod packet;
mod ring;

use core::num::NonZeroU32;
use core::ptr::NonNull;

use finbox_mailbox::{Cell, Consumer, Header, Line, Payload, Producer, WORDS, Words, ring_of};
use finbox_runtime::command::{
    Board, HostClock, Processor, Route, Served, Submitter, WorkId, command_ring,
};

use crate::handle::{Handle, Storage};
use crate::lent::Lent;
use crate::problem::Problem;

pub use drain::*;
pub use executor::*;
pub use packet::*;
pub use ring::*;

use executor::Table;

/// Storage for a command ring. All zero before it is first used, and never copied or moved while
/// it is a handle.
#[derive(Debug)]
#[repr(C)]
pub struct finbox_command_ring {
    /// The library's.
    pub opaque: [u64; 8],
}

impl Storage for finbox_command_ring {
    type Body = Box<Commanding>;
    const NAME: &'static str = "command ring";
    const KIND: u64 = u64::from_le_bytes(*b"\0FBcomm\xA5");
}

const _: () = assert!(
    size_of::<Handle<finbox_command_ring>>() <= size_of::<finbox_command_ring>()
        && align_of::<Handle<finbox_command_ring>>() <= align_of::<finbox_command_ring>(),
    "a command ring's handle fits its storage"
);

/// Notices that find room until the processor looks.
const NOTICES: usize = 256;

/// A completion that somebody noticed, on its way to the processor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Notice {
    route: Route,
    work: WorkId,
}

impl Payload for Notice {
    /// By no route.
    const VOID: Words = [u64::MAX; WORDS];

    fn encode(&self, _: u32) -> Words {
        let mut words = [0; WORDS];
        (words[0], words[1]) = (self.route as u64, self.work.0);
        words
    }
}

impl Notice {
    fn decode(words: &Words) -> Option<Self> {
        let route = u32::try_from(words[0]).ok().and_then(route_of)?;
        let work = WorkId(words[1]);
        Some(Self { route, work })
    }
}

/// The way with this number.
fn route_of(number: u32) -> Option<Route> {
    match number {
        number if number == finbox_route::Polled as u32 => Some(Route::Polled),
        number if number == finbox_route::Told as u32 => Some(Route::Told),
        _ => None,
    }
}

/// Memory of the notices.
type NoticeRing = (Header, Vec<Cell>);

/// What a command ring's storage holds. What borrows stands before what it borrows.
pub(crate) struct Commanding {
    served: Served<Table, HostClock>,
    submitter: Submitter<'static>,
    notices: Producer<'static, Notice>,
    _board: Lent<Board>,
    _notice_ring: Lent<NoticeRing>,
    /// The ring's, if the caller gave none.
    _memory: Lent<Vec<Line>>,
}

/// Where packets stand: lines enough for header and slots.
struct Place {
    base: NonNull<Line>,
    slots: u32,
    start: u64,
    epoch: u32,
}

impl Place {
    /// Header and cells, dirty.
    ///
    /// # Safety
    /// The lines are aligned, as many as a ring of so many slots needs, and nobody else's for as
    /// long as the ring lives.
    unsafe fn parts(&self) -> (&'static mut Header, &'static mut [Cell]) {
        let header = self.base.cast::<Header>();
        // SAFETY: inside the lines, by the caller's word.
        unsafe { header.write(Header::default()) };
        let behind = finbox_mailbox::region_lines(0);
        // SAFETY: the slots' lines are behind the header's.
        let cells = unsafe { self.base.add(behind) }.cast::<Cell>();
        for index in 0..self.slots as usize {
            // SAFETY: one of so many slots.
            let cell = unsafe { cells.add(index) };
            // SAFETY: as above.
            unsafe { cell.write(Cell::default()) };
        }
        let cells = NonNull::slice_from_raw_parts(cells, self.slots as usize);
        // SAFETY: written above, and nobody else's.
        let header = unsafe { &mut *header.as_ptr() };
        // SAFETY: as above.
        let cells = unsafe { &mut *cells.as_ptr() };
        (header, cells)
    }
}

impl Commanding {
    /// # Safety
    /// As for [`Place::parts`], for a place that is the caller's; none stands for `memory`.
    unsafe fn new(place: &Place, memory: Lent<Vec<Line>>, table: finbox_executor) -> Box<Self> {
        let notice_ring = (
            Header::default(),
            (0..NOTICES).map(|_| Cell::default()).collect(),
        );
        let mut notice_ring: Lent<NoticeRing> = Lent::new(notice_ring);
        // SAFETY: lent here alone, and what has it ends with this.
        let (header, cells) = unsafe { notice_ring.lend_mut() };
        let (notices, consumer): (Producer<'static, Notice>, Consumer<'static, Notice>) =
            ring_of(header, cells, &mut [], 0, place.epoch);
        let mut board = Lent::new(Board::default());
        // SAFETY: as above.
        let lent = unsafe { board.lend_mut() };
        // SAFETY: handed on to the caller.
        let parts = unsafe { place.parts() };
        let start = (place.start, place.epoch);
        let executor = Table::new(table, consumer);
        let (submitter, processor): (_, Processor<'static, Table>) =
            command_ring(parts, lent, start, executor);
        Box::new(Self {
            served: Served::new(processor, HostClock::start()),
            submitter,
            notices,
            _board: board,
            _notice_ring: notice_ring,
            _memory: memory,
        })
    }
}

/// The ring in a handle, for a call that may be one of several.
///
/// # Safety
/// `ring` is null, misaligned, or points to storage that lives, and is not destroyed, until the
/// reference is gone.
unsafe fn commanding<'r>(ring: *mut finbox_command_ring) -> Result<&'r Commanding, Problem> {
    // SAFETY: handed on to the caller.
    let handle = unsafe { Handle::at(ring) }?;
    // SAFETY: handed on to the caller.
    Ok(unsafe { handle.shared() }?)
}

/// The name of a producer in numbers: 0 for none.
fn number_of(name: Option<NonZeroU32>) -> u32 {
    name.map_or(0, NonZeroU32::get)
}

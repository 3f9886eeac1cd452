//! What stands in a scheduler's memory: every table of the scheduler crate, its roles, itself.

use finbox_mailbox::work::{WorkCell, WorkRing, WorkerLine, work_ring};
use finbox_mailbox::{Cell, ClaimLine, Header};
use finbox_scheduler::{
    Config, CoreState, EdgeNode, HandlerCore, LinePlace, LineWords, Memory, Scope, SlotBook,
    TaskSlot, Token, Unmet, UrmaQueue, WaitEntry, WatchedLine,
};

use core::mem::MaybeUninit;

use crate::problem::Problem;
use crate::scheduler::carve::{Extent, Ground, Span};
use crate::scheduler::{HandlerSeat, Note, Scheduling};

/// Where everything lies.
pub(super) struct Plan {
    extent: Extent,
    config: Config,
    body: Span<MaybeUninit<Scheduling>>,
    seats: Span<Option<HandlerSeat>>,
    notes: Span<Note>,
    header: Span<Header>,
    cells: Span<Cell>,
    claim_lines: Span<ClaimLine>,
    slots: Span<TaskSlot>,
    entries: Span<WaitEntry>,
    books: Span<SlotBook>,
    scopes: Span<Scope>,
    nodes: Span<EdgeNode>,
    conditions: Span<Unmet>,
    lines: Span<WatchedLine>,
    line_words: Span<LineWords>,
    line_index: Span<LinePlace>,
    queues: Span<UrmaQueue>,
    cores: Span<CoreState>,
    handler_cores: Span<HandlerCore>,
    tokens: Span<Token>,
    work: Option<WorkPlan>,
}

/// Where the work ring lies, if there is one.
struct WorkPlan {
    header: Span<Header>,
    cells: Span<WorkCell>,
    workers: Span<WorkerLine>,
}

impl WorkPlan {
    fn of(config: &Config, extent: &mut Extent) -> Option<Self> {
        (config.work_slots > 0).then(|| Self {
            header: extent.defaults(1),
            cells: extent.defaults(config.work_slots as usize),
            workers: extent.defaults(config.workers as usize),
        })
    }

    /// # Safety
    /// As [`Plan::carve`].
    unsafe fn carve(self, ground: &Ground) -> WorkRing<'static> {
        // SAFETY: handed on to the caller; `self` is consumed, so each span is carved once.
        let header = unsafe { ground.carve_one(self.header) };
        // SAFETY: as above.
        let cells = unsafe { ground.carve(self.cells) };
        // SAFETY: as above.
        let workers = unsafe { ground.carve(self.workers) };
        work_ring(header, cells, workers).expect("the configuration was checked")
    }
}

/// What was carved.
pub(super) struct Carved {
    pub(super) body: &'static mut MaybeUninit<Scheduling>,
    pub(super) seats: &'static mut [Option<HandlerSeat>],
    /// One a handler, and one each for dispatch and for whoever asks.
    pub(super) notes: &'static [Note],
    pub(super) memory: Memory<'static>,
}

impl Plan {
    pub(super) fn of(config: &Config) -> Self {
        let (slots, lanes) = (config.all_task_slots() as usize, config.chip.lanes());
        let (room, handlers) = (config.condition_room as usize, config.chip.handlers.into());
        let mut extent = Extent::default();
        Self {
            config: *config,
            body: extent.table(1, |_| MaybeUninit::uninit()),
            seats: extent.defaults(handlers),
            notes: extent.defaults(handlers + 2),
            header: extent.defaults(1),
            cells: extent.defaults(config.mailbox_slots as usize),
            claim_lines: extent.defaults(handlers),
            slots: extent.defaults(slots),
            entries: extent.defaults(slots),
            books: extent.defaults(slots),
            scopes: extent.defaults(config.scopes.into()),
            nodes: extent.defaults(config.edge_nodes as usize),
            conditions: extent.defaults(room),
            lines: extent.defaults(room),
            line_words: extent.defaults(room),
            line_index: extent.defaults(LinePlace::needed(room)),
            queues: extent.defaults(config.urma_queues as usize),
            cores: extent.defaults(lanes),
            handler_cores: extent.defaults(lanes),
            tokens: extent.table(lanes, |_| Token::FIRST),
            work: WorkPlan::of(config, &mut extent),
            extent,
        }
    }

    pub(super) const fn bytes(&self) -> usize {
        self.extent.bytes()
    }

    /// The memory for it, if it is large enough and on the boundary.
    pub(super) fn ground(&self, memory: *mut u8, size_bytes: usize) -> Result<Ground, Problem> {
        self.extent.ground(memory, size_bytes)
    }

    /// Everything, with its first values.
    ///
    /// # Safety
    /// `ground` is of this plan; its memory is writable and nobody else's while anything of it is
    /// used.
    pub(super) unsafe fn carve(self, ground: &Ground) -> Carved {
        macro_rules! carve {
            ($span:ident) => {
                // SAFETY: handed on to the caller; `self` is consumed, so each span is carved once.
                unsafe { ground.carve(self.$span) }
            };
        }
        // SAFETY: as above.
        let body = unsafe { ground.carve_one(self.body) };
        // SAFETY: as above.
        let header = unsafe { ground.carve_one(self.header) };
        let memory = Memory {
            header,
            cells: carve!(cells),
            claim_lines: carve!(claim_lines),
            slots: carve!(slots),
            entries: carve!(entries),
            rings: self.config.sizes(),
            books: carve!(books),
            scopes: carve!(scopes),
            nodes: carve!(nodes),
            conditions: carve!(conditions),
            lines: carve!(lines),
            line_words: carve!(line_words),
            line_index: carve!(line_index),
            queues: carve!(queues),
            cores: carve!(cores),
            handler_cores: carve!(handler_cores),
            tokens: carve!(tokens),
            // SAFETY: as above.
            work: self.work.map(|work| unsafe { work.carve(ground) }),
        };
        Carved {
            body,
            seats: carve!(seats),
            notes: carve!(notes),
            memory,
        }
    }
}

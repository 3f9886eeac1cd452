//! The memory that a scheduler under test lives in.

use finbox_mailbox::work::{WorkCell, WorkerLine, work_ring};
use finbox_mailbox::{Cell, ClaimLine, Header};
use finbox_scheduler::{
    Assembly, Chip, CoreState, EdgeNode, HandlerCore, LinePlace, LineWords, Memory, Rings, Scope,
    SlotBook, Start, TaskSlot, Token, Unmet, UrmaQueue, WaitEntry, WatchedLine, assemble,
};

/// How much of everything there is.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Mailbox slots.
    pub mailbox: usize,
    /// Task slots.
    pub slots: usize,
    /// How task slots are divided, and output memory; None: one ring, no output.
    pub rings: Option<Rings>,
    /// Scopes open at once.
    pub scopes: usize,
    /// Dependency nodes.
    pub nodes: usize,
    /// Condition room.
    pub conditions: usize,
    /// URMA completion queues.
    pub queues: usize,
    /// Slots of the work ring; 0: there is none.
    pub work_slots: usize,
    /// Worker lines.
    pub workers: usize,
    /// Where the mailbox's life starts.
    pub start: Start,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            mailbox: 8,
            slots: 64,
            rings: None,
            scopes: 8,
            nodes: 256,
            conditions: 256,
            queues: 4,
            work_slots: 0,
            workers: 0,
            start: Start {
                position: u64::MAX - 5,
                epoch: 7,
                ..Start::default()
            },
        }
    }
}

/// The memory.
#[derive(Debug)]
pub struct House {
    header: Box<Header>,
    /// The mailbox's slots.
    cells: Vec<Cell>,
    claim_lines: Vec<ClaimLine>,
    slots: Vec<TaskSlot>,
    entries: Vec<WaitEntry>,
    rings: Rings,
    books: Vec<SlotBook>,
    scopes: Vec<Scope>,
    nodes: Vec<EdgeNode>,
    conditions: Vec<Unmet>,
    lines: Vec<WatchedLine>,
    line_words: Vec<LineWords>,
    line_index: Vec<LinePlace>,
    queues: Vec<UrmaQueue>,
    cores: Vec<CoreState>,
    handler_cores: Vec<HandlerCore>,
    tokens: Vec<Token>,
    work: (Box<Header>, Vec<WorkCell>, Vec<WorkerLine>),
    start: Start,
}

fn many<T: Default>(count: usize) -> Vec<T> {
    std::iter::repeat_with(T::default).take(count).collect()
}

impl House {
    /// Memory for `chip` within `limits`.
    pub fn new(chip: &Chip, limits: &Limits) -> Self {
        let lanes = chip.lanes();
        let slots = u32::try_from(limits.slots).expect("at most 2^24 slots");
        Self {
            header: Box::default(),
            cells: many(limits.mailbox),
            claim_lines: many(usize::from(chip.handlers) + 1),
            slots: many(limits.slots),
            entries: many(limits.slots),
            rings: limits.rings.unwrap_or(Rings::one(slots)),
            books: many(limits.slots),
            scopes: many(limits.scopes),
            nodes: many(limits.nodes),
            conditions: many(limits.conditions),
            lines: many(limits.conditions),
            line_words: many(limits.conditions),
            line_index: many(LinePlace::needed(limits.conditions)),
            queues: many(limits.queues),
            cores: many(lanes),
            handler_cores: many(lanes),
            tokens: vec![Token::IDLE; lanes],
            work: (
                Box::default(),
                many(limits.work_slots),
                many(limits.workers),
            ),
            start: limits.start,
        }
    }

    /// Where a stranger would reach mailbox slot `index`: as that many 64-bit words.
    pub fn cell_words(&mut self, index: usize) -> *mut u64 {
        (&raw mut self.cells[index]).cast()
    }

    /// Builds the scheduler.
    pub fn assemble(&mut self, chip: Chip) -> Assembly<'_> {
        let (header, cells, lines) = &mut self.work;
        let work = (!cells.is_empty()).then(|| work_ring(header, cells, lines));
        let memory = Memory {
            header: &mut self.header,
            cells: &mut self.cells,
            claim_lines: &mut self.claim_lines,
            slots: &mut self.slots,
            entries: &mut self.entries,
            rings: self.rings,
            books: &mut self.books,
            scopes: &mut self.scopes,
            nodes: &mut self.nodes,
            conditions: &mut self.conditions,
            lines: &mut self.lines,
            line_words: &mut self.line_words,
            line_index: &mut self.line_index,
            queues: &mut self.queues,
            cores: &mut self.cores,
            handler_cores: &mut self.handler_cores,
            tokens: &mut self.tokens,
            work: work.map(|ring| ring.expect("a power of two of slots, at most 256 workers")),
        };
        assemble(chip, self.start, memory)
    }
}

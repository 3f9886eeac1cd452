//! The memory that a scheduler under test lives in.

use finbox_mailbox::{Cell, Header};
use finbox_scheduler::{
    Assembly, Chip, CoreState, EdgeNode, HandlerCore, Memory, Start, TaskSlot, Token, Unmet,
    WaitEntry, assemble,
};

/// How much of everything there is.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Mailbox slots.
    pub mailbox: usize,
    /// Task slots.
    pub slots: usize,
    /// Dependency nodes.
    pub nodes: usize,
    /// Condition room.
    pub conditions: usize,
    /// Where the mailbox's life starts.
    pub start: Start,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            mailbox: 8,
            slots: 64,
            nodes: 256,
            conditions: 256,
            start: Start {
                position: u64::MAX - 5,
                epoch: 7,
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
    slots: Vec<TaskSlot>,
    entries: Vec<WaitEntry>,
    first_edges: Vec<u32>,
    nodes: Vec<EdgeNode>,
    conditions: Vec<Unmet>,
    cores: Vec<CoreState>,
    handler_cores: Vec<HandlerCore>,
    tokens: Vec<Token>,
    start: Start,
}

fn many<T: Default>(count: usize) -> Vec<T> {
    std::iter::repeat_with(T::default).take(count).collect()
}

impl House {
    /// Memory for `chip` within `limits`.
    pub fn new(chip: &Chip, limits: &Limits) -> Self {
        let lanes = chip.lanes();
        Self {
            header: Box::default(),
            cells: many(limits.mailbox),
            slots: many(limits.slots),
            entries: many(limits.slots),
            first_edges: many(limits.slots),
            nodes: many(limits.nodes),
            conditions: many(limits.conditions),
            cores: many(lanes),
            handler_cores: many(lanes),
            tokens: vec![Token::IDLE; lanes],
            start: limits.start,
        }
    }

    /// Where a stranger would reach mailbox slot `index`: as that many 64-bit words.
    pub fn cell_words(&mut self, index: usize) -> *mut u64 {
        (&raw mut self.cells[index]).cast()
    }

    /// Builds the scheduler.
    pub fn assemble(&mut self, chip: Chip) -> Assembly<'_> {
        let memory = Memory {
            header: &mut self.header,
            cells: &mut self.cells,
            slots: &mut self.slots,
            entries: &mut self.entries,
            first_edges: &mut self.first_edges,
            nodes: &mut self.nodes,
            conditions: &mut self.conditions,
            cores: &mut self.cores,
            handler_cores: &mut self.handler_cores,
            tokens: &mut self.tokens,
        };
        assemble(chip, self.start, memory)
    }
}

//! The arena: all memory of one scheduler, allocated once, before the first task.

use finbox_mailbox::{Cell, Header};
use finbox_scheduler::{
    Assembly, CoreState, EdgeNode, HandlerCore, Memory, TaskSlot, Token, Unmet, WaitEntry, assemble,
};

use crate::config::{Config, ConfigErrors};

/// The memory of one scheduler. Its scheduler borrows it and never asks for more.
#[derive(Debug)]
pub struct Arena {
    config: Config,
    header: Header,
    cells: Box<[Cell]>,
    slots: Box<[TaskSlot]>,
    entries: Box<[WaitEntry]>,
    first_edges: Box<[u32]>,
    nodes: Box<[EdgeNode]>,
    conditions: Box<[Unmet]>,
    cores: Box<[CoreState]>,
    handler_cores: Box<[HandlerCore]>,
    tokens: Box<[Token]>,
}

fn table<T: Default>(count: usize) -> Box<[T]> {
    (0..count).map(|_| T::default()).collect()
}

impl Arena {
    /// Allocates what `config` asks for.
    ///
    /// # Errors
    /// Everything that is wrong with the configuration; nothing was allocated.
    pub fn new(config: Config) -> Result<Self, ConfigErrors> {
        config.check()?;
        let (slots, lanes) = (config.task_slots as usize, config.chip.lanes());
        Ok(Self {
            config,
            header: Header::default(),
            cells: table(config.mailbox_slots as usize),
            slots: table(slots),
            entries: table(slots),
            first_edges: table(slots),
            nodes: table(config.edge_nodes as usize),
            conditions: table(config.condition_room as usize),
            cores: table(lanes),
            handler_cores: table(lanes),
            tokens: vec![Token::FIRST; lanes].into(),
        })
    }

    /// What it was allocated for.
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Builds the scheduler and its roles in this memory.
    ///
    /// # Panics
    /// If an earlier run in it did not come to rest: then it is of no more use.
    pub fn assemble(&mut self) -> Assembly<'_> {
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
        assemble(self.config.chip, self.config.start, memory)
    }
}

//! The arena: all memory of one scheduler, allocated once, before the first task.

use finbox_mailbox::work::{WorkCell, WorkRing, WorkerLine, work_ring};
use finbox_mailbox::{Cell, ClaimLine, Header, MAX_CLAIMERS};
use finbox_scheduler::{
    Assembly, Cond, Config, CoreId, CoreState, EdgeNode, HandlerCore, LinePlace, LineWords, Memory,
    Scope, SlotBook, TaskSlot, Token, Unmet, UrmaQueue, WaitEntry, WatchedLine, assemble,
};

use crate::config::ConfigErrors;

/// The memory of one scheduler. Its scheduler borrows it and never asks for more.
#[derive(Debug)]
pub struct Arena {
    config: Config,
    header: Header,
    cells: Box<[Cell]>,
    claim_lines: Box<[ClaimLine]>,
    slots: Box<[TaskSlot]>,
    entries: Box<[WaitEntry]>,
    books: Box<[SlotBook]>,
    scopes: Box<[Scope]>,
    nodes: Box<[EdgeNode]>,
    conditions: Box<[Unmet]>,
    lines: Box<[WatchedLine]>,
    line_words: Box<[LineWords]>,
    line_index: Box<[LinePlace]>,
    queues: Box<[UrmaQueue]>,
    cores: Box<[CoreState]>,
    handler_cores: Box<[HandlerCore]>,
    tokens: Box<[Token]>,
    work: WorkMemory,
}

/// Memory of the work ring, empty if there is none.
#[derive(Debug, Default)]
struct WorkMemory {
    header: Header,
    cells: Box<[WorkCell]>,
    lines: Box<[WorkerLine]>,
}

impl WorkMemory {
    fn new(slots: u32, workers: u32) -> Self {
        Self {
            header: Header::default(),
            cells: table(slots as usize),
            lines: table(workers as usize),
        }
    }

    fn ring(&mut self) -> Option<WorkRing<'_>> {
        if self.cells.is_empty() {
            return None;
        }
        let ring = work_ring(&mut self.header, &mut self.cells, &mut self.lines);
        Some(ring.expect("the configuration was checked"))
    }
}

fn table<T: Default>(count: usize) -> Box<[T]> {
    (0..count).map(|_| T::default()).collect()
}

/// A claim line for each FIN handler, and for as many workers as there can be lines.
fn claim_lines(config: &Config) -> usize {
    let names = u32::from(config.chip.handlers).saturating_add(config.workers);
    names.min(MAX_CLAIMERS) as usize
}

impl Arena {
    /// Allocates what `config` asks for.
    ///
    /// # Errors
    /// Everything that is wrong with the configuration; nothing was allocated.
    pub fn new(config: Config) -> Result<Self, ConfigErrors> {
        ConfigErrors::check(&config)?;
        let (slots, lanes) = (config.all_task_slots() as usize, config.chip.lanes());
        let room = config.condition_room as usize;
        Ok(Self {
            config,
            header: Header::default(),
            cells: table(config.mailbox_slots as usize),
            claim_lines: table(claim_lines(&config)),
            slots: table(slots),
            entries: table(slots),
            books: table(slots),
            scopes: table(config.scopes.into()),
            nodes: table(config.edge_nodes as usize),
            conditions: table(room),
            lines: table(room),
            line_words: table(room),
            line_index: table(LinePlace::needed(room)),
            queues: table(config.urma_queues as usize),
            cores: table(lanes),
            handler_cores: table(lanes),
            tokens: vec![Token::FIRST; lanes].into(),
            work: WorkMemory::new(config.work_slots, config.workers),
        })
    }

    /// What it was allocated for.
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Takes `core` over as another run left it, showing `cond`: a scheduler in new memory takes it
    /// for a core after reset otherwise, would give it token 1 once more, and not believe what its
    /// COND says. Whether it can be: it is not if the core is at work or has ended.
    ///
    /// # Panics
    /// If the chip has no such core.
    #[must_use]
    pub fn go_on_behind(&mut self, core: CoreId, cond: Cond) -> bool {
        let after = HandlerCore::after(cond);
        let is_at_rest = after.is_some();
        if let Some((seen, next)) = after {
            self.handler_cores[core.index()] = seen;
            self.tokens[core.index()] = next;
        }
        is_at_rest
    }

    /// The token that `core` gets next, of whichever scheduler comes next.
    ///
    /// # Panics
    /// If the chip has no such core.
    pub fn next_token(&self, core: CoreId) -> Token {
        self.tokens[core.index()]
    }

    /// Builds the scheduler and its roles in this memory.
    ///
    /// # Panics
    /// If an earlier run in it did not come to rest: then it is of no more use.
    pub fn assemble(&mut self) -> Assembly<'_> {
        let memory = Memory {
            header: &mut self.header,
            cells: &mut self.cells,
            claim_lines: &mut self.claim_lines,
            slots: &mut self.slots,
            entries: &mut self.entries,
            rings: self.config.sizes(),
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
            work: self.work.ring(),
        };
        assemble(self.config.chip, self.config.start, memory)
    }
}

#[cfg(test)]
mod tests {
    use super::Arena;
    use finbox_scheduler::Config;
    use finbox_scheduler::{A5, Chip, Cond, CoreId, Token};

    #[test]
    fn a_core_is_taken_over_when_it_rests_and_left_alone_when_it_does_not() {
        let mut config = Config::of(&A5);
        (config.task_slots, config.edge_nodes, config.condition_room) = (4, 4, 64);
        config.chip = Chip {
            cores: 3,
            ..config.chip
        };
        let mut arena = Arena::new(config).expect("a small one");
        let core = CoreId(2);
        let last = Token::from_bits(41);
        let rows = [
            (Cond::RESET, true, Token::FIRST),
            (Cond::fin(last), true, last.next()),
            (Cond::ack(last.next()), false, last.next()),
            (Cond::ack(Token::EXIT), false, last.next()),
            (Cond::fin(Token::EXIT), false, last.next()),
            (Cond::fin(Token::LAST), true, Token::from_bits(0)),
        ];
        for (cond, is_taken, next) in rows {
            assert_eq!(arena.go_on_behind(core, cond), is_taken, "{cond:?}");
            assert_eq!(arena.next_token(core), next, "{cond:?}");
        }
        assert_eq!(arena.next_token(CoreId(1)), Token::FIRST);
    }
}

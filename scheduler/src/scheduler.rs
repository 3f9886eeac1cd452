//! The shared heart of one chip's scheduler: what all threads look at.
//!
//! It owns nothing but words: slots, nodes, cores, ready stacks, the wait list's lock. The roles
//! ([`FinHandler`], [`Dispatcher`], [`Submitter`]) are values of their own, one per thread, made
//! together by [`assemble`].

use finbox_mailbox::{Cell, Header, Producer, mailbox};

use crate::chip::Chip;
use crate::core_set::{CoreMask, CoreState, Openings, Record, add};
use crate::dispatch::Dispatcher;
use crate::edges::{EdgeNode, MAX_EDGE_NODES};
use crate::fault::{Fault, FirstFault};
use crate::handler::{FinHandler, HandlerCore};
use crate::id::{SlotId, Token};
use crate::ready::ReadyStack;
use crate::room::Room;
use crate::slot::{SHAPES, Shape, TaskSlot};
use crate::submit::Submitter;
use crate::wait_list::{AsyncWaitList, Unmet, WaitEntry};

/// Memory that a scheduler lives in. Lengths are its limits; nothing is allocated later.
#[derive(Debug)]
pub struct Memory<'m> {
    /// Mailbox control lines.
    pub header: &'m mut Header,
    /// Mailbox slots: a power of two of at least 2.
    pub cells: &'m mut [Cell],
    /// Task slots, 1 to 2²⁴.
    pub slots: &'m mut [TaskSlot],
    /// One wait entry for each task slot.
    pub entries: &'m mut [WaitEntry],
    /// First edge of each task slot's list, as its submitter remembers it: one per task slot.
    pub first_edges: &'m mut [u32],
    /// Dependency nodes, 0 to 2³⁰.
    pub nodes: &'m mut [EdgeNode],
    /// Room for unmet conditions, at least 64.
    pub conditions: &'m mut [Unmet],
    /// One for each core and host lane.
    pub cores: &'m mut [CoreState],
    /// One for each core and host lane.
    pub handler_cores: &'m mut [HandlerCore],
    /// Next token of each core and host lane, left here by the run before; anything reserved
    /// counts as never used.
    pub tokens: &'m mut [Token],
}

/// What all threads of one chip share.
#[derive(Debug)]
pub struct Scheduler<'m> {
    pub(crate) chip: Chip,
    pub(crate) ring: u8,
    pub(crate) slots: &'m [TaskSlot],
    pub(crate) nodes: &'m [EdgeNode],
    pub(crate) cores: &'m [CoreState],
    pub(crate) ready: [ReadyStack; SHAPES],
    pub(crate) shape_cores: [CoreMask; SHAPES],
    pub(crate) openings: Openings,
    pub(crate) room: Room,
    pub(crate) producer: Producer<'m>,
    pub(crate) wait_list: AsyncWaitList<'m>,
    fault: FirstFault,
}

/// A scheduler and the roles that run it.
#[derive(Debug)]
pub struct Assembly<'m> {
    /// What all share.
    pub scheduler: Scheduler<'m>,
    /// Wires tasks in.
    pub submitter: Submitter<'m>,
    /// Drains, settles and dispatches.
    pub dispatcher: Dispatcher<'m>,
    /// The handlers' cores, to be divided with [`handler`](Self::handler).
    handler_cores: &'m mut [HandlerCore],
    handed_out: u8,
}

/// Where a mailbox's life starts and which run it serves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Start {
    /// First position of the mailbox.
    pub position: u64,
    /// Run epoch, stamped into messages.
    pub epoch: u32,
}

/// Builds a scheduler for `chip` in `memory`.
///
/// # Panics
/// If lengths do not fit each other or the chip; the runtime's configuration checks them first.
/// And if the memory served a run that did not come to rest: tasks unfinished or tokens in flight.
pub fn assemble(chip: Chip, start: Start, memory: Memory<'_>) -> Assembly<'_> {
    check(&chip, &memory);
    check_at_rest(&memory);
    memory.entries.fill(WaitEntry::default());
    let (producer, consumer) = mailbox(memory.header, memory.cells, start.position, start.epoch);
    let mut shape_cores = [CoreMask::default(); SHAPES];
    let openings = Openings::default();
    for core in chip.all() {
        add(&mut shape_cores[chip.shape_of(core) as usize], core);
        openings.announce(core, memory.cores[core.index()].pair.looked_at());
    }
    let scheduler = Scheduler {
        room: Room::new(u32::try_from(memory.conditions.len()).expect("checked above")),
        wait_list: AsyncWaitList::new(consumer, memory.entries, memory.conditions),
        chip,
        ring: 0,
        slots: memory.slots,
        nodes: memory.nodes,
        cores: memory.cores,
        ready: [(); SHAPES].map(|()| ReadyStack::default()),
        shape_cores,
        openings,
        producer,
        fault: FirstFault::default(),
    };
    let submitter = Submitter::new(memory.first_edges, scheduler.nodes);
    let dispatcher = Dispatcher::new(memory.tokens);
    let handler_cores = memory.handler_cores;
    Assembly {
        scheduler,
        submitter,
        dispatcher,
        handler_cores,
        handed_out: 0,
    }
}

fn check(chip: &Chip, memory: &Memory<'_>) {
    let (slots, lanes) = (memory.slots.len(), chip.lanes());
    assert!(
        chip.is_valid(),
        "a chip has 1 to its target's cores and 1 to 8 handlers"
    );
    assert!(
        (1..=SlotId::MAX_INDEX as usize + 1).contains(&slots),
        "1 to 2^24 task slots"
    );
    assert!(
        memory.entries.len() == slots,
        "one wait entry for each task slot"
    );
    assert!(
        memory.first_edges.len() == slots,
        "one list head for each task slot"
    );
    assert!(
        memory.nodes.len() <= MAX_EDGE_NODES as usize,
        "at most 2^30 dependency nodes"
    );
    assert!(
        (64..=1 << 30).contains(&memory.conditions.len()),
        "room for 64 to 2^30 conditions"
    );
    let per_core = [
        memory.cores.len(),
        memory.handler_cores.len(),
        memory.tokens.len(),
    ];
    assert!(
        per_core == [lanes; 3],
        "one state, handler state and token for each core and lane"
    );
}

fn check_at_rest(memory: &Memory<'_>) {
    let released = |slot: &TaskSlot| slot.retire.state_for_recycling().is_released();
    let idle = |core: &CoreState| {
        core.pair.looked_at().is_idle() && core.records.iter().all(Record::is_free)
    };
    assert!(
        memory.slots.iter().all(released) && memory.cores.iter().all(idle),
        "memory is assembled again only after its last run came to rest"
    );
}

impl<'m> Assembly<'m> {
    /// Makes the next FIN handler; the chip has `handlers` of them.
    ///
    /// # Panics
    /// If all were made.
    pub fn handler(&mut self) -> FinHandler<'m> {
        let chip = self.scheduler.chip;
        assert!(
            self.handed_out < chip.handlers,
            "a chip has as many handlers as it says"
        );
        let range = chip.cores_of(self.handed_out);
        self.handed_out += 1;
        let cores = core::mem::take(&mut self.handler_cores);
        let (mine, others) = cores.split_at_mut(range.len());
        self.handler_cores = others;
        FinHandler::new(range.start, mine)
    }
}

impl<'m> Scheduler<'m> {
    /// The chip it drives.
    pub const fn chip(&self) -> &Chip {
        &self.chip
    }

    /// The first fault, if any.
    pub fn fault(&self) -> Option<Fault> {
        self.fault.get()
    }

    /// The wait list: to hold its lock, or to see who waits.
    pub const fn wait_list(&self) -> &AsyncWaitList<'m> {
        &self.wait_list
    }

    /// A sending end of the mailbox, for completions that arrive by another way than a FIN.
    ///
    /// What is pushed here counts as accepted by whoever pushes it. Wake the dispatch thread
    /// afterwards: it may be parked.
    pub const fn mailbox(&self) -> Producer<'m> {
        self.producer
    }

    pub(crate) fn raise(&self, fault: Fault) {
        self.fault.raise(fault);
    }

    /// The words of `slot`, whatever life they are in now.
    #[inline]
    pub(crate) fn slot(&self, slot: SlotId) -> &TaskSlot {
        &self.slots[slot.index()]
    }

    /// The current life of the slot at `index`, as a thread that owns the slot sees it.
    pub(crate) fn id_of(&self, index: u32) -> SlotId {
        let generation = self.slots[index as usize].retire.state().generation();
        SlotId::new(self.ring, index, generation)
    }

    /// Whether this chip has a core for `shape`.
    pub fn can_run(&self, shape: Shape) -> bool {
        shape == Shape::Dummy || self.shape_cores[shape as usize] != CoreMask::default()
    }
}

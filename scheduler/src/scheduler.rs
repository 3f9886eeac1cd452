//! The shared heart of one chip's scheduler: what all threads look at.
//!
//! It owns nothing but words: slots, nodes, cores, ready stacks, the wait list's lock. The roles
//! ([`FinHandler`], [`Dispatcher`], [`Submitter`]) are values of their own, one per thread, made
//! together by [`assemble`].

use core::num::NonZeroU32;

use finbox_mailbox::sync::AtomicU32;
use finbox_mailbox::work::WorkRing;
use finbox_mailbox::{Cell, ClaimLine, Header, Producer, mailbox_with_lines};
use thiserror::Error;

use crate::book::SlotBook;
use crate::chip::Chip;
use crate::condition::Unmet;
use crate::core_set::{CoreMask, CoreState, Engaged, Openings, Record, only};
use crate::dispatch::Dispatcher;
use crate::edges::{EdgeNode, MAX_EDGE_NODES};
use crate::fault::{Fault, FirstFault};
use crate::handler::{FinHandler, HandlerCore};
use crate::id::{CoreId, SlotId, Token};
use crate::limits::{Limits, MAX_HANDLERS, MAX_RINGS, MAX_SCOPES};
use crate::locked::Completion;
use crate::orphans::Orphans;
use crate::peers::Peers;
use crate::poll::{LinePlace, PollMemory};
use crate::pool::Footprint;
use crate::probe::{Event, Probe};
use crate::pusher::Pusher;
use crate::ready::ReadyLine;
use crate::rings::{Rings, ring_of};
use crate::room::Room;
use crate::scope::Scope;
use crate::slot::TaskSlot;
use crate::spec::{PRIORITIES, SHAPES, Shape, Subtasks};
use crate::submit::Submitter;
use crate::urma::UrmaQueue;
use crate::wait_entry::WaitEntry;
use crate::wait_list::{AsyncWaitList, WaitMemory};
use crate::watched::{LineWords, WatchedLine};

/// Memory that a scheduler lives in. Lengths are its limits; nothing is allocated later.
#[derive(Debug)]
pub struct Memory<'m> {
    /// Mailbox control lines.
    pub header: &'m mut Header,
    /// Mailbox slots: a power of two of at least 2.
    pub cells: &'m mut [Cell],
    /// Claim lines: one for each handler that is to be named in a gap, and for others who register.
    pub claim_lines: &'m mut [ClaimLine],
    /// Task slots, 1 to 2²⁴.
    pub slots: &'m mut [TaskSlot],
    /// One wait entry for each task slot.
    pub entries: &'m mut [WaitEntry],
    /// How task slots and output memory are divided.
    pub rings: Rings,
    /// What the submitter remembers about each task slot: one per task slot.
    pub books: &'m mut [SlotBook],
    /// One for each scope that may be open at once, at most 255.
    pub scopes: &'m mut [Scope],
    /// Dependency nodes, 0 to 2³⁰.
    pub nodes: &'m mut [EdgeNode],
    /// Room for unmet conditions, at least 64.
    pub conditions: &'m mut [Unmet],
    /// Room for the lines they watch: one for each condition.
    pub lines: &'m mut [WatchedLine],
    /// Room for what their words were: one for each condition.
    pub line_words: &'m mut [LineWords],
    /// The index over these lines: a power of two, at least twice as many.
    pub line_index: &'m mut [LinePlace],
    /// Room for URMA completion queues that conditions name: what was there is forgotten.
    pub queues: &'m mut [UrmaQueue],
    /// One for each core and host lane.
    pub cores: &'m mut [CoreState],
    /// One for each core and host lane.
    pub handler_cores: &'m mut [HandlerCore],
    /// Next token of each core and host lane, left here by the run before; anything reserved
    /// counts as never used.
    pub tokens: &'m mut [Token],
    /// Where items for persistent workers go: a ring that nobody else pushes into. `None`: tasks of
    /// [`Shape::Work`] are refused.
    pub work: Option<WorkRing<'m>>,
}

/// What all threads of one chip share.
#[derive(Debug)]
pub struct Scheduler<'m> {
    pub(crate) chip: Chip,
    /// First slot of each ring.
    first_slots: [u32; MAX_RINGS],
    pub(crate) slots: &'m [TaskSlot],
    pub(crate) nodes: &'m [EdgeNode],
    pub(crate) cores: &'m [CoreState],
    pub(crate) ready: [ReadyLine; PRIORITIES],
    pub(crate) shape_cores: [CoreMask; SHAPES],
    /// The cores of each handler.
    pub(crate) owned: [CoreMask; MAX_HANDLERS],
    pub(crate) openings: Openings,
    pub(crate) engaged: Engaged,
    pub(crate) room: Room,
    pub(crate) producer: Producer<'m>,
    pub(crate) wait_list: AsyncWaitList<'m>,
    pub(crate) peers: Peers,
    /// Cores that are out of the pool.
    pub(crate) cores_out: AtomicU32,
    pub(crate) completion: Completion,
    pub(crate) orphans: Orphans,
    pub(crate) work: Option<WorkRing<'m>>,
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
    /// How long things may take where a task does not say.
    pub limits: Limits,
    /// How conditions come to the wait list.
    pub completion: Completion,
}

impl Start {
    /// From position 0, without limits.
    pub const fn of_epoch(epoch: u32) -> Self {
        Self {
            position: 0,
            epoch,
            limits: Limits::NONE,
            completion: Completion::Mailbox,
        }
    }
}

/// Builds a scheduler for `chip` in `memory`.
///
/// # Panics
/// If lengths do not fit each other or the chip; the runtime's configuration checks them first.
/// And if the memory served a run that did not come to rest: see [`Memory::check_at_rest`].
pub fn assemble(chip: Chip, start: Start, memory: Memory<'_>) -> Assembly<'_> {
    check(&chip, &memory);
    let rest = memory.check_at_rest();
    assert!(rest.is_ok(), "{rest:?}: assembled again before it rests");
    let (producer, consumer) = mailbox_with_lines(
        memory.header,
        memory.cells,
        memory.claim_lines,
        start.position,
        start.epoch,
    );
    let mut shape_cores = [CoreMask::default(); SHAPES];
    let openings = Openings::default();
    for core in chip.all() {
        let shape = chip.shape_of(core);
        shape_cores[shape as usize] |= only(core);
        if shape != Shape::Host {
            shape_cores[Shape::Mix as usize] |= only(core);
        }
        if memory.handler_cores[core.index()].is_suspect {
            openings.suspect(core);
        }
    }
    let room = Room::new(u32::try_from(memory.conditions.len()).expect("checked above"));
    let wait_memory = WaitMemory {
        entries: memory.entries,
        poll: PollMemory {
            conditions: memory.conditions,
            lines: memory.lines,
            words: memory.line_words,
            index: memory.line_index,
        },
        queues: memory.queues,
    };
    let scheduler = Scheduler {
        room,
        wait_list: AsyncWaitList::new(consumer, wait_memory, start.limits),
        peers: Peers::default(),
        completion: start.completion,
        orphans: Orphans::default(),
        work: memory.work,
        chip,
        first_slots: memory.rings.first_slots(),
        slots: memory.slots,
        nodes: memory.nodes,
        cores: memory.cores,
        ready: Default::default(),
        shape_cores,
        owned: core::array::from_fn(|handler| owned_by(&chip, handler)),
        openings,
        engaged: Engaged::default(),
        producer,
        cores_out: AtomicU32::new(0),
        fault: FirstFault::default(),
    };
    let submitter = Submitter::new(&scheduler, &memory.rings, memory.books, memory.scopes);
    let all = chip.all().fold(0, |all, core| all | only(core));
    let dispatcher = Dispatcher::new(memory.tokens, all, start.limits.run_ns);
    let handler_cores = memory.handler_cores;
    Assembly {
        scheduler,
        submitter,
        dispatcher,
        handler_cores,
        handed_out: 0,
    }
}

fn owned_by(chip: &Chip, handler: usize) -> CoreMask {
    let handler = u8::try_from(handler).expect("at most MAX_HANDLERS");
    match handler < chip.handlers {
        true => chip
            .cores_of(handler)
            .fold(0, |mask, core| mask | 1 << core),
        false => 0,
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
        memory.rings.is_valid(slots),
        "1 to 4 rings, which own the task slots together, with heaps in multiples of 64 bytes"
    );
    assert!(
        memory.books.len() == slots,
        "one page of the submitter's book for each task slot"
    );
    assert!(
        memory.scopes.len() <= MAX_SCOPES,
        "at most 255 scopes are open at once"
    );
    assert!(
        memory.nodes.len() <= MAX_EDGE_NODES as usize,
        "at most 2^30 dependency nodes"
    );
    assert!(
        (64..=1 << 30).contains(&memory.conditions.len()),
        "room for 64 to 2^30 conditions"
    );
    assert!(
        [memory.lines.len(), memory.line_words.len()] == [memory.conditions.len(); 2],
        "one line and one line's words for each condition"
    );
    assert!(
        memory.line_index.len() == LinePlace::needed(memory.conditions.len()),
        "an index of twice as many places, rounded up to a power of two"
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

/// Why memory cannot be assembled again: its last run was not clean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the last run left {tasks} tasks unfinished or with tokens out, and {cores} busy cores")]
pub struct NotAtRest {
    /// Tasks without an outcome, or of which a core still has a token.
    pub tasks: u32,
    /// Cores with something in flight, or whose handler owes something.
    pub cores: u32,
}

impl Memory<'_> {
    /// Whether a scheduler may be assembled here: memory never used, or whose last run came to
    /// rest. A reset of the device brings lost cores and their tasks to rest; nothing else does.
    ///
    /// # Errors
    /// [`NotAtRest`].
    pub fn check_at_rest(&self) -> Result<(), NotAtRest> {
        let is_out = |slot: &&TaskSlot| !slot.retire.state_for_recycling().is_at_rest();
        let is_busy = |core: &&CoreState| {
            !core.pair.looked_at().is_idle() || !core.records.iter().all(Record::is_free)
        };
        let count = |count| u32::try_from(count).expect("at most 2^24");
        let tasks = count(self.slots.iter().filter(is_out).count());
        let cores = count(self.cores.iter().filter(is_busy).count());
        match (tasks, cores) {
            (0, 0) => Ok(()),
            _ => Err(NotAtRest { tasks, cores }),
        }
    }
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
        let number = self.handed_out;
        let range = chip.cores_of(number);
        self.handed_out += 1;
        let cores = core::mem::take(&mut self.handler_cores);
        let (mine, others) = cores.split_at_mut(range.len());
        self.handler_cores = others;
        let name = NonZeroU32::MIN.saturating_add(u32::from(number));
        let pusher = Pusher::new(self.scheduler.producer, name);
        let owned = self.scheduler.owned[usize::from(number)];
        FinHandler::new((number, range.start, owned), mine, pusher)
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

    /// Where items for persistent workers stand, if there may be any: workers register here. Only
    /// the dispatch thread pushes.
    pub const fn work_ring(&self) -> Option<WorkRing<'m>> {
        self.work
    }

    /// Says that the mailbox, which is condemned, refused a message about an item that its worker
    /// is through with, and has told the ring so, or about a worker that is gone: the item's task
    /// fails with MAILBOX_GAP, and, where no worker of a closed ring is left, what nobody took with
    /// NO_WORKER_LEFT. Wake the dispatch thread afterwards.
    pub fn work_unsaid(&self) {
        self.orphans.say();
    }

    /// Declares `rank` dead: conditions that wait for it, and those that come to, fail with
    /// PEER_DEAD. Wake the dispatch thread afterwards. Ranks are not brought back to life: a peer
    /// that returns has a new epoch and a new run.
    ///
    /// # Panics
    /// If `rank` is not below [`MAX_PEERS`](crate::limits::MAX_PEERS).
    pub fn peer_dead(&self, rank: u32) {
        self.peers.declare_dead(rank);
    }

    /// Says that `timeline` has ended: conditions on its words that it has not reached, and those
    /// that come to wait for it, fail with TIMELINE_ENDED. Wake the dispatch thread afterwards. A
    /// timeline does not begin again.
    ///
    /// # Panics
    /// If `timeline` is not below [`MAX_TIMELINES`](crate::limits::MAX_TIMELINES).
    pub fn timeline_ended(&self, timeline: u32) {
        self.peers.end_timeline(timeline);
    }

    /// Whether the mailbox, or what became of it, may want the dispatch thread.
    #[inline]
    pub fn has_mail_hint(&self) -> bool {
        self.producer.is_mail_hint() || self.orphans.is_said_hint()
    }

    /// Messages claimed and not drained, as far as this thread can see, without the wait list's
    /// lock: at the mailbox's size for ever, nobody drains.
    pub fn mailbox_depth_hint(&self) -> u32 {
        self.producer.depth_hint()
    }

    /// Tells everybody who listens of `fault`, for which `core` is to blame; the first one of a run
    /// is its fault.
    pub(crate) fn raise(&self, probe: &impl Probe, fault: Fault, core: Option<CoreId>) {
        self.fault.raise(fault);
        probe.event(Event::Raised { fault, core });
    }

    /// The words of `slot`, whatever life they are in now.
    #[inline]
    pub(crate) fn slot(&self, slot: SlotId) -> &TaskSlot {
        &self.slots[slot.index()]
    }

    /// The current life of the slot at `index`, as a thread that owns the slot sees it.
    #[inline]
    pub(crate) fn id_of(&self, index: u32) -> SlotId {
        let generation = self.slots[index as usize].retire.state().generation();
        SlotId::new(self.ring_of(index), index, generation)
    }

    /// Which ring owns the slot at `index`.
    #[inline]
    pub fn ring_of(&self, index: u32) -> u8 {
        ring_of(&self.first_slots, index)
    }

    /// Whether `slot` names the ring that owns its index, which is one of a slot.
    #[inline]
    pub(crate) fn is_named_right(&self, slot: SlotId) -> bool {
        u32::try_from(slot.index()).is_ok_and(|index| {
            slot.index() < self.slots.len() && slot.ring() == self.ring_of(index)
        })
    }

    /// Whether this chip has a core for `shape`, or a work ring; of a mixed task, a core for one of
    /// its subtasks.
    pub fn can_run(&self, shape: Shape) -> bool {
        let is_served = || shape == Shape::Work && self.work.is_some();
        shape == Shape::Dummy || self.shape_cores[shape as usize] != 0 || is_served()
    }

    /// Blocks of a task of `shape`, with these subtasks if it is mixed, that can run at the same
    /// time on the whole chip: a cohort has at most so many. 0 for dummies.
    pub fn capacity(&self, shape: Shape, subtasks: Subtasks) -> u32 {
        let footprint = self.footprint(shape, subtasks);
        footprint.units(CoreMask::MAX).count_ones()
    }

    /// What a block of a task needs.
    #[inline]
    pub(crate) fn footprint(&self, shape: Shape, subtasks: Subtasks) -> Footprint {
        Footprint::new(self.shape_cores[shape as usize], shape, subtasks)
    }
}

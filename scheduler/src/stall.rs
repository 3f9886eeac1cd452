//! Who is stuck, and on what: read when nothing moves any more.

use core::num::NonZeroU32;

use finbox_mailbox::work::Whereabouts;

use crate::edge;
use crate::id::{CoreId, SlotId, TaskId};
use crate::port::Port;
use crate::scheduler::Scheduler;
use crate::slot::{Item, TaskSlot};

/// Where an unfinished task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Waits for tasks before it.
    Blocked {
        /// How many of them are unfinished.
        producers: u32,
    },
    /// Could start, and no core or no condition room was found.
    Ready,
    /// A core has it.
    Running {
        /// Which one.
        core: CoreId,
    },
    /// Ran, and waits for conditions.
    WaitingOnAsync,
    /// Its item stands in the work ring: no worker took it.
    InRing {
        /// At this position.
        position: u64,
        /// Behind so many others that are not taken either.
        behind: u64,
        /// When it was pushed, in ns of the port's clock.
        pushed_ns: u64,
    },
    /// A worker holds its item.
    Held {
        /// Where it was pushed.
        position: u64,
        /// The worker's name.
        by: NonZeroU32,
        /// When it was pushed, in ns of the port's clock.
        pushed_ns: u64,
    },
    /// Its worker is through with its item, and no WORK_DONE about it was taken in.
    Unsaid {
        /// Where it was pushed.
        position: u64,
    },
}

/// An unfinished task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// Its slot.
    pub slot: SlotId,
    /// Its number.
    pub task: TaskId,
    /// Where it stands.
    pub standing: Standing,
}

/// A condition that did not come true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StuckCondition {
    /// Whose it is.
    pub slot: SlotId,
    /// Who should have made it true.
    pub engine: finbox_mailbox::Engine,
    /// How it is read.
    pub completion: finbox_mailbox::CompletionType,
    /// The address it watches.
    pub addr: u64,
    /// The engine's own value.
    pub cookie: u64,
    /// The value it waits for: of the counter, of completed post ids, of the queue's position.
    pub expected: u64,
    /// The value that was seen first.
    pub first: u64,
    /// The value that was seen last.
    pub observed: u64,
    /// The last step backwards that its counter took: from, to.
    pub went_back: Option<(u32, u32)>,
    /// For how long it has been known.
    pub age_ns: u64,
}

impl Scheduler<'_> {
    /// Lends every unfinished task to `visit`, in ring order. A snapshot only while nothing moves.
    pub fn for_each_stuck(&self, mut visit: impl FnMut(Stuck)) {
        for (index, words) in (0..).zip(self.slots) {
            let state = words.retire.state();
            if state.is_finished() {
                continue;
            }
            let slot = SlotId::new(self.ring_of(index), index, state.generation());
            let standing = match (words.fan_in_hint(), state.remaining()) {
                (0, _) if words.kind().is_work() => self.standing_of_item(words),
                (0, 0) => Standing::WaitingOnAsync,
                (0, _) => self
                    .running_on(slot)
                    .map_or(Standing::Ready, |core| Standing::Running { core }),
                (producers, _) => Standing::Blocked { producers },
            };
            visit(Stuck {
                slot,
                task: words.task(),
                standing,
            });
        }
    }

    fn standing_of_item(&self, words: &TaskSlot) -> Standing {
        let (Item::At(position, pushed_ns), Some(ring)) = (words.item(), self.work) else {
            return Standing::Ready;
        };
        match ring.whereabouts(position) {
            Whereabouts::Waiting { behind } => Standing::InRing {
                position,
                behind,
                pushed_ns,
            },
            Whereabouts::Held { by } => Standing::Held {
                position,
                by,
                pushed_ns,
            },
            Whereabouts::Done => Standing::Unsaid { position },
        }
    }

    fn running_on(&self, slot: SlotId) -> Option<CoreId> {
        let has = |core: &CoreId| {
            self.cores[core.index()]
                .records
                .iter()
                .any(|record| record.slot() == Some(slot))
        };
        self.chip().all().find(has)
    }

    /// Lends every unmet condition to `visit`. Returns `false` if another thread holds the list.
    pub fn for_each_unmet(&self, port: &impl Port, mut visit: impl FnMut(StuckCondition)) -> bool {
        let Some(desk) = self.wait_list.try_lock() else {
            return false;
        };
        let now = port.now();
        for unmet in desk.unmet() {
            visit(StuckCondition {
                slot: unmet.slot,
                engine: unmet.engine,
                completion: unmet.completion,
                addr: unmet.addr,
                cookie: unmet.cookie,
                expected: unmet.wanted(),
                first: unmet.first,
                observed: unmet.observed,
                went_back: unmet.went_back,
                age_ns: now.saturating_sub(unmet.since_ns),
            });
        }
        true
    }

    /// Tasks that are finished while a core still has a token of them, and cores that are out of
    /// the pool. A snapshot.
    pub fn quarantined(&self) -> (u32, u32) {
        let slots = self.slots.iter();
        let tasks = slots.filter(|words| words.retire.state().is_quarantined());
        let tasks = u32::try_from(tasks.count()).expect("at most 2^24 slots");
        // RELAXED: a statistic.
        (tasks, self.cores_out.load(edge::OUT_HINT))
    }

    /// Whether the task that was wired in as `slot` has its outcome.
    pub fn is_finished(&self, slot: SlotId) -> bool {
        self.slots
            .get(slot.index())
            .is_none_or(|words| !words.retire.state().is_live(slot.generation()))
    }

    /// Tasks in the wait list, and messages in the mailbox. `None` if another thread holds the
    /// list.
    pub fn waiting(&self) -> Option<(u32, u32)> {
        let desk = self.wait_list.try_lock()?;
        Some((desk.live(), desk.mailbox_depth_hint()))
    }

    /// Items in the work ring or in the hands of workers. A statistic, right while nothing moves.
    pub fn items_out(&self) -> u64 {
        self.work.map_or(0, |ring| ring.in_flight())
    }

    /// Condition room promised now, of how much in all.
    pub fn room(&self) -> (u32, u32) {
        (self.room.total() - self.room.free(), self.room.total())
    }
}

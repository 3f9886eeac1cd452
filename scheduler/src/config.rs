//! Configuration of one chip's scheduler: every size, its default and its range.
//!
//! Whoever lends the memory ([`Memory`](crate::Memory)) takes its lengths from here: the runtime's
//! arena, and libfinbox, which carves them out of what a C program gives it.

use finbox_mailbox::work::MAX_WORKERS;
use thiserror::Error;

use crate::chip::Chip;
use crate::edges::MAX_EDGE_NODES;
use crate::heap::OUTPUT_ALIGN;
use crate::id::SlotId;
use crate::limits::{
    DEFAULT_CONDITION_ROOM, DEFAULT_EDGE_NODES, DEFAULT_MAILBOX_SLOTS, DEFAULT_TASK_SLOTS,
    DEFAULT_URMA_QUEUES, MAX_CORES, MAX_HANDLERS, MAX_RINGS,
};
use crate::rings::Rings;
use crate::scheduler::Start;
use crate::target::Target;

/// Most slots a mailbox, or a work ring, may be configured with (1 GiB of memory).
const MAX_MAILBOX_SLOTS: u32 = 1 << 24;

/// Most output bytes a ring may be configured with.
const MAX_HEAP_BYTES: u64 = 1 << 60;

/// What a scheduler is built from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// The chip, or the part of it, that is driven.
    pub chip: Chip,
    /// Rings, 1 to 4: a task goes to that of its scope depth, or to the last.
    pub rings: u8,
    /// Tasks in flight at once in each ring, 1 to 2²⁴ in all.
    pub task_slots: u32,
    /// Output bytes of each ring, a multiple of 64; 0: tasks may have no output.
    pub heap_bytes: u64,
    /// Scopes open at once.
    pub scopes: u8,
    /// Fan-out edges of unfinished tasks at once, 0 to 2³⁰.
    pub edge_nodes: u32,
    /// Conditions stored or promised at once, 64 to 2³⁰.
    pub condition_room: u32,
    /// URMA completion queues that conditions may name in a run, 0 to 65 536.
    pub urma_queues: u32,
    /// Messages in the mailbox at once: a power of two, 2 to 2²⁴.
    pub mailbox_slots: u32,
    /// Items for persistent workers in the work ring at once: a power of two, 2 to 2²⁴; 0: there is
    /// none, and tasks of [`Shape::Work`](crate::Shape) are refused.
    pub work_slots: u32,
    /// Persistent workers at once, 0 to 256.
    pub workers: u32,
    /// Where the mailbox's life starts, and the run's epoch.
    pub start: Start,
}

impl Config {
    /// The whole chip with the limits of the real one.
    pub const fn of(target: &'static Target) -> Self {
        Self {
            chip: Chip::whole(target),
            rings: 1,
            task_slots: DEFAULT_TASK_SLOTS,
            heap_bytes: 0,
            scopes: u8::MAX,
            edge_nodes: DEFAULT_EDGE_NODES,
            condition_room: DEFAULT_CONDITION_ROOM,
            urma_queues: DEFAULT_URMA_QUEUES,
            mailbox_slots: DEFAULT_MAILBOX_SLOTS,
            work_slots: 0,
            workers: 0,
            start: Start::of_epoch(1),
        }
    }

    /// How task slots and output memory are divided.
    ///
    /// # Panics
    /// If there are more than 4 rings, which are among the [`errors`](Self::errors).
    pub const fn sizes(&self) -> Rings {
        Rings::alike(self.rings, self.task_slots, self.heap_bytes)
    }

    /// Task slots of all rings, at most `u32::MAX`.
    pub const fn all_task_slots(&self) -> u32 {
        self.task_slots.saturating_mul(self.rings as u32)
    }

    /// Everything that is wrong with it, field by field.
    pub fn errors(&self) -> impl Iterator<Item = ConfigError> + use<> {
        let outside = |&(_, value, least, most): &(_, u64, u64, u64)| value < least || value > most;
        let ranges = self.ranges().into_iter().filter(outside);
        let ranges = ranges.map(|(what, value, least, most)| ConfigError::Range {
            what,
            value,
            least,
            most,
        });
        let (slots, bytes) = (self.mailbox_slots, self.heap_bytes);
        let power = (!slots.is_power_of_two()).then_some(ConfigError::PowerOfTwo { slots });
        let is_ragged = bytes % OUTPUT_ALIGN != 0;
        let ragged = is_ragged.then_some(ConfigError::Ragged { bytes });
        let slots = self.work_slots;
        let is_ring = slots == 0 || slots.is_power_of_two() && slots >= 2;
        let work = (!is_ring).then_some(ConfigError::WorkSlots { slots });
        ranges.chain(power).chain(ragged).chain(work)
    }

    /// What is limited: its name, its value, and the smallest and largest allowed.
    fn ranges(&self) -> [(&'static str, u64, u64, u64); 12] {
        let chip = &self.chip;
        let most_lanes = MAX_CORES - chip.target.cores() as usize;
        [
            (
                "cores",
                u64::from(chip.cores),
                1,
                u64::from(chip.target.cores()),
            ),
            (
                "host lanes",
                u64::from(chip.host_lanes),
                0,
                most_lanes as u64,
            ),
            (
                "FIN handlers",
                u64::from(chip.handlers),
                1,
                MAX_HANDLERS as u64,
            ),
            ("rings", u64::from(self.rings), 1, MAX_RINGS as u64),
            (
                "task slots of all rings",
                u64::from(self.all_task_slots()),
                1,
                u64::from(SlotId::MAX_INDEX) + 1,
            ),
            (
                "edge nodes",
                u64::from(self.edge_nodes),
                0,
                u64::from(MAX_EDGE_NODES),
            ),
            ("heap bytes", self.heap_bytes, 0, MAX_HEAP_BYTES),
            (
                "condition room",
                u64::from(self.condition_room),
                64,
                1 << 30,
            ),
            ("URMA queues", u64::from(self.urma_queues), 0, 1 << 16),
            (
                "mailbox slots",
                u64::from(self.mailbox_slots),
                2,
                u64::from(MAX_MAILBOX_SLOTS),
            ),
            (
                "work slots",
                u64::from(self.work_slots),
                0,
                u64::from(MAX_MAILBOX_SLOTS),
            ),
            ("workers", u64::from(self.workers), 0, MAX_WORKERS.into()),
        ]
    }
}

/// One field out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// A number outside its range.
    #[error("{what}: {value} is outside {least} to {most}")]
    Range {
        /// Which number.
        what: &'static str,
        /// What it is.
        value: u64,
        /// Smallest allowed.
        least: u64,
        /// Largest allowed.
        most: u64,
    },
    /// Output memory that does not end where a reservation may end.
    #[error("heap bytes: {bytes} is not a multiple of {OUTPUT_ALIGN}")]
    Ragged {
        /// What it is.
        bytes: u64,
    },
    /// A capacity of the work ring that it cannot have.
    #[error("work slots: {slots} is neither 0 nor a power of two of at least 2")]
    WorkSlots {
        /// What it is.
        slots: u32,
    },
    /// A mailbox capacity that is no power of two.
    #[error("mailbox slots: {slots} is not a power of two")]
    PowerOfTwo {
        /// What it is.
        slots: u32,
    },
}

#[cfg(all(test, feature = "a5"))]
mod tests {
    use super::{Config, ConfigError};
    use crate::target::A5;

    #[test]
    fn all_errors_of_a_configuration_come_one_by_one() {
        let mut config = Config::of(&A5);
        assert_eq!(config.errors().next(), None);
        config.chip.handlers = 0;
        config.chip.cores = 109;
        config.mailbox_slots = 3;
        (config.rings, config.heap_bytes) = (5, 65);
        (config.work_slots, config.workers) = (1, 257);
        assert_eq!(config.errors().count(), 7);
        let has = |error| config.errors().any(|found| found == error);
        assert!(has(ConfigError::Ragged { bytes: 65 }));
        assert!(has(ConfigError::PowerOfTwo { slots: 3 }));
        assert!(has(ConfigError::WorkSlots { slots: 1 }));
        let (what, value, least, most) = ("cores", 109, 1, 108);
        assert!(has(ConfigError::Range {
            what,
            value,
            least,
            most
        }));
    }
}

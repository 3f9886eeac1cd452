//! Ready tasks for whose conditions there was no room.
//!
//! They stand in the order they came and none blocks another: when as much is free as the least of
//! them needs, all are asked in a lap, in pieces of a budget. As long as less is free, a look costs
//! one comparison.

use crate::ready::{Line, SlotQueue};
use crate::slot::TaskSlot;
use crate::spec::{PRIORITIES, SHAPES};

/// Tasks that lack condition room asked in one pass.
pub const RETRY_BUDGET: u32 = 64;

/// The tasks.
#[derive(Debug)]
pub(crate) struct Roomless {
    queue: SlotQueue,
    count: u32,
    /// No more than the smallest bound among them.
    least: u32,
    /// How many of the lap are still to be asked, and the smallest bound it left here.
    lap_left: u32,
    lap_least: u32,
}

impl Default for Roomless {
    fn default() -> Self {
        Self {
            queue: SlotQueue::default(),
            count: 0,
            least: u32::MAX,
            lap_left: 0,
            lap_least: u32::MAX,
        }
    }
}

fn bound(slots: &[TaskSlot], index: u32) -> u32 {
    slots[index as usize].kind().may_defer()
}

impl Roomless {
    /// Takes in a task that found no room.
    pub(crate) fn push(&mut self, slots: &[TaskSlot], index: u32) {
        self.queue.push(slots, index);
        self.count += 1;
        self.least = self.least.min(bound(slots, index));
        self.lap_least = self.lap_least.min(bound(slots, index));
    }

    /// Whether no task is here, and no lap is going on.
    #[inline]
    pub(crate) const fn is_empty(&self) -> bool {
        self.least == u32::MAX && self.lap_left == 0
    }

    /// Whether a lap is not over.
    pub(crate) const fn is_retrying(&self) -> bool {
        self.lap_left > 0
    }

    /// Moves tasks that fit into `free` to the lines they came from. Returns how many.
    pub(crate) fn retry(
        &mut self,
        slots: &[TaskSlot],
        mut free: u32,
        lines: &mut [[Line; SHAPES]; PRIORITIES],
    ) -> u32 {
        if self.lap_left == 0 {
            if free < self.least {
                return 0;
            }
            self.lap_left = self.count;
            self.lap_least = u32::MAX;
        }
        let asked = self.lap_left.min(RETRY_BUDGET);
        let mut moved = 0;
        for _ in 0..asked {
            let index = self.queue.pop(slots).expect("a lap asks only who is here");
            let needed = bound(slots, index);
            if needed <= free {
                free -= needed;
                moved += 1;
                let words = &slots[index as usize];
                let line = &mut lines[words.kind().priority() as usize][words.kind().stack()];
                line.queue.push(slots, index);
            } else {
                self.lap_least = self.lap_least.min(needed);
                self.queue.push(slots, index);
            }
        }
        self.count -= moved;
        self.lap_left -= asked;
        if self.lap_left == 0 {
            self.least = self.lap_least;
        }
        moved
    }
}

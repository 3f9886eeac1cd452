//! The one queue of a lockstep world: everything that will happen, in the order in which it does.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use finbox_scheduler::CoreId;

use crate::device::Rung;
use crate::engine::EffectKind;

/// What happens at a time.
#[derive(Debug)]
pub(super) enum What {
    Core {
        rank: usize,
        core: CoreId,
    },
    Doorbell {
        rank: usize,
        rung: Rung,
    },
    /// An effect of this rank.
    Effect(usize, EffectKind),
    /// The other ranks are told that this one is dead.
    Declare(usize),
    /// A rank's engines have something to end, or to begin.
    Engines {
        rank: usize,
    },
    /// A time at which an actor wanted to be called though nothing happens. Counts as a device
    /// event: until it comes nobody is stuck.
    Alarm(usize),
    /// Whoever held the wait list of this rank gives it back.
    ListFree(usize),
    Actor(usize),
}

/// An entry. Device events come before threads; among themselves in the order in which they were
/// issued, threads by their keys.
#[derive(Debug)]
struct Item {
    at_ns: u64,
    is_actor: bool,
    key: u64,
    what: What,
}

impl Item {
    const fn order(&self) -> (u64, bool, u64) {
        (self.at_ns, self.is_actor, self.key)
    }
}

impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        self.order() == other.order()
    }
}

impl Eq for Item {}

impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Item {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order().cmp(&other.order())
    }
}

/// What is to happen.
#[derive(Debug, Default)]
pub(super) struct Queue {
    heap: BinaryHeap<Reverse<Item>>,
    issued: u64,
    taken: u64,
}

impl Queue {
    /// A device event at `at_ns`.
    pub(super) fn issue(&mut self, at_ns: u64, what: What) {
        let key = self.issued;
        self.issued += 1;
        self.heap.push(Reverse(Item {
            at_ns,
            is_actor: false,
            key,
            what,
        }));
    }

    /// The next step of an actor, whose place among actors is `key`.
    pub(super) fn schedule(&mut self, actor: usize, key: u64, at_ns: u64) {
        self.heap.push(Reverse(Item {
            at_ns,
            is_actor: true,
            key,
            what: What::Actor(actor),
        }));
    }

    /// Whether a device is going to do something.
    pub(super) const fn has_device_event(&self) -> bool {
        self.issued > self.taken
    }

    /// Takes the first entry, with its time, if there is one at `end_ns` or before.
    pub(super) fn pop_until(&mut self, end_ns: u64) -> Option<(u64, What)> {
        let Reverse(item) = self.heap.pop().filter(|first| first.0.at_ns <= end_ns)?;
        self.taken += u64::from(!item.is_actor);
        Some((item.at_ns, item.what))
    }
}

#[cfg(test)]
mod tests {
    use super::{Queue, What};

    #[test]
    fn devices_come_before_threads_and_threads_by_their_keys() {
        let mut queue = Queue::default();
        queue.schedule(1, 20, 100);
        queue.schedule(2, 10, 100);
        queue.schedule(3, 30, 99);
        let core = |rank| What::Core {
            rank,
            core: finbox_scheduler::CoreId(0),
        };
        queue.issue(100, core(7));
        queue.issue(100, core(8));
        let next = |queue: &mut Queue| match queue.pop_until(100)?.1 {
            What::Core { rank, .. } => Some(rank),
            What::Actor(actor) => Some(actor),
            _ => None,
        };
        let order: Vec<usize> = std::iter::from_fn(|| next(&mut queue)).collect();
        assert_eq!(order, [3, 7, 8, 2, 1]);
    }

    #[test]
    fn what_comes_after_the_end_does_not_come() {
        let mut queue = Queue::default();
        queue.schedule(0, 0, 101);
        assert!(queue.pop_until(100).is_none());
    }
}

//! The one queue of a lockstep world: everything that will happen, in the order in which it does.

use std::cmp::Reverse;
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

/// When something happens, and its place among all that happens then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Order(u128);

impl Order {
    /// Behind everything.
    const NEVER: Self = Self(u128::MAX);

    const fn new(at_ns: u64, key: u64) -> Self {
        Self((at_ns as u128) << 64 | key as u128)
    }

    const fn at_ns(self) -> u64 {
        (self.0 >> 64) as u64
    }
}

/// The next step of every actor, and who comes first: a tournament.
#[derive(Debug)]
struct Steps {
    orders: Vec<Order>,
    /// Winner of each match: match `m` is between the winners of `2m` and `2m + 1`, or, from
    /// `orders.len()` on, of actors themselves. The first place is free.
    winners: Vec<u32>,
}

impl Steps {
    fn new(actors: usize) -> Self {
        let places = actors.next_power_of_two().max(2);
        let mut steps = Self {
            orders: vec![Order::NEVER; places],
            winners: vec![0; places],
        };
        (0..places).step_by(2).for_each(|actor| steps.replay(actor));
        steps
    }

    fn set(&mut self, actor: usize, order: Order) {
        self.orders[actor] = order;
        self.replay(actor);
    }

    /// Plays the matches of `actor` again.
    fn replay(&mut self, actor: usize) {
        let places = self.orders.len();
        let mut at = (places + actor) / 2;
        let first = actor & !1;
        let mut winner = self.better(first, first + 1);
        loop {
            self.winners[at] = index(winner);
            if at == 1 {
                return;
            }
            winner = self.better(winner, self.winners[at ^ 1] as usize);
            at /= 2;
        }
    }

    fn better(&self, one: usize, other: usize) -> usize {
        match self.orders[other] < self.orders[one] {
            true => other,
            false => one,
        }
    }

    fn first(&self) -> (usize, Order) {
        let first = self.winners[1] as usize;
        (first, self.orders[first])
    }
}

fn index(place: usize) -> u32 {
    u32::try_from(place).expect("fewer than 2³² things are on their way at once")
}

/// What is to happen. Device events come before threads; among themselves in the order in which
/// they were issued, threads by their keys.
#[derive(Debug)]
pub(super) struct Queue {
    /// When each event happens, and where it stands in `events`.
    heap: BinaryHeap<Reverse<(Order, u32)>>,
    events: Vec<Option<What>>,
    /// Places in `events` with nothing in them.
    free: Vec<u32>,
    steps: Steps,
    issued: u64,
}

impl Queue {
    /// An empty one for `actors` actors.
    pub(super) fn new(actors: usize) -> Self {
        Self {
            heap: BinaryHeap::new(),
            events: Vec::new(),
            free: Vec::new(),
            steps: Steps::new(actors),
            issued: 0,
        }
    }

    /// A device event at `at_ns`.
    pub(super) fn issue(&mut self, at_ns: u64, what: What) {
        let order = Order::new(at_ns, self.issued);
        self.issued += 1;
        let place = match self.free.pop() {
            Some(place) => {
                self.events[place as usize] = Some(what);
                place
            }
            None => {
                self.events.push(Some(what));
                index(self.events.len() - 1)
            }
        };
        self.heap.push(Reverse((order, place)));
    }

    /// The next step of an actor, whose place among actors is `key`, instead of any before.
    pub(super) fn schedule(&mut self, actor: usize, key: u64, at_ns: u64) {
        self.steps.set(actor, Order::new(at_ns, key));
    }

    /// An actor takes no step until it is scheduled again.
    pub(super) fn cancel(&mut self, actor: usize) {
        self.steps.set(actor, Order::NEVER);
    }

    /// Whether a device is going to do something.
    pub(super) fn has_device_event(&self) -> bool {
        !self.heap.is_empty()
    }

    /// Takes the first entry, with its time, if there is one at `end_ns` or before.
    pub(super) fn pop_until(&mut self, end_ns: u64) -> Option<(u64, What)> {
        let (actor, step) = self.steps.first();
        let event = self.heap.peek().map(|&Reverse((order, _))| order.at_ns());
        match event.filter(|&at_ns| at_ns <= step.at_ns()) {
            Some(at_ns) if at_ns <= end_ns => {
                let Reverse((_, place)) = self.heap.pop()?;
                self.free.push(place);
                Some((at_ns, self.events[place as usize].take()?))
            }
            None if step != Order::NEVER && step.at_ns() <= end_ns => {
                self.cancel(actor);
                Some((step.at_ns(), What::Actor(actor)))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Queue, What};

    #[test]
    fn devices_come_before_threads_and_threads_by_their_keys() {
        let mut queue = Queue::new(4);
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
        let mut queue = Queue::new(1);
        queue.schedule(0, 0, 101);
        assert!(queue.pop_until(100).is_none());
    }
}

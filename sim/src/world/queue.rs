//! The one queue of a lockstep world: everything that will happen, in the order in which it does.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use finbox_scheduler::{CoreId, Token};

use crate::engine::EffectKind;
use crate::shadow::{Act, By, Shadow};

/// What happens at a time.
#[derive(Debug)]
pub(super) enum What {
    Core {
        rank: usize,
        core: CoreId,
    },
    /// A doorbell that was rung at a time is seen.
    Doorbell {
        rank: u32,
        core: CoreId,
        token: Token,
        rung_ns: u64,
    },
    /// An effect, and whose.
    Effect(Box<(Sender, EffectKind)>),
    /// The other ranks are told that this one is dead.
    Declare(usize),
    /// A rank's engines have something to end, or to begin.
    Engines {
        rank: usize,
    },
    /// A time at which an actor wanted to be called though nothing happens. Counts as a device
    /// event: until it comes nobody is stuck.
    Alarm(usize),
    /// The command ring's bell is heard.
    Bell,
    /// Whoever held the wait list of this rank gives it back.
    ListFree(usize),
    /// Items were offered to a rank's workers, or its work ring was closed.
    Offered(usize),
    /// Workers of a rank are known to be gone.
    Lost(usize),
    Actor(usize),
}

/// Whose an effect is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sender {
    /// Which rank's.
    pub(super) rank: u32,
    /// Which task's.
    pub(super) task: u32,
    /// Which operation of the rank it is recorded as, if it is.
    pub(super) operation: u32,
}

impl Sender {
    /// On whose behalf the effect touches memory, for `shadow` if there is one.
    pub(super) fn by(self, shadow: Option<&Shadow>) -> By<'_> {
        By::task(shadow, self.rank, self.task, Act::Arrival("put"))
    }
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

/// Runs that are kept apart. A choice: what devices do comes after a few usual delays, and what
/// comes after one delay comes in the order in which it was issued.
const RUNS: usize = 6;

/// Device events, in any order: each run is in order, and what fits none is in a heap.
#[derive(Debug, Default)]
struct Events {
    runs: [VecDeque<(Order, What)>; RUNS],
    /// When the first event of each run and of the heap happens.
    firsts: [Order; RUNS + 1],
    /// The least of these, and where it is.
    first: (Order, usize),
    /// When the last event of each run happens.
    lasts: [Order; RUNS],
    /// Where what is in no run stands in `strays`.
    heap: BinaryHeap<Reverse<(Order, u32)>>,
    strays: Vec<Option<What>>,
    /// Places in `strays` with nothing in them.
    free: Vec<u32>,
}

impl Default for Order {
    fn default() -> Self {
        Self::NEVER
    }
}

impl Events {
    fn push(&mut self, order: Order, what: What) {
        let empty = || self.runs.iter().position(VecDeque::is_empty);
        let Some(run) = self.fitting(order).or_else(empty) else {
            return self.push_stray(order, what);
        };
        if self.runs[run].is_empty() {
            self.firsts[run] = order;
            self.first = self.first.min((order, run));
        }
        self.lasts[run] = order;
        self.runs[run].push_back((order, what));
    }

    /// The run with the latest end before `order`.
    fn fitting(&self, order: Order) -> Option<usize> {
        let mut best = None;
        for (run, &last) in self.lasts.iter().enumerate() {
            if last < order && best.is_none_or(|(_, best)| best < last) {
                best = Some((run, last));
            }
        }
        best.map(|(run, _)| run)
    }

    fn push_stray(&mut self, order: Order, what: What) {
        let place = match self.free.pop() {
            Some(place) => {
                self.strays[place as usize] = Some(what);
                place
            }
            None => {
                self.strays.push(Some(what));
                index(self.strays.len() - 1)
            }
        };
        self.heap.push(Reverse((order, place)));
        self.firsts[RUNS] = self.firsts[RUNS].min(order);
        self.first = self.first.min((order, RUNS));
    }

    /// Takes the first event.
    fn pop(&mut self) -> Option<What> {
        let what = self.pop_from(self.first.1);
        self.first = (self.firsts[0], 0);
        for (run, &first) in self.firsts.iter().enumerate().skip(1) {
            if first < self.first.0 {
                self.first = (first, run);
            }
        }
        what
    }

    /// Takes the first event of a run, or of the heap.
    fn pop_from(&mut self, from: usize) -> Option<What> {
        if from == RUNS {
            let Reverse((_, place)) = self.heap.pop()?;
            let first = self.heap.peek().map(|&Reverse((order, _))| order);
            self.firsts[RUNS] = first.unwrap_or(Order::NEVER);
            self.free.push(place);
            return self.strays[place as usize].take();
        }
        let (_, what) = self.runs[from].pop_front()?;
        let first = self.runs[from].front().map(|&(order, _)| order);
        self.firsts[from] = first.unwrap_or(Order::NEVER);
        if first.is_none() {
            self.lasts[from] = Order::NEVER;
        }
        Some(what)
    }
}

/// What is to happen. Device events come before threads; among themselves in the order in which
/// they were issued, threads by their keys.
#[derive(Debug)]
pub(super) struct Queue {
    events: Events,
    steps: Steps,
    /// An actor whose step was taken and whose next one is not known yet.
    taken_step: Option<usize>,
    issued: u64,
    taken: u64,
}

impl Queue {
    /// An empty one for `actors` actors.
    pub(super) fn new(actors: usize) -> Self {
        Self {
            events: Events::default(),
            steps: Steps::new(actors),
            taken_step: None,
            issued: 0,
            taken: 0,
        }
    }

    /// A device event at `at_ns`.
    pub(super) fn issue(&mut self, at_ns: u64, what: What) {
        self.events.push(Order::new(at_ns, self.issued), what);
        self.issued += 1;
    }

    /// The next step of an actor, whose place among actors is `key`, instead of any before.
    pub(super) fn schedule(&mut self, actor: usize, key: u64, at_ns: u64) {
        if self.taken_step == Some(actor) {
            self.taken_step = None;
        }
        self.steps.set(actor, Order::new(at_ns, key));
    }

    /// An actor takes no step until it is scheduled again.
    pub(super) fn cancel(&mut self, actor: usize) {
        if self.taken_step != Some(actor) {
            self.steps.set(actor, Order::NEVER);
        }
    }

    /// Whether a device is going to do something.
    pub(super) const fn has_device_event(&self) -> bool {
        self.issued > self.taken
    }

    /// Takes the first entry, with its time, if there is one at `end_ns` or before.
    pub(super) fn pop_until(&mut self, end_ns: u64) -> Option<(u64, What)> {
        if let Some(actor) = self.taken_step.take() {
            self.steps.set(actor, Order::NEVER);
        }
        let ((actor, step), (event, _)) = (self.steps.first(), self.events.first);
        let first = step.min(event);
        if first == Order::NEVER || first.at_ns() > end_ns {
            return None;
        }
        if event.at_ns() <= step.at_ns() {
            self.taken += 1;
            return Some((event.at_ns(), self.events.pop()?));
        }
        self.taken_step = Some(actor);
        Some((step.at_ns(), What::Actor(actor)))
    }
}

#[cfg(test)]
mod tests {
    use super::{Queue, What};
    use crate::workload::mix;

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

    #[test]
    fn events_of_any_times_come_in_order_and_in_turn() {
        let mut queue = Queue::new(1);
        let mut expected = Vec::new();
        for rank in 0..2_000_usize {
            let at_ns = mix(rank as u64) % 300 + rank as u64 / 4;
            queue.issue(at_ns, What::Engines { rank });
            expected.push((at_ns, rank));
        }
        expected.sort_unstable();
        let next = |queue: &mut Queue| match queue.pop_until(u64::MAX)? {
            (at_ns, What::Engines { rank }) => Some((at_ns, rank)),
            _ => None,
        };
        let came: Vec<_> = std::iter::from_fn(|| next(&mut queue)).collect();
        assert_eq!(came, expected);
        assert!(!queue.has_device_event());
    }
}

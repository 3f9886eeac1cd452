//! One queue of an engine: bounded, in order, one transfer at a time.
//!
//! Guarantees: transfers end in the order in which they were posted; each begins when the one
//! before it has ended, not before it was posted, and not before it has a credit; what finds the
//! queue full waits in front of it, in order, and is in it as soon as there is room. Being asked
//! early or often changes nothing. Refuses to know what a transfer is or what it costs.

use std::collections::VecDeque;

/// A queue of `T`.
#[derive(Debug)]
pub(super) struct Serial<T> {
    depth: usize,
    /// With the times since when they are in the queue; the first may be under way.
    queue: VecDeque<(u64, T)>,
    /// What found the queue full.
    in_front: VecDeque<T>,
    /// When the first ends, if it is under way.
    ends_at: Option<u64>,
    /// When the last one ended.
    free_at: u64,
    /// Whether the first lacked a credit when it could have begun.
    is_starved: bool,
    /// How many found the queue full.
    delayed: u64,
}

impl<T> Serial<T> {
    /// An empty queue for `depth` transfers, the one under way included.
    pub(super) const fn new(depth: usize) -> Self {
        Self {
            depth,
            queue: VecDeque::new(),
            in_front: VecDeque::new(),
            ends_at: None,
            free_at: 0,
            is_starved: false,
            delayed: 0,
        }
    }

    /// Adds a transfer at `now`.
    pub(super) fn post(&mut self, now: u64, item: T) {
        if self.queue.len() < self.depth && self.in_front.is_empty() {
            self.queue.push_back((now, item));
        } else {
            self.delayed += 1;
            self.in_front.push_back(item);
        }
    }

    /// Begins the first if nothing is under way; `takes` says for how long, None that it has no
    /// credit. Returns what has begun, and when.
    pub(super) fn begin(
        &mut self,
        now: u64,
        takes: impl FnOnce(&T) -> Option<u64>,
    ) -> Option<(u64, &T)> {
        let (None, Some((since, item))) = (self.ends_at, self.queue.front()) else {
            return None;
        };
        let Some(takes_ns) = takes(item) else {
            self.is_starved = true;
            return None;
        };
        let earliest = if self.is_starved { now } else { 0 };
        self.is_starved = false;
        let begins_at = self.free_at.max(*since).max(earliest);
        self.ends_at = Some(begins_at.saturating_add(takes_ns));
        Some((begins_at, item))
    }

    /// Takes the first if it has ended by `now`.
    pub(super) fn end(&mut self, now: u64) -> Option<T> {
        let ended_at = self.ends_at.filter(|&at| at <= now)?;
        let (_, item) = self.queue.pop_front()?;
        self.ends_at = None;
        self.free_at = ended_at;
        if let Some(next) = self.in_front.pop_front() {
            self.queue.push_back((ended_at, next));
        }
        Some(item)
    }

    /// When the transfer under way ends.
    pub(super) const fn ends_at(&self) -> Option<u64> {
        self.ends_at
    }

    /// Whether the first waits for a credit.
    pub(super) const fn is_starved(&self) -> bool {
        self.is_starved
    }

    /// How many transfers found the queue full.
    pub(super) const fn delayed(&self) -> u64 {
        self.delayed
    }
}

#[cfg(test)]
mod tests {
    use super::Serial;

    /// Ends everything up to `now`, with the times; each takes as many ns as its number.
    fn run(queue: &mut Serial<u64>, now: u64) -> Vec<(u64, u64)> {
        let mut ended = Vec::new();
        loop {
            let _begun = queue.begin(now, |&takes| Some(takes));
            let at = queue.ends_at();
            let Some(item) = queue.end(now) else {
                return ended;
            };
            ended.push((at.unwrap_or(u64::MAX), item));
        }
    }

    #[test]
    fn transfers_go_one_after_another() {
        let mut queue = Serial::new(8);
        [10, 20, 30]
            .into_iter()
            .for_each(|takes| queue.post(100, takes));
        assert_eq!(run(&mut queue, 129), [(110, 10)]);
        assert_eq!(run(&mut queue, 1_000), [(130, 20), (160, 30)]);
        queue.post(2_000, 5);
        assert_eq!(run(&mut queue, 2_005), [(2_005, 5)]);
    }

    #[test]
    fn a_full_queue_delays_and_drops_nothing() {
        let mut queue = Serial::new(2);
        [10; 5].into_iter().for_each(|takes| queue.post(0, takes));
        assert_eq!((queue.delayed(), queue.queue.len()), (3, 2));
        let times: Vec<u64> = run(&mut queue, 50).iter().map(|ended| ended.0).collect();
        assert_eq!(times, [10, 20, 30, 40, 50]);
    }

    #[test]
    fn without_a_credit_nothing_begins_and_time_counts_from_the_credit() {
        let mut queue = Serial::new(2);
        queue.post(0, 10);
        assert_eq!(queue.begin(0, |_| None), None);
        assert!(queue.is_starved() && queue.ends_at().is_none());
        assert_eq!(run(&mut queue, 500), []);
        assert_eq!(queue.ends_at(), Some(510));
        assert!(!queue.is_starved());
        assert_eq!(run(&mut queue, 510), [(510, 10)]);
    }
}

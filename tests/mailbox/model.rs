//! Any sequence of operations gives what a bounded queue gives.

use std::collections::VecDeque;

use finbox_mailbox::{Consumer, Producer, ResetError};
use oorandom::Rand32;

use crate::fixture::{Memory, STARTS, done, drain};

/// The mailbox beside a queue that does the same, and the numbers both should agree on.
struct Pair<'m> {
    producer: Producer<'m>,
    consumer: Consumer<'m>,
    queue: VecDeque<u64>,
    position: u64,
    epoch: u32,
    next: u64,
}

impl Pair<'_> {
    fn push(&mut self) {
        let accepted = self.producer.push(&done(self.next)).is_ok();
        assert_eq!(accepted, self.free() > 0);
        self.accept(u32::from(accepted));
    }

    fn push_batch(&mut self, count: u32) {
        let accepted = self
            .producer
            .push_batch(count, |i| done(self.next + u64::from(i)));
        assert_eq!(accepted, count.min(self.free()));
        self.accept(accepted);
    }

    fn drain(&mut self, budget: u32) {
        let seen = drain(&mut self.consumer, budget, self.epoch);
        assert_eq!(seen.len(), self.queue.len().min(budget as usize));
        for (position, task) in seen {
            assert_eq!(Some(task), self.queue.pop_front());
            assert_eq!(position, self.position);
            self.position = self.position.wrapping_add(1);
        }
    }

    fn reset(&mut self) {
        match self.consumer.reset(self.epoch + 1) {
            Ok(producer) => {
                assert!(self.queue.is_empty());
                self.epoch += 1;
                self.producer = producer;
            }
            Err(refused) => {
                let left = self.queue.len() as i64;
                assert_eq!(refused, ResetError::Undrained { left });
            }
        }
    }

    fn free(&self) -> u32 {
        self.producer.slots() - u32::try_from(self.queue.len()).expect("at most slots")
    }

    fn accept(&mut self, count: u32) {
        let end = self.next + u64::from(count);
        self.queue.extend(self.next..end);
        self.next = end;
    }
}

#[test]
fn any_sequence_of_operations_behaves_as_a_bounded_queue() {
    for seed in 0..300 {
        let mut random = Rand32::new(seed);
        let slots = 2_u32 << random.rand_range(0..4);
        let start = STARTS[random.rand_range(0..6) as usize];
        let mut memory = Memory::new(slots as usize);
        let (producer, consumer) = memory.ring(start);
        let mut pair = Pair {
            producer,
            consumer,
            queue: VecDeque::new(),
            position: start,
            epoch: 1,
            next: 0,
        };
        for _ in 0..400 {
            match random.rand_range(0..8) {
                0..=2 => pair.push(),
                3 | 4 => pair.push_batch(random.rand_range(0..2 * slots)),
                5 | 6 => pair.drain(random.rand_range(0..2 * slots)),
                _ => pair.reset(),
            }
            assert_eq!(pair.consumer.depth_hint() as usize, pair.queue.len());
            assert_eq!(pair.consumer.is_empty_hint(), pair.queue.is_empty());
        }
    }
}

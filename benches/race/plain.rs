//! The algorithm that such runtimes ship today, as a contender.
//!
//! A claim is a compare-exchange on head for each message; tail, which the consumer writes at every
//! pop, is read by every push; the consumer reads head at every pop. Sequences publish.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_utils::CachePadded;
use finbox_mailbox::{WORDS, Words};

use crate::queue::{Queue, SLOTS, add, words};

#[repr(align(64))]
struct Slot {
    seq: AtomicU64,
    words: UnsafeCell<Words>,
}

// SAFETY: whoever claimed a position alone touches its words until `seq` publishes them, and the
// one receiver until tail passes it.
unsafe impl Sync for Slot {}

/// The ring.
pub(crate) struct Plain {
    head: CachePadded<AtomicU64>,
    tail: CachePadded<AtomicU64>,
    slots: Vec<Slot>,
}

impl Plain {
    fn slot(&self, position: u64) -> &Slot {
        &self.slots[(position & (SLOTS as u64 - 1)) as usize]
    }

    fn push(&self, words: &Words) -> bool {
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            if head.wrapping_sub(self.tail.load(Ordering::Acquire)) as i64 >= SLOTS as i64 {
                return false;
            }
            let next = head.wrapping_add(1);
            let exchanged =
                self.head
                    .compare_exchange_weak(head, next, Ordering::AcqRel, Ordering::Acquire);
            match exchanged {
                Ok(_) => break,
                Err(found) => head = found,
            }
        }
        let slot = self.slot(head);
        // SAFETY: the exchange made the position this thread's.
        unsafe { *slot.words.get() = *words };
        slot.seq.store(head.wrapping_add(1), Ordering::Release);
        true
    }

    fn pop(&self) -> Option<Words> {
        let tail = self.tail.load(Ordering::Relaxed);
        if self.head.load(Ordering::Acquire) == tail {
            return None;
        }
        let slot = self.slot(tail);
        if slot.seq.load(Ordering::Acquire) != tail.wrapping_add(1) {
            return None;
        }
        // SAFETY: published, and this is the one receiver.
        let words = unsafe { *slot.words.get() };
        self.tail.store(tail.wrapping_add(1), Ordering::Release);
        Some(words)
    }
}

impl Queue for Plain {
    type Sender<'q> = &'q Self;
    type Receiver<'q> = &'q Self;
    const NAME: &'static str = "plain";

    fn new() -> Self {
        let slot = || Slot {
            seq: AtomicU64::new(0),
            words: UnsafeCell::new([0; WORDS]),
        };
        Self {
            head: CachePadded::default(),
            tail: CachePadded::default(),
            slots: (0..SLOTS).map(|_| slot()).collect(),
        }
    }

    fn ends(&mut self, producers: usize) -> (Vec<&Self>, &Self) {
        (vec![&*self; producers], self)
    }

    fn send(sender: &mut &Self, from: u32, to: u32) -> u32 {
        (from..to)
            .take_while(|&index| sender.push(&words(index)))
            .count() as u32
    }

    fn receive(receiver: &mut &Self, budget: u32, sum: &mut u64) -> u32 {
        let taken = (0..budget).map_while(|_| receiver.pop());
        taken.map(|words| add(sum, &words)).count() as u32
    }
}

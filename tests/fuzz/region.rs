//! Any words at any time in a mailbox in shared memory: nothing is believed that was not checked.

use std::collections::VecDeque;
use std::mem;
use std::num::NonZeroU32;

use finbox_mailbox::{
    Claimed, Consumer, Done, MAGIC, Message, Producer, Salvage, SlotBits, VERSION,
};

use crate::bytes::Bytes;
use crate::raw::Region;

fn message(task: u64) -> Message {
    Message::NormalDone(Done {
        task,
        slot: SlotBits(task),
        expected: 0,
    })
}

/// Handles on a region; what they promise whatever it holds is little: numbers within bounds.
struct Ends<'m> {
    region: &'m Region,
    slots: u32,
    producer: Producer<'m>,
    consumer: Consumer<'m>,
    claims: VecDeque<Claimed<'m>>,
}

impl Ends<'_> {
    fn step(&mut self, bytes: &mut Bytes<'_>) {
        let operation = bytes.u8();
        let count = u32::from(bytes.u8()) % (2 * self.slots);
        match operation % 12 {
            0 => drop(self.producer.push(&message(7))),
            1 => {
                let accepted = self.producer.push_batch(count, |i| message(u64::from(i)));
                assert!(accepted <= count);
            }
            2 | 3 => self.drain(count),
            4 => self.claims.extend(self.producer.claim(count)),
            5 => self.publish(count),
            6 => self.join(),
            7 => self.named(count),
            8 => drop(
                self.consumer
                    .reset(count)
                    .map(|fresh| self.producer = fresh),
            ),
            9 if count == 1 => self.recover(bytes.u8()),
            _ => self.write(bytes),
        }
        self.look();
    }

    fn drain(&mut self, budget: u32) {
        let epoch = self.consumer.epoch();
        let mut taken = 0;
        let drained = self.consumer.drain(budget, |_, words| {
            taken += 1;
            let _ = Message::decode(words, epoch);
        });
        assert_eq!(drained.taken, taken);
        assert!(taken <= budget);
    }

    fn publish(&mut self, count: u32) {
        let Some(mut claimed) = self.claims.pop_front() else {
            return;
        };
        for task in 0..claimed.left().min(count) {
            claimed.publish(&message(u64::from(task)));
        }
        if count == 0 {
            mem::forget(claimed);
        }
    }

    /// Another process finds the mailbox, or does not.
    fn join(&mut self) {
        if let Ok(producer) = self.region.attach() {
            assert!(producer.slots().is_power_of_two());
            assert!(producer.slots() as usize * 8 < self.region.words());
            self.producer = producer;
        }
    }

    fn named(&self, count: u32) {
        let name = NonZeroU32::new(count + 1).expect("not 0");
        if let Ok(mut named) = self.producer.register(name) {
            assert!(named.push_batch(count, |i| message(u64::from(i))) <= count);
            match count % 3 {
                0 => mem::forget(named.claim(1)),
                1 => mem::forget(named),
                _ => {}
            }
        }
    }

    fn recover(&mut self, budget: u8) {
        let mut found = 0;
        let visited = self.consumer.recover(u32::from(budget), |_, salvage| {
            found += 1;
            if let Salvage::Message(words) = salvage {
                let _ = Message::decode(words, 1);
            }
        });
        assert_eq!(visited.taken, found);
        assert!(found <= self.slots.min(u32::from(budget)));
        assert!(self.consumer.is_condemned());
    }

    /// A stranger writes a word: anything, something near what is there, or what is wanted there.
    fn write(&self, bytes: &mut Bytes<'_>) {
        let (mode, near) = (bytes.u8(), bytes.u8());
        let words = match mode & 1 {
            0 => 16,
            _ => self.region.words(),
        };
        let index = usize::from(near) % words;
        let value = match mode >> 5 {
            0 => bytes.u64(),
            1 => u64::from(bytes.u8()),
            2 => MAGIC,
            3 => u64::from(VERSION) | u64::from(self.slots) << 32,
            4 => self.region.read(index) ^ 1 << (mode & 31),
            5 => self.region.read(index).wrapping_sub(u64::from(bytes.u8())),
            _ => self.region.read(index).wrapping_add(u64::from(bytes.u8())),
        };
        self.region.write(index, value);
    }

    fn look(&mut self) {
        let _ = (self.producer.is_mail_hint(), self.producer.is_empty_hint());
        assert!(self.consumer.depth_hint() <= self.slots);
        let _ = (self.consumer.gap(), self.consumer.is_empty_hint());
        let _ = self.consumer.bury(NonZeroU32::MIN);
    }
}

/// Slots, claim lines, what the memory holds, start, operations.
pub(crate) fn target(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let (slots, claimers) = (2 << bytes.below(4), bytes.below(3));
    let region = Region::new(slots, claimers, bytes.u64());
    assert!(region.attach().is_err(), "no header repeats one word");
    for _life in 0..2 {
        let Ok((producer, consumer)) = region.place(slots, bytes.u64()) else {
            return;
        };
        let mut ends = Ends {
            region: &region,
            slots,
            producer,
            consumer,
            claims: VecDeque::new(),
        };
        for _ in 0..64 {
            if bytes.is_empty() {
                break;
            }
            ends.step(&mut bytes);
        }
    }
}

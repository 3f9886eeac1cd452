//! What a contender is, and the messages that all of them carry.

use std::hint::black_box;

use finbox_mailbox::{CompletionType, Condition, Done, Engine, Message, SlotBits, Words};

/// Capacity of every contender.
pub(crate) const SLOTS: usize = 4096;
/// How many conditions a FIN of the FIN path brings.
pub(crate) const CONDITIONS: u32 = 4;
/// At most so many messages are taken before the consumer looks at its count again.
pub(crate) const DRAIN: u32 = 256;

/// A queue of 64-byte messages with many senders and one receiver.
pub(crate) trait Queue {
    /// What a producer thread holds.
    type Sender<'q>: Send
    where
        Self: 'q;
    /// What the consumer thread holds.
    type Receiver<'q>
    where
        Self: 'q;

    /// The column's title.
    const NAME: &'static str;
    /// How many producers it can have.
    const PRODUCERS: usize = usize::MAX;

    /// An empty queue of [`SLOTS`] slots.
    fn new() -> Self;

    /// Both ends, for so many producers.
    fn ends(&mut self, producers: usize) -> (Vec<Self::Sender<'_>>, Self::Receiver<'_>);

    /// Sends messages `from .. to` of a burst, as many as fit; how many did.
    fn send(sender: &mut Self::Sender<'_>, from: u32, to: u32) -> u32;

    /// Takes up to `budget` messages and adds each to the sum; how many there were.
    fn receive(receiver: &mut Self::Receiver<'_>, budget: u32, sum: &mut u64) -> u32;
}

/// Message `index` of a burst: every fifth is the TASK_NORMAL_DONE of the four before it.
#[inline]
pub(crate) fn message(index: u32) -> Message {
    let (task, slot) = (7, SlotBits(7));
    if index % (CONDITIONS + 1) == CONDITIONS {
        return Message::NormalDone(Done {
            task,
            slot,
            expected: CONDITIONS,
        });
    }
    Message::Condition(condition(index))
}

/// The condition that is message `index` of a burst.
#[inline]
pub(crate) fn condition(index: u32) -> Condition {
    Condition {
        task: 7,
        slot: SlotBits(7),
        addr: 0x1000 + u64::from(index) * 4,
        cookie: 0,
        expected: 1,
        engine: Engine::Sdma,
        completion: CompletionType::Counter,
    }
}

/// The seven words of message `index`, for those that have no message of their own.
#[inline]
pub(crate) fn words(index: u32) -> Words {
    black_box(message(index)).encode(1)
}

/// What the receiver does with a message: reads every word of it.
#[inline]
pub(crate) fn add(sum: &mut u64, words: &Words) {
    *sum = words.iter().fold(*sum, |sum, word| sum.wrapping_add(*word));
}

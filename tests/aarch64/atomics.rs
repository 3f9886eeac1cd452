//! The hot paths, one function each, so that their assembly can be found and read.

use finbox_mailbox::{Consumer, Message, Producer, Words};
use finbox_scheduler::{RetireWord, Retired};

/// A FIN handler sends one message.
#[inline(never)]
pub fn push(producer: &Producer<'_>, message: &Message) -> bool {
    producer.push(message).is_ok()
}

/// The dispatch thread takes one.
#[inline(never)]
pub fn take(consumer: &mut Consumer<'_>, words: &mut Words) -> u32 {
    consumer.drain(1, |_, taken| *words = *taken).taken
}

/// A subtask retires.
#[inline(never)]
pub fn retire(word: &RetireWord, generation: u32, conditions: u32) -> Option<Retired> {
    word.retire(generation, conditions, 64, false).ok()
}

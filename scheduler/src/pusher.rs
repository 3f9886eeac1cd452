//! A handler's sending end: it announces what it claims on a line of its own, if there is one.

use core::mem;
use core::num::NonZeroU32;

use finbox_mailbox::{FinBatch, NamedProducer, Producer, Watch};

/// The sending end.
#[derive(Debug)]
pub(crate) struct Pusher<'m> {
    producer: Producer<'m>,
    named: Option<NamedProducer<'m>>,
    /// Batches until the one that it dies in, that one included; 0: it lives.
    dies_in: u32,
}

impl<'m> Pusher<'m> {
    /// Registers under `name`; without a free line, what it leaves unpublished has no name.
    pub(crate) fn new(producer: Producer<'m>, name: NonZeroU32) -> Self {
        Self {
            producer,
            named: producer.register(name).ok(),
            dies_in: 0,
        }
    }

    /// As [`Producer::push_fin`].
    #[inline]
    pub(crate) fn push(&mut self, fin: &FinBatch, entry: impl FnMut(u32) -> (Watch, u64)) -> u32 {
        if self.dies_in == 1 {
            return self.die(fin.messages());
        }
        let accepted = match &mut self.named {
            Some(named) => named.push_fin(fin, entry),
            None => self.producer.push_fin(fin, entry),
        };
        if self.dies_in > 1 && accepted > 0 {
            self.dies_in -= 1;
        }
        accepted
    }

    /// Makes the `nth` batch from now that finds room, counted from 1, one that is never published.
    pub(crate) fn die_in_batch(&mut self, nth: u32) {
        self.dies_in = nth;
    }

    /// Whether it is to die and has not yet.
    pub(crate) const fn is_doomed(&self) -> bool {
        self.dies_in > 0
    }

    /// Claims and publishes nothing. The line keeps saying so: from now on there is none.
    #[cold]
    fn die(&mut self, count: u32) -> u32 {
        let claimed = match &mut self.named {
            Some(named) => named.claim(count),
            None => self.producer.claim(count),
        };
        let lost = claimed.map_or(0, |claimed| {
            let left = claimed.left();
            mem::forget(claimed);
            left
        });
        if lost > 0 {
            mem::forget(self.named.take());
            self.dies_in = 0;
        }
        lost
    }
}

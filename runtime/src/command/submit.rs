//! The sending end of a command ring: a batch of packets, one claim, one ring of the bell.

use finbox_mailbox::Producer;
use thiserror::Error;

use super::board::Board;
use super::packet::Packet;

/// Where a batch stands in the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// Position of the first packet.
    pub first: u64,
    /// How many were accepted; the rest is still the caller's.
    pub count: u32,
}

impl Submitted {
    /// The position behind the last: a target that waits for all of them.
    pub const fn end(&self) -> u64 {
        self.first.wrapping_add(self.count as u64)
    }
}

/// Why nothing of a batch was accepted; it is still the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SubmitError {
    /// Try again when the processor has come further.
    #[error("the command ring is full: none of its {slots} slots was given back yet")]
    Full {
        /// Capacity of the ring in packets.
        slots: u32,
    },
    /// The processor has stopped for good; a drain says at which packet and why.
    #[error("the processor has stopped for good; make the command ring anew")]
    Halted,
}

/// The sending end. Copies submit to the same ring.
#[derive(Clone, Copy, Debug)]
pub struct Submitter<'m> {
    producer: Producer<'m, Packet>,
    board: &'m Board,
}

impl<'m> Submitter<'m> {
    pub(crate) fn new(producer: Producer<'m, Packet>, board: &'m Board) -> Self {
        Self { producer, board }
    }

    /// Submits the packets in order and in neighbouring positions, as many as fit, and wakes the
    /// processor's thread once. Without packets nothing happens.
    ///
    /// # Errors
    /// [`SubmitError`] if none was accepted.
    ///
    /// # Cost
    /// Two read-modify-writes, whatever the count.
    pub fn submit(&self, packets: &[Packet]) -> Result<Submitted, SubmitError> {
        self.submit_each(packets.iter().copied())
    }

    /// As [`submit`](Self::submit), of packets that are made one by one.
    ///
    /// # Errors
    /// As for [`submit`](Self::submit).
    #[inline]
    pub fn submit_each(
        &self,
        packets: impl ExactSizeIterator<Item = Packet>,
    ) -> Result<Submitted, SubmitError> {
        let want = u32::try_from(packets.len()).unwrap_or(u32::MAX);
        let Some(mut claimed) = self.producer.claim(want) else {
            return self.refusal(want);
        };
        let (first, count) = (claimed.position(), claimed.left());
        for packet in packets.take(count as usize) {
            claimed.publish(&packet);
        }
        drop(claimed);
        self.ring_bell();
        Ok(Submitted { first, count })
    }

    /// Wakes the processor's thread, if it has one, which looks for completions then: for whoever
    /// knows of one, published through [`producer`](Self::producer), or waits and cannot know that
    /// a bell was heard.
    pub fn ring_bell(&self) {
        self.board.bell.wake();
    }

    #[cold]
    fn refusal(&self, want: u32) -> Result<Submitted, SubmitError> {
        let slots = self.producer.slots();
        match want {
            _ if self.producer.is_condemned() => Err(SubmitError::Halted),
            0 => Ok(Submitted {
                first: self.target(),
                count: 0,
            }),
            _ => Err(SubmitError::Full { slots }),
        }
    }

    /// The position behind everything that was submitted before this: where a drain is to arrive
    /// that waits for all of it. Once the processor has stopped for good it is one that no packet
    /// ever has: a drain to it tells of the halt.
    pub fn target(&self) -> u64 {
        self.producer.claimed_end()
    }

    /// The ring's own sending end, which rings no bell.
    pub fn producer(&self) -> Producer<'m, Packet> {
        self.producer
    }

    /// Where the processor says how far it is.
    pub fn board(&self) -> &'m Board {
        self.board
    }
}

//! The submitting side of a command ring: the workload's tasks as packets, in batches.
//!
//! Guarantees: launches name positions of the global order and stand in it; a fence is the last
//! packet; what a full ring refuses is sent later. Refuses: to wait. Called by whoever submits.

use finbox_runtime::command::{Command, Entry, Indirect, Launch, Packet, Submitter as Sender};

use super::BATCH;
use super::tasks::{LOOP_BUFFER, STALE_BUFFER};
use crate::fault::BatchMishap;

/// What sending a batch came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::world) enum Sent {
    /// So many packets were published, and the bell was rung so often.
    Batch { packets: u32, bells: u32 },
    /// The ring has no room now.
    Full,
    /// Everything was sent before.
    All,
    /// The processor has stopped for good, or whoever submits is dead.
    Over,
}

/// What was sent.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::world) struct Counts {
    pub(in crate::world) packets: u64,
    pub(in crate::world) batches: u64,
    pub(in crate::world) bells: u64,
    pub(in crate::world) high_water: u64,
}

/// Everything that is to be sent, and how far that is.
#[derive(Debug)]
pub(in crate::world) struct PacketQueue<'r> {
    sender: Sender<'r>,
    /// Packets in all: a launch a task, and the fence.
    all: u64,
    next: u64,
    has_bell: bool,
    is_dead: bool,
    counts: Counts,
}

impl<'r> PacketQueue<'r> {
    pub(super) fn new(sender: Sender<'r>, tasks: u64, has_bell: bool) -> Self {
        Self {
            sender,
            all: tasks + 1,
            next: 0,
            has_bell,
            is_dead: false,
            counts: Counts::default(),
        }
    }

    pub(in crate::world) const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Whether its processor acts by itself, and is rung.
    pub(in crate::world) const fn has_bell(&self) -> bool {
        self.has_bell
    }

    /// Whether there is more to be sent, by somebody who lives.
    pub(in crate::world) const fn has_more(&self) -> bool {
        self.next < self.all && !self.is_dead
    }

    /// The position behind everything: where the run's drain is to arrive.
    pub(in crate::world) fn target(&self) -> u64 {
        self.sent_end() + (self.all - self.next)
    }

    /// The position behind everything that was sent.
    pub(in crate::world) fn sent_end(&self) -> u64 {
        match self.sender.producer().is_condemned() {
            true => self.next,
            false => self.sender.target(),
        }
    }

    /// Sends the next batch, as much of it as fits. What goes wrong with it is asked for when
    /// there is room.
    pub(in crate::world) fn send(&mut self, mishap: impl FnOnce() -> Option<BatchMishap>) -> Sent {
        if self.is_dead {
            return Sent::Over;
        }
        let want = usize::try_from(self.all - self.next).unwrap_or(usize::MAX);
        let want = want.min(BATCH);
        let claimed = self
            .sender
            .producer()
            .claim(u32::try_from(want).unwrap_or(1));
        let Some(mut claimed) = claimed else {
            return match (want, self.sender.producer().is_condemned()) {
                (_, true) => Sent::Over,
                (0, _) => Sent::All,
                _ => Sent::Full,
            };
        };
        let (count, mishap) = (claimed.left(), mishap());
        let strange = mishap.as_ref().and_then(instead);
        let good = match mishap {
            Some(BatchMishap::Torn(draw) | BatchMishap::Garbage(draw)) => draw % count,
            _ => count,
        };
        for nth in 0..good {
            match strange.filter(|_| nth == 0) {
                Some(packet) => claimed.publish(&packet),
                None => {
                    claimed.publish(&self.packet(self.next));
                    self.next += 1;
                }
            }
        }
        match mishap {
            // Whoever submits has crashed: nobody publishes what is left.
            Some(BatchMishap::Torn(_)) => {
                self.is_dead = true;
                std::mem::forget(claimed);
            }
            _ => drop(claimed),
        }
        self.counts.packets += u64::from(good);
        self.counts.batches += 1;
        let depth = self.sender.producer().depth_hint();
        self.counts.high_water = self.counts.high_water.max(depth.into());
        Sent::Batch {
            packets: good,
            bells: self.ring_for(mishap.as_ref()),
        }
    }

    /// Rings the bell; returns how often, which is never if there is none.
    pub(in crate::world) fn ring(&mut self) -> u32 {
        self.ring_for(None)
    }

    fn ring_for(&mut self, mishap: Option<&BatchMishap>) -> u32 {
        let times = match mishap {
            _ if !self.has_bell => 0,
            Some(BatchMishap::BellLost | BatchMishap::Torn(_)) => 0,
            Some(BatchMishap::BellDoubled) => 2,
            _ => 1,
        };
        (0..times).for_each(|_| self.sender.ring_bell());
        self.counts.bells += u64::from(times);
        times
    }

    /// The packet of the `nth` task, or behind the last of them the fence.
    fn packet(&self, nth: u64) -> Packet {
        let command = match nth + 1 < self.all {
            true => Command::Launch(Launch {
                kernel: nth,
                args: 0,
                blocks: 1,
                args_bytes: 0,
            }),
            false => Command::Fence,
        };
        Packet { tag: nth, command }
    }
}

/// The packet that stands where the first of a batch was to.
fn instead(mishap: &BatchMishap) -> Option<Packet> {
    let (buffer, packets) = match mishap {
        BatchMishap::OtherEpoch => (STALE_BUFFER, 1),
        BatchMishap::Loop => (LOOP_BUFFER, 2),
        _ => return None,
    };
    Some(Packet {
        tag: u64::MAX,
        command: Command::Indirect(Indirect {
            buffer,
            packets,
            entry: Entry::Call,
        }),
    })
}

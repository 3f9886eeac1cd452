//! What one FIN has to say, laid out in as few messages as it needs.
//!
//! A FIN leaves conditions and, if its subtask was the task's last, the TASK_NORMAL_DONE behind
//! them. If none of a FIN's conditions has a cookie, two share a message, and the TASK_NORMAL_DONE
//! travels with the last of them: four conditions and it are two messages, not five. Called by
//! whoever handles FINs.

use crate::bundle::{Bundle, Watch, Watches, done_of};
use crate::claimer::NamedProducer;
use crate::message::{Done, Message, SlotBits};
use crate::producer::{Claimed, Producer};

/// Most conditions of a task, and so of a FIN.
const MAX_CONDITIONS: u32 = 64;

/// What one FIN has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FinBatch {
    /// Task id.
    pub task: u64,
    /// The task's slot.
    pub slot: SlotBits,
    /// How many conditions, 0 to 64.
    pub conditions: u32,
    /// Two of them share a message: then none of them may have a cookie other than 0.
    pub in_pairs: bool,
    /// TASK_NORMAL_DONE behind them, with so many CONDITIONs of the task to expect in all.
    pub done: Option<u8>,
}

impl FinBatch {
    /// Its TASK_NORMAL_DONE, if it has one.
    #[inline]
    pub const fn done(&self) -> Option<Done> {
        done_of(self.task, self.slot, self.done)
    }

    /// How many messages it takes.
    #[inline]
    pub const fn messages(&self) -> u32 {
        debug_assert!(
            self.conditions <= MAX_CONDITIONS,
            "a task has at most 64 conditions"
        );
        match self.conditions {
            0 => self.done.is_some() as u32,
            conditions => (conditions + self.in_pairs as u32) >> self.in_pairs as u32,
        }
    }

    /// Publishes it in what was claimed for it; how many messages.
    // In a call of its own the claim would be stored in parts and read whole at once.
    #[inline(always)]
    fn publish(
        &self,
        claimed: Option<Claimed<'_>>,
        epoch: u32,
        mut entry: impl FnMut(u32) -> (Watch, u64),
    ) -> u32 {
        let Some(mut claimed) = claimed else { return 0 };
        let (accepted, share) = (claimed.left(), 1 + u32::from(self.in_pairs));
        if self.conditions == 0 {
            let done = self.done().expect("nothing else is claimed for");
            claimed.publish(&Message::NormalDone(done));
            return accepted;
        }
        for index in 0..accepted {
            let at = index * share;
            let left = self.conditions - at;
            let (first, cookie) = entry(at);
            let watches = match left.min(share) {
                2 => {
                    let (second, other) = entry(at + 1);
                    debug_assert!(cookie == 0 && other == 0, "a cookie has no place in a pair");
                    Watches::Two(first, second)
                }
                _ => Watches::One(first, cookie),
            };
            let bundle = Bundle {
                task: self.task,
                slot: self.slot,
                watches,
                done: if left <= share { self.done } else { None },
            };
            claimed.publish_next(&bundle.encode(epoch));
        }
        accepted
    }
}

impl Producer<'_> {
    /// Pushes what `fin` has to say, as much as fits, in order and in neighbouring positions.
    /// Returns how many of its [`messages`](FinBatch::messages) were accepted; 0 means full or
    /// [condemned](Self::is_condemned) (or that there is nothing to say).
    ///
    /// `entry` says what a condition watches, and its cookie. It is called only for conditions that
    /// were accepted, once each and in order. If it panics, what was claimed and not published is
    /// published as void messages, so a panic leaves no gap.
    ///
    /// # Cost
    /// One successful compare-exchange, whatever there is to say.
    #[inline]
    pub fn push_fin(&self, fin: &FinBatch, entry: impl FnMut(u32) -> (Watch, u64)) -> u32 {
        fin.publish(self.claim(fin.messages()), self.epoch(), entry)
    }
}

impl NamedProducer<'_> {
    /// As [`Producer::push_fin`].
    #[inline]
    pub fn push_fin(&mut self, fin: &FinBatch, entry: impl FnMut(u32) -> (Watch, u64)) -> u32 {
        let epoch = self.producer().epoch();
        fin.publish(self.claim(fin.messages()), epoch, entry)
    }
}

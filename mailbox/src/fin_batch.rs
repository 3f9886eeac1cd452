//! What one FIN has to say, laid out in as few messages as it needs.
//!
//! A FIN leaves conditions and, if its subtask was the task's last, the TASK_NORMAL_DONE behind
//! them. Two conditions without cookies share a message, and the TASK_NORMAL_DONE travels with the
//! last of them: four conditions and it are two messages, not five. Called by whoever handles FINs.

use crate::bundle::{Bundle, Watch, Watches, done_of};
use crate::claimer::NamedProducer;
use crate::message::{Done, Message, SlotBits};
use crate::producer::{Claimed, Producer};

/// What one FIN has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FinBatch {
    /// Task id.
    pub task: u64,
    /// The task's slot.
    pub slot: SlotBits,
    /// How many conditions.
    pub conditions: u32,
    /// Two of them share a message: then no cookie may be other than 0.
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
        match self.conditions {
            0 => self.done.is_some() as u32,
            conditions => (conditions + self.in_pairs as u32) >> self.in_pairs as u32,
        }
    }

    /// Publishes it in what was claimed for it; how many messages.
    #[inline]
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
            let bundle = Bundle {
                task: self.task,
                slot: self.slot,
                watches: match left.min(share) {
                    2 => Watches::Two(first, entry(at + 1).0),
                    _ => Watches::One(first, cookie),
                },
                done: if left <= share { self.done } else { None },
            };
            claimed.publish_next(&bundle.encode(epoch));
        }
        accepted
    }
}

impl Producer<'_> {
    /// Pushes what `fin` has to say, as much as fits, in order and in neighbouring positions.
    /// `entry` says what a condition watches, and its cookie. Returns how many of its
    /// [`messages`](FinBatch::messages) were accepted; as [`push_batch`](Self::push_batch)
    /// otherwise.
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

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::FinBatch;
    use crate::bundle::{Bundle, Watch};
    use crate::cell::{Cell, Words};
    use crate::handle::mailbox;
    use crate::message::{CompletionType, Engine, Message, SlotBits};
    use crate::ring::Header;

    const EPOCH: u32 = 9;

    fn batch(conditions: u32, in_pairs: bool, done: Option<u8>) -> FinBatch {
        let (task, slot) = (5, SlotBits(6));
        FinBatch {
            task,
            slot,
            conditions,
            in_pairs,
            done,
        }
    }

    /// Condition `at`, which says its number in its address; `cookie` as all have.
    fn entry(cookie: u64) -> impl Fn(u32) -> (Watch, u64) {
        move |at| {
            let watch = Watch {
                addr: at.into(),
                expected: 1,
                engine: Engine::Sdma,
                completion: CompletionType::Counter,
            };
            (watch, cookie)
        }
    }

    /// A condition, its number and cookie; or a TASK_NORMAL_DONE, what it expects.
    type Part = Result<(u64, u64), u32>;

    /// What words stand for.
    fn meaning(words: &Words, all: &mut Vec<Part>) {
        if Bundle::is_kind_of(words) {
            let bundle = Bundle::decode(words, EPOCH).expect("a bundle");
            all.push(Ok((bundle.first().addr, bundle.first().cookie)));
            all.extend(
                bundle
                    .second()
                    .map(|second| Ok((second.addr, second.cookie))),
            );
            all.extend(bundle.done().map(|done| Err(done.expected)));
            return;
        }
        all.push(match Message::decode(words, EPOCH).expect("a message") {
            Message::Condition(condition) => Ok((condition.addr, condition.cookie)),
            Message::NormalDone(done) => Err(done.expected),
        });
    }

    /// Pushes `fin` into a mailbox with room for `room`: how many messages were taken, and what
    /// they stand for.
    fn through(fin: &FinBatch, room: u32, cookie: u64) -> (u32, Vec<Part>) {
        let mut header = Header::default();
        let mut cells: Vec<Cell> = (0..64).map(|_| Cell::default()).collect();
        let (producer, mut consumer) = mailbox(&mut header, &mut cells, 0, EPOCH);
        let filler = batch(64 - room, false, None);
        assert_eq!(producer.push_fin(&filler, entry(0)), 64 - room);
        let accepted = producer.push_fin(fin, entry(cookie));
        let mut all = Vec::new();
        consumer.drain(64 - room, |_, _| ());
        let drained = consumer.drain(64, |_, words| meaning(words, &mut all));
        assert_eq!(drained.taken, accepted);
        (accepted, all)
    }

    #[test]
    fn everything_is_said_once_in_order_in_as_few_messages_as_can_be_and_as_fits() {
        for conditions in 0..=64_u32 {
            for (in_pairs, cookie) in [(false, 7), (true, 0)] {
                for done in [None, Some(3)] {
                    let fin = batch(conditions, in_pairs, done);
                    let share = 1 + u32::from(in_pairs);
                    let alone = u32::from(conditions == 0 && done.is_some());
                    assert_eq!(fin.messages(), conditions.div_ceil(share) + alone);
                    let mut wanted: Vec<_> =
                        (0..conditions.into()).map(|at| Ok((at, cookie))).collect();
                    wanted.extend(done.map(|expected| Err(expected.into())));
                    let whole = (fin.messages(), wanted.clone());
                    assert_eq!(through(&fin, 64, cookie), whole, "{fin:?}");
                    let room = fin.messages().saturating_sub(1);
                    let some = conditions.min(room * share) as usize;
                    let part = (room, wanted[..some].to_vec());
                    assert_eq!(through(&fin, room, cookie), part, "{fin:?}");
                }
            }
        }
    }

    #[test]
    fn a_condition_alone_and_a_done_alone_are_messages_that_every_reader_knows() {
        for (fin, is_bundle) in [
            (batch(1, true, None), false),
            (batch(0, true, Some(0)), false),
            (batch(1, true, Some(1)), true),
            (batch(2, true, None), true),
        ] {
            let mut header = Header::default();
            let mut cells = [Cell::default(), Cell::default()];
            let (producer, mut consumer) = mailbox(&mut header, &mut cells, 0, EPOCH);
            assert_eq!(producer.push_fin(&fin, entry(0)), 1);
            let drained = consumer.drain(2, |_, words| {
                assert_eq!(Message::decode(words, EPOCH).is_err(), is_bundle, "{fin:?}");
            });
            assert_eq!(drained.taken, 1);
        }
    }
}

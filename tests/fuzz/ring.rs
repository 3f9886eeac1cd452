//! Any row of ring operations, from any position, against a queue that does the same.

use std::collections::VecDeque;
use std::mem;
use std::num::NonZeroU32;

use finbox_mailbox::{
    Cell, ClaimLine, Claimed, Consumer, Done, Header, Malformed, Message, NamedProducer, Producer,
    PushError, ResetError, Salvage, SlotBits, Stop, mailbox_with_lines,
};

use crate::bytes::Bytes;

/// Positions where arithmetic on them could go wrong; others come from the input.
const STARTS: [u64; 5] = [0, u64::MAX, u64::MAX - 4, i64::MAX as u64 - 1, 1 << 62];

const NAME: NonZeroU32 = NonZeroU32::new(9).expect("not 0");

/// What stands at a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Message(u64),
    Void,
    /// Claimed and not published; whether on a claim line.
    Open {
        named: bool,
    },
}

/// The mailbox beside a queue of what stands in it.
struct Pair<'m> {
    producer: Producer<'m>,
    named: Option<NamedProducer<'m>>,
    consumer: Consumer<'m>,
    /// Claims that are not all published.
    claims: VecDeque<Claimed<'m>>,
    queue: VecDeque<Place>,
    /// Position of the queue's front.
    front: u64,
    epoch: u32,
    next: u64,
}

fn message(task: u64) -> Message {
    Message::NormalDone(Done {
        task,
        slot: SlotBits(task),
        expected: 0,
    })
}

impl<'m> Pair<'m> {
    fn new(producer: Producer<'m>, consumer: Consumer<'m>, start: u64) -> Self {
        Self {
            named: producer.register(NAME).ok(),
            producer,
            consumer,
            claims: VecDeque::new(),
            queue: VecDeque::new(),
            front: start,
            epoch: 1,
            next: 0,
        }
    }

    /// One operation; false if nothing may follow it.
    fn step(&mut self, bytes: &mut Bytes<'_>) -> bool {
        let operation = bytes.u8();
        let count = u32::from(bytes.u8()) % (2 * self.producer.slots() + 2);
        match operation % 10 {
            0 => self.push(),
            1 | 2 => self.push_batch(count),
            3 | 4 => self.drain(count),
            5 => self.claim(count),
            6 => self.publish(),
            7 => self.give_up(),
            8 => self.reset(),
            _ if operation > 230 => {
                self.recover(count);
                return false;
            }
            _ if operation > 200 => self.forget(count),
            _ => self.push_named(count),
        }
        self.look();
        true
    }

    fn push(&mut self) {
        match self.producer.push(&message(self.next)) {
            Ok(()) => self.accept(1, 1),
            Err(refused) => {
                assert!(matches!(refused, PushError::Full(_)));
                self.accept(1, 0);
            }
        }
    }

    fn push_batch(&mut self, count: u32) {
        let first = self.next;
        let build = |i| message(first + u64::from(i));
        let accepted = self.producer.push_batch(count, build);
        self.accept(count, accepted);
    }

    fn push_named(&mut self, count: u32) {
        let first = self.next;
        let build = |i| message(first + u64::from(i));
        if let Some(named) = &mut self.named {
            let accepted = named.push_batch(count, build);
            self.accept(count, accepted);
        }
    }

    fn drain(&mut self, budget: u32) {
        let (epoch, queue, front) = (self.epoch, &mut self.queue, &mut self.front);
        let drained = self.consumer.drain(budget, |ticket, words| {
            assert_eq!(ticket.position(), *front);
            *front = front.wrapping_add(1);
            match queue.pop_front() {
                Some(Place::Message(task)) => {
                    assert_eq!(*words, message(task).encode(epoch), "a torn message");
                }
                Some(Place::Void) => {
                    let void = Message::decode(words, epoch);
                    assert_eq!(void, Err(Malformed::Kind(u32::MAX)));
                }
                other => panic!("delivered where {other:?} stands"),
            }
        });
        let is_open = matches!(queue.front(), None | Some(Place::Open { .. }));
        match drained.stop {
            Stop::Gap => assert!(is_open && drained.taken < budget),
            Stop::Budget => assert_eq!(drained.taken, budget),
            Stop::Condemned => panic!("nobody condemned it"),
        }
    }

    fn claim(&mut self, count: u32) {
        let claimed = self.producer.claim(count);
        let got = count.min(self.free());
        assert_eq!(claimed.as_ref().map_or(0, Claimed::left), got);
        if let Some(claimed) = claimed {
            assert_eq!(claimed.position(), self.end());
            self.claims.push_back(claimed);
        }
        let open = Place::Open { named: false };
        (0..got).for_each(|_| self.queue.push_back(open));
    }

    /// Publishes the next position of the oldest claim.
    fn publish(&mut self) {
        let Some(mut claimed) = self.claims.pop_front() else {
            return;
        };
        let place = self.place_of(claimed.position());
        claimed.publish(&message(self.next));
        self.queue[place] = Place::Message(self.next);
        self.next += 1;
        if claimed.left() > 0 {
            self.claims.push_back(claimed);
        }
    }

    /// Drops the oldest claim: what is left of it is published as void.
    fn give_up(&mut self) {
        if let Some(claimed) = self.claims.pop_front() {
            let first = self.place_of(claimed.position());
            let left = claimed.left() as usize;
            self.queue.range_mut(first..first + left).for_each(|place| {
                *place = Place::Void;
            });
        }
    }

    /// The named producer dies in the gap.
    fn forget(&mut self, count: u32) {
        let Some(mut named) = self.named.take() else {
            return;
        };
        let left = named.claim(count).map_or(0, |claimed| {
            let left = claimed.left();
            mem::forget(claimed);
            left
        });
        mem::forget(named);
        assert_eq!(left, count.min(self.free()));
        let open = Place::Open { named: true };
        (0..left).for_each(|_| self.queue.push_back(open));
    }

    fn reset(&mut self) {
        match self.consumer.reset(self.epoch + 1) {
            Ok(producer) => {
                assert!(self.queue.is_empty());
                self.epoch += 1;
                self.named = self.named.take().and_then(|named| {
                    drop(named);
                    producer.register(NAME).ok()
                });
                self.producer = producer;
            }
            Err(refused) => {
                let left = self.queue.len() as i64;
                assert_eq!(refused, ResetError::Undrained { left });
            }
        }
    }

    /// Condemns the mailbox and visits what stands in it, `budget` + 1 positions at a time.
    fn recover(&mut self, budget: u32) {
        self.consumer.condemn();
        assert_eq!(self.producer.push(&message(0)), Err(PushError::Condemned));
        loop {
            let (epoch, queue, front) = (self.epoch, &mut self.queue, &mut self.front);
            let visited = self.consumer.recover(budget + 1, |ticket, found| {
                assert_eq!(ticket.position(), *front);
                *front = front.wrapping_add(1);
                match (queue.pop_front(), found) {
                    (Some(Place::Message(task)), Salvage::Message(words)) => {
                        assert_eq!(*words, message(task).encode(epoch));
                    }
                    (Some(Place::Void), Salvage::Message(_)) => {}
                    (Some(Place::Open { named }), Salvage::Missing(claimers)) => {
                        assert_eq!(claimers.name, named.then_some(NAME));
                    }
                    other => panic!("{other:?}"),
                }
            });
            if visited.stop == Stop::Condemned {
                break;
            }
            assert_eq!((visited.stop, visited.taken), (Stop::Budget, budget + 1));
        }
        assert!(self.queue.is_empty(), "not every position was visited");
    }

    /// What can be asked at any time.
    fn look(&self) {
        let front = self.queue.front();
        let open = match front {
            Some(Place::Open { named }) => Some(*named),
            _ => None,
        };
        assert_eq!(self.consumer.depth_hint() as usize, self.queue.len());
        assert_eq!(self.producer.depth_hint() as usize, self.queue.len());
        let is_empty = front.is_none() || open.is_some();
        assert_eq!(self.consumer.is_empty_hint(), is_empty);
        let gap = self.consumer.gap();
        assert_eq!(gap.is_some(), open.is_some());
        if let (Some(gap), Some(named)) = (gap, open) {
            assert_eq!(gap.position, self.front);
            assert_eq!(gap.claimers.name, named.then_some(NAME));
        }
    }

    fn free(&self) -> u32 {
        self.producer.slots() - u32::try_from(self.queue.len()).expect("at most slots")
    }

    /// The position behind everything claimed.
    fn end(&self) -> u64 {
        self.front.wrapping_add(self.queue.len() as u64)
    }

    fn place_of(&self, position: u64) -> usize {
        usize::try_from(position.wrapping_sub(self.front)).expect("in the ring")
    }

    /// Of `count` messages from `next` on, `accepted` were.
    fn accept(&mut self, count: u32, accepted: u32) {
        assert_eq!(accepted, count.min(self.free()));
        let end = self.next + u64::from(accepted);
        self.queue.extend((self.next..end).map(Place::Message));
        self.next = end;
    }
}

/// Slots, start, operations.
pub(crate) fn target(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let slots = 2_usize << bytes.below(4);
    let start = match bytes.below(8) {
        known @ 0..5 => STARTS[known],
        _ => bytes.u64(),
    };
    let mut header = Header::default();
    let mut cells: Vec<Cell> = (0..slots).map(|_| Cell::default()).collect();
    let mut lines = [ClaimLine::default()];
    let (producer, consumer) = mailbox_with_lines(&mut header, &mut cells, &mut lines, start, 1);
    let mut pair = Pair::new(producer, consumer, start);
    while !bytes.is_empty() && pair.step(&mut bytes) {}
    // What was claimed and not published must not be published into memory that is gone.
    pair.claims.into_iter().for_each(mem::forget);
}

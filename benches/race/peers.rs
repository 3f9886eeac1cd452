//! finbox and the well-known queues, each used in the way that suits it best.

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::Mutex;

use crossbeam_channel::{Receiver, Sender, bounded};
use crossbeam_queue::ArrayQueue;
use finbox_mailbox::{
    Bundle, Cell, Consumer, FinBatch, Header, Message, Producer, SlotBits, Watch, Words, mailbox,
};
use thingbuf::ThingBuf;

use crate::queue::{CONDITIONS, Queue, SLOTS, add, condition, message, words};

/// The mailbox: one message is a push, a burst is one claim, and what arrives is read where it
/// lies.
pub(crate) struct Finbox {
    header: Header,
    cells: Vec<Cell>,
}

impl Queue for Finbox {
    type Sender<'q> = Producer<'q>;
    type Receiver<'q> = Consumer<'q>;
    const NAME: &'static str = "finbox";

    fn new() -> Self {
        let cells = (0..SLOTS).map(|_| Cell::default()).collect();
        Self {
            header: Header::default(),
            cells,
        }
    }

    fn ends(&mut self, producers: usize) -> (Vec<Producer<'_>>, Consumer<'_>) {
        let (producer, consumer) = mailbox(&mut self.header, &mut self.cells, 0, 1);
        (vec![producer; producers], consumer)
    }

    fn send(sender: &mut Producer<'_>, from: u32, to: u32) -> u32 {
        if to - from == 1 {
            return u32::from(sender.push(&black_box(message(from))).is_ok());
        }
        sender.push_batch(to - from, |index| black_box(message(from + index)))
    }

    fn receive(receiver: &mut Consumer<'_>, budget: u32, sum: &mut u64) -> u32 {
        receiver.drain(budget, |_, words| add(sum, words)).taken
    }
}

/// The mailbox as FIN handlers use it: what a FIN has to say in as few messages as it needs. The
/// receiver reads them and sums up what they stand for, one by one, as the others carry it.
pub(crate) struct Fins(Finbox);

impl Queue for Fins {
    type Sender<'q> = Producer<'q>;
    type Receiver<'q> = Consumer<'q>;
    const NAME: &'static str = "finbox, bundled";

    fn new() -> Self {
        Self(Finbox::new())
    }

    fn ends(&mut self, producers: usize) -> (Vec<Producer<'_>>, Consumer<'_>) {
        self.0.ends(producers)
    }

    fn send(sender: &mut Producer<'_>, from: u32, to: u32) -> u32 {
        assert_eq!(to, CONDITIONS + 1, "a burst is a FIN");
        let fin = FinBatch {
            task: black_box(7),
            slot: SlotBits(7),
            conditions: black_box(CONDITIONS - from),
            in_pairs: black_box(true),
            done: Some(black_box(CONDITIONS as u8)),
        };
        let entry = |at| {
            let condition = black_box(condition(from + at));
            (Watch::of(&condition), condition.cookie)
        };
        match sender.push_fin(&fin, entry) {
            all if all == fin.messages() => to - from,
            some => some * 2,
        }
    }

    fn receive(receiver: &mut Consumer<'_>, budget: u32, sum: &mut u64) -> u32 {
        let mut taken = 0;
        receiver.drain(budget, |_, words| {
            let bundle = Bundle::decode(words, 1).expect("what a FIN of four becomes");
            add(sum, &Message::Condition(bundle.first()).encode(1));
            taken += 1;
            if let Some(second) = bundle.second() {
                add(sum, &Message::Condition(second).encode(1));
                taken += 1;
            }
            if let Some(done) = bundle.done() {
                add(sum, &Message::NormalDone(done).encode(1));
                taken += 1;
            }
        });
        taken
    }
}

impl Queue for ArrayQueue<Words> {
    type Sender<'q> = &'q Self;
    type Receiver<'q> = &'q Self;
    const NAME: &'static str = "ArrayQueue";

    fn new() -> Self {
        Self::new(SLOTS)
    }

    fn ends(&mut self, producers: usize) -> (Vec<&Self>, &Self) {
        (vec![&*self; producers], self)
    }

    fn send(sender: &mut &Self, from: u32, to: u32) -> u32 {
        (from..to)
            .take_while(|&index| sender.push(words(index)).is_ok())
            .count() as u32
    }

    fn receive(receiver: &mut &Self, budget: u32, sum: &mut u64) -> u32 {
        let taken = (0..budget).map_while(|_| receiver.pop());
        taken.map(|words| add(sum, &words)).count() as u32
    }
}

/// crossbeam's bounded channel.
pub(crate) struct Channel(Sender<Words>, Receiver<Words>);

impl Queue for Channel {
    type Sender<'q> = Sender<Words>;
    type Receiver<'q> = &'q Receiver<Words>;
    const NAME: &'static str = "channel";

    fn new() -> Self {
        let (sender, receiver) = bounded(SLOTS);
        Self(sender, receiver)
    }

    fn ends(&mut self, producers: usize) -> (Vec<Sender<Words>>, &Receiver<Words>) {
        (vec![self.0.clone(); producers], &self.1)
    }

    fn send(sender: &mut Sender<Words>, from: u32, to: u32) -> u32 {
        (from..to)
            .take_while(|&index| sender.try_send(words(index)).is_ok())
            .count() as u32
    }

    fn receive(receiver: &mut &Receiver<Words>, budget: u32, sum: &mut u64) -> u32 {
        let taken = (0..budget).map_while(|_| receiver.try_recv().ok());
        taken.map(|words| add(sum, &words)).count() as u32
    }
}

impl Queue for ThingBuf<Words> {
    type Sender<'q> = &'q Self;
    type Receiver<'q> = &'q Self;
    const NAME: &'static str = "thingbuf";

    fn new() -> Self {
        Self::new(SLOTS)
    }

    fn ends(&mut self, producers: usize) -> (Vec<&Self>, &Self) {
        (vec![&*self; producers], self)
    }

    fn send(sender: &mut &Self, from: u32, to: u32) -> u32 {
        let push = |&index: &u32| {
            sender
                .push_ref()
                .map(|mut place| *place = words(index))
                .is_ok()
        };
        (from..to).take_while(push).count() as u32
    }

    fn receive(receiver: &mut &Self, budget: u32, sum: &mut u64) -> u32 {
        let taken = (0..budget).map_while(|_| receiver.pop_ref());
        taken.map(|words| add(sum, &words)).count() as u32
    }
}

/// rtrb, which has one producer. Bursts go through its chunks: one index moves for all of them.
pub(crate) struct Rtrb(Option<(rtrb::Producer<Words>, rtrb::Consumer<Words>)>);

impl Queue for Rtrb {
    type Sender<'q> = rtrb::Producer<Words>;
    type Receiver<'q> = rtrb::Consumer<Words>;
    const NAME: &'static str = "rtrb";
    const PRODUCERS: usize = 1;

    fn new() -> Self {
        Self(Some(rtrb::RingBuffer::new(SLOTS)))
    }

    fn ends(&mut self, _: usize) -> (Vec<rtrb::Producer<Words>>, rtrb::Consumer<Words>) {
        let (producer, consumer) = self.0.take().expect("a round takes the ends once");
        (vec![producer], consumer)
    }

    fn send(sender: &mut rtrb::Producer<Words>, from: u32, to: u32) -> u32 {
        if to - from == 1 {
            return u32::from(sender.push(words(from)).is_ok());
        }
        let count = sender.slots().min((to - from) as usize);
        let chunk = sender.write_chunk_uninit(count).expect("so many are free");
        chunk.fill_from_iter((from..to).map(words)) as u32
    }

    fn receive(receiver: &mut rtrb::Consumer<Words>, budget: u32, sum: &mut u64) -> u32 {
        let count = receiver.slots().min(budget as usize);
        let chunk = receiver.read_chunk(count).expect("so many are there");
        chunk.into_iter().for_each(|words| add(sum, &words));
        count as u32
    }
}

impl Queue for Mutex<VecDeque<Words>> {
    type Sender<'q> = &'q Self;
    type Receiver<'q> = &'q Self;
    const NAME: &'static str = "Mutex";

    fn new() -> Self {
        Self::new(VecDeque::with_capacity(SLOTS))
    }

    fn ends(&mut self, producers: usize) -> (Vec<&Self>, &Self) {
        (vec![&*self; producers], self)
    }

    /// One lock for the whole burst, as anybody would.
    fn send(sender: &mut &Self, from: u32, to: u32) -> u32 {
        let mut queue = sender.lock().expect("nobody panics in here");
        let room = u32::try_from(SLOTS - queue.len()).expect("few slots");
        let count = room.min(to - from);
        queue.extend((from..from + count).map(words));
        count
    }

    /// One lock for all that is there.
    fn receive(receiver: &mut &Self, budget: u32, sum: &mut u64) -> u32 {
        let mut queue = receiver.lock().expect("nobody panics in here");
        let count = queue.len().min(budget as usize);
        queue.drain(..count).for_each(|words| add(sum, &words));
        count as u32
    }
}

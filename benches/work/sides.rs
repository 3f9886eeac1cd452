//! finbox and the well-known queues, each used in the way that suits it best.

use std::hint::black_box;
use std::num::NonZeroU32;

use crossbeam_channel::{Receiver, Sender, bounded};
use crossbeam_queue::ArrayQueue;
use finbox_mailbox::Header;
use finbox_mailbox::work::{WorkCell, WorkItem, WorkRing, Worker, WorkerLine, work_ring};

/// Capacity of every side.
pub(crate) const SLOTS: usize = 4096;

/// A queue of 16-byte items with many senders and many receivers.
pub(crate) trait Pool {
    /// What a producer thread holds.
    type Sender<'q>: Send
    where
        Self: 'q;
    /// What a worker thread holds.
    type Receiver<'q>: Send
    where
        Self: 'q;

    /// The column's title.
    const NAME: &'static str;

    /// An empty queue of [`SLOTS`] slots.
    fn new() -> Self;

    /// Both ends, for so many producers and workers.
    fn ends(&mut self, ends: (usize, usize)) -> (Vec<Self::Sender<'_>>, Vec<Self::Receiver<'_>>);

    /// Sends `items`, as many as fit; how many did.
    fn send(sender: &mut Self::Sender<'_>, items: &[WorkItem]) -> usize;

    /// Takes an item, if there is one, and is through with it when this returns.
    fn receive(receiver: &mut Self::Receiver<'_>) -> Option<WorkItem>;
}

/// The work ring.
pub(crate) struct Finbox {
    header: Header,
    cells: Vec<WorkCell>,
    lines: Vec<WorkerLine>,
}

impl Pool for Finbox {
    type Sender<'q> = WorkRing<'q>;
    type Receiver<'q> = Worker<'q>;
    const NAME: &'static str = "finbox";

    fn new() -> Self {
        Self {
            header: Header::default(),
            cells: (0..SLOTS).map(|_| WorkCell::default()).collect(),
            lines: (0..2).map(|_| WorkerLine::default()).collect(),
        }
    }

    fn ends(&mut self, ends: (usize, usize)) -> (Vec<WorkRing<'_>>, Vec<Worker<'_>>) {
        let ring = work_ring(&mut self.header, &mut self.cells, &mut self.lines);
        let ring = ring.expect("it fits");
        let worker = |_| ring.register(NonZeroU32::MIN).expect("a line each");
        (vec![ring; ends.0], (0..ends.1).map(worker).collect())
    }

    fn send(sender: &mut WorkRing<'_>, items: &[WorkItem]) -> usize {
        match items {
            [item] => usize::from(sender.push(black_box(*item)).is_ok()),
            items => sender.push_batch(black_box(items)).count(),
        }
    }

    fn receive(receiver: &mut Worker<'_>) -> Option<WorkItem> {
        let work = receiver.claim().ok()?;
        let item = black_box(work.item);
        receiver.done(work.position).expect("it is in hand");
        Some(item)
    }
}

impl Pool for ArrayQueue<WorkItem> {
    type Sender<'q> = &'q Self;
    type Receiver<'q> = &'q Self;
    const NAME: &'static str = "ArrayQueue";

    fn new() -> Self {
        Self::new(SLOTS)
    }

    fn ends(&mut self, ends: (usize, usize)) -> (Vec<&Self>, Vec<&Self>) {
        (vec![&*self; ends.0], vec![&*self; ends.1])
    }

    fn send(sender: &mut &Self, items: &[WorkItem]) -> usize {
        let sent = items
            .iter()
            .take_while(|item| sender.push(black_box(**item)).is_ok());
        sent.count()
    }

    fn receive(receiver: &mut &Self) -> Option<WorkItem> {
        receiver.pop().map(black_box)
    }
}

/// crossbeam's bounded channel.
pub(crate) struct Channel(Sender<WorkItem>, Receiver<WorkItem>);

impl Pool for Channel {
    type Sender<'q> = Sender<WorkItem>;
    type Receiver<'q> = Receiver<WorkItem>;
    const NAME: &'static str = "channel";

    fn new() -> Self {
        let (sender, receiver) = bounded(SLOTS);
        Self(sender, receiver)
    }

    fn ends(&mut self, ends: (usize, usize)) -> (Vec<Sender<WorkItem>>, Vec<Receiver<WorkItem>>) {
        (vec![self.0.clone(); ends.0], vec![self.1.clone(); ends.1])
    }

    fn send(sender: &mut Sender<WorkItem>, items: &[WorkItem]) -> usize {
        let sent = items
            .iter()
            .take_while(|item| sender.try_send(black_box(**item)).is_ok());
        sent.count()
    }

    fn receive(receiver: &mut Receiver<WorkItem>) -> Option<WorkItem> {
        receiver.try_recv().ok().map(black_box)
    }
}

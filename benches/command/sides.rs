//! finbox and the queues, each used in the way that suits it best.

use std::hint::black_box;
use std::sync::Barrier;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Instant;

use crossbeam_queue::ArrayQueue;
use crossbeam_utils::Backoff;
use finbox_benches::stay_on;
use finbox_mailbox::{Cell, Header, Words};
use finbox_runtime::command::{
    Answer, Board, Command, Executor, HostClock, Launch, Packet, Processor, Refusal, Route, Signal,
    Submitter, Transfer, WorkId, command_ring, run_threaded,
};

/// Packets of a batch.
pub(crate) const BATCH: u64 = 16;
/// Capacity of every side.
const SLOTS: usize = 1024;
/// Longer than anything takes.
const LONG_NS: u64 = 60_000_000_000;

/// A side, and its passes: so many packets on one thread or from one to another, in ns each.
pub(crate) struct Side {
    pub(crate) name: &'static str,
    pub(crate) alone: fn(u64) -> f64,
    pub(crate) apart: fn(u64) -> f64,
}

/// finbox first: the others are divided by it.
pub(crate) const SIDES: [Side; 3] = [
    Side {
        name: "finbox",
        alone: ring_alone,
        apart: ring_apart,
    },
    Side {
        name: "crossbeam ArrayQueue",
        alone: array_alone,
        apart: array_apart,
    },
    Side {
        name: "mpsc channel",
        alone: channel_alone,
        apart: channel_apart,
    },
];

/// A device that is done at once, and knows what it did.
#[derive(Default)]
pub(crate) struct Device {
    pub(crate) launches: u64,
    pub(crate) sum: u64,
}

impl Device {
    fn launch(&mut self, kernel: u64) {
        self.launches += 1;
        self.sum = self.sum.wrapping_add(black_box(kernel));
    }

    fn check(&self, packets: u64) {
        let all = (self.launches, self.sum);
        assert_eq!(
            all,
            (packets, packets * (packets - 1) / 2),
            "a packet was lost or changed"
        );
    }
}

impl Executor for Device {
    fn launch(&mut self, _: WorkId, launch: &Launch) -> Result<Answer, Refusal> {
        self.launch(launch.kernel);
        Ok(Answer::Done)
    }

    fn copy(&mut self, _: WorkId, _: &Transfer) -> Result<Answer, Refusal> {
        Err(Refusal(1))
    }

    fn signal(&mut self, _: WorkId, _: &Signal) -> Result<Answer, Refusal> {
        Err(Refusal(1))
    }

    fn counter(&mut self, _: u64) -> Result<Option<u32>, Refusal> {
        Err(Refusal(1))
    }

    fn fetch(&mut self, _: u64, _: u32) -> Result<Words, Refusal> {
        Err(Refusal(1))
    }

    fn look(&mut self, _: &mut dyn FnMut(Route, WorkId)) {}
}

pub(crate) fn launch(nth: u64) -> Packet {
    Packet {
        tag: nth,
        command: Command::Launch(Launch {
            kernel: nth,
            args: 0,
            blocks: 1,
            args_bytes: 0,
        }),
    }
}

fn batch(first: u64) -> [Packet; BATCH as usize] {
    std::array::from_fn(|nth| launch(first + nth as u64))
}

/// What the queues carry: a packet as it lies in a ring.
fn line(nth: u64) -> [u64; 8] {
    let words = launch(nth).words(1);
    std::array::from_fn(|at| if at == 0 { nth } else { words[at - 1] })
}

fn carry_out(device: &mut Device, line: &[u64; 8]) {
    assert_eq!(line[1] & 0xff, 2, "a launch");
    device.launch(line[3]);
}

/// Memory of a ring.
pub(crate) struct Memory {
    header: Header,
    cells: Vec<Cell>,
    board: Board,
}

impl Memory {
    pub(crate) fn new() -> Self {
        Self {
            header: Header::default(),
            cells: (0..SLOTS).map(|_| Cell::default()).collect(),
            board: Board::default(),
        }
    }

    pub(crate) fn ends<E: Executor>(&mut self, device: E) -> (Submitter<'_>, Processor<'_, E>) {
        let memory = (&mut self.header, &mut self.cells[..]);
        command_ring(memory, &mut self.board, (0, 1), device)
    }
}

fn ns_each(begin: Instant, packets: u64) -> f64 {
    begin.elapsed().as_nanos() as f64 / packets as f64
}

fn ring_alone(packets: u64) -> f64 {
    let mut memory = Memory::new();
    let (submitter, mut processor) = memory.ends(Device::default());
    let begin = Instant::now();
    for first in (0..packets).step_by(BATCH as usize) {
        let sent = submitter.submit(&batch(first)).expect("it was drained");
        processor.turn(Some(sent.end()), 0);
    }
    let took = ns_each(begin, packets);
    processor.executor().check(packets);
    took
}

fn ring_apart(packets: u64) -> f64 {
    let mut memory = Memory::new();
    let (submitter, mut processor) = memory.ends(Device::default());
    let clock = HostClock::start();
    // The processor's thread stays where it was started, and this one moves.
    stay_on(1);
    let ended = run_threaded(&mut processor, &clock, |thread| {
        stay_on(0);
        let fence = Packet {
            tag: 0,
            command: Command::Fence,
        };
        // The thread runs when this is answered, as the others' do behind their barrier.
        let mut end = submitter.submit(&[fence]).expect("it is empty").end();
        assert!(thread.drain_until(end, LONG_NS).is_ok());
        let begin = Instant::now();
        for first in (0..packets).step_by(BATCH as usize) {
            let (batch, mut sent, backoff) = (batch(first), 0, Backoff::new());
            while sent < batch.len() {
                match submitter.submit(&batch[sent..]) {
                    Ok(some) => {
                        sent += some.count as usize;
                        end = some.end();
                    }
                    Err(_) => backoff.snooze(),
                }
            }
        }
        let arrival = thread.drain_until(end, LONG_NS);
        assert!(arrival.is_ok(), "{arrival:?}");
        ns_each(begin, packets)
    });
    let took = ended.expect("a thread can be started");
    processor.executor().check(packets);
    took
}

fn array_alone(packets: u64) -> f64 {
    let (queue, mut device) = (ArrayQueue::new(SLOTS), Device::default());
    let begin = Instant::now();
    for first in (0..packets).step_by(BATCH as usize) {
        (first..first + BATCH).for_each(|nth| queue.push(line(nth)).expect("it was drained"));
        while let Some(line) = queue.pop() {
            carry_out(&mut device, &line);
        }
    }
    let took = ns_each(begin, packets);
    device.check(packets);
    took
}

fn array_apart(packets: u64) -> f64 {
    let queue = &ArrayQueue::new(SLOTS);
    apart(
        packets,
        move |nth| queue.push(line(nth)).is_ok(),
        move || queue.pop(),
    )
}

fn channel_alone(packets: u64) -> f64 {
    let (sender, receiver): (SyncSender<[u64; 8]>, Receiver<_>) = sync_channel(SLOTS);
    let mut device = Device::default();
    let begin = Instant::now();
    for first in (0..packets).step_by(BATCH as usize) {
        (first..first + BATCH).for_each(|nth| sender.send(line(nth)).expect("it is there"));
        while let Ok(line) = receiver.try_recv() {
            carry_out(&mut device, &line);
        }
    }
    let took = ns_each(begin, packets);
    device.check(packets);
    took
}

fn channel_apart(packets: u64) -> f64 {
    let (sender, receiver) = sync_channel(SLOTS);
    apart(
        packets,
        move |nth| sender.try_send(line(nth)).is_ok(),
        move || receiver.try_recv().ok(),
    )
}

/// One thread sends, another carries out.
fn apart(
    packets: u64,
    send: impl Fn(u64) -> bool + Send,
    receive: impl Fn() -> Option<[u64; 8]> + Send,
) -> f64 {
    let start = &Barrier::new(2);
    thread::scope(|scope| {
        let processor = scope.spawn(move || {
            let (mut device, backoff) = (Device::default(), Backoff::new());
            stay_on(1);
            start.wait();
            while device.launches < packets {
                match receive() {
                    Some(line) => {
                        carry_out(&mut device, &line);
                        backoff.reset();
                    }
                    None => backoff.snooze(),
                }
            }
            device.check(packets);
        });
        stay_on(0);
        start.wait();
        let begin = Instant::now();
        for nth in 0..packets {
            let backoff = Backoff::new();
            while !send(nth) {
                backoff.snooze();
            }
        }
        processor.join().expect("no side panics");
        ns_each(begin, packets)
    })
}

//! A model device, a clock that passes by being asked, and packets in short.

use std::cell::Cell as Slot;
use std::collections::BTreeMap;

use finbox_mailbox::{Cell, Header, Words};

use crate::command::{
    Answer, Board, Clock, Command, Entry, Executor, How, Indirect, Launch, Packet, Processor,
    Refusal, Route, Signal, Submitter, Transfer, Wait, WorkId, command_ring,
};

/// Run epoch of all tests.
pub(super) const EPOCH: u32 = 7;
/// Longer than anything here takes.
pub(super) const LONG_NS: u64 = 600_000_000_000;
/// What an executor without such a counter or buffer says.
pub(super) const UNKNOWN: Refusal = Refusal(404);

/// Each look at it costs a microsecond.
#[derive(Default)]
pub(super) struct StepClock(Slot<u64>);

impl Clock for StepClock {
    const IS_STEPPED: bool = true;

    fn now_ns(&self) -> u64 {
        self.0.set(self.0.get() + 1_000);
        self.0.get()
    }
}

/// Counters, bytes and buffers; launches end after some looks, told by the routes given.
#[derive(Default)]
pub(super) struct Device<'m> {
    pub(super) counters: BTreeMap<u64, u32>,
    pub(super) bytes: Vec<u8>,
    pub(super) buffers: BTreeMap<u64, Vec<Words>>,
    /// Kernels in the order in which they began.
    pub(super) begun: Vec<u64>,
    /// Looks that a launch takes; 0: it is done at once.
    pub(super) looks: u32,
    pub(super) routes: Vec<Route>,
    /// The kernel at which it panics.
    pub(super) panics_at: Option<u64>,
    /// Where each signal has one more packet submitted.
    pub(super) refill: Option<Submitter<'m>>,
    /// What was answered when each launch began, if there is a submitter to ask.
    pub(super) answered: Vec<u64>,
    running: Vec<(WorkId, u32)>,
}

impl Device<'_> {
    pub(super) fn with_counters(counters: &[(u64, u32)]) -> Self {
        Self {
            counters: counters.iter().copied().collect(),
            routes: vec![Route::Told],
            ..Self::default()
        }
    }

    /// Panics at kernel 13.
    pub(super) fn that_panics() -> Self {
        Self {
            panics_at: Some(13),
            ..Self::default()
        }
    }

    pub(super) fn put(&mut self, buffer: u64, packets: &[Packet]) {
        let words = packets.iter().map(|packet| packet.words(EPOCH)).collect();
        self.buffers.insert(buffer, words);
    }
}

impl Executor for Device<'_> {
    fn launch(&mut self, work: WorkId, launch: &Launch) -> Result<Answer, Refusal> {
        assert_ne!(self.panics_at, Some(launch.kernel), "as a test asked for");
        self.begun.push(launch.kernel);
        let board = self.refill.iter().map(|submitter| submitter.board());
        self.answered.extend(board.map(Board::answered));
        if self.looks == 0 {
            return Ok(Answer::Done);
        }
        self.running.push((work, self.looks));
        Ok(Answer::Running)
    }

    fn copy(&mut self, _: WorkId, copy: &Transfer) -> Result<Answer, Refusal> {
        let index = |address| usize::try_from(address).expect("a test's address");
        let [from, to, bytes] = [copy.from, copy.to, copy.bytes].map(index);
        self.bytes.copy_within(from..from + bytes, to);
        Ok(Answer::Done)
    }

    fn signal(&mut self, _: WorkId, signal: &Signal) -> Result<Answer, Refusal> {
        let counter = self.counters.get_mut(&signal.counter).ok_or(UNKNOWN)?;
        *counter = match signal.how {
            How::Store => signal.value,
            How::Add => counter.wrapping_add(signal.value),
        };
        if let Some(submitter) = &self.refill {
            let more = add(signal.counter, signal.value);
            submitter.submit(&[more]).expect("as many left as came");
        }
        Ok(Answer::Done)
    }

    fn counter(&mut self, address: u64) -> Result<Option<u32>, Refusal> {
        self.counters
            .get(&address)
            .copied()
            .map(Some)
            .ok_or(UNKNOWN)
    }

    fn fetch(&mut self, buffer: u64, index: u32) -> Result<Words, Refusal> {
        let packets = self.buffers.get(&buffer).ok_or(UNKNOWN)?;
        packets.get(index as usize).copied().ok_or(UNKNOWN)
    }

    fn look(&mut self, tell: &mut dyn FnMut(Route, WorkId)) {
        for (work, looks) in &mut self.running {
            *looks -= 1;
            if *looks == 0 {
                self.routes.iter().for_each(|route| tell(*route, *work));
            }
        }
        self.running.retain(|(_, looks)| *looks > 0);
    }
}

const fn packet(command: Command) -> Packet {
    Packet { tag: 0, command }
}

pub(super) const NO_OP: Packet = packet(Command::NoOp);
pub(super) const BARRIER: Packet = packet(Command::Barrier);
pub(super) const FENCE: Packet = packet(Command::Fence);

pub(super) fn launch(kernel: u64) -> Packet {
    packet(Command::Launch(Launch {
        kernel,
        args: 0,
        blocks: 1,
        args_bytes: 0,
    }))
}

pub(super) fn wait(counter: u64, value: u32) -> Packet {
    packet(Command::Wait(Wait { counter, value }))
}

pub(super) fn add(counter: u64, value: u32) -> Packet {
    let how = How::Add;
    packet(Command::Signal(Signal {
        counter,
        value,
        how,
    }))
}

pub(super) fn copy(to: u64, from: u64, bytes: u64) -> Packet {
    packet(Command::Copy(Transfer { to, from, bytes }))
}

pub(super) fn indirect(buffer: u64, packets: u32, entry: Entry) -> Packet {
    packet(Command::Indirect(Indirect {
        buffer,
        packets,
        entry,
    }))
}

/// Memory of a ring, owned by the test.
pub(super) struct Memory {
    header: Header,
    cells: Vec<Cell>,
    board: Board,
}

impl Memory {
    pub(super) fn new(slots: usize) -> Self {
        Self {
            header: Header::default(),
            cells: std::iter::repeat_with(Cell::default).take(slots).collect(),
            board: Board::default(),
        }
    }

    pub(super) fn ring<E: Executor>(
        &mut self,
        start: u64,
        executor: E,
    ) -> (Submitter<'_>, Processor<'_, E>) {
        let ring = (&mut self.header, &mut self.cells[..]);
        command_ring(ring, &mut self.board, (start, EPOCH), executor)
    }
}

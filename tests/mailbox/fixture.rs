//! What every mailbox test needs: messages with a number in them, and memory to put rings in.

use std::thread;

use finbox_mailbox::{
    Cell, ClaimLine, CompletionType, Condition, Consumer, Done, Engine, Header, Line, Message,
    Producer, SlotBits, mailbox_with_lines, region_lines,
};

/// Positions where arithmetic on them could go wrong.
pub(crate) const STARTS: [u64; 6] = [
    0,
    1,
    u64::MAX,
    u64::MAX - 1,
    u64::MAX - 4,
    i64::MAX as u64 - 1,
];

/// A TASK_NORMAL_DONE that carries `task`.
pub(crate) fn done(task: u64) -> Message {
    Message::NormalDone(Done {
        task,
        slot: SlotBits(task),
        expected: 0,
    })
}

/// A CONDITION whose fields all differ.
pub(crate) fn condition(task: u64) -> Message {
    Message::Condition(Condition {
        task,
        slot: SlotBits(0x0A0B_0C0D_0E0F_1011),
        addr: 0x2122_2324_2526_2728,
        cookie: 0x3132_3334_3536_3738,
        expected: 0x4142_4344,
        engine: Engine::Urma,
        completion: CompletionType::SdmaEventRecord,
    })
}

/// The task of a message.
pub(crate) fn task_of(message: &Message) -> u64 {
    match message {
        Message::Condition(condition) => condition.task,
        Message::NormalDone(done) => done.task,
    }
}

/// Header and cells of a ring, owned by the test.
pub(crate) struct Memory {
    header: Header,
    cells: Vec<Cell>,
    lines: Vec<ClaimLine>,
}

impl Memory {
    pub(crate) fn new(slots: usize) -> Self {
        Self::with_lines(slots, 0)
    }

    pub(crate) fn with_lines(slots: usize, lines: usize) -> Self {
        let lines = std::iter::repeat_with(ClaimLine::default).take(lines);
        Self {
            header: Header::default(),
            cells: std::iter::repeat_with(Cell::default).take(slots).collect(),
            lines: lines.collect(),
        }
    }

    /// A mailbox in run epoch 1 on this memory.
    pub(crate) fn ring(&mut self, start: u64) -> (Producer<'_>, Consumer<'_>) {
        mailbox_with_lines(&mut self.header, &mut self.cells, &mut self.lines, start, 1)
    }
}

/// Lines for a mailbox of `slots` messages, every byte `byte`.
pub(crate) fn lines(slots: u32, byte: u8) -> Vec<Line> {
    vec![Line([byte; 64]); region_lines(slots)]
}

/// Pushes `done(first)`, `done(first + 1)`, … until the ring is full; how many fitted.
pub(crate) fn fill(producer: &Producer<'_>, first: u64) -> u64 {
    (first..)
        .take_while(|task| producer.push(&done(*task)).is_ok())
        .count() as u64
}

/// Pushes every one of `all`, and waits for room where there is none.
pub(crate) fn push_all(producer: &Producer<'_>, all: impl Iterator<Item = u64>) {
    for task in all {
        while producer.push(&done(task)).is_err() {
            thread::yield_now();
        }
    }
}

/// Drains up to `budget` messages of run `epoch`: (position, task), in the order delivered.
///
/// # Panics
/// If a message does not decode.
pub(crate) fn drain(consumer: &mut Consumer<'_>, budget: u32, epoch: u32) -> Vec<(u64, u64)> {
    let mut seen = Vec::new();
    consumer.drain(budget, |ticket, words| {
        let message = Message::decode(words, epoch).expect("an undamaged message");
        seen.push((ticket.position(), task_of(&message)));
    });
    seen
}

/// Only the tasks of what [`drain`] delivers in run epoch 1.
pub(crate) fn tasks(consumer: &mut Consumer<'_>) -> Vec<u64> {
    let seen = drain(consumer, u32::MAX, 1);
    seen.into_iter().map(|(_, task)| task).collect()
}

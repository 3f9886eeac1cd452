//! Memory for the mailboxes of models, whose threads want `'static` handles.

use std::num::NonZeroU32;

use finbox_mailbox::work::{WorkCell, WorkItem, WorkRing, Worker, WorkerLine, work_ring};
use finbox_mailbox::{
    Cell, ClaimLine, Consumer, Done, Header, Message, Producer, SlotBits, mailbox_with_lines,
};

/// Header and cells on the heap, freed when the model has joined its threads.
struct Arena {
    header: *mut Header,
    cells: *mut [Cell],
    lines: *mut [ClaimLine],
}

impl Arena {
    fn new(slots: usize, lines: usize) -> Self {
        let cells: Box<[Cell]> = std::iter::repeat_with(Cell::default).take(slots).collect();
        let lines = std::iter::repeat_with(ClaimLine::default).take(lines);
        let lines: Box<[ClaimLine]> = lines.collect();
        Self {
            header: Box::into_raw(Box::new(Header::default())),
            cells: Box::into_raw(cells),
            lines: Box::into_raw(lines),
        }
    }

    /// # Safety
    /// No handle on this memory is used any more.
    unsafe fn free(self) {
        // SAFETY: made by `into_raw` in `new`, and no longer used by the caller's word.
        drop(unsafe { Box::from_raw(self.header) });
        // SAFETY: as above.
        drop(unsafe { Box::from_raw(self.cells) });
        // SAFETY: as above.
        drop(unsafe { Box::from_raw(self.lines) });
    }
}

/// Runs `model` on a mailbox in epoch 1. The model must join every thread it spawns and keep no
/// handle: all models do, since what they return holds none.
pub fn with_mailbox<R: 'static>(
    slots: usize,
    start: u64,
    model: impl FnOnce(Producer<'static>, Consumer<'static>) -> R,
) -> R {
    run(Arena::new(slots, 0), start, model)
}

/// As [`with_mailbox`], from position 0, with claim lines.
pub fn with_lines<R: 'static>(
    slots: usize,
    lines: usize,
    model: impl FnOnce(Producer<'static>, Consumer<'static>) -> R,
) -> R {
    run(Arena::new(slots, lines), 0, model)
}

fn run<R: 'static>(
    arena: Arena,
    start: u64,
    model: impl FnOnce(Producer<'static>, Consumer<'static>) -> R,
) -> R {
    // SAFETY: fresh from `into_raw`, and freed only after the model.
    let header = unsafe { &mut *arena.header };
    // SAFETY: as above.
    let cells = unsafe { &mut *arena.cells };
    // SAFETY: as above.
    let lines = unsafe { &mut *arena.lines };
    let (producer, consumer) = mailbox_with_lines(header, cells, lines, start, 1);
    let outcome = model(producer, consumer);
    // SAFETY: the model has returned, so its threads are joined and its handles are gone.
    unsafe { arena.free() };
    outcome
}

/// Runs `model` on `value`, which is freed when it has returned. The same rules hold.
pub fn on_heap<T: 'static, R: 'static>(value: T, model: impl FnOnce(&'static mut T) -> R) -> R {
    let memory = Box::into_raw(Box::new(value));
    // SAFETY: fresh from `into_raw`, and freed only after the model.
    let outcome = model(unsafe { &mut *memory });
    // SAFETY: the model has returned, so its threads are joined and nobody uses the memory.
    drop(unsafe { Box::from_raw(memory) });
    outcome
}

/// Runs `model` on header and cells that nobody stamped yet. The same rules hold.
pub fn with_memory<R: 'static>(
    slots: usize,
    model: impl FnOnce(&'static Header, &'static [Cell]) -> R,
) -> R {
    with_line_memory(slots, 0, |header, cells, _| model(header, cells))
}

/// As [`with_memory`], with claim lines.
pub fn with_line_memory<R: 'static>(
    slots: usize,
    lines: usize,
    model: impl FnOnce(&'static Header, &'static [Cell], &'static [ClaimLine]) -> R,
) -> R {
    let arena = Arena::new(slots, lines);
    // SAFETY: fresh from `into_raw`, and freed only after the model.
    let header = unsafe { &*arena.header };
    // SAFETY: as above.
    let cells = unsafe { &*arena.cells };
    // SAFETY: as above.
    let lines = unsafe { &*arena.lines };
    let outcome = model(header, cells, lines);
    // SAFETY: the model has returned, so its threads are joined and its handles are gone.
    unsafe { arena.free() };
    outcome
}

/// Runs `model` on a work ring with a line for each of `workers`. The same rules hold.
pub fn with_work<R: 'static>(
    slots: usize,
    workers: usize,
    model: impl FnOnce(WorkRing<'static>) -> R,
) -> R {
    let cells: Vec<_> = std::iter::repeat_with(WorkCell::default)
        .take(slots)
        .collect();
    let lines: Vec<_> = std::iter::repeat_with(WorkerLine::default)
        .take(workers)
        .collect();
    on_heap(
        (Header::default(), cells, lines),
        |(header, cells, lines)| {
            model(work_ring(header, cells, lines).expect("models have few slots and workers"))
        },
    )
}

/// An item whose fields all say `number`.
pub fn item(number: u32) -> WorkItem {
    WorkItem {
        offset: number,
        length: number + 1,
        rule_set: number + 2,
        correlation: number + 3,
    }
}

/// The number of an [`item`] that arrived whole.
///
/// # Panics
/// If it did not.
pub fn number(item_seen: WorkItem) -> u32 {
    assert_eq!(item_seen, item(item_seen.offset), "a torn item");
    item_seen.offset
}

/// A worker of `ring`, which has a line for it.
pub fn worker(ring: &WorkRing<'static>, name: u32) -> Worker<'static> {
    let name = NonZeroU32::new(name).expect("names are not 0");
    ring.register(name).expect("a line each")
}

/// A message that carries `task`.
pub fn done(task: u64) -> Message {
    Message::NormalDone(Done {
        task,
        slot: SlotBits(task),
        expected: 0,
    })
}

/// Pushes `done(task)`; whether it was accepted.
pub fn push(producer: &Producer<'_>, task: u64) -> bool {
    producer.push(&done(task)).is_ok()
}

/// Takes up to `budget` messages: their tasks, in the order delivered.
///
/// # Panics
/// If a message is not what [`done`] made, whole.
pub fn drain(consumer: &mut Consumer<'_>, budget: u32) -> Vec<u64> {
    let mut seen = Vec::new();
    consumer.drain(budget, |_, words| match Message::decode(words, 1) {
        Ok(Message::NormalDone(message)) => {
            assert_eq!(done(message.task).encode(1), *words, "a torn message");
            seen.push(message.task);
        }
        other => panic!("not what was pushed: {other:?}"),
    });
    seen
}

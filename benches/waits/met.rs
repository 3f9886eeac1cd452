//! Deferred tasks whose conditions hold before they are looked at.

use std::hint::black_box;
use std::num::NonZeroU32;
use std::time::Instant;

use finbox_mailbox::{
    Cell, ClaimLine, CompletionType, Engine, FinBatch, Header, SlotBits, Watch, mailbox_with_lines,
};
use finbox_scheduler::Completion;

use crate::lives::{CONDITIONS, TASKS, TIMES, time_ns};
use crate::run::{Run, arena};
use crate::table;

/// Messages of one task: two conditions in each, TASK_NORMAL_DONE with the last.
const MESSAGES: u32 = CONDITIONS as u32 / 2;

/// Tasks that leave four conditions each, which hold already: from the FIN to the end, and from the
/// push of the same to the end.
///
/// The handler's push cannot be told from the rest of its step. For the second row the same batches
/// are pushed into a mailbox of their own, before each of its passes, and that is counted instead.
pub(crate) fn deferred(rounds: usize) {
    let mut arena = arena(Completion::Mailbox, 4096);
    let mut run = Run::<true>::new(&mut arena, TASKS * CONDITIONS * 64);
    let first = run.machine.counters();
    let mut memory = Memory::default();
    let mut push = memory.pusher(first);
    let (mut from_fin, mut from_push) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let (mut fin_ns, mut push_ns, mut end_ns) = (0.0, 0.0, 0.0);
        for _ in 0..TIMES {
            (0..TASKS).for_each(|_| run.submit(CONDITIONS as u8));
            let _ = run.pass();
            let mut addr = (0..TASKS * CONDITIONS).map(|at| (first + at * 64, 0));
            let mine = || addr.by_ref().take(CONDITIONS as usize).collect();
            assert_eq!(run.machine.run_cores(mine) as u64, TASKS);
            let done = run.deferred();
            push_ns += push();
            fin_ns += time_ns(|| run.handle());
            end_ns += time_ns(|| assert_eq!(run.pass().polled, 0));
            assert_eq!(run.deferred() - done, TASKS, "all ended in one pass");
        }
        let tasks = f64::from(TIMES) * TASKS as f64;
        from_fin.push((fin_ns + end_ns) / tasks);
        from_push.push((push_ns + end_ns) / tasks);
    }
    let title = "the same from its FIN to its end, its conditions met at the first look";
    table::row(&[title], &from_fin, None);
    let title = "the same, from the push of what its FIN says";
    table::row(&[title], &from_push, None);
}

/// Of a mailbox as large as the scheduler's.
struct Memory {
    header: Box<Header>,
    cells: Vec<Cell>,
    lines: [ClaimLine; 1],
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            header: Box::default(),
            cells: (0..crate::run::mailbox_slots())
                .map(|_| Cell::default())
                .collect(),
            lines: Default::default(),
        }
    }
}

impl Memory {
    /// What pushes one batch for each task, drains them, and says how long the pushes took.
    fn pusher(&mut self, first: u64) -> impl FnMut() -> f64 + '_ {
        let (cells, lines) = (&mut self.cells, &mut self.lines);
        let (producer, mut consumer) = mailbox_with_lines(&mut self.header, cells, lines, 0, 1);
        let named = producer.register(NonZeroU32::MIN);
        let mut named = named.expect("there is a line");
        // As a handler has them: copied from the slabs before.
        let watches = (0..TASKS * CONDITIONS).map(|at| (watch(first, at), 0));
        let entries: Vec<(Watch, u64)> = watches.collect();
        move || {
            let begin = Instant::now();
            for task in 0..TASKS {
                let fin = fin(task);
                let entry = |index: u32| entries[(task * CONDITIONS) as usize + index as usize];
                assert_eq!(named.push_fin(&fin, entry), MESSAGES);
            }
            let took = begin.elapsed().as_nanos() as f64;
            let all = TASKS as u32 * MESSAGES;
            assert_eq!(consumer.drain(all + 1, |_, _| ()).taken, all);
            took
        }
    }
}

fn fin(task: u64) -> FinBatch {
    FinBatch {
        task,
        slot: SlotBits(task << 32),
        conditions: black_box(CONDITIONS as u32),
        in_pairs: black_box(true),
        done: Some(black_box(CONDITIONS as u8)),
    }
}

fn watch(first: u64, at: u64) -> Watch {
    Watch {
        addr: first + at * 64,
        expected: 0,
        engine: Engine::Sdma,
        completion: CompletionType::Counter,
    }
}

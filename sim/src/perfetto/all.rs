//! A trace with everything that was recorded.
//!
//! Of each block a bar from dispatch until its FIN was seen, and inside it one while its kernel
//! ran; two tokens of a core overlap, so its lane has as many rows as that takes. Called by `mod`.

use super::View;
use super::arrows::{Arrows, Ends, instants};
use super::operations;
use super::rows::rows;
use super::sink::{Group, Kind, Sink, Told, Value};
use super::waits::Wait;
use super::words::{self, Words};
use crate::timeline::{Block, NEVER, Thread};

/// Writes everything but counters; returns how many waits had no room, and how many arrows there
/// are.
pub(super) fn write<S: Sink>(view: &View<'_>, sink: &mut S, groups: &[Group]) -> (u64, u64) {
    let (mut waits, mut left_out) = (Vec::new(), 0);
    for rank in &view.timeline.ranks {
        let (drawn, more) = super::waits::waits(rank, view.window, view.timeline.end_ns);
        waits.push(drawn);
        left_out += more;
    }
    let arrows = Arrows::of(view.timeline, &waits, view.window);
    let writer = Writer { view, arrows };
    for (rank, &group) in groups.iter().enumerate() {
        let threads = sink.group(Some(group), "threads");
        for thread in &view.timeline.ranks[rank].threads {
            writer.thread(sink, threads, thread);
        }
        writer.cores(sink, group, rank);
        writer.instants(sink, group, rank);
        writer.waits(sink, group, (rank, &waits[rank]));
        operations::write(view, sink, group, (rank, &writer.arrows));
    }
    (left_out, writer.arrows.count)
}

/// The submitter's lane.
pub(super) fn submitter<S: Sink>(view: &View<'_>, sink: &mut S, group: Group) {
    let arrows = Arrows::default();
    Writer { view, arrows }.thread(sink, group, &view.timeline.submitter);
}

struct Writer<'a> {
    view: &'a View<'a>,
    arrows: Arrows,
}

impl Writer<'_> {
    fn words(&self) -> &Words {
        &self.view.words
    }

    /// A time, or the end of the run.
    fn until(&self, ns: u64) -> u64 {
        ns.min(self.view.timeline.end_ns)
    }

    /// From dispatch until the FIN was seen.
    fn span(&self, block: &Block) -> (u64, u64) {
        let begin_ns = block.dispatched_ns;
        (begin_ns, self.until(block.observed_ns).max(begin_ns))
    }

    /// The phases of a thread, and the pauses between them.
    fn thread<S: Sink>(&self, sink: &mut S, group: Group, thread: &Thread) {
        let window = self.view.window;
        let spans = thread.spans();
        let mut spans = spans
            .filter(|span| window.sees(span.began_ns, span.ended_ns))
            .peekable();
        if spans.peek().is_none() {
            return;
        }
        sink.lane(group, &words::thread(thread.role), Kind::Bars);
        let mut last_ns = None;
        for span in spans {
            if let Some(last_ns) = last_ns.filter(|&last| last < span.began_ns) {
                sink.begin(last_ns, &Told::named(self.words().idle));
                sink.end(span.began_ns);
            }
            // In parallel two looks at the clock may disagree.
            let began_ns = span.began_ns.max(last_ns.unwrap_or(0));
            let ended_ns = span.ended_ns.max(began_ns);
            sink.begin(began_ns, &Told::named(self.words().phase(span.phase)));
            sink.end(ended_ns);
            last_ns = Some(ended_ns);
        }
    }

    fn cores<S: Sink>(&self, sink: &mut S, group: Group, rank: usize) {
        let recorded = &self.view.timeline.ranks[rank];
        let cores = sink.group(Some(group), "cores");
        let mut by_core: Vec<Vec<(u32, &Block)>> = vec![Vec::new(); recorded.lanes.len()];
        for (index, block) in (0..).zip(&recorded.blocks) {
            let (begin_ns, end_ns) = self.span(block);
            if self.view.window.sees(begin_ns, end_ns) {
                by_core[usize::from(block.core)].push((index, block));
            }
        }
        for (core, mut blocks) in by_core.into_iter().enumerate() {
            blocks.sort_by_key(|(_, block)| block.dispatched_ns);
            let found = rows(blocks.iter().map(|(_, it)| self.span(it)), usize::MAX);
            let count = found.iter().flatten().max().map_or(0, |last| last + 1);
            for row in 0..count {
                let name = words::core(core, &recorded.lanes[core]);
                sink.lane(cores, &name, Kind::Bars);
                let here = blocks
                    .iter()
                    .zip(&found)
                    .filter(|(_, it)| **it == Some(row));
                for (&(index, block), _) in here {
                    self.block(sink, (rank, index), block);
                }
            }
        }
    }

    fn block<S: Sink>(&self, sink: &mut S, at: (usize, u32), block: &Block) {
        let words = self.words();
        let (_, end_ns) = self.span(block);
        let task = &self.view.timeline.ranks[at.0].tasks[block.task as usize];
        let mut arguments = vec![
            (words.task, Value::Number(block.task.into())),
            (words.block, Value::Number(block.block.into())),
            (words.outcome, Value::Word(words.outcome(task.outcome))),
        ];
        if let Some(part) = self.view.parts.of(block.subtask) {
            arguments.push((words.part, Value::Word(part)));
        }
        if task.finished_ns != NEVER {
            arguments.push((words.finished, Value::Number(task.finished_ns)));
        }
        let conditions = self.view.conditions_of(at.0, block.task);
        if conditions > 0 {
            arguments.push((words.conditions, Value::Number(conditions.into())));
        }
        let none = Ends::default();
        let ends = self.arrows.blocks.get(&at).unwrap_or(&none);
        let told = Told {
            name: self.view.name_of(at.0, block.task),
            arguments: &arguments,
            out: &ends.out,
            into: &ends.into,
        };
        sink.begin(block.dispatched_ns, &told);
        if block.started_ns != NEVER {
            let started_ns = block.started_ns.clamp(block.dispatched_ns, end_ns);
            sink.begin(started_ns, &Told::named(words.runs));
            sink.end(block.ended_ns.clamp(started_ns, end_ns));
        }
        sink.end(end_ns);
    }

    /// Tasks that ran nowhere.
    fn instants<S: Sink>(&self, sink: &mut S, group: Group, rank: usize) {
        let recorded = &self.view.timeline.ranks[rank];
        let mut tasks = instants(recorded, self.view.window);
        if tasks.is_empty() {
            return;
        }
        tasks.sort_by_key(|&task| recorded.tasks[task as usize].finished_ns);
        sink.lane(group, "on no core", Kind::Bars);
        let (words, none) = (self.words(), Ends::default());
        for task in tasks {
            let times = &recorded.tasks[task as usize];
            let ends = self.arrows.instants.get(&(rank, task)).unwrap_or(&none);
            let told = Told {
                name: self.view.name_of(rank, task),
                arguments: &[
                    (words.task, Value::Number(task.into())),
                    (words.outcome, Value::Word(words.outcome(times.outcome))),
                ],
                out: &ends.out,
                into: &ends.into,
            };
            sink.instant(times.finished_ns, &told);
        }
    }

    fn waits<S: Sink>(&self, sink: &mut S, group: Group, (rank, waits): (usize, &[Wait])) {
        let count = waits.iter().map(|wait| wait.row + 1).max().unwrap_or(0);
        let none = Ends::default();
        for row in 0..count {
            sink.lane(group, "deferred tasks", Kind::Bars);
            for wait in waits.iter().filter(|wait| wait.row == row) {
                let words = self.words();
                let conditions = wait.conditions.len() as u64;
                let at = (rank, wait.task);
                let told = Told {
                    name: self.view.name_of(rank, wait.task),
                    arguments: &[
                        (words.task, Value::Number(wait.task.into())),
                        (words.conditions, Value::Number(conditions)),
                    ],
                    out: &self.arrows.waits.get(&at).unwrap_or(&none).out,
                    into: &[],
                };
                sink.begin(wait.begin_ns, &told);
                for &index in &wait.conditions {
                    self.condition(sink, wait, (rank, index));
                }
                sink.end(wait.end_ns);
            }
        }
    }

    /// That a condition is met, inside the bar of its task.
    fn condition<S: Sink>(&self, sink: &mut S, wait: &Wait, at: (usize, u32)) {
        let condition = &self.view.timeline.ranks[at.0].conditions[at.1 as usize];
        if condition.met_ns == NEVER {
            return;
        }
        let name = sink.names().add(&words::watch(condition.watch));
        let expected = Value::Number(condition.expected.into());
        let none = Ends::default();
        let told = Told {
            name,
            arguments: &[(self.words().expected, expected)],
            out: &[],
            into: &self.arrows.conditions.get(&at).unwrap_or(&none).into,
        };
        sink.instant(wait.inside(condition.met_ns), &told);
    }
}

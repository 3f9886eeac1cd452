//! A trace of a long run: bars of kernels, and everything else in outline. Called by `mod`.

use super::View;
use super::arrows::Arrows;
use super::detail::merged;
use super::operations;
use super::sink::{Group, Kind, Sink, Told, Value};
use super::words;
use crate::timeline::{Block, NEVER, RankTimeline, Thread};

/// Writes everything but counters; pauses of a thread of up to `bridge_ns` do not show.
pub(super) fn write<S: Sink>(view: &View<'_>, sink: &mut S, groups: &[Group], bridge_ns: u64) {
    let no_arrows = Arrows::default();
    for (rank, &group) in groups.iter().enumerate() {
        let threads = sink.group(Some(group), "threads");
        for thread in &view.timeline.ranks[rank].threads {
            busy(view, sink, (threads, bridge_ns), thread);
        }
        cores(view, sink, group, rank);
        operations::write(view, sink, group, (rank, &no_arrows));
    }
}

/// When a thread had something to do.
pub(super) fn busy<S: Sink>(
    view: &View<'_>,
    sink: &mut S,
    (group, bridge_ns): (Group, u64),
    thread: &Thread,
) {
    let mut bars = merged(thread, view.window, bridge_ns).peekable();
    if bars.peek().is_none() {
        return;
    }
    sink.lane(group, &words::thread(thread.role), Kind::Bars);
    let mut last_ns = 0;
    for (began_ns, ended_ns) in bars {
        let began_ns = began_ns.max(last_ns);
        last_ns = ended_ns.max(began_ns);
        sink.begin(began_ns, &Told::named(view.words.busy));
        sink.end(last_ns);
    }
}

/// Blocks that ran and are shown, core by core: indices in order, and where each core's begin.
fn by_core(view: &View<'_>, recorded: &RankTimeline) -> (Vec<u32>, Vec<usize>) {
    let is_shown = |block: &Block| {
        let has_run = block.started_ns != NEVER;
        has_run && view.detail.has(block.task) && view.window.sees(block.started_ns, block.ended_ns)
    };
    let mut begins = vec![0; recorded.lanes.len() + 1];
    for block in recorded.blocks.iter().filter(|block| is_shown(block)) {
        begins[usize::from(block.core) + 1] += 1;
    }
    for core in 1..begins.len() {
        begins[core] += begins[core - 1];
    }
    let mut next = begins.clone();
    let mut order = vec![0; *begins.last().unwrap_or(&0)];
    for (index, block) in (0..).zip(&recorded.blocks).filter(|(_, it)| is_shown(it)) {
        let next = &mut next[usize::from(block.core)];
        order[*next] = index;
        *next += 1;
    }
    (order, begins)
}

fn cores<S: Sink>(view: &View<'_>, sink: &mut S, group: Group, rank: usize) {
    let recorded = &view.timeline.ranks[rank];
    let cores = sink.group(Some(group), "cores");
    let (mut order, begins) = by_core(view, recorded);
    let block = |index: u32| &recorded.blocks[index as usize];
    for (core, bounds) in begins.windows(2).enumerate() {
        let here = &mut order[bounds[0]..bounds[1]];
        if here.is_empty() {
            continue;
        }
        // Cores begin blocks in the order of dispatch; a reset may change that.
        here.sort_by_key(|&index| block(index).started_ns);
        sink.lane(cores, &words::core(core, &recorded.lanes[core]), Kind::Bars);
        let mut last_ns = 0;
        for &mut index in here {
            let block = block(index);
            let began_ns = block.started_ns.max(last_ns);
            last_ns = block.ended_ns.min(view.timeline.end_ns).max(began_ns);
            bar(view, sink, (rank, block.task), (began_ns, last_ns));
        }
    }
}

/// A bar with the task's number, if its name does not tell which it is.
fn bar<S: Sink>(
    view: &View<'_>,
    sink: &mut S,
    (rank, task): (usize, u32),
    (began_ns, ended_ns): (u64, u64),
) {
    let name = view.name_of(rank, task);
    let number = [(view.words.task, Value::Number(task.into()))];
    let tells = sink.names().is_used_once(name);
    let told = Told {
        arguments: if tells { &[] } else { &number },
        ..Told::named(name)
    };
    sink.begin(began_ns, &told);
    sink.end(ended_ns);
}

//! What every task must wait for, found from its plan: the oracle's own opinion.
//!
//! Explicit dependencies, what comes before on a stream, and for overlapping bytes of which one
//! use writes: the later task waits for the earlier, unless a write between them says so already.
//! Nothing of the runtime's code is in it: buffers are cut beforehand at every boundary that any
//! task declares, so that a piece is either used wholly or not at all. Linear in tasks,
//! dependencies and pieces used. Tasks of one rank are submitted in the order of their numbers
//! where they declare buffers.

use crate::timeline::Befores;
use crate::workload::{Access, BufferUse, RankPlan, TaskPlan};

/// For each task the tasks that must finish before it starts, in two flat tables.
#[derive(Debug)]
pub(crate) struct Dependencies {
    /// Where the list of each task begins, and the end of the last one.
    begins: Vec<u32>,
    befores: Vec<u32>,
}

impl Dependencies {
    /// Finds those of all tasks of `plan`.
    pub(crate) fn of(plan: &RankPlan) -> Self {
        let (mut buffers, mut streams) = (Pieces::cut(plan), Streams::of(plan));
        let mut all = Self {
            begins: Vec::with_capacity(plan.tasks.len() + 1),
            befores: Vec::new(),
        };
        for (number, task) in (0..).zip(&plan.tasks) {
            all.begins.push(index(all.befores.len()));
            all.befores.extend_from_slice(&task.after);
            streams.launch(number, task, &mut all.befores);
            for one in &task.uses {
                buffers.touch(number, one, &mut all.befores);
            }
            all.forget_repeats(number);
        }
        all.begins.push(index(all.befores.len()));
        all
    }

    /// Sorts the last list and drops what it names twice, and the task itself.
    fn forget_repeats(&mut self, task: u32) {
        let begin = *self.begins.last().expect("a list was begun") as usize;
        let list = &mut self.befores[begin..];
        if list.is_sorted_by(|one, other| one < other) && !list.contains(&task) {
            return;
        }
        list.sort_unstable();
        let mut kept = begin;
        for index in begin..self.befores.len() {
            let before = self.befores[index];
            if before != task && (kept == begin || self.befores[kept - 1] != before) {
                self.befores[kept] = before;
                kept += 1;
            }
        }
        self.befores.truncate(kept);
    }

    /// The tasks that must finish before `task` starts.
    #[inline]
    pub(crate) fn before(&self, task: u32) -> &[u32] {
        let task = task as usize;
        &self.befores[self.begins[task] as usize..self.begins[task + 1] as usize]
    }

    /// Both tables, for whoever keeps them longer.
    pub(super) fn flat(&self) -> Befores {
        Befores {
            begins: self.begins.clone(),
            tasks: self.befores.clone(),
        }
    }

    /// How many tasks wait for each task.
    pub(super) fn consumers(&self) -> Vec<u32> {
        let mut consumers = vec![0; self.begins.len() - 1];
        for &before in &self.befores {
            consumers[before as usize] += 1;
        }
        consumers
    }
}

fn index(befores: usize) -> u32 {
    u32::try_from(befores).expect("less than 2³² dependencies")
}

/// The launches of a rank so far, by stream.
struct Streams(Vec<Vec<u32>>);

impl Streams {
    fn of(plan: &RankPlan) -> Self {
        Self(vec![Vec::new(); plan.streams.len()])
    }

    /// Appends what `task` waits for because of its stream, and because of its own waits: gates, or
    /// launches of this rank that came before.
    fn launch(&mut self, index: u32, task: &TaskPlan, befores: &mut Vec<u32>) {
        for wait in &task.waits {
            let place = usize::try_from(wait.value - 1).expect("a plan has less than 2³² tasks");
            let edge = || self.0[wait.stream as usize][place];
            befores.push(wait.gate.unwrap_or_else(edge));
        }
        if let Some(stream) = task.stream {
            let launches = &mut self.0[stream as usize];
            befores.extend(launches.last());
            launches.push(index);
        }
    }
}

/// The buffers of a rank, cut at every declared boundary.
struct Pieces {
    /// The offsets at which each buffer is cut, in order.
    cuts: Vec<Vec<u64>>,
    /// The piece that begins at each cut.
    pieces: Vec<Vec<Piece>>,
    /// In whose memory a buffer begins its life, until it has begun.
    takes: Vec<Option<u32>>,
}

#[derive(Clone, Default)]
struct Piece {
    writer: Option<u32>,
    /// Readers since that write.
    readers: Vec<u32>,
}

impl Pieces {
    fn cut(plan: &RankPlan) -> Self {
        let mut cuts = vec![Vec::new(); plan.buffers.len()];
        let tasks = match plan.buffers.is_empty() {
            true => &[][..],
            false => &plan.tasks,
        };
        for one in tasks.iter().flat_map(|task| &task.uses) {
            let (at, end) = (one.span.at, one.span.at + one.span.bytes);
            cuts[one.buffer as usize].extend([at, end]);
        }
        for cuts in &mut cuts {
            cuts.sort_unstable();
            cuts.dedup();
        }
        let pieces = cuts.iter().map(|cuts| vec![Piece::default(); cuts.len()]);
        let pieces = pieces.collect();
        let takes = plan.buffers.iter().map(|buffer| buffer.takes).collect();
        Self {
            cuts,
            pieces,
            takes,
        }
    }

    /// `task` makes this use: appends what it waits for because of it.
    fn touch(&mut self, task: u32, one: &BufferUse, befores: &mut Vec<u32>) {
        if let Some(before) = self.takes[one.buffer as usize].take() {
            for piece in &self.pieces[before as usize] {
                befores.extend(piece.writer);
                befores.extend(&piece.readers);
            }
        }
        let cuts = &self.cuts[one.buffer as usize];
        let first = cuts.partition_point(|&cut| cut < one.span.at);
        let last = cuts.partition_point(|&cut| cut < one.span.at + one.span.bytes);
        for piece in &mut self.pieces[one.buffer as usize][first..last] {
            befores.extend(piece.writer);
            if one.access == Access::In {
                piece.readers.push(task);
            } else {
                befores.append(&mut piece.readers);
                piece.writer = Some(task);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Dependencies;
    use crate::demo::deferred_notify;
    use crate::workload::{Access, BufferUse, RankPlan, Shape, Span, TaskPlan, mix};

    #[test]
    fn the_consumer_waits_for_the_producer_and_the_waiter() {
        let found = Dependencies::of(&deferred_notify(2).ranks[0]);
        let lists: Vec<&[u32]> = (0..3).map(|task| found.before(task)).collect();
        assert_eq!(lists, [&[][..], &[], &[0, 1]]);
        assert_eq!(found.consumers(), [1, 1, 0]);
    }

    fn conflicts(one: &BufferUse, other: &BufferUse) -> bool {
        let overlap = one.span.at < other.span.at + other.span.bytes
            && other.span.at < one.span.at + one.span.bytes;
        let reads = one.access == Access::In && other.access == Access::In;
        one.buffer == other.buffer && overlap && !reads
    }

    /// Whether `later` comes behind `earlier` by any chain of dependencies.
    fn comes_behind(found: &Dependencies, later: u32, earlier: u32) -> bool {
        let before = found.before(later);
        before.contains(&earlier)
            || before
                .iter()
                .any(|&between| between > earlier && comes_behind(found, between, earlier))
    }

    #[test]
    fn every_conflicting_pair_is_ordered_and_no_other_is_listed() {
        for seed in 0..200 {
            let draw = |subject: u64, bound: u64| mix(mix(seed) ^ subject) % bound;
            let mut plan = RankPlan::new(0);
            plan.add_buffer("b", 16, 1);
            for task in 0..12 {
                let at = draw(task, 15);
                let bytes = 1 + draw(task | 64, 16 - at);
                let access = [Access::In, Access::Out, Access::InOut];
                let access = access[usize::try_from(draw(task | 128, 3)).unwrap()];
                let span = Span { at, bytes };
                let uses = vec![BufferUse {
                    buffer: 0,
                    span,
                    access,
                }];
                plan.add_task(TaskPlan {
                    uses: uses.into(),
                    ..TaskPlan::new("t", Shape::Aiv, 0)
                });
            }
            let found = Dependencies::of(&plan);
            for later in 0..12 {
                for earlier in 0..later {
                    let uses = |task: u32| &plan.tasks[task as usize].uses[0];
                    let conflict = conflicts(uses(later), uses(earlier));
                    let listed = found.before(later).contains(&earlier);
                    assert!(!listed || conflict, "seed {seed}: {later} {earlier}");
                    assert!(!conflict || comes_behind(&found, later, earlier));
                }
            }
        }
    }
}

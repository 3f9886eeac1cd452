//! What was recorded becomes a timeline: readiness and causes are found when everything is known.

use super::{Condition, NEVER, Operation, Rank, Recording};
use crate::timeline::{Befores, LeftOut, OperationRef, RankTimeline, TaskTimes, Timeline, Watch};
use crate::world::order::Dependencies;

/// An operation that brought a counter of a rank to a value, and when.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Raised {
    rank: u32,
    counter: u32,
    at_ns: u64,
    by: OperationRef,
    value: u32,
}

impl Recording<'_> {
    /// Everything, of a run that ended at `end_ns`, with what tasks had to wait for.
    pub(in crate::world) fn finish<'d>(
        &self,
        end_ns: u64,
        befores: impl Iterator<Item = &'d Dependencies>,
    ) -> Timeline {
        let (submitter, steps) = std::mem::take(&mut *self.submitter.lock());
        let mut left_out = LeftOut {
            steps,
            ..LeftOut::default()
        };
        let ranks = self.ranks.iter().zip(befores).map(|(rank, befores)| {
            let mut rank = rank.lock();
            left_out.add(&rank.left_out);
            rank.finish(befores)
        });
        let mut ranks: Vec<RankTimeline> = ranks.collect();
        find_causes(&mut ranks);
        Timeline {
            is_virtual: self.meter.is_virtual(),
            end_ns: self.at(end_ns),
            ranks,
            submitter,
            left_out,
            root: None,
        }
    }
}

impl Rank {
    fn finish(&mut self, befores: &Dependencies) -> RankTimeline {
        let mut tasks = std::mem::take(&mut self.tasks);
        let befores = befores.flat();
        for task in 0..tasks.len() {
            let number = u32::try_from(task).expect("a plan has less than 2³² tasks");
            tasks[task].ready_ns = ready_ns(number, &tasks, &befores);
        }
        for task in &mut tasks {
            // In virtual time what a step does is seen from its beginning, and charged later:
            // a task without blocks may be finished meanwhile.
            task.ready_ns = task.ready_ns.min(task.finished_ns);
            task.submitted_ns = task.submitted_ns.min(task.ready_ns);
        }
        RankTimeline {
            rank: self.label,
            lanes: std::mem::take(&mut self.cores),
            tasks,
            befores,
            blocks: std::mem::take(&mut self.blocks),
            conditions: std::mem::take(&mut self.conditions),
            operations: std::mem::take(&mut self.operations),
            threads: std::mem::take(&mut self.threads),
            mailbox: std::mem::take(&mut self.mailbox),
        }
    }
}

/// When the last of all that `task` waited for had released it; [`NEVER`] if one has not.
fn ready_ns(task: u32, tasks: &[TaskTimes], befores: &Befores) -> u64 {
    let released = befores.of(task).iter();
    let released = released.map(|&before| tasks[before as usize].released_ns);
    let times = released.chain([tasks[task as usize].submitted_ns]);
    times.max().unwrap_or(NEVER)
}

/// Finds which operation made each condition on a counter true.
fn find_causes(ranks: &mut [RankTimeline]) {
    let mut raised: Vec<Raised> = Vec::new();
    for (rank, own) in (0..).zip(&*ranks) {
        let operations = (0..).zip(&own.operations);
        let raises = operations.filter_map(|(index, one)| raise(OperationRef { rank, index }, one));
        raised.extend(raises);
    }
    raised.sort_unstable();
    for (rank, own) in (0..).zip(ranks) {
        let is_open = |one: &&mut Condition| one.by.is_none() && one.met_ns != NEVER;
        for condition in own.conditions.iter_mut().filter(is_open) {
            condition.by = cause(rank, condition, &raised);
        }
    }
}

fn raise(by: OperationRef, one: &Operation) -> Option<Raised> {
    let counter = one.counter().filter(|_| one.ended_ns != NEVER)?;
    let rank = match one.engine() {
        Some(_) => by.rank,
        None => one.to,
    };
    Some(Raised {
        rank,
        counter,
        at_ns: one.ended_ns,
        by,
        value: one.value,
    })
}

/// The first that brought the counter to what `condition` of `rank` waits for; counters wrap.
fn cause(rank: u32, condition: &Condition, raised: &[Raised]) -> Option<OperationRef> {
    let Watch::Counter(counter) = condition.watch else {
        return None;
    };
    let begin = raised.partition_point(|one| (one.rank, one.counter) < (rank, counter));
    let end = raised.partition_point(|one| (one.rank, one.counter) <= (rank, counter));
    let own = &raised[begin..end];
    let is_short = |one: &Raised| {
        one.value
            .wrapping_sub(condition.expected)
            .cast_signed()
            .is_negative()
    };
    let first = own.partition_point(is_short);
    own.get(first).or(own.last()).map(|one| one.by)
}

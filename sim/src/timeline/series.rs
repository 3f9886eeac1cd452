//! How many of something there were, over time: counted from what is recorded, when asked for.

use super::{NEVER, RankTimeline, TaskTimes};

/// From this time on there were so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Since when.
    pub at_ns: u64,
    /// How many.
    pub count: u32,
}

impl RankTimeline {
    /// Tasks that were ready while not one of their blocks was dispatched.
    pub fn ready(&self) -> Vec<Sample> {
        let first = self.first_dispatches();
        let until = |(task, dispatched): (&TaskTimes, u64)| {
            let end = dispatched.min(task.finished_ns);
            (task.ready_ns, end)
        };
        count(self.tasks.iter().zip(first).map(until))
    }

    /// Tasks all of whose blocks were seen to have ended, and that were not finished: they wait
    /// for conditions.
    pub fn waiting(&self) -> Vec<Sample> {
        let last = self.last_fins();
        let until = |(task, fin): (&TaskTimes, u64)| match task.is_inline {
            true => (NEVER, NEVER),
            false => (fin, task.finished_ns),
        };
        count(self.tasks.iter().zip(last).map(until))
    }

    /// Conditions that were registered and not seen to hold.
    pub fn unmet(&self) -> Vec<Sample> {
        let spans = self.conditions.iter();
        count(spans.map(|one| (one.registered_ns, one.met_ns)))
    }

    /// When the first block of each task was dispatched.
    pub fn first_dispatches(&self) -> Vec<u64> {
        let mut first = vec![NEVER; self.tasks.len()];
        for block in &self.blocks {
            let first = &mut first[block.task as usize];
            *first = block.dispatched_ns.min(*first);
        }
        first
    }

    /// When the last FIN of each task was seen; [`NEVER`] if one was not, or it has no blocks.
    pub fn last_fins(&self) -> Vec<u64> {
        let mut last: Vec<Option<u64>> = vec![None; self.tasks.len()];
        for block in &self.blocks {
            let last = &mut last[block.task as usize];
            *last = (*last).max(Some(block.observed_ns));
        }
        last.into_iter().map(|last| last.unwrap_or(NEVER)).collect()
    }
}

/// How many of these spans are open, at changes; one that begins at [`NEVER`] is none.
fn count(spans: impl Iterator<Item = (u64, u64)>) -> Vec<Sample> {
    let mut changes = Vec::new();
    for (begin, end) in spans.filter(|(begin, end)| begin < end) {
        changes.push((begin, 1_i64));
        if end != NEVER {
            changes.push((end, -1));
        }
    }
    changes.sort_unstable();
    let mut samples: Vec<Sample> = Vec::new();
    let mut open = 0_i64;
    for (at_ns, change) in changes {
        open += change;
        let count = u32::try_from(open).unwrap_or(0);
        match samples.last_mut() {
            Some(last) if last.at_ns == at_ns => last.count = count,
            _ => samples.push(Sample { at_ns, count }),
        }
    }
    samples.dedup_by_key(|sample| sample.count);
    samples
}

#[cfg(test)]
mod tests {
    use super::{NEVER, Sample, count};

    #[test]
    fn open_spans_are_counted_at_changes_only() {
        let spans = [
            (10, 30),
            (20, 30),
            (20, NEVER),
            (30, 40),
            (NEVER, NEVER),
            (7, 7),
        ];
        let samples = count(spans.into_iter());
        let expected = [(10, 1), (20, 3), (30, 2), (40, 1)];
        assert_eq!(
            samples,
            expected.map(|(at_ns, count)| Sample { at_ns, count })
        );
    }
}

//! What every task must wait for, found naively from its plan: the oracle's own opinion.
//!
//! Explicit dependencies, and for every pair of uses of overlapping bytes of which one writes: the
//! later task waits for the earlier. Quadratic, and nothing of the runtime's code in it. Tasks of
//! one rank are submitted in the order of their numbers where they declare buffers.

use crate::workload::{Access, BufferUse, RankPlan};

/// For each task of `plan`, the tasks that must finish before it starts.
pub(super) fn dependencies(plan: &RankPlan) -> Vec<Vec<u32>> {
    let mut all: Vec<Vec<u32>> = plan.tasks.iter().map(|task| task.after.clone()).collect();
    let declaring: Vec<(u32, &[BufferUse])> = (0..)
        .zip(&plan.tasks)
        .filter(|(_, task)| !task.uses.is_empty())
        .map(|(index, task)| (index, &task.uses[..]))
        .collect();
    for (position, &(task, uses)) in declaring.iter().enumerate() {
        for &(earlier, theirs) in &declaring[..position] {
            let conflict = uses
                .iter()
                .any(|one| theirs.iter().any(|other| conflicts(one, other)));
            if conflict && !all[task as usize].contains(&earlier) {
                all[task as usize].push(earlier);
            }
        }
    }
    all
}

fn conflicts(one: &BufferUse, other: &BufferUse) -> bool {
    let overlap = one.span.at < other.span.at + other.span.bytes
        && other.span.at < one.span.at + one.span.bytes;
    let reads = one.access == Access::In && other.access == Access::In;
    one.buffer == other.buffer && overlap && !reads
}

#[cfg(test)]
mod tests {
    use super::dependencies;
    use crate::demo::deferred_notify;

    #[test]
    fn the_consumer_waits_for_the_producer_and_the_waiter() {
        let found = dependencies(&deferred_notify(2).ranks[0]);
        assert_eq!(found, [vec![], vec![], vec![0, 1]]);
    }
}

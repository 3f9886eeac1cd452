//! Deferred tasks while they wait: a bar from the first condition until the task is finished.

use super::rows::rows;
use super::window::Window;
use crate::timeline::RankTimeline;

/// The most tasks of a rank that are shown waiting at once.
const MOST_ROWS: usize = 64;

/// A task that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wait {
    pub(super) task: u32,
    pub(super) begin_ns: u64,
    pub(super) end_ns: u64,
    pub(super) row: usize,
    /// Its conditions: indices of the rank's, in the order in which they were met.
    pub(super) conditions: Vec<u32>,
}

impl Wait {
    /// When a condition that was met at `met_ns` is shown: inside the bar.
    pub(super) fn inside(&self, met_ns: u64) -> u64 {
        met_ns.clamp(self.begin_ns, self.end_ns)
    }
}

/// The waits of `rank` that are seen, in the order in which they begin, and how many more there
/// were than have room. What did not end lasts until `end_ns`.
pub(super) fn waits(rank: &RankTimeline, window: Window, end_ns: u64) -> (Vec<Wait>, u64) {
    let mut order: Vec<u32> = (0..).take(rank.conditions.len()).collect();
    let condition = |index: u32| &rank.conditions[index as usize];
    order.sort_by_key(|&index| (condition(index).task, condition(index).met_ns));
    let of_task = order.chunk_by(|&one, &other| condition(one).task == condition(other).task);
    let mut waits: Vec<Wait> = of_task
        .filter_map(|conditions| {
            let task = condition(*conditions.first()?).task;
            let registered = conditions.iter().map(|&it| condition(it).registered_ns);
            let begin_ns = registered.min()?;
            let finished_ns = rank.tasks.get(task as usize)?.finished_ns;
            Some(Wait {
                task,
                begin_ns,
                end_ns: finished_ns.min(end_ns).max(begin_ns),
                row: 0,
                conditions: conditions.to_vec(),
            })
        })
        .filter(|wait| window.sees(wait.begin_ns, wait.end_ns))
        .collect();
    waits.sort_by_key(|wait| (wait.begin_ns, wait.task));
    let found = rows(waits.iter().map(|it| (it.begin_ns, it.end_ns)), MOST_ROWS);
    let all = waits.len();
    let mut found = found.into_iter();
    waits.retain_mut(|wait| match found.next().flatten() {
        Some(row) => {
            wait.row = row;
            true
        }
        None => false,
    });
    let left_out = (all - waits.len()) as u64;
    (waits, left_out)
}

//! Depth-first search over all schedules with few preemptions.
//!
//! Shuttle's own depth-first search is unbounded, and whole passes have far too many schedules.
//! This one is exhaustive up to a number of preemptions, as loom's is: a thread that is runnable
//! and loses the processor all the same.

use shuttle::scheduler::{Schedule, Scheduler, Task, TaskId};

/// One decision on the way down.
#[derive(Debug)]
struct Level {
    /// Who may run here, in the order tried: first whoever costs no preemption.
    choices: Vec<TaskId>,
    chosen: usize,
}

/// The search.
#[derive(Debug)]
pub(crate) struct BoundedDfs {
    preemptions: usize,
    levels: Vec<Level>,
    depth: usize,
    /// Preemptions of the execution under way.
    spent: usize,
    has_begun: bool,
}

impl BoundedDfs {
    /// All schedules with at most so many preemptions.
    pub(crate) fn new(preemptions: usize) -> Self {
        Self {
            preemptions,
            levels: Vec::new(),
            depth: 0,
            spent: 0,
            has_begun: false,
        }
    }

    /// Who may run now, within the bound.
    fn choices(&self, runnable: &[&Task], holder: Option<TaskId>) -> Vec<TaskId> {
        let all = runnable.iter().map(|task| task.id());
        match holder {
            None => all.collect(),
            Some(holder) if self.spent == self.preemptions => vec![holder],
            Some(holder) => {
                let others = all.filter(|&id| id != holder);
                std::iter::once(holder).chain(others).collect()
            }
        }
    }
}

impl Scheduler for BoundedDfs {
    fn new_execution(&mut self) -> Option<Schedule> {
        if self.has_begun {
            // Back to the deepest level where something else can be tried.
            while self
                .levels
                .pop_if(|last| last.chosen + 1 == last.choices.len())
                .is_some()
            {}
            self.levels.last_mut()?.chosen += 1;
        }
        self.has_begun = true;
        (self.depth, self.spent) = (0, 0);
        Some(Schedule::new(0))
    }

    fn next_task(
        &mut self,
        runnable: &[&Task],
        current: Option<TaskId>,
        is_yielding: bool,
    ) -> Option<TaskId> {
        let is_runnable = |id: &TaskId| runnable.iter().any(|task| task.id() == *id);
        // Whoever yields gives the processor away of its own will.
        let holder = current.filter(|id| is_runnable(id) && !is_yielding);
        if self.depth == self.levels.len() {
            let choices = self.choices(runnable, holder);
            self.levels.push(Level { choices, chosen: 0 });
        }
        let level = &self.levels[self.depth];
        let next = level.choices[level.chosen];
        self.depth += 1;
        self.spent += usize::from(holder.is_some_and(|holder| holder != next));
        Some(next)
    }

    fn next_u64(&mut self) -> u64 {
        panic!("a model draws no random numbers");
    }
}

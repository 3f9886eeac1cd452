//! `task_bench_*`: the dependence patterns of Task Bench (Slaughter et al., SC 2020) as workloads.
//!
//! A graph has `width` points and `steps` steps; task (t, i) runs a kernel of a fixed time and
//! depends on some points of step t − 1, as its pattern says. Each task writes a word: a number of
//! its own, plus the words of what it depends on. All words are compared with those found without
//! running anything, so that a task which began too early is seen.

use crate::workload::{Check, Expect, Op, RankPlan, Shape, Span, TaskPlan, Workload, mix};

/// How many points of the step before a task of *nearest*, *spread* and *random* may depend on.
const RADIX: u32 = 5;

/// Most edges of a graph. A choice: about half a gigabyte.
pub const MOST_EDGES: u64 = 8_000_000;

/// Which points of the step before a task depends on. With P the width rounded up to a power of
/// two; points outside the graph are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// None.
    Trivial,
    /// i − 1, i and i + 1.
    Stencil,
    /// i − P/2ᵗ where i is an odd multiple of P/2ᵗ, else i: what begins at one point reaches all.
    Tree,
    /// i and i ± 2ᵏ, k going round the bits of a point.
    Fft,
    /// All.
    AllToAll,
    /// i − 2 to i + 2.
    Nearest,
    /// Five, spread evenly over the width, a point further with each step.
    Spread,
    /// Some of i − 2 to i + 2, each as a coin falls.
    Random,
}

impl Pattern {
    /// Every pattern.
    pub const ALL: [Self; 8] = [
        Self::Trivial,
        Self::Stencil,
        Self::Tree,
        Self::Fft,
        Self::AllToAll,
        Self::Nearest,
        Self::Spread,
        Self::Random,
    ];

    /// The scenario's name.
    pub const fn scenario(self) -> &'static str {
        match self {
            Self::Trivial => "task_bench_trivial",
            Self::Stencil => "task_bench_stencil",
            Self::Tree => "task_bench_tree",
            Self::Fft => "task_bench_fft",
            Self::AllToAll => "task_bench_all_to_all",
            Self::Nearest => "task_bench_nearest",
            Self::Spread => "task_bench_spread",
            Self::Random => "task_bench_random",
        }
    }

    /// The pattern of a scenario.
    pub fn of_scenario(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|pattern| pattern.scenario() == name)
    }

    /// The most points that one task depends on.
    const fn degree(self, width: u32) -> u32 {
        match self {
            Self::Trivial => 0,
            Self::Tree => 1,
            Self::Stencil | Self::Fft => 3,
            Self::AllToAll => width,
            Self::Nearest | Self::Spread | Self::Random => RADIX,
        }
    }

    /// The points of step `step − 1` that point `point` of `step` depends on, sorted; `step` ≥ 1.
    fn before(self, step: u32, point: u32, width: u32) -> Vec<u32> {
        let (i, w) = (i64::from(point), i64::from(width));
        let near = i - i64::from(RADIX / 2)..=i + i64::from(RADIX / 2);
        let powers = width.next_power_of_two().trailing_zeros();
        let points: Vec<i64> = match self {
            Self::Trivial => Vec::new(),
            Self::Stencil => vec![i - 1, i, i + 1],
            Self::Tree => {
                let apart = 1_i64.checked_shl(powers.wrapping_sub(step)).unwrap_or(0);
                let is_new = step <= powers && i % (2 * apart) == apart;
                vec![if is_new { i - apart } else { i }]
            }
            Self::Fft => {
                let apart = 1_i64 << ((step - 1) % powers.max(1));
                vec![i - apart, i, i + apart]
            }
            Self::AllToAll => (0..w).collect(),
            Self::Nearest => near.collect(),
            Self::Spread => {
                let shift = |nth: u32| i + i64::from(step) + i64::from(nth) * w / i64::from(RADIX);
                (0..RADIX).map(|nth| shift(nth) % w).collect()
            }
            Self::Random => {
                let heads = |other: &i64| {
                    let edge = u64::from(step) << 32 | u64::from(point);
                    mix(mix(edge) ^ other.cast_unsigned()) & 1 == 1
                };
                near.filter(heads).collect()
            }
        };
        let inside = points.into_iter().filter(|point| (0..w).contains(point));
        let mut inside: Vec<u32> = inside
            .filter_map(|point| u32::try_from(point).ok())
            .collect();
        inside.sort_unstable();
        inside.dedup();
        inside
    }
}

/// A graph of one pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskBench {
    /// Who depends on whom.
    pub pattern: Pattern,
    /// Points of a step, at least 1.
    pub width: u32,
    /// Steps, at least 1.
    pub steps: u32,
    /// How long each kernel runs.
    pub task_ns: u64,
}

impl TaskBench {
    /// How many tasks it has.
    pub fn tasks(&self) -> u64 {
        u64::from(self.width) * u64::from(self.steps)
    }

    /// How many edges it has at most.
    pub fn most_edges(&self) -> u64 {
        self.tasks() * u64::from(self.pattern.degree(self.width))
    }

    /// The graph, on one rank.
    pub fn workload(&self) -> Workload {
        let mut plan = RankPlan::new(0);
        plan.add_buffer("words", self.tasks() * 4, 64);
        for step in 0..self.steps {
            for point in 0..self.width {
                plan.add_task(self.task(step, point));
            }
        }
        let ranks = vec![plan];
        Workload {
            name: self.pattern.scenario().into(),
            order: Workload::order_by_turns(&ranks),
            ranks,
            checks: vec![Check {
                rank: 0,
                name: "words".into(),
                at: 0,
                expect: Expect::U32(self.words().into()),
            }],
            ..Workload::default()
        }
    }

    /// The number of a task.
    const fn number(&self, step: u32, point: u32) -> u32 {
        step * self.width + point
    }

    /// The numbers of the tasks that a task depends on.
    fn after(&self, step: u32, point: u32) -> Vec<u32> {
        let Some(last) = step.checked_sub(1) else {
            return Vec::new();
        };
        let points = self.pattern.before(step, point, self.width).into_iter();
        points.map(|point| self.number(last, point)).collect()
    }

    fn task(&self, step: u32, point: u32) -> TaskPlan {
        let number = self.number(step, point);
        let word = |task: u32| u64::from(task) * 4;
        let to = word(number);
        let after = self.after(step, point);
        let mut program = vec![Op::StoreU32 {
            at: to,
            value: own(number),
        }];
        program.extend(after.iter().map(|&task| Op::AccumulateU32 {
            from: word(task),
            to,
            count: 1,
        }));
        TaskPlan {
            after: after.into(),
            program: program.into(),
            output: Some(Span { at: to, bytes: 4 }),
            ..TaskPlan::new(format!("{step}.{point}"), Shape::Aiv, self.task_ns)
        }
    }

    /// What each task must have written.
    fn words(&self) -> Vec<u32> {
        let mut words: Vec<u32> = Vec::new();
        for step in 0..self.steps {
            for point in 0..self.width {
                let after = self.after(step, point).into_iter();
                let read = after.map(|task| words[task as usize]);
                let sum = read.fold(own(self.number(step, point)), u32::wrapping_add);
                words.push(sum);
            }
        }
        words
    }
}

/// A task's own number, without structure: no two sums are the same by chance.
#[expect(clippy::cast_possible_truncation, reason = "any 32 bits will do")]
const fn own(task: u32) -> u32 {
    mix(task as u64) as u32
}

#[cfg(test)]
mod tests {
    use super::{Pattern, TaskBench};
    use crate::demo::by_hand::run_in;
    use finbox_scheduler::A2A3;

    fn bench(pattern: Pattern, width: u32, steps: u32) -> TaskBench {
        TaskBench {
            pattern,
            width,
            steps,
            task_ns: 10,
        }
    }

    #[test]
    fn patterns_are_those_of_the_paper() {
        let before = |pattern: Pattern, step, point| pattern.before(step, point, 8);
        assert!(before(Pattern::Trivial, 1, 3).is_empty());
        assert_eq!(before(Pattern::Stencil, 1, 0), [0, 1]);
        assert_eq!(before(Pattern::Stencil, 4, 7), [6, 7]);
        let tree = |step| (0..8).map(move |point| before(Pattern::Tree, step, point)[0]);
        assert_eq!(tree(1).collect::<Vec<_>>(), [0, 1, 2, 3, 0, 5, 6, 7]);
        assert_eq!(tree(2).collect::<Vec<_>>(), [0, 1, 0, 3, 4, 5, 4, 7]);
        assert_eq!(tree(3).collect::<Vec<_>>(), [0, 0, 2, 2, 4, 4, 6, 6]);
        assert_eq!(tree(4).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(before(Pattern::Fft, 1, 3), [2, 3, 4]);
        assert_eq!(before(Pattern::Fft, 3, 3), [3, 7]);
        assert_eq!(before(Pattern::Fft, 4, 3), [2, 3, 4]);
        assert_eq!(before(Pattern::AllToAll, 2, 5), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(before(Pattern::Nearest, 1, 1), [0, 1, 2, 3]);
        assert_eq!(before(Pattern::Spread, 1, 0), [1, 2, 4, 5, 7]);
        assert_eq!(before(Pattern::Spread, 2, 0), [0, 2, 3, 5, 6]);
        let all: usize = (0..8)
            .map(|point| before(Pattern::Nearest, 1, point).len())
            .sum();
        let some: usize = (0..8)
            .map(|point| before(Pattern::Random, 1, point).len())
            .sum();
        assert!((all / 4..all).contains(&some), "{some} of {all}");
    }

    #[test]
    fn every_pattern_of_any_size_is_right_and_stays_within_its_edges() {
        for pattern in Pattern::ALL {
            for (width, steps) in [(1, 1), (1, 5), (2, 9), (7, 6), (64, 8), (3, 70)] {
                let bench = bench(pattern, width, steps);
                let workload = bench.workload();
                assert_eq!(workload.check(), Ok(()));
                let tasks = &workload.ranks[0].tasks;
                assert_eq!(tasks.len() as u64, bench.tasks());
                let edges: usize = tasks.iter().map(|task| task.after.len()).sum();
                assert!(edges as u64 <= bench.most_edges(), "{bench:?}");
                let devices = run_in(&workload, A2A3, &workload.order);
                assert!(workload.verify(&devices).is_right(), "{bench:?}");
            }
        }
    }

    #[test]
    fn tasks_that_run_too_early_are_seen() {
        for pattern in Pattern::ALL
            .into_iter()
            .filter(|&pattern| pattern != Pattern::Trivial)
        {
            let workload = bench(pattern, 8, 4).workload();
            let backwards: Vec<_> = workload.order.iter().rev().copied().collect();
            let devices = run_in(&workload, A2A3, &backwards);
            assert!(!workload.verify(&devices).is_right(), "{pattern:?}");
        }
    }

    #[test]
    fn scenarios_and_patterns_are_one_to_one() {
        for pattern in Pattern::ALL {
            assert_eq!(Pattern::of_scenario(pattern.scenario()), Some(pattern));
        }
        assert_eq!(Pattern::of_scenario("grid"), None);
    }
}

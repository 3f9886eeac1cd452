//! Latencies of a run: times of events become durations, durations histograms.
//!
//! Every thread records into a set of its own, so that measuring makes nobody wait; times of tasks
//! and cores are single words. Called by the recorder, once an event.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use finbox_scheduler::{CoreId, Token};

use crate::report::{Durations, LatencyReport};
use crate::shared::Shared;

/// Sets of histograms: more than a machine has threads at work; more threads than sets share.
const SETS: usize = 32;

/// Durations that one thread keeps back.
const BATCH: usize = 128;

/// No time: times are kept plus one.
const NEVER: u64 = 0;

/// The latencies of all ranks.
#[derive(Debug)]
pub(super) struct Latencies {
    ranks: Vec<RankTimes>,
    sets: Vec<Shared<Set>>,
    /// Virtual time has one thread: what it measured last.
    batches: Option<[Batch; 4]>,
}

/// One of the four measures.
#[derive(Clone, Copy, Debug)]
enum Measure {
    Task,
    FinToConsumer,
    Wait,
    FinHandling,
}

/// Durations that no histogram has yet.
#[derive(Debug)]
struct Batch {
    durations: [AtomicU64; BATCH],
    count: AtomicUsize,
}

impl Default for Batch {
    fn default() -> Self {
        Self {
            durations: [const { AtomicU64::new(0) }; BATCH],
            count: AtomicUsize::new(0),
        }
    }
}

impl Batch {
    /// Adds one, for one thread; whether it is full now.
    fn add(&self, duration_ns: u64) -> bool {
        let count = self.count.load(Ordering::Relaxed);
        self.durations[count].store(duration_ns, Ordering::Relaxed);
        self.count.store(count + 1, Ordering::Relaxed);
        count + 1 == BATCH
    }

    /// Moves all to `to`.
    fn empty(&self, to: &mut Durations) {
        let count = self.count.swap(0, Ordering::Relaxed);
        for duration in &self.durations[..count] {
            to.record(duration.load(Ordering::Relaxed));
        }
    }
}

#[derive(Debug)]
struct RankTimes {
    tasks: Vec<TaskTimes>,
    /// When the FIN of a core's token was seen, by parity.
    fins: Vec<[AtomicU64; 2]>,
}

/// When things happened to a task, plus one; all but the hand-over between threads is ordered by
/// the scheduler itself, so relaxed accesses are enough.
#[derive(Debug, Default)]
struct TaskTimes {
    submitted: AtomicU64,
    /// When a core got its first block.
    dispatched: AtomicU64,
    last_fin: AtomicU64,
    /// When its last condition so far was seen to hold.
    last_met: AtomicU64,
    /// Twice the time, plus one where a FIN or a condition finished it.
    finished: AtomicU64,
}

#[derive(Debug, Default)]
struct Set {
    task: Durations,
    fin_to_consumer: Durations,
    wait: Durations,
    fin_handling: Durations,
}

const MEASURES: [Measure; 4] = [
    Measure::Task,
    Measure::FinToConsumer,
    Measure::Wait,
    Measure::FinHandling,
];

impl Set {
    const fn of(&mut self, measure: Measure) -> &mut Durations {
        match measure {
            Measure::Task => &mut self.task,
            Measure::FinToConsumer => &mut self.fin_to_consumer,
            Measure::Wait => &mut self.wait,
            Measure::FinHandling => &mut self.fin_handling,
        }
    }
}

impl Latencies {
    /// For ranks with so many tasks and cores; in virtual time for one thread only.
    pub(super) fn new(ranks: impl Iterator<Item = (usize, usize)>, is_virtual: bool) -> Self {
        let times = |(tasks, cores)| RankTimes {
            tasks: (0..tasks).map(|_| TaskTimes::default()).collect(),
            fins: (0..cores).map(|_| Default::default()).collect(),
        };
        Self {
            ranks: ranks.map(times).collect(),
            sets: (0..SETS).map(|_| Shared::default()).collect(),
            batches: is_virtual.then(Default::default),
        }
    }

    #[inline]
    pub(super) fn submitted(&self, rank: usize, task: u32, now: u64) {
        let times = &self.ranks[rank].tasks[task as usize];
        times.submitted.store(now + 1, Ordering::Relaxed);
    }

    /// A core got a token of `task`, which had to wait for all of `after`.
    pub(super) fn dispatched(&self, rank: usize, task: u32, now: u64, after: &[u32]) {
        let tasks = &self.ranks[rank].tasks;
        let times = &tasks[task as usize];
        let submitted = times.submitted.load(Ordering::Relaxed);
        if times.dispatched.load(Ordering::Relaxed) != NEVER {
            return;
        }
        times.dispatched.store(now + 1, Ordering::Relaxed);
        let ends = |&before: &u32| {
            let times = &tasks[before as usize];
            let finished = times.finished.load(Ordering::Relaxed);
            let fin = times.last_fin.load(Ordering::Relaxed);
            (finished, fin.max(times.last_met.load(Ordering::Relaxed)))
        };
        let Some((finished, since_then)) = after.iter().map(ends).max() else {
            return;
        };
        let released_it = finished & 1 == 1 && finished >> 1 >= submitted;
        if released_it {
            self.record(Measure::FinToConsumer, since(since_then, now));
        }
    }

    /// A condition of `task` was seen to hold in a step that began at `began`.
    #[inline]
    pub(super) fn met(&self, rank: usize, task: u32, began: u64) {
        let times = &self.ranks[rank].tasks[task as usize];
        self.raise(&times.last_met, began + 1);
    }

    /// A FIN of `task` was seen in a step that began at `began`.
    #[inline]
    pub(super) fn observed(&self, rank: usize, task: u32, began: u64) {
        let times = &self.ranks[rank].tasks[task as usize];
        self.raise(&times.last_fin, began + 1);
    }

    /// The handler begins with the FIN of a core's token.
    #[inline]
    pub(super) fn handling(&self, rank: usize, now: u64, (core, token): (CoreId, Token)) {
        let fin = &self.ranks[rank].fins[core.index()][token.parity()];
        fin.store(now + 1, Ordering::Relaxed);
    }

    /// The handler is done with the FIN of a core's token.
    pub(super) fn handled(&self, rank: usize, now: u64, (core, token): (CoreId, Token)) {
        let fin = &self.ranks[rank].fins[core.index()][token.parity()];
        let began = fin.load(Ordering::Relaxed);
        if began != NEVER {
            // One handler owns a core: nobody else writes here.
            fin.store(NEVER, Ordering::Relaxed);
            self.record(Measure::FinHandling, since(began, now));
        }
    }

    /// The outcome of `task` is decided; `inline`: without mailbox.
    pub(super) fn finished(&self, rank: usize, task: u32, now: u64, inline: bool) {
        let times = &self.ranks[rank].tasks[task as usize];
        let submitted = times.submitted.load(Ordering::Relaxed);
        let fin = times.last_fin.load(Ordering::Relaxed);
        let finished = (now + 1) << 1 | u64::from(fin != NEVER);
        times.finished.store(finished, Ordering::Relaxed);
        self.record(Measure::Task, since(submitted, now));
        if !inline && fin != NEVER {
            self.record(Measure::Wait, since(fin, now));
        }
    }

    /// For how long `task`, which had to wait for all of `after`, has been waiting for conditions,
    /// running, ready, or blocked.
    pub(super) fn age_ns(&self, rank: usize, task: u32, now: u64, after: &[u32]) -> u64 {
        let tasks = &self.ranks[rank].tasks;
        let times = &tasks[task as usize];
        let ends = |&before: &u32| tasks[before as usize].finished.load(Ordering::Relaxed) >> 1;
        let is_open = after.iter().map(ends).any(|end| end == NEVER);
        let released = after.iter().map(ends).max().filter(|_| !is_open);
        let since_then = [&times.last_fin, &times.dispatched, &times.submitted]
            .into_iter()
            .map(|time| time.load(Ordering::Relaxed))
            .chain(released)
            .max();
        since(since_then.unwrap_or(NEVER).max(1), now)
    }

    /// What was measured.
    pub(super) fn report(&self) -> LatencyReport {
        let mut all = Set::default();
        for (measure, batch) in MEASURES.into_iter().zip(self.batches.iter().flatten()) {
            batch.empty(self.sets[0].lock().of(measure));
        }
        for set in &self.sets {
            let set = set.lock();
            all.task.merge(&set.task);
            all.fin_to_consumer.merge(&set.fin_to_consumer);
            all.wait.merge(&set.wait);
            all.fin_handling.merge(&set.fin_handling);
        }
        LatencyReport {
            task: all.task.percentiles(),
            fin_to_consumer: all.fin_to_consumer.percentiles(),
            wait: all.wait.percentiles(),
            fin_handling: all.fin_handling.percentiles(),
        }
    }

    fn record(&self, measure: Measure, duration_ns: u64) {
        match &self.batches {
            None => self.sets[own_set()].lock().of(measure).record(duration_ns),
            Some(batches) => {
                let batch = &batches[measure as usize];
                if batch.add(duration_ns) {
                    batch.empty(self.sets[0].lock().of(measure));
                }
            }
        }
    }

    /// Brings a time up to `at_least`.
    #[inline]
    fn raise(&self, time: &AtomicU64, at_least: u64) {
        if self.batches.is_none() {
            time.fetch_max(at_least, Ordering::Relaxed);
        } else if time.load(Ordering::Relaxed) < at_least {
            time.store(at_least, Ordering::Relaxed);
        }
    }
}

/// From a kept time until now.
fn since(kept: u64, now: u64) -> u64 {
    (now + 1).saturating_sub(kept)
}

/// The calling thread's set: threads take them in turn.
fn own_set() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: Cell<Option<usize>> = const { Cell::new(None) };
    }
    OWN.with(|own| {
        own.get().unwrap_or_else(|| {
            let set = NEXT.fetch_add(1, Ordering::Relaxed) % SETS;
            own.set(Some(set));
            set
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{BATCH, CoreId, Latencies, Token};
    use crate::report::Percentiles;

    const FIN: (CoreId, Token) = (CoreId(3), Token::FIRST);

    fn latencies() -> Latencies {
        Latencies::new([(3, 4)].into_iter(), false)
    }

    fn once(measure: Percentiles) -> Option<u64> {
        assert!(measure.count <= 1, "{measure:?}");
        (measure.count == 1).then_some(measure.max_ns)
    }

    #[test]
    fn a_fin_that_finishes_a_task_counts_until_the_consumer_has_a_core() {
        let latencies = latencies();
        latencies.submitted(0, 0, 0);
        latencies.submitted(0, 1, 1);
        latencies.observed(0, 0, 100);
        latencies.handling(0, 100, FIN);
        latencies.finished(0, 0, 130, true);
        latencies.handled(0, 140, FIN);
        latencies.dispatched(0, 1, 175, &[0]);
        latencies.dispatched(0, 1, 190, &[0]);
        let report = latencies.report();
        assert_eq!(once(report.fin_to_consumer), Some(75));
        assert_eq!(once(report.fin_handling), Some(40));
        assert_eq!(once(report.task), Some(130));
        assert_eq!(once(report.wait), None);
    }

    #[test]
    fn a_wait_counts_from_the_last_fin_and_releases_when_its_last_condition_holds() {
        let latencies = latencies();
        latencies.submitted(0, 0, 10);
        latencies.submitted(0, 1, 11);
        latencies.observed(0, 0, 50);
        latencies.observed(0, 0, 60);
        latencies.met(0, 0, 940);
        latencies.finished(0, 0, 1_000, false);
        latencies.dispatched(0, 1, 1_010, &[0]);
        let report = latencies.report();
        assert_eq!(once(report.wait), Some(940));
        assert_eq!(once(report.fin_to_consumer), Some(70));
    }

    #[test]
    fn a_consumer_that_came_after_the_end_waited_for_no_fin() {
        let latencies = latencies();
        latencies.submitted(0, 0, 0);
        latencies.observed(0, 0, 100);
        latencies.finished(0, 0, 130, true);
        latencies.submitted(0, 1, 500);
        latencies.dispatched(0, 1, 510, &[0]);
        latencies.submitted(0, 2, 520);
        latencies.dispatched(0, 2, 530, &[]);
        assert_eq!(latencies.report().fin_to_consumer.count, 0);
    }

    #[test]
    fn the_last_of_several_producers_is_the_one_that_releases() {
        let latencies = latencies();
        (0..3).for_each(|task| latencies.submitted(0, task, 0));
        latencies.observed(0, 0, 100);
        latencies.observed(0, 1, 90);
        latencies.finished(0, 0, 110, true);
        latencies.finished(0, 1, 120, true);
        latencies.dispatched(0, 2, 150, &[0, 1]);
        assert_eq!(once(latencies.report().fin_to_consumer), Some(60));
    }

    #[test]
    fn an_age_counts_from_the_last_step_of_a_life() {
        let latencies = latencies();
        let age = |task, after| latencies.age_ns(0, task, 1_000, after);
        latencies.submitted(0, 0, 100);
        latencies.submitted(0, 1, 110);
        assert_eq!((age(0, &[]), age(1, &[0])), (900, 890), "ready, blocked");
        latencies.dispatched(0, 0, 200, &[]);
        assert_eq!(age(0, &[]), 800, "running");
        latencies.observed(0, 0, 300);
        assert_eq!(age(0, &[]), 700, "waiting");
        latencies.finished(0, 0, 400, false);
        assert_eq!(age(1, &[0]), 600, "released");
    }

    #[test]
    fn threads_add_up() {
        let latencies = latencies();
        std::thread::scope(|scope| {
            for task in 0..3 {
                let latencies = &latencies;
                scope.spawn(move || {
                    latencies.submitted(0, task, 0);
                    latencies.finished(0, task, 5, true);
                });
            }
        });
        assert_eq!(latencies.report().task.count, 3);
    }

    #[test]
    fn no_duration_is_lost_or_told_twice_by_batches_of_virtual_time() {
        for count in [1, BATCH - 1, BATCH, BATCH + 1, 3 * BATCH + 7] {
            let latencies = Latencies::new([(1, 4)].into_iter(), true);
            let count = u64::try_from(count).unwrap();
            for duration_ns in 1..=count {
                latencies.handling(0, 0, FIN);
                latencies.handled(0, duration_ns, FIN);
            }
            for _ in 0..2 {
                let report = latencies.report();
                let found = report.fin_handling;
                assert_eq!((found.count, found.max_ns), (count, count));
                assert_eq!(report.task.count, 0, "each measure has a batch of its own");
            }
        }
    }
}

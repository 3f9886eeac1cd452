//! Settings, workloads and the one judgement that all whole-run tests share.

use std::path::{Path, PathBuf};

use finbox_scheduler::Target;
use finbox_scheduler::target::{A2A3, A5};
use finbox_sim::demo;
use finbox_sim::device::CounterPlace;
use finbox_sim::workload::chakra;
use finbox_sim::workload::lower::Collectives;
use finbox_sim::workload::{EngineTime, Op, Part, RankPlan, Shape, TaskPlan, Workload, lower};
use finbox_sim::world::{self, Clock, Outcome, Settings};

/// Every target: what is claimed of a run is claimed of each.
pub(crate) const TARGETS: [&Target; 2] = [&A2A3, &A5];

/// Both clocks.
pub(crate) const CLOCKS: [Clock; 2] = [Clock::Lockstep, Clock::Parallel];

/// Lockstep with a seed.
pub(crate) const fn lockstep(target: &'static Target, seed: u64) -> Settings {
    Settings {
        seed,
        ..Settings::of(target)
    }
}

/// Real threads with a seed.
pub(crate) const fn parallel(target: &'static Target, seed: u64) -> Settings {
    Settings {
        clock: Clock::Parallel,
        ..lockstep(target, seed)
    }
}

/// Runs to the end, whatever the end.
pub(crate) fn run(workload: &Workload, settings: &Settings) -> Outcome {
    let outcome = world::run(workload, settings, &mut |_, _| {});
    outcome.unwrap_or_else(|error| panic!("{settings:?}: {error}"))
}

/// Runs, and everything must be right: every task completed, no message lost, memory as it must.
pub(crate) fn pass(workload: &Workload, settings: &Settings) -> Outcome {
    let outcome = run(workload, settings);
    let what = || format!("{} with {settings:?}: {outcome:?}", workload.name);
    assert!(
        outcome.stall.is_none() && outcome.fault.is_none(),
        "{}",
        what()
    );
    assert!(outcome.broken.is_empty(), "{}", what());
    assert!(outcome.verified.is_right(), "{}", what());
    assert!(outcome.adds_up, "{}", what());
    let left = (outcome.live, outcome.waiting, outcome.items_out);
    assert_eq!(left, (0, 0, 0), "{}", what());
    let ledger = &outcome.ledger;
    let tasks = workload.order.len() as u64;
    assert_eq!(
        (ledger.submitted, ledger.completed),
        (tasks, tasks),
        "{}",
        what()
    );
    assert_eq!(
        ledger.messages_accepted,
        ledger.messages_delivered,
        "{}",
        what()
    );
    assert_eq!(ledger.normal_done, ledger.deferred, "{}", what());
    let runs = runs_of(workload, |task| task.predicate.is_none());
    let most = runs + runs_of(workload, |task| task.predicate.is_some());
    assert!((runs..=most).contains(&ledger.fins_applied), "{}", what());
    assert_eq!(
        ledger.skipped == 0,
        ledger.fins_applied == most,
        "{}",
        what()
    );
    outcome
}

/// How many parts run on cores or host lanes of the tasks that are as `is` says.
fn runs_of(workload: &Workload, is: impl Fn(&TaskPlan) -> bool) -> u64 {
    let tasks = workload.ranks.iter().flat_map(|rank| &rank.tasks);
    let runs = tasks.filter(|task| !matches!(task.shape, Shape::Dummy | Shape::Work) && is(task));
    runs.map(|task| Part::all_of(task).count() as u64).sum()
}

/// How many tasks are as `is` says.
pub(crate) fn tasks_of(workload: &Workload, is: impl Fn(&TaskPlan) -> bool) -> u64 {
    let tasks = workload.ranks.iter().flat_map(|rank| &rank.tasks);
    tasks.filter(|task| is(task)).count() as u64
}

/// A file or folder of the sample traces.
pub(crate) fn data(name: &str) -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.join("data/chakra").join(name)
}

/// A sample trace as a workload.
pub(crate) fn trace(name: &str) -> Workload {
    trace_with(name, Collectives::default())
}

/// The same, its collectives as asked for.
pub(crate) fn trace_with(name: &str, how: Collectives) -> Workload {
    let trace = chakra::load(&data(name), &chakra::Options::default());
    let trace = trace.expect("the sample is valid");
    lower::lower(&trace, how).expect("the sample has few steps")
}

/// Both demos at their usual size, and the ring.
pub(crate) fn small_workloads() -> [Workload; 3] {
    [
        demo::deferred_notify(2),
        demo::dummy_task(1),
        trace("ring-allreduce-8"),
    ]
}

/// The tasks of `rank` called `name`.
pub(crate) fn change(workload: &mut Workload, name: &str, change: impl Fn(&mut TaskPlan)) {
    let tasks = workload.ranks.iter_mut().flat_map(|rank| &mut rank.tasks);
    let mut found = 0;
    for task in tasks.filter(|task| &*task.name == name) {
        change(task);
        found += 1;
    }
    assert_ne!(found, 0, "no task is called {name}");
}

/// `ranks` ranks with `tasks` tasks each, none depending on any, each waiting for `conditions`
/// engines of different speeds.
pub(crate) fn crowd(ranks: u32, tasks: u32, conditions: u8) -> Workload {
    let ranks: Vec<RankPlan> = (0..ranks)
        .map(|rank| waiters(rank, tasks, conditions))
        .collect();
    Workload {
        name: "crowd".into(),
        order: Workload::order_by_turns(&ranks),
        ranks,
        ..Workload::default()
    }
}

fn waiters(rank: u32, tasks: u32, conditions: u8) -> RankPlan {
    let mut plan = RankPlan::new(rank);
    for task in 0..tasks {
        let mut program = Vec::new();
        for condition in 0..conditions {
            let counter = plan.add_counter(CounterPlace::Packed);
            let ns = 1_000 + u64::from(task * 37 % 11 + u32::from(condition)) * 500;
            program.push(Op::Engine {
                counter,
                time: EngineTime::Ns(ns),
            });
            program.push(Op::Await {
                counter,
                expected: 1,
            });
        }
        plan.add_task(TaskPlan {
            program: program.into(),
            defers: conditions,
            ..TaskPlan::new(format!("waiter {task}"), Shape::Aiv, 500)
        });
    }
    plan
}

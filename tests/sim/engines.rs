//! Engines in whole runs: transfers end tasks, on both targets and both clocks.

use finbox_mailbox::Engine;
use finbox_scheduler::{Engines, FaultCode, Target};
use finbox_sim::device::{CounterPlace, EngineMemory, QueuePlan};
use finbox_sim::engine::{EngineFault, Lane, Transfer};
use finbox_sim::report::{Failure, FailureKind};
use finbox_sim::workload::{Check, Expect, Init, Op, RankPlan, Shape, TaskPlan, Workload};
use finbox_sim::world::Outcome;

use crate::fixture::{TARGETS, lockstep, parallel, pass, run};

/// Words that a task moves.
const WORDS: u64 = 64;

/// Three streams, and a completion queue that wraps soon and has two credits.
fn engines() -> EngineMemory {
    let queue = QueuePlan {
        entries: 2,
        first: u32::MAX - 20,
    };
    EngineMemory {
        sdma_streams: 3,
        completion_queues: vec![queue],
    }
}

/// The targets that can run what has completion queues or not.
fn targets_of(workload: &Workload) -> impl Iterator<Item = &'static Target> {
    let needs_urma = workload.needs_urma();
    let can = move |target: &&Target| !needs_urma || target.engines.contains(Engines::URMA);
    TARGETS.into_iter().filter(can)
}

/// The same without completion queues, if nothing is posted to them.
fn without_queues(mut workload: Workload) -> Workload {
    for rank in &mut workload.ranks {
        rank.engines.completion_queues.clear();
    }
    workload
}

/// Two ranks; on each, `tasks` tasks get words from the other rank, through `lane` of their index.
fn getters(tasks: u32, lane: impl Fn(u32) -> Lane) -> Workload {
    let (mut ranks, mut checks) = (Vec::new(), Vec::new());
    for rank in 0..2 {
        let mut plan = RankPlan::new(rank);
        plan.engines = engines();
        let bytes = WORDS * 4 * u64::from(tasks);
        let source = plan.add_buffer("source", bytes, 64);
        let target = plan.add_buffer("target", bytes, 64);
        let words = |rank: u32| (0..).map(move |word| rank << 16 | word);
        let count = usize::try_from(bytes / 4).expect("few words");
        plan.init.push(Init::U32 {
            at: plan.offset(source),
            words: words(rank).take(count).collect(),
        });
        plan.counters = vec![CounterPlace::Packed; tasks as usize];
        for task in 0..tasks {
            let lane = lane(task);
            let shift = u64::from(task) * WORDS * 4;
            let (from, to) = (plan.offset(source) + shift, plan.offset(target) + shift);
            let transfer = Transfer::get(1 - rank, from, to, WORDS * 4);
            plan.add_task(TaskPlan {
                defers: 1,
                program: vec![Op::Post { lane, transfer }, Op::AwaitPost { lane }].into(),
                ..TaskPlan::new("get", Shape::Aiv, 500)
            });
        }
        checks.push(Check {
            rank,
            name: "target".into(),
            at: plan.offset(target),
            expect: Expect::U32(words(1 - rank).take(count).collect()),
        });
        ranks.push(plan);
    }
    Workload {
        name: "getters".into(),
        order: Workload::order_by_turns(&ranks),
        ranks,
        checks,
        ..Workload::default()
    }
}

#[test]
fn transfers_that_a_counter_tells_of_complete_their_tasks() {
    for target in TARGETS {
        for seed in 0..20 {
            for engine in [
                |counter| Lane::Roce { counter },
                |counter| Lane::Ccu { counter },
            ] {
                let workload = without_queues(getters(70, engine));
                pass(&workload, &lockstep(target, seed));
                pass(&workload, &parallel(target, seed));
            }
        }
    }
}

#[test]
fn many_transfers_through_few_queues_complete_their_tasks() {
    let streams = |task: u32| Lane::Sdma {
        stream: u16::try_from(task % 3).expect("three streams"),
    };
    let workloads = [
        without_queues(getters(70, streams)),
        getters(70, |_| Lane::Urma { queue: 0 }),
    ];
    for workload in &workloads {
        for target in targets_of(workload) {
            for seed in 0..20 {
                pass(workload, &lockstep(target, seed));
                pass(workload, &parallel(target, seed));
            }
        }
    }
}

/// Every get has a task behind it, and an operation of rank 0's `engine` fails.
fn failing(tasks: u32, engine: Engine) -> Workload {
    let mut workload = match engine {
        Engine::Urma => getters(tasks, |_| Lane::Urma { queue: 0 }),
        _ => without_queues(getters(tasks, |_| Lane::Sdma { stream: 1 })),
    };
    for rank in &mut workload.ranks {
        for get in 0..tasks {
            rank.add_task(TaskPlan {
                after: vec![get].into(),
                ..TaskPlan::new("behind", Shape::Aiv, 500)
            });
        }
    }
    workload.order = Workload::order_by_turns(&workload.ranks);
    workload.engine_faults.push(EngineFault {
        rank: 0,
        engine,
        nth: 3,
        status: 0x51,
    });
    workload
}

/// One task failed with the engine's code, the one behind it is cancelled, all others are right.
fn assert_one_failed(outcome: &Outcome, tasks: u32, engine: &str) {
    let ledger = &outcome.ledger;
    let all = u64::from(4 * tasks);
    let counts = [ledger.failed, ledger.cancelled, ledger.completed];
    assert_eq!(counts, [1, 1, all - 2], "{outcome:?}");
    assert!(outcome.stall.is_none() && outcome.adds_up, "{outcome:?}");
    assert!(outcome.broken.is_empty(), "{outcome:?}");
    assert_eq!((outcome.live, outcome.waiting), (0, 0), "{outcome:?}");
    assert_eq!(outcome.verified.wrong, WORDS, "only its own bytes");
    let code = FaultCode::AsyncCompletionInvalid;
    assert_eq!(outcome.fault.as_ref().map(|fault| fault.code), Some(code));
    let is_failed = |failure: &&Failure| failure.outcome == FailureKind::Failed;
    let failure = outcome.failures.list.iter().find(is_failed);
    let failure = failure.unwrap_or_else(|| panic!("{outcome:?}"));
    let told = (failure.engine.as_deref(), failure.engine_code);
    assert_eq!(told, (Some(engine), Some(0x51)));
    assert_eq!((failure.rank, failure.victims), (0, 1));
}

#[test]
fn an_engine_error_fails_its_task_and_those_behind_it_and_nothing_else() {
    for (engine, name) in [(Engine::Sdma, "SDMA"), (Engine::Urma, "URMA")] {
        let workload = failing(12, engine);
        for target in targets_of(&workload) {
            for seed in 0..20 {
                for settings in [lockstep(target, seed), parallel(target, seed)] {
                    assert_one_failed(&run(&workload, &settings), 12, name);
                }
            }
        }
    }
}

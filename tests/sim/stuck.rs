//! A run that cannot go on ends, and says who waits for what.

use finbox_sim::demo;
use finbox_sim::report::{StallReport, StalledTask};
use finbox_sim::workload::{RankPlan, Shape, TaskPlan, TaskRef, Workload};
use finbox_sim::world::{Clock, Outcome, Settings};

use crate::fixture::{CLOCKS, TARGETS, lockstep, run, tasks_of, trace};

const PATIENCE_NS: u64 = 200_000_000;

/// The demo whose rank 1 forgets to notify rank 0.
fn unnotified() -> Workload {
    let mut workload = demo::deferred_notify(2);
    let producer = TaskRef { rank: 1, task: 0 };
    assert_eq!(&*workload.task(producer).name, "producer");
    let program = &mut workload.ranks[1].tasks[0].program;
    *program = program[..1].to_vec().into();
    workload
}

fn stall(outcome: &Outcome) -> &StallReport {
    outcome
        .stall
        .as_ref()
        .unwrap_or_else(|| panic!("it is stuck: {outcome:?}"))
}

fn names(tasks: &[StalledTask]) -> Vec<(u16, &str, &str)> {
    tasks
        .iter()
        .map(|task| (task.rank, &*task.name, &*task.state))
        .collect()
}

fn assert_waits_for_rank_0(outcome: &Outcome) {
    let stall = stall(outcome);
    assert_eq!(
        (stall.class().name(), stall.count()),
        ("waiting on async", 2)
    );
    let expected = [
        (0, "notify_wait", "waiting on async"),
        (0, "consumer", "blocked by 1 task"),
    ];
    assert_eq!(names(stall.tasks()), expected);
    let [waiter, consumer] = stall.tasks() else {
        panic!("two tasks")
    };
    let [condition] = waiter.conditions.as_slice() else {
        panic!("one condition: {waiter:?}")
    };
    assert_eq!((waiter.task, consumer.task), (1, 2));
    assert!(consumer.conditions.is_empty());
    assert_eq!((condition.expected, condition.observed), (1, 0));
    assert_eq!(condition.completion_type, "COUNTER");
    assert_ne!(condition.address.0, 0);
    assert!(condition.age_ns >= PATIENCE_NS / 2, "{condition:?}");
    assert!(outcome.adds_up, "{outcome:?}");
    assert!(outcome.broken.is_empty(), "{outcome:?}");
    assert_eq!((outcome.live, outcome.waiting), (2, 1));
}

#[test]
fn a_notification_that_never_comes_is_told_with_task_and_condition() {
    for target in TARGETS {
        for clock in CLOCKS {
            for seed in 0..3 {
                let base = lockstep(target, seed);
                let settings = Settings {
                    clock,
                    patience_ns: PATIENCE_NS,
                    ..base
                };
                assert_waits_for_rank_0(&run(&unnotified(), &settings));
            }
        }
    }
}

#[test]
fn lockstep_gives_up_exactly_when_patience_ends() {
    for target in TARGETS {
        for seed in [0, 3] {
            let ends = [1, 1_000_000, 7_000_003, PATIENCE_NS].map(|more| {
                let patience_ns = 1_000_000 + more;
                let settings = Settings {
                    patience_ns,
                    ..lockstep(target, seed)
                };
                let outcome = run(&unnotified(), &settings);
                let age_ns = stall(&outcome).tasks()[0].conditions[0].age_ns;
                (outcome.virtual_ns - more, age_ns - more)
            });
            assert!(ends.iter().all(|end| *end == ends[0]), "{ends:?}");
        }
    }
}

#[test]
fn a_deadline_ends_a_lockstep_run_at_its_nanosecond() {
    for target in TARGETS {
        for deadline_ns in [1, 43_300, 50_000, 55_001] {
            let deadline_ns = Some(deadline_ns);
            let settings = Settings {
                deadline_ns,
                ..lockstep(target, 0)
            };
            let outcome = run(&demo::deferred_notify(2), &settings);
            assert_eq!(Some(outcome.virtual_ns), deadline_ns);
            assert!(outcome.adds_up, "{outcome:?}");
            assert!(!stall(&outcome).class().name().is_empty());
            assert_eq!(outcome.live, stall(&outcome).count());
        }
    }
}

#[test]
fn a_deadline_that_is_not_reached_changes_nothing() {
    for target in TARGETS {
        let workload = demo::deferred_notify(2);
        let free = run(&workload, &lockstep(target, 3));
        let deadline_ns = Some(free.virtual_ns + 1);
        let bound = run(
            &workload,
            &Settings {
                deadline_ns,
                ..lockstep(target, 3)
            },
        );
        assert_eq!(format!("{free:?}"), format!("{bound:?}"));
    }
}

#[test]
fn a_deadline_ends_a_run_on_real_threads_before_patience_does() {
    for target in TARGETS {
        let settings = Settings {
            clock: Clock::Parallel,
            deadline_ns: Some(100_000_000),
            ..lockstep(target, 0)
        };
        let outcome = run(&unnotified(), &settings);
        let stall = stall(&outcome);
        assert_eq!(
            (stall.class().name(), stall.count()),
            ("waiting on async", 2)
        );
    }
}

#[test]
fn a_run_that_is_cut_short_lists_every_task_that_was_submitted_and_not_finished() {
    let workload = trace("ring-allreduce-8");
    for target in TARGETS {
        let settings = Settings {
            deadline_ns: Some(150_000),
            ..lockstep(target, 0)
        };
        let outcome = run(&workload, &settings);
        let stall = stall(&outcome);
        assert_eq!(stall.count(), outcome.live);
        let ledger = outcome.ledger;
        assert_eq!(ledger.submitted - ledger.completed, outcome.live);
        assert!(outcome.adds_up && ledger.completed > 0 && outcome.live > 0);
        let waiting = stall
            .tasks()
            .iter()
            .filter(|task| !task.conditions.is_empty())
            .count();
        assert!(waiting as u64 <= outcome.waiting);
    }
}

#[test]
fn a_forgotten_notification_in_a_tiny_world_is_told_all_the_same() {
    for target in TARGETS {
        for clock in CLOCKS {
            let settings = Settings {
                clock,
                handlers: 1,
                cores: 1,
                mailbox_slots: 2,
                task_slots: Some(1),
                patience_ns: PATIENCE_NS,
                ..lockstep(target, 1)
            };
            let outcome = run(&unnotified(), &settings);
            let first = &stall(&outcome).tasks()[0];
            assert_eq!((&*first.name, first.rank), ("notify_wait", 0));
            assert!(outcome.ledger.submitted < tasks_of(&unnotified(), |_| true));
        }
    }
}

/// As long as a kernel may take.
const THOUSAND_HOURS_NS: u64 = 3_600_000_000_000_000;

#[test]
fn a_core_that_hangs_hides_no_fin_of_another() {
    for target in TARGETS {
        for hung in 0..4_u32 {
            let mut plan = RankPlan::new(0);
            for task in 0..4 {
                let duration_ns = if task == hung {
                    THOUSAND_HOURS_NS
                } else {
                    1_000
                };
                plan.add_task(TaskPlan::new(
                    format!("task {task}"),
                    Shape::Aiv,
                    duration_ns,
                ));
            }
            let ranks = vec![plan];
            let order = Workload::order_by_turns(&ranks);
            let workload = Workload {
                name: "hung".into(),
                ranks,
                order,
                ..Workload::default()
            };
            for handlers in 1..=3 {
                let settings = Settings {
                    handlers,
                    deadline_ns: Some(1_000_000),
                    ..lockstep(target, u64::from(hung))
                };
                let outcome = run(&workload, &settings);
                assert_eq!((outcome.live, outcome.ledger.completed), (1, 3));
                let stall = stall(&outcome);
                assert_eq!((stall.class().name(), stall.count()), ("running", 1));
                assert_eq!(stall.tasks()[0].task, u64::from(hung));
            }
        }
    }
}

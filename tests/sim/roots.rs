//! A stall blames its root: the task that waits for no other, not those that wait for it.

use finbox_sim::demo;
use finbox_sim::device::CounterPlace;
use finbox_sim::report::{RootBlocker, StallReport};
use finbox_sim::workload::{Op, RankPlan, Shape, TaskPlan, Workload};
use finbox_sim::world::{Clock, Settings};

use crate::fixture::{CLOCKS, TARGETS, lockstep, run};

const PATIENCE_NS: u64 = 100_000_000;

fn stall(workload: &Workload, settings: &Settings) -> StallReport {
    let patience_ns = PATIENCE_NS;
    let outcome = run(
        workload,
        &Settings {
            patience_ns,
            ..*settings
        },
    );
    outcome.stall.unwrap_or_else(|| panic!("it is stuck"))
}

fn root(stall: &StallReport) -> &RootBlocker {
    let root = stall.root().expect("a stall with tasks has a root");
    let first = &stall.tasks()[0];
    assert!(first.is_root);
    assert_eq!(
        (root.rank, root.task, root.blocks),
        (first.rank, first.task, first.blocks)
    );
    root
}

fn workload(ranks: Vec<RankPlan>) -> Workload {
    let order = Workload::order_by_turns(&ranks);
    Workload {
        name: "stuck".into(),
        ranks,
        order,
        ..Workload::default()
    }
}

/// Waits for one notification of counter 0.
fn waiter(name: &'static str) -> TaskPlan {
    TaskPlan {
        defers: 1,
        program: vec![Op::Await {
            counter: 0,
            expected: 1,
        }]
        .into(),
        ..TaskPlan::new(name, Shape::Aiv, 1_000)
    }
}

/// Notifies counter 0 of `peer` when it runs, which is after task `after`.
fn notifier(name: &'static str, peer: u32, after: u32) -> TaskPlan {
    TaskPlan {
        after: vec![after].into(),
        program: vec![Op::Notify {
            peer,
            counter: 0,
            add: 1,
        }]
        .into(),
        ..TaskPlan::new(name, Shape::Aiv, 1_000)
    }
}

fn rank(label: u32, tasks: impl IntoIterator<Item = TaskPlan>) -> RankPlan {
    let mut plan = RankPlan::new(label);
    plan.add_counter(CounterPlace::Packed);
    tasks.into_iter().for_each(|task| {
        plan.add_task(task);
    });
    plan
}

#[test]
fn a_lost_notification_is_told_as_rank_task_counter_and_value() {
    let mut unnotified = demo::deferred_notify(2);
    let program = &mut unnotified.ranks[0].tasks[0].program;
    *program = program[..1].to_vec().into();
    for target in TARGETS {
        for clock in CLOCKS {
            let stall = stall(
                &unnotified,
                &Settings {
                    clock,
                    ..lockstep(target, 2)
                },
            );
            let root = root(&stall);
            assert_eq!((root.rank, &*root.name, root.blocks), (1, "notify_wait", 1));
            let told = "rank 1, task notify_wait: counter 0 of rank 1 at 0x";
            assert!(root.message.starts_with(told), "{}", root.message);
            assert!(root.message.contains(", 0 of 1, for "), "{}", root.message);
            let condition = &stall.tasks()[0].conditions[0];
            assert_eq!(condition.what, "counter 0 of rank 1");
            assert!(
                stall
                    .tasks()
                    .iter()
                    .all(|task| task.age_ns >= PATIENCE_NS / 2)
            );
        }
    }
}

#[test]
fn a_root_on_another_rank_is_found_through_the_notifications_that_miss() {
    // 4's gate waits for nobody; its notifier would free 9's waiter, behind which three stand.
    let gate = rank(4, [waiter("gate"), notifier("notifier", 1, 0)]);
    let behind = (0..3).map(|at| TaskPlan {
        after: vec![0].into(),
        ..TaskPlan::new(format!("behind {at}"), Shape::Aiv, 10)
    });
    let victim = rank(9, [waiter("victim")].into_iter().chain(behind));
    let workload = workload(vec![gate, victim]);
    for target in TARGETS {
        for clock in CLOCKS {
            let stall = stall(
                &workload,
                &Settings {
                    clock,
                    ..lockstep(target, 0)
                },
            );
            let root = root(&stall);
            assert_eq!((root.rank, &*root.name, root.blocks), (4, "gate", 5));
            assert_eq!(stall.count(), 6);
            let roots = stall.tasks().iter().filter(|task| task.is_root).count();
            assert_eq!((roots, stall.class().name()), (1, "waiting on async"));
        }
    }
}

#[test]
fn of_several_roots_the_one_that_blocks_most_comes_first() {
    let behind = |first, count| {
        (0..count).map(move |_| TaskPlan {
            after: vec![first].into(),
            ..TaskPlan::new("behind", Shape::Aiv, 10)
        })
    };
    let tasks = [waiter("few"), waiter("many")];
    let tasks = tasks.into_iter().chain(behind(0, 2)).chain(behind(1, 3));
    let workload = workload(vec![rank(0, tasks)]);
    for target in TARGETS {
        let stall = stall(&workload, &lockstep(target, 1));
        assert_eq!(&*root(&stall).name, "many");
        let told: Vec<(&str, u64)> = stall
            .tasks()
            .iter()
            .map(|task| (&*task.name, task.blocks))
            .collect();
        assert_eq!(told[..3], [("many", 3), ("few", 2), ("behind", 0)]);
    }
}

#[test]
fn tasks_that_wait_for_each_other_in_a_circle_are_told_as_one() {
    let ring = |label, peer| rank(label, [waiter("waiter"), notifier("notifier", peer, 0)]);
    let workload = workload(vec![ring(0, 1), ring(1, 0)]);
    for target in TARGETS {
        let stall = stall(&workload, &lockstep(target, 0));
        let root = root(&stall);
        assert_eq!((&*root.name, root.blocks), ("waiter", 3));
        assert!(root.message.contains("circle"), "{}", root.message);
    }
}

#[test]
fn what_would_have_notified_and_was_never_submitted_is_named() {
    let tasks = [
        waiter("waiter"),
        TaskPlan {
            after: Vec::new().into(),
            ..notifier("late", 0, 0)
        },
    ];
    let workload = workload(vec![rank(0, tasks)]);
    for target in TARGETS {
        let settings = Settings {
            task_slots: Some(1),
            ..lockstep(target, 0)
        };
        let stall = stall(&workload, &settings);
        assert_eq!((stall.count(), stall.unsubmitted()), (1, 1));
        let message = &root(&stall).message;
        assert!(
            message.ends_with("rank 0, task late would notify it and is not submitted yet"),
            "{message}"
        );
    }
}

#[test]
fn a_crowd_beyond_the_condition_room_is_told_with_what_it_lacks() {
    for target in TARGETS {
        let settings = Settings {
            clock: Clock::Lockstep,
            ..lockstep(target, 0)
        };
        let stall = stall(&demo::crowd(9_000), &settings);
        assert_eq!(stall.class().name(), "condition room exhausted");
        let root = root(&stall);
        assert_eq!(root.blocks, 8_192);
        let lacks = "needs condition room for 64, and 524288 of 524288 is promised";
        assert!(root.message.ends_with(lacks), "{}", root.message);
    }
}

//! Many at once: nothing is lost and nothing is fatal when anything is full, and no flood starves
//! anyone.

use finbox_scheduler::{Completion, HandlerStep, Outcome, RELEASE_BUDGET, Shape, Start};
use finbox_tests::house::Limits;
use finbox_tests::model_port::WireCondition;

use crate::fixture::{AIC, World, on_each_target};

fn limits(mailbox: usize, tasks: usize) -> Limits {
    Limits {
        mailbox,
        slots: tasks + 8,
        conditions: (tasks + 8).max(64),
        ..Limits::default()
    }
}

/// `tasks` tasks wait at once, each for its own value of a counter; then all complete.
fn all_wait_at_once(tasks: u32, world: &mut World<'_>) {
    world.listens = false;
    for i in 0..tasks {
        let condition = world.counter(i as usize % 4, i + 1);
        let _ = world.deferred(&[condition], &[]);
    }
    world.run();
    assert_eq!(world.scheduler.waiting(), Some((tasks, 0)));
    assert_eq!(world.ledger().finished(), 0);
    for done in 0..=tasks / 500 {
        let value = (done * 500).min(tasks);
        (0..4).for_each(|i| world.port.set_counter(i, value));
        world.run();
        assert_eq!(world.ledger().completed, u64::from(value));
    }
    (0..4).for_each(|i| world.port.set_counter(i, tasks));
    world.run();
    let ledger = world.ledger();
    assert_eq!((ledger.deferred, ledger.inline), (u64::from(tasks), 0));
    assert_eq!(ledger.waiting_high_water, u64::from(tasks));
    assert_eq!(ledger.messages_delivered, u64::from(tasks));
    let said = (ledger.conditions, ledger.normal_done);
    assert_eq!(said, (u64::from(tasks), u64::from(tasks)));
    assert_eq!(world.scheduler.fault(), None);
    world.assert_done();
}

#[test]
fn sixty_five_tasks_wait_at_once_whatever_the_size_of_the_mailbox() {
    for mailbox in [2, 8, 4096] {
        on_each_target(&limits(mailbox, 65), |world| all_wait_at_once(65, world));
    }
}

#[test]
fn five_thousand_tasks_wait_at_once_whatever_the_size_of_the_mailbox() {
    for mailbox in [2, 8, 4096] {
        on_each_target(&limits(mailbox, 5000), |world| {
            all_wait_at_once(5000, world)
        });
    }
}

/// 5 000 tasks with 64 conditions each, 320 000 in all, on 32 lines: all wait at once, then all
/// complete.
fn five_thousand_times_sixty_four(completion: Completion) {
    let limits = Limits {
        slots: 5008,
        mailbox: 16,
        conditions: 320_000,
        start: Start {
            completion,
            ..Limits::default().start
        },
        ..Limits::default()
    };
    on_each_target(&limits, |world| {
        world.listens = false;
        let conditions: Vec<_> = (0..64)
            .map(|i| {
                let addr = world.port.counter(i / 2) + i as u64 % 2 * 4;
                WireCondition::counter(addr, 1)
            })
            .collect();
        let args = world.script(&conditions);
        for _ in 0..5000 {
            let _ = world.submit((Shape::Aiv, 64, args), &[]);
        }
        while world.turn() {}
        assert_eq!(world.scheduler.waiting(), Some((5000, 0)));
        assert_eq!(world.scheduler.room(), (320_000, 320_000));
        let desk = world.scheduler.wait_list().try_lock().unwrap();
        assert_eq!((desk.unmet().count(), desk.lines()), (320_000, 32));
        drop(desk);
        assert_eq!(world.ledger().finished(), 0);
        for line in 0..32 {
            (0..2).for_each(|word| world.port.poke_counter(line, word, 1));
        }
        while world.turn() {}
        let ledger = world.ledger();
        assert_eq!((ledger.completed, ledger.conditions), (5000, 320_000));
        assert_eq!(ledger.waiting_high_water, 5000);
        let is_mailbox = completion == Completion::Mailbox;
        assert_eq!(ledger.full > 0, is_mailbox);
        assert_eq!(ledger.mailbox_high_water > 0, is_mailbox);
        world.assert_done();
    });
}

#[test]
fn five_thousand_tasks_wait_for_64_conditions_each_through_a_mailbox_of_16_slots() {
    five_thousand_times_sixty_four(Completion::Mailbox);
}

#[test]
fn five_thousand_tasks_wait_for_64_conditions_each_under_the_lock() {
    five_thousand_times_sixty_four(Completion::Locked);
}

#[test]
fn sixty_four_conditions_pass_through_a_mailbox_of_two_slots() {
    on_each_target(&limits(2, 200), |world| {
        let conditions: Vec<_> = (0..64).map(|i| world.counter(i, 1)).collect();
        let tasks = [(); 3].map(|()| world.deferred(&conditions, &[]));
        world.run();
        for i in (0..64).rev() {
            assert!(world.log.finished().is_empty());
            world.port.set_counter(i, 1);
            world.run();
        }
        for task in tasks {
            assert_eq!(world.log.outcome(task), Outcome::Completed);
        }
        let ledger = world.ledger();
        assert_eq!((ledger.conditions, ledger.normal_done), (192, 3));
        assert!(ledger.full > 30 && ledger.mailbox_high_water == 2);
        world.assert_done();
    });
}

const FAN_OUT: u32 = 10_000;

fn wide() -> Limits {
    Limits {
        slots: FAN_OUT as usize + 8,
        nodes: FAN_OUT as usize,
        ..Limits::default()
    }
}

#[test]
fn a_handler_walks_a_huge_fan_out_in_pieces_and_serves_its_other_cores_meanwhile() {
    on_each_target(&wide(), |world| {
        world.listens = false;
        let root = world.plain(Shape::Aic, &[]);
        for _ in 0..FAN_OUT {
            let _ = world.plain(Shape::Dummy, &[root]);
        }
        let _ = world.dispatch();
        assert_eq!(world.run_core(AIC), Some(root));
        assert!(world.handle());
        assert!(
            world.live() >= u64::from(FAN_OUT - RELEASE_BUDGET),
            "all at once"
        );
        // A task on another core finishes while the walk goes on.
        let other = world.plain(Shape::Aiv, &[]);
        let _ = world.dispatch();
        assert!(world.run_cores());
        assert!(world.handle());
        assert_eq!(world.ledger().fins_applied, 2, "{other:?} was starved");
        let mut steps = 2;
        while world.handlers[0].pass(&world.scheduler, &world.port, &world.log) != HandlerStep::Idle
        {
            steps += 1;
        }
        assert!(
            steps >= FAN_OUT / RELEASE_BUDGET,
            "{steps} steps for the walk"
        );
        world.run();
        assert_eq!(world.ledger().completed, u64::from(FAN_OUT) + 2);
        world.assert_done();
    });
}

#[test]
fn the_dispatch_thread_walks_a_huge_fan_out_in_pieces_and_dispatches_meanwhile() {
    on_each_target(&wide(), |world| {
        world.listens = false;
        let root = world.plain(Shape::Dummy, &[]);
        for _ in 0..FAN_OUT {
            let _ = world.plain(Shape::Dummy, &[root]);
        }
        let _ = world.dispatch();
        let pass = world.dispatch();
        assert!(pass.progress && pass.watching);
        assert!(world.live() > u64::from(FAN_OUT / 2), "all at once");
        let _ = world.plain(Shape::Aiv, &[]);
        let _ = world.dispatch();
        assert!(world.run_cores(), "the walk starves the cores");
        world.run();
        assert_eq!(world.ledger().completed, u64::from(FAN_OUT) + 2);
        world.assert_done();
    });
}

#[test]
fn a_chain_of_100_000_dummies_ends_without_recursion() {
    let limits = Limits {
        slots: 1000,
        ..Limits::default()
    };
    on_each_target(&limits, |world| {
        world.listens = false;
        let mut last = world.plain(Shape::Dummy, &[]);
        for _ in 1..100_000 {
            last = loop {
                match world.try_submit((Shape::Dummy, 0, 0), &[last]) {
                    Ok(slot) => break slot,
                    Err(error) => assert!(error.is_temporary()),
                }
                assert!(world.dispatch().progress, "back-pressure that never ends");
            };
        }
        world.run();
        assert_eq!(world.ledger().completed, 100_000);
        world.assert_done();
    });
}

#[test]
fn a_wired_chain_of_100_000_dummies_falls_like_dominoes() {
    let limits = Limits {
        slots: 100_000,
        nodes: 100_000,
        ..Limits::default()
    };
    on_each_target(&limits, |world| {
        world.listens = false;
        let mut last = world.plain(Shape::Dummy, &[]);
        for _ in 1..100_000 {
            last = world.plain(Shape::Dummy, &[last]);
        }
        world.run();
        assert_eq!(world.ledger().completed, 100_000);
        world.assert_done();
    });
}

#[test]
fn a_failure_cancels_100_000_tasks_behind_it_without_recursion() {
    let limits = Limits {
        slots: 100_000,
        nodes: 100_000,
        ..Limits::default()
    };
    on_each_target(&limits, |world| {
        world.listens = false;
        let args = world.script(&[]);
        world.scripts[1].header = Some((65, 0));
        let mut last = world.submit((Shape::Aiv, 1, args), &[]);
        for i in 1..100_000 {
            let shape = [Shape::Aic, Shape::Host, Shape::Dummy][i % 3];
            last = world.plain(shape, &[last]);
        }
        world.run();
        let ledger = world.ledger();
        assert_eq!(
            (ledger.failed, ledger.cancelled, ledger.completed),
            (1, 99_999, 0)
        );
        assert_eq!(ledger.fins_received, 1, "a cancelled task needs no core");
        world.assert_done();
    });
}

//! A reset of the device: what was in flight fails, nothing starts twice, and all goes on.

use finbox_scheduler::{Cond, CoreId, FaultCode, Outcome, Shape, SlotId, Subtasks, Token};
use finbox_tests::house::Limits;
use oorandom::Rand32;

use crate::fixture::{AIC, TARGETS, World, below, clusters, on_chip, on_each_target};

#[test]
fn a_reset_fails_what_was_in_flight_and_nothing_else() {
    on_each_target(&Limits::default(), |world| {
        let running = world.plain(Shape::Aic, &[]);
        let _ = world.dispatch();
        world.start(AIC);
        world.handle();
        let pending = world.plain(Shape::Aic, &[]);
        let _ = world.dispatch();
        let ready = world.plain(Shape::Aic, &[]);
        let behind = world.plain(Shape::Aiv, &[pending]);
        let _ = world.dispatch();
        world.port.reset();
        world.run();
        for task in [running, pending] {
            assert_eq!(world.log.outcome(task), Outcome::Failed);
            let given = world.log.dispatched();
            let given = given.iter().filter(|(.., slot)| *slot == task).count();
            assert_eq!(given, 1, "no token starts twice");
        }
        assert_eq!(world.log.outcome(ready), Outcome::Completed);
        assert_eq!(world.log.outcome(behind), Outcome::Cancelled);
        let raised = world.log.raised();
        assert_eq!(raised.len(), 2);
        assert!(
            raised
                .iter()
                .all(|raised| (raised.0, raised.2) == (FaultCode::DeviceReset, Some(AIC)))
        );
        world.assert_done();
    });
}

#[test]
fn what_a_core_says_about_a_lost_token_changes_nothing() {
    on_each_target(&Limits::default(), |world| {
        let lost = world.plain(Shape::Aic, &[]);
        let _ = world.dispatch();
        world.start(AIC);
        world.port.reset();
        world.handle();
        let next = world.plain(Shape::Aic, &[]);
        let _ = world.dispatch();
        for word in [Cond::ack(Token::FIRST), Cond::fin(Token::FIRST)] {
            world.port.set_cond(AIC, word.0);
            world.handle();
            assert!(!world.log.is_finished(next));
        }
        world.port.set_cond(AIC, Cond::RESET.0);
        world.run();
        assert_eq!(world.log.outcome(lost), Outcome::Failed);
        assert_eq!(world.log.outcome(next), Outcome::Completed);
        assert_eq!(world.ledger().fins_duplicate, 2);
    });
}

#[test]
fn a_token_given_after_a_reset_that_a_handler_has_not_noticed_yet_is_not_lost() {
    on_each_target(&Limits::default(), |world| {
        let before = world.plain(Shape::Aic, &[]);
        world.run();
        world.port.reset();
        let after = world.plain(Shape::Aic, &[]);
        let pass = world.dispatch();
        assert!(
            pass.progress && pass.handlers.contains(0),
            "handlers are rung"
        );
        assert_eq!(
            world.log.dispatched().len(),
            1,
            "they deal with the reset first"
        );
        world.run();
        for task in [before, after] {
            assert_eq!(world.log.outcome(task), Outcome::Completed);
        }
        assert_eq!(world.log.raised(), []);
        world.assert_done();
    });
}

#[test]
fn a_reset_brings_late_cores_back_and_their_tasks_to_rest() {
    on_each_target(&Limits::default(), |world| {
        let hung = world.task(Shape::Aic, &[], |spec| spec.run_budget_ns = 1_000);
        let _ = world.dispatch();
        world.start(AIC);
        world.port.pass_time(2_000);
        world.run_only(&[]);
        assert_eq!(world.scheduler.quarantined(), (1, 1));
        world.port.reset();
        world.run();
        assert_eq!(world.scheduler.quarantined(), (0, 0));
        assert_eq!(world.log.outcome(hung), Outcome::Failed);
        let after = world.plain(Shape::Aic, &[]);
        world.run();
        assert_eq!(world.log.outcome(after), Outcome::Completed);
        world.assert_done();
    });
}

#[test]
fn conditions_from_before_a_reset_count_and_a_task_with_a_lost_part_does_not_wait_for_them() {
    for target in TARGETS {
        on_chip(clusters(target, 1), &Limits::default(), |world| {
            let args = world.script(&[world.counter(0, 1)]);
            let task = world.task(Shape::Aiv, &[], |spec| {
                (spec.blocks, spec.may_defer, spec.args) = (2, 4, args);
            });
            let _ = world.dispatch();
            world.run_core(CoreId(0));
            world.handle();
            world.start(CoreId(2));
            world.port.reset();
            world.run();
            assert_eq!(world.log.outcome(task), Outcome::Failed);
            assert_eq!(world.ledger().conditions, 1);
            assert_eq!(world.log.raised().len(), 1, "the reset, and no wait");
            world.assert_done();
        });
    }
}

fn survives_resets(world: &mut World<'_>, seed: u64) {
    let mut random = Rand32::new(seed);
    let mut tasks: Vec<SlotId> = Vec::new();
    for _ in 0..300 {
        match below(&mut random, 8) {
            0 | 1 if tasks.len() < 60 => {
                let shape = [Shape::Aic, Shape::Aiv, Shape::Mix][below(&mut random, 3)];
                let after: Vec<SlotId> = match below(&mut random, 2) {
                    0 => tasks.last().copied().into_iter().collect(),
                    _ => Vec::new(),
                };
                tasks.push(world.task(shape, &after, |spec| {
                    spec.subtasks = Subtasks::all();
                    spec.blocks = 1 + u16::try_from(below(&mut random, 4)).unwrap();
                    spec.sync_start = spec.blocks <= 2 && below(&mut random, 2) == 0;
                    spec.run_budget_ns = [0, 300][below(&mut random, 2)];
                }));
            }
            2 => {
                let _ = world.dispatch();
            }
            3 => {
                let core = CoreId(u16::try_from(below(&mut random, 6)).unwrap());
                world.start(core);
            }
            4 => {
                let core = CoreId(u16::try_from(below(&mut random, 6)).unwrap());
                if !world.port.is_idle(core) {
                    world.port.finish(core);
                }
            }
            5 if below(&mut random, 10) == 0 => world.port.reset(),
            6 if below(&mut random, 4) == 0 => world.port.pass_time(400),
            _ => {
                world.handle();
            }
        }
    }
    for core in (0..6).map(CoreId) {
        if !world.port.is_idle(core) {
            world.port.finish(core);
        }
    }
    world.run();
    for task in tasks {
        let _ = world.log.outcome(task);
    }
    assert_eq!(world.scheduler.quarantined(), (0, 0));
    world.assert_done();
}

#[test]
fn random_runs_with_resets_and_deadlines_lose_nothing_and_come_to_rest() {
    for seed in 0..150 {
        for target in TARGETS {
            on_chip(clusters(target, 2), &Limits::default(), |world| {
                survives_resets(world, seed);
            });
        }
    }
}

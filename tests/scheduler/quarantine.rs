//! Cores that answer what no token explains: out of the pool, with their tokens still valid.

use finbox_scheduler::{Cond, CoreId, FaultCode, Outcome, Shape, TaskId, Token};
use finbox_tests::house::{House, Limits};
use finbox_tests::model_port::Lines;

use crate::fixture::{AIC, TARGETS, World, clusters, on_chip, on_each_target};

#[test]
fn a_core_that_answers_garbage_gets_no_more_tokens_and_the_ones_it_has_stay_valid() {
    for target in TARGETS {
        for garbage in [u32::MAX, 0x8000_0000 | 77, 0x7FFF_FFF0, Token::EXIT.bits()] {
            on_chip(clusters(target, 2), &Limits::default(), |world| {
                let task = world.plain(Shape::Aic, &[]);
                let _ = world.dispatch();
                world.start(CoreId(1));
                world.port.set_cond(CoreId(1), garbage);
                world.handle();
                world.handle();
                assert!(!world.log.is_finished(task), "garbage is no FIN");
                let raised = (FaultCode::ProtocolError, TaskId::INVALID, Some(CoreId(1)));
                assert_eq!(world.log.raised(), [raised]);
                assert_eq!(world.log.quarantined(), [CoreId(1)]);
                let others: Vec<_> = (0..4).map(|_| world.plain(Shape::Aic, &[])).collect();
                world.run_only(&[0, 2, 3, 4, 5]);
                let given = world.log.dispatched();
                assert!(given[1..].iter().all(|&(core, ..)| core == CoreId(4)));
                for other in others {
                    assert_eq!(world.log.outcome(other), Outcome::Completed);
                }
                assert_eq!(world.scheduler.quarantined(), (0, 1));
                world.port.finish(CoreId(1));
                world.run();
                assert_eq!(world.log.outcome(task), Outcome::Completed);
                assert_eq!(world.ledger().fins_unknown, 1);
                world.assert_done();
            });
        }
    }
}

#[test]
fn a_suspect_core_is_told_once_and_returns_with_a_reset() {
    on_each_target(&Limits::default(), |world| {
        let task = world.plain(Shape::Aic, &[]);
        let _ = world.dispatch();
        world.start(AIC);
        for garbage in [u32::MAX, 0x8000_1234, u32::MAX] {
            world.port.set_cond(AIC, garbage);
            world.handle();
        }
        assert_eq!(world.log.raised().len(), 1);
        assert_eq!(world.ledger().fins_unknown, 3);
        let ready = world.plain(Shape::Aic, &[]);
        world.run_only(&[]);
        assert_eq!(world.log.outcome(ready), Outcome::Failed, "no core is left");
        world.port.reset();
        world.run();
        assert_eq!(world.log.outcome(task), Outcome::Failed);
        let after = world.plain(Shape::Aic, &[]);
        world.run();
        assert_eq!(world.log.outcome(after), Outcome::Completed);
        assert_eq!(world.scheduler.quarantined(), (0, 0));
        world.assert_done();
    });
}

#[test]
fn duplicate_and_stale_words_are_counted_and_make_nobody_suspect() {
    on_each_target(&Limits::default(), |world| {
        for _ in 0..3 {
            let _ = world.plain(Shape::Aic, &[]);
            world.run();
        }
        let (first, third) = (Token::FIRST, Token::FIRST.next().next());
        let _ = world.plain(Shape::Aic, &[]);
        let _ = world.dispatch();
        world.start(AIC);
        for word in [Cond::fin(first), Cond::ack(third), Cond::fin(third)] {
            world.port.set_cond(AIC, word.0);
            world.handle();
        }
        world.port.finish(AIC);
        world.run();
        let ledger = world.ledger();
        assert_eq!((ledger.fins_stale, ledger.fins_duplicate), (1, 2));
        assert_eq!(world.log.quarantined(), []);
        assert_eq!(world.log.raised(), []);
        world.assert_done();
    });
}

#[test]
#[should_panic(expected = "NotAtRest { tasks: 1, cores: 1 }")]
fn memory_whose_last_run_left_a_quarantined_task_is_refused_by_name() {
    let chip = clusters(TARGETS[0], 1);
    let mut house = House::new(&chip, &Limits::default());
    let mut world = World::new(&mut house, chip, Lines::of(&chip));
    let _ = world.task(Shape::Aic, &[], |spec| spec.run_budget_ns = 100);
    let _ = world.dispatch();
    world.start(AIC);
    world.port.pass_time(200);
    world.run_only(&[]);
    assert_eq!(world.scheduler.quarantined(), (1, 1));
    drop(world);
    let _ = house.assemble(chip);
}

#[test]
fn a_core_that_was_suspect_at_the_end_of_a_run_is_so_in_the_next() {
    let chip = clusters(TARGETS[0], 2);
    let mut house = House::new(&chip, &Limits::default());
    let mut world = World::new(&mut house, chip, Lines::of(&chip));
    let _ = world.plain(Shape::Aic, &[]);
    let _ = world.dispatch();
    world.start(AIC);
    world.port.set_cond(AIC, u32::MAX);
    world.handle();
    world.port.finish(AIC);
    world.run();
    world.assert_done();
    drop(world);
    let mut world = World::new(&mut house, chip, Lines::of(&chip));
    let _ = world.task(Shape::Aic, &[], |spec| spec.blocks = 4);
    let _ = world.dispatch();
    let given = world.log.dispatched();
    assert!(given.iter().all(|&(core, ..)| core == CoreId(4)));
    assert_eq!(world.scheduler.quarantined(), (0, 1));
}

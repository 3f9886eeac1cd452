//! Predicates: asked when the task could start; false retires it without running.

use finbox_scheduler::{Comparison, Event, FaultCode, Outcome, Predicate, Shape, SlotId, Subtasks};
use finbox_tests::house::Limits;

use crate::fixture::{World, on_each_target};

fn if_counter(world: &World<'_>, index: usize, comparison: Comparison, value: u32) -> Predicate {
    Predicate {
        addr: world.port.counter(index),
        comparison,
        value,
    }
}

/// A task of `shape` that runs if the counter is 1, and one behind it.
fn guarded(world: &mut World<'_>, shape: Shape) -> (SlotId, SlotId) {
    let predicate = if_counter(world, 0, Comparison::Equal, 1);
    let task = world.task(shape, &[], |spec| {
        spec.predicate = Some(predicate);
        spec.subtasks = Subtasks::all();
        spec.blocks = 3;
        spec.may_defer = 4;
    });
    let behind = world.plain(Shape::Aic, &[task]);
    (task, behind)
}

#[test]
fn a_false_predicate_completes_its_task_without_running_and_releases_its_consumers() {
    on_each_target(&Limits::default(), |world| {
        for shape in [Shape::Aic, Shape::Aiv, Shape::Mix, Shape::Host] {
            let (task, behind) = guarded(world, shape);
            let before = world.ledger().skipped;
            world.run();
            assert_eq!(world.log.outcome(task), Outcome::Completed);
            assert_eq!(world.log.outcome(behind), Outcome::Completed);
            let given = world.log.dispatched();
            assert!(given.iter().all(|&(.., slot)| slot != task), "it ran");
            assert_eq!(world.ledger().skipped, before + 1);
            let skipped = Event::Skipped { slot: task };
            let events = world.log.events();
            assert_eq!(events.iter().filter(|&&event| event == skipped).count(), 1);
        }
        world.assert_done();
    });
}

#[test]
fn a_predicate_is_asked_when_the_task_could_start_and_not_before() {
    on_each_target(&Limits::default(), |world| {
        for (at_submission, at_start, tokens) in [(1, 0, 0), (0, 1, 3)] {
            world.port.set_counter(0, at_submission);
            let blocker = world.task(Shape::Aic, &[], |spec| spec.blocks = 2);
            let (task, _) = guarded(world, Shape::Aic);
            let _ = world.dispatch();
            world.start(crate::fixture::AIC);
            world.handle();
            let _ = world.dispatch();
            world.port.set_counter(0, at_start);
            world.port.finish(crate::fixture::AIC);
            world.run();
            assert_eq!(world.log.outcome(blocker), Outcome::Completed);
            let given = world.log.dispatched();
            let given = given.iter().filter(|&&(.., slot)| slot == task).count();
            assert_eq!(given, tokens);
        }
        world.assert_done();
    });
}

#[test]
fn every_comparison_is_of_unsigned_words() {
    use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
    on_each_target(&Limits::default(), |world| {
        for comparison in [Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual] {
            for (word, value) in [(1, 1), (0, u32::MAX), (u32::MAX, 1)] {
                world.port.set_counter(3, word);
                let predicate = if_counter(world, 3, comparison, value);
                let task = world.task(Shape::Aiv, &[], |spec| spec.predicate = Some(predicate));
                let before = world.log.dispatched().len();
                world.run();
                let ran = world.log.dispatched().len() > before;
                let expected = match comparison {
                    Equal => word == value,
                    NotEqual => word != value,
                    Less => word < value,
                    LessOrEqual => word <= value,
                    Greater => word > value,
                    GreaterOrEqual => word >= value,
                };
                assert_eq!(ran, expected, "{word} {comparison:?} {value}");
                assert_eq!(world.log.outcome(task), Outcome::Completed);
            }
        }
        world.assert_done();
    });
}

#[test]
fn a_predicate_that_cannot_be_read_fails_its_task_and_dereferences_nothing() {
    on_each_target(&Limits::default(), |world| {
        let good = world.port.counter(0);
        for addr in [0, good + 2, world.port.end(), 8, u64::MAX] {
            let predicate = Predicate {
                addr,
                comparison: Comparison::Equal,
                value: 0,
            };
            let task = world.task(Shape::Aiv, &[], |spec| spec.predicate = Some(predicate));
            let behind = world.plain(Shape::Aic, &[task]);
            world.run();
            assert_eq!(world.log.outcome(task), Outcome::Failed);
            assert_eq!(world.log.outcome(behind), Outcome::Cancelled);
        }
        let code = world.scheduler.fault().unwrap().code;
        assert_eq!(code, FaultCode::AsyncCompletionInvalid);
        assert_eq!(world.ledger().skipped, 0);
        world.assert_done();
    });
}

#[test]
fn a_thousand_skipped_tasks_in_a_chain_need_no_stack_and_no_room() {
    let limits = Limits {
        slots: 1_000,
        nodes: 1_000,
        conditions: 64,
        ..Limits::default()
    };
    on_each_target(&limits, |world| {
        let predicate = if_counter(world, 0, Comparison::Equal, 1);
        let mut last: Option<SlotId> = None;
        for _ in 0..1_000 {
            let after: Vec<SlotId> = last.into_iter().collect();
            last = Some(world.task(Shape::Aic, &after, |spec| {
                spec.predicate = Some(predicate);
                spec.may_defer = 64;
            }));
        }
        world.run();
        assert_eq!(world.ledger().skipped, 1_000);
        world.assert_done();
    });
}

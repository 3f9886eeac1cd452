//! Wait budgets: a condition that does not hold in time fails its task, and only that.

use finbox_scheduler::{FaultCode, Outcome, SETTLE_BUDGET, Shape, Start};
use finbox_tests::house::Limits;

use crate::fixture::on_each_target;

/// Longer than a whole test takes by the model's clock, which ticks when it is looked at.
const LONG: u64 = 1 << 32;

#[test]
fn a_condition_that_misses_its_budget_fails_its_task_with_105_and_gives_room_back_once() {
    on_each_target(&Limits::default(), |world| {
        let conditions = [0, 1, 2].map(|index| world.counter(index, 1));
        let late = world.in_time(LONG, &conditions);
        let consumer = world.plain(Shape::Aic, &[late]);
        let patient = world.deferred(&conditions[..1], &[]);
        world.run();
        let (now, pass) = (finbox_scheduler::Port::now(&world.port), world.dispatch());
        let deadline = pass.deadline_ns.expect("one condition has a deadline");
        assert!(deadline <= now + LONG && deadline + LONG > now + LONG);
        assert_eq!(world.scheduler.room().0, 4);
        world.port.set_counter(1, 1);
        world.run();
        world.port.advance(LONG);
        world.run();
        assert_eq!(world.log.outcome(late), Outcome::Failed);
        assert_eq!(world.log.outcome(consumer), Outcome::Cancelled);
        let code = world.scheduler.fault().unwrap().code;
        assert_eq!(code, FaultCode::AsyncWaitTimeout);
        assert_eq!(world.scheduler.room().0, 1, "the patient one's");
        assert_eq!(world.dispatch().deadline_ns, None);
        world.port.set_counter(0, 1);
        world.run();
        assert_eq!(world.log.outcome(patient), Outcome::Completed);
        world.assert_done();
    });
}

#[test]
fn a_condition_that_holds_when_its_time_is_over_has_held_in_time() {
    on_each_target(&Limits::default(), |world| {
        let condition = world.counter(0, 1);
        let task = world.in_time(LONG, &[condition]);
        world.run();
        world.port.set_counter(0, 1);
        world.port.advance(2 * LONG);
        world.run();
        assert_eq!(world.log.outcome(task), Outcome::Completed);
        world.assert_done();
    });
}

#[test]
fn a_task_that_says_nothing_has_the_default_and_one_that_says_more_has_more() {
    let limits = Limits {
        start: Start {
            limits: finbox_scheduler::Limits {
                wait_ns: Some(LONG),
                ..finbox_scheduler::Limits::NONE
            },
            ..Limits::default().start
        },
        ..Limits::default()
    };
    on_each_target(&limits, |world| {
        let condition = world.counter(0, 1);
        let short = world.deferred(&[condition], &[]);
        let long = world.in_time(4 * LONG, &[condition]);
        world.run();
        world.port.advance(LONG);
        world.run();
        assert_eq!(world.log.finished(), [(short, Outcome::Failed)]);
        world.port.advance(4 * LONG);
        world.run();
        assert_eq!(world.log.outcome(long), Outcome::Failed);
        world.assert_done();
    });
}

#[test]
fn the_deadline_told_is_never_later_than_the_earliest_one() {
    let limits = Limits {
        slots: 128,
        conditions: 3 * SETTLE_BUDGET as usize,
        ..Limits::default()
    };
    on_each_target(&limits, |world| {
        // More than one pass looks at, of which every tenth task is in a hurry.
        let conditions = [(); 64].map(|()| world.counter(0, 1));
        let mut hurried = Vec::new();
        for number in 0..40 {
            let budget = if number % 10 == 9 {
                number * LONG
            } else {
                1000 * LONG
            };
            let task = world.in_time(budget, &conditions);
            hurried.extend((number % 10 == 9).then_some(task));
        }
        world.run();
        for (done, task) in hurried.into_iter().enumerate() {
            assert_eq!(world.log.finished().len(), done);
            let told = world.dispatch().deadline_ns.unwrap();
            let now = finbox_scheduler::Port::now(&world.port);
            world.port.advance(told.saturating_sub(now));
            world.run();
            // A lower bound may be too low once; then the next one is exact.
            let told = world.dispatch().deadline_ns.unwrap();
            world
                .port
                .advance(told.saturating_sub(finbox_scheduler::Port::now(&world.port)));
            if !world.log.is_finished(task) {
                world.run();
            }
            assert_eq!(world.log.outcome(task), Outcome::Failed);
        }
        world.port.set_counter(0, 1);
        world.run();
        assert_eq!(world.ledger().completed, 36);
        world.assert_done();
    });
}

#[test]
fn a_condition_that_holds_when_it_comes_refreshes_one_line() {
    on_each_target(&Limits::default(), |world| {
        world.deferred(&[world.counter(0, 0), world.counter(0, 0)], &[]);
        world.run();
        assert_eq!(world.ledger().lines_refreshed, 2, "one for each");
        world.assert_done();
    });
}

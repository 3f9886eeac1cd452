//! SDMA event records: completed post ids, and transfers that failed.

use finbox_scheduler::{Engine, Event, FaultCode, Outcome, Shape};
use finbox_tests::house::Limits;
use finbox_tests::model_port::WireCondition;

use crate::fixture::{World, on_each_target};

fn post(world: &World<'_>, index: usize, cookie: u64) -> WireCondition {
    WireCondition::event_record(world.port.counter(index), cookie)
}

#[test]
fn a_transfer_completes_when_its_post_id_does() {
    on_each_target(&Limits::default(), |world| {
        let far = 1 << 40;
        let conditions = [post(world, 0, far), post(world, 0, far + 1)];
        let tasks = conditions.map(|condition| world.deferred(&[condition], &[]));
        world.port.complete_posts(0, far - 1);
        world.run();
        assert_eq!(world.log.finished(), []);
        let seen = world.unmet(tasks[1])[0];
        assert_eq!((seen.expected, seen.observed), (far + 1, far - 1));
        world.port.complete_posts(0, far);
        world.run();
        assert_eq!(world.log.finished(), [(tasks[0], Outcome::Completed)]);
        world.port.complete_posts(0, far + 9);
        world.run();
        assert_eq!(world.log.outcome(tasks[1]), Outcome::Completed);
        assert_eq!(world.ledger().overshoots, 0, "a later post is no overshoot");
        world.assert_done();
    });
}

#[test]
fn a_failed_transfer_fails_its_task_with_engine_and_code_and_nothing_else() {
    on_each_target(&Limits::default(), |world| {
        let here = world.counter(1, 1);
        let failing = post(world, 0, 2);
        let failed = world.deferred(&[here, failing, here], &[]);
        let consumer = world.plain(Shape::Aic, &[failed]);
        let good = [post(world, 0, 1), post(world, 0, 3)];
        let good = good.map(|condition| world.deferred(&[condition], &[]));
        world.run();
        world.port.fail_post(0, 2, 77);
        world.port.complete_posts(0, 3);
        world.run();
        assert_eq!(
            world.log.outcome(failed),
            Outcome::Failed,
            "it waits no more"
        );
        assert_eq!(world.log.outcome(consumer), Outcome::Cancelled);
        for task in good {
            assert_eq!(world.log.outcome(task), Outcome::Completed);
        }
        let told = Event::EngineFailed {
            slot: failed,
            engine: Engine::Sdma,
            code: 77,
        };
        assert!(world.log.events().contains(&told));
        let code = world.scheduler.fault().unwrap().code;
        assert_eq!(code, FaultCode::AsyncCompletionInvalid);
        world.assert_done();
    });
}

#[test]
fn a_failure_is_learnt_by_a_condition_that_is_registered_after_it() {
    on_each_target(&Limits::default(), |world| {
        (1..=9).for_each(|id| world.port.fail_post(0, id, 5));
        world.port.complete_posts(0, 20);
        // Six failures are remembered: 4 to 9.
        for id in [4, 9, 10] {
            let condition = post(world, 0, id);
            let task = world.deferred(&[condition], &[]);
            world.run();
            let failed = world.log.outcome(task) == Outcome::Failed;
            assert_eq!(failed, id < 10, "post {id}");
        }
        world.assert_done();
    });
}

#[test]
fn failures_are_read_as_far_as_the_record_counts_them_and_no_further() {
    on_each_target(&Limits::default(), |world| {
        let record = world.port.counter(0);
        // One failure, of post 7; what stands behind it was never counted.
        world.port.fail_post(0, 7, 5);
        world.port.poke(record + 24, 5 << 48 | 3);
        // Seven failures in the other: all six places count, the line behind them does not.
        (1..=7).for_each(|id| world.port.fail_post(1, id, 5));
        world.port.poke(record + 128, 5 << 48 | 20);
        let conditions = [post(world, 0, 3), post(world, 1, 20)];
        let tasks = conditions.map(|condition| world.deferred(&[condition], &[]));
        world.port.complete_posts(0, 30);
        world.port.complete_posts(1, 30);
        world.run();
        for task in tasks {
            assert_eq!(world.log.outcome(task), Outcome::Completed);
        }
        world.assert_done();
    });
}

#[test]
fn a_record_that_is_null_unaligned_or_outside_and_a_cookie_of_0_are_refused_with_101() {
    // Address relative to a record's (or nowhere), and cookie.
    let record = |offset: u64, cookie: u64| (Some(offset), cookie);
    let outside = 64 * 64;
    let bad = [
        (None, 1),
        record(8, 1),
        record(4, 1),
        record(outside, 1),
        record(0, 0),
    ];
    for (offset, cookie) in bad {
        on_each_target(&Limits::default(), |world| {
            let addr = offset.map_or(0, |offset| world.port.counter(0) + offset);
            let good = world.counter(0, 0);
            let condition = WireCondition::event_record(addr, cookie);
            let task = world.deferred(&[good, condition], &[]);
            world.run();
            assert_eq!(world.log.outcome(task), Outcome::Failed);
            let code = world.scheduler.fault().unwrap().code;
            assert_eq!(code, FaultCode::AsyncCompletionInvalid);
            assert_eq!(world.ledger().conditions, 0, "nothing of it was pushed");
            world.assert_done();
        });
    }
}

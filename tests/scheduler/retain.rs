//! Retaining: a task is kept for those who still look at it, and nobody else is bothered.

use finbox_scheduler::{Dependency, Outcome, Shape, SubmitError, TaskSpec};
use finbox_tests::house::Limits;

use crate::fixture::{AIC, on_each_target};
use crate::scopes::{DUMMY, dummies, limits, with};

#[test]
fn a_retained_task_keeps_slot_and_output_until_the_retainer_has_finished() {
    on_each_target(&limits(1, 3, 192), |world| {
        let mut spec = world.spec(Shape::Aiv, 0, 0);
        spec.output_bytes = 64;
        let submitter = &mut world.submitter;
        let kept = submitter
            .submit(&world.scheduler, &world.log, &spec, &[])
            .unwrap();
        let slow = world.deferred(&[world.counter(0, 1)], &[]);
        let needs = [Dependency::retain(kept), Dependency::wait(slow)];
        let retainer = with(world, &needs).unwrap();
        world.run();
        assert!(world.log.is_finished(kept) && !world.log.is_finished(retainer));
        for _ in 0..3 {
            let error = world.try_submit(DUMMY, &[]).unwrap_err();
            assert_eq!(error, SubmitError::RingFull { ring: 0, slots: 3 });
            assert_eq!(world.submitter.output_of(kept), Some(0..64));
        }
        world.port.set_counter(0, 1);
        world.run();
        let next = world.plain(Shape::Dummy, &[]);
        assert_eq!((next.index(), world.submitter.output_of(kept)), (0, None));
        world.run();
        world.assert_done();
    });
}

#[test]
fn retaining_neither_delays_nor_cancels() {
    on_each_target(&Limits::default(), |world| {
        let slow = world.deferred(&[world.counter(0, 1)], &[]);
        let retainer = with(world, &[Dependency::retain(slow)]).unwrap();
        let both = with(world, &[Dependency::wait_and_retain(slow)]).unwrap();
        world.run();
        assert!(world.log.is_finished(retainer) && !world.log.is_finished(both));
        world.port.set_counter(0, 1);
        world.run();
        assert_eq!(world.log.outcome(both), Outcome::Completed);
        world.assert_done();
    });
}

#[test]
fn what_was_reclaimed_cannot_be_retained() {
    on_each_target(&limits(1, 2, 0), |world| {
        let gone = dummies(world, 1)[0];
        world.run();
        let error = with(world, &[Dependency::retain(gone)]).unwrap_err();
        assert_eq!(
            (error, error.is_temporary()),
            (SubmitError::Reclaimed(gone), false)
        );
        assert!(
            with(world, &[Dependency::wait(gone)]).is_ok(),
            "to wait for it is fine"
        );
        world.run();
        world.assert_done();
    });
}

#[test]
fn what_was_reclaimed_cannot_be_retained_by_the_next_life_of_its_slot() {
    on_each_target(&limits(1, 2, 0), |world| {
        let gone = dummies(world, 2)[0];
        world.run();
        let next = world.deferred(&[world.counter(0, 1)], &[]);
        assert_eq!(next.index(), gone.index());
        world.run();
        let error = with(world, &[Dependency::retain(gone)]).unwrap_err();
        assert_eq!(error, SubmitError::Reclaimed(gone));
        world.port.set_counter(0, 1);
        world.run();
        world.assert_done();
    });
}

/// The retainer's slot is in another ring, and by now another task's, which has not run.
#[test]
fn the_next_life_of_a_retainers_slot_retains_nothing() {
    on_each_target(&limits(2, 2, 0), |world| {
        let kept = dummies(world, 1)[0];
        world.submitter.open_scope().unwrap();
        let retainer = with(world, &[Dependency::retain(kept)]).unwrap();
        world.submitter.close_scope().unwrap();
        world.run();
        world.submitter.open_scope().unwrap();
        dummies(world, 1);
        let waits = world.plain(Shape::Aiv, &[]);
        world.submitter.close_scope().unwrap();
        assert_eq!(waits.index(), retainer.index());
        let places: Vec<_> = dummies(world, 2).iter().map(|slot| slot.index()).collect();
        assert_eq!(
            places,
            [1, 0],
            "nothing of the first one is in anybody's way"
        );
        world.run();
        world.assert_done();
    });
}

#[test]
fn waiting_and_retaining_takes_two_nodes_or_nothing() {
    let limits = Limits {
        nodes: 3,
        ..limits(1, 8, 0)
    };
    on_each_target(&limits, |world| {
        let slow = world.deferred(&[world.counter(0, 1)], &[]);
        let both = Dependency::wait_and_retain(slow);
        let error = with(world, &[both, both]).unwrap_err();
        assert_eq!(
            error,
            SubmitError::NeverEnoughNodes {
                needed: 4,
                total: 3
            }
        );
        assert!(with(world, &[both]).is_ok());
        let error = with(world, &[both]).unwrap_err();
        assert_eq!(
            error,
            SubmitError::NoNodes {
                needed: 2,
                free: 1,
                total: 3
            }
        );
        assert!(with(world, &[Dependency::retain(slow)]).is_ok());
        world.port.set_counter(0, 1);
        world.run();
        for _ in 0..20 {
            let first = dummies(world, 1)[0];
            assert!(with(world, &[Dependency::wait_and_retain(first)]).is_ok());
            world.run();
        }
        world.assert_done();
    });
}

#[test]
fn a_slot_forgets_a_retainer_that_has_finished_and_keeps_the_others() {
    let limits = Limits {
        nodes: 4,
        ..limits(1, 8, 0)
    };
    on_each_target(&limits, |world| {
        let kept = dummies(world, 1)[0];
        let slow = world.deferred(&[world.counter(0, 1)], &[]);
        let needs = [Dependency::retain(kept), Dependency::wait(slow)];
        let keeps = with(world, &needs).unwrap();
        with(world, &[Dependency::retain(kept)]).unwrap();
        world.run();
        // Takes the node that the last one had in the list, for another slot.
        with(world, &[Dependency::retain(slow)]).unwrap();
        world.run();
        assert!(!world.log.is_finished(keeps));
        assert!(
            with(world, &[Dependency::retain(kept)]).is_ok(),
            "it is kept"
        );
        world.port.set_counter(0, 1);
        world.run();
        world.assert_done();
        let next = world.deferred(&[world.counter(1, 1)], &[]);
        for _ in 0..4 {
            assert!(with(world, &[Dependency::wait(next)]).is_ok(), "four nodes");
        }
        world.port.set_counter(1, 1);
        world.run();
        world.assert_done();
    });
}

/// The list of retainers: first one whose token is late, behind it one that is over.
#[test]
fn a_late_retainer_keeps_a_slot_and_whoever_was_behind_it_does_not() {
    on_each_target(&limits(1, 4, 0), |world| {
        let kept = dummies(world, 1)[0];
        let slow = world.deferred(&[world.counter(0, 1)], &[]);
        let needs = [Dependency::retain(kept), Dependency::wait(slow)];
        let over = with(world, &needs).unwrap();
        let spec = TaskSpec {
            run_budget_ns: 100,
            ..world.spec(Shape::Aic, 0, 0)
        };
        let (submitter, needs) = (&mut world.submitter, [Dependency::retain(kept)]);
        let late = submitter.submit_with(&world.scheduler, &world.log, &spec, &needs);
        world.run_only(&[0]);
        world.start(AIC);
        world.port.pass_time(200);
        world.port.set_counter(0, 1);
        world.run_only(&[0]);
        assert_eq!(world.log.outcome(late.unwrap()), Outcome::Failed);
        assert!(world.log.is_finished(over));
        // Two nodes have come back and go to somebody who stays.
        let slow = world.deferred(&[world.counter(1, 1)], &[]);
        let stays = with(world, &[Dependency::wait_and_retain(slow)]).unwrap();
        assert_eq!((slow.index(), stays.index()), (1, 2), "two are passed over");
        world.port.finish(AIC);
        world.run();
        let places: Vec<_> = dummies(world, 2).iter().map(|slot| slot.index()).collect();
        assert_eq!(places, [3, 0]);
        world.port.set_counter(1, 1);
        world.run();
        world.assert_done();
    });
}

//! A handler's steps one by one: whom they visit, what they say, and what is owed after each.

use finbox_scheduler::{
    CoreId, Event, FaultCode, HandlerStep, Outcome, RELEASE_BUDGET, Shape, SlotId,
};
use finbox_tests::house::Limits;

use crate::fixture::{AIC, TARGETS, World, cluster, on_chip, on_each_target};

fn step(world: &mut World<'_>) -> HandlerStep {
    world.handlers[0].step(&world.scheduler, &world.port, &world.log)
}

fn pass(world: &mut World<'_>) -> HandlerStep {
    world.handlers[0].pass(&world.scheduler, &world.port, &world.log)
}

/// Cores whose FINs were observed, in that order.
fn observed(world: &World<'_>) -> Vec<u16> {
    let core = |event| match event {
        Event::Observed { core, .. } => Some(core.0),
        _ => None,
    };
    world.log.events().into_iter().filter_map(core).collect()
}

/// One task for each of AIV 0, AIC 1, AIV 2 and host lane 3, on its core.
fn one_each(world: &mut World<'_>) {
    for shape in [Shape::Aiv, Shape::Aic, Shape::Aiv, Shape::Host] {
        world.plain(shape, &[]);
    }
    let _ = world.dispatch();
}

#[test]
fn steps_visit_busy_cores_in_turn_and_starve_none() {
    on_each_target(&Limits::default(), |world| {
        assert_eq!(step(world), HandlerStep::Idle);
        one_each(world);
        assert_eq!(step(world), HandlerStep::NoNews);
        world.run_cores();
        assert_eq!(step(world), HandlerStep::Progress);
        assert_eq!(observed(world), [1], "core 0 was visited before");
        // Whoever was visited and has news again stands behind all others.
        world.plain(Shape::Aic, &[]);
        let _ = world.dispatch();
        world.run_cores();
        for _ in 0..3 {
            assert_eq!(step(world), HandlerStep::Progress);
        }
        assert_eq!(observed(world), [1, 2, 3, 0]);
        assert_eq!(step(world), HandlerStep::Progress);
        assert_eq!(observed(world), [1, 2, 3, 0, 1]);
        assert_eq!(step(world), HandlerStep::Idle);
        world.assert_done();
    });
}

#[test]
fn a_step_and_a_pass_notice_a_reset_first() {
    for is_pass in [false, true] {
        on_each_target(&Limits::default(), |world| {
            let task = world.plain(Shape::Aic, &[]);
            let _ = world.dispatch();
            world.port.reset();
            let found = if is_pass { pass(world) } else { step(world) };
            assert_eq!(found, HandlerStep::Progress);
            world.run();
            assert_eq!(world.log.outcome(task), Outcome::Failed);
        });
    }
}

#[test]
fn a_pass_says_whether_anything_is_busy_and_whether_anything_moved() {
    on_each_target(&Limits::default(), |world| {
        assert_eq!(pass(world), HandlerStep::Idle);
        one_each(world);
        assert_eq!(pass(world), HandlerStep::NoNews);
        world.run_core(CoreId(0));
        assert_eq!(pass(world), HandlerStep::Progress);
        assert_eq!(pass(world), HandlerStep::NoNews);
        world.run();
        assert_eq!(pass(world), HandlerStep::Idle);
        world.assert_done();
    });
}

#[test]
fn a_fin_is_told_as_observed_finished_and_handled() {
    on_each_target(&Limits::default(), |world| {
        let task = world.plain(Shape::Aic, &[]);
        let _ = world.dispatch();
        world.run_core(AIC);
        let before = world.log.events().len();
        assert_eq!(pass(world), HandlerStep::Progress);
        let events = world.log.events().split_off(before);
        assert!(
            matches!(
                events[..],
                [
                    Event::Observed { slot: observed, .. },
                    Event::Finished { slot: finished, .. },
                    Event::Handled { core: AIC, .. },
                ] if observed == task && finished == task
            ),
            "{events:?}"
        );
    });
}

fn pushed(world: &World<'_>, task: SlotId) -> Vec<(u32, u32)> {
    let pushed = |event| match event {
        Event::Pushed {
            slot,
            accepted,
            owed,
        } if slot == task => Some((accepted, owed)),
        _ => None,
    };
    world.log.events().into_iter().filter_map(pushed).collect()
}

#[test]
fn what_a_full_mailbox_refused_is_pushed_by_a_later_step_which_says_so() {
    let limits = Limits {
        mailbox: 2,
        ..Limits::default()
    };
    on_each_target(&limits, |world| {
        let here = world.counter(0, 0);
        let task = world.deferred(&[here; 5], &[]);
        let _ = world.dispatch();
        world.run_cores();
        assert_eq!(step(world), HandlerStep::Progress);
        assert_eq!(step(world), HandlerStep::NoNews, "it is still full");
        let _ = world.dispatch();
        assert_eq!(step(world), HandlerStep::Progress, "one message went");
        assert_eq!(pushed(world, task), [(2, 1), (0, 1), (1, 0)]);
        assert_eq!(step(world), HandlerStep::Idle);
        world.run();
        assert_eq!(world.log.outcome(task), Outcome::Completed);
        world.assert_done();
    });
}

#[test]
fn a_step_releases_as_many_consumers_as_its_budget_and_goes_on_in_the_next() {
    let limits = Limits {
        slots: 128,
        ..Limits::default()
    };
    for more in [0, 1] {
        on_each_target(&limits, |world| {
            let first = world.plain(Shape::Aic, &[]);
            for _ in 0..RELEASE_BUDGET + more {
                world.plain(Shape::Dummy, &[first]);
            }
            let _ = world.dispatch();
            world.run_core(AIC);
            assert_eq!(step(world), HandlerStep::Progress);
            let next = match more {
                0 => HandlerStep::Idle,
                _ => HandlerStep::Progress,
            };
            assert_eq!(step(world), next);
            assert_eq!(step(world), HandlerStep::Idle);
            world.run();
            world.assert_done();
        });
    }
}

#[test]
fn a_slab_is_refreshed_as_far_as_its_count_goes() {
    for (conditions, lines) in [(1, 1), (2, 2), (3, 2), (4, 3), (64, 33)] {
        on_chip(cluster(TARGETS[0]), &Limits::default(), |world| {
            let here = world.counter(0, 0);
            world.deferred(&vec![here; conditions], &[]);
            let _ = world.dispatch();
            world.run_cores();
            let before = world.port.refreshes();
            assert_eq!(step(world), HandlerStep::Progress);
            assert_eq!(world.port.refreshes() - before, lines, "{conditions}");
        });
    }
}

#[test]
fn a_block_with_one_condition_too_many_fails_its_task_and_pushes_none() {
    on_each_target(&Limits::default(), |world| {
        let args = world.script(&[world.counter(0, 0)]);
        let task = world.task(Shape::Aiv, &[], |spec| {
            (spec.blocks, spec.may_defer, spec.args) = (2, 1, args);
        });
        world.run();
        assert_eq!(world.log.outcome(task), Outcome::Failed);
        let [(code, _, _)] = world.log.raised()[..] else {
            panic!("one fault: {:?}", world.log.raised());
        };
        assert_eq!(code, FaultCode::AsyncWaitOverflow);
        let ledger = world.ledger();
        assert_eq!((ledger.messages_accepted, ledger.messages_reported), (2, 0));
        world.assert_done();
    });
}

//! Run budgets: a late token fails its task, takes its core out of the pool, and comes late.

use std::sync::Mutex;

use finbox_scheduler::limits::Limits as Budgets;
use finbox_scheduler::{
    CoreId, Event, FaultCode, FinHandler, Outcome, Probe, Scheduler, Shape, SlotId, Start, Subtasks,
};
use finbox_tests::house::Limits;
use finbox_tests::model_port::ModelPort;

use crate::fixture::{AIC, Log, World, clusters, on_chip, on_each_target};

const BUDGET_NS: u64 = 10_000;

/// A task of `shape` with a budget.
fn budgeted(world: &mut World<'_>, shape: Shape, after: &[SlotId]) -> SlotId {
    world.task(shape, after, |spec| spec.run_budget_ns = BUDGET_NS)
}

/// The budget of whatever runs passes.
fn too_long(world: &mut World<'_>) {
    world.port.pass_time(BUDGET_NS + 100);
}

#[test]
fn a_token_that_misses_its_budget_fails_its_task_and_the_core_is_named() {
    on_each_target(&Limits::default(), |world| {
        let hung = budgeted(world, Shape::Aic, &[]);
        let behind = world.plain(Shape::Aiv, &[hung]);
        let beside = world.plain(Shape::Aiv, &[]);
        let _ = world.dispatch();
        assert_eq!(world.start(AIC), Some(hung));
        world.handle();
        world.run_only(&[0, 2]);
        assert!(!world.log.is_finished(hung), "it has time");
        too_long(world);
        world.run_only(&[0, 2]);
        assert_eq!(world.log.outcome(hung), Outcome::Failed);
        assert_eq!(world.log.outcome(behind), Outcome::Cancelled);
        assert_eq!(world.log.outcome(beside), Outcome::Completed);
        let (code, _, core) = world.log.raised()[0];
        assert_eq!((code, core), (FaultCode::TaskTimeout, Some(AIC)));
        assert_eq!(world.log.quarantined(), [AIC]);
        assert_eq!(world.scheduler.quarantined(), (1, 1));
        assert!(world.ledger().adds_up(0, 0));
    });
}

#[test]
fn a_late_token_is_named_with_its_block_and_subtask() {
    on_each_target(&Limits::default(), |world| {
        let task = world.task(Shape::Mix, &[], |spec| {
            (spec.subtasks, spec.run_budget_ns) = (Subtasks::AIC | Subtasks::AIV1, BUDGET_NS);
            spec.blocks = 3;
        });
        world.run_only(&[1, 2]);
        let again = world.task(Shape::Mix, &[], |spec| {
            (spec.subtasks, spec.run_budget_ns) = (Subtasks::AIC | Subtasks::AIV1, BUDGET_NS);
        });
        world.run_only(&[1]);
        too_long(world);
        world.run_only(&[1]);
        assert_eq!(world.log.outcome(task), Outcome::Completed);
        assert_eq!(world.log.outcome(again), Outcome::Failed);
        let overdue = world.log.overdue();
        assert_eq!(overdue, [(CoreId(2), again, 0, Subtasks::AIV1)]);
    });
}

#[test]
fn a_late_fin_brings_its_core_back_says_how_late_and_changes_no_outcome() {
    on_each_target(&Limits::default(), |world| {
        let hung = budgeted(world, Shape::Aic, &[]);
        let _ = world.dispatch();
        world.start(AIC);
        too_long(world);
        world.run_only(&[0, 2]);
        world.port.pass_time(5_000);
        world.port.finish(AIC);
        world.run();
        assert_eq!(world.log.outcome(hung), Outcome::Failed);
        let [(core, late_ns)] = world.log.returned()[..] else {
            panic!("one core comes back once");
        };
        assert_eq!(core, AIC);
        assert!((5_000..6_000).contains(&late_ns), "{late_ns}");
        assert_eq!(world.ledger().fins_stale, 1);
        assert_eq!(world.scheduler.quarantined(), (0, 0));
        let again = world.plain(Shape::Aic, &[]);
        world.run();
        assert_eq!(world.log.outcome(again), Outcome::Completed);
        world.assert_done();
    });
}

#[test]
fn a_token_behind_a_hung_one_fails_with_the_core_and_what_it_does_later_is_late() {
    on_each_target(&Limits::default(), |world| {
        let hung = budgeted(world, Shape::Aic, &[]);
        let _ = world.dispatch();
        world.start(AIC);
        world.handle();
        let pending = world.plain(Shape::Aic, &[]);
        let _ = world.dispatch();
        too_long(world);
        world.run_only(&[0, 2]);
        assert_eq!(world.log.outcome(hung), Outcome::Failed);
        assert_eq!(world.log.outcome(pending), Outcome::Failed);
        let codes: Vec<FaultCode> = world.log.raised().iter().map(|raised| raised.0).collect();
        assert_eq!(codes, [FaultCode::TaskTimeout, FaultCode::CoreLost]);
        assert_eq!(world.scheduler.quarantined(), (2, 1));
        world.port.finish(AIC);
        world.run();
        assert_eq!(world.ledger().fins_stale, 2);
        assert_eq!(world.scheduler.quarantined(), (0, 0));
        world.assert_done();
    });
}

#[test]
fn a_ready_task_fails_at_once_when_no_core_of_its_shape_is_left() {
    on_each_target(&Limits::default(), |world| {
        let _hung = budgeted(world, Shape::Aic, &[]);
        let _ = world.dispatch();
        world.start(AIC);
        too_long(world);
        world.run_only(&[0, 2]);
        let single = world.plain(Shape::Aic, &[]);
        let mixed = world.task(Shape::Mix, &[], |spec| spec.subtasks = Subtasks::all());
        let vector = world.task(Shape::Mix, &[], |spec| spec.subtasks = Subtasks::AIV1);
        let behind = world.plain(Shape::Aiv, &[single]);
        world.run_only(&[0, 2]);
        assert_eq!(world.log.outcome(single), Outcome::Failed);
        assert_eq!(world.log.outcome(mixed), Outcome::Failed);
        assert_eq!(world.log.outcome(vector), Outcome::Completed);
        assert_eq!(world.log.outcome(behind), Outcome::Cancelled);
        let codes: Vec<FaultCode> = world.log.raised().iter().map(|raised| raised.0).collect();
        assert_eq!(codes[1..], [FaultCode::NoCoreLeft; 2]);
    });
}

#[test]
fn a_cohort_that_can_never_start_any_more_fails() {
    for target in crate::fixture::TARGETS {
        on_chip(clusters(target, 2), &Limits::default(), |world| {
            let _hung = budgeted(world, Shape::Aic, &[]);
            let _ = world.dispatch();
            world.start(CoreId(1));
            let cohort = world.task(Shape::Aic, &[], |spec| {
                (spec.blocks, spec.sync_start) = (2, true);
            });
            world.run_only(&[]);
            assert!(!world.log.is_finished(cohort), "it waits for the core");
            too_long(world);
            world.run_only(&[]);
            assert_eq!(world.log.outcome(cohort), Outcome::Failed);
            let codes: Vec<FaultCode> = world.log.raised().iter().map(|raised| raised.0).collect();
            assert_eq!(codes[1..], [FaultCode::RequireSyncStartInvalid]);
        });
    }
}

#[test]
fn a_pending_token_has_its_whole_budget_from_when_it_runs() {
    on_each_target(&Limits::default(), |world| {
        let first = world.plain(Shape::Aic, &[]);
        let _ = world.dispatch();
        world.start(AIC);
        world.handle();
        let second = budgeted(world, Shape::Aic, &[]);
        assert_eq!(world.dispatch().deadline_ns, None);
        too_long(world);
        world.run_only(&[]);
        assert!(!world.log.is_finished(second), "it does not run yet");
        world.port.finish(AIC);
        world.start(AIC);
        world.handle();
        let pass = world.dispatch();
        assert!(pass.deadline_ns.is_some(), "its budget began");
        world.port.pass_time(BUDGET_NS / 2);
        world.run_only(&[]);
        assert!(!world.log.is_finished(second));
        world.port.finish(AIC);
        world.run();
        assert_eq!(world.log.outcome(first), Outcome::Completed);
        assert_eq!(world.log.outcome(second), Outcome::Completed);
        assert_eq!(world.dispatch().deadline_ns, None);
        world.assert_done();
    });
}

#[test]
fn a_fin_that_was_observed_before_the_deadline_is_looked_at_wins() {
    on_each_target(&Limits::default(), |world| {
        let task = budgeted(world, Shape::Aic, &[]);
        let _ = world.dispatch();
        world.run_core(AIC);
        too_long(world);
        world.handle();
        world.run();
        assert_eq!(world.log.outcome(task), Outcome::Completed);
        assert_eq!(
            (world.log.raised(), world.log.quarantined()),
            (vec![], vec![])
        );
        world.assert_done();
    });
}

#[test]
fn tasks_that_say_nothing_have_the_budget_of_the_run() {
    let limits = Limits {
        start: Start {
            limits: Budgets {
                run_ns: Some(BUDGET_NS),
                ..Budgets::NONE
            },
            ..Start::of_epoch(3)
        },
        ..Limits::default()
    };
    on_each_target(&limits, |world| {
        let short = world.plain(Shape::Aic, &[]);
        let long = world.task(Shape::Aiv, &[], |spec| spec.run_budget_ns = 100 * BUDGET_NS);
        let deadline_ns = world.dispatch().deadline_ns.unwrap();
        assert!((BUDGET_NS..BUDGET_NS + 100).contains(&deadline_ns));
        too_long(world);
        world.run_only(&[]);
        assert_eq!(world.log.outcome(short), Outcome::Failed);
        assert!(!world.log.is_finished(long));
    });
}

#[test]
fn one_late_block_fails_its_task_once_and_the_others_come_late() {
    for target in crate::fixture::TARGETS {
        on_chip(clusters(target, 1), &Limits::default(), |world| {
            let task = world.task(Shape::Aiv, &[], |spec| {
                (spec.blocks, spec.run_budget_ns) = (9, BUDGET_NS);
            });
            let _ = world.dispatch();
            for core in [0, 2].map(CoreId) {
                world.start(core);
            }
            world.handle();
            let _ = world.dispatch();
            too_long(world);
            world.run_only(&[]);
            assert_eq!(world.log.outcome(task), Outcome::Failed);
            assert_eq!(world.log.dispatched().len(), 4, "nothing more is given");
            assert_eq!(world.log.raised().len(), 1, "{:?}", world.log.raised());
            assert_eq!(world.scheduler.quarantined(), (1, 2));
            for core in [0, 2].map(CoreId) {
                world.port.finish(core);
            }
            world.run();
            assert_eq!(world.ledger().fins_stale, 4);
            assert_eq!(world.scheduler.quarantined(), (0, 0));
            assert_eq!(world.log.returned().len(), 2);
            world.assert_done();
        });
    }
}

#[test]
fn the_condition_room_of_a_late_task_comes_back_once() {
    for target in crate::fixture::TARGETS {
        on_chip(clusters(target, 1), &Limits::default(), |world| {
            let conditions = [world.counter(0, 1), world.counter(1, 1)];
            let args = world.script(&conditions);
            let task = world.task(Shape::Aiv, &[], |spec| {
                (spec.blocks, spec.may_defer, spec.args) = (2, 9, args);
                spec.run_budget_ns = BUDGET_NS;
            });
            let _ = world.dispatch();
            world.run_core(CoreId(0));
            world.start(CoreId(2));
            world.run_only(&[]);
            assert_eq!(
                world.scheduler.room().0,
                9,
                "two are stored, seven promised"
            );
            too_long(world);
            world.run_only(&[]);
            assert_eq!(world.log.outcome(task), Outcome::Failed);
            assert_eq!(world.scheduler.room().0, 0);
            world.port.finish(CoreId(2));
            world.run();
            assert_eq!(world.ledger().fins_stale, 1);
            world.assert_done();
        });
    }
}

#[test]
fn the_slot_of_a_late_task_is_not_used_again_before_its_last_token_came() {
    on_each_target(&Limits::default(), |world| {
        let hung = budgeted(world, Shape::Aic, &[]);
        let _ = world.dispatch();
        world.start(AIC);
        too_long(world);
        world.run_only(&[0, 2]);
        let mut used = Vec::new();
        for _ in 0..200 {
            if let Ok(slot) = world.try_submit((Shape::Aiv, 0, 0), &[]) {
                used.push(slot.index());
            }
            world.run_only(&[0, 2]);
        }
        assert!(used.len() >= 63 && !used.contains(&hung.index()));
        world.port.finish(AIC);
        world.run();
        for _ in 0..64 {
            used.push(world.plain(Shape::Aiv, &[]).index());
            world.run();
        }
        assert!(used.contains(&hung.index()));
        world.assert_done();
    });
}

#[test]
fn a_late_token_whose_task_failed_before_still_takes_its_core_out_of_the_pool() {
    for target in crate::fixture::TARGETS {
        on_chip(clusters(target, 2), &Limits::default(), |world| {
            let task = world.task(Shape::Aic, &[], |spec| {
                (spec.blocks, spec.run_budget_ns) = (2, BUDGET_NS);
            });
            let _ = world.dispatch();
            too_long(world);
            world.run_only(&[]);
            assert_eq!(world.log.outcome(task), Outcome::Failed);
            assert_eq!(world.log.raised().len(), 1);
            assert_eq!(world.log.quarantined(), [1, 4].map(CoreId));
        });
    }
}

/// Remembers events, and lets the handler look at its cores as soon as one comes back.
struct LooksMeanwhile<'a, 'm> {
    world: (&'a Scheduler<'m>, &'a ModelPort, &'a Log),
    handler: Mutex<&'a mut FinHandler<'m>>,
}

impl Probe for LooksMeanwhile<'_, '_> {
    fn event(&self, event: Event) {
        let (scheduler, port, log) = self.world;
        log.event(event);
        if let Event::Returned { .. } = event {
            let _ = self.handler.lock().unwrap().pass(scheduler, port, log);
        }
    }
}

#[test]
fn a_lost_core_whose_fin_comes_while_the_dispatch_thread_hears_of_its_ack_comes_back() {
    for target in crate::fixture::TARGETS {
        on_chip(clusters(target, 2), &Limits::default(), |world| {
            let cores = [1, 4].map(CoreId);
            let _late = [(); 2].map(|()| budgeted(world, Shape::Aic, &[]));
            let _ = world.dispatch();
            too_long(world);
            world.run_only(&[]);
            assert_eq!(world.scheduler.quarantined(), (2, 2));
            world.start(cores[0]);
            world.run_core(cores[1]);
            world.handle();
            world.port.finish(cores[0]);
            let probe = LooksMeanwhile {
                world: (&world.scheduler, &world.port, &world.log),
                handler: Mutex::new(&mut world.handlers[0]),
            };
            let dispatcher = &mut world.dispatcher;
            let _ = dispatcher.pass(&world.scheduler, &world.port, &probe);
            world.run();
            let returned: Vec<CoreId> = world.log.returned().iter().map(|back| back.0).collect();
            assert_eq!(returned, [cores[1], cores[0]]);
            assert_eq!(world.scheduler.quarantined(), (0, 0));
            world.assert_done();
        });
    }
}

//! Cohorts: all blocks start together on idle cores, or none does.

use finbox_scheduler::{Event, Outcome, Shape, SlotId, Subtasks};
use finbox_tests::house::Limits;

use crate::fixture::{TARGETS, World, clusters, on_chip};
use crate::shapes::{fill_vector_cores, many_slots, turns_in_a_stream};

fn tokens_of(world: &World<'_>, task: SlotId) -> usize {
    let given = world.log.dispatched();
    given.iter().filter(|(.., slot)| *slot == task).count()
}

#[test]
fn a_cohort_gets_all_its_tokens_in_one_pass_or_none() {
    for target in TARGETS {
        on_chip(clusters(target, 3), &Limits::default(), |world| {
            let single = world.plain(Shape::Aiv, &[]);
            let _ = world.dispatch();
            let cohort = world.task(Shape::Aiv, &[], |spec| {
                (spec.blocks, spec.sync_start) = (6, true);
            });
            for _ in 0..3 {
                let _ = world.dispatch();
                assert_eq!(tokens_of(world, cohort), 0, "one of six cores is busy");
            }
            assert_eq!(world.run_core(finbox_scheduler::CoreId(0)), Some(single));
            world.handle();
            let _ = world.dispatch();
            assert_eq!(tokens_of(world, cohort), 6);
            world.run();
            world.assert_done();
        });
    }
}

#[test]
fn the_blocks_of_a_cohort_are_alone_on_their_cores() {
    for target in TARGETS {
        on_chip(clusters(target, 2), &Limits::default(), |world| {
            let mixed = world.task(Shape::Mix, &[], |spec| {
                (spec.subtasks, spec.blocks) = (Subtasks::AIC | Subtasks::AIV1, 2);
                spec.sync_start = true;
            });
            let behind = world.task(Shape::Aic, &[], |spec| {
                (spec.blocks, spec.sync_start) = (2, true);
            });
            let _ = world.dispatch();
            assert_eq!((tokens_of(world, mixed), tokens_of(world, behind)), (4, 0));
            for core in world.scheduler.chip().all() {
                world.start(core);
            }
            world.handle();
            let _ = world.dispatch();
            assert_eq!(tokens_of(world, behind), 0, "a pending place will not do");
            world.run_cores();
            for core in [2, 5, 1, 4].map(finbox_scheduler::CoreId) {
                world.port.finish(core);
            }
            world.handle();
            let _ = world.dispatch();
            assert_eq!(tokens_of(world, behind), 2);
            world.run();
            world.assert_done();
        });
    }
}

#[test]
fn a_stream_of_single_tasks_cannot_starve_a_cohort() {
    for target in TARGETS {
        on_chip(clusters(target, 3), &many_slots(), |world| {
            fill_vector_cores(world);
            let cohort = world.task(Shape::Mix, &[], |spec| {
                (spec.subtasks, spec.blocks) = (Subtasks::all(), 3);
                spec.sync_start = true;
            });
            assert!(turns_in_a_stream(world, cohort, None) <= 60);
            world.run();
            assert_eq!(world.log.outcome(cohort), Outcome::Completed);
            world.assert_done();
        });
    }
}

#[test]
fn a_stream_of_mixed_tasks_cannot_starve_a_cohort_that_comes_behind_them() {
    for target in TARGETS {
        on_chip(clusters(target, 2), &Limits::default(), |world| {
            let stream = world.task(Shape::Mix, &[], |spec| {
                (spec.subtasks, spec.blocks) = (Subtasks::all(), 500);
            });
            world.turn();
            let cohort = world.task(Shape::Aiv, &[], |spec| {
                (spec.blocks, spec.sync_start) = (4, true);
            });
            for _ in 0..8 {
                world.turn();
            }
            assert!(world.log.is_finished(cohort) && !world.log.is_finished(stream));
            world.run();
            world.assert_done();
        });
    }
}

#[test]
fn a_chip_has_as_many_places_for_a_cohort_as_it_says() {
    for target in TARGETS {
        let chip = finbox_scheduler::Chip {
            host_lanes: 2,
            ..clusters(target, 4)
        };
        let cut = finbox_scheduler::Chip { cores: 10, ..chip };
        for (chip, aiv, all) in [(chip, 8, 4), (cut, 7, 3)] {
            on_chip(chip, &Limits::default(), |world| {
                let count = |shape, subtasks| world.scheduler.capacity(shape, subtasks);
                let none = Subtasks::empty();
                assert_eq!(count(Shape::Aic, none), all);
                assert_eq!(count(Shape::Aiv, none), aiv);
                assert_eq!(count(Shape::Host, none), 2);
                assert_eq!(count(Shape::Dummy, none), 0);
                assert_eq!(count(Shape::Mix, Subtasks::AIV0), all + u32::from(aiv == 7));
                assert_eq!(count(Shape::Mix, Subtasks::all()), all);
            });
        }
    }
}

#[test]
fn cohorts_and_mixed_tasks_that_all_wait_let_each_other_through() {
    for target in TARGETS {
        on_chip(clusters(target, 3), &Limits::default(), |world| {
            for round in 0..12 {
                let shape = [Shape::Aiv, Shape::Mix, Shape::Aic][round % 3];
                let _ = world.task(shape, &[], |spec| {
                    (spec.blocks, spec.sync_start) = (3, round % 2 == 0);
                    spec.subtasks = [Subtasks::all(), Subtasks::AIC][round / 3 % 2];
                });
            }
            world.run();
            let is_end = |event: &&Event| matches!(event, Event::Finished { .. });
            assert_eq!(world.log.events().iter().filter(is_end).count(), 12);
            world.assert_done();
        });
    }
}

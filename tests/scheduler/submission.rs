//! Wiring tasks in: dependencies met, missed and failed; full rings; slots that live many lives.

use finbox_scheduler::{Chip, Fate, FaultCode, Outcome, Shape, SlotId, SubmitError, Subtasks};
use finbox_tests::house::Limits;

use crate::fixture::{Script, TARGETS, World, below, clusters, on_chip, on_each_target};

const DUMMY: (Shape, u8, u64) = (Shape::Dummy, 0, 0);

#[test]
fn a_full_ring_is_temporary_and_changes_nothing() {
    let limits = Limits {
        slots: 3,
        ..Limits::default()
    };
    on_each_target(&limits, |world| {
        let first = world.deferred(&[world.counter(0, 1)], &[]);
        let others = [(); 2].map(|()| world.plain(Shape::Dummy, &[first]));
        world.run();
        let before = (world.ledger(), world.live(), world.log.events().len());
        for _ in 0..5 {
            let error = world.try_submit(DUMMY, &[first, others[0]]).unwrap_err();
            assert_eq!(error, SubmitError::RingFull { ring: 0, slots: 3 });
            assert!(error.is_temporary());
        }
        let after = (world.ledger(), world.live(), world.log.events().len());
        assert_eq!(before, after);
        world.port.set_counter(0, 1);
        world.run();
        assert!(world.try_submit(DUMMY, &[first, others[0]]).is_ok());
        world.run();
        assert_eq!(world.ledger().completed, 4);
        world.assert_done();
    });
}

#[test]
fn a_younger_finished_task_does_not_make_room_before_the_oldest() {
    let limits = Limits {
        slots: 2,
        ..Limits::default()
    };
    on_each_target(&limits, |world| {
        let _ = world.deferred(&[world.counter(0, 1)], &[]);
        let _ = world.plain(Shape::Aic, &[]);
        world.run();
        assert_eq!(world.live(), 1);
        assert!(world.try_submit(DUMMY, &[]).unwrap_err().is_temporary());
        world.port.set_counter(0, 1);
        world.run();
        assert!(world.try_submit(DUMMY, &[]).is_ok());
    });
}

#[test]
fn too_few_free_nodes_are_temporary_and_change_nothing() {
    let limits = Limits {
        nodes: 3,
        ..Limits::default()
    };
    on_each_target(&limits, |world| {
        let first = world.deferred(&[world.counter(0, 1)], &[]);
        let second = world.plain(Shape::Aic, &[first, first]);
        world.run();
        let before = (world.ledger(), world.live());
        let error = world.try_submit(DUMMY, &[first, second]).unwrap_err();
        let wanted = SubmitError::NoNodes {
            needed: 2,
            free: 1,
            total: 3,
        };
        assert_eq!((error, error.is_temporary()), (wanted, true));
        assert_eq!((world.ledger(), world.live()), before);
        let third = world.submit(DUMMY, &[second]);
        world.port.set_counter(0, 1);
        world.run();
        assert!(world.try_submit(DUMMY, &[first, second, third]).is_ok());
        world.run();
        world.assert_done();
    });
}

#[test]
fn more_dependencies_than_nodes_can_never_be_wired() {
    let limits = Limits {
        nodes: 3,
        ..Limits::default()
    };
    on_each_target(&limits, |world| {
        let first = world.plain(Shape::Aic, &[]);
        let error = world.try_submit(DUMMY, &[first; 4]).unwrap_err();
        let wanted = SubmitError::NeverEnoughNodes {
            needed: 4,
            total: 3,
        };
        assert_eq!((error, error.is_temporary()), (wanted, false));
        assert!(world.try_submit(DUMMY, &[first; 3]).is_ok());
        world.run();
        world.assert_done();
    });
}

#[test]
fn what_has_finished_takes_no_node() {
    let limits = Limits {
        nodes: 1,
        ..Limits::default()
    };
    on_each_target(&limits, |world| {
        let finished = [(); 5].map(|()| world.plain(Shape::Aic, &[]));
        world.run();
        let slow = world.deferred(&[world.counter(0, 1)], &[]);
        let mut after = finished.to_vec();
        after.push(slow);
        let waiter = world.submit(DUMMY, &after);
        world.run();
        assert!(!world.log.is_finished(waiter));
        let error = world.try_submit(DUMMY, &after).unwrap_err();
        let wanted = SubmitError::NoNodes {
            needed: 1,
            free: 0,
            total: 1,
        };
        assert_eq!(error, wanted);
        after.push(waiter);
        let error = world.try_submit(DUMMY, &after).unwrap_err();
        let wanted = SubmitError::NeverEnoughNodes {
            needed: 2,
            total: 1,
        };
        assert_eq!(error, wanted);
        world.port.set_counter(0, 1);
        world.run();
        assert!(world.try_submit(DUMMY, &after).is_ok());
        world.run();
        world.assert_done();
    });
}

#[test]
fn a_life_that_has_not_begun_is_no_dependency() {
    on_each_target(&Limits::default(), |world| {
        let first = world.plain(Shape::Aic, &[]);
        assert_eq!((first.index(), first.generation()), (0, 1));
        for (index, generation) in [(0, 2), (0, u32::MAX), (0, 0), (1, 1), (1, 0)] {
            let unborn = SlotId::new(0, index, generation);
            let error = world.try_submit(DUMMY, &[unborn]).unwrap_err();
            assert_eq!(error, SubmitError::UnknownDependency(unborn));
        }
        world.run();
        world.assert_done();
    });
}

#[test]
fn a_failure_is_remembered_for_sixty_four_lives_of_its_slot() {
    let limits = Limits {
        slots: 3,
        ..Limits::default()
    };
    on_each_target(&limits, |world| {
        let bad = failing(world);
        let cancelled = world.plain(Shape::Dummy, &[bad]);
        world.run();
        let good = world.plain(Shape::Dummy, &[]);
        world.run();
        let mut ages = [0_u32; 2];
        loop {
            let slot = world.plain(Shape::Dummy, &[good]);
            world.run();
            assert_eq!(world.log.outcome(slot), Outcome::Completed);
            let probes = [bad, cancelled].map(|past| world.plain(Shape::Dummy, &[past]));
            world.run();
            let outcomes = probes.map(|probe| world.log.outcome(probe));
            for (age, outcome) in ages.iter_mut().zip(outcomes) {
                *age += u32::from(outcome == Outcome::Cancelled);
            }
            if outcomes == [Outcome::Completed; 2] {
                break;
            }
        }
        assert_eq!(world.submitter.fate(&world.scheduler, bad), Fate::Completed);
        // The slot of `bad` begins a life in each turn before it is asked about, that of
        // `cancelled` while it is.
        assert_eq!(ages, [64, 64]);
        world.assert_done();
    });
}

#[test]
fn a_malformed_task_is_refused_for_good_and_changes_nothing() {
    on_each_target(&Limits::default(), |world| {
        let permanent = [
            ((Shape::Aic, 65, 0), vec![]),
            ((Shape::Aic, u8::MAX, 0), vec![]),
            ((Shape::Dummy, 1, 0), vec![]),
            (DUMMY, vec![SlotId::new(1, 0, 1)]),
            (DUMMY, vec![SlotId::new(0, 64, 1)]),
        ];
        for (what, after) in permanent {
            let error = world.try_submit(what, &after).unwrap_err();
            assert!(!error.is_temporary(), "{error}");
        }
        assert_eq!((world.ledger().submitted, world.live()), (0, 0));
        assert!(world.try_submit((Shape::Aic, 64, 0), &[]).is_ok());
        world.run();
        world.assert_done();
    });
}

#[test]
fn a_cohort_larger_than_the_chip_is_refused_with_what_there_is() {
    for target in TARGETS {
        let chip = Chip {
            host_lanes: 1,
            ..clusters(target, 2)
        };
        on_chip(chip, &Limits::default(), |world| {
            let all = Subtasks::all();
            let cohorts = [
                (Shape::Aiv, Subtasks::empty(), 5, 4),
                (Shape::Aic, Subtasks::empty(), 3, 2),
                (Shape::Mix, all, 3, 2),
                (Shape::Host, Subtasks::empty(), 2, 1),
            ];
            for (shape, subtasks, needed, available) in cohorts {
                let mut spec = world.spec(shape, 0, 0);
                (spec.subtasks, spec.sync_start) = (subtasks, true);
                let mut submit = |blocks: u32| {
                    spec.blocks = u16::try_from(blocks).unwrap();
                    world.try_submit_spec(&spec, &[])
                };
                let error = submit(needed).unwrap_err();
                let wanted = SubmitError::Cohort {
                    needed,
                    available,
                    shape,
                };
                assert_eq!(error, wanted);
                assert_eq!(error.code(), Some(FaultCode::RequireSyncStartInvalid));
                assert!(submit(available).is_ok());
            }
            world.run();
            assert_eq!(world.ledger().completed, 4);
            world.assert_done();
        });
    }
}

#[test]
fn a_malformed_task_is_refused_with_the_field_that_is_wrong() {
    on_each_target(&Limits::default(), |world| {
        let good = world.spec(Shape::Aiv, 0, 0);
        let dummy = world.spec(Shape::Dummy, 0, 0);
        let mixed = world.spec(Shape::Mix, 0, 0);
        let mut wrong = [good, good, dummy, dummy, mixed];
        wrong[0].blocks = 0;
        wrong[1].may_defer = 65;
        wrong[2].blocks = 2;
        wrong[3].sync_start = true;
        let told = [
            "the number of blocks is 0; 1 to 32767 is allowed",
            "the bound of conditions is 65; 0 to 64 is allowed",
            "the number of blocks is 2; 1 to 1 is allowed",
            "the wish to start together is 1; 0 to 0 is allowed",
            "the set of subtasks is 0; 1 to 7 is allowed",
        ];
        for (spec, told) in wrong.iter().zip(told) {
            let submitter = &mut world.submitter;
            let error = submitter.submit(&world.scheduler, &world.log, spec, &[]);
            let error = error.unwrap_err();
            assert_eq!(
                (&*error.to_string(), error.code()),
                (told, Some(FaultCode::InvalidArgs))
            );
        }
        assert_eq!(world.ledger().submitted, 0);
    });
}

#[test]
fn a_shape_without_a_core_is_refused() {
    for target in TARGETS {
        let chip = Chip {
            target,
            cores: 1,
            host_lanes: 0,
            handlers: 1,
        };
        on_chip(chip, &Limits::default(), |world| {
            for shape in [Shape::Aic, Shape::Host] {
                let error = world.try_submit((shape, 0, 0), &[]).unwrap_err();
                assert_eq!(error, SubmitError::NoCore(shape));
            }
            let _ = world.plain(Shape::Aiv, &[]);
            let _ = world.plain(Shape::Dummy, &[]);
            world.run();
            world.assert_done();
        });
    }
}

#[test]
fn a_consumer_starts_after_all_its_producers() {
    on_each_target(&Limits::default(), |world| {
        let left = world.deferred(&[world.counter(0, 1)], &[]);
        let right = world.deferred(&[world.counter(1, 1)], &[]);
        let join = world.plain(Shape::Aic, &[left, right]);
        for i in [1, 0] {
            world.run();
            assert!(!world.log.is_finished(join));
            world.port.set_counter(i, 1);
        }
        world.run();
        assert_eq!(world.log.outcome(join), Outcome::Completed);
        world.assert_done();
    });
}

#[test]
fn naming_a_producer_twice_is_harmless() {
    on_each_target(&Limits::default(), |world| {
        let first = world.plain(Shape::Aic, &[]);
        let second = world.plain(Shape::Aiv, &[first, first, first]);
        world.run();
        let third = world.plain(Shape::Aiv, &[first, second, first]);
        world.run();
        assert_eq!(world.log.outcome(third), Outcome::Completed);
        world.assert_done();
    });
}

#[test]
fn a_dependency_on_a_finished_or_recycled_task_counts_as_met() {
    let limits = Limits {
        slots: 4,
        ..Limits::default()
    };
    on_each_target(&limits, |world| {
        let first = world.plain(Shape::Aic, &[]);
        world.run();
        let second = world.plain(Shape::Aic, &[first]);
        world.run();
        for _ in 0..9 {
            let later = world.plain(Shape::Aiv, &[first, second]);
            world.run();
            assert_eq!(world.log.outcome(later), Outcome::Completed);
        }
        world.assert_done();
    });
}

fn failing(world: &mut World<'_>) -> SlotId {
    world.scripts.push(Script {
        conditions: Vec::new(),
        header: Some((65, 0)),
    });
    let args = world.scripts.len() as u64 - 1;
    world.submit((Shape::Aiv, 1, args), &[])
}

#[test]
fn a_dependency_on_a_failed_or_cancelled_task_cancels_whenever_it_is_wired() {
    on_each_target(&Limits::default(), |world| {
        let bad = failing(world);
        let early = world.plain(Shape::Aic, &[bad]);
        world.run();
        let late = world.plain(Shape::Aic, &[bad]);
        let later = world.plain(Shape::Host, &[early]);
        let good = world.plain(Shape::Host, &[]);
        let mixed = world.plain(Shape::Aiv, &[good, late]);
        world.run();
        assert_eq!(world.log.outcome(bad), Outcome::Failed);
        for slot in [early, late, later, mixed] {
            assert_eq!(world.log.outcome(slot), Outcome::Cancelled);
        }
        assert_eq!(world.log.outcome(good), Outcome::Completed);
        world.assert_done();
    });
}

#[test]
fn a_task_with_a_failed_producer_waits_for_the_others_before_it_is_cancelled() {
    on_each_target(&Limits::default(), |world| {
        let bad = failing(world);
        let slow = world.deferred(&[world.counter(0, 1)], &[]);
        let join = world.plain(Shape::Aic, &[bad, slow]);
        world.run();
        assert!(world.log.is_finished(bad) && !world.log.is_finished(join));
        world.port.set_counter(0, 1);
        world.run();
        assert_eq!(world.log.outcome(join), Outcome::Cancelled);
        world.assert_done();
    });
}

#[test]
fn slots_and_nodes_are_recycled_lap_after_lap_with_a_new_generation_each() {
    let limits = Limits {
        slots: 5,
        nodes: 6,
        ..Limits::default()
    };
    on_each_target(&limits, |world| {
        world.listens = false;
        let mut last: Option<SlotId> = None;
        for number in 0..5000u32 {
            let after: Vec<_> = last.into_iter().flat_map(|slot| [slot, slot]).collect();
            let slot = loop {
                match world.try_submit((Shape::Aiv, 0, 0), &after) {
                    Ok(slot) => break slot,
                    Err(error) => assert!(error.is_temporary(), "{error}"),
                }
                assert!(world.turn(), "back-pressure that never ends");
            };
            let index = usize::try_from(number % 5).unwrap();
            assert_eq!((slot.index(), slot.generation()), (index, number / 5 + 1));
            last = Some(slot);
        }
        world.run();
        assert_eq!(world.ledger().completed, 5000);
        world.assert_done();
    });
}

#[test]
fn random_graphs_with_failures_add_up() {
    let limits = Limits {
        slots: 100,
        nodes: 300,
        conditions: 64,
        mailbox: 4,
        ..Limits::default()
    };
    on_each_target(&limits, |world| {
        world.listens = false;
        world.scripts.push(Script {
            conditions: Vec::new(),
            header: Some((0, 9)),
        });
        for i in 0..8 {
            let conditions: Vec<_> = (0..=i).map(|c| world.counter(c, 0)).collect();
            let _ = world.script(&conditions);
        }
        let mut random = oorandom::Rand32::new(11);
        let mut recent: Vec<SlotId> = Vec::new();
        for _ in 0..5000 {
            let what = match random.rand_range(0..20) {
                0 => (Shape::Aiv, 3, 1),
                1..=7 => (Shape::Aiv, 8, u64::from(random.rand_range(2..10))),
                8 | 9 => DUMMY,
                10..=14 => (Shape::Aic, 0, 0),
                15..=17 => (Shape::Aic, 2, 0),
                _ => (Shape::Host, 0, 0),
            };
            let wanted = below(&mut random, 4).min(recent.len());
            let pick = |_| recent[below(&mut random, recent.len())];
            let after: Vec<_> = (0..wanted).map(pick).collect();
            let slot = loop {
                match world.try_submit(what, &after) {
                    Ok(slot) => break slot,
                    Err(error) => assert!(error.is_temporary(), "{error}"),
                }
                assert!(world.turn(), "back-pressure that never ends");
            };
            recent.push(slot);
            if recent.len() > 30 {
                recent.remove(0);
            }
        }
        world.run();
        let ledger = world.ledger();
        assert_eq!(ledger.submitted, 5000);
        assert!(ledger.failed > 50 && ledger.cancelled > 50 && ledger.deferred > 50);
        world.assert_done();
    });
}

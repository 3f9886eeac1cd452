//! Scopes hold their tasks; rings by depth; what can never come back is told at once.

use finbox_scheduler::{
    Dependency, FaultCode, Outcome, Rings, ScopeError, Shape, SlotId, SubmitError,
};
use finbox_tests::house::Limits;

use crate::fixture::{World, on_each_target};

pub(crate) const DUMMY: (Shape, u8, u64) = (Shape::Dummy, 0, 0);

pub(crate) fn limits(rings: u8, slots: u32, heap: u64) -> Limits {
    Limits {
        slots: (slots * u32::from(rings)) as usize,
        rings: Some(Rings::alike(rings, slots, heap)),
        ..Limits::default()
    }
}

pub(crate) fn dummies(world: &mut World<'_>, count: u32) -> Vec<SlotId> {
    (0..count).map(|_| world.plain(Shape::Dummy, &[])).collect()
}

pub(crate) fn with(
    world: &mut World<'_>,
    dependencies: &[Dependency],
) -> Result<SlotId, SubmitError> {
    let spec = world.spec(Shape::Dummy, 0, 0);
    world
        .submitter
        .submit_with(&world.scheduler, &world.log, &spec, dependencies)
}

/// One node, and a task that has it, in the ring without scopes.
fn with_one_node(test: impl Fn(&mut World<'_>, SlotId)) {
    let limits = Limits {
        nodes: 1,
        ..limits(2, 4, 0)
    };
    on_each_target(&limits, |world| {
        let slow = world.deferred(&[world.counter(0, 1)], &[]);
        world.plain(Shape::Dummy, &[slow]);
        world.run();
        test(world, slow);
        world.port.set_counter(0, 1);
        world.run();
        world.assert_done();
    });
}

#[test]
fn nodes_come_back_from_every_ring_before_they_are_short() {
    with_one_node(|world, slow| {
        world.port.set_counter(0, 1);
        world.run();
        assert!(world.log.is_finished(slow));
        world.submitter.open_scope().unwrap();
        let first = world.plain(Shape::Aiv, &[]);
        assert!(world.try_submit(DUMMY, &[first]).is_ok());
        world.submitter.close_scope().unwrap();
    });
}

#[test]
fn nodes_that_a_task_outside_every_scope_has_come_back_by_themselves() {
    with_one_node(|world, _| {
        world.submitter.open_scope().unwrap();
        let first = world.plain(Shape::Aiv, &[]);
        let short = world.try_submit(DUMMY, &[first]).unwrap_err();
        let wanted = SubmitError::NoNodes {
            needed: 1,
            free: 0,
            total: 1,
        };
        assert_eq!(short, wanted);
        world.submitter.close_scope().unwrap();
    });
}

#[test]
fn a_task_goes_to_the_ring_of_its_depth_or_to_the_last() {
    on_each_target(&limits(3, 4, 0), |world| {
        let mut slots = dummies(world, 2);
        for _ in 0..4 {
            world.submitter.open_scope().unwrap();
            slots.extend(dummies(world, 1));
        }
        let places: Vec<_> = slots
            .iter()
            .map(|slot| (slot.ring(), slot.index()))
            .collect();
        assert_eq!(places, [(0, 0), (0, 1), (1, 4), (2, 8), (2, 9), (2, 10)]);
        for slot in &slots {
            let index = u32::try_from(slot.index()).unwrap();
            assert_eq!(world.scheduler.ring_of(index), slot.ring());
        }
        world.run();
        for &slot in &slots {
            assert_eq!(world.log.outcome(slot), Outcome::Completed);
        }
        let last = world.plain(Shape::Aiv, &slots);
        world.run();
        assert_eq!(world.log.outcome(last), Outcome::Completed);
        world.assert_done();
    });
}

#[test]
fn deferred_tasks_of_every_ring_complete_through_the_mailbox() {
    on_each_target(&limits(4, 4, 0), |world| {
        let mut slots = vec![world.deferred(&[world.counter(0, 1)], &[])];
        for counter in 1..4 {
            world.submitter.open_scope().unwrap();
            let after = [slots[counter - 1]];
            slots.push(world.deferred(&[world.counter(counter, 1)], &after));
        }
        for counter in 0..4 {
            world.run();
            let mut stuck = Vec::new();
            world.scheduler.for_each_stuck(|one| stuck.push(one.slot));
            assert_eq!(stuck, slots[counter..], "each by its own name");
            world.port.set_counter(counter, 1);
        }
        world.run();
        let ledger = world.ledger();
        assert_eq!((ledger.deferred, ledger.messages_reported), (4, 0));
        world.assert_done();
    });
}

#[test]
fn a_message_that_names_the_wrong_ring_is_not_believed() {
    on_each_target(&limits(2, 4, 0), |world| {
        let waiter = world.deferred(&[world.counter(0, 1)], &[]);
        world.run();
        let index = u32::try_from(waiter.index()).unwrap();
        let stranger = SlotId::new(1, index, waiter.generation());
        let wrong = [stranger, SlotId::new(0, 4, 1)];
        for slot in wrong {
            let error = world.try_submit(DUMMY, &[slot]).unwrap_err();
            assert_eq!(error, SubmitError::UnknownDependency(slot));
        }
        world.port.set_counter(0, 1);
        world.run();
        world.assert_done();
    });
}

#[test]
fn scopes_nest_up_to_the_limit_and_close_only_when_open() {
    on_each_target(
        &Limits {
            scopes: 3,
            ..Limits::default()
        },
        |world| {
            let submitter = &mut world.submitter;
            assert_eq!(submitter.close_scope().unwrap_err(), ScopeError::NoneOpen);
            for depth in 1..=3 {
                submitter.open_scope().unwrap();
                assert_eq!(submitter.depth(), depth);
            }
            let refused = submitter.open_scope().unwrap_err();
            assert_eq!(
                (refused, submitter.depth()),
                (ScopeError::TooDeep { most: 3 }, 3)
            );
            let _ = dummies(world, 2);
            let closed = world.submitter.close_scope().unwrap();
            assert_eq!((closed.tasks(), closed.bytes()), (2, 0));
            for _ in 0..2 {
                assert_eq!(world.submitter.close_scope().unwrap().tasks(), 0);
            }
            assert_eq!(
                world.submitter.close_scope().unwrap_err(),
                ScopeError::NoneOpen
            );
            world.run();
            world.assert_done();
        },
    );
}

#[test]
fn finished_tasks_of_a_scope_keep_their_slots_and_outputs_until_it_closes() {
    on_each_target(&limits(2, 4, 256), |world| {
        world.submitter.open_scope().unwrap();
        let mut spec = world.spec(Shape::Aiv, 0, 0);
        spec.output_bytes = 64;
        let submit = |world: &mut World<'_>| {
            world
                .submitter
                .submit(&world.scheduler, &world.log, &spec, &[])
                .unwrap()
        };
        let held = [(); 3].map(|()| submit(world));
        world.run();
        let outside = world.submitter.output_of(held[0]);
        assert_eq!(outside, Some(256..320), "in the second ring's part");
        let fourth = with(world, &held.map(Dependency::wait_and_retain)).unwrap();
        world.run();
        assert_eq!(world.log.outcome(fourth), Outcome::Completed);
        assert!(
            held.iter()
                .all(|&slot| world.submitter.output_of(slot).is_some())
        );
        assert_eq!(world.submitter.close_scope().unwrap().tasks(), 4);
        world.submitter.open_scope().unwrap();
        let again = [(); 4].map(|()| submit(world));
        let lives = again.map(|slot| (slot.index(), slot.generation()));
        assert_eq!(lives, [(4, 2), (5, 2), (6, 2), (7, 2)]);
        assert_eq!(world.submitter.output_of(held[0]), None);
        world.run();
        world.assert_done();
    });
}

#[test]
fn a_task_outside_any_scope_is_not_held() {
    on_each_target(&limits(1, 2, 0), |world| {
        for _ in 0..10 {
            let _ = dummies(world, 2);
            world.run();
        }
        world.assert_done();
    });
}

#[test]
fn closing_an_inner_scope_releases_what_the_outer_one_does_not_hold() {
    on_each_target(&limits(3, 2, 0), |world| {
        world.submitter.open_scope().unwrap();
        let outer = dummies(world, 1)[0];
        for _ in 0..5 {
            world.submitter.open_scope().unwrap();
            let _ = dummies(world, 2);
            world.run();
            assert_eq!(world.submitter.close_scope().unwrap().tasks(), 2);
        }
        let error = with(world, &[Dependency::retain(outer)]).map(|_| ());
        assert_eq!(error, Ok(()), "the outer scope still holds it");
        world.run();
        world.assert_done();
    });
}

#[test]
fn a_scope_that_needs_more_slots_than_its_ring_is_told_at_once_with_numbers() {
    on_each_target(&limits(2, 3, 128), |world| {
        world.submitter.open_scope().unwrap();
        let waiting = world.deferred(&[world.counter(0, 1)], &[]);
        let _ = dummies(world, 2);
        let error = world.try_submit(DUMMY, &[]).unwrap_err();
        let wanted = SubmitError::SlotsHeld {
            ring: 1,
            slots: 3,
            depth: 1,
            by: 1,
            tasks: 3,
            bytes: 0,
        };
        assert_eq!(
            error, wanted,
            "though the oldest still waits: it is held all the same"
        );
        assert_eq!(error.code(), Some(FaultCode::ScopeDeadlock));
        assert!(!error.is_temporary());
        let text = error.to_string();
        assert!(text.contains("all 3 task slots of ring 1"), "{text}");
        assert!(text.contains("depth 1 of 1, which has 3 tasks"), "{text}");
        world.submitter.close_scope().unwrap();
        world.submitter.open_scope().unwrap();
        let error = world.try_submit(DUMMY, &[waiting]).unwrap_err();
        assert_eq!(
            error,
            SubmitError::RingFull { ring: 1, slots: 3 },
            "nobody holds it now"
        );
        world.port.set_counter(0, 1);
        world.run();
        assert!(world.try_submit(DUMMY, &[waiting]).is_ok());
        world.run();
        world.assert_done();
    });
}

#[test]
fn a_ring_full_of_what_an_outer_scope_holds_is_a_flow_control_deadlock() {
    on_each_target(&limits(2, 3, 0), |world| {
        world.submitter.open_scope().unwrap();
        let _ = dummies(world, 2);
        world.submitter.open_scope().unwrap();
        let _ = dummies(world, 1);
        world.run();
        let error = world.try_submit(DUMMY, &[]).unwrap_err();
        let wanted = SubmitError::SlotsHeld {
            ring: 1,
            slots: 3,
            depth: 2,
            by: 1,
            tasks: 2,
            bytes: 0,
        };
        assert_eq!(
            (error, error.code()),
            (wanted, Some(FaultCode::FlowControlDeadlock))
        );
        world.submitter.close_scope().unwrap();
        let error = world.try_submit(DUMMY, &[]).unwrap_err();
        assert_eq!(
            error.code(),
            Some(FaultCode::ScopeDeadlock),
            "now it is the innermost"
        );
        world.submitter.close_scope().unwrap();
        world.submitter.open_scope().unwrap();
        let _ = dummies(world, 3);
        world.run();
        world.assert_done();
    });
}

#[test]
fn a_ring_head_that_waits_for_a_condition_or_a_core_is_no_deadlock() {
    on_each_target(&limits(1, 2, 0), |world| {
        let _ = world.deferred(&[world.counter(0, 1)], &[]);
        world.submitter.open_scope().unwrap();
        let _ = dummies(world, 1);
        for _ in 0..5 {
            world.run();
            let error = world.try_submit(DUMMY, &[]).unwrap_err();
            assert_eq!(error, SubmitError::RingFull { ring: 0, slots: 2 });
        }
        world.port.set_counter(0, 1);
        world.run();
        let _ = dummies(world, 1);
        let error = world.try_submit(DUMMY, &[]).unwrap_err();
        assert_eq!(
            error.code(),
            Some(FaultCode::ScopeDeadlock),
            "now the scope holds the head"
        );
        world.run();
        world.assert_done();
    });
}

#[test]
fn a_heap_full_of_what_an_open_scope_holds_is_a_heap_deadlock() {
    on_each_target(&limits(1, 8, 256), |world| {
        let output = |world: &mut World<'_>, bytes: u64| {
            let mut spec = world.spec(Shape::Dummy, 0, 0);
            spec.output_bytes = bytes;
            world
                .submitter
                .submit(&world.scheduler, &world.log, &spec, &[])
        };
        world.submitter.open_scope().unwrap();
        output(world, 100).unwrap();
        output(world, 64).unwrap();
        world.run();
        let error = output(world, 65).unwrap_err();
        let wanted = SubmitError::HeapHeld {
            ring: 0,
            needed: 65,
            used: 192,
            total: 256,
            depth: 1,
            by: 1,
            tasks: 2,
            bytes: 192,
        };
        assert_eq!(
            (error, error.code()),
            (wanted, Some(FaultCode::HeapRingDeadlock))
        );
        assert!(output(world, 64).is_ok(), "a smaller one still fits");
        world.submitter.close_scope().unwrap();
        world.run();
        assert!(output(world, 256).is_ok());
        world.run();
        world.assert_done();
    });
}

#[test]
fn nodes_that_only_a_closing_scope_gives_back_are_told_at_once() {
    let limits = Limits {
        nodes: 2,
        ..limits(2, 8, 0)
    };
    on_each_target(&limits, |world| {
        world.submitter.open_scope().unwrap();
        let producer = world.deferred(&[world.counter(0, 1)], &[]);
        let consumers = [(); 2].map(|()| world.plain(Shape::Dummy, &[producer]));
        let error = world.try_submit(DUMMY, &[producer]).unwrap_err();
        let wanted = SubmitError::NodesHeld {
            needed: 1,
            free: 0,
            total: 2,
            by: 1,
            tasks: 3,
        };
        assert_eq!(
            (error, error.code()),
            (wanted, Some(FaultCode::DepPoolOverflow))
        );
        world.submitter.close_scope().unwrap();
        let error = world.try_submit(DUMMY, &[producer]).unwrap_err();
        assert!(
            error.is_temporary(),
            "the producer will finish and give them back: {error}"
        );
        world.port.set_counter(0, 1);
        world.run();
        assert!(world.try_submit(DUMMY, &consumers).is_ok());
        world.run();
        world.assert_done();
    });
}

#[test]
fn random_scopes_over_tiny_rings_lose_nothing() {
    on_each_target(&limits(3, 6, 512), |world| {
        world.listens = false;
        let mut random = oorandom::Rand32::new(3);
        let (mut depth, mut told) = (0, [0_u32; 4]);
        let mut recent: Vec<SlotId> = Vec::new();
        for _ in 0..4_000 {
            match random.rand_range(0..8) {
                0 if depth < 4 => {
                    world.submitter.open_scope().unwrap();
                    depth += 1;
                }
                1 | 2 if depth > 0 => {
                    world.submitter.close_scope().unwrap();
                    depth -= 1;
                }
                _ => {}
            }
            let mut spec = world.spec(Shape::Aiv, 0, 0);
            spec.output_bytes = u64::from(random.rand_range(0..200));
            let pick = |needs: u32, slot: &SlotId| match needs {
                0 => Dependency::retain(*slot),
                1 => Dependency::wait_and_retain(*slot),
                _ => Dependency::wait(*slot),
            };
            let last = recent
                .last()
                .map(|slot| pick(random.rand_range(0..4), slot));
            let dependencies: Vec<_> = last.into_iter().collect();
            let slot = loop {
                let submitter = &mut world.submitter;
                let log = &finbox_scheduler::NoProbe;
                match submitter.submit_with(&world.scheduler, log, &spec, &dependencies) {
                    Ok(slot) => break Some(slot),
                    Err(SubmitError::Reclaimed(_)) => break None,
                    Err(error) => match error.code() {
                        Some(code) => {
                            told[usize::from(code.number())] += 1;
                            world.submitter.close_scope().unwrap();
                            depth -= 1;
                        }
                        None => assert!(world.turn(), "back-pressure that never ends: {error}"),
                    },
                }
            };
            recent.extend(slot);
        }
        assert!(told[1] > 0 && told[2] > 0 && told[3] > 0, "{told:?}");
        while depth > 0 {
            world.submitter.close_scope().unwrap();
            depth -= 1;
        }
        world.run();
        assert_eq!(world.ledger().completed, world.ledger().submitted);
        world.assert_done();
    });
}

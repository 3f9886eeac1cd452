//! The two roads of a completion: inline on the FIN thread, and deferred through the mailbox.

use finbox_mailbox::{CompletionType, Condition, Done, Engine, Message};
use finbox_scheduler::{Event, Outcome, Pass, Shape, SlotId};
use finbox_tests::house::{House, Limits};
use finbox_tests::model_port::Lines;

use crate::fixture::{AIC, TARGETS, World, cluster, on_each_target};

/// Dispatches until `core` runs something, which it starts.
fn start(world: &mut World<'_>, core: finbox_scheduler::CoreId) -> SlotId {
    let _ = world.dispatch();
    world.start(core).expect("it was dispatched")
}

#[test]
fn a_task_that_does_not_defer_completes_on_the_fin_thread_without_mailbox_or_lock() {
    on_each_target(&Limits::default(), |world| {
        // One that may not defer, and one that may and does not.
        for may_defer in [0, 5] {
            let task = world.submit((Shape::Aic, may_defer, 0), &[]);
            assert_eq!(start(world, AIC), task);
            world.port.finish(AIC);
            let guard = world.scheduler.wait_list().try_lock().unwrap();
            let step = world.handlers[0].pass(&world.scheduler, &world.port, &world.log);
            assert_eq!(step, finbox_scheduler::HandlerStep::Progress);
            assert_eq!(world.log.outcome(task), Outcome::Completed);
            assert_eq!((guard.live(), guard.mailbox_depth_hint()), (0, 0));
        }
        let ledger = world.ledger();
        assert_eq!(
            (ledger.messages_accepted, ledger.inline, ledger.deferred),
            (0, 2, 0)
        );
        world.run();
        world.assert_done();
    });
}

#[test]
fn a_consumer_of_an_inline_task_starts_with_the_lock_still_held() {
    on_each_target(&Limits::default(), |world| {
        let first = world.plain(Shape::Aic, &[]);
        let second = world.plain(Shape::Aic, &[first]);
        let _ = start(world, AIC);
        world.port.finish(AIC);
        assert!(world.handle());
        let guard = world.scheduler.wait_list().try_lock().unwrap();
        let pass = world
            .dispatcher
            .pass(&world.scheduler, &world.port, &world.log);
        drop(guard);
        assert!(pass.progress);
        assert_eq!(world.start(AIC), Some(second));
    });
}

#[test]
fn with_list_and_mailbox_empty_a_pass_does_not_touch_the_lock() {
    on_each_target(&Limits::default(), |world| {
        let guard = world.scheduler.wait_list().try_lock().unwrap();
        let pass = world
            .dispatcher
            .pass(&world.scheduler, &world.port, &world.log);
        assert_eq!(pass, Pass::default(), "nothing to do, and nothing to watch");
        drop(guard);
        assert_eq!(world.dispatch(), Pass::default());
    });
}

#[test]
fn who_loses_the_lock_returns_at_once_and_keeps_watching() {
    on_each_target(&Limits::default(), |world| {
        let condition = world.counter(0, 1);
        let task = world.deferred(&[condition], &[]);
        let _ = world.dispatch();
        assert!(world.run_cores() && world.handle());
        // Messages wait in the mailbox: the loser must not go to sleep for good.
        let lost = |world: &mut World<'_>| {
            let guard = world.scheduler.wait_list().try_lock().unwrap();
            let pass = world
                .dispatcher
                .pass(&world.scheduler, &world.port, &world.log);
            drop(guard);
            pass
        };
        let pass = lost(world);
        assert!(!pass.progress && pass.watching, "{pass:?}");
        assert!(world.dispatch().progress);
        // Now a condition is unmet: the same.
        let pass = lost(world);
        assert!(!pass.progress && pass.watching, "{pass:?}");
        world.port.set_counter(0, 1);
        world.run();
        assert_eq!(world.log.outcome(task), Outcome::Completed);
        world.assert_done();
    });
}

#[test]
fn a_deferred_task_completes_after_its_last_condition_and_before_its_consumers_start() {
    on_each_target(&Limits::default(), |world| {
        let conditions = [0, 1, 2].map(|i| world.counter(i, 10));
        let task = world.deferred(&conditions, &[]);
        let consumer = world.plain(Shape::Aic, &[task]);
        for (counter, value) in [(2, 10), (0, 9), (1, 11)] {
            world.run();
            assert!(!world.log.is_finished(task));
            assert_eq!(world.log.dispatched().len(), 1, "the consumer waits");
            world.port.set_counter(counter, value);
        }
        world.run();
        assert!(!world.log.is_finished(task), "one is one short");
        world.port.add_counter(0, 1);
        world.run();
        assert_eq!(world.log.outcome(task), Outcome::Completed);
        let events = world.log.events();
        let at = |wanted: &dyn Fn(&Event) -> bool| events.iter().position(wanted).unwrap();
        let finished = at(&|e| matches!(e, Event::Finished { slot, .. } if *slot == task));
        let started = at(&|e| matches!(e, Event::Dispatched { slot, .. } if *slot == consumer));
        let met = events
            .iter()
            .rposition(|e| matches!(e, Event::Met { .. }))
            .unwrap();
        assert!(met < finished && finished < started);
        let ledger = world.ledger();
        assert_eq!(
            (ledger.conditions, ledger.normal_done, ledger.deferred),
            (3, 1, 1)
        );
        world.assert_done();
    });
}

#[test]
fn conditions_that_hold_already_complete_the_task_in_the_pass_that_takes_them() {
    on_each_target(&Limits::default(), |world| {
        world.port.set_counter(0, 7);
        let conditions = [world.counter(0, 7), world.counter(0, 3)];
        let task = world.deferred(&conditions, &[]);
        let _ = world.dispatch();
        assert!(world.run_cores() && world.handle());
        let pass = world.dispatch();
        assert_eq!(world.log.outcome(task), Outcome::Completed);
        assert_eq!(pass.polled, 0);
        world.run();
        world.assert_done();
    });
}

fn condition(task: u64, slot: SlotId, addr: u64, expected: u32) -> Message {
    Message::Condition(Condition {
        task,
        slot: slot.bits(),
        addr,
        cookie: 0,
        expected,
        engine: Engine::Sdma,
        completion: CompletionType::Counter,
    })
}

fn permutations(of: usize) -> Vec<Vec<usize>> {
    let Some(last) = of.checked_sub(1) else {
        return vec![Vec::new()];
    };
    let insert = |order: Vec<usize>| {
        (0..of).map(move |at| {
            let mut order = order.clone();
            order.insert(at, last);
            order
        })
    };
    permutations(last).into_iter().flat_map(insert).collect()
}

/// A task of three conditions whose own messages the full mailbox refused, with the mailbox empty
/// again: whatever order the test pushes them in is the order in which they arrive.
fn retired_and_unheard(world: &mut World<'_>) -> SlotId {
    let conditions = [0, 1, 2].map(|i| world.counter(i, 1));
    let task = world.deferred(&conditions, &[]);
    let _ = world.dispatch();
    assert!(world.run_cores());
    let nobody = SlotId::new(9, 0, 1);
    let mailbox = world.scheduler.mailbox();
    for _ in 0..mailbox.slots() {
        mailbox.push(&condition(0, nobody, 0, 0)).unwrap();
        world.pushed_by_hand += 1;
    }
    assert!(world.handle());
    let _ = world.dispatch();
    assert!(mailbox.is_empty_hint() && !world.log.is_finished(task));
    task
}

#[test]
fn messages_complete_a_task_once_in_every_order_in_which_they_can_arrive() {
    for target in TARGETS {
        for order in permutations(4) {
            for met_before in [false, true] {
                let chip = cluster(target);
                let mut house = House::new(&chip, &Limits::default());
                let world = &mut World::new(&mut house, chip, Lines::of(&chip));
                let task = retired_and_unheard(world);
                deliver_in(&order, met_before, task, world);
            }
        }
    }
}

fn deliver_in(order: &[usize], met_before: bool, task: SlotId, world: &mut World<'_>) {
    if met_before {
        (0..3).for_each(|i| world.port.set_counter(i, 1));
    }
    for (nth, &which) in order.iter().enumerate() {
        assert!(!world.log.is_finished(task), "{order:?} after {nth}");
        let message = match which {
            3 => Message::NormalDone(Done {
                task: 1,
                slot: task.bits(),
                expected: 3,
            }),
            i => condition(1, task, world.port.counter(i), 1),
        };
        // A producer of its own for each: other handlers.
        world.scheduler.mailbox().push(&message).unwrap();
        world.pushed_by_hand += 1;
        let _ = world.dispatch();
    }
    if !met_before {
        for i in 0..3 {
            assert!(
                !world.log.is_finished(task),
                "{order:?}: {i} conditions met"
            );
            world.port.set_counter(i, 1);
            let _ = world.dispatch();
        }
    }
    assert_eq!(world.log.outcome(task), Outcome::Completed, "{order:?}");
    // The handler's own messages come after all: of a task that is no more.
    let before = world.ledger().messages_reported;
    world.run();
    assert_eq!(world.ledger().messages_reported, before + 2);
    world.assert_done();
}

#[test]
fn counters_are_compared_across_their_wrap() {
    let cases: [(u32, u32, bool); 9] = [
        (u32::MAX, u32::MAX, true),
        (0, u32::MAX, true),
        (5, u32::MAX - 5, true),
        (u32::MAX, 0, false),
        (u32::MAX - 1, u32::MAX, false),
        (u32::MAX, 5, false),
        (0x7FFF_FFFF, 0, true),
        (0x8000_0000, 0, false),
        (1 << 31, 1, true),
    ];
    on_each_target(&Limits::default(), |world| {
        for (value, expected, holds) in cases {
            world.port.set_counter(0, value);
            let condition = world.counter(0, expected);
            let task = world.deferred(&[condition], &[]);
            world.run();
            assert_eq!(
                world.log.is_finished(task),
                holds,
                "{value:#x} against {expected:#x}"
            );
            world.port.set_counter(0, expected);
            world.run();
            assert_eq!(world.log.outcome(task), Outcome::Completed);
        }
        world.assert_done();
    });
}

#[test]
fn a_task_waits_while_its_counter_walks_through_the_wrap() {
    on_each_target(&Limits::default(), |world| {
        world.port.set_counter(3, u32::MAX - 2);
        let condition = world.counter(3, 2);
        let task = world.deferred(&[condition], &[]);
        for _ in 0..5 {
            world.run();
            assert!(!world.log.is_finished(task));
            world.port.add_counter(3, 1);
        }
        world.run();
        assert_eq!(world.log.outcome(task), Outcome::Completed);
        world.assert_done();
    });
}

/// Whether a task that waits for a counter sees it change.
fn sees_the_counter(lines: Lines) -> bool {
    let chip = cluster(TARGETS[0]);
    let mut house = House::new(&chip, &Limits::default());
    let world = &mut World::new(&mut house, chip, lines);
    let condition = world.counter(0, 1);
    let task = world.deferred(&[condition], &[]);
    world.run();
    assert!(!world.log.is_finished(task) && world.ledger().conditions == 1);
    world.port.set_counter(0, 1);
    for _ in 0..100 {
        let _ = world.turn();
    }
    world.log.is_finished(task)
}

#[test]
fn a_forgotten_refresh_of_a_counter_shows_where_lines_go_stale() {
    assert!(sees_the_counter(Lines::Coherent));
    assert!(sees_the_counter(Lines::Stale));
    assert!(
        !sees_the_counter(Lines::StaleCounters),
        "the model would not notice"
    );
}

/// Conditions seen of a task that left three in its slab.
fn conditions_seen(lines: Lines) -> u64 {
    let chip = cluster(TARGETS[0]);
    let mut house = House::new(&chip, &Limits::default());
    let world = &mut World::new(&mut house, chip, lines);
    let conditions = [0, 1, 2].map(|i| world.counter(i, 1));
    let _ = world.deferred(&conditions, &[]);
    world.run();
    world.ledger().conditions
}

#[test]
fn a_forgotten_refresh_of_a_slab_shows_where_lines_go_stale() {
    assert_eq!(conditions_seen(Lines::Coherent), 3);
    assert_eq!(conditions_seen(Lines::Stale), 3);
    assert_eq!(
        conditions_seen(Lines::StaleSlabs),
        0,
        "the model would not notice"
    );
}

#[test]
fn slabs_of_a_core_are_read_fresh_however_often_they_are_used() {
    on_each_target(&Limits::default(), |world| {
        for round in 1..=20 {
            let some = (0..round % 5).map(|i| world.counter(i as usize, round));
            let conditions: Vec<_> = some.collect();
            let args = world.script(&conditions);
            let task = world.submit((Shape::Aic, 64, args), &[]);
            world.run();
            assert_eq!(world.log.is_finished(task), conditions.is_empty());
            (0..4).for_each(|i| world.port.set_counter(i, round));
            world.run();
            assert_eq!(world.log.outcome(task), Outcome::Completed, "round {round}");
        }
        world.assert_done();
    });
}

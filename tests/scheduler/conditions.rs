//! Counters that overshoot, wrap and go back; conditions of a task that failed; dead peers.

use finbox_scheduler::{Event, FaultCode, Outcome};
use finbox_tests::house::Limits;
use finbox_tests::model_port::WireCondition;

use crate::fixture::{COUNTERS, World, on_each_target};

#[test]
fn a_counter_that_overshoots_is_reached_and_counted() {
    on_each_target(&Limits::default(), |world| {
        let exact = world.counter(0, 3);
        let beyond = world.counter(1, 3);
        let early = world.counter(2, 3);
        world.port.set_counter(2, 4);
        let task = world.deferred(&[exact, beyond, early], &[]);
        world.run();
        assert_eq!(world.ledger().overshoots, 1, "seen at its arrival");
        world.port.set_counter(0, 3);
        world.port.set_counter(1, 5);
        world.run();
        assert_eq!(world.log.outcome(task), Outcome::Completed);
        assert_eq!(world.ledger().overshoots, 2);
        world.assert_done();
    });
}

#[test]
fn a_counter_may_stand_in_the_last_four_bytes_that_can_be_read() {
    on_each_target(&Limits::default(), |world| {
        let last = WireCondition::counter(world.port.end() - 4, 1);
        world.port.poke_counter(COUNTERS - 1, 15, 1);
        let task = world.deferred(&[last], &[]);
        world.run();
        assert_eq!(world.log.outcome(task), Outcome::Completed);
        world.assert_done();
    });
}

#[test]
fn counters_near_the_wrap_are_compared_right() {
    on_each_target(&Limits::default(), |world| {
        let start = u32::MAX - 1;
        (0..3).for_each(|index| world.port.set_counter(index, start));
        let before = world.counter(0, u32::MAX);
        let at = world.counter(1, 0);
        let behind = world.counter(2, 2);
        let tasks = [before, at, behind].map(|condition| world.deferred(&[condition], &[]));
        world.run();
        assert_eq!(world.log.finished(), [], "none is there yet");
        (0..3).for_each(|index| world.port.add_counter(index, 1));
        world.run();
        assert_eq!(world.log.finished(), [(tasks[0], Outcome::Completed)]);
        world.port.add_counter(1, 1);
        world.port.add_counter(2, 2);
        world.run();
        assert!(world.log.is_finished(tasks[1]) && !world.log.is_finished(tasks[2]));
        world.port.add_counter(2, 1);
        world.run();
        assert_eq!(world.log.outcome(tasks[2]), Outcome::Completed);
        assert_eq!(
            (world.ledger().overshoots, world.ledger().went_back),
            (0, 0)
        );
        world.assert_done();
    });
}

#[test]
fn a_counter_that_goes_back_is_counted_told_and_remembered() {
    on_each_target(&Limits::default(), |world| {
        world.port.set_counter(0, 7);
        let condition = world.counter(0, 9);
        let task = world.deferred(&[condition], &[]);
        world.run();
        world.port.set_counter(0, 4);
        world.run();
        let unmet = world.unmet(task);
        assert_eq!((unmet[0].first, unmet[0].observed), (7, 4));
        assert_eq!(unmet[0].went_back, Some((7, 4)));
        assert_eq!(
            world.ledger().went_back,
            1,
            "once, however often it is looked at"
        );
        let told = Event::WentBack {
            slot: task,
            addr: world.port.counter(0),
            from: 7,
            to: 4,
        };
        assert!(world.log.events().contains(&told));
        world.port.set_counter(0, 9);
        world.run();
        assert_eq!(world.log.outcome(task), Outcome::Completed);
        world.assert_done();
    });
}

#[test]
fn a_condition_that_comes_after_its_counter_holds_at_once() {
    on_each_target(&Limits::default(), |world| {
        world.port.set_counter(0, 1);
        let condition = world.counter(0, 1);
        let task = world.deferred(&[condition], &[]);
        world.run();
        assert_eq!(world.log.outcome(task), Outcome::Completed);
        assert_eq!(world.ledger().polls, 0);
        world.assert_done();
    });
}

#[test]
fn a_task_that_failed_by_a_late_bad_condition_waits_for_nothing_else() {
    let limits = Limits {
        mailbox: 2,
        ..Limits::default()
    };
    on_each_target(&limits, |world| {
        let conditions = [0, 1, 2, 3, 4, 5].map(|index| world.counter(index, 1));
        let args = world.script(&conditions);
        let task = world.submit((finbox_scheduler::Shape::Aic, 6, args), &[]);
        let consumer = world.plain(finbox_scheduler::Shape::Aiv, &[task]);
        let _ = world.dispatch();
        assert!(world.run_cores() && world.handle());
        // Its fifth condition changes while it is owed; no counter is ever raised.
        world.spoil(crate::fixture::AIC, 4);
        world.run();
        assert_eq!(world.log.outcome(task), Outcome::Failed);
        assert_eq!(world.log.outcome(consumer), Outcome::Cancelled);
        assert_eq!(world.ledger().conditions, 6, "its siblings were drained");
        world.assert_done();
    });
}

fn fails_with_peer(condition: impl Fn(&World<'_>) -> WireCondition) {
    on_each_target(&Limits::default(), |world| {
        let here = world.counter(8, 1);
        let dead = condition(world);
        let mine = world.deferred(&[dead, here], &[]);
        let consumer = world.plain(finbox_scheduler::Shape::Aiv, &[mine]);
        let other = here.of_peer(4);
        let others = [world.deferred(&[here], &[]), world.deferred(&[other], &[])];
        world.run();
        assert_eq!(world.log.finished(), []);
        world.scheduler.peer_dead(3);
        world.run();
        assert_eq!(world.log.outcome(mine), Outcome::Failed);
        assert_eq!(world.log.outcome(consumer), Outcome::Cancelled);
        assert_eq!(world.scheduler.fault().unwrap().code, FaultCode::PeerDead);
        let told = Event::PeerLost {
            slot: mine,
            rank: 3,
        };
        assert!(world.log.events().contains(&told), "the rank is named");
        let late = world.deferred(&[dead], &[]);
        world.run();
        assert_eq!(
            world.log.outcome(late),
            Outcome::Failed,
            "nor will it ever hold"
        );
        world.port.set_counter(8, 1);
        world.run();
        for task in others {
            assert_eq!(world.log.outcome(task), Outcome::Completed);
        }
        world.assert_done();
    });
}

#[test]
fn conditions_on_a_dead_peer_fail_and_others_go_on() {
    fails_with_peer(|world| world.counter(0, 1).of_peer(3));
    fails_with_peer(|world| WireCondition {
        engine: 3,
        ..world.counter(8, 2).of_peer(3)
    });
}

#[test]
fn a_gate_fails_when_its_timeline_ends_before_its_value_and_what_was_reached_counts() {
    on_each_target(&Limits::default(), |world| {
        world.port.set_counter(0, 1);
        let [one, two] = [1, 2].map(|value| world.counter(0, value).of_timeline(3));
        let other = world.counter(1, 1).of_timeline(4);
        let gates = [one, two, other].map(|one| world.deferred(&[one], &[]));
        world.run();
        assert_eq!(world.log.finished(), [(gates[0], Outcome::Completed)]);
        world.scheduler.timeline_ended(3);
        world.run();
        assert_eq!(world.log.outcome(gates[1]), Outcome::Failed);
        let told = Event::TimelineLost {
            slot: gates[1],
            timeline: 3,
        };
        assert!(world.log.events().contains(&told), "the timeline is named");
        let late = [one, two].map(|one| world.deferred(&[one], &[]));
        world.run();
        assert_eq!(world.log.outcome(late[0]), Outcome::Completed);
        assert_eq!(world.log.outcome(late[1]), Outcome::Failed);
        assert!(!world.log.is_finished(gates[2]), "another timeline goes on");
        world.port.set_counter(1, 1);
        world.run();
        world.assert_done();
    });
}

#[test]
fn what_a_dead_peer_had_done_before_still_counts() {
    on_each_target(&Limits::default(), |world| {
        world.scheduler.peer_dead(3);
        world.port.set_counter(0, 1);
        let condition = world.counter(0, 1).of_peer(3);
        let task = world.deferred(&[condition], &[]);
        world.run();
        assert_eq!(world.log.outcome(task), Outcome::Completed);
        world.assert_done();
    });
}

#[test]
fn a_task_that_is_given_up_gives_its_room_back_once_and_its_messages_are_dropped() {
    let limits = Limits {
        mailbox: 2,
        ..Limits::default()
    };
    on_each_target(&limits, |world| {
        // Four of six conditions are in the mailbox, two are owed, and none is stored.
        let conditions = [0, 1, 2, 3, 4, 5].map(|index| world.counter(index, 1));
        let given_up = world.deferred(&conditions, &[]);
        let _ = world.dispatch();
        assert!(world.run_cores() && world.handle());
        let mut desk = world.scheduler.wait_list().try_lock().unwrap();
        assert!(desk.abandon(&world.scheduler, given_up));
        assert!(!desk.abandon(&world.scheduler, given_up), "it was given up");
        drop(desk);
        assert_eq!(world.scheduler.room().0, 0);
        let other = world.counter(9, 0);
        let task = world.deferred(&[other], &[]);
        world.run();
        assert_eq!(world.log.outcome(task), Outcome::Completed);
        assert_eq!(world.scheduler.waiting(), Some((0, 0)));
        let ledger = world.ledger();
        assert_eq!((ledger.messages_accepted, ledger.messages_reported), (4, 0));
        assert_eq!(ledger.messages_delivered, 4, "three of them for nobody");
        assert_eq!((ledger.conditions, ledger.normal_done), (7, 2));
        assert_eq!(world.scheduler.room().0, 0);
    });
}

#[test]
fn room_of_stored_conditions_of_a_task_that_is_given_up_comes_back_when_met_with() {
    on_each_target(&Limits::default(), |world| {
        let conditions = [0, 1, 2].map(|index| world.counter(index, 1));
        let given_up = world.deferred(&conditions, &[]);
        world.run();
        let mut desk = world.scheduler.wait_list().try_lock().unwrap();
        assert!(desk.abandon(&world.scheduler, given_up));
        drop(desk);
        assert_eq!(world.scheduler.room().0, 3);
        world.run();
        assert_eq!(world.scheduler.room().0, 0);
        assert_eq!(world.scheduler.waiting(), Some((0, 0)));
        assert_eq!(world.unmet(given_up), []);
    });
}

#[test]
fn what_holds_when_it_comes_is_told_at_once_behind_one_refresh() {
    on_each_target(&Limits::default(), |world| {
        let record =
            |world: &World<'_>, post| WireCondition::event_record(world.port.counter(0), post);
        let mut expected = Vec::new();
        for post in [7, 8] {
            let conditions = [record(world, post), world.counter(1, 3)];
            world.port.complete_posts(0, post);
            world.port.set_counter(1, 3);
            let task = world.deferred(&conditions, &[]);
            world.run();
            assert_eq!(world.log.outcome(task), Outcome::Completed);
            expected.extend([(world.port.counter(0), post), (world.port.counter(1), 3)]);
        }
        let met = world
            .log
            .events()
            .into_iter()
            .filter_map(|event| match event {
                Event::Met { addr, observed, .. } => Some((addr, observed)),
                _ => None,
            });
        assert_eq!(met.collect::<Vec<_>>(), expected);
        let ledger = world.ledger();
        assert_eq!((ledger.lines_refreshed, ledger.overshoots), (4, 0));
        world.assert_done();
    });
}

#[test]
fn a_condition_is_as_old_as_its_first_look() {
    on_each_target(&Limits::default(), |world| {
        world.port.advance(1_000);
        let task = world.deferred(&[world.counter(0, 1)], &[]);
        world.run();
        world.port.advance(70);
        let age_ns = world.unmet(task)[0].age_ns;
        assert!((70..100).contains(&age_ns), "{age_ns}");
    });
}

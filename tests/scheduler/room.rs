//! Condition room: reserved before it is needed, given back in full, never in anyone's way.

use finbox_scheduler::{Outcome, Shape};
use finbox_tests::house::Limits;

use crate::fixture::{World, on_each_target};

fn tight() -> Limits {
    Limits {
        conditions: 64,
        ..Limits::default()
    }
}

/// An AIV task that may register `may_defer` conditions and waits for the first `count` counters.
fn bounded(world: &mut World<'_>, may_defer: u8, count: usize) -> finbox_scheduler::SlotId {
    let conditions: Vec<_> = (0..count).map(|i| world.counter(i, 1)).collect();
    let args = world.script(&conditions);
    world.submit((Shape::Aiv, may_defer, args), &[])
}

#[test]
fn room_is_reserved_with_the_token_and_the_surplus_returns_with_done() {
    on_each_target(&tight(), |world| {
        let task = bounded(world, 40, 3);
        assert_eq!(world.scheduler.room(), (0, 64));
        let _ = world.dispatch();
        assert_eq!(world.scheduler.room(), (40, 64));
        assert!(world.run_cores() && world.handle());
        assert_eq!(world.scheduler.room(), (40, 64), "DONE was not drained");
        let _ = world.dispatch();
        assert_eq!(world.scheduler.room(), (3, 64));
        world.port.set_counter(1, 1);
        world.run();
        assert_eq!(world.scheduler.room(), (2, 64));
        (0..3).for_each(|i| world.port.set_counter(i, 1));
        world.run();
        assert_eq!(world.log.outcome(task), Outcome::Completed);
        world.assert_done();
    });
}

#[test]
fn a_task_that_does_not_defer_gives_its_room_back_at_its_fin() {
    on_each_target(&tight(), |world| {
        let _ = bounded(world, 64, 0);
        let _ = world.dispatch();
        assert_eq!(world.scheduler.room(), (64, 64));
        assert!(world.run_cores() && world.handle());
        assert_eq!(world.scheduler.room(), (0, 64));
        world.assert_done();
    });
}

#[test]
fn without_room_a_task_waits_and_all_others_go_on() {
    on_each_target(&tight(), |world| {
        let holder = bounded(world, 64, 64);
        world.run();
        let waiting = [(); 5].map(|()| bounded(world, 64, 1));
        let others = [Shape::Aiv, Shape::Aic, Shape::Host, Shape::Dummy]
            .map(|shape| world.plain(shape, &[]));
        world.run();
        for task in others {
            assert_eq!(world.log.outcome(task), Outcome::Completed);
        }
        assert_eq!(world.log.finished().len(), 4);
        assert_eq!(
            world.log.dispatched().len(),
            4,
            "the holder and three others"
        );
        let mut ready = 0;
        world.scheduler.for_each_stuck(|stuck| {
            ready += u32::from(stuck.standing == finbox_scheduler::Standing::Ready);
        });
        assert_eq!(ready, 5);
        (0..64).for_each(|i| world.port.set_counter(i, 1));
        world.run();
        for task in waiting.into_iter().chain([holder]) {
            assert_eq!(world.log.outcome(task), Outcome::Completed);
        }
        world.assert_done();
    });
}

#[test]
fn a_large_bound_without_room_does_not_block_a_small_one_behind_it() {
    on_each_target(&tight(), |world| {
        // The holder waits for what the small one will do, and leaves it just enough room.
        let holder = bounded(world, 64, 60);
        let _ = world.dispatch();
        let large = bounded(world, 64, 0);
        let small = bounded(world, 4, 0);
        let _ = world.dispatch();
        world.run();
        assert_eq!(world.scheduler.room(), (60, 64));
        assert_eq!(
            world.log.outcome(small),
            Outcome::Completed,
            "it would have fitted"
        );
        assert!(!world.log.is_finished(large) && !world.log.is_finished(holder));
        (0..60).for_each(|i| world.port.set_counter(i, 1));
        world.run();
        assert_eq!(world.log.outcome(large), Outcome::Completed);
        world.assert_done();
    });
}

#[test]
fn tasks_without_room_do_not_look_like_progress() {
    on_each_target(&tight(), |world| {
        let _ = bounded(world, 60, 60);
        world.run();
        for may_defer in [5, 6, 7, 64, 5, 64] {
            let _ = bounded(world, may_defer, 0);
        }
        world.run();
        for _ in 0..10 {
            assert!(!world.dispatch().progress);
        }
        (0..60).for_each(|i| world.port.set_counter(i, 1));
        world.run();
        world.assert_done();
    });
}

#[test]
fn a_crowd_shares_little_room_and_nothing_is_lost() {
    let limits = Limits {
        conditions: 64,
        mailbox: 4,
        slots: 1024,
        ..Limits::default()
    };
    on_each_target(&limits, |world| {
        world.listens = false;
        let mut random = oorandom::Rand32::new(5);
        for _ in 0..1000 {
            let count = random.rand_range(0..20);
            let may_defer = u8::try_from(count + random.rand_range(0..45)).unwrap();
            let _ = bounded(world, may_defer, count as usize);
        }
        let mut rounds = 0;
        while world.live() > 0 {
            // Conditions hold now and then only, so that room is held for a while.
            let value = u32::from(rounds % 3 == 2);
            (0..20).for_each(|i| world.port.set_counter(i, value));
            for _ in 0..4 {
                let _ = world.turn();
            }
            rounds += 1;
            assert!(rounds < 100_000, "it never ends");
        }
        assert_eq!(world.ledger().completed, 1000);
        world.assert_done();
    });
}

//! URMA completion queues: walked to a head, around laps and around 2³²; failures; credits.

use finbox_scheduler::target::{A2A3, A5};
use finbox_scheduler::{
    Chip, Engine, Event, FaultCode, Outcome, REMEMBERED_FAILURES, Shape, WALK_BUDGET,
};
use finbox_tests::house::{House, Limits};
use finbox_tests::model_port::{Lines, WireCondition};

use crate::fixture::{World, cluster, on_chip};

const ENTRIES: u32 = 8;
/// Where queues start: at the beginning, in the midst of a lap, and before the wrap at 2³².
const STARTS: [u32; 5] = [0, 5, ENTRIES, u32::MAX - 12, u32::MAX];

/// Runs `test` where lines are coherent, as on a5, and as it would be if they were not.
fn on_urma(limits: &Limits, test: impl Fn(&mut World<'_>)) {
    for lines in [Lines::Coherent, Lines::Stale] {
        let chip: Chip = cluster(&A5);
        let mut house = House::new(&chip, limits);
        test(&mut World::new(&mut house, chip, lines));
    }
}

fn walked_to(world: &World<'_>, index: usize, head: u32) -> WireCondition {
    WireCondition::queue(world.port.counter(index), 1, head)
}

#[test]
fn heads_are_reached_one_by_one_over_laps_and_over_the_wrap() {
    for start in STARTS {
        on_urma(&Limits::default(), |world| {
            world.port.open_queue(0, ENTRIES, start);
            let heads = (1..=20).map(|ahead| start.wrapping_add(ahead));
            let tasks: Vec<_> = heads
                .map(|head| {
                    let condition = walked_to(world, 0, head);
                    world.deferred(&[condition], &[])
                })
                .collect();
            world.run();
            assert_eq!(world.log.finished(), []);
            for (done, task) in (0..).zip(&tasks) {
                world.port.complete_position(0, start.wrapping_add(done), 0);
                world.run();
                let finished = world.log.finished().len();
                assert_eq!(finished as u64, u64::from(done) + 1, "from {start}");
                assert_eq!(world.log.outcome(*task), Outcome::Completed);
                let credits = world.port.consumed(0);
                assert_eq!(credits, start.wrapping_add(done + 1), "credits");
            }
            world.assert_done();
        });
    }
}

#[test]
fn a_full_lap_is_consumed_in_one_walk_for_all_who_wait() {
    for start in STARTS {
        on_urma(&Limits::default(), |world| {
            world.port.open_queue(0, ENTRIES, start);
            let heads = [1, 4, 8].map(|ahead| walked_to(world, 0, start.wrapping_add(ahead)));
            let tasks = heads.map(|condition| world.deferred(&[condition], &[]));
            world.run();
            for ahead in 0..ENTRIES {
                world
                    .port
                    .complete_position(0, start.wrapping_add(ahead), 0);
            }
            let _ = world.dispatch();
            for task in tasks {
                assert_eq!(world.log.outcome(task), Outcome::Completed);
            }
            assert_eq!(world.port.consumed(0), start.wrapping_add(ENTRIES));
            world.run();
            world.assert_done();
        });
    }
}

#[test]
fn a_failed_completion_fails_whoever_waits_for_it_alone() {
    for start in STARTS {
        on_urma(&Limits::default(), |world| {
            world.port.open_queue(0, ENTRIES, start);
            let heads = [1, 2, 3].map(|ahead| walked_to(world, 0, start.wrapping_add(ahead)));
            let [first, failed, last] = heads.map(|head| world.deferred(&[head], &[]));
            let consumer = world.plain(Shape::Aic, &[failed]);
            world.run();
            for (ahead, status) in [(0, 0), (1, 9), (2, 0)] {
                let position = start.wrapping_add(ahead);
                world.port.complete_position(0, position, status);
            }
            world.run();
            assert_eq!(world.log.outcome(first), Outcome::Completed);
            assert_eq!(world.log.outcome(failed), Outcome::Failed);
            assert_eq!(world.log.outcome(consumer), Outcome::Cancelled);
            assert_eq!(world.log.outcome(last), Outcome::Completed);
            let told = Event::EngineFailed {
                slot: failed,
                engine: Engine::Urma,
                code: 9,
            };
            assert!(world.log.events().contains(&told));
            let code = world.scheduler.fault().unwrap().code;
            assert_eq!(code, FaultCode::AsyncCompletionInvalid);
            // One that is registered when the queue was walked past it learns of it all the same.
            let late = [2, 3].map(|ahead| walked_to(world, 0, start.wrapping_add(ahead)));
            let [late, later] = late.map(|head| world.deferred(&[head], &[]));
            world.run();
            assert_eq!(world.log.outcome(late), Outcome::Failed);
            assert_eq!(world.log.outcome(later), Outcome::Completed);
            world.assert_done();
        });
    }
}

#[test]
fn the_last_failures_of_a_queue_are_remembered() {
    on_urma(&Limits::default(), |world| {
        let many = u32::try_from(REMEMBERED_FAILURES).unwrap();
        world.port.open_queue(0, 64, 0);
        (0..many + 1).for_each(|position| world.port.complete_position(0, position, 3));
        let past = walked_to(world, 0, many + 1);
        let past = world.deferred(&[past], &[]);
        world.run();
        assert_eq!(world.log.outcome(past), Outcome::Failed);
        for head in [2, many] {
            let condition = walked_to(world, 0, head);
            let task = world.deferred(&[condition], &[]);
            world.run();
            assert_eq!(world.log.outcome(task), Outcome::Failed, "head {head}");
        }
        world.assert_done();
    });
}

#[test]
fn a_long_queue_is_walked_in_pieces() {
    let chip = cluster(&A5);
    on_chip(chip, &Limits::default(), |world| {
        // Behind the model's first lines: 512 entries take 128 lines.
        world.port = finbox_tests::model_port::ModelPort::new(&chip, Lines::Coherent, 200);
        world.port.open_queue(0, 512, 0);
        let condition = walked_to(world, 0, 512);
        let task = world.deferred(&[condition], &[]);
        world.run();
        (0..512).for_each(|position| world.port.complete_position(0, position, 0));
        assert!(world.dispatch().progress, "entries were consumed");
        assert_eq!(world.port.consumed(0), WALK_BUDGET);
        assert!(!world.log.is_finished(task));
        world.run();
        assert_eq!(world.log.outcome(task), Outcome::Completed);
        world.assert_done();
    });
}

#[test]
fn a_queue_for_which_the_table_has_no_place_fails_its_task_with_103() {
    let limits = Limits {
        queues: 2,
        ..Limits::default()
    };
    on_urma(&limits, |world| {
        for index in [0, 8, 16] {
            world.port.open_queue(index, ENTRIES, 0);
        }
        let heads = [0, 8, 16, 8].map(|index| walked_to(world, index, 1));
        let tasks = heads.map(|head| world.deferred(&[head], &[]));
        world.run();
        assert_eq!(world.log.outcome(tasks[2]), Outcome::Failed);
        let code = world.scheduler.fault().unwrap().code;
        assert_eq!(code, FaultCode::AsyncRegistrationFailed);
        for index in [0, 8] {
            world.port.complete_position(index, 0, 0);
        }
        world.run();
        for task in [tasks[0], tasks[1], tasks[3]] {
            assert_eq!(world.log.outcome(task), Outcome::Completed);
        }
        world.assert_done();
    });
}

#[test]
fn a_header_that_no_queue_has_fails_its_task_with_101() {
    for entries in [0, 1, 3, 12, 8192, u32::MAX, 4096] {
        on_urma(&Limits::default(), |world| {
            // 4096 entries would be well, but for the end of memory.
            world.port.poke(world.port.counter(0), u64::from(entries));
            let condition = walked_to(world, 0, 1);
            let task = world.deferred(&[condition], &[]);
            world.run();
            assert_eq!(world.log.outcome(task), Outcome::Failed, "{entries}");
            let code = world.scheduler.fault().unwrap().code;
            assert_eq!(code, FaultCode::AsyncCompletionInvalid);
            world.assert_done();
        });
    }
}

#[test]
fn a_queue_whose_header_is_null_unaligned_or_outside_is_refused_with_101() {
    let bad: [fn(&World<'_>) -> u64; 4] = [
        |_| 0,
        |world| world.port.counter(0) + 16,
        |world| world.port.end(),
        |world| world.port.counter(0) - 64,
    ];
    for addr in bad {
        on_urma(&Limits::default(), |world| {
            let condition = WireCondition::queue(addr(world), 0, 1);
            let task = world.deferred(&[condition], &[]);
            world.run();
            assert_eq!(world.log.outcome(task), Outcome::Failed);
            let code = world.scheduler.fault().unwrap().code;
            assert_eq!(code, FaultCode::AsyncCompletionInvalid);
            assert_eq!(world.ledger().conditions, 0, "nothing of it was pushed");
            world.assert_done();
        });
    }
}

#[test]
fn a_target_without_urma_refuses_its_queues_with_103() {
    on_chip(cluster(&A2A3), &Limits::default(), |world| {
        world.port.open_queue(0, ENTRIES, 0);
        world.port.complete_position(0, 0, 0);
        let condition = walked_to(world, 0, 1);
        let task = world.deferred(&[condition], &[]);
        world.run();
        assert_eq!(world.log.outcome(task), Outcome::Failed);
        let code = world.scheduler.fault().unwrap().code;
        assert_eq!(code, FaultCode::AsyncRegistrationFailed);
        assert_eq!(world.port.consumed(0), 0, "nothing was walked");
        world.assert_done();
    });
}

#[test]
fn a_head_that_was_not_reached_says_how_far_its_queue_was_walked() {
    on_urma(&Limits::default(), |world| {
        world.port.open_queue(0, ENTRIES, 5);
        let task = world.deferred(&[walked_to(world, 0, 8)], &[]);
        world.port.complete_position(0, 5, 0);
        world.run();
        let seen = world.unmet(task)[0];
        assert_eq!((seen.expected, seen.observed), (8, 6));
    });
}

#[test]
fn a_head_that_a_dead_peer_was_to_bring_about_fails() {
    on_urma(&Limits::default(), |world| {
        world.port.open_queue(0, ENTRIES, 0);
        let heads = [1, 2].map(|rank| WireCondition::queue(world.port.counter(0), rank, 1));
        let tasks = heads.map(|head| world.deferred(&[head], &[]));
        world.run();
        world.scheduler.peer_dead(1);
        world.run();
        assert_eq!(world.log.finished(), [(tasks[0], Outcome::Failed)]);
        assert_eq!(world.scheduler.fault().unwrap().code, FaultCode::PeerDead);
        world.port.complete_position(0, 0, 0);
        world.run();
        assert_eq!(world.log.outcome(tasks[1]), Outcome::Completed);
        world.assert_done();
    });
}

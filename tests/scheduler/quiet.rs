//! Quiet lines: what stands as it stood is not looked at again, and nothing is overlooked by that.

use finbox_scheduler::limits::MAX_PEERS;
use finbox_scheduler::target::A5;
use finbox_scheduler::{
    Completion, CoreId, Event, Ledger, Outcome, SETTLE_BUDGET, Shape, SlotId, Start,
};
use finbox_tests::house::{House, Limits};
use finbox_tests::model_port::{Lines, WireCondition};
use oorandom::Rand32;

use crate::fixture::{World, below, cluster, on_each_target};

fn roomy(completion: Completion) -> Limits {
    Limits {
        mailbox: 64,
        slots: 1024,
        conditions: 4096,
        start: Start {
            completion,
            ..Limits::default().start
        },
        ..Limits::default()
    }
}

/// "Word `word` of line `line` reaches `expected`."
fn word(world: &World<'_>, (line, word): (usize, usize), expected: u32) -> WireCondition {
    WireCondition::counter(world.port.counter(line) + word as u64 * 4, expected)
}

/// How many words a pass reads.
fn loads(world: &mut World<'_>) -> u64 {
    let before = world.port.loads();
    let _ = world.dispatch();
    world.port.loads() - before
}

#[test]
fn a_pass_without_news_reads_each_watched_word_once() {
    on_each_target(&roomy(Completion::Mailbox), |world| {
        for task in 1..=10 {
            let conditions: Vec<_> = (0..64)
                .map(|index| word(world, (index % 2, index % 3 * 5), task))
                .collect();
            let _ = world.deferred(&conditions, &[]);
        }
        let record = WireCondition::event_record(world.port.counter(2), 1 << 40);
        let _ = world.deferred(&[record; 9], &[]);
        world.run();
        assert_eq!(world.dispatch().polled, 649);
        assert_eq!(loads(world), 6 + 2);
        // One word moves: its line is walked, once.
        world.port.poke_counter(0, 10, 4);
        assert_eq!(world.dispatch().polled, 649);
        assert!(loads(world) < 16, "quiet again");
        assert_eq!(world.scheduler.waiting().unwrap().0, 11);
        (0..2).for_each(|line| {
            (0..16).for_each(|word| world.port.poke_counter(line, word, 10));
        });
        world.port.complete_posts(2, 1 << 40);
        world.run();
        world.assert_done();
    });
}

#[test]
fn two_conditions_on_one_counter_hold_each_at_its_own_value() {
    on_each_target(&Limits::default(), |world| {
        let tasks = [3, 5, 4].map(|value| world.deferred(&[world.counter(0, value)], &[]));
        for value in 0..=5 {
            world.port.set_counter(0, value);
            for _ in 0..3 {
                world.run();
            }
            let held = [3, 5, 4].map(|expected| expected <= value);
            assert_eq!(tasks.map(|task| world.log.is_finished(task)), held);
        }
        world.assert_done();
    });
}

/// Two conditions on one counter, which moves after the first was seen and before the second; then
/// the counter says `last`.
fn moved_between(expected: [u32; 2], last: u32, held: [bool; 2], went_back: u64) {
    // A FIN registers its conditions itself, and no sweep looks at the first one in between.
    on_each_target(&roomy(Completion::Locked), |world| {
        world.port.set_counter(0, 4);
        let first = world.deferred(&[world.counter(0, expected[0])], &[]);
        world.run();
        let second = world.deferred(&[world.counter(0, expected[1])], &[]);
        let _ = world.dispatch();
        assert!(world.run_cores());
        world.port.set_counter(0, 6);
        assert!(world.handle());
        world.port.set_counter(0, last);
        world.run();
        world.run();
        let is_held = [first, second].map(|task| world.log.is_finished(task));
        assert_eq!(is_held, held, "{expected:?} at {last}");
        assert_eq!(world.ledger().went_back, went_back);
        world.port.set_counter(0, 9);
        world.run();
        world.assert_done();
    });
}

#[test]
fn a_counter_that_moves_between_two_insertions_is_looked_at_by_both() {
    moved_between([6, 9], 6, [true, false], 0);
    moved_between([9, 7], 7, [false, true], 0);
    // As the first one saw it: the second one saw it go back.
    moved_between([9, 9], 4, [false, false], 1);
    moved_between([9, 9], 5, [false, false], 1);
}

#[test]
fn a_step_back_is_noticed_once_by_each_condition_on_a_quiet_line() {
    on_each_target(&Limits::default(), |world| {
        world.port.set_counter(0, 7);
        let task = world.deferred(&[world.counter(0, 9), world.counter(0, 10)], &[]);
        world.run();
        world.run();
        world.port.set_counter(0, 4);
        world.run();
        world.run();
        assert_eq!(world.ledger().went_back, 2);
        for unmet in world.unmet(task) {
            assert_eq!((unmet.observed, unmet.went_back), (4, Some((7, 4))));
        }
        world.port.set_counter(0, 10);
        world.run();
        world.assert_done();
    });
}

#[test]
fn what_comes_late_onto_a_quiet_line_is_seen() {
    on_each_target(&Limits::default(), |world| {
        let early = world.deferred(&[word(world, (0, 0), 1)], &[]);
        world.run();
        let late = [5, 0, 15].map(|at| world.deferred(&[word(world, (0, at), 1)], &[]));
        world.run();
        world.run();
        for (at, task) in [5, 15].into_iter().zip([late[0], late[2]]) {
            world.port.poke_counter(0, at, 1);
            world.run();
            assert_eq!(world.log.outcome(task), Outcome::Completed);
        }
        assert!(!world.log.is_finished(early) && !world.log.is_finished(late[1]));
        world.port.poke_counter(0, 0, 1);
        world.run();
        world.assert_done();
    });
}

#[test]
fn a_line_with_a_queue_on_it_is_never_quiet() {
    for lines in [Lines::Coherent, Lines::Stale] {
        let chip = cluster(&A5);
        let mut house = House::new(&chip, &Limits::default());
        let world = &mut World::new(&mut house, chip, lines);
        world.port.open_queue(0, 8, 0);
        let counter = world.deferred(&[word(world, (0, 12), 2)], &[]);
        world.run();
        let queue = WireCondition::queue(world.port.counter(0), 1, 2);
        let queue = world.deferred(&[queue], &[]);
        let other = world.deferred(&[word(world, (0, 12), 1)], &[]);
        world.run();
        for position in 0..2 {
            assert!(!world.log.is_finished(queue));
            world.port.complete_position(0, position, 0);
            world.run();
        }
        assert_eq!(world.log.finished(), [(queue, Outcome::Completed)]);
        // With the queue's condition gone the line may be quiet, and its counter still counts.
        for (value, task) in [(1, other), (2, counter)] {
            world.port.poke_counter(0, 12, value);
            world.run();
            assert_eq!(world.log.outcome(task), Outcome::Completed);
        }
        world.assert_done();
    }
}

#[test]
fn a_peer_of_any_rank_that_dies_fails_what_waits_for_it_on_quiet_lines() {
    for rank in [0, 63, 64, MAX_PEERS - 1] {
        on_each_target(&Limits::default(), |world| {
            let (mine, other) = (word(world, (0, 3), 1), word(world, (0, 4), 1));
            let task = world.deferred(&[other, mine.of_peer(rank)], &[]);
            let liar = world.deferred(&[other.of_peer(u32::MAX - 1)], &[]);
            world.run();
            world.scheduler.peer_dead((rank + 1) % MAX_PEERS);
            world.run();
            assert_eq!(world.log.finished(), []);
            world.scheduler.peer_dead(rank);
            world.run();
            assert_eq!(world.log.finished(), [(task, Outcome::Failed)]);
            world.port.poke_counter(0, 4, 1);
            world.run();
            assert_eq!(world.log.outcome(liar), Outcome::Completed);
            world.assert_done();
        });
    }
}

#[test]
fn a_task_that_is_given_up_leaves_a_line_that_is_quiet_or_half_walked() {
    on_each_target(&roomy(Completion::Mailbox), |world| {
        // One line, more conditions than a pass looks at; the last ones are looked at first.
        let tasks: Vec<_> = (0..20)
            .map(|_| world.deferred(&[word(world, (0, 0), 9); 64], &[]))
            .collect();
        world.run();
        let stored = world.scheduler.room().0;
        for (is_walked, task) in [(false, tasks[19]), (true, tasks[18])] {
            let before = world.scheduler.room().0;
            if is_walked {
                world.port.poke_counter(0, 0, 1);
                assert_eq!(world.dispatch().polled, SETTLE_BUDGET);
            }
            let mut desk = world.scheduler.wait_list().try_lock().unwrap();
            assert!(desk.abandon(&world.scheduler, task));
            drop(desk);
            world.run();
            assert_eq!(world.scheduler.room().0, before - 64);
        }
        assert_eq!(world.scheduler.room().0, stored - 128);
        world.port.poke_counter(0, 0, 9);
        world.run();
        assert_eq!(world.scheduler.room().0, 0);
    });
}

#[test]
fn conditions_of_a_task_of_which_another_block_fails_leave_a_quiet_line() {
    on_each_target(&Limits::default(), |world| {
        let task = world.task(Shape::Aiv, &[], |spec| {
            (spec.blocks, spec.may_defer) = (2, 4);
        });
        let _ = world.dispatch();
        let [good, bad] = [CoreId(0), CoreId(2)];
        assert!(world.port.start(good).is_some() && world.port.start(bad).is_some());
        let conditions = [word(world, (0, 0), 1), word(world, (1, 0), 1)];
        world.port.defer(good, &conditions);
        world.port.finish(good);
        world.run();
        world.run();
        assert_eq!(world.scheduler.wait_list().try_lock().unwrap().lines(), 2);
        world.port.write_slab_header(bad, 0, 103);
        world.port.finish(bad);
        world.run();
        assert_eq!(world.log.outcome(task), Outcome::Failed);
        world.assert_done();
        assert_eq!(world.scheduler.wait_list().try_lock().unwrap().lines(), 0);
    });
}

#[test]
fn a_task_that_ends_without_stored_conditions_leaves_the_lines_of_others_quiet() {
    on_each_target(&roomy(Completion::Mailbox), |world| {
        world.scheduler.peer_dead(3);
        let _ = world.deferred(&[word(world, (0, 0), 1); 64], &[]);
        world.run();
        assert_eq!(loads(world), 1);
        let in_vain = world.counter(1, 1).of_peer(3);
        let failed = world.deferred(&[in_vain; 2], &[]);
        let given_up = world.deferred(&[word(world, (1, 0), 1)], &[]);
        let _ = world.dispatch();
        assert!(world.run_cores() && world.handle());
        let mut desk = world.scheduler.wait_list().try_lock().unwrap();
        assert!(desk.abandon(&world.scheduler, given_up));
        drop(desk);
        assert_eq!(
            loads(world),
            1 + 1 + 1,
            "one was given up, one comes and is read once more"
        );
        assert_eq!(world.log.outcome(failed), Outcome::Failed);
        assert_eq!(loads(world), 1, "one failed");
    });
}

/// Ranks that nobody waits for.
const STRANGERS: std::ops::Range<u32> = 8..MAX_PEERS - 8;

/// A random condition, on few lines, that holds later or never.
fn condition(world: &World<'_>, random: &mut Rand32) -> WireCondition {
    let line = below(random, 5);
    let expected = 1 + random.rand_range(0..6);
    match below(random, 9) {
        0 => WireCondition::event_record(world.port.counter(line), u64::from(expected)),
        1 => word(world, (line, below(random, 16)), expected).of_peer(random.rand_range(0..8)),
        2 => word(world, (line, 3), expected).of_peer(MAX_PEERS - 1),
        _ => word(world, (line, below(random, 4) * 5), expected),
    }
}

/// Tasks that wait, are late, are given up or fail; everything told, and the ledger. If `doubts`,
/// a stranger dies before every pass, so that each condition is looked at by itself.
fn play(doubts: bool, seed: u64, world: &mut World<'_>) -> (Vec<Event>, Ledger, Vec<Option<u64>>) {
    let (mut random, mut strangers) = (Rand32::new(seed), STRANGERS);
    let (mut deadlines, mut slots) = (Vec::new(), Vec::<SlotId>::new());
    for round in 0..300 {
        if round < 200 && below(&mut random, 3) > 0 {
            let count = 1 + below(&mut random, 64);
            let conditions: Vec<_> = (0..count).map(|_| condition(world, &mut random)).collect();
            slots.push(match below(&mut random, 3) {
                0 => world.in_time(1 + u64::from(random.rand_range(0..900)), &conditions),
                _ => world.deferred(&conditions, &[]),
            });
        }
        let (line, at) = (below(&mut random, 5), below(&mut random, 16));
        let value = random.rand_range(0..3) + round / 60;
        if below(&mut random, 4) == 0 {
            world.port.poke_counter(line, at, value);
        }
        if round % 70 == 60 {
            world.scheduler.peer_dead(round / 70);
        }
        if below(&mut random, 30) == 0 && !slots.is_empty() {
            let slot = slots.swap_remove(below(&mut random, slots.len()));
            let waits = !world.unmet(slot).is_empty() && !world.log.is_finished(slot);
            let mut desk = world.scheduler.wait_list().try_lock().unwrap();
            assert!(!waits || desk.abandon(&world.scheduler, slot));
        }
        if doubts {
            world.scheduler.peer_dead(strangers.next().unwrap());
        }
        deadlines.push(world.dispatch().deadline_ns);
        let _ = (world.run_cores(), world.handle());
    }
    (world.log.events(), world.ledger(), deadlines)
}

#[test]
fn a_list_that_trusts_quiet_lines_tells_what_one_does_that_looks_at_everything() {
    for seed in 0..20 {
        let played = std::cell::RefCell::new(Vec::new());
        for doubts in [false, true] {
            on_each_target(&roomy(Completion::Mailbox), |world| {
                let told = play(doubts, seed, world);
                played.borrow_mut().push((told, world.port.loads()));
            });
        }
        let played = played.into_inner();
        for target in 0..2 {
            let (trusting, looking) = (&played[target], &played[target + 2]);
            assert_eq!(trusting.0.0, looking.0.0, "seed {seed}");
            assert_eq!(trusting.0.1, looking.0.1, "seed {seed}");
            assert_eq!(trusting.0.2, looking.0.2, "seed {seed}");
            assert!(trusting.0.1.polls > 20_000, "{:?}", trusting.0.1);
            assert!(
                trusting.1 * 4 < looking.1 * 3,
                "{} of {}",
                trusting.1,
                looking.1
            );
        }
    }
}

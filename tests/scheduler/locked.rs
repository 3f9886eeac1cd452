//! The `locked` baseline: same results and the same ledger as through the mailbox, without it.

use finbox_scheduler::{Completion, Event, Holder, Ledger, Outcome, Shape, SlotId, Start};
use finbox_tests::house::Limits;
use oorandom::Rand32;

use crate::fixture::{World, below, on_each_target};

fn limits(completion: Completion) -> Limits {
    Limits {
        slots: 512,
        conditions: 512,
        mailbox: 4,
        start: Start {
            completion,
            ..Limits::default().start
        },
        ..Limits::default()
    }
}

/// A random graph of deferred and other tasks, some of which fail; its outcomes by slot.
fn play(world: &mut World<'_>, seed: u64) -> (Vec<(SlotId, Outcome)>, Ledger) {
    let mut random = Rand32::new(seed);
    let mut slots: Vec<SlotId> = Vec::new();
    for _ in 0..200 {
        let count = below(&mut random, 5);
        let mut conditions = Vec::new();
        for _ in 0..count {
            let ahead = random.rand_range(0..4);
            conditions.push(world.counter(below(&mut random, 16), ahead));
        }
        if below(&mut random, 20) == 0 {
            conditions.push(world.counter(0, 0).of_peer(9));
            conditions.push(world.counter(20, 1).of_peer(7));
        }
        let bound = u8::try_from(conditions.len()).unwrap() + 1;
        let bound = if below(&mut random, 40) == 0 {
            1
        } else {
            bound
        };
        let after: Vec<_> = (0..below(&mut random, 3))
            .filter(|_| !slots.is_empty())
            .map(|_| slots[below(&mut random, slots.len())])
            .collect();
        let args = world.script(&conditions);
        slots.push(world.submit((Shape::Aiv, bound, args), &after));
    }
    for value in 1..4 {
        world.run();
        (0..16).for_each(|index| world.port.set_counter(index, value));
    }
    world.run();
    world.scheduler.peer_dead(7);
    world.run();
    world.assert_done();
    let mut finished = world.log.finished();
    finished.sort_unstable_by_key(|&(slot, _)| slot);
    (finished, world.ledger())
}

#[test]
fn the_baseline_comes_to_the_same_outcomes_and_counts_as_the_mailbox() {
    for seed in 0..10 {
        let plays = [Completion::Mailbox, Completion::Locked].map(|completion| {
            let both = std::cell::RefCell::new(Vec::new());
            on_each_target(&limits(completion), |world| {
                both.borrow_mut().push(play(world, seed));
            });
            both.into_inner()
        });
        let [mailbox, locked] = plays;
        for (mailbox, locked) in mailbox.into_iter().zip(locked) {
            assert_eq!(mailbox.0, locked.0, "seed {seed}");
            let (through, under) = (mailbox.1, locked.1);
            assert_eq!((under.full, under.mailbox_high_water), (0, 0));
            let counts = |ledger: &Ledger| {
                let outcomes = (ledger.completed, ledger.failed, ledger.cancelled);
                let roads = (ledger.inline, ledger.deferred, ledger.overshoots);
                let messages = (ledger.conditions, ledger.normal_done);
                let reported = ledger.messages_reported;
                (outcomes, roads, messages, reported, ledger.fins_applied)
            };
            assert_eq!(counts(&through), counts(&under), "seed {seed}");
            assert!(under.failed > 0 && under.cancelled > 0 && under.deferred > 50);
        }
    }
}

#[test]
fn every_taking_and_giving_back_of_the_lock_is_told_in_the_baseline_alone() {
    for completion in [Completion::Mailbox, Completion::Locked] {
        on_each_target(&limits(completion), |world| {
            let conditions = [0, 1].map(|index| world.counter(index, 1));
            let task = world.deferred(&conditions, &[]);
            world.run();
            (0..2).for_each(|index| world.port.set_counter(index, 1));
            world.run();
            assert_eq!(world.log.outcome(task), Outcome::Completed);
            let (mut holders, mut held) = (Vec::new(), None);
            for event in world.log.events() {
                match event {
                    Event::Locked { by } => {
                        assert_eq!(held.replace(by), None, "one holder at a time");
                        holders.push(by);
                    }
                    Event::Unlocked { by } => assert_eq!(held.take(), Some(by)),
                    _ => {}
                }
            }
            assert_eq!(held, None);
            let by_handlers = holders.iter().filter(|&&by| by == Holder::Handler).count();
            match completion {
                Completion::Mailbox => assert_eq!(holders, []),
                Completion::Locked => assert!(by_handlers == 1 && holders.len() > 1),
            }
            world.assert_done();
        });
    }
}

#[test]
fn nothing_is_owed_in_the_baseline_however_small_the_mailbox() {
    let limits = Limits {
        mailbox: 2,
        ..limits(Completion::Locked)
    };
    on_each_target(&limits, |world| {
        let conditions: Vec<_> = (0..64).map(|index| world.counter(index, 1)).collect();
        let task = world.deferred(&conditions, &[]);
        let _ = world.dispatch();
        assert!(world.run_cores() && world.handle());
        assert!(!world.handlers[0].owes());
        assert_eq!(world.scheduler.waiting(), Some((1, 0)));
        (0..64).for_each(|index| world.port.set_counter(index, 1));
        world.run();
        assert_eq!(world.log.outcome(task), Outcome::Completed);
        world.assert_done();
    });
}

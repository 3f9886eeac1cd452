//! Cores through the real roles: the second place, parities, tokens, and words that are not ours.

use finbox_scheduler::target::A2A3;
use finbox_scheduler::{Chip, Cond, CoreId, Event, Foreign, Handlers, Outcome, Shape, Token};
use finbox_tests::house::{House, Limits};
use finbox_tests::model_port::{Lines, ModelPort};

use crate::fixture::{AIC, COUNTERS, TARGETS, World, on_chip, on_each_target};

/// A chip of one AIV core.
const fn lone(target: &'static finbox_scheduler::Target) -> Chip {
    Chip {
        target,
        cores: 1,
        host_lanes: 0,
        handlers: 1,
    }
}

const CORE: CoreId = CoreId(0);

#[test]
fn the_second_place_is_filled_only_after_the_first_token_was_acked() {
    on_each_target(&Limits::default(), |world| {
        let tasks = [(); 3].map(|()| world.plain(Shape::Aic, &[]));
        let _ = world.dispatch();
        assert_eq!(world.log.dispatched(), [(AIC, Token::FIRST, tasks[0])]);
        let _ = world.dispatch();
        assert_eq!(world.log.dispatched().len(), 1, "no ACK yet");
        assert_eq!(world.start(AIC), Some(tasks[0]));
        let _ = world.dispatch();
        assert_eq!(
            world.log.dispatched().len(),
            1,
            "no handler saw the ACK yet"
        );
        assert!(world.handle());
        let _ = world.dispatch();
        assert_eq!(
            world.log.dispatched()[1],
            (AIC, Token::FIRST.next(), tasks[1])
        );
        let _ = world.dispatch();
        assert_eq!(world.log.dispatched().len(), 2, "both places are taken");
        world.run();
        world.port.finish(AIC);
        world.run();
        assert!(
            tasks
                .iter()
                .all(|&task| world.log.outcome(task) == Outcome::Completed)
        );
        world.assert_done();
    });
}

#[test]
fn a_handler_that_comes_late_sees_both_tokens_finish() {
    on_each_target(&Limits::default(), |world| {
        let tasks = [(); 3].map(|()| world.plain(Shape::Aic, &[]));
        let _ = world.dispatch();
        let _ = world.start(AIC);
        assert!(world.handle());
        let _ = world.dispatch();
        world.port.finish(AIC);
        assert!(
            !world.handle(),
            "FIN of running says nothing while a pending exists"
        );
        assert!(world.run_core(AIC).is_some());
        assert!(world.handle());
        let order: Vec<_> = world.log.finished().iter().map(|(slot, _)| *slot).collect();
        assert_eq!(order, tasks[..2], "in the order of their tokens");
        world.run();
        world.assert_done();
    });
}

#[test]
fn tokens_are_consecutive_and_never_used_twice() {
    for target in TARGETS {
        on_chip(lone(target), &Limits::default(), |world| {
            for _ in 0..500 {
                let _ = world.plain(Shape::Aiv, &[]);
                world.run();
            }
            let tokens: Vec<_> = world.log.dispatched().iter().map(|d| d.1.bits()).collect();
            assert!(tokens.into_iter().eq(1..=500));
            world.assert_done();
        });
    }
}

#[test]
fn tokens_go_on_where_they_stopped_when_the_memory_is_assembled_again() {
    for target in TARGETS {
        let chip = lone(target);
        let mut house = House::new(&chip, &Limits::default());
        let mut port = ModelPort::new(&chip, Lines::of(&chip), COUNTERS);
        let mut tokens = Vec::new();
        for _ in 0..3 {
            let world = &mut World::new(&mut house, chip, Lines::of(&chip));
            std::mem::swap(&mut world.port, &mut port);
            for _ in 0..5 {
                let task = world.plain(Shape::Aiv, &[]);
                world.run();
                assert_eq!(world.log.outcome(task), Outcome::Completed);
            }
            tokens.extend(world.log.dispatched().iter().map(|d| d.1.bits()));
            world.assert_done();
            std::mem::swap(&mut world.port, &mut port);
        }
        assert!(
            tokens.into_iter().eq(1..=15),
            "COND still says FIN of the last run"
        );
    }
}

#[test]
fn shapes_go_to_their_cores_and_host_tasks_to_host_lanes() {
    on_each_target(&Limits::default(), |world| {
        for shape in [Shape::Host, Shape::Aic, Shape::Aiv, Shape::Aiv] {
            let _ = world.plain(shape, &[]);
        }
        let _ = world.dispatch();
        let mut cores: Vec<_> = world.log.dispatched().iter().map(|d| d.0.0).collect();
        cores.sort_unstable();
        assert_eq!(cores, [0, 1, 2, 3]);
        let host = world
            .log
            .dispatched()
            .iter()
            .find(|d| d.0 == CoreId(3))
            .unwrap()
            .2;
        world.run();
        assert_eq!(world.log.outcome(host), Outcome::Completed);
        world.assert_done();
    });
}

fn foreign(world: &World<'_>) -> Vec<Foreign> {
    let kind = |event: &Event| match event {
        Event::Foreign { kind, .. } => Some(*kind),
        _ => None,
    };
    world.log.events().iter().filter_map(kind).collect()
}

#[test]
fn words_that_are_not_ours_are_counted_once_and_change_nothing() {
    for target in TARGETS {
        on_chip(lone(target), &Limits::default(), |world| {
            for _ in 0..4 {
                let _ = world.plain(Shape::Aiv, &[]);
                world.run();
            }
            let task = world.plain(Shape::Aiv, &[]);
            let _ = world.dispatch();
            let _ = world.start(CORE);
            assert!(world.handle());
            let fin = |token: u32| Cond::fin(Token::from_bits(token)).0;
            for word in [fin(4), fin(2), fin(9), u32::MAX] {
                world.port.set_cond(CORE, word);
                let news = (0..3).filter(|_| world.handle()).count();
                let makes_suspect = usize::from(word == fin(9));
                assert_eq!(news, makes_suspect, "{word:#x}");
            }
            use Foreign::{Duplicate, Stale, Unknown};
            assert_eq!(foreign(world), [Duplicate, Stale, Unknown, Unknown]);
            assert!(!world.log.is_finished(task));
            world.port.finish(CORE);
            world.run();
            assert_eq!(world.log.outcome(task), Outcome::Completed);
            let ledger = world.ledger();
            let kinds = (
                ledger.fins_duplicate,
                ledger.fins_stale,
                ledger.fins_unknown,
            );
            assert_eq!((kinds, ledger.fins_applied), ((1, 1, 2), 5));
            world.assert_done();
        });
    }
}

#[test]
fn an_owed_fin_keeps_its_parity_until_the_mailbox_took_everything() {
    let limits = Limits {
        mailbox: 2,
        ..Limits::default()
    };
    for target in TARGETS {
        on_chip(lone(target), &limits, |world| {
            // Token 1 owes one of three messages; nobody drains.
            let conditions = [0, 1, 2, 3, 4, 5].map(|i| world.counter(i, 1));
            let first = world.deferred(&conditions, &[]);
            let _ = world.dispatch();
            assert!(world.run_cores() && world.handle());
            assert_eq!(world.ledger().messages_accepted, 2);
            let others = [(); 3].map(|()| world.plain(Shape::Aiv, &[]));
            for _ in 0..20 {
                let _ = pass_without_lock(world);
                let _ = world.run_cores();
                let _ = world.handle();
            }
            let tokens: Vec<_> = world.log.dispatched().iter().map(|d| d.1.bits()).collect();
            assert_eq!(tokens, [1, 2], "token 3 has the parity of token 1");
            assert_eq!(world.log.outcome(others[0]), Outcome::Completed);
            assert!(!world.log.is_finished(first));
            world.run();
            (0..6).for_each(|i| world.port.set_counter(i, 1));
            world.run();
            assert_eq!(world.log.outcome(first), Outcome::Completed);
            assert!(world.ledger().full > 0);
            world.assert_done();
        });
    }
}

/// A pass that loses the lock.
fn pass_without_lock(world: &mut World<'_>) -> finbox_scheduler::Pass {
    let _guard = world.scheduler.wait_list().try_lock().unwrap();
    world
        .dispatcher
        .pass(&world.scheduler, &world.port, &world.log)
}

#[test]
fn what_a_full_mailbox_refused_is_pushed_later_as_its_own_core_wrote_it() {
    let limits = Limits {
        mailbox: 2,
        ..Limits::default()
    };
    on_each_target(&limits, |world| {
        // Three cores finish in one pass: the first fills the mailbox, the others are refused.
        let tasks = [0, 1, 2].map(|i| {
            let conditions = [2 * i, 2 * i + 1].map(|c| world.counter(c, 1));
            let args = world.script(&conditions);
            let shape = if i == 2 { Shape::Aic } else { Shape::Aiv };
            world.submit((shape, 2, args), &[])
        });
        world.run();
        assert_eq!(world.ledger().conditions, 6);
        let mut seen = Vec::new();
        assert!(world.scheduler.for_each_unmet(&world.port, |unmet| {
            seen.push((unmet.slot, unmet.addr));
        }));
        seen.sort_unstable();
        let mut wanted = Vec::new();
        for (i, &task) in tasks.iter().enumerate() {
            wanted.extend([2 * i, 2 * i + 1].map(|c| (task, world.port.counter(c))));
        }
        wanted.sort_unstable();
        assert_eq!(seen, wanted, "a task waits for another's conditions");
        (0..6).for_each(|i| world.port.set_counter(i, 1));
        world.run();
        world.assert_done();
    });
}

#[test]
fn a_whole_chip_is_used_and_every_handler_owns_its_clusters() {
    for target in TARGETS {
        let chip = Chip::whole(target);
        let limits = Limits {
            slots: 1024,
            ..Limits::default()
        };
        on_chip(chip, &limits, |world| {
            for core in chip.all() {
                let _ = world.plain(chip.shape_of(core), &[]);
            }
            let mut rung = Handlers::default();
            for _ in 0..4 {
                rung.merge(world.dispatch().handlers);
            }
            assert_eq!(rung, Handlers::first(chip.handlers));
            let mut cores: Vec<_> = world.log.dispatched().iter().map(|d| d.0).collect();
            cores.sort_unstable();
            assert!(cores.into_iter().eq(chip.all()));
            world.run();
            world.assert_done();
        });
    }
    assert_eq!(Chip::whole(&A2A3).lanes(), 73);
}

//! Rows 21, 22 and 24: a claimer that dies in the gap, one that only takes long, and a mailbox that
//! nobody drains.

use std::cell::Cell;
use std::mem;
use std::num::NonZeroU32;

use finbox_mailbox::{Done, Message, SlotBits};
use finbox_scheduler::limits::DEFAULT_GAP_NS;
use finbox_scheduler::{
    CoreId, DRAIN_BUDGET, Event, FaultCode, HandlerStep, Limits as TimeLimits, Outcome, Shape,
    SlotId, Start, TaskId,
};
use finbox_tests::house::Limits;
use oorandom::Rand32;

use crate::fixture::{COUNTERS, TARGETS, World, below, cluster, on_chip, on_each_target};

pub(crate) fn of_slots(mailbox: usize) -> Limits {
    Limits {
        mailbox,
        ..Limits::default()
    }
}

const HANDLER: Option<NonZeroU32> = NonZeroU32::new(1);

/// A message that names nobody.
fn nothing() -> Message {
    Message::NormalDone(Done {
        task: 0,
        slot: SlotBits(0),
        expected: 0,
    })
}

/// Somebody else claims `count` positions and dies.
pub(crate) fn ghost(world: &mut World<'_>, count: u32) {
    let name = NonZeroU32::new(77).unwrap();
    let mut ghost = world.scheduler.mailbox().register(name).unwrap();
    let claimed = ghost.claim(count).unwrap();
    world.pushed_by_hand += u64::from(claimed.left());
    mem::forget(claimed);
    mem::forget(ghost);
}

/// Positions told missing, with their claimers.
fn missing(world: &World<'_>) -> Vec<(u64, Option<NonZeroU32>)> {
    let events = world.log.events().into_iter();
    let pick = |event| match event {
        Event::Missing { position, claimer } => Some((position, claimer)),
        _ => None,
    };
    events.filter_map(pick).collect()
}

/// One task's messages are claimed by its handler, which dies there; the task and its consumer.
fn die_with(world: &mut World<'_>, conditions: usize) -> (SlotId, SlotId) {
    let conditions: Vec<_> = (0..conditions).map(|i| world.counter(i, 1)).collect();
    let task = world.deferred(&conditions, &[]);
    let consumer = world.plain(Shape::Aic, &[task]);
    let _ = world.dispatch();
    assert!(world.run_cores());
    world.handlers[0].die_in_batch(1);
    assert!(world.handle());
    (task, consumer)
}

/// Lets the gap outlive its limit.
fn outlive(world: &mut World<'_>) {
    world.port.advance(DEFAULT_GAP_NS);
    world.run();
    let fault = world.scheduler.fault().unwrap();
    assert_eq!(fault.code, FaultCode::MailboxGap);
    assert_eq!(fault.task, TaskId::INVALID);
}

#[test]
fn f21_a_handler_that_dies_in_the_gap_is_named_and_its_task_fails_while_others_go_on() {
    on_each_target(&of_slots(8), |world| {
        let (lost, cancelled) = die_with(world, 5);
        let waits = world.deferred(&[world.counter(9, 1)], &[]);
        let after = world.plain(Shape::Host, &[waits]);
        world.run();
        assert_eq!(world.log.finished(), [], "delivery stands still");
        assert_eq!(world.scheduler.fault(), None, "and that is no fault yet");

        outlive(world);
        let start = u64::MAX - 5;
        let gone = [0, 1, 2].map(|offset| (start + offset, HANDLER));
        assert_eq!(missing(world), gone);
        let desk = world.scheduler.wait_list().try_lock().unwrap();
        let gap = desk.gap().unwrap();
        assert_eq!(
            (gap.position, gap.claimer, gap.missing),
            (start, HANDLER, 3)
        );
        assert_eq!((desk.gap_deadline(), desk.mailbox_depth_hint()), (None, 0));
        drop(desk);
        assert_eq!(world.log.outcome(lost), Outcome::Failed);
        assert_eq!(world.log.outcome(cancelled), Outcome::Cancelled);
        assert!(!world.log.is_finished(waits), "its messages were delivered");

        world.port.set_counter(9, 1);
        world.run();
        assert_eq!(world.log.outcome(waits), Outcome::Completed);
        assert_eq!(world.log.outcome(after), Outcome::Completed);
        assert_eq!(world.ledger().messages_reported, 3);
        world.assert_done();
    });
}

#[test]
fn f21_without_a_mailbox_plain_tasks_complete_and_deferred_ones_fail_by_number() {
    on_each_target(&of_slots(8), |world| {
        ghost(world, 1);
        world.run();
        outlive(world);
        assert_eq!(missing(world), [(u64::MAX - 5, NonZeroU32::new(77))]);
        for _ in 0..3 {
            let plain = world.plain(Shape::Aic, &[]);
            let deferred = world.deferred(&[world.counter(0, 0)], &[plain]);
            let after = world.plain(Shape::Aiv, &[deferred]);
            world.run();
            assert_eq!(world.log.outcome(plain), Outcome::Completed);
            assert_eq!(world.log.outcome(deferred), Outcome::Failed);
            assert_eq!(world.log.outcome(after), Outcome::Cancelled);
            assert!(!world.handlers[0].owes());
        }
        world.assert_done();
    });
}

#[test]
fn f21_what_a_full_mailbox_refused_before_the_claimer_was_known_dead_is_owed_by_nobody() {
    on_each_target(&of_slots(2), |world| {
        ghost(world, 2);
        let task = world.deferred(&[0, 1, 2].map(|i| world.counter(i, 0)), &[]);
        world.run();
        assert_eq!(world.handlers[0].owed_cores(), 1);
        assert_eq!(world.scheduler.mailbox_depth_hint(), 2);
        outlive(world);
        assert_eq!(world.handlers[0].owed_cores(), 0);
        assert_eq!(world.log.outcome(task), Outcome::Failed);
        world.assert_done();
    });
}

#[test]
fn f21_a_task_with_blocks_still_running_fails_when_the_last_one_has_retired() {
    on_each_target(&of_slots(8), |world| {
        let conditions = [world.counter(0, 1)];
        let args = world.script(&conditions);
        let task = world.task(Shape::Aiv, &[], |spec| {
            (spec.blocks, spec.may_defer, spec.args) = (2, 4, args);
        });
        let _ = world.dispatch();
        assert_eq!(world.start(CoreId(0)), Some(task));
        assert_eq!(world.start(CoreId(2)), Some(task));
        world.port.finish(CoreId(0));
        world.handlers[0].die_in_batch(1);
        assert!(world.handle());
        let _ = world.dispatch();
        world.port.advance(DEFAULT_GAP_NS);
        for _ in 0..9 {
            let _ = world.dispatch();
        }
        assert_eq!(missing(world).len(), 1);
        assert!(!world.log.is_finished(task), "a block of it still runs");
        world.port.finish(CoreId(2));
        world.run();
        assert_eq!(world.log.outcome(task), Outcome::Failed);
        world.assert_done();
    });
}

#[test]
fn f21_a_recovery_longer_than_a_pass_goes_on_in_the_next_ones() {
    let behind = 3 * DRAIN_BUDGET;
    on_each_target(&of_slots(1024), |world| {
        let (task, _) = die_with(world, 3);
        for _ in 0..behind {
            world.scheduler.mailbox().push(&nothing()).unwrap();
        }
        world.pushed_by_hand += u64::from(behind);
        let _ = world.dispatch();
        world.port.advance(DEFAULT_GAP_NS);
        for _ in 0..3 {
            let pass = world.dispatch();
            assert!(pass.watching && pass.progress, "nobody need ring for it");
            assert!(!world.log.is_finished(task), "more may yet be found");
        }
        world.run();
        assert_eq!(world.log.outcome(task), Outcome::Failed);
        assert_eq!(missing(world).len(), 2);
        assert_eq!(world.log.refused().len(), behind as usize);
        world.assert_done();
    });
}

#[test]
fn f21_who_waits_is_counted_though_the_recovery_is_not_over() {
    on_each_target(&of_slots(1024), |world| {
        ghost(world, 1);
        let waits = world.deferred(&[world.counter(0, 1)], &[]);
        let _ = world.dispatch();
        assert!(world.run_cores() && world.handle());
        for _ in 0..DRAIN_BUDGET {
            world.scheduler.mailbox().push(&nothing()).unwrap();
        }
        world.pushed_by_hand += u64::from(DRAIN_BUDGET);
        let _ = world.dispatch();
        world.port.advance(DEFAULT_GAP_NS);
        let _ = world.dispatch();
        assert_eq!(world.scheduler.waiting(), Some((1, 2)), "it was found");
        assert_eq!(world.ledger().waiting_high_water, 1);
        world.port.set_counter(0, 1);
        world.run();
        assert_eq!(world.log.outcome(waits), Outcome::Completed);
        world.assert_done();
    });
}

#[test]
fn f21_a_gap_is_reported_within_the_limit_that_was_given_and_not_before() {
    const LIMIT: u64 = 5_000;
    let limits = Limits {
        start: Start {
            limits: TimeLimits {
                gap_ns: Some(LIMIT),
                ..TimeLimits::default()
            },
            ..Limits::default().start
        },
        ..Limits::default()
    };
    on_each_target(&limits, |world| {
        assert_eq!(world.dispatch().deadline_ns, None);
        ghost(world, 1);
        let before = finbox_scheduler::Port::now(&world.port);
        let told = world.dispatch().deadline_ns.expect("a gap is watched");
        assert!((before..before + 20).contains(&(told - LIMIT)));
        let now = finbox_scheduler::Port::now(&world.port);
        world.port.advance(told - now - 5);
        let again = world.dispatch().deadline_ns;
        assert_eq!((again, world.scheduler.fault()), (Some(told), None));
        world.port.advance(5);
        assert_eq!(world.dispatch().deadline_ns, None);
        assert_eq!(world.scheduler.fault().unwrap().code, FaultCode::MailboxGap);
        world.assert_done();
    });
}

#[test]
fn f22_a_claimer_that_takes_long_delays_and_is_no_fault() {
    on_each_target(&of_slots(8), |world| {
        let mailbox = world.scheduler.mailbox();
        for _ in 0..3 {
            let mut slow = mailbox.claim(2).unwrap();
            world.pushed_by_hand += 2;
            let task = world.deferred(&[world.counter(0, 0)], &[]);
            world.run();
            assert!(world.dispatch().deadline_ns.is_some());
            assert!(!world.log.is_finished(task));
            world.port.advance(DEFAULT_GAP_NS - 10_000);
            slow.publish(&nothing());
            world.run();
            assert!(!world.log.is_finished(task));
            world.port.advance(DEFAULT_GAP_NS - 10_000);
            slow.publish(&nothing());
            drop(slow);
            world.run();
            assert_eq!(world.log.outcome(task), Outcome::Completed);
            assert_eq!(world.dispatch().deadline_ns, None);
        }
        assert_eq!(world.scheduler.fault(), None);
        assert_eq!(missing(world), []);
        world.assert_done();
    });
}

#[test]
fn f24_handlers_of_a_mailbox_that_nobody_drains_return_at_once_and_the_stall_shows() {
    on_each_target(&of_slots(2), |world| {
        let conditions = [0, 1, 2, 3, 4].map(|i| world.counter(i, 0));
        let tasks = [(); 2].map(|()| world.deferred(&conditions, &[]));
        let _ = world.dispatch();
        assert!(world.run_cores());
        assert!(world.handle(), "what fits is pushed");
        for _ in 0..1_000 {
            let handler = &mut world.handlers[0];
            let step = handler.step(&world.scheduler, &world.port, &world.log);
            assert_eq!(step, HandlerStep::NoNews);
        }
        assert_eq!(world.handlers[0].owed_cores(), 2);
        assert_eq!(world.scheduler.mailbox_depth_hint(), 2);
        assert!(world.ledger().full >= 1_000);
        world.run();
        for task in tasks {
            assert_eq!(world.log.outcome(task), Outcome::Completed);
        }
        assert_eq!(world.handlers[0].owed_cores(), 0);
        assert_eq!(world.scheduler.mailbox_depth_hint(), 0);
        world.assert_done();
    });
}

/// A task of a random graph.
struct Drawn {
    slot: SlotId,
    defers: bool,
}

/// Submits a task of any kind behind some of those before it.
fn submit_any(world: &mut World<'_>, random: &mut Rand32, before: &[Drawn]) -> Drawn {
    let wanted = random
        .rand_range(0..3)
        .min(u32::try_from(before.len()).unwrap());
    let after: Vec<_> = (0..wanted)
        .map(|_| before[below(random, before.len())].slot)
        .collect();
    let conditions: Vec<_> = (0..random.rand_range(1..4))
        .map(|_| world.counter(below(random, COUNTERS), 1))
        .collect();
    let kind = random.rand_range(0..6);
    let slot = match kind {
        0 => world.plain(Shape::Aic, &after),
        1 => world.plain(Shape::Host, &after),
        2 => world.plain(Shape::Dummy, &after),
        3 => {
            let args = world.script(&conditions);
            world.task(Shape::Aiv, &after, |spec| {
                (spec.blocks, spec.may_defer, spec.args) = (2, 6, args);
            })
        }
        _ => world.deferred(&conditions, &after),
    };
    Drawn {
        slot,
        defers: kind > 2,
    }
}

/// One random move of anybody.
fn move_any(world: &mut World<'_>, random: &mut Rand32) {
    match random.rand_range(0..7) {
        0 | 1 => {
            let _ = world.dispatch();
        }
        2 | 3 => {
            let core = CoreId(u16::try_from(random.rand_range(0..4)).unwrap());
            let _ = world.run_core(core);
        }
        4 => {
            let _ = world.handle();
        }
        5 => world.port.set_counter(below(random, COUNTERS), 1),
        _ => world.port.advance(u64::from(random.rand_range(0..1_000))),
    }
}

/// A random run in which a handler, or somebody else, dies at any moment; what became of all.
fn die_somewhere(world: &mut World<'_>, seed: u64) -> Vec<(bool, Outcome)> {
    let mut random = Rand32::new(seed);
    let (mut tasks, dies_at) = (Vec::new(), random.rand_range(0..400));
    for moment in 0..400 {
        if moment % 12 == 0 {
            tasks.push(submit_any(world, &mut random, &tasks));
        }
        if moment == dies_at {
            match random.rand_range(0..3) {
                0 if world.scheduler.mailbox_depth_hint() == 0 => ghost(world, 2),
                _ => world.handlers[0].die_in_batch(1),
            }
        }
        if random.rand_range(0..100) == 0 {
            world.port.advance(DEFAULT_GAP_NS);
        }
        move_any(world, &mut random);
    }
    (0..COUNTERS).for_each(|index| world.port.set_counter(index, 1));
    for _ in 0..3 {
        world.run();
        world.port.advance(DEFAULT_GAP_NS);
    }
    world.assert_done();
    let ended = tasks
        .iter()
        .map(|task| (task.defers, world.log.outcome(task.slot)));
    ended.collect()
}

#[test]
fn f21_whoever_dies_at_whatever_moment_every_task_ends_and_the_ledger_adds_up() {
    let counts = [const { Cell::new(0_u32) }; 3];
    let [condemned, failed, completed] = &counts;
    let count = |counter: &Cell<u32>| counter.set(counter.get() + 1);
    for (seed, mailbox) in (0..600).zip([2, 4, 16, 64].into_iter().cycle()) {
        let target = TARGETS[usize::from(seed % 8 >= 4)];
        on_chip(cluster(target), &of_slots(mailbox), |world| {
            let ended = die_somewhere(world, seed);
            let is_condemned = world.scheduler.fault().is_some();
            assert_eq!(is_condemned, !missing(world).is_empty(), "seed {seed}");
            if is_condemned {
                count(condemned);
            }
            for (defers, outcome) in ended {
                let may_fail = match outcome {
                    Outcome::Failed => defers && is_condemned,
                    Outcome::Cancelled => is_condemned,
                    Outcome::Completed => true,
                };
                assert!(may_fail, "seed {seed}: {outcome:?}");
                match outcome {
                    Outcome::Failed => count(failed),
                    _ if is_condemned => count(completed),
                    _ => {}
                }
            }
        });
    }
    assert!(counts.iter().all(|count| count.get() > 300), "{counts:?}");
}

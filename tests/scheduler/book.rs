//! The book of the wait list: what of one life of a slot, or of its memory, means nothing to the
//! next; the earliest deadline; what a pass says it moved.

use std::cell::Cell;
use std::mem;
use std::num::NonZeroU32;

use finbox_mailbox::{Done, Message, SlotBits};
use finbox_scheduler::limits::DEFAULT_GAP_NS;
use finbox_scheduler::target::A5;
use finbox_scheduler::{Completion, FaultCode, Outcome, Pass, Port, Shape, SlotId, Start};
use finbox_tests::house::{House, Limits};
use finbox_tests::model_port::{Lines, WireCondition};

use crate::fixture::{TARGETS, World, cluster, on_each_target};

/// Longer than a whole test takes by the model's clock, which ticks when it is looked at.
const LONG: u64 = 1 << 32;

/// Says of `task`, which announced something else, that it announced 63 conditions: it fails.
fn lie_about(world: &mut World<'_>, task: SlotId) {
    let lie = Message::NormalDone(Done {
        task: 1,
        slot: task.bits(),
        expected: 63,
    });
    world.scheduler.mailbox().push(&lie).unwrap();
    world.pushed_by_hand += 1;
}

/// A message that names nobody.
fn to_nobody() -> Message {
    Message::NormalDone(Done {
        task: 0,
        slot: SlotBits(0),
        expected: 0,
    })
}

/// Somebody else claims a position and dies.
fn die_in_the_gap(world: &mut World<'_>) {
    let name = NonZeroU32::new(77).unwrap();
    let mut ghost = world.scheduler.mailbox().register(name).unwrap();
    mem::forget(ghost.claim(1).unwrap());
    mem::forget(ghost);
    world.pushed_by_hand += 1;
}

#[test]
fn what_waited_in_memory_that_is_used_again_means_nothing_to_the_next_run() {
    for target in TARGETS {
        let chip = cluster(target);
        let mut house = House::new(&chip, &Limits::default());
        for _ in 0..3 {
            let world = &mut World::new(&mut house, chip, Lines::of(&chip));
            let conditions: Vec<_> = (0..5).map(|index| world.counter(index, 1)).collect();
            let met = [1, 3, 5].map(|count| world.deferred(&conditions[..count], &[]));
            world.run();
            assert_eq!(world.log.finished(), []);
            assert_eq!(world.scheduler.waiting(), Some((3, 0)));
            (0..5).for_each(|index| world.port.set_counter(index, 1));
            world.run();
            for task in met {
                assert_eq!(world.log.outcome(task), Outcome::Completed);
            }
            world.assert_done();
            // The run ends with conditions of tasks that failed in its list.
            (0..5).for_each(|index| world.port.set_counter(index, 0));
            let failed = [5, 4, 3].map(|count| world.deferred(&conditions[..count], &[]));
            world.run();
            failed.into_iter().for_each(|task| lie_about(world, task));
            let _ = world.dispatch();
            assert_eq!((world.live(), world.scheduler.room().0), (0, 12));
        }
    }
}

#[test]
fn a_queue_of_an_earlier_run_is_not_known_to_the_next() {
    let chip = cluster(&A5);
    let mut house = House::new(&chip, &Limits::default());
    for start in [0, 5, 1] {
        let world = &mut World::new(&mut house, chip, Lines::Coherent);
        world.port.open_queue(0, 8, start);
        let head = WireCondition::queue(world.port.counter(0), 1, start + 2);
        let task = world.deferred(&[head], &[]);
        for position in start..start + 2 {
            world.run();
            assert_eq!(world.log.finished(), [], "from {start}");
            world.port.complete_position(0, position, 0);
        }
        world.run();
        assert_eq!(world.log.outcome(task), Outcome::Completed, "from {start}");
        world.assert_done();
    }
}

#[test]
fn a_task_in_a_slot_whose_last_task_heard_everything_is_an_orphan_if_it_hears_nothing() {
    let limits = Limits {
        slots: 1,
        ..Limits::default()
    };
    on_each_target(&limits, |world| {
        let heard = world.deferred(&[world.counter(0, 0)], &[]);
        world.run();
        assert_eq!(world.log.outcome(heard), Outcome::Completed);
        let lost = world.deferred(&[world.counter(1, 1)], &[]);
        assert_eq!(lost.index(), heard.index());
        let _ = world.dispatch();
        assert!(world.run_cores());
        world.handlers[0].die_in_batch(1);
        assert!(world.handle());
        world.run();
        world.port.advance(DEFAULT_GAP_NS);
        world.run();
        assert_eq!(world.log.outcome(lost), Outcome::Failed);
        world.assert_done();
    });
}

/// A task with 64 stored conditions fails `passes` passes after the list was swept somewhere, and
/// another one waits in its slot; whether the conditions were still stored then.
fn waits_in_the_slot_of_one_that_failed(passes: u32) -> bool {
    const TASKS: usize = 60;
    let limits = Limits {
        slots: TASKS,
        conditions: 4096,
        ..Limits::default()
    };
    let were_stored = Cell::new(false);
    on_each_target(&limits, |world| {
        let crowd = |world: &World<'_>, line| vec![world.counter(line, 1); 64];
        let old = world.deferred(&crowd(world, 0), &[]);
        for line in 1..TASKS {
            let _ = world.deferred(&crowd(world, line), &[]);
        }
        world.run();
        assert_eq!(world.scheduler.room().0, 64 * 60);
        for _ in 0..passes {
            let _ = world.dispatch();
        }
        lie_about(world, old);
        let _ = world.dispatch();
        assert_eq!(world.log.outcome(old), Outcome::Failed);
        let next = world.deferred(&[world.counter(61, 1)], &[]);
        assert_eq!(next.index(), old.index());
        for _ in 0..2 {
            let _ = (world.dispatch(), world.run_cores(), world.handle());
        }
        assert_eq!(world.unmet(next).len(), 1);
        were_stored.set(world.scheduler.room().0 > 64 * 59 + 1);
        world.run();
        assert_eq!(world.scheduler.room().0, 64 * 59 + 1);
        assert_eq!(world.log.finished(), [(old, Outcome::Failed)]);
        (1..62).for_each(|line| world.port.set_counter(line, 1));
        world.run();
        assert_eq!(world.log.outcome(next), Outcome::Completed);
        world.assert_done();
    });
    were_stored.get()
}

#[test]
fn conditions_of_a_task_that_failed_are_not_taken_for_those_of_the_next_one_in_its_slot() {
    let stored = (0..4).filter(|&passes| waits_in_the_slot_of_one_that_failed(passes));
    assert!(stored.count() > 0);
}

#[test]
fn a_pass_that_stores_a_condition_tells_its_deadline_and_one_that_takes_the_last_tells_none() {
    on_each_target(&Limits::default(), |world| {
        let mut told = Vec::new();
        for (index, budget_ns) in [(0, 4 * LONG), (1, LONG), (2, 9 * LONG)] {
            let task = world.in_time(budget_ns, &[world.counter(index, 1)]);
            assert!(world.turn());
            told.push((task, world.dispatch().deadline_ns.unwrap()));
        }
        let now_ns = world.port.now();
        let bounds = told.iter().map(|&(_, at_ns)| at_ns / LONG);
        assert!(now_ns < LONG && bounds.eq([4, 1, 1]), "{told:?}");
        // Each is told by the pass that takes the one before it.
        for (index, left) in [(1, Some(4)), (0, Some(9)), (2, None)] {
            let _ = world.dispatch();
            world.port.set_counter(index, 1);
            let pass = world.dispatch();
            let at_ns = pass.deadline_ns;
            assert_eq!(pass.watching, left.is_some());
            assert_eq!(at_ns.map(|at_ns| at_ns / LONG), left);
        }
        world.run();
        world.assert_done();
    });
}

#[test]
fn a_list_without_conditions_has_no_deadline_though_one_has_just_come_and_gone() {
    on_each_target(&Limits::default(), |world| {
        let _ = world.in_time(LONG, &[world.counter(0, 1)]);
        assert!(world.turn());
        assert!(world.dispatch().deadline_ns.is_some());
        world.port.set_counter(0, 1);
        assert_eq!(world.dispatch().deadline_ns, None);
        world.run();
        world.assert_done();
    });
}

#[test]
fn a_condition_is_late_at_its_deadline_and_not_before() {
    for (budget_ns, early_ns) in [(1, 0), (LONG, 1), (LONG, 0)] {
        on_each_target(&Limits::default(), |world| {
            let task = world.in_time(budget_ns, &[world.counter(0, 1)]);
            assert!(world.turn());
            let at_ns = world.dispatch().deadline_ns.unwrap() - early_ns;
            // The clock ticks when it is looked at.
            let now_ns = world.port.now();
            world.port.advance(at_ns.saturating_sub(now_ns + 1));
            assert_eq!(world.dispatch().progress, early_ns == 0);
            assert_eq!(world.log.is_finished(task), early_ns == 0);
            world.run();
            let _ = world.dispatch();
            assert_eq!(world.log.outcome(task), Outcome::Failed);
            let code = world.scheduler.fault().unwrap().code;
            assert_eq!(code, FaultCode::AsyncWaitTimeout);
            world.assert_done();
        });
    }
}

#[test]
fn a_pass_that_takes_a_condition_of_a_task_that_goes_on_or_is_gone_has_moved_something() {
    on_each_target(&Limits::default(), |world| {
        let conditions = [0, 1, 2].map(|index| world.counter(index, 1));
        let task = world.deferred(&conditions, &[]);
        world.run();
        assert!(!world.dispatch().progress);
        world.port.set_counter(1, 1);
        assert!(world.dispatch().progress, "one of three holds");
        assert!(!world.dispatch().progress);
        let mut desk = world.scheduler.wait_list().try_lock().unwrap();
        assert!(desk.abandon(&world.scheduler, task));
        drop(desk);
        assert!(world.dispatch().progress, "two are taken out");
        assert_eq!(world.scheduler.room().0, 0);
        assert!(!world.dispatch().progress);
    });
}

#[test]
fn a_queue_is_walked_once_a_pass_whoever_waits_for_it_and_one_step_is_progress() {
    for (lines, heads) in [Lines::Coherent, Lines::Stale]
        .into_iter()
        .flat_map(|lines| [1, 3].map(|heads| (lines, heads)))
    {
        let chip = cluster(&A5);
        let mut house = House::new(&chip, &Limits::default());
        let world = &mut World::new(&mut house, chip, lines);
        let counts = |world: &World<'_>| [world.port.refreshes(), world.ledger().lines_refreshed];
        world.port.open_queue(0, 8, 0);
        let heads: Vec<_> = (2..2 + heads)
            .map(|head| WireCondition::queue(world.port.counter(0), 1, head))
            .collect();
        let task = world.deferred(&heads, &[]);
        let _ = world.dispatch();
        assert!(world.run_cores() && world.handle());
        let before = counts(world)[1];
        let _ = world.dispatch();
        assert_eq!(counts(world)[1] - before, heads.len() as u64, "first looks");
        let before = counts(world);
        assert!(!world.dispatch().progress);
        assert_eq!([0, 1].map(|at| counts(world)[at] - before[at]), [1, 1]);
        world.port.complete_position(0, 0, 0);
        assert!(world.dispatch().progress, "nobody waits for the first one");
        (1..4).for_each(|position| world.port.complete_position(0, position, 0));
        world.run();
        assert_eq!(world.log.outcome(task), Outcome::Completed);
        world.assert_done();
    }
}

#[test]
fn the_hints_say_what_waits_and_what_is_in_the_mailbox() {
    on_each_target(&Limits::default(), |world| {
        let list = |world: &World<'_>| world.scheduler.wait_list().live_hint();
        let depth = |world: &World<'_>| {
            let desk = world.scheduler.wait_list().try_lock().unwrap();
            desk.mailbox_depth_hint()
        };
        let conditions = [0, 1].map(|index| world.counter(index, 1));
        let tasks = [0, 1].map(|_| world.deferred(&conditions, &[]));
        let _ = world.dispatch();
        assert!(world.run_cores() && world.handle());
        assert_eq!((list(world), depth(world)), (0, 2));
        let _ = world.dispatch();
        assert_eq!((list(world), depth(world)), (2, 0));
        (0..2).for_each(|index| world.port.set_counter(index, 1));
        world.run();
        assert!(tasks.into_iter().all(|task| world.log.is_finished(task)));
        assert_eq!((list(world), depth(world)), (0, 0));
        world.assert_done();
    });
}

#[test]
fn an_orphan_that_is_found_is_progress() {
    on_each_target(&Limits::default(), |world| {
        let lost = world.deferred(&[world.counter(0, 1)], &[]);
        let _ = world.dispatch();
        assert!(world.run_cores());
        die_in_the_gap(world);
        world.scheduler.mailbox().push(&to_nobody()).unwrap();
        world.pushed_by_hand += 1;
        let _ = world.dispatch();
        world.port.advance(DEFAULT_GAP_NS);
        let _ = world.dispatch();
        assert!(!world.dispatch().progress);
        assert!(world.handle());
        assert!(world.dispatch().progress);
        assert_eq!(world.log.outcome(lost), Outcome::Failed);
        world.assert_done();
    });
}

#[test]
fn a_pass_without_work_asks_for_no_other() {
    on_each_target(&Limits::default(), |world| {
        for shape in [Shape::Dummy, Shape::Aic, Shape::Host] {
            let _ = world.plain(shape, &[]);
        }
        let _ = world.deferred(&[world.counter(0, 1)], &[]);
        world.run();
        world.port.set_counter(0, 1);
        world.run();
        world.assert_done();
        assert_eq!(world.dispatch(), Pass::default());
        let before = world.ledger();
        world.dispatcher.skip(&world.scheduler, 5, 0);
        assert_eq!(
            world.ledger(),
            before,
            "nothing is looked at in such passes"
        );
    });
}

#[test]
fn a_pass_tells_the_earlier_one_of_a_condition_s_deadline_and_a_gap_s() {
    for (budget_ns, is_earlier) in [(DEFAULT_GAP_NS / 2, true), (2 * DEFAULT_GAP_NS, false)] {
        on_each_target(&Limits::default(), |world| {
            let _ = world.in_time(budget_ns, &[world.counter(0, 1)]);
            assert!(world.turn());
            let own_ns = world.dispatch().deadline_ns.unwrap();
            die_in_the_gap(world);
            let _ = world.dispatch();
            let at_ns = world.dispatch().deadline_ns.unwrap();
            assert_eq!(at_ns == own_ns, is_earlier);
            assert!(at_ns <= own_ns);
            world.port.advance(2 * DEFAULT_GAP_NS);
            world.run();
            world.assert_done();
        });
    }
}

#[test]
fn one_message_that_is_drained_is_progress() {
    on_each_target(&Limits::default(), |world| {
        world.scheduler.mailbox().push(&to_nobody()).unwrap();
        world.pushed_by_hand += 1;
        assert!(world.dispatch().progress);
        assert!(!world.dispatch().progress);
        world.assert_done();
    });
}

#[test]
fn the_baseline_polls_all_it_has_in_one_pass() {
    let limits = Limits {
        slots: 64,
        conditions: 2048,
        start: Start {
            completion: Completion::Locked,
            ..Limits::default().start
        },
        ..Limits::default()
    };
    on_each_target(&limits, |world| {
        for _ in 0..20 {
            let _ = world.deferred(&[world.counter(0, 1); 64], &[]);
        }
        world.run();
        assert_eq!(world.dispatch().polled, 1280);
        world.port.set_counter(0, 1);
        world.run();
        world.assert_done();
    });
}

//! Messages that cannot be acted on: reported with their position, and nothing else happens.

use std::panic::{AssertUnwindSafe, catch_unwind};

use finbox_mailbox::{CompletionType, Condition, Done, Engine, Message, SlotBits};
use finbox_scheduler::{FaultCode, Outcome, Shape, SlotId, TaskSpec};
use finbox_tests::house::{House, Limits};
use finbox_tests::model_port::Lines;

use crate::fixture::{TARGETS, World, cluster, on_each_target};

pub(crate) const ROOMY: Limits = Limits {
    mailbox: 64,
    slots: 64,
    rings: None,
    scopes: 8,
    nodes: 64,
    conditions: 256,
    queues: 4,
    work_slots: 0,
    workers: 0,
    start: finbox_scheduler::Start::of_epoch(7),
};

/// A condition that holds.
fn condition(slot: SlotBits, addr: u64) -> Message {
    waits_for(slot, addr, 0)
}

fn waits_for(slot: SlotBits, addr: u64, expected: u32) -> Message {
    Message::Condition(Condition {
        task: 1,
        slot,
        addr,
        cookie: 0,
        expected,
        engine: Engine::Sdma,
        completion: CompletionType::Counter,
    })
}

fn done(slot: SlotBits, expected: u32) -> Message {
    Message::NormalDone(Done {
        task: 1,
        slot,
        expected,
    })
}

fn push(world: &mut World<'_>, message: &Message) {
    world.scheduler.mailbox().push(message).unwrap();
    world.pushed_by_hand += 1;
}

/// Pushes everything a stranger might say about `slot`; all of it must be refused.
fn slander(world: &mut World<'_>, slot: SlotId) {
    let before = world.log.refused().len();
    let live = world.live();
    let addr = world.port.counter(0);
    let bits = slot.bits();
    let mut said = 0;
    for message in [
        condition(bits, addr),
        done(bits, 1),
        done(bits, 0),
        condition(bits, 0),
        done(bits, 64),
        done(bits, 65),
        done(bits, u32::MAX),
    ] {
        push(world, &message);
        said += 1;
        if said % 2 == 0 {
            let _ = world.dispatch();
        }
    }
    let _ = world.dispatch();
    assert_eq!(world.log.refused().len(), before + said, "{slot:?}");
    assert_eq!(world.live(), live);
    assert!(!world.log.is_finished(slot));
}

#[test]
fn bits_that_name_no_slot_are_reported_and_nothing_happens() {
    on_each_target(&ROOMY, |world| {
        let task = world.deferred(&[world.counter(0, 1)], &[]);
        world.run();
        let other_life = |by: u32| SlotId::new(0, 0, task.generation().wrapping_add(by)).bits();
        let nobody = [
            SlotBits(u64::MAX),
            SlotBits(0),
            SlotId::new(0, 64, 1).bits(),
            SlotId::new(0, SlotId::MAX_INDEX, 1).bits(),
            SlotId::new(1, 0, task.generation()).bits(),
            SlotId::new(255, 0, task.generation()).bits(),
            SlotId::new(0, 63, 1).bits(),
            other_life(1),
            other_life(u32::MAX),
        ];
        for bits in nobody {
            for message in [condition(bits, world.port.counter(1)), done(bits, 1)] {
                push(world, &message);
            }
        }
        let _ = world.dispatch();
        let refused = world.log.refused();
        assert!(refused.into_iter().eq(1..19), "their positions");
        assert_eq!(world.scheduler.fault(), None);
        world.port.set_counter(0, 1);
        world.run();
        assert_eq!(world.log.outcome(task), Outcome::Completed);
        assert_eq!(world.ledger().messages_reported, 18);
        world.assert_done();
    });
}

#[test]
fn messages_about_a_task_that_has_not_deferred_are_not_acted_on() {
    on_each_target(&ROOMY, |world| {
        let first = world.deferred(&[world.counter(0, 1)], &[]);
        let blocked = world.deferred(&[world.counter(1, 1)], &[first]);
        slander(world, blocked);
        let _ = world.dispatch();
        slander(world, first);
        assert!(world.run_cores());
        slander(world, first);
        world.run();
        slander(world, blocked);
        world.port.set_counter(0, 1);
        world.run();
        assert_eq!(world.log.outcome(first), Outcome::Completed);
        world.port.set_counter(1, 1);
        world.run();
        assert_eq!(world.log.outcome(blocked), Outcome::Completed);
        assert_eq!(world.scheduler.fault(), None);
        world.assert_done();
    });
}

#[test]
fn messages_about_tasks_in_a_ready_stack_leave_the_stack_whole() {
    on_each_target(&ROOMY, |world| {
        let condition = world.counter(0, 1);
        let tasks = [(); 12].map(|()| world.deferred(&[condition], &[]));
        for &task in &tasks[3..] {
            slander(world, task);
        }
        world.run();
        world.port.set_counter(0, 1);
        world.run();
        for task in tasks {
            assert_eq!(world.log.outcome(task), Outcome::Completed);
        }
        world.assert_done();
    });
}

#[test]
fn messages_about_a_task_that_never_defers_are_not_acted_on() {
    on_each_target(&ROOMY, |world| {
        let running = world.plain(Shape::Aic, &[]);
        let dummy = world.plain(Shape::Dummy, &[running]);
        slander(world, running);
        slander(world, dummy);
        world.run();
        assert_eq!(world.log.outcome(dummy), Outcome::Completed);
        assert_eq!(world.scheduler.fault(), None);
        world.assert_done();
    });
}

/// A task that waits for two conditions, both heard of, and a consumer behind it.
fn waiting(world: &mut World<'_>) -> (SlotId, SlotId) {
    let conditions = [0, 1].map(|i| world.counter(i, 1));
    let task = world.deferred(&conditions, &[]);
    let consumer = world.plain(Shape::Aic, &[task]);
    world.run();
    assert_eq!(world.scheduler.waiting(), Some((1, 0)));
    (task, consumer)
}

#[test]
fn more_messages_than_a_waiting_task_announced_fail_it_and_leak_no_room() {
    let extra: [fn(SlotBits, u64) -> Message; 4] = [
        condition,
        |slot, _| condition(slot, 0),
        |slot, _| done(slot, 2),
        |slot, _| done(slot, 1),
    ];
    for message in extra {
        on_each_target(&ROOMY, |world| {
            let (task, consumer) = waiting(world);
            let message = message(task.bits(), world.port.counter(5));
            for _ in 0..3 {
                push(world, &message);
            }
            world.run();
            assert_eq!(world.log.outcome(task), Outcome::Failed);
            assert_eq!(world.log.outcome(consumer), Outcome::Cancelled);
            let fault = world.scheduler.fault().unwrap();
            assert_eq!(fault.code, FaultCode::AsyncRegistrationFailed);
            assert_eq!(world.log.refused().len(), 3);
            // Its conditions were never met, and hold nothing any more.
            world.assert_done();
            let later = world.deferred(&[world.counter(9, 0)], &[]);
            world.run();
            assert_eq!(world.log.outcome(later), Outcome::Completed);
            world.assert_done();
        });
    }
}

/// A task that may register ten conditions and registered three, none of which was heard of yet:
/// the full mailbox refused its messages, and is empty again.
pub(crate) fn unheard(world: &mut World<'_>) -> SlotId {
    let conditions = [0, 1, 2].map(|i| world.counter(i, 1));
    let args = world.script(&conditions);
    let task = world.submit((Shape::Aiv, 10, args), &[]);
    let _ = world.dispatch();
    assert!(world.run_cores());
    for _ in 0..ROOMY.mailbox {
        push(world, &done(SlotBits(0), 0));
    }
    assert!(world.handle());
    let _ = world.dispatch();
    assert_eq!(world.scheduler.room().0, 10);
    task
}

#[test]
fn a_done_that_lies_about_the_conditions_fails_its_task_and_leaks_no_room() {
    for lie in [0, 1, 2, 4, 10, 11, 64, 256 + 3, u32::MAX] {
        on_each_target(&ROOMY, |world| {
            let task = unheard(world);
            push(world, &condition(task.bits(), world.port.counter(0)));
            push(world, &waits_for(task.bits(), world.port.counter(1), 1));
            push(world, &done(task.bits(), lie));
            let _ = world.dispatch();
            assert_eq!(world.log.outcome(task), Outcome::Failed, "{lie}");
            // What the handler owes comes after the end, and is reported.
            let reported = world.ledger().messages_reported;
            world.run();
            assert_eq!(world.ledger().messages_reported, reported + 2);
            assert_eq!(world.log.outcome(task), Outcome::Failed, "{lie}");
            world.assert_done();
        });
    }
}

#[test]
fn a_task_that_failed_is_done_with_the_last_of_its_messages_whichever_that_is() {
    on_each_target(&ROOMY, |world| {
        let task = unheard(world);
        let waits = waits_for(task.bits(), world.port.counter(1), 1);
        // Of three conditions the first is a lie; the announcement overtakes the last.
        push(world, &condition(task.bits(), 0));
        push(world, &waits);
        push(world, &done(task.bits(), 3));
        let _ = world.dispatch();
        assert_eq!(world.scheduler.waiting(), Some((1, 0)));
        assert_eq!(world.scheduler.room().0, 1, "the last one's");
        assert!(!world.log.is_finished(task) && world.unmet(task).is_empty());
        push(world, &waits);
        let _ = world.dispatch();
        assert_eq!(world.log.outcome(task), Outcome::Failed);
        assert_eq!(world.scheduler.room().0, 0);
        world.run();
        world.assert_done();
    });
}

#[test]
fn a_task_that_fails_twice_is_told_once() {
    on_each_target(&ROOMY, |world| {
        let task = unheard(world);
        push(world, &condition(task.bits(), 0));
        push(world, &condition(task.bits(), 0));
        push(world, &done(task.bits(), 9));
        world.run();
        assert_eq!(world.log.outcome(task), Outcome::Failed);
        assert_eq!(world.log.raised().len(), 1, "{:?}", world.log.raised());
        world.assert_done();
    });
}

#[test]
fn a_second_done_in_the_same_drain_finishes_the_task_once() {
    for expected in [0, 1] {
        on_each_target(&ROOMY, |world| {
            let task = world.deferred(&[world.counter(0, 0)], &[]);
            let next = world.deferred(&[world.counter(0, 0)], &[]);
            let _ = world.dispatch();
            assert!(world.run_cores() && world.handle());
            for _ in 0..3 {
                push(world, &done(task.bits(), expected));
            }
            world.run();
            assert_eq!(world.log.outcome(task), Outcome::Completed);
            assert_eq!(world.log.outcome(next), Outcome::Completed);
            world.assert_done();
        });
    }
}

#[test]
fn a_message_that_could_not_be_built_is_reported_as_one_of_unknown_kind() {
    on_each_target(&ROOMY, |world| {
        let (task, _) = waiting(world);
        let mailbox = world.scheduler.mailbox();
        let build = || {
            mailbox.push_batch(3, |i| match i {
                0 => done(SlotBits(0), 0),
                _ => panic!("the builder's own"),
            })
        };
        assert!(catch_unwind(AssertUnwindSafe(build)).is_err());
        world.pushed_by_hand += 3;
        world.run();
        assert_eq!(world.log.refused().len(), 3);
        assert_eq!(world.scheduler.fault(), None);
        (0..2).for_each(|i| world.port.set_counter(i, 1));
        world.run();
        assert_eq!(world.log.outcome(task), Outcome::Completed);
        world.assert_done();
    });
}

/// Pushes a CONDITION about a waiting task and, before it is drained, overwrites one of its words
/// as a stranger would who can write the memory. Returns how the task and its consumer stand.
fn overwritten(word: usize, value: u64) -> Vec<Option<Outcome>> {
    let mut results = Vec::new();
    for target in TARGETS {
        let chip = cluster(target);
        let mut house = House::new(&chip, &ROOMY);
        // The task's own message took position 0.
        let cell = house.cell_words(1);
        let world = &mut World::new(&mut house, chip, Lines::of(&chip));
        let (task, consumer) = waiting(world);
        push(world, &condition(task.bits(), world.port.counter(5)));
        // SAFETY: inside the mailbox's second slot, which lives as long as the house.
        let at = unsafe { cell.add(1 + word) };
        // SAFETY: published and not drained, and nobody else runs.
        unsafe { at.write_volatile(value) };
        world.run();
        assert_eq!(world.log.refused(), [1]);
        let of = |slot| world.log.is_finished(slot).then(|| world.log.outcome(slot));
        let outcomes = (of(task), of(consumer));
        (0..2).for_each(|i| world.port.set_counter(i, 1));
        world.run();
        world.assert_done();
        results.extend([outcomes.0, outcomes.1]);
    }
    results
}

const KIND_WORD: usize = 4;
const ENGINE_WORD: usize = 3;
const EPOCH_WORD: usize = 6;

#[test]
fn an_unknown_kind_engine_or_type_about_a_waiting_task_fails_that_task() {
    let failed = [Some(Outcome::Failed), Some(Outcome::Cancelled)].repeat(2);
    assert_eq!(overwritten(KIND_WORD, 2 << 32), failed, "kind");
    assert_eq!(overwritten(KIND_WORD, u64::MAX), failed, "kind");
    assert_eq!(overwritten(KIND_WORD, 3), failed, "completion type");
    assert_eq!(overwritten(ENGINE_WORD, 4 << 32), failed, "engine");
}

#[test]
fn f19_a_message_of_an_unknown_version_fails_the_task_it_names_and_the_run_goes_on() {
    let failed = [Some(Outcome::Failed), Some(Outcome::Cancelled)].repeat(2);
    assert_eq!(overwritten(EPOCH_WORD, 7 | 1 << 32), failed);
    assert_eq!(
        overwritten(EPOCH_WORD, 7 | u64::from(u32::MAX) << 32),
        failed
    );
}

#[test]
fn a_message_of_another_run_is_dropped_though_its_slot_is_live() {
    for epoch in [0, 6, 8, u64::from(u32::MAX)] {
        assert_eq!(overwritten(EPOCH_WORD, epoch), [None; 4], "epoch {epoch}");
    }
}

#[test]
fn a_lie_about_a_task_of_which_a_token_is_out_fails_it_and_its_last_fin_is_late() {
    on_each_target(&ROOMY, |world| {
        let args = world.script(&[world.counter(0, 1)]);
        let spec = TaskSpec {
            blocks: 2,
            ..world.spec(Shape::Aiv, 2, args)
        };
        let task = world.try_submit_spec(&spec, &[]).unwrap();
        let _ = world.dispatch();
        let (core, ..) = world.log.dispatched()[0];
        assert_eq!(world.run_core(core), Some(task));
        assert!(world.handle());
        push(world, &done(task.bits(), 1));
        let _ = world.dispatch();
        assert_eq!(world.log.outcome(task), Outcome::Failed);
        assert_eq!(world.scheduler.quarantined(), (1, 0));
        world.run();
        assert_eq!(world.scheduler.quarantined(), (0, 0));
        assert_eq!(world.ledger().fins_stale, 1);
        world.assert_done();
    });
}

#[test]
fn a_message_about_a_transfer_that_nobody_has_fails_its_task_with_101() {
    on_each_target(&ROOMY, |world| {
        let task = unheard(world);
        let nobodys = Message::Condition(Condition {
            task: 1,
            slot: task.bits(),
            addr: world.port.counter(0),
            cookie: 0,
            expected: 0,
            engine: Engine::Sdma,
            completion: CompletionType::SdmaEventRecord,
        });
        push(world, &nobodys);
        let _ = world.dispatch();
        let fault = world.scheduler.fault().unwrap();
        assert_eq!(fault.code, FaultCode::AsyncCompletionInvalid);
        world.run();
        assert_eq!(world.log.outcome(task), Outcome::Failed);
        world.assert_done();
    });
}

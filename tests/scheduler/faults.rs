//! Slabs that cannot be believed: one task fails, with its number, and everything else goes on.

use finbox_scheduler::{
    ENTRIES_OFFSET, ENTRY_BYTES, Event, Fault, FaultCode, Outcome, Port, SLAB_BYTES, Shape, SlotId,
    TaskId, Token,
};
use finbox_tests::house::Limits;
use finbox_tests::model_port::WireCondition;

use crate::fixture::{AIC, Script, World, on_each_target};
use crate::scopes::limits;

use FaultCode::{AsyncCompletionInvalid, AsyncRegistrationFailed, AsyncWaitOverflow};

/// A graph around one bad task: a good one before it, two behind it, and a branch of its own.
struct Around {
    before: SlotId,
    bad: SlotId,
    behind: [SlotId; 3],
    branch: [SlotId; 2],
}

fn around(world: &mut World<'_>, script: Script, may_defer: u8) -> Around {
    world.scripts.push(script);
    let args = world.scripts.len() as u64 - 1;
    let good = world.counter(40, 0);
    let before = world.plain(Shape::Host, &[]);
    let bad = world.submit((Shape::Aic, may_defer, args), &[before]);
    let first = world.plain(Shape::Aiv, &[bad]);
    let second = world.deferred(&[good], &[before, bad]);
    let third = world.plain(Shape::Dummy, &[first, second]);
    let root = world.deferred(&[good], &[]);
    let branch = [root, world.plain(Shape::Aiv, &[root])];
    Around {
        before,
        bad,
        behind: [first, second, third],
        branch,
    }
}

/// Asserts that `script` fails its task alone, with `code`.
fn fails_alone(script: &Script, may_defer: u8, code: FaultCode) {
    on_each_target(&Limits::default(), |world| {
        let graph = around(world, script.clone(), may_defer);
        world.run();
        let why = format!("{script:x?}");
        assert_eq!(world.log.outcome(graph.before), Outcome::Completed, "{why}");
        assert_eq!(world.log.outcome(graph.bad), Outcome::Failed, "{why}");
        for slot in graph.behind {
            assert_eq!(world.log.outcome(slot), Outcome::Cancelled, "{why}");
        }
        for slot in graph.branch {
            assert_eq!(world.log.outcome(slot), Outcome::Completed, "{why}");
        }
        let task = TaskId::new(0, 2);
        assert_eq!(world.scheduler.fault(), Some(Fault { code, task }), "{why}");
        let ledger = world.ledger();
        assert_eq!(
            (ledger.completed, ledger.failed, ledger.cancelled),
            (3, 1, 3)
        );
        assert_eq!(
            ledger.conditions, 1,
            "nothing of the bad slab was pushed: {why}"
        );
        world.assert_done();
    });
}

fn header(count: u32, error: i32) -> Script {
    Script {
        conditions: Vec::new(),
        header: Some((count, error)),
    }
}

#[test]
fn a_slab_that_counts_more_than_64_fails_its_task_with_102() {
    for count in [65, 66, 1 << 20, u32::MAX] {
        fails_alone(&header(count, 0), 64, AsyncWaitOverflow);
    }
}

#[test]
fn a_core_that_reports_overflow_fails_its_task_with_102() {
    for count in [0, 64] {
        fails_alone(&header(count, 102), 64, AsyncWaitOverflow);
    }
}

#[test]
fn more_conditions_than_declared_fail_their_task() {
    on_each_target(&Limits::default(), |world| {
        let conditions = [0, 1, 2].map(|i| world.counter(i, 0));
        let args = world.script(&conditions);
        let task = world.submit((Shape::Aiv, 2, args), &[]);
        world.run();
        assert_eq!(world.log.outcome(task), Outcome::Failed);
        assert_eq!(world.scheduler.fault().unwrap().code, AsyncWaitOverflow);
        world.assert_done();
    });
}

#[test]
fn a_core_that_reports_any_other_error_fails_its_task_with_103() {
    for error in [1, -1, 101, 103, i32::MIN] {
        fails_alone(&header(0, error), 64, AsyncRegistrationFailed);
    }
}

#[test]
fn a_core_that_reports_a_fatal_error_fails_its_task_with_9() {
    fails_alone(&header(0, 9), 64, FaultCode::ExplicitFatal);
}

/// A slab whose second of three entries is `bad`.
fn second_is(bad: WireCondition) -> Script {
    let good = WireCondition::counter(finbox_tests::model_port::BASE + (1 << 16), 0);
    Script {
        conditions: vec![good, bad, good],
        header: None,
    }
}

/// As [`second_is`], with the good ones really good in `world`'s memory.
fn entry_fails(bad: impl Fn(&World<'_>) -> WireCondition, code: FaultCode) {
    on_each_target(&Limits::default(), |world| {
        let bad = bad(world);
        let mut script = second_is(bad);
        script.conditions[0] = world.counter(0, 0);
        script.conditions[2] = world.counter(1, 0);
        let graph = around(world, script, 3);
        world.run();
        assert_eq!(world.log.outcome(graph.bad), Outcome::Failed, "{bad:x?}");
        assert_eq!(world.log.outcome(graph.branch[1]), Outcome::Completed);
        let task = TaskId::new(0, 2);
        assert_eq!(
            world.scheduler.fault(),
            Some(Fault { code, task }),
            "{bad:x?}"
        );
        assert_eq!(world.ledger().cancelled, 3);
        assert_eq!(world.ledger().conditions, 1, "that of the other branch");
        world.assert_done();
    });
}

#[test]
fn f16_an_address_that_is_null_unaligned_or_outside_fails_its_task_with_101() {
    let addresses: [fn(&World<'_>) -> u64; 9] = [
        |_| 0,
        |world| world.port.counter(0) + 1,
        |world| world.port.counter(0) + 2,
        |world| world.port.end(),
        |world| world.port.end() - 2,
        |world| world.port.counter(0) - 4,
        |world| world.port.counter(0) & 0xFFFF_FFFF,
        |_| u64::MAX - 3,
        |_| u64::MAX,
    ];
    for addr in addresses {
        entry_fails(
            |world| WireCondition::counter(addr(world), 1),
            AsyncCompletionInvalid,
        );
    }
}

#[test]
fn an_engine_or_type_nobody_knows_fails_its_task_with_103() {
    let with = |engine, completion| {
        move |world: &World<'_>| WireCondition {
            engine,
            completion,
            ..world.counter(0, 0)
        }
    };
    for engine in [4, 5, u32::MAX] {
        entry_fails(with(engine, 0), AsyncRegistrationFailed);
    }
    for completion in [3, -1, i32::MIN, i32::MAX, 1 << 8] {
        entry_fails(with(0, completion), AsyncRegistrationFailed);
    }
}

#[test]
fn a_slab_that_changes_while_it_is_owed_fails_its_task_with_101() {
    changes_while_it_is_owed(0, 0);
    changes_while_it_is_owed(8, 7);
}

fn changes_while_it_is_owed(word: u64, value: u64) {
    let limits = Limits {
        mailbox: 2,
        ..Limits::default()
    };
    on_each_target(&limits, |world| {
        let conditions = [0, 1, 2, 3, 4, 5].map(|i| world.counter(i, 1));
        let args = world.script(&conditions);
        let task = world.submit((Shape::Aic, 6, args), &[]);
        let consumer = world.plain(Shape::Aiv, &[task]);
        let _ = world.dispatch();
        assert!(world.run_cores() && world.handle());
        assert_eq!(world.ledger().messages_accepted, 2);
        // A core that goes on writing after its FIN: the fifth condition watches nothing now, or
        // has a cookie, for which the message that it shares has no room.
        let slab = world.port.slab_address(AIC, Token::FIRST.parity());
        let entry = slab + ENTRIES_OFFSET + 4 * ENTRY_BYTES;
        world.port.poke(entry + word, value);
        world.port.refresh(slab, SLAB_BYTES);
        world.run();
        assert_eq!(
            world.scheduler.fault().unwrap().code,
            AsyncCompletionInvalid
        );
        (0..6).for_each(|i| world.port.set_counter(i, 1));
        world.run();
        assert_eq!(world.log.outcome(task), Outcome::Failed);
        assert_eq!(world.log.outcome(consumer), Outcome::Cancelled);
        world.assert_done();
    });
}

#[test]
fn every_engine_may_drive_a_counter() {
    on_each_target(&Limits::default(), |world| {
        let conditions = [0, 1, 2, 3].map(|engine| WireCondition {
            engine,
            ..world.counter(0, 1)
        });
        let task = world.deferred(&conditions, &[]);
        world.run();
        world.port.set_counter(0, 1);
        world.run();
        assert_eq!(world.log.outcome(task), Outcome::Completed);
        world.assert_done();
    });
}

#[test]
fn the_first_of_several_faults_is_kept_and_each_task_fails_for_itself() {
    on_each_target(&Limits::default(), |world| {
        world.scripts.push(header(65, 0));
        world.scripts.push(header(0, 1));
        let first = world.submit((Shape::Host, 1, 1), &[]);
        world.run();
        let others = [1, 2, 2, 1].map(|args| world.submit((Shape::Aiv, 1, args), &[]));
        world.run();
        for slot in others.into_iter().chain([first]) {
            assert_eq!(world.log.outcome(slot), Outcome::Failed);
        }
        let task = TaskId::new(0, 1);
        let code = AsyncWaitOverflow;
        assert_eq!(world.scheduler.fault(), Some(Fault { code, task }));
        world.assert_done();
    });
}

/// The task whose failure cancelled `slot`.
fn cause(world: &World<'_>, slot: SlotId) -> Option<TaskId> {
    let events = world.log.events().into_iter();
    let mut causes = events.filter_map(|event| match event {
        Event::Finished {
            slot: finished,
            cause,
            ..
        } if finished == slot => Some(cause),
        _ => None,
    });
    causes.next().expect("it finished")
}

#[test]
fn whoever_cancelled_a_task_is_named_until_its_slot_is_another_tasks() {
    on_each_target(&limits(1, 2, 0), |world| {
        let failed = world.in_time(100, &[world.counter(0, 1)]);
        world.run();
        world.port.pass_time(200);
        world.run();
        let at_once = world.plain(Shape::Dummy, &[failed]);
        world.run();
        assert_eq!(cause(world, at_once), Some(TaskId::new(0, 1)));

        let next = world.deferred(&[world.counter(1, 1)], &[]);
        assert_eq!(next.index(), failed.index());
        let late = world.plain(Shape::Dummy, &[failed]);
        world.run();
        assert_eq!(world.log.outcome(late), Outcome::Cancelled);
        assert_eq!(
            cause(world, late),
            None,
            "the next life has nothing to do with it"
        );
        world.port.set_counter(1, 1);
        world.run();
        world.assert_done();
    });
}

//! Messages that carry several: sound ones and damaged ones.

use finbox_mailbox::{CompletionType, Condition, Engine, FinBatch, Message, Watch};
use finbox_scheduler::{FaultCode, Outcome, SlotId};
use finbox_tests::house::{House, Limits};
use finbox_tests::model_port::{Lines, WireCondition};

use crate::fixture::{TARGETS, World, cluster, on_each_target};
use crate::hostile::{ROOMY, unheard};

const ENGINE_WORD: usize = 3;
const KIND_WORD: usize = 4;
const EPOCH_WORD: usize = 6;

/// Says by hand, in one message, that `task` waits until counters 0 and 1 are 1.
fn push_two(world: &mut World<'_>, task: SlotId) {
    let fin = FinBatch {
        task: 1,
        slot: task.bits(),
        conditions: 2,
        in_pairs: true,
        done: None,
    };
    let watch = |at: u32| Watch {
        addr: world.port.counter(at as usize),
        expected: 1,
        engine: Engine::Sdma,
        completion: CompletionType::Counter,
    };
    let mailbox = world.scheduler.mailbox();
    assert_eq!(mailbox.push_fin(&fin, |at| (watch(at), 0)), 1);
    world.pushed_by_hand += 1;
}

/// Pushes two conditions in one message about a task of which nothing was heard and, before it is
/// drained, overwrites one of its words. Returns how the task ends.
fn overwritten_bundle(word: usize, value: u64) -> Vec<Option<Outcome>> {
    let mut results = Vec::new();
    for target in TARGETS {
        let chip = cluster(target);
        let mut house = House::new(&chip, &ROOMY);
        // `unheard` went round the ring once.
        let cell = house.cell_words(0);
        let world = &mut World::new(&mut house, chip, Lines::of(&chip));
        let task = unheard(world);
        push_two(world, task);
        // SAFETY: inside the mailbox's first slot, which lives as long as the house.
        let at = unsafe { cell.add(1 + word) };
        // SAFETY: published and not drained, and nobody else runs.
        unsafe { at.write_volatile(value) };
        let _ = world.dispatch();
        results.push(world.log.is_finished(task).then(|| world.log.outcome(task)));
        // What the handler owes comes after: of a sound bundle's task it is too much.
        (0..3).for_each(|i| world.port.set_counter(i, 1));
        world.run();
        world.assert_done();
    }
    results
}

#[test]
fn a_bundle_that_is_damaged_fails_the_task_it_names_and_a_sound_one_does_not() {
    let carried = |what: u64| 4 << 32 | what << 16;
    assert_eq!(
        overwritten_bundle(KIND_WORD, carried(1)),
        [None; 2],
        "as it was"
    );
    let damages = [
        (KIND_WORD, carried(5), "what it carries"),
        (KIND_WORD, carried(1) | 3, "completion type"),
        (
            KIND_WORD,
            carried(1) | 3 << 8,
            "the second's completion type",
        ),
        (
            KIND_WORD,
            carried(0),
            "one condition, with the values of another",
        ),
        (KIND_WORD, 5 << 32 | 1 << 16, "kind"),
        (ENGINE_WORD, 1 | 4 << 32, "engine"),
        (ENGINE_WORD, 1 | 4 << 40, "the second's engine"),
        (ENGINE_WORD, 1 | 1 << 48, "a third engine"),
    ];
    for (word, value, what) in damages {
        assert_eq!(
            overwritten_bundle(word, value),
            [Some(Outcome::Failed); 2],
            "{what}"
        );
    }
    for epoch in [0, 6, 8, u64::from(u32::MAX)] {
        let word = epoch | 1 << 32;
        assert_eq!(
            overwritten_bundle(EPOCH_WORD, word),
            [None; 2],
            "epoch {epoch}"
        );
    }
}

#[test]
fn a_fin_of_which_one_condition_has_a_cookie_says_each_alone_with_its_own() {
    for cookies in [[8, 0, 0, 0], [0, 8, 0, 9], [0, 0, 0, 9], [0, 0, 0, 0]] {
        on_each_target(&Limits::default(), |world| {
            let conditions = [0, 1, 2, 3].map(|at| match cookies[at] {
                0 => world.counter(at, 7),
                cookie => WireCondition::event_record(world.port.counter(at), cookie),
            });
            let task = world.deferred(&conditions, &[]);
            world.run();
            let unmet = world.unmet(task);
            let mut seen: Vec<_> = unmet.iter().map(|it| (it.addr, it.cookie)).collect();
            seen.sort_unstable();
            assert_eq!(seen, conditions.map(|it| (it.addr, it.cookie)));
            let ledger = world.ledger();
            let has_cookie = cookies != [0; 4];
            let messages = if has_cookie { 4 } else { 2 };
            assert_eq!(ledger.messages_accepted, messages, "{cookies:?}");
            assert_eq!((ledger.conditions, ledger.normal_done), (4, 1));
            for (at, cookie) in cookies.into_iter().enumerate() {
                match cookie {
                    0 => world.port.set_counter(at, 7),
                    cookie => world.port.complete_posts(at, cookie),
                }
            }
            world.run();
            assert_eq!(world.log.outcome(task), Outcome::Completed);
            world.assert_done();
        });
    }
}

/// Says by hand that `task` waits until counter 2 is 1.
fn push_one(world: &mut World<'_>, task: SlotId) {
    let condition = Message::Condition(Condition {
        task: 1,
        slot: task.bits(),
        addr: world.port.counter(2),
        cookie: 0,
        expected: 1,
        engine: Engine::Sdma,
        completion: CompletionType::Counter,
    });
    world.scheduler.mailbox().push(&condition).unwrap();
    world.pushed_by_hand += 1;
}

#[test]
fn a_bundle_whose_second_condition_is_one_too_many_fails_its_task_once_and_leaks_no_room() {
    for first_holds in [false, true] {
        on_each_target(&ROOMY, |world| {
            world.port.set_counter(0, u32::from(first_holds));
            let task = unheard(world);
            let before = world.ledger();
            // It announces three: two, then the bundle's first, then one too many.
            push_one(world, task);
            push_one(world, task);
            push_two(world, task);
            let _ = world.dispatch();
            assert_eq!(world.log.outcome(task), Outcome::Failed);
            assert_eq!(world.log.raised().len(), 1);
            let code = world.scheduler.fault().unwrap().code;
            assert_eq!(code, FaultCode::AsyncRegistrationFailed);
            let counts = world.ledger();
            let reported = counts.messages_reported - before.messages_reported;
            let delivered = counts.messages_delivered - before.messages_delivered;
            assert_eq!((delivered, reported), (2, 1), "the bundle as a whole");
            assert_eq!(counts.conditions - before.conditions, 2, "those delivered");
            // What the handler owes comes after the end, and is reported.
            world.run();
            assert_eq!(
                world.ledger().messages_reported,
                counts.messages_reported + 2
            );
            assert_eq!(world.log.raised().len(), 1);
            assert_eq!(world.scheduler.room().0, 0);
            assert_eq!(world.log.outcome(task), Outcome::Failed);
            world.assert_done();
        });
    }
}

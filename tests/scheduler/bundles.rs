//! Messages that carry several: sound ones and damaged ones.

use finbox_mailbox::{CompletionType, Engine, FinBatch, Watch};
use finbox_scheduler::Outcome;
use finbox_tests::house::House;
use finbox_tests::model_port::Lines;

use crate::fixture::{TARGETS, World, cluster};
use crate::hostile::{ROOMY, unheard};

const ENGINE_WORD: usize = 3;
const KIND_WORD: usize = 4;
const EPOCH_WORD: usize = 6;

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
        let pushed = world
            .scheduler
            .mailbox()
            .push_fin(&fin, |at| (watch(at), 0));
        assert_eq!(pushed, 1);
        world.pushed_by_hand += 1;
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

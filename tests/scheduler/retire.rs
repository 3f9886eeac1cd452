//! The retire word: what its transitions allow, refuse and say.

use finbox_scheduler::limits::MAX_RETIREMENTS;
use finbox_scheduler::{Decision, Outcome, RetireStep, RetireWord};

fn word(generation: u32, remaining: u32) -> RetireWord {
    let word = RetireWord::default();
    word.open(generation, remaining);
    word
}

#[test]
fn a_fresh_word_belongs_to_no_life_and_may_be_recycled() {
    let state = RetireWord::default().state();
    assert_eq!((state.generation(), state.remaining()), (0, 0));
    assert!(state.is_finished() && state.is_released() && !state.is_live(0));
}

#[test]
fn the_largest_values_of_all_fields_fit_beside_each_other() {
    let word = word(u32::MAX, MAX_RETIREMENTS);
    assert_eq!(word.state().generation(), u32::MAX);
    assert_eq!(word.state().remaining(), 98_301);
    assert!(word.retire(u32::MAX, 64, 64, true).is_ok());
    let state = word.state();
    assert_eq!(
        (state.generation(), state.remaining(), state.expected()),
        (u32::MAX, 98_300, 64)
    );
    assert!(state.any_subtask_deferred() && state.is_failed());
    assert!(!state.is_finished() && !state.is_cancelled() && !state.is_released());
    assert_eq!(word.finish(u32::MAX, false, true), Some(Outcome::Cancelled));
    word.release();
    let state = word.state();
    assert!(state.is_finished() && state.is_cancelled() && state.is_released());
    assert_eq!((state.remaining(), state.expected()), (98_300, 64));
}

#[test]
fn retiring_and_deciding_leave_every_generation_as_it_is() {
    for (generation, failed) in [(2, false), (2, true), (3, false), (3, true)] {
        let [by_fin, deferred] = [0, 1].map(|conditions| {
            let word = word(generation, 1);
            assert!(word.retire(generation, conditions, 1, failed).is_ok());
            word
        });
        assert!(by_fin.state().is_finished());
        assert!(deferred.finish(generation, failed, false).is_some());
        let partial = word(generation, 2);
        assert!(partial.retire(generation, 0, 1, failed).is_ok());
        assert!(!partial.state().is_finished());
        for word in [by_fin, deferred, partial] {
            assert_eq!(word.state().generation(), generation);
        }
    }
}

#[test]
#[should_panic(expected = "only tokens that were never given are forgone")]
fn more_tokens_than_remain_cannot_be_forgone() {
    let word = word(1, 2);
    assert!(word.retire(1, 3, 64, false).is_ok());
    let decision = Decision {
        forgone: 2,
        ..Decision::default()
    };
    word.decide(1, decision);
}

#[test]
fn each_field_changes_alone() {
    let word = word(1, MAX_RETIREMENTS);
    for retired in 1..=1000 {
        let _ = word.retire(1, 0, 64, false).unwrap();
        let state = word.state();
        assert_eq!(state.remaining(), MAX_RETIREMENTS - retired);
        assert_eq!((state.generation(), state.expected()), (1, 0));
        assert!(!state.any_subtask_deferred() && !state.is_failed() && !state.is_finished());
    }
    word.fail(1);
    assert!(word.state().is_failed() && word.state().remaining() == MAX_RETIREMENTS - 1000);
}

#[test]
#[should_panic(expected = "between once and 98 301 times")]
fn a_life_without_retirements_is_refused() {
    let _ = word(1, 0);
}

#[test]
#[should_panic(expected = "between once and 98 301 times")]
fn a_life_with_more_retirements_than_blocks_times_subtasks_is_refused() {
    let _ = word(1, MAX_RETIREMENTS + 1);
}

#[test]
fn another_generation_retires_finishes_and_fails_nothing() {
    let word = word(5, 1);
    let before = word.state();
    for other in [0, 4, 6, u32::MAX] {
        let refused = word.retire(other, 1, 64, true).unwrap_err();
        assert_eq!(refused.0, before);
        assert_eq!(word.finish(other, true, false), None);
        word.fail(other);
        assert_eq!(word.state(), before);
    }
}

#[test]
fn a_duplicated_fin_never_overshoots() {
    let word = word(9, 1);
    assert_eq!(
        word.retire(9, 0, 64, false).unwrap().step,
        RetireStep::LastInline(Outcome::Completed)
    );
    let before = word.state();
    assert!(before.is_finished() && !before.is_failed());
    assert!(word.retire(9, 3, 64, true).is_err(), "nothing remains");
    assert_eq!(word.finish(9, true, false), None, "the FIN decided");
    word.fail(9);
    assert_eq!(word.state(), before);
}

#[test]
fn a_fin_after_the_outcome_is_late_and_the_slot_rests_when_the_last_has_come() {
    let word = word(2, 3);
    assert_eq!(word.finish(2, true, false), Some(Outcome::Failed));
    word.release();
    for remaining in (0..3).rev() {
        assert!(word.state().is_quarantined() && !word.state().is_at_rest());
        let late = word.retire(2, 5, 64, false).unwrap();
        assert_eq!((late.step, late.push_conditions), (RetireStep::Late, false));
        assert_eq!(
            (word.state().remaining(), word.state().expected()),
            (remaining, 0)
        );
    }
    assert!(word.state().is_at_rest());
    assert!(word.retire(2, 0, 64, false).is_err(), "one too many");
}

#[test]
fn a_deadline_decides_only_while_a_subtask_is_out_and_takes_off_what_is_never_given() {
    let lost = Decision {
        failed: true,
        only_unretired: true,
        forgone: 2,
        ..Decision::default()
    };
    let late = word(4, 3);
    assert_eq!(late.decide(4, lost), Some(Outcome::Failed));
    assert_eq!(late.state().remaining(), 1);
    assert_eq!(late.decide(4, lost), None);
    let retired = word(4, 1);
    assert!(retired.retire(4, 1, 64, false).is_ok());
    let lost = Decision { forgone: 0, ..lost };
    assert_eq!(retired.decide(4, lost), None, "its FIN came first");
    assert_eq!(retired.finish(4, false, false), Some(Outcome::Completed));
}

#[test]
fn a_task_may_register_its_own_bound_and_no_more() {
    let word = word(1, 3);
    assert!(word.retire(1, 2, 3, false).unwrap().push_conditions);
    let over = word.retire(1, 2, 3, false).unwrap();
    assert!(!over.push_conditions && word.state().is_failed());
    let last = word.retire(1, 1, 3, false).unwrap();
    assert_eq!(last.step, RetireStep::LastDeferred { expected: 3 });
}

#[test]
fn partial_then_last_inline_when_nobody_deferred() {
    let word = word(1, 3);
    for _ in 0..2 {
        let retired = word.retire(1, 0, 64, false).unwrap();
        assert_eq!(
            (retired.step, retired.push_conditions),
            (RetireStep::Partial, false)
        );
    }
    assert!(!word.state().is_finished());
    assert_eq!(
        word.retire(1, 0, 64, false).unwrap().step,
        RetireStep::LastInline(Outcome::Completed)
    );
    assert!(word.state().is_finished());
}

#[test]
fn one_deferring_subtask_makes_the_last_one_say_done_whichever_it_was() {
    for deferring in 0..3 {
        let word = word(1, 3);
        let steps: Vec<_> = (0..3)
            .map(|i| {
                word.retire(1, if i == deferring { 2 } else { 0 }, 64, false)
                    .unwrap()
            })
            .collect();
        let expected = 2;
        assert_eq!(steps[0].step, RetireStep::Partial);
        assert_eq!(steps[1].step, RetireStep::Partial);
        assert_eq!(steps[2].step, RetireStep::LastDeferred { expected });
        assert!(!word.state().is_finished(), "its conditions are open");
        for (i, step) in steps.iter().enumerate() {
            assert_eq!(step.push_conditions, i == deferring);
        }
    }
}

#[test]
fn conditions_of_all_subtasks_add_up_to_64() {
    let word = word(1, 64);
    for _ in 0..63 {
        assert!(word.retire(1, 1, 64, false).unwrap().push_conditions);
    }
    let last = word.retire(1, 1, 64, false).unwrap();
    assert_eq!(last.step, RetireStep::LastDeferred { expected: 64 });
    assert!(!word.state().is_failed());
}

#[test]
fn the_65th_condition_fails_the_task_and_pushes_nothing_while_others_go_on() {
    let word = word(1, 4);
    assert!(word.retire(1, 63, 64, false).unwrap().push_conditions);
    let over = word.retire(1, 2, 64, false).unwrap();
    assert_eq!(
        (over.step, over.push_conditions),
        (RetireStep::Partial, false)
    );
    assert!(word.state().is_failed());
    assert_eq!(
        word.state().expected(),
        63,
        "none of that FIN's are counted"
    );
    assert!(
        word.retire(1, 1, 64, false).unwrap().push_conditions,
        "one more fits"
    );
    let last = word.retire(1, 0, 64, false).unwrap();
    assert_eq!(last.step, RetireStep::LastDeferred { expected: 64 });
    assert_eq!(word.finish(1, false, false), Some(Outcome::Failed));
}

#[test]
fn too_many_conditions_at_once_fail_the_task_inline() {
    let word = word(1, 1);
    let only = word.retire(1, 65, 64, false).unwrap();
    assert_eq!(
        (only.step, only.push_conditions),
        (RetireStep::LastInline(Outcome::Failed), false)
    );
    assert_eq!(word.finish(1, false, false), None);
}

#[test]
fn a_failing_subtask_still_retires() {
    let word = word(1, 2);
    assert_eq!(
        word.retire(1, 0, 64, true).unwrap().step,
        RetireStep::Partial
    );
    assert_eq!(
        word.retire(1, 0, 64, false).unwrap().step,
        RetireStep::LastInline(Outcome::Failed)
    );
    assert_eq!(word.finish(1, false, false), None);
}

#[test]
fn the_outcome_is_decided_once() {
    let cases = [
        ((false, false), Outcome::Completed),
        ((true, false), Outcome::Failed),
        ((false, true), Outcome::Cancelled),
        ((true, true), Outcome::Cancelled),
    ];
    for ((failed, cancelled), outcome) in cases {
        let word = word(3, 1);
        assert_eq!(word.finish(3, failed, cancelled), Some(outcome));
        for again in [(false, false), (true, false), (false, true)] {
            assert_eq!(word.finish(3, again.0, again.1), None);
        }
        let before = word.state();
        word.fail(3);
        assert_eq!(word.state(), before, "a late failure changes no outcome");
    }
}

#[test]
fn a_failure_before_the_end_decides_the_outcome() {
    let word = word(3, 1);
    word.fail(3);
    assert_eq!(word.finish(3, false, false), Some(Outcome::Failed));
}

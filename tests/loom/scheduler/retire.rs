//! The retire word: who was last, and what the last one sees.

use finbox_scheduler::{Outcome, RetireStep, RetireWord};
use finbox_tests::outcomes::expect_all;
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

/// A word in life 1, and what each side of it writes and reads without any order of its own.
struct Task {
    word: RetireWord,
    work: [UnsafeCell<u32>; 2],
}

// SAFETY: loom checks every access of `work`; that it finds no race is what the models show.
unsafe impl Sync for Task {}
// SAFETY: as above.
unsafe impl Send for Task {}

impl Task {
    fn new(remaining: u32) -> Arc<Self> {
        let (word, work) = (RetireWord::default(), [0, 0].map(UnsafeCell::new));
        word.open(1, remaining);
        Arc::new(Self { word, work })
    }

    fn write(&self, index: usize) {
        // SAFETY: loom fails the model if another thread touches the cell meanwhile.
        self.work[index].with_mut(|work| unsafe { *work = 1 });
    }

    fn sum(&self) -> u32 {
        // SAFETY: loom fails the model if another thread writes the cells meanwhile.
        self.work
            .iter()
            .map(|work| work.with(|work| unsafe { *work }))
            .sum()
    }
}

/// Works, retires with `conditions`; the last one sees the work of both.
fn subtask(task: &Task, index: usize, conditions: u32) -> Option<RetireStep> {
    task.write(index);
    let step = task.word.retire(1, conditions, 64, false).ok()?.step;
    if step != RetireStep::Partial {
        assert_eq!(task.sum(), 2, "the last one sees what the other did");
    }
    Some(step)
}

fn short(step: Option<RetireStep>) -> String {
    match step {
        None => "refused".into(),
        Some(RetireStep::Partial) => "partial".into(),
        Some(RetireStep::LastInline(Outcome::Completed)) => "inline".into(),
        Some(RetireStep::LastInline(outcome)) => format!("inline {outcome:?}"),
        Some(RetireStep::LastDeferred { expected }) => format!("deferred {expected}"),
        Some(RetireStep::Late) => "late".into(),
    }
}

fn two(conditions: [u32; 2]) -> (String, String) {
    let task = Task::new(2);
    let other = Arc::clone(&task);
    let thread = thread::spawn(move || subtask(&other, 1, conditions[1]));
    let mine = subtask(&task, 0, conditions[0]);
    (short(mine), short(thread.join().unwrap()))
}

#[test]
fn one_of_two_subtasks_is_last_and_sees_the_other() {
    let expected = [
        ("inline".into(), "partial".into()),
        ("partial".into(), "inline".into()),
    ];
    expect_all("retire, nothing deferred", &expected, || two([0, 0]));
}

#[test]
fn whoever_is_last_knows_all_conditions() {
    let last = || "deferred 3".to_string();
    let expected = [(last(), "partial".into()), ("partial".into(), last())];
    expect_all("retire, one deferred", &expected, || two([3, 0]));
    expect_all("retire, both deferred", &expected, || two([1, 2]));
}

#[test]
fn a_duplicated_fin_is_refused_and_the_outcome_is_decided_once() {
    let expected = [
        ("inline".to_string(), "refused".to_string()),
        ("refused".into(), "inline".into()),
    ];
    expect_all("retire, duplicated FIN", &expected, || {
        let task = Task::new(1);
        let other = Arc::clone(&task);
        let fin = |task: &Task| {
            let retired = task.word.retire(1, 0, 64, false).ok();
            assert!(task.word.state().is_finished());
            retired.map(|retired| retired.step)
        };
        let thread = thread::spawn(move || fin(&other));
        let mine = fin(&task);
        (short(mine), short(thread.join().unwrap()))
    });
}

#[test]
fn whoever_sees_that_the_last_fin_decided_sees_what_every_subtask_did() {
    expect_all("retire, look", &[false, true], || {
        let task = Task::new(2);
        let _ = subtask(&task, 0, 0);
        let other = Arc::clone(&task);
        let thread = thread::spawn(move || {
            let _ = subtask(&other, 1, 0);
        });
        let is_over = task.word.state().is_finished();
        if is_over {
            assert_eq!(task.sum(), 2);
        }
        thread.join().unwrap();
        is_over
    });
}

#[test]
fn whoever_sees_that_a_deferred_task_is_concluded_sees_what_its_subtasks_did() {
    expect_all("conclude, look", &[false, true], || {
        let task = Task::new(2);
        let _ = subtask(&task, 0, 0);
        let other = Arc::clone(&task);
        let thread = thread::spawn(move || {
            let _ = subtask(&other, 1, 1);
            let state = other.word.state();
            assert!(other.word.conclude(1, state).is_some());
        });
        let is_over = task.word.state().is_finished();
        if is_over {
            assert_eq!(task.sum(), 2);
        }
        thread.join().unwrap();
        is_over
    });
}

#[test]
fn an_outcome_is_decided_once_by_whoever_comes_first() {
    let expected = [(Some("completed"), None), (None, Some("failed"))];
    expect_all("finish against failure", &expected, || {
        let task = Task::new(1);
        let name = |outcome| match outcome {
            Outcome::Completed => "completed",
            Outcome::Failed => "failed",
            Outcome::Cancelled => "cancelled",
        };
        let other = Arc::clone(&task);
        let thread = thread::spawn(move || other.word.finish(1, true, false).map(name));
        let mine = task.word.finish(1, false, false).map(name);
        (mine, thread.join().unwrap())
    });
}

#[test]
fn a_released_slot_may_be_written_again() {
    expect_all("release, recycle", &[false, true], || {
        let task = Task::new(1);
        let other = Arc::clone(&task);
        let walker = thread::spawn(move || {
            other.sum();
            other.word.release();
        });
        let released = task.word.state_for_recycling().is_released();
        if released {
            task.write(0);
        }
        walker.join().unwrap();
        released
    });
}

#[test]
fn a_slot_whose_last_token_came_late_may_be_written_again() {
    expect_all("late, recycle", &[false, true], || {
        let task = Task::new(1);
        assert!(task.word.finish(1, true, false).is_some());
        task.word.release();
        let other = Arc::clone(&task);
        let handler = thread::spawn(move || {
            other.sum();
            let late = other.word.retire(1, 0, 64, false).unwrap();
            assert_eq!(late.step, RetireStep::Late);
        });
        let at_rest = task.word.state_for_recycling().is_at_rest();
        if at_rest {
            task.write(0);
        }
        handler.join().unwrap();
        at_rest
    });
}

#[test]
fn whoever_sees_a_life_sees_its_description_and_whoever_sees_its_end_sees_what_it_did() {
    expect_all("open, look", &[(1, false), (1, true), (2, false)], || {
        let task = Task::new(1);
        let other = Arc::clone(&task);
        let thread = thread::spawn(move || {
            other.write(0);
            assert!(other.word.finish(1, false, false).is_some());
            other.write(1);
            other.word.open(2, 1);
        });
        let state = task.word.state();
        if state.is_finished() || state.generation() == 2 {
            // SAFETY: loom fails the model if another thread writes the cell meanwhile.
            assert_eq!(task.work[0].with(|work| unsafe { *work }), 1);
        }
        if state.generation() == 2 {
            // SAFETY: as above.
            assert_eq!(task.work[1].with(|work| unsafe { *work }), 1);
        }
        thread.join().unwrap();
        (state.generation(), state.is_finished())
    });
}

//! The first fault decides the run's error, and it is whole.

use finbox_scheduler::{Fault, FaultCode, FirstFault, TaskId};
use finbox_tests::outcomes::expect_all;
use loom::sync::Arc;
use loom::thread;

#[test]
fn the_first_of_two_faults_wins_and_both_threads_agree_on_it() {
    let fault = |code, task| Fault {
        code,
        task: TaskId::new(0, task),
    };
    let (mine, others) = (
        fault(FaultCode::TaskTimeout, 1),
        fault(FaultCode::MailboxGap, 2),
    );
    expect_all("first fault wins", &["mine", "the other's"], move || {
        let first = Arc::new(FirstFault::default());
        let other = Arc::clone(&first);
        let thread = thread::spawn(move || {
            let won = other.raise(others);
            (won, other.get().expect("one was raised"))
        });
        let won = first.raise(mine);
        let seen = first.get().expect("one was raised");
        let (other_won, other_saw) = thread.join().unwrap();
        assert!(won != other_won, "exactly one of them is the first");
        let winner = if won { mine } else { others };
        assert_eq!((seen, other_saw), (winner, winner));
        if won { "mine" } else { "the other's" }
    });
}

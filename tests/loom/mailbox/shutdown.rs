//! The end of a run while the mailbox is full: what was accepted is delivered, the rest is kept.

use finbox_tests::arena::{drain, push, with_mailbox};
use finbox_tests::outcomes::expect;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;

/// A handler with two messages owed goes on until it is told to stop; its thread is joined before
/// the mailbox is drained for the last time.
#[test]
fn a_stop_while_full_loses_nothing_that_was_accepted() {
    let expected = [(0, vec![0, 1]), (1, vec![0, 1, 2]), (2, vec![0, 1, 2, 3])];
    expect("shutdown while full", &expected, || {
        with_mailbox(2, u64::MAX, |producer, mut consumer| {
            assert!(push(&producer, 0) && push(&producer, 1));
            let stop = Arc::new(AtomicBool::new(false));
            let stopped = Arc::clone(&stop);
            let handler = thread::spawn(move || {
                let mut accepted = 0;
                for task in [2, 3] {
                    if stopped.load(Ordering::Relaxed) || !push(&producer, task) {
                        break;
                    }
                    accepted += 1;
                }
                accepted
            });
            let mut seen = drain(&mut consumer, 2);
            stop.store(true, Ordering::Relaxed);
            let accepted = handler.join().unwrap();
            seen.extend(drain(&mut consumer, 9));
            (accepted, seen)
        })
    });
}

//! Ending a thread that may be about to park, and knowing whom to unpark.

use finbox_mailbox::WakeToken;
use finbox_tests::outcomes::expect;
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;

#[test]
fn a_thread_that_is_about_to_park_sees_the_stop() {
    expect("stop against park", &[(0, false), (1, true)], || {
        let state = Arc::new((WakeToken::default(), AtomicBool::new(false)));
        let sleeper = thread::current();
        let other = Arc::clone(&state);
        let stopper = thread::spawn(move || {
            let (token, stop) = &*other;
            stop.store(true, Ordering::Relaxed);
            let unparked = token.ring();
            if unparked {
                sleeper.unpark();
            }
            unparked
        });
        let (token, stop) = &*state;
        let mut parks = 0;
        loop {
            token.clear();
            if stop.load(Ordering::Relaxed) {
                break;
            }
            if token.try_park() {
                parks += 1;
                thread::park();
            }
        }
        (parks, stopper.join().unwrap())
    });
}

/// Who sleeps, written by the sleeper and read by who must unpark it.
struct Sleeper {
    token: WakeToken,
    name: UnsafeCell<u32>,
}

// SAFETY: loom checks every access of `name`; that it finds no race is what the model shows.
unsafe impl Sync for Sleeper {}
// SAFETY: as above.
unsafe impl Send for Sleeper {}

#[test]
fn whoever_must_unpark_a_thread_knows_which() {
    expect("adopt, park, ring", &[false, true], || {
        let state = Arc::new(Sleeper {
            token: WakeToken::default(),
            name: UnsafeCell::new(0),
        });
        let other = Arc::clone(&state);
        let sleeper = thread::spawn(move || {
            // SAFETY: loom fails the model if another thread touches the cell meanwhile.
            other.name.with_mut(|name| unsafe { *name = 7 });
            let _ = other.token.try_park();
        });
        let must_unpark = state.token.ring();
        if must_unpark {
            // SAFETY: as above.
            assert_eq!(state.name.with(|name| unsafe { *name }), 7);
        }
        sleeper.join().unwrap();
        must_unpark
    });
}

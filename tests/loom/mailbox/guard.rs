//! The try-lock handed from one would-be consumer to the other, and parking against waking.

use finbox_mailbox::{TryLock, WakeToken};
use finbox_tests::arena::{drain, push, with_mailbox};
use finbox_tests::outcomes::expect;
use loom::sync::Arc;
use loom::thread;

#[test]
fn two_would_be_consumers_never_hold_the_consumer_together() {
    let (first, second) = (vec![0], vec![1]);
    let expected = [
        (Some(first.clone()), None),
        (None, Some(first.clone())),
        (Some(first.clone()), Some(second.clone())),
        (Some(second), Some(first)),
    ];
    expect("try-lock", &expected, || {
        with_mailbox(2, 0, |producer, consumer| {
            assert!(push(&producer, 0) && push(&producer, 1));
            let lock = Arc::new(TryLock::new(consumer));
            let others = Arc::clone(&lock);
            let other =
                thread::spawn(move || others.try_lock().map(|mut held| drain(&mut held, 1)));
            let own = lock.try_lock().map(|mut held| drain(&mut held, 1));
            (own, other.join().unwrap())
        })
    });
}

/// A lost wake-up is a deadlock, which loom reports.
#[test]
fn a_sleeper_misses_no_news() {
    let expected = [
        (0, vec![1, 2]),
        (0, vec![2, 1]),
        (1, vec![1, 2]),
        (1, vec![2, 1]),
    ];
    let expected = [&expected[..], &[(2, vec![1, 2]), (2, vec![2, 1])]].concat();
    expect("park, wake", &expected, || {
        with_mailbox(2, 0, |producer, mut consumer| {
            let token = Arc::new(WakeToken::default());
            let ringers = [1, 2].map(|task| {
                let (token, sleeper) = (Arc::clone(&token), thread::current());
                thread::spawn(move || {
                    assert!(push(&producer, task));
                    if token.ring() {
                        sleeper.unpark();
                    }
                })
            });
            let (mut parks, mut seen) = (0, Vec::new());
            while seen.len() < 2 {
                token.clear();
                let news = drain(&mut consumer, 2);
                if news.is_empty() && token.try_park() {
                    parks += 1;
                    thread::park();
                }
                seen.extend(news);
            }
            for ringer in ringers {
                ringer.join().unwrap();
            }
            (parks, seen)
        })
    });
}

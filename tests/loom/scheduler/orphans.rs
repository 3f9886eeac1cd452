//! Orphans: whoever is told that messages were refused sees the task that they belong to retired.

use finbox_scheduler::{Orphans, RetireStep, RetireWord};
use finbox_tests::outcomes::expect_all;
use loom::sync::Arc;
use loom::thread;

#[test]
fn whoever_takes_the_word_of_an_orphan_sees_it_retired() {
    expect_all("retire, say, take", &[(false, true), (true, false)], || {
        let shared = Arc::new((RetireWord::default(), Orphans::default()));
        shared.0.open(1, 1);
        let others = Arc::clone(&shared);
        let handler = thread::spawn(move || {
            let retired = others.0.retire(1, 1, 64, false).unwrap();
            assert_eq!(retired.step, RetireStep::LastDeferred { expected: 1 });
            others.1.say();
        });
        let early = shared.1.take();
        if early {
            assert_eq!(shared.0.state().remaining(), 0, "it retired before");
        }
        handler.join().unwrap();
        (early, shared.1.take())
    });
}

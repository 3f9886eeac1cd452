//! A timeline that reaches a value and then ends: what was reached counts, whoever sees the end.

use finbox_tests::outcomes::expect_all;
use loom::sync::Arc;
use loom::thread;

use crate::chip::Chip;

const TIMELINE: u32 = 3;

#[test]
fn a_point_that_was_reached_counts_for_whoever_sees_the_end() {
    let expected = ["at once", "next time"];
    expect_all("last word against end", &expected, || {
        let mut chip = Chip::new(2, 1);
        chip.port.defer_on(TIMELINE);
        chip.submit_as(&[], |spec| spec.may_defer = 1);
        chip.pass();
        let handler = chip.spawn_handler(|()| {});
        assert_eq!(handler.join().unwrap(), 0, "it defers");
        let (scheduler, port) = (Arc::clone(&chip.scheduler), Arc::clone(&chip.port));
        let launcher = thread::spawn(move || {
            port.count_up();
            scheduler.timeline_ended(TIMELINE);
        });
        chip.pass();
        let completed = chip.dispatcher.ledger().completed;
        launcher.join().unwrap();
        chip.pass();
        let ledger = chip.dispatcher.ledger();
        assert_eq!((ledger.completed, ledger.failed), (1, 0), "it was reached");
        chip.end();
        if completed == 1 {
            "at once"
        } else {
            "next time"
        }
    });
}

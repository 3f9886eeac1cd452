//! The whole FIN path: a core, an engine that is late, a mailbox, and a consumer that reads what
//! the engine wrote.

use finbox_tests::outcomes::expect_all;
use loom::sync::Arc;
use loom::thread;

use crate::chip::Chip;
use crate::wiring::Output;

#[test]
fn a_consumer_starts_behind_a_late_counter_and_sees_what_the_engine_wrote() {
    let expected = ["at once", "next time"];
    expect_all("FIN path, late counter", &expected, || {
        let mut chip = Chip::new(2, 1);
        chip.port.defer();
        let task = chip.submit_as(&[], |spec| spec.may_defer = 1);
        chip.pass();
        assert_eq!(chip.port.rung(), [1]);
        chip.submit(&[task]);
        let (output, port) = (Output::new(), Arc::clone(&chip.port));
        let written = Arc::clone(&output);
        let engine = thread::spawn(move || {
            written.write();
            port.count_up();
        });
        let handler = chip.spawn_handler(|()| {});
        chip.pass();
        let at_once = chip.port.rung().len() == 2;
        if at_once {
            assert_eq!(output.read(), 1);
        }
        assert_eq!(
            handler.join().unwrap(),
            0,
            "it completes through the mailbox"
        );
        engine.join().unwrap();
        chip.pass();
        assert_eq!(chip.port.rung(), [1, 1], "the consumer starts exactly once");
        assert_eq!(chip.dispatcher.ledger().completed, 1);
        chip.end();
        if at_once { "at once" } else { "next time" }
    });
}

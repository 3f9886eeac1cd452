//! Two producers finish while a consumer is being wired behind them.

use finbox_tests::outcomes::expect;
use loom::cell::UnsafeCell;
use loom::sync::Arc;

use crate::chip::Chip;

/// What a kernel writes, without any order of its own.
pub(crate) struct Output(UnsafeCell<u32>);

// SAFETY: loom checks every access; that it finds no race is what the models show.
unsafe impl Sync for Output {}
// SAFETY: as above.
unsafe impl Send for Output {}

impl Output {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(UnsafeCell::new(0)))
    }

    pub(crate) fn write(&self) {
        // SAFETY: loom fails the model if another thread touches the cell meanwhile.
        self.0.with_mut(|output| unsafe { *output = 1 });
    }

    pub(crate) fn read(&self) -> u32 {
        // SAFETY: as above.
        self.0.with(|output| unsafe { *output })
    }
}

/// Four threads' worth of interleavings are too many to try them all: three preemptions.
#[test]
fn a_consumer_wired_while_its_producers_finish_starts_once_and_sees_both() {
    expect(
        "two producers against wiring",
        &["at once", "next time"],
        || {
            let mut chip = Chip::new(5, 2);
            let producers = [chip.submit(&[]), chip.submit(&[])];
            chip.pass();
            assert_eq!(chip.port.rung(), [1, 4], "one producer a cluster");
            let outputs = [Output::new(), Output::new()];
            let handlers = outputs.each_ref().map(|output| {
                let output = Arc::clone(output);
                chip.spawn_handler(move |()| output.write())
            });
            chip.submit(&producers);
            chip.pass();
            let at_once = chip.port.rung().len() == 3;
            if at_once {
                assert_eq!(outputs.each_ref().map(|output| output.read()), [1, 1]);
            }
            handlers.into_iter().for_each(|handler| {
                let _ = handler.join().unwrap();
            });
            chip.pass();
            assert_eq!(
                chip.port.rung().len(),
                3,
                "the consumer starts exactly once"
            );
            chip.end();
            if at_once { "at once" } else { "next time" }
        },
    );
}

//! A processor that stops for good, dies, or is given another thread (C8, C10).

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::fixture::{Device, FENCE, LONG_NS, Memory, NO_OP, StepClock, launch};
use crate::command::{
    Arrival, Cause, Halt, HostClock, Packet, Processor, SubmitError, run_threaded,
};

/// Enough for a thread to begin.
const SECOND_NS: u64 = 1_000_000_000;

const REACHED: Result<Arrival, Halt> = Ok(Arrival::Reached {
    position: 2,
    not_reached: 0,
});

/// The ring, `[launch, FENCE]` in it and a packet behind them that is none.
fn with_a_bad_one_behind(memory: &mut Memory) -> (u64, Processor<'_, Device<'_>>) {
    let (submitter, processor) = memory.ring(0, Device::default());
    let end = submitter.submit(&[launch(1), FENCE]).unwrap().end();
    drop(submitter.producer().claim(1));
    (end, processor)
}

#[test]
fn c8_a_target_that_was_reached_is_reached_whatever_stands_behind_it() {
    let mut memory = Memory::new(8);
    let (end, mut processor) = with_a_bad_one_behind(&mut memory);
    processor.turn(None, 1);
    let halt = processor.snapshot().halt.expect("a bad packet");
    assert_eq!(
        processor.drain_until(end, 0, &StepClock::default()),
        REACHED
    );
    let behind = processor.drain_until(end + 1, 0, &StepClock::default());
    assert_eq!(behind, Err(halt));

    let mut memory = Memory::new(8);
    let (end, mut processor) = with_a_bad_one_behind(&mut memory);
    let ended = run_threaded(&mut processor, &HostClock::start(), |served| {
        let behind = served.drain_until(end + 1, LONG_NS);
        (behind, served.drain_until(end, LONG_NS))
    });
    assert_eq!(ended.unwrap(), (Err(halt), REACHED));
}

#[test]
fn c10_a_thread_that_dies_halts_its_ring_at_the_packet_that_it_died_at() {
    let mut memory = Memory::new(8);
    let (submitter, mut processor) = memory.ring(0, Device::that_panics());
    submitter.submit(&[NO_OP, launch(13), NO_OP]).unwrap();
    let mut drained = None;
    let died = catch_unwind(AssertUnwindSafe(|| {
        run_threaded(&mut processor, &HostClock::start(), |served| {
            drained = Some(served.drain_until(3, SECOND_NS));
        })
    }));
    assert!(died.is_err(), "the panic goes on behind the body");
    let halt = drained.unwrap().unwrap_err();
    assert_eq!(
        (halt.place.position, halt.behind, halt.cause),
        (1, 1, Cause::Panicked)
    );
    let before = processor.drain_until(1, 0, &StepClock::default());
    assert!(matches!(before, Ok(Arrival::Reached { position: 1, .. })));
    assert_eq!(submitter.submit(&[NO_OP]), Err(SubmitError::Halted));
}

#[test]
fn a_processor_that_came_back_is_drained_and_a_second_thread_is_refused() {
    let mut memory = Memory::new(8);
    let (submitter, mut processor) = memory.ring(0, Device::default());
    let clock = HostClock::start();
    let submit = |packet: Packet| submitter.submit(&[packet]).unwrap().end();
    let end = submit(NO_OP);
    let ended = run_threaded(&mut processor, &clock, |served| {
        served.drain_until(end, LONG_NS)
    });
    assert!(ended.unwrap().is_ok());
    let end = submit(NO_OP);
    let again = run_threaded(&mut processor, &clock, |_| ()).unwrap_err();
    assert!(again.to_string().contains("one bell"), "{again}");
    assert_eq!(processor.drain_until(end, 0, &clock), REACHED);
}
